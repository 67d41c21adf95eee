/**
 * Bits: counting, finding, reading and writing them in runs of bytes.
 *
 * Bit 0 is the highest bit of the first byte, as everywhere in Redis. Places of bits are plain numbers, because the
 * largest values have more than 2^32 of them; what is computed with bits themselves stays in 32-bit integers.
 *
 * Long runs are taken four bytes at a time and, for counting, 32 bytes at a time: a tree of carry-save adders turns eight
 * words into one that has to be counted (Harley and Seal; Warren, Hacker's Delight, second edition, section 5-1).
 */
import { sameBytes, wordsOf, type Bytes } from './bytes';

const WORD_BYTES = 4;
const BLOCK_BYTES = 8 * WORD_BYTES;
/** Below this a loop over bytes is as good as any (and buffers without a view as words need not be given one). */
const WIDE_FROM_BYTES = 64;

/** What long runs of equal bits are compared with, ten times as fast as a loop over words (measured, Node 20). */
const UNIFORM_BYTES = 4096;
const ZEROS: Uint8Array = Buffer.alloc(UNIFORM_BYTES, 0);
const ONES: Uint8Array = Buffer.alloc(UNIFORM_BYTES, 0xff);

/** How many bits are 1 in a 32-bit integer. */
export function countOnes(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** How many bits are 1 in `buffer[start, end)`. */
export function countBits(buffer: Uint8Array, start: number, end: number): number {
  let count = 0;
  if (end - start >= WIDE_FROM_BYTES) {
    const blocksEnd = end - ((end - start) % BLOCK_BYTES);
    count = countInBlocks(viewOf(buffer), start, blocksEnd);
    start = blocksEnd;
  }
  for (; start < end; start++) count += countOnes(buffer[start]);
  return count;
}

/** The same for whole blocks. */
function countInBlocks(words: DataView, start: number, end: number): number {
  let eightfold = 0;
  // Bits of these words weigh 1, 2 and 4: the sums of each column, so far, without what has been carried on.
  let ones = 0;
  let twos = 0;
  let fours = 0;
  for (let at = start; at < end; at += BLOCK_BYTES) {
    let a = words.getInt32(at, true);
    let b = words.getInt32(at + 4, true);
    const twosA = carry(ones, a, b);
    ones ^= a ^ b;
    a = words.getInt32(at + 8, true);
    b = words.getInt32(at + 12, true);
    const twosB = carry(ones, a, b);
    ones ^= a ^ b;
    const foursA = carry(twos, twosA, twosB);
    twos ^= twosA ^ twosB;
    a = words.getInt32(at + 16, true);
    b = words.getInt32(at + 20, true);
    const twosC = carry(ones, a, b);
    ones ^= a ^ b;
    a = words.getInt32(at + 24, true);
    b = words.getInt32(at + 28, true);
    const twosD = carry(ones, a, b);
    ones ^= a ^ b;
    const foursB = carry(twos, twosC, twosD);
    twos ^= twosC ^ twosD;
    eightfold += countOnes(carry(fours, foursA, foursB));
    fours ^= foursA ^ foursB;
  }
  return 8 * eightfold + 4 * countOnes(fours) + 2 * countOnes(twos) + countOnes(ones);
}

/** The carries of adding three bits in each column. */
function carry(a: number, b: number, c: number): number {
  return (a & b) | ((a ^ b) & c);
}

/** How many bits are 1 among bits `from` to `to` of a value, both included; `from ≤ to`, both within it. */
export function countBitsBetween(value: Bytes, from: number, to: number): number {
  const first = value.start + Math.floor(from / 8);
  const last = value.start + Math.floor(to / 8);
  const { buffer } = value;
  const before = buffer[first] >>> (8 - (from & 7));
  const after = buffer[last] & (0x7f >>> (to & 7));
  return countBits(buffer, first, last + 1) - countOnes(before) - countOnes(after);
}

/** The first of bits `from` to `to` of a value, both included, that is `bit`; -1 where none is. Both are within it. */
export function findBitBetween(value: Bytes, bit: number, from: number, to: number): number {
  const { buffer, start } = value;
  /** Turns the bits that are looked for into ones. */
  const flip = bit === 1 ? 0 : 0xff;
  let at = start + Math.floor(from / 8);
  const last = start + Math.floor(to / 8);
  let byte = (buffer[at] ^ flip) & (0xff >>> (from & 7));
  if (byte === 0 && at < last) {
    at = skipBytes(buffer, at + 1, last, flip);
    byte = buffer[at] ^ flip;
  }
  if (byte === 0) return -1;
  const found = (at - start) * 8 + Math.clz32(byte) - 24;
  return found <= to ? found : -1;
}

/** The first place in `buffer[start, end)` with another byte than `byte` (0 or 0xff), or `end`. */
function skipBytes(buffer: Uint8Array, start: number, end: number, byte: number): number {
  const uniform = byte === 0 ? ZEROS : ONES;
  while (start + UNIFORM_BYTES <= end && sameBytes(buffer, start, uniform, 0, UNIFORM_BYTES)) start += UNIFORM_BYTES;
  if (end - start >= WIDE_FROM_BYTES) {
    const words = viewOf(buffer);
    const word = byte === 0 ? 0 : -1;
    while (start + WORD_BYTES <= end && words.getInt32(start, true) === word) start += WORD_BYTES;
  }
  while (start < end && buffer[start] === byte) start++;
  return start;
}

/** Bits `from` to `from + count - 1` of a value, at most 32, as the low bits of an int32; beyond its end all bits are 0. */
export function readBits(value: Bytes, from: number, count: number): number {
  const { buffer, start, end } = value;
  let bits = 0;
  while (count > 0) {
    const at = start + Math.floor(from / 8);
    const left = 8 - (from & 7);
    const taken = Math.min(left, count);
    const byte = at < end ? buffer[at] : 0;
    bits = (bits << taken) | ((byte >>> (left - taken)) & (0xff >>> (8 - taken)));
    from += taken;
    count -= taken;
  }
  return bits;
}

/** Writes the `count` low bits of an int32, at most 32, as bits `from` and following of a value, which are within it. */
export function writeBits(value: Bytes, from: number, count: number, bits: number): void {
  const { buffer, start } = value;
  while (count > 0) {
    const at = start + Math.floor(from / 8);
    const left = 8 - (from & 7);
    const taken = Math.min(left, count);
    const mask = 0xff >>> (8 - taken);
    const shift = left - taken;
    buffer[at] = (buffer[at] & ~(mask << shift)) | (((bits >>> (count - taken)) & mask) << shift);
    from += taken;
    count -= taken;
  }
}

/** A view as words of any buffer: its own, or a new one. */
function viewOf(buffer: Uint8Array): DataView {
  return wordsOf(buffer) ?? new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
