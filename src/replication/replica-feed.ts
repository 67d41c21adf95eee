/**
 * ReplicaFeed: one replica, as its master knows it: what it said about itself, how far it is, and how far it was sent the stream.
 *
 * A connection is a replica's from its first REPLCONF on (`greeting`), and counts as one when it has asked for the stream:
 *
 *   greeting ─ PSYNC ─┬─ goes on from an offset that the backlog has ──────────────────────────────→ online
 *                     └─ waiting ─┬─ receiving a snapshot as it is made ─ received ─ its ACK ────→ online
 *                                 └─ saving ─ fetching the file ─ the last byte ─────────────────→ online
 *
 * After a snapshot that ends with a mark nothing is sent before the replica has acknowledged: it looks for the mark at the end of
 * what it reads, so nothing may stand behind it. From any state a feed may be `gone`.
 *
 * Nothing of the stream is copied for a replica: `position` says where in the backlog it is, and bytes are lent to the
 * connection from there. So the backlog must keep what the connection has not sent yet (`neededFrom`).
 */
import type { ByteSink } from '../base';
import type { Backlog } from './backlog';
import type { FileTransfer } from './file-transfer';

/** The connection of a replica. */
export interface ReplicaConnection extends ByteSink {
  readonly remoteAddress: string;
  /** Bytes that were written and that the peer's machine has not taken yet. */
  readonly unsentBytes: number;
  /** Closes after what was written has been sent. */
  end(): void;
  /** Sends what was written and that nothing follows; closes when the peer does. */
  finish(): void;
  destroy(): void;
}

/** See the picture above. */
export type FeedState = 'greeting' | 'waiting' | 'saving' | 'receiving' | 'fetching' | 'received' | 'online' | 'gone';

/** A connection with more than this to send is given nothing: what it must be given stays where it is. */
export const UNSENT_BYTES_EASY = 64 * 1024;
/** What is written at once, and in one go: a replica that was away may lack hundreds of megabytes. */
const WRITE_BYTES_MAX = 256 * 1024;
const GO_BYTES_MAX = 2 * 1024 * 1024;

export class ReplicaFeed {
  state: FeedState = 'greeting';
  /** What REPLCONF said. */
  listeningPort = 0;
  announcedAddress = '';
  knowsEndMark = false;
  knowsPsync2 = false;
  /** It wants a snapshot and nothing behind it. */
  wantsOnlySnapshot = false;
  /** What is to be in the snapshot. */
  wantsKeys = true;
  wantsFunctions = true;
  version = '';
  /** It came with SYNC, knows of no offsets, and may never acknowledge anything. */
  isOld = false;
  /** Offsets that it has said it has: done, and on its disk. */
  ackedOffset = 0;
  ackedDiskOffset = 0;
  /** When it was last heard of, since when it waits, and when its connection was last seen to move (monotonic ms). */
  ackedAtMs = 0;
  waitsSinceMs = 0;
  movedAtMs = 0;
  /** The offset of the next byte of the stream that its connection will be given. */
  position = 0;
  /** The file that it is sent, while it is fetching. */
  transfer: FileTransfer | null = null;

  /** What its connection had to send when it was last looked at. */
  private unsentSeen = 0;

  constructor(readonly connection: ReplicaConnection) {}

  /** Whether it wants less than everything: such a snapshot is never saved. */
  get wantsFiltered(): boolean {
    return !this.wantsKeys || !this.wantsFunctions;
  }

  /** Whether it is one of the node's replicas. */
  get isAttached(): boolean {
    return this.state !== 'greeting' && this.state !== 'gone';
  }

  /** Whether the stream from `position` on is kept for it. */
  get needsStream(): boolean {
    return this.isAttached && this.state !== 'waiting' && !this.wantsOnlySnapshot;
  }

  /** Whether it has the snapshot, or needed none. In Redis' words such a replica is online, whether or not it has said so itself. */
  get isServed(): boolean {
    return this.state === 'online' || this.state === 'received';
  }

  /** The least offset of which the backlog must keep the byte for it. */
  get neededFrom(): number {
    return this.needsStream ? this.position - this.connection.unsentBytes : Infinity;
  }

  /** The host that it is reached at. */
  get address(): string {
    if (this.announcedAddress !== '') return this.announcedAddress;
    const { remoteAddress } = this.connection;
    return remoteAddress.slice(0, remoteAddress.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  }

  /** What the log calls it. */
  get name(): string {
    return `${this.address}:${this.listeningPort === 0 ? '<unknown-replica-port>' : this.listeningPort}`;
  }

  /** Bytes that wait for it: with its connection, and in the backlog. */
  bytesBehind(backlog: Backlog | null): number {
    const inBacklog = backlog === null || !this.needsStream ? 0 : backlog.end - this.position;
    return inBacklog + this.connection.unsentBytes;
  }

  /**
   * Hands what there is of the stream to the connection, unless that has enough to send; returns how many bytes. Where it
   * could take more than is handed over at once, `mayGoOn` of this feed is true afterwards.
   */
  sendFrom(backlog: Backlog): number {
    const { connection, position } = this;
    const goEnd = Math.min(backlog.end, position + GO_BYTES_MAX);
    while (this.position < goEnd && connection.unsentBytes <= UNSENT_BYTES_EASY) {
      this.position = backlog.send(this.position, Math.min(WRITE_BYTES_MAX, goEnd - this.position), connection);
    }
    return this.position - position;
  }

  /** Hands all there is of the stream to the connection, for the last time; returns how many bytes. */
  sendRest(backlog: Backlog): number {
    const { position } = this;
    this.position = backlog.send(position, backlog.end - position, this.connection);
    return this.position - position;
  }

  /** Whether there is something to send, and the connection would take it. */
  mayGoOn(backlog: Backlog): boolean {
    return this.position < backlog.end && this.connection.unsentBytes <= UNSENT_BYTES_EASY;
  }

  /** Looks whether the connection moves; to be called regularly. */
  watch(nowMs: number): void {
    const { unsentBytes } = this.connection;
    if (unsentBytes === 0 || unsentBytes < this.unsentSeen) this.movedAtMs = nowMs;
    this.unsentSeen = unsentBytes;
  }
}
