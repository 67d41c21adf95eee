/**
 * LogFile: an incremental file that is being appended to, and since when bytes of it are at risk.
 *
 * "At risk" are bytes that a loss of power would take: written, and not synced. Syncs on another thread cover what was written
 * before they began, so while one is under way there are two ages to know: that of the oldest byte which it may cover, and
 * that of the oldest one which it does not.
 */
import type { AofWriter } from '../../storage';

/** No byte is at risk. */
const NONE = Infinity;

export class LogFile {
  /** When the oldest byte at risk was written (monotonic ms), and the oldest that the sync under way does not cover. */
  private atRiskSinceMs = NONE;
  private uncoveredSinceMs = NONE;
  private isSyncing = false;
  private readonly onSettled: (() => void)[] = [];

  constructor(
    private readonly writer: AofWriter,
    private readonly nowMs: () => number,
    /** A sync on another thread has failed: nobody knows what of the file is on the disk. */
    private readonly syncFailed: (error: Error) => void,
  ) {}

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
  write(buffer: Uint8Array, start: number, end: number, unixSeconds: number | null): void {
    this.writer.write(buffer, start, end, unixSeconds);
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
  }

  /** Begins a sync on another thread, unless one is under way or nothing is at risk. */
  syncLater(): void {
    if (this.isSyncing || this.atRiskSinceMs === NONE) return;
    this.isSyncing = true;
    this.uncoveredSinceMs = NONE;
    this.writer.syncLater((error) => {
      this.isSyncing = false;
      if (error === null) this.atRiskSinceMs = this.uncoveredSinceMs;
      else this.syncFailed(error);
      for (const settled of this.onSettled.splice(0)) settled();
    });
  }

  /** Calls `settled` when a sync that is begun now, or under way, has ended, however it did; at once where nothing is at risk. */
  syncThen(settled: () => void): void {
    this.syncLater();
    if (this.isSyncing) this.onSettled.push(settled);
    else settled();
  }

  close(): void {
    this.writer.close();
  }
}
