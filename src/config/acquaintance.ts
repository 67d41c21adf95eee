/**
 * Acquaintance: who the config servers are, to each other.
 *
 * A founder knows the numbers of the others and where they are; who adds one tells where it will be. All else (the address for clients, the zone,
 * the disk) each says itself, to the leader, once it is part of the cluster and whenever it has changed. It can speak for itself only:
 * the leader goes by the number that the connection has proved, not by the words.
 *
 * One that is removed is followed until Raft has let it go, so that it hears of it. Who leads is known by that. And who knows no leader
 * lets in numbers that it does not know: it may have missed that they were added, and one of them may lead.
 */
import { assert, type Random, type World } from '../base';
import { membersOf, NOBODY, type NodeId, type RaftNode } from '../raft';
import type { PeerNetwork } from './control-host';
import type { Passing } from './passing';
import type { ConfigMember } from './records';
import type { ConfigState } from './state';

/** Who a config server is. */
export interface ControlIdentity {
  readonly id: NodeId;
  readonly zone: string;
  /** `host:port` where clients reach it. */
  readonly address: string;
  /** `host:port` where peers reach it; '' for one that has none. */
  readonly peerAddress: string;
  /** Names its disk. */
  readonly incarnation: string;
  /** The founders of the cluster, this node among them; only their numbers and addresses for peers count. */
  readonly initialConfigs: readonly ConfigMember[];
  /** It founds nothing, and waits to be added to a cluster. */
  readonly isJoining: boolean;
}

/** The config server whose acquaintance it is. */
export interface AcquaintanceHost {
  readonly world: World;
  readonly state: ConfigState;
  readonly raft: RaftNode;
  readonly leader: NodeId;
  readonly peers: PeerNetwork;
}

/** What a config server says of itself; clients cannot, as the words are no command. */
const ANNOUNCE = ['CONFIG', 'ANNOUNCE'] as const;
const ANNOUNCE_MS = 500;
const ANNOUNCE_PATIENCE_MS = 3000;

export class Acquaintance {
  /** Where peers were last known to be. */
  private readonly addresses = new Map<NodeId, string>();
  private isAnnouncing = false;
  private cancelAnnounce: (() => void) | null = null;

  constructor(
    private readonly host: AcquaintanceHost,
    private readonly self: ControlIdentity,
    private readonly passing: Passing,
  ) {
    for (const { id, peerAddress } of self.initialConfigs) this.addresses.set(id, peerAddress);
  }

  start(): void {
    this.follow();
    this.cancelAnnounce = this.host.world.timers.every(ANNOUNCE_MS, () => this.announce());
  }

  stop(): void {
    this.cancelAnnounce?.();
  }

  /** Keeps connections to whom the state and Raft name. */
  follow(): void {
    const { state, raft, peers: network } = this.host;
    const { configs } = state;
    for (const { id, peerAddress } of configs) if (peerAddress !== '') this.addresses.set(id, peerAddress);
    const known = new Set([...configs.map(({ id }) => id), ...membersOf(raft.membership), raft.leader]);
    const peers = Array.from(known, (id) => ({
      id,
      address: this.addresses.get(id) ?? '',
      incarnation: configs.find((config) => config.id === id)?.incarnation ?? '',
    }));
    const isWaiting = this.self.isJoining && !configs.some(({ id }) => id === this.self.id);
    network.follow(
      peers.filter(({ id }) => id !== this.self.id && id !== NOBODY),
      isWaiting || raft.leader === NOBODY,
    );
  }

  /** Says who this node is, if the state has it otherwise. One that the state does not name waits. */
  private announce(): void {
    const { id, peerAddress, address, zone, incarnation } = this.self;
    const known = this.host.state.configs.find((config) => config.id === id);
    const isKnown =
      known?.peerAddress === peerAddress &&
      known.address === address &&
      known.zone === zone &&
      known.incarnation === incarnation;
    if (known === undefined || isKnown || this.isAnnouncing || this.host.leader === NOBODY) return;
    this.isAnnouncing = true;
    const words = [...ANNOUNCE, peerAddress, address, zone, incarnation];
    const request = { words, by: `config server ${id}`, requestId: '' };
    this.passing.ask(request, true, ANNOUNCE_PATIENCE_MS, (answer) => {
      this.isAnnouncing = false;
      if (answer.kind === 'error') {
        this.host.world.log('warning', `This config server is not accepted: ${answer.text}`);
      }
    });
  }
}

/** What the config server `from` says of itself; null where the words are something else. */
export function announcementOf(words: readonly string[], from: NodeId): ConfigMember | null {
  const [first, second, peerAddress, address, zone, incarnation] = words;
  if (first !== ANNOUNCE[0] || second !== ANNOUNCE[1] || words.length !== ANNOUNCE.length + 4) return null;
  return { id: from, peerAddress, address, zone, incarnation };
}

/**
 * What founders begin with. The same for all of them, so it names them by number only; one that is alone has nobody to agree with.
 * @param initial what there is to begin with
 */
export function foundingState(self: ControlIdentity, initial: ConfigState, random: Random): ConfigState {
  const { id, initialConfigs, address, peerAddress, zone, incarnation } = self;
  if (initialConfigs.length === 1) {
    assert(initialConfigs[0].id === id, 'a founder is among the founders');
    const clusterId = random.identifier();
    return initial.with({ clusterId, configs: [{ id, address, peerAddress, zone, incarnation }] });
  }
  const unknown = { peerAddress: '', address: '', zone: '', incarnation: '' };
  const configs = initialConfigs.map((config) => ({ id: config.id, ...unknown }));
  return initial.with({ configs: configs.sort((a, b) => a.id - b.id) });
}
