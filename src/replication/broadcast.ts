/**
 * Broadcast: one snapshot, sent to several replicas while it is being made, with no file between (Redis' diskless replication).
 *
 * How long it will be nobody knows, so it begins with a mark of forty characters drawn by chance, `$EOF:<mark>`, and ends with
 * the same. All receivers are lent the same bytes. The slowest sets the pace: while the connection of any has a few megabytes to
 * send, no more should be made (`isBehind`); one that does not move at all is dropped by who watches it, and left out here.
 *
 * The bytes go through blocks that are used again once every connection has sent them: memory that is made anew for each piece
 * makes the garbage collector stop the node for up to 18 ms now and then (measured, 90 MB in a second).
 */
import Denque from 'denque';
import { ascii, copyBytes, widen } from '../base';
import type { SnapshotSink } from '../storage';
import type { ReplicaFeed } from './replica-feed';

/** A receiver with more than this to send is behind. */
const UNSENT_BYTES_MAX = 2 * 1024 * 1024;
const BLOCK_BYTES = 128 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  length: number;
  /** Bytes of the broadcast up to its end. */
  end: number;
}

export class Broadcast implements SnapshotSink {
  /** Bytes that were sent, to all receivers together. */
  sentBytes = 0;
  private readonly mark: Uint8Array;
  /** Bytes that receivers were lent, each of them. */
  private lentBytes = 0;
  private block: Block | null = null;
  /** Blocks that connections may still be sending from, in order. */
  private readonly lent = new Denque<Block>();

  /** @param mark forty characters */
  constructor(
    private readonly receivers: readonly ReplicaFeed[],
    mark: string,
  ) {
    this.mark = ascii(mark);
    this.write(ascii(`$EOF:${mark}\r\n`));
    this.lend();
  }

  /** Who is still there. */
  get present(): readonly ReplicaFeed[] {
    return this.receivers.filter(({ state }) => state === 'receiving');
  }

  get isBehind(): boolean {
    for (const { connection, state } of this.receivers) {
      if (state === 'receiving' && connection.unsentBytes > UNSENT_BYTES_MAX) return true;
    }
    return false;
  }

  /** Takes bytes; the memory may be used again. */
  write(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length;) {
      const block = (this.block ??= this.freeBlock());
      const end = Math.min(bytes.length, at + BLOCK_BYTES - block.length);
      block.length = copyBytes(bytes, at, end, block.bytes, block.length);
      at = end;
      if (block.length === BLOCK_BYTES) this.lend();
    }
    return true;
  }

  /** The snapshot is complete: says so to the receivers. */
  end(): void {
    this.write(this.mark);
    this.lend();
  }

  /** Hands what has gathered to the connections. */
  private lend(): void {
    const { block } = this;
    if (block === null) return;
    this.block = null;
    const bytes = block.length === BLOCK_BYTES ? block.bytes : block.bytes.subarray(0, block.length);
    this.lentBytes += bytes.length;
    for (const { connection, state } of this.receivers) {
      if (state !== 'receiving') continue;
      connection.write(bytes);
      this.sentBytes += bytes.length;
    }
    block.end = this.lentBytes;
    this.lent.push(block);
  }

  /** A block that nobody sends from any more, or a new one. */
  private freeBlock(): Block {
    const first = this.lent.peekFront();
    if (first === undefined || first.end > this.sentByAll()) {
      return { bytes: widen(Buffer.allocUnsafeSlow(BLOCK_BYTES)), length: 0, end: 0 };
    }
    this.lent.shift();
    first.length = 0;
    return first;
  }

  /** Bytes of the broadcast that all connections have sent. Those of one that is gone are nobody's. */
  private sentByAll(): number {
    let least = this.lentBytes;
    for (const { connection, state } of this.receivers) {
      if (state === 'receiving') least = Math.min(least, this.lentBytes - connection.unsentBytes);
    }
    return least;
  }
}
