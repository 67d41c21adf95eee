/**
 * The hash of a key inside its slot's table: HalfSipHash-1-3 (Aumasson, Bernstein 2012; the 32-bit variant) under a
 * secret of 64 bits, because keys come from strangers, and a table that strangers can fill with collisions is slow
 * for everybody. The slot itself comes from crc32, which is public and only spreads.
 */
import type { Random } from '../base';

export class KeyHash {
  private readonly k0: number;
  private readonly k1: number;

  constructor(random: Random) {
    this.k0 = random.uint32() | 0;
    this.k1 = random.uint32() | 0;
  }

  /** A whole number in [0, 2^32) for `buffer[start, end)`. */
  of(buffer: Uint8Array, start: number, end: number): number {
    let v0 = this.k0;
    let v1 = this.k1;
    let v2 = 0x6c796765 ^ this.k0;
    let v3 = 0x74656462 ^ this.k1;
    let at = start;
    let word: number;
    for (; at + 3 < end; at += 4) {
      word = buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    word = (end - start) << 24;
    if (at < end) word |= buffer[at];
    if (at + 1 < end) word |= buffer[at + 1] << 8;
    if (at + 2 < end) word |= buffer[at + 2] << 16;
    v3 ^= word;
    // The round of the last word, then three more: the loop is cheaper than a call that V8 may not inline (30 %).
    for (let round = 0; round < 4; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round === 0) {
        v0 ^= word;
        v2 ^= 0xff;
      }
    }
    return (v1 ^ v3) >>> 0;
  }
}
