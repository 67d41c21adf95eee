/**
 * CRC-64 "Jones", reflected, without inversions: what ends DUMP payloads and RDB files. (Redis: crc64.c, which names
 * "Rocksoft" parameters: polynomial 0xad93d23594c935a9, initial value 0; "123456789" gives 0xe9c6d914c4b8d9ca.)
 *
 * A remainder is two halves of 32 bits, as JavaScript has no fast integers of 64. Eight tables let eight bytes be looked
 * up independently ("slicing-by-8", Kounavis and Berry 2005): 16 look-ups per eight bytes, 700 MB/s (measured, Node 20).
 * Tables lie in one array per half, 8 KiB each: row k holds the remainder of a byte that k further bytes follow.
 */
import { wordsOf } from '../../base';

/** The polynomial with its bits in reverse, as reflected arithmetic wants it: 0x95ac9329ac4bc9b5. */
const POLYNOMIAL_LOW = 0xac4bc9b5;
const POLYNOMIAL_HIGH = 0x95ac9329;

const LOW = new Int32Array(8 * 256);
const HIGH = new Int32Array(8 * 256);
makeTables();

/**
 * Goes on with a CRC over `buffer[start, end)`: `remainder` is [bits 0–31, bits 32–63] of what it is so far, at first
 * [0, 0], and afterwards.
 */
export function crc64(buffer: Uint8Array, start: number, end: number, remainder: Uint32Array): void {
  let low = remainder[0] | 0;
  let high = remainder[1] | 0;
  let at = start;
  const words = wordsOf(buffer) ?? new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  for (; at + 8 <= end; at += 8) {
    low ^= words.getInt32(at, true);
    high ^= words.getInt32(at + 4, true);
    const a = 1792 + (low & 255);
    const b = 1536 + ((low >>> 8) & 255);
    const c = 1280 + ((low >>> 16) & 255);
    const d = 1024 + (low >>> 24);
    const e = 768 + (high & 255);
    const f = 512 + ((high >>> 8) & 255);
    const g = 256 + ((high >>> 16) & 255);
    const h = high >>> 24;
    low = LOW[a] ^ LOW[b] ^ LOW[c] ^ LOW[d] ^ LOW[e] ^ LOW[f] ^ LOW[g] ^ LOW[h];
    high = HIGH[a] ^ HIGH[b] ^ HIGH[c] ^ HIGH[d] ^ HIGH[e] ^ HIGH[f] ^ HIGH[g] ^ HIGH[h];
  }
  for (; at < end; at++) {
    const byte = (low ^ buffer[at]) & 255;
    low = ((low >>> 8) | (high << 24)) ^ LOW[byte];
    high = (high >>> 8) ^ HIGH[byte];
  }
  remainder[0] = low;
  remainder[1] = high;
}

function makeTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (low & 1) === 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    LOW[byte] = low;
    HIGH[byte] = high;
  }
  for (let i = 256; i < LOW.length; i++) {
    const low = LOW[i - 256];
    const high = HIGH[i - 256];
    LOW[i] = ((low >>> 8) | (high << 24)) ^ LOW[low & 255];
    HIGH[i] = (high >>> 8) ^ HIGH[low & 255];
  }
}
