/**
 * Broadcast: one snapshot, sent to several replicas while it is being made, with no file between (Redis' diskless replication).
 *
 * How long it will be nobody knows, so it begins with a mark of forty characters drawn by chance, `$EOF:<mark>`, and ends with
 * the same. All receivers are lent the same bytes. The slowest sets the pace: while the connection of any has a few megabytes to
 * send, no more should be made (`isBehind`); one that does not move at all is dropped by who watches it, and left out here.
 */
import { ascii } from '../base';
import type { SnapshotSink } from '../storage';
import type { ReplicaFeed } from './replica-feed';

/** A receiver with more than this to send is behind. */
const UNSENT_BYTES_MAX = 2 * 1024 * 1024;

export class Broadcast implements SnapshotSink {
  /** Bytes that were sent, to all receivers together. */
  sentBytes = 0;
  private readonly mark: Uint8Array;

  /** @param mark forty characters */
  constructor(
    private readonly receivers: readonly ReplicaFeed[],
    mark: string,
  ) {
    this.mark = ascii(mark);
    this.write(ascii(`$EOF:${mark}\r\n`));
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

  /** False where a connection keeps the memory. */
  write(bytes: Uint8Array): boolean {
    let isTaken = true;
    for (const { connection, state } of this.receivers) {
      if (state !== 'receiving') continue;
      if (!connection.write(bytes)) isTaken = false;
      this.sentBytes += bytes.length;
    }
    return isTaken;
  }

  /** The snapshot is complete: says so to the receivers. */
  end(): void {
    this.write(this.mark);
  }
}
