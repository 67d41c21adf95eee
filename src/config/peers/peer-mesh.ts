/**
 * PeerMesh: the connections of a config server to all the others, one to each.
 *
 * Both sides dial whom they follow and have no connection to, so either can bring back what broke, and a node that knows nobody yet
 * is found. When two dial each other at once the lower number decides, and always as the higher will see it: once it has sent its proof it
 * declines what the other dialled in the meantime, before that it gives up its own attempt. The higher takes whatever the lower
 * has proved. What comes after a link stood is news that the peer has lost it, or is a new process, and replaces it.
 *
 * A known number with another incarnation is a stranger: a disk that was lost took promises with it (Raft's votes and log). The
 * first that shows itself under a number whose incarnation nobody knows is taken for it, and reported.
 */
import { assert, isPlanted, type World } from '../../base';
import type { Address, Connection, ConnectionHandler, Listener } from '../../net';
import type { NodeId } from '../../raft';
import type { PeerMessage, PeerNetwork } from '../control-host';
import { StrangerLog } from '../stranger-log';
import { Dialing } from './dialing';
import { AcceptorHandshake, DialerHandshake, type PeerIdentity, type PeerProof } from './handshake';
import { PeerLink, type LinkEnding, type LinkOwner } from './peer-link';
import type { PeerSockets } from './sockets';

export interface PeerMeshOptions extends PeerIdentity {
  /** Raft's; silence is counted in it. */
  readonly heartbeatMs?: number;
}

/** A peer as `follow` names it. */
export type FollowedPeer = Parameters<PeerNetwork['follow']>[0][number];

const HEARTBEAT_MS = 50;
const PING_AFTER_HEARTBEATS = 4;
const SILENT_AFTER_HEARTBEATS = 20;
/** Connections that have not proved themselves, at a time; the oldest makes room for the newest. */
const GREETING_MAX = 64;
const HANDSHAKE_MS_MAX = 1000;
const UNGUARDED = 'without a secret, and without certificates, only config servers of this machine are spoken to';

interface Peer {
  readonly id: NodeId;
  followed: FollowedPeer;
  /** Null where it is not known, or is none: then it is for the peer to dial. */
  address: Address | null;
  readonly dialing: Dialing;
}

export class PeerMesh implements PeerNetwork, LinkOwner {
  onMessage: PeerNetwork['onMessage'] = () => undefined;
  onGone: PeerNetwork['onGone'] = () => undefined;
  /** A connection to that node stands, and this is the incarnation that it proved to have. */
  onIncarnation: (node: NodeId, incarnation: string) => void = () => undefined;
  readonly handshakeMsMax = HANDSHAKE_MS_MAX;

  private letsInUnknown = false;
  private readonly peers = new Map<NodeId, Peer>();
  /** Those that are proven. */
  private readonly links = new Map<NodeId, PeerLink>();
  /** Those that came and have not proved themselves, oldest first. */
  private readonly greeting = new Set<PeerLink>();
  /** The first incarnation that was seen of each node. */
  private readonly seen = new Map<NodeId, string>();
  private readonly strangers: StrangerLog;
  private readonly isGuarded: boolean;
  private readonly beatMs: number;
  private readonly silentAfterMs: number;
  private lastBeatAtMs: number;
  private readonly cancelBeat: () => void;
  private listener: Listener | null = null;
  private isClosed = false;
  /** Numbers what happens to links, for the order. */
  private happenings = 0;

  constructor(
    readonly world: Pick<World, 'clock' | 'timers' | 'random' | 'log'>,
    private readonly options: PeerMeshOptions,
    private readonly sockets: PeerSockets,
  ) {
    const { heartbeatMs = HEARTBEAT_MS, secret } = options;
    this.strangers = new StrangerLog(world, 'config servers');
    this.isGuarded = secret !== '' || sockets.areVouchedFor;
    this.beatMs = heartbeatMs * PING_AFTER_HEARTBEATS;
    this.silentAfterMs = heartbeatMs * SILENT_AFTER_HEARTBEATS;
    this.lastBeatAtMs = world.clock.monotonicMs();
    this.cancelBeat = world.timers.every(this.beatMs, () => this.beat());
  }

  /** Listens for peers. Resolves with the address; rejects with LISTEN_FAILED. */
  async listen(address: Address): Promise<Address> {
    if (!this.isGuarded) this.world.log('warning', `There is no cluster secret: ${UNGUARDED}`);
    this.listener = await this.sockets.listen(address, (connection) => this.accept(connection));
    return this.listener.address;
  }

  /** Who has no address, or one that is not `host:port`, is let in and not dialled. */
  follow(peers: readonly FollowedPeer[], letsInUnknown = false): void {
    this.letsInUnknown = letsInUnknown;
    const others = peers.filter(({ id }) => id !== this.options.id);
    for (const [id, { dialing }] of this.peers) {
      if (others.some((peer) => peer.id === id)) continue;
      this.peers.delete(id);
      dialing.stop('that node is no longer followed');
    }
    for (const followed of others) this.followOne(followed);
    for (const link of this.links.values()) {
      const objection = this.objection(link.peer!);
      if (objection !== null) link.leave(objection);
    }
    for (const peer of this.peers.values()) {
      if (!this.links.has(peer.id)) reach(peer);
    }
  }

  send(to: NodeId, message: PeerMessage): void {
    this.links.get(to)?.send(message);
  }

  /** Those to whom a connection stands. */
  get connected(): readonly NodeId[] {
    return [...this.links.keys()];
  }

  /** Ends all connections, and lets nobody in any more. Resolves when the port is closed. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelBeat();
    for (const { dialing } of this.peers.values()) dialing.stop('this node ends');
    // Without a farewell: this process is gone for good, and whoever follows it should know at once.
    for (const link of [...this.greeting, ...this.links.values()]) link.refuse('this node ends');
    await this.listener?.close();
  }

  linkStands(link: PeerLink): void {
    const { node, incarnation } = link.peer!;
    this.greeting.delete(link);
    link.stoodAt = ++this.happenings;
    const standing = this.links.get(node);
    this.links.delete(node);
    standing?.leave('another connection takes its place');
    this.links.set(node, link);
    if (!this.seen.has(node)) this.seen.set(node, incarnation);
    const dialing = this.peers.get(node)?.dialing;
    if (dialing !== undefined) {
      dialing.rest();
      if (link.isDialed) dialing.attempt = null;
      else dialing.stop('the connection that the other dialled stands');
    }
    if (standing === undefined) this.world.log('notice', `Connected to config server ${node} (${link.address})`);
    this.onIncarnation(node, incarnation);
  }

  linkSays(link: PeerLink, message: PeerMessage): void {
    const { node } = link.peer!;
    if (message.kind === 'raft') {
      const { from, to } = message.message;
      if (from !== node || to !== this.options.id) {
        link.leave(`node ${node} sent a message from node ${from} to node ${to}`);
        return;
      }
    }
    this.onMessage(node, message);
  }

  linkEnded(link: PeerLink, ending: LinkEnding): void {
    this.greeting.delete(link);
    if (this.isClosed) return;
    const { kind, reason } = ending;
    if (kind === 'stranger' && !link.isDialed) this.strangers.refused(link.address, reason);
    if (link.peer !== null) {
      this.linkLost(link, link.peer.node, ending);
      return;
    }
    for (const { id, followed, dialing } of this.peers.values()) {
      if (dialing.attempt !== link) continue;
      if (this.links.has(id)) {
        dialing.attempt = null;
        return;
      }
      const level = dialing.isFailing ? 'verbose' : 'notice';
      this.world.log(level, `Cannot reach config server ${id} (${followed.address}): ${reason}`);
      dialing.failed();
      if (kind === 'gone') this.onGone(id);
      return;
    }
  }

  private linkLost(link: PeerLink, node: NodeId, { kind, reason }: LinkEnding): void {
    if (this.links.get(node) !== link) return;
    this.links.delete(node);
    this.world.log('notice', `Lost the connection to config server ${node}: ${reason}`);
    const peer = this.peers.get(node);
    if (peer !== undefined) reach(peer);
    if (kind === 'gone') this.onGone(node);
  }

  private followOne(followed: FollowedPeer): void {
    const { id } = followed;
    const known = this.peers.get(id);
    const hasMoved = known?.followed.address !== followed.address;
    const address = parseAddress(followed.address);
    if (hasMoved && address === null && followed.address !== '') {
      this.world.log('warning', `'${followed.address}', of config server ${id}, is no address: host:port`);
    }
    if (known === undefined) {
      this.peers.set(id, { id, followed, address, dialing: new Dialing(this.world, () => this.dial(id)) });
      return;
    }
    known.followed = followed;
    known.address = address;
    if (hasMoved) known.dialing.stop('it has another address');
  }

  private dial(id: NodeId): PeerLink {
    const { address } = this.peers.get(id)!;
    assert(address !== null, 'who has no address is not dialled');
    const handshake = new DialerHandshake(this.options, id, (proof) => this.objection(proof));
    const link = new PeerLink(this, handshake, handshake.hello);
    this.sockets.connect(address, link, (connection) => {
      if (!this.isGuarded && !connection.isLocal) link.refuse(UNGUARDED);
      link.opened(connection);
    });
    return link;
  }

  private accept(connection: Connection): ConnectionHandler {
    const handshake = new AcceptorHandshake(
      this.options,
      (proof) => this.objection(proof),
      (proof) => this.rivalOf(link, proof),
    );
    const link = new PeerLink(this, handshake, null);
    link.acceptedAt = ++this.happenings;
    link.opened(connection);
    this.greeting.add(link);
    if (this.isClosed || !(this.isGuarded || connection.isLocal)) {
      link.refuse(UNGUARDED);
    } else if (this.greeting.size > GREETING_MAX) {
      for (const oldest of this.greeting) {
        oldest.refuse('too many connections have not proved themselves');
        break;
      }
    }
    return link;
  }

  private objection({ node, incarnation }: PeerProof): string | null {
    if (node === this.options.id) return `node ${node} is this node itself`;
    const peer = this.peers.get(node);
    if (peer === undefined && !this.letsInUnknown) return `node ${node} is not known here`;
    const told = peer === undefined ? '' : peer.followed.incarnation;
    const expected = told === '' ? (this.seen.get(node) ?? incarnation) : told;
    if (expected === incarnation || isPlanted('stranger-incarnation-accepted')) return null;
    return `node ${node} has another disk than the one it is known by`;
  }

  /** Why what a peer dialled is not needed; null where it is. */
  private rivalOf(link: PeerLink, { node }: PeerProof): string | null {
    if (node < this.options.id) return null;
    const standing = this.links.get(node);
    const isProved = this.peers.get(node)?.dialing.attempt?.hasProved === true;
    const isOlder = standing !== undefined && standing.isDialed && link.acceptedAt < standing.stoodAt;
    return isProved || isOlder ? 'both dialled, and one connection is enough' : null;
  }

  private beat(): void {
    const nowMs = this.world.clock.monotonicMs();
    const wasStalled = nowMs - this.lastBeatAtMs > this.beatMs + this.silentAfterMs / 2;
    this.lastBeatAtMs = nowMs;
    for (const link of this.links.values()) {
      if (wasStalled) link.forgiveSilence();
      link.beat(this.beatMs, this.silentAfterMs);
    }
  }
}

function reach({ address, dialing }: Peer): void {
  if (address !== null) dialing.begin();
}

function parseAddress(text: string): Address | null {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const port = parts === null ? 0 : Number(parts[3]);
  return parts === null || port < 1 || port > 65535 ? null : { host: parts[1] ?? parts[2], port };
}
