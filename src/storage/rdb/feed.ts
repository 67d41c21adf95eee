/**
 * RdbFeed: the bytes of an RDB that arrive in pieces, from a connection for instance, and nobody knows how many there will be.
 *
 * What is fed is copied into one run of memory, the *window*, behind what the loader has not passed yet; so a whole item of the
 * format lies in one piece, and a view of it keeps still until more is fed. What has been passed is overwritten. A window is as
 * large as a chunk (source.ts), or as the item at hand where that is larger. What is left of it moves to its beginning, or into
 * another window, only where that makes as much room again, so moving costs no more than feeding.
 *
 * The feed never says no. Whoever feeds looks at `bufferedBytes`, and stops for a while where there is more than is good, unless
 * the loader is starved: then it needs all of an item that is larger.
 *
 * The CRC runs over bytes that were passed, while the window is still in the processor's cache; what comes behind the RDB's end
 * is never counted, stays as it is, and is the feed's `rest`.
 */
import { assert, CacheError, copyBytes, widen, type Bytes } from '../../base';
import { crc64 } from './crc64';
import { CHUNK_BYTES } from './source';

/** A window that is larger than this gives way to one of a chunk as soon as that is enough. */
const WINDOW_BYTES_KEPT = 4 * CHUNK_BYTES;

export class RdbFeed {
  /** Whether all has been fed. */
  isEnded = false;

  // For the loader.
  /** Where fed bytes lie: those from `at` to `filled` have not been passed. */
  window: Uint8Array = widen(new Uint8Array(CHUNK_BYTES));
  at = 0;
  filled = 0;
  /** As many bytes from `at` on are known to belong together. */
  neededBytes = 0;

  private readonly checksum = new Uint32Array(2);
  /** Up to where the window is in the checksum. */
  private summedTo = 0;
  /** The place of the window's first byte among all that were fed. */
  private base = 0;

  /** Bytes that were fed and not passed. */
  get bufferedBytes(): number {
    return this.filled - this.at;
  }

  /** The place of the byte after those that were passed, among all that were fed. */
  get position(): number {
    return this.base + this.at;
  }

  /**
   * Takes a copy of `buffer[start, end)`. Must not be called after `end`.
   *
   * @throws CacheError OUT_OF_MEMORY: the item at hand is larger than the memory that can be had in one piece.
   */
  feed(buffer: Uint8Array, start: number, end: number): void {
    assert(!this.isEnded, 'nothing is fed after the end');
    const wanted = this.bufferedBytes + (end - start);
    if (wanted > this.window.length - this.at || this.isWasteful(wanted)) this.makeRoom(wanted);
    this.filled = copyBytes(buffer, start, end, this.window, this.filled);
  }

  /** Says that nothing more will come. */
  end(): void {
    this.isEnded = true;
  }

  /** What was fed and not passed; after the RDB's end: what came behind it. Good until more is fed. */
  rest(into: Bytes): Bytes {
    return into.set(this.window, this.at, this.filled);
  }

  /** Says that nobody needs the bytes before `position` any more. */
  pass(position: number): void {
    this.at = position - this.base;
  }

  /** The CRC-64 of all bytes that were passed: bits 0–31, bits 32–63. */
  sum(): Uint32Array {
    crc64(this.window, this.summedTo, this.at, this.checksum);
    this.summedTo = this.at;
    return this.checksum;
  }

  /** Whether the window was made for an item that has been passed. */
  private isWasteful(wanted: number): boolean {
    return this.window.length > WINDOW_BYTES_KEPT && 2 * Math.max(wanted, this.neededBytes) <= CHUNK_BYTES;
  }

  /** Makes room for so many bytes from `at` on. */
  private makeRoom(wanted: number): void {
    this.sum();
    const { window, at, filled, neededBytes } = this;
    if (2 * Math.max(wanted, neededBytes) <= window.length && !this.isWasteful(wanted)) {
      window.copyWithin(0, at, filled);
    } else {
      // Memory that is not written to yet costs nothing: so much more than the item, so that it is not moved for its last bytes.
      this.window = windowOf(Math.max(CHUNK_BYTES, 2 * wanted, neededBytes + CHUNK_BYTES / 2));
      copyBytes(window, at, filled, this.window, 0);
    }
    this.base += at;
    this.filled = filled - at;
    this.at = this.summedTo = 0;
  }
}

function windowOf(bytes: number): Uint8Array {
  try {
    return widen(new Uint8Array(bytes));
  } catch (cause) {
    throw new CacheError('OUT_OF_MEMORY', `there are no ${bytes} bytes for a part of an RDB`, { cause });
  }
}
