/**
 * LogFile: an incremental file that is being appended to, and since when bytes of it are at risk.
 *
 * "At risk" are bytes that a loss of power would take: written, and not synced. Syncs on another thread cover what was written
 * before they began, so while one is under way there are two ages to know: that of the oldest byte which it may cover, and
 * that of the oldest one which it does not.
 */
import { EMPTY_BUFFER } from '../../base';
import type { AofWriter, StreamPlace } from '../../storage';

/** No byte is at risk. */
const NONE = Infinity;

export class LogFile {
  /** When the oldest byte at risk was written (monotonic ms), and the oldest that the sync under way does not cover. */
  private atRiskSinceMs = NONE;
  private uncoveredSinceMs = NONE;
  private isSyncing = false;
  private failure: Error | null = null;
  private readonly onSynced: ((error: Error | null) => void)[] = [];
  /** Offset of the journal after what was written last; kept by who writes. */
  writtenOffset: number;
  /** The same, of what is known to be on the disk. */
  syncedOffset: number;

  constructor(
    private readonly writer: AofWriter,
    private readonly nowMs: () => number,
    /** A sync on another thread has failed: nobody knows what of the file is on the disk. */
    private readonly syncFailed: (error: Error) => void,
    /** What was written before the last sync began is on the disk. */
    private readonly synced: () => void,
    /** Offset of the journal where this file begins. All before it is on the disk. */
    offset: number,
  ) {
    this.writtenOffset = this.syncedOffset = offset;
  }

  get bytes(): number {
    return this.writer.writtenBytes;
  }

  get isSyncUnderWay(): boolean {
    return this.isSyncing;
  }

  /** How long the oldest byte at risk has been so, in ms; below 0 where none is. */
  get riskMs(): number {
    return this.nowMs() - this.atRiskSinceMs;
  }

  /** Writes one batch. @throws CacheError FILE_FAILED, and the file is as it was */
  write(
    buffer: Uint8Array,
    start: number,
    end: number,
    unixSeconds: number | null,
    place: StreamPlace | null = null,
  ): void {
    this.writer.write(buffer, start, end, unixSeconds, place);
    const nowMs = this.nowMs();
    if (this.atRiskSinceMs === NONE) this.atRiskSinceMs = nowMs;
    if (this.isSyncing && this.uncoveredSinceMs === NONE) this.uncoveredSinceMs = nowMs;
  }

  /** Waits until nothing is at risk. @throws CacheError FILE_FAILED */
  sync(): void {
    if (this.atRiskSinceMs === NONE) return;
    this.writer.sync();
    this.atRiskSinceMs = NONE;
    this.uncoveredSinceMs = NONE;
    this.syncedOffset = this.writtenOffset;
    this.synced();
  }

  /** Begins a sync on another thread, unless one is under way or nothing is at risk. */
  syncLater(): void {
    if (this.isSyncing || this.atRiskSinceMs === NONE) return;
    this.isSyncing = true;
    this.uncoveredSinceMs = NONE;
    const { writtenOffset } = this;
    this.writer.syncLater((error) => {
      this.isSyncing = false;
      this.failure = error;
      if (error === null) this.covered(writtenOffset);
      else this.syncFailed(error);
      for (const synced of this.onSynced.splice(0)) synced(error);
    });
  }

  /** A sync has ended that began when this was the offset. */
  private covered(offset: number): void {
    this.atRiskSinceMs = this.uncoveredSinceMs;
    this.syncedOffset = offset;
    this.synced();
  }

  /** Calls `synced` when a sync that is begun now, or under way, has ended, however it did; at once where nothing is at risk. */
  syncThen(synced: (error: Error | null) => void): void {
    this.syncLater();
    if (this.isSyncing) this.onSynced.push(synced);
    else synced(this.failure);
  }

  /** Calls `synced` when nothing is at risk any more, or when that failed. Nothing may be written meanwhile. */
  syncAllThen(synced: (error: Error | null) => void): void {
    if (this.atRiskSinceMs === NONE || this.failure !== null) return synced(this.failure);
    this.syncThen((error) => (error === null ? this.syncAllThen(synced) : synced(error)));
  }

  /**
   * Syncs, and lets the file say so, by an empty batch, and where in a stream of replication it ends: of what is before it nothing may be missing, so whatever is damaged is
   * refused. @throws CacheError FILE_FAILED
   */
  seal(place: StreamPlace | null = null): void {
    this.writer.sync();
    try {
      this.write(EMPTY_BUFFER, 0, 0, null, place);
    } catch {
      // It is durable all the same.
    }
  }

  close(): void {
    this.writer.close();
  }
}
