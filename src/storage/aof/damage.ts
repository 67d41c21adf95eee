/**
 * Proof of damage: whether bytes of a batch that makes no sense were once right, or never all written.
 *
 * A loss of power leaves of what was not yet durable any subset, with anything in the place of the rest. Three findings
 * rule that out, and each of them alone says that bytes have changed which should not have:
 *
 * 1. A later batch with a right CRC begins with #SYNC and an offset behind the place: its bytes were durable.
 * 2. The batch differs from what its CRC says in exactly one bit. A CRC is linear: the difference of two CRCs depends on
 *    nothing but which bits differ, so all single bits can be tried at the cost of a shift each. No torn write looks so.
 * 3. The batch is right and its own #CRC line differs from what it must be in exactly one bit.
 *
 * Batches after the place are found by searching for "#CRC:", as the place itself cannot be read: a line counts if the
 * batch that it speaks of begins at the place or after another such line. Values may contain such text; a CRC, which also
 * depends on the offset, does not come out right by chance. Who writes such text on purpose makes us compute many of them:
 * that has a limit, after which the file is refused, which is never wrong.
 */
import type { ReadableFile } from '../../base';
import { crc64 } from '../rdb/crc64';
import { beginCrc, CRC_LINE_START, CrcLine, OWN_LINE_BYTES_MAX, readSyncLine, writeCrcLine } from './format';

const CHUNK_BYTES = 256 * 1024;
/** How many times over the bytes in question may be computed with. */
const EFFORT_MAX = 32;
/** What a look at all single bits costs, beside a CRC over the same bytes. */
const BIT_SEARCH_EFFORT = 8;
const LF = 10;

const TANGLED = 'it is too tangled to tell whether it was damaged';
const FLIPPED = 'exactly one bit is wrong, which no interrupted write leaves behind';

/**
 * Why the batch that begins at `batchStart`, and of which no sense could be made at `faultAt` (the item, not the byte), must
 * have been damaged; null where it may as well have been lost. Synchronous, and costs up to some 20 ns per byte of the rest.
 */
export function findProofOfDamage(file: ReadableFile, batchStart: number, faultAt: number): string | null {
  return new Search(file, batchStart).run(faultAt);
}

class Search {
  private readonly chunk: Buffer;
  private readonly line = Buffer.allocUnsafeSlow(OWN_LINE_BYTES_MAX);
  private readonly remainder = new Uint32Array(2);
  private readonly crcLine = new CrcLine();
  /** Bytes that may still be computed with. */
  private effort: number;

  constructor(
    private readonly file: ReadableFile,
    private readonly batchStart: number,
  ) {
    const rest = file.size - batchStart;
    this.chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, rest));
    this.effort = EFFORT_MAX * rest;
  }

  run(faultAt: number): string | null {
    if (this.isLineFlipped(faultAt)) return FLIPPED;
    let lastLineEnd = this.batchStart;
    let lastWholeEnd = this.batchStart;
    for (let at = this.nextLine(this.batchStart); at >= 0; at = this.nextLine(at + 1)) {
      const length = this.readLine(at);
      if (!this.crcLine.read(this.line, 0, length)) continue;
      const start = at - this.crcLine.bytes;
      const isAtPlace = start === this.batchStart;
      if (isAtPlace || start === lastLineEnd || start === lastWholeEnd) {
        this.takeCrc(start, at);
        if (this.isCrcRight()) {
          if (isAtPlace) return 'its CRC is right all the same: it was written so';
          if (this.durableSaidAt(start) > this.batchStart) return 'a later batch says that this was safely on disk';
          lastWholeEnd = at + length;
        } else if (isAtPlace && this.isBitFlipped(at - start)) {
          return FLIPPED;
        }
      }
      if (this.effort < 0) return TANGLED;
      lastLineEnd = at + length;
    }
    return null;
  }

  /** Whether the bytes at `at` are the #CRC line of a batch that ends there, but for one bit. */
  private isLineFlipped(at: number): boolean {
    if (at === this.batchStart) return false;
    this.takeCrc(this.batchStart, at);
    const expected = Buffer.allocUnsafe(OWN_LINE_BYTES_MAX);
    const length = writeCrcLine(expected, 0, this.remainder, at - this.batchStart);
    if (this.read(this.line, length, at) < length) return false;
    let differences = 0;
    for (let i = 0; i < length; i++) {
      const difference = this.line[i] ^ expected[i];
      if (difference !== 0) differences += (difference & (difference - 1)) === 0 ? 1 : 2;
    }
    return differences === 1;
  }

  /** Whether the CRC just taken, over so many bytes, is what one wrong bit makes of the one in the line. */
  private isBitFlipped(bytes: number): boolean {
    const { crc } = this.crcLine;
    const wantedLow = (this.remainder[0] ^ crc[0]) | 0;
    const wantedHigh = (this.remainder[1] ^ crc[1]) | 0;
    // What the last bit of a message makes of its CRC is the polynomial; each bit before it, one shift more.
    const polynomial = new Uint32Array(2);
    crc64(Uint8Array.of(0x80), 0, 1, polynomial);
    const polynomialLow = polynomial[0] | 0;
    const polynomialHigh = polynomial[1] | 0;
    let low = polynomialLow;
    let high = polynomialHigh;
    this.effort -= BIT_SEARCH_EFFORT * bytes;
    for (let bits = 8 * bytes; bits > 0; bits--) {
      if (low === wantedLow && high === wantedHigh) return true;
      const isOdd = (low & 1) === 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) {
        low ^= polynomialLow;
        high ^= polynomialHigh;
      }
    }
    return false;
  }

  /** The offset in the #SYNC line of the batch that begins at `start`; NaN where there is none. */
  private durableSaidAt(start: number): number {
    return readSyncLine(this.line, 0, this.readLine(start));
  }

  /** Where the next "#CRC:" from `at` on is; -1 where none is. */
  private nextLine(at: number): number {
    for (;;) {
      const count = this.read(this.chunk, this.chunk.length, at);
      if (count < CRC_LINE_START.length) return -1;
      const found = this.chunk.subarray(0, count).indexOf(CRC_LINE_START);
      if (found >= 0) return at + found;
      at += count - CRC_LINE_START.length + 1;
    }
  }

  /** Puts what is at `at`, up to the end of the line or as much as a line of ours has, into `line`; how many bytes. */
  private readLine(at: number): number {
    const count = this.read(this.line, OWN_LINE_BYTES_MAX, at);
    const end = this.line.subarray(0, count).indexOf(LF);
    return end < 0 ? count : end + 1;
  }

  private takeCrc(start: number, end: number): void {
    this.effort -= end - start;
    beginCrc(this.remainder, start);
    for (let at = start; at < end;) {
      const count = this.read(this.chunk, Math.min(this.chunk.length, end - at), at);
      if (count === 0) return;
      crc64(this.chunk, 0, count, this.remainder);
      at += count;
    }
  }

  private isCrcRight(): boolean {
    const { crc } = this.crcLine;
    return this.remainder[0] === crc[0] && this.remainder[1] === crc[1];
  }

  private read(into: Uint8Array, count: number, at: number): number {
    return this.file.read(into, 0, count, at);
  }
}
