/**
 * AofWriter: puts batches at the end of one incremental file, so that every later reader can tell what is whole.
 *
 * A batch and its lines (format.ts) leave in one write(2): after the death of the process it is there or it is not. After a
 * loss of power the file may end in anything, and a reader must know damage from loss: so each batch opens with the
 * number of bytes that were known to be durable, and closes with its CRC.
 *
 * What always holds:
 * - The first `writtenBytes` of the file are whole batches. A write that fails is cut off again, at once or before the
 *   next one: so a full disk that has room again needs nothing but another try.
 * - `syncedBytes` never says more than the disk has promised. A sync that failed has lost what it was to keep, whatever the next
 *   one says (Linux reports it once and drops the pages): from then on every sync fails, and only another file can help.
 */
import { copyBytes, widen, type WritableFile } from '../../base';
import { crc64 } from '../rdb/crc64';
import type { StreamPlace } from '../journal';
import {
  beginCrc,
  OWN_LINE_BYTES_MAX,
  PLACE_LINE_BYTES_MAX,
  writeCrcLine,
  writePlaceLine,
  writeSyncLine,
  writeTimeLine,
} from './format';

/** Batches up to this long are put together in memory that stays. */
const SCRATCH_BYTES = 256 * 1024;
const LINES_BYTES_MAX = 3 * OWN_LINE_BYTES_MAX + PLACE_LINE_BYTES_MAX;

const scratch = widen(Buffer.allocUnsafeSlow(SCRATCH_BYTES + LINES_BYTES_MAX));
const remainder = new Uint32Array(2);

export class AofWriter {
  private written: number;
  private synced = 0;
  private syncError: Error | null = null;

  /** Goes on at the end of `file`, all of which must be whole, and which is this object's from now on. */
  constructor(private readonly file: WritableFile) {
    this.written = file.size;
  }

  /** Bytes in the file that were written whole. */
  get writtenBytes(): number {
    return this.written;
  }

  /** Bytes that are known to survive a loss of power; 0 for a file that was there before, until a sync. */
  get syncedBytes(): number {
    return this.synced;
  }

  /**
   * Appends `buffer[start, end)`, whole commands, as one batch; with the time, and with the place in a stream after them, where they
   * are given.
   * @throws CacheError FILE_FAILED: nothing of it is in the file, or will be.
   */
  write(
    buffer: Uint8Array,
    start: number,
    end: number,
    unixSeconds: number | null,
    place: StreamPlace | null = null,
  ): void {
    const { file, written } = this;
    this.cutBack();
    const bytesMax = end - start + LINES_BYTES_MAX;
    const batch = bytesMax <= scratch.length ? scratch : Buffer.allocUnsafeSlow(bytesMax);
    let at = writeSyncLine(batch, 0, this.synced);
    if (unixSeconds !== null) at = writeTimeLine(batch, at, unixSeconds);
    at = copyBytes(buffer, start, end, batch, at);
    if (place !== null) at = writePlaceLine(batch, at, place);
    beginCrc(remainder, written);
    crc64(batch, 0, at, remainder);
    at = writeCrcLine(batch, at, remainder, at);
    try {
      file.write(batch, 0, at);
    } catch (error) {
      this.cutBackIfPossible();
      throw error;
    }
    this.written = written + at;
  }

  /** @throws CacheError FILE_FAILED: what was not durable before may be lost, and no later sync will say otherwise. */
  sync(): void {
    if (this.syncError !== null) throw this.syncError;
    try {
      this.file.sync();
    } catch (error) {
      this.syncError = error as Error;
      throw error;
    }
    this.synced = this.written;
  }

  /** The same on another thread, for what was written before this call; writes may go on meanwhile. */
  syncLater(done: (error: Error | null) => void): void {
    const { syncError, written } = this;
    if (syncError !== null) return done(syncError);
    this.file.syncLater((error) => {
      this.syncError ??= error;
      if (this.syncError === null && written > this.synced) this.synced = written;
      done(this.syncError);
    });
  }

  close(): void {
    this.file.close();
  }

  /** Removes what a write that failed has left behind. */
  private cutBack(): void {
    if (this.file.size > this.written) this.file.truncate(this.written);
  }

  private cutBackIfPossible(): void {
    try {
      this.cutBack();
    } catch {
      // The first error tells more; the next write tries again before it writes.
    }
  }
}
