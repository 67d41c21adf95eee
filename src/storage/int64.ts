/**
 * Int64: one whole number of 64 bits as two halves of 32, for formats that store such numbers.
 *
 * JavaScript's numbers are exact up to 2^53 and a BigInt is garbage on the heap; so what packed encodings hold is read,
 * written, compared, parsed and spelled by halves, without allocating. An `Int64` is a place to do so, made once and
 * used again. Spellings are Redis' canonical ones: no plus sign, no leading zeros, no "-0".
 *
 * Decimals beyond 2^53 are cut in two, the last nine digits and the up to ten before them: both parts are small enough
 * for numbers, and so is every product or remainder on the way, as long as it is made from 16 bits at a time.
 */
import { isInt64, parseIntegerAt, writeInteger } from '../base';

/** Most bytes that `spell` writes. */
export const INT64_SPELLING_BYTES = 20;

const LOWER_DIGITS = 9;
const LOWER_LIMIT = 1e9;
/** The first number above int64. */
const INT64_LIMIT = 2 ** 63;
const HALF = 0x1_0000_0000;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;

export class Int64 {
  /** Bits 0–31, as a signed number. */
  low = 0;
  /** Bits 32–63, as a signed number. */
  high = 0;

  /** The value where it is a safe integer, else NaN. */
  get number(): number {
    const value = this.high * HALF + (this.low >>> 0);
    return Number.isSafeInteger(value) ? value : NaN;
  }

  /** Takes a safe integer. */
  set(value: number): void {
    this.low = value | 0;
    this.high = Math.floor(value / HALF);
  }

  /** Takes a whole number, cut where it is above int64. */
  setCut(value: number): this {
    this.set(value);
    this.high |= 0;
    if (value >= INT64_LIMIT) {
      this.low = -1;
      this.high = 0x7fff_ffff;
    }
    return this;
  }

  /** Takes the eight bytes at `at`, little-endian. */
  read(bytes: Uint8Array, at: number): void {
    this.low = readInt32(bytes, at);
    this.high = readInt32(bytes, at + 4);
  }

  /** Writes eight bytes at `at`, little-endian. */
  write(bytes: Uint8Array, at: number): void {
    writeInt32(bytes, at, this.low);
    writeInt32(bytes, at + 4, this.high);
  }

  /** Takes the int64 that `buffer[start, end)` spells canonically; false, and nothing said of the value, where it spells none. */
  parse(buffer: Uint8Array, start: number, end: number): boolean {
    if (start === end || buffer[start] > NINE) return false; // most texts are words
    const value = parseIntegerAt(buffer, start, end);
    if (!Number.isNaN(value)) {
      this.set(value);
      return true;
    }
    if (!isInt64(buffer, start, end)) return false;
    this.parseLong(buffer, start, end);
    return true;
  }

  /** Writes the decimal spelling at `at`; returns the position after it. */
  spell(target: Uint8Array, at: number): number {
    const value = this.number;
    return Number.isNaN(value) ? this.spellLong(target, at) : writeInteger(target, at, value);
  }

  /** {@link parse} of what is known to be an int64 of more than nine digits. */
  private parseLong(buffer: Uint8Array, start: number, end: number): void {
    const isNegative = buffer[start] === MINUS;
    const middle = end - LOWER_DIGITS;
    let upper = 0;
    for (let at = isNegative ? start + 1 : start; at < middle; at++) upper = upper * 10 + buffer[at] - ZERO;
    let lower = 0;
    for (let at = middle; at < end; at++) lower = lower * 10 + buffer[at] - ZERO;
    // upper · 10^9 + lower, as (a · 2^16 + b) · 10^9 + lower: both products stay below 2^48.
    const left = Math.floor(upper / 0x10000) * LOWER_LIMIT;
    const right = (upper % 0x10000) * LOWER_LIMIT + lower;
    const sum = (left % 0x10000) * 0x10000 + (right % HALF);
    this.low = sum | 0;
    this.high = (Math.floor(left / 0x10000) + Math.floor(right / HALF) + Math.floor(sum / HALF)) | 0;
    if (isNegative) this.negate();
  }

  /** {@link spell} of what is beyond safe integers: more than nine digits. */
  private spellLong(target: Uint8Array, at: number): number {
    const isNegative = this.high < 0;
    if (isNegative) {
      target[at++] = MINUS;
      this.negate();
    }
    // Long division by 10^9, whose remainders are the lower digits; they need at most 30 bits, and 46 with 16 more.
    const { low, high } = this;
    const first = Math.floor((high >>> 0) / LOWER_LIMIT);
    let rest = ((high >>> 0) - first * LOWER_LIMIT) * 0x10000 + (low >>> 16);
    const second = Math.floor(rest / LOWER_LIMIT);
    rest = (rest - second * LOWER_LIMIT) * 0x10000 + (low & 0xffff);
    const third = Math.floor(rest / LOWER_LIMIT);
    let lower = rest - third * LOWER_LIMIT;
    const end = writeInteger(target, at, (first * 0x10000 + second) * 0x10000 + third) + LOWER_DIGITS;
    for (let i = 1; i <= LOWER_DIGITS; i++) {
      const quotient = (lower / 10) | 0;
      target[end - i] = ZERO + lower - quotient * 10;
      lower = quotient;
    }
    if (isNegative) this.negate();
    return end;
  }

  private negate(): void {
    this.low = -this.low | 0;
    this.high = (~this.high + (this.low === 0 ? 1 : 0)) | 0;
  }
}

/** The four bytes at `at`, little-endian, as a signed number. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** Writes the low 32 bits of `value` as four bytes at `at`, little-endian. */
export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
