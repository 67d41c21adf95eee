/**
 * LZF: there and back, and bytes that no compressor made. That our compressor decides as Redis' does is shown by
 * test/oracle/packed-encodings.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compress, decompress } from '../../../src/storage/rdb/lzf';
import { compressQuickly } from '../../../src/storage/rdb/lzf-quick';
import { disturbed } from '../packed';

const GUARD = 0xa5;
const BEFORE = 4;

/** Compresses amid other bytes, which must stay as they are; null where there was too little room. */
function compressed(source: Uint8Array, limit: number, isExact = true): Buffer | null {
  const target = Buffer.alloc(limit + 2 * BEFORE, GUARD);
  const shifted = Buffer.concat([Buffer.alloc(BEFORE, 1), source, Buffer.alloc(BEFORE, 1)]);
  const compressor = isExact ? compress : compressQuickly;
  const length = compressor(shifted, BEFORE, BEFORE + source.length, target, BEFORE, limit);
  expect(length).toBeLessThanOrEqual(limit);
  expectGuards(target, limit);
  return length === 0 ? null : Buffer.from(target.subarray(BEFORE, BEFORE + length));
}

/** Decompresses in the same way; null where the source is corrupt. */
function decompressed(source: Uint8Array, length: number): Buffer | null {
  const target = Buffer.alloc(length + 2 * BEFORE, GUARD);
  const shifted = Buffer.concat([Buffer.alloc(BEFORE, 1), source, Buffer.alloc(BEFORE, 1)]);
  const isSound = decompress(shifted, BEFORE, BEFORE + source.length, target, BEFORE, BEFORE + length);
  expectGuards(target, length);
  return isSound ? Buffer.from(target.subarray(BEFORE, BEFORE + length)) : null;
}

function expectGuards(target: Buffer, length: number): void {
  const guards = Buffer.concat([target.subarray(0, BEFORE), target.subarray(BEFORE + length)]);
  expect(guards).toEqual(Buffer.alloc(2 * BEFORE, GUARD));
}

/** Few different bytes, parts that come again near and far. */
const compressible = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.nat(3), fc.nat(600)).map(([byte, length]) => Buffer.alloc(length, byte)),
      fc.nat(50).map((i) => Buffer.from(`{"id":${i},"name":"user"}`)),
    ),
    { maxLength: 20 },
  )
  .map((parts) => Buffer.concat([...parts, ...parts]));

describe('LZF', () => {
  test('gives back what it took', () => {
    fc.assert(
      fc.property(compressible, fc.boolean(), (source, isExact) => {
        const small = compressed(source, source.length + 64, isExact);
        if (source.length === 0) expect(small).toBe(null);
        else expect(decompressed(small as Buffer, source.length)).toEqual(source);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps to its limit', () => {
    fc.assert(
      fc.property(compressible, fc.nat(200), fc.boolean(), (source, limit, isExact) => {
        const small = compressed(source, limit, isExact);
        if (small !== null) expect(decompressed(small, source.length)).toEqual(source);
      }),
      { numRuns: 300 },
    );
  });

  test.each([true, false])('forgets what it compressed before (exact: %s)', (isExact) => {
    const source = Buffer.from('abcabcabcabd'.repeat(20));
    const first = compressed(source, source.length, isExact);
    compressed(Buffer.from('xyzabcabcabd'.repeat(30)), 400, isExact);
    compressed(Buffer.from('xyzabcabcabd'.repeat(30)), 400, !isExact);
    expect(compressed(source, source.length, isExact)).toEqual(first);
  });

  test('is not much larger where it is quick', () => {
    const source = Buffer.from(Array.from({ length: 100 }, (_, i) => `{"id":${i},"name":"user ${i * 7}"}`).join(','));
    const [exact, quick] = [true, false].map((isExact) => compressed(source, source.length, isExact)!.length);
    expect(quick).toBeLessThan(exact * 1.2);
  });

  test('reaches back 8,192 bytes and copies up to 264', () => {
    const filler = Buffer.from(Array.from({ length: 8192 - 5 }, (_, i) => (i * 2_654_435_761) >>> 24));
    for (const more of [0, 1]) {
      const source = Buffer.concat([
        Buffer.from('!'),
        Buffer.from('QRSTU'),
        filler,
        Buffer.alloc(more),
        Buffer.from('QRSTUxx'),
      ]);
      for (const isExact of [true, false]) {
        expect(decompressed(compressed(source, 20_000, isExact) as Buffer, source.length)).toEqual(source);
      }
    }
    expect(decompressed(Buffer.from([0, 0x61, 0xe0, 255, 0]), 265)).toEqual(Buffer.alloc(265, 0x61));
  });

  test.each([
    ['a run that is cut', [5, 1, 2]],
    ['a match without its distance', [0, 0x61, 0x20]],
    ['a long match without its length', [0, 0x61, 0xe0]],
    ['a match before the beginning', [0, 0x61, 0x20, 1]],
    ['too many bytes', [3, 1, 2, 3, 4]],
    ['too few bytes', [1, 1, 2]],
    ['a match beyond the end', [0, 0x61, 0x40, 0]],
  ])('refuses %s', (_, source) => {
    expect(decompressed(Buffer.from(source), 3)).toBe(null);
  });

  test('stays inside whatever it is given', () => {
    fc.assert(
      fc.property(compressible, disturbed, fc.integer({ min: -3, max: 3 }), (source, disturb, more) => {
        const small = compressed(source, source.length + 64);
        if (small !== null) decompressed(disturb(small), Math.max(source.length + more, 0));
      }),
      { numRuns: 1000 },
    );
  });
});
