/**
 * ConfigMember: a machine with a real ControlPlane on it: Raft, the state, monitor, leases, failover and all; its disk, its peers and its
 * clients are simulated.
 *
 * Peers are connected as the real mesh connects them: both know each other, or one of them waits to be added and lets in whoever comes, and
 * at least one knows where the other is.
 */
import { Random, silentLog, type World } from '../../base';
import {
  controlParts,
  ControlPlane,
  type ConfigMember as ConfigRecord,
  type ConfigState,
  type PeerMessage,
  type PeerNetwork,
  type ServerDialer,
} from '../../config';
import type { NodeId } from '../../raft';
import { SimulatedDisk } from '../disk';
import { MemberDisk, type DiskPlan } from '../member-disk';
import type { CheckedNode, RaftChecks } from '../raft/raft-checks';
import type { LineEnd, LineEvents, LineHost } from '../simulated-lines';
import type { SimulatedMachine } from '../simulated-machine';
import type { SimulatedNetwork } from '../simulated-network';

/** What a follower says on its line, and hears. */
export interface FollowerRequest {
  readonly number: number;
  readonly words: readonly string[];
}
export type FollowerMessage =
  | {
      readonly kind: 'answer';
      readonly number: number;
      readonly values: readonly (string | number)[];
      readonly error: string;
    }
  | { readonly kind: 'view'; readonly state: ConfigState };

export interface ConfigSurroundings {
  readonly network: SimulatedNetwork;
  readonly raftChecks: RaftChecks;
  readonly swarm: DiskPlan;
  readonly founders: readonly ConfigRecord[];
  readonly initialState: ConfigState;
  config(id: NodeId): ConfigMember;
  dialer(member: ConfigMember): ServerDialer;
  /** The state of a config server has changed. */
  stateChanged(member: ConfigMember): void;
  elected(member: ConfigMember): void;
  /** It has begun to save something. */
  saves(member: ConfigMember): void;
  /** Its disk failed: the process must end. */
  failed(member: ConfigMember): void;
}

export class ConfigMember implements LineHost {
  plane: ControlPlane | null = null;
  isPowered = true;
  /** Somebody has started it, and will do so again. */
  isWanted = false;
  /** It has taken up its log. */
  isRunning = false;
  readonly disk: MemberDisk;
  /** Where it is for clients, and for peers. */
  readonly address: string;
  readonly peerAddress: string;
  private readonly peers: PeerNetwork;
  private readonly followers = new Set<LineEnd>();
  private followed = new Set<NodeId>();
  private letsInUnknown = false;
  private ledTerm = -1;

  /** @param isFounder else it waits to be added */
  constructor(
    readonly id: NodeId,
    readonly machine: SimulatedMachine,
    private readonly around: ConfigSurroundings,
    private readonly random: Random,
    private readonly isFounder: boolean,
  ) {
    this.address = `10.1.0.${id}:6390`;
    this.peerAddress = `10.1.0.${id}:16390`;
    this.disk = new MemberDisk(this, around.swarm, around.raftChecks, random);
    this.peers = {
      send: (to, message) => this.send(to, message),
      onMessage: () => undefined,
      onGone: () => undefined,
      follow: (peers, letsInUnknown) => {
        this.followed = new Set(peers.map((peer) => peer.id));
        this.letsInUnknown = letsInUnknown;
      },
    };
  }

  get accept(): ((end: LineEnd) => LineEvents) | null {
    return this.plane === null ? null : (end) => this.welcome(end);
  }

  boot(): void {
    const { machine, random, around, id, address, peerAddress, isFounder } = this;
    const { founders, initialState } = around;
    if (!machine.isUp) machine.boot();
    this.isPowered = true;
    this.isWanted = true;
    this.ledTerm = -1;
    const { clock, timers } = machine;
    const files = new SimulatedDisk(new Random(0));
    const world: World = { clock, timers, random: new Random(random.uint32()), files, log: silentLog };
    const storage = this.disk.open();
    const { incarnation } = this.disk;
    const initialConfigs = isFounder ? founders : [];
    const plane = new ControlPlane(
      world,
      { id, zone: '', address, peerAddress, incarnation, initialConfigs, isJoining: !isFounder },
      { storage, peers: this.peers, dial: around.dialer(this), makeParts: controlParts },
      { initialState },
    );
    this.plane = plane;
    plane.onChange = () => this.changed();
    plane.onFailed = () => around.failed(this);
    plane.start((error) => {
      this.isRunning = error === null;
      if (error === null) this.watchElections(plane);
      else around.failed(this);
    });
  }

  /** Ends the process, or the machine; others may notice. */
  die(kill: 'process' | 'power'): void {
    this.isPowered = kill === 'process';
    this.disk.crash(kill);
    this.machine.die();
    this.plane = null;
    this.isRunning = false;
    this.followers.clear();
    this.followed.clear();
    this.peers.onMessage = () => undefined;
    this.peers.onGone = () => undefined;
  }

  noticeGone(id: NodeId): void {
    this.machine.run(() => this.peers.onGone(id));
  }

  checked(): CheckedNode {
    return this.plane!.raft;
  }

  saves(): void {
    this.around.saves(this);
  }

  private watchElections({ raft }: ControlPlane): void {
    const { raftChecks } = this.around;
    const { onLeader } = raft;
    raft.onLeader = (leader, term) => {
      onLeader(leader, term);
      if (!raft.isLeader || this.ledTerm === term) return;
      this.ledTerm = term;
      raftChecks.becameLeader(raft);
      this.around.elected(this);
    };
  }

  private changed(): void {
    const { state, raft } = this.plane!;
    this.around.raftChecks.advanced(raft);
    this.around.stateChanged(this);
    for (const end of this.followers) {
      if (end.isClosed) this.followers.delete(end);
      else end.send({ kind: 'view', state } satisfies FollowerMessage);
    }
  }

  private welcome(end: LineEnd): LineEvents {
    this.followers.add(end);
    end.send({ kind: 'view', state: this.plane!.state } satisfies FollowerMessage);
    return {
      arrived: (payload) => this.serve(end, payload as FollowerRequest),
      closed: () => this.followers.delete(end),
    };
  }

  private serve(end: LineEnd, { number, words }: FollowerRequest): void {
    this.plane!.request(words, 'a follower', (answer) => {
      const values =
        answer.kind === 'value' && Array.isArray(answer.value) ? (answer.value as (string | number)[]) : [];
      const error = answer.kind === 'error' ? answer.text : '';
      end.send({ kind: 'answer', number, values, error } satisfies FollowerMessage);
    });
  }

  private send(to: NodeId, message: PeerMessage): void {
    const { network, raftChecks } = this.around;
    if (message.kind === 'raft') {
      raftChecks.advanced(this.plane!.raft);
      raftChecks.sent(this.plane!.raft, message.message);
    }
    const target = this.around.config(to);
    network.send(this.machine, target.machine, () => target.receive(this, message));
  }

  private receive(from: ConfigMember, message: PeerMessage): void {
    if (this.plane === null || !this.isConnectedTo(from)) return;
    if (message.kind === 'raft') this.around.raftChecks.received(this.plane.raft, message.message);
    this.peers.onMessage(from.id, message);
  }

  private isConnectedTo(other: ConfigMember): boolean {
    // What the other said before it died has been on its way.
    if (other.plane === null) return this.admits(other);
    const isDialed = this.followed.has(other.id) || other.followed.has(this.id);
    return isDialed && this.admits(other) && other.admits(this);
  }

  private admits({ id }: ConfigMember): boolean {
    return this.followed.has(id) || this.letsInUnknown;
  }
}
