/**
 * The hash of keys against a second implementation that follows the paper step by step, and which is itself shown
 * right by published test vectors of HalfSipHash-2-4 (the authors' vectors.h: key 00 01 … 07, input 00 01 …).
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { KeyHash } from '../../src/storage/key-hash';

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

class HalfSipHash {
  private v0: number;
  private v1: number;
  private v2: number;
  private v3: number;

  constructor(k0: number, k1: number) {
    this.v0 = k0;
    this.v1 = k1;
    this.v2 = k0 ^ 0x6c796765;
    this.v3 = k1 ^ 0x74656462;
  }

  static of(k0: number, k1: number, rounds: number, finalRounds: number, input: Uint8Array): number {
    const state = new HalfSipHash(k0, k1);
    const padded = new DataView(new ArrayBuffer((input.length & ~3) + 4));
    for (const [at, byte] of input.entries()) padded.setUint8(at, byte);
    padded.setUint8(padded.byteLength - 1, input.length & 0xff);
    for (let at = 0; at < padded.byteLength; at += 4) {
      const word = padded.getUint32(at, true);
      state.v3 ^= word;
      for (let i = 0; i < rounds; i++) state.round();
      state.v0 ^= word;
    }
    state.v2 ^= 0xff;
    for (let i = 0; i < finalRounds; i++) state.round();
    return (state.v1 ^ state.v3) >>> 0;
  }

  private round(): void {
    this.v0 = (this.v0 + this.v1) | 0;
    this.v1 = rotate(this.v1, 5) ^ this.v0;
    this.v0 = rotate(this.v0, 16);
    this.v2 = (this.v2 + this.v3) | 0;
    this.v3 = rotate(this.v3, 8) ^ this.v2;
    this.v0 = (this.v0 + this.v3) | 0;
    this.v3 = rotate(this.v3, 7) ^ this.v0;
    this.v2 = (this.v2 + this.v1) | 0;
    this.v1 = rotate(this.v1, 13) ^ this.v2;
    this.v2 = rotate(this.v2, 16);
  }
}

const hashOf = (hash: KeyHash, input: Uint8Array): number => hash.of(input, 0, input.length);

test('the second implementation gives the published values', () => {
  const input = Uint8Array.from({ length: 4 }, (_, i) => i);
  const values = [0, 1, 2, 3].map((length) => HalfSipHash.of(0x03020100, 0x07060504, 2, 4, input.subarray(0, length)));
  // As bytes: a9 35 9f 5b, 27 47 5a b8, fa 62 a6 03, 8a fe e7 04.
  expect(values).toEqual([0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a]);
});

test('is HalfSipHash-1-3 of every length at every offset', () => {
  const random = new Random(3);
  const buffer = Uint8Array.from({ length: 340 }, () => random.below(256));
  for (const seed of [1, 2, -5]) {
    const hash = new KeyHash(new Random(seed));
    const draws = new Random(seed);
    const k0 = draws.uint32();
    const k1 = draws.uint32();
    const lengths = [...Array(65).keys(), 255, 256, 257, 300];
    for (const length of lengths) {
      for (const offset of [0, 1, 2, 3, 5, 8, 31]) {
        const end = offset + length;
        expect(hash.of(buffer, offset, end)).toBe(HalfSipHash.of(k0, k1, 1, 3, buffer.subarray(offset, end)));
      }
    }
  }
});

describe('what the tables need of it', () => {
  const inputs = Array.from({ length: 4000 }, (_, i) => Buffer.from(`user:${i}`));

  test('one seed gives one hash, another seed another', () => {
    const [a, again, b] = [9, 9, 10].map((seed) => new KeyHash(new Random(seed)));
    expect(inputs.map((input) => hashOf(a, input))).toEqual(inputs.map((input) => hashOf(again, input)));
    expect(inputs.filter((input) => hashOf(a, input) === hashOf(b, input)).length).toBeLessThan(3);
  });

  test('one bit of the key flips half of the bits of the hash', () => {
    const hash = new KeyHash(new Random(4));
    const flips = new Uint32Array(32);
    let pairs = 0;
    for (const input of inputs.slice(0, 400)) {
      const before = hashOf(hash, input);
      for (let bit = 0; bit < input.length * 8; bit++) {
        input[bit >>> 3] ^= 1 << (bit & 7);
        const changed = before ^ hashOf(hash, input);
        input[bit >>> 3] ^= 1 << (bit & 7);
        for (let i = 0; i < 32; i++) flips[i] += (changed >>> i) & 1;
        pairs++;
      }
    }
    for (const flipped of flips) expect(flipped / pairs).toBeCloseTo(0.5, 1);
  });

  test.each([
    ['upper', 24],
    ['lower', 0],
  ])('the %s bits spread keys that look alike', (_, shift) => {
    const hash = new KeyHash(new Random(5));
    const buckets = new Uint32Array(256);
    for (const input of inputs) buckets[(hashOf(hash, input) >>> shift) & 0xff]++;
    // 15.6 keys per bucket on average; 40 would be six deviations above.
    expect(Math.max(...buckets)).toBeLessThan(40);
    expect(Math.min(...buckets)).toBeGreaterThan(0);
  });
});
