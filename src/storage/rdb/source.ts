/**
 * RdbSource: the bytes of an RDB file, chunk by chunk, for a reader; and the CRC-64 of those that were read.
 *
 * There are two chunks, used in turn: what the reader has not yet looked at moves to the beginning of the other one, and the
 * file goes on behind it. So everything in a chunk stays where it is until the second next refill, and views of it may be
 * held that long. A string that is too long for a chunk gets memory of its own.
 *
 * The CRC runs over each chunk once, when the reader is done with it: by then it is still in the processor's cache, and what
 * was read ahead of the RDB's end (an AOF may follow) is not counted.
 */
import { copyBytes, EMPTY_BUFFER, widen, type ReadableFile } from '../../base';
import { crc64 } from './crc64';

/** Bytes read at a time. */
export const CHUNK_BYTES = 1024 * 1024;

export class RdbSource {
  /** The CRC-64 of all bytes that were summed: bits 0–31, bits 32–63. */
  readonly checksum = new Uint32Array(2);
  /** The chunk at hand. */
  chunk: Uint8Array = EMPTY_BUFFER;
  private readonly chunks: Uint8Array[] = [];
  private turn = 0;
  /** Up to where the chunk at hand is in the checksum. */
  private summedTo = 0;
  /** The file's end: less than its size where it has become shorter. */
  private end: number;
  private readonly chunkBytes: number;

  constructor(
    private readonly file: ReadableFile,
    /** Where in the file the next bytes are read. */
    public position: number,
  ) {
    this.end = file.size;
    this.chunkBytes = Math.min(CHUNK_BYTES, this.left);
  }

  /** Bytes of the file that are in no chunk yet. */
  get left(): number {
    return Math.max(0, this.end - this.position);
  }

  /**
   * Makes the other chunk the one at hand: its first bytes are `chunk[at, end)`, which the reader has not used yet, then comes
   * more of the file. Returns its end. Throws FILE_FAILED.
   */
  refill(at: number, end: number): number {
    this.sum(at);
    this.turn = 1 - this.turn;
    const next = (this.chunks[this.turn] ??= widen(new Uint8Array(this.chunkBytes)));
    copyBytes(this.chunk, at, end, next, 0);
    this.chunk = next;
    this.summedTo = 0;
    return this.fill(next, end - at);
  }

  /**
   * Reads what is too large for a chunk into `into`: first the rest of the chunk, `chunk[at, end)`, then from the file. Whether
   * there was enough.
   */
  readLarge(into: Uint8Array, at: number, end: number): boolean {
    this.sum(end);
    const filled = this.fill(into, copyBytes(this.chunk, at, end, into, 0));
    crc64(into, end - at, filled, this.checksum);
    return filled === into.length;
  }

  /** Takes the chunk's bytes up to `at` into the checksum. */
  sum(at: number): void {
    crc64(this.chunk, this.summedTo, at, this.checksum);
    this.summedTo = at;
  }

  /** Reads until `into` is full or the file at its end; up to where it is full. */
  private fill(into: Uint8Array, from: number): number {
    while (from < into.length && this.left > 0) {
      const count = this.file.read(into, from, Math.min(into.length, from + this.left), this.position);
      if (count === 0) this.end = this.position;
      this.position += count;
      from += count;
    }
    return from;
  }
}
