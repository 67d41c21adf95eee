/**
 * MurmurHash64A over bytes, with the seed that Redis' HyperLogLogs use.
 *
 * JavaScript has no fast 64-bit integers: a BigInt per element would cost a microsecond and garbage. So a number of 64
 * bits is a pair of 32-bit halves here, and a product is built from halves of 16 bits, whose products a double holds
 * exactly. The result lies in `low` and `high` until the next call.
 *
 * Source: Austin Appleby, MurmurHash2, 64-bit version for 64-bit platforms (public domain); bytes are read in little-endian
 * order on every machine.
 */
const SEED = 0xadc83b19;

/** The multiplier, 0xc6a4a7935bd1e995, in its halves and the quarters of the lower one. */
const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
const M_LOW_UPPER = 0x5bd1;
const M_LOW_LOWER = 0xe995;

export class MurmurHash {
  /** Bits 0–31 of the hash, as a signed number. */
  low = 0;
  /** Bits 32–63. */
  high = 0;

  /** Hashes `buffer[start, end)`. */
  of(buffer: Uint8Array, start: number, end: number): void {
    const length = end - start;
    let high = productHigh(length, 0);
    let low = Math.imul(length, M_LOW) ^ SEED;
    let at = start;
    for (; at + 8 <= end; at += 8) {
      let wordLow = word(buffer, at);
      let wordHigh = productHigh(wordLow, word(buffer, at + 4));
      wordLow = Math.imul(wordLow, M_LOW);
      wordLow ^= wordHigh >>> 15; // a shift by 47 bits: only 17 are left of the higher half
      wordHigh = productHigh(wordLow, wordHigh);
      wordLow = Math.imul(wordLow, M_LOW);
      low ^= wordLow;
      high ^= wordHigh;
      high = productHigh(low, high);
      low = Math.imul(low, M_LOW);
    }
    if (at < end) {
      for (let i = end - 1; i >= at; i--) {
        const shift = (i - at) << 3;
        if (shift < 32) low ^= buffer[i] << shift;
        else high ^= buffer[i] << (shift - 32);
      }
      high = productHigh(low, high);
      low = Math.imul(low, M_LOW);
    }
    low ^= high >>> 15;
    high = productHigh(low, high);
    low = Math.imul(low, M_LOW);
    this.low = low ^ (high >>> 15);
    this.high = high;
  }
}

/** The higher half of (`high`, `low`) times the multiplier, modulo 2^64; the lower half is `imul(low, M_LOW)`. */
function productHigh(low: number, high: number): number {
  const lower = low & 0xffff;
  const upper = low >>> 16;
  const middle = upper * M_LOW_LOWER + ((lower * M_LOW_LOWER) >>> 16);
  const carry = (lower * M_LOW_UPPER + (middle & 0xffff)) >>> 16;
  return (upper * M_LOW_UPPER + (middle >>> 16) + carry + Math.imul(low, M_HIGH) + Math.imul(high, M_LOW)) | 0;
}

function word(buffer: Uint8Array, at: number): number {
  return buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24);
}
