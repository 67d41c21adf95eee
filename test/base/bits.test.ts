/**
 * Bits in runs of bytes, compared with a list of zeros and ones.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, countBits, countBitsBetween, findBitBetween, readBits, widen, writeBits } from '../../src/base';

/** Bytes with long runs of equal bits, at any place in a buffer, which has a view as words or has none. */
const values = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(0, 0, 0xff, 0xff, 0x10, 0xef, 0xa5), fc.nat(300)), {
      minLength: 1,
      maxLength: 5,
    }),
    fc.nat(9),
    fc.boolean(),
  )
  .map(([runs, before, isWide]) => {
    const run = Buffer.concat(runs.map(([byte, count]) => Buffer.alloc(count + 1, byte)));
    const buffer = Buffer.alloc(before + run.length + 3, 0x5a);
    run.copy(buffer, before);
    return new Bytes(isWide ? widen(buffer) : buffer, before, before + run.length);
  });

/** A value and two of its bits, in order. */
const ranges = fc
  .tuple(values, fc.double({ min: 0, max: 0.999, noNaN: true }), fc.double({ min: 0, max: 0.999, noNaN: true }))
  .map(([value, a, b]) => {
    const [from, to] = [a, b].map((share) => Math.floor(share * value.length * 8)).sort((x, y) => x - y);
    return { value, from, to };
  });

function bitsOf(value: Bytes): number[] {
  return [...value.copy()].flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >>> (7 - i)) & 1));
}

const ones = (bits: readonly number[]): number => bits.filter((bit) => bit === 1).length;

describe('bits', () => {
  test('are counted', () => {
    fc.assert(
      fc.property(ranges, ({ value, from, to }) => {
        const bits = bitsOf(value);
        expect(countBits(value.buffer, value.start, value.end)).toBe(ones(bits));
        expect(countBitsBetween(value, from, to)).toBe(ones(bits.slice(from, to + 1)));
      }),
    );
  });

  test('are found', () => {
    fc.assert(
      fc.property(ranges, fc.constantFrom(0, 1), ({ value, from, to }, bit) => {
        const at = bitsOf(value)
          .slice(from, to + 1)
          .indexOf(bit);
        expect(findBitBetween(value, bit, from, to)).toBe(at < 0 ? -1 : from + at);
      }),
    );
  });

  test.each([0, 1])('are found behind long runs of %i', (bit) => {
    const buffer = Buffer.alloc(20_000, bit === 1 ? 0xff : 0);
    const value = new Bytes(widen(buffer), 1, 19_999);
    expect(findBitBetween(value, 1 - bit, 3, 159_983)).toBe(-1);
    for (const at of [12_345, 4096 * 8, 4097 * 8 - 1, 159_000]) {
      buffer[1 + (at >>> 3)] ^= 0x80 >>> (at & 7);
      expect(findBitBetween(value, 1 - bit, 3, 159_983)).toBe(at);
      expect(findBitBetween(value, 1 - bit, 3, at - 1)).toBe(-1);
      buffer[1 + (at >>> 3)] ^= 0x80 >>> (at & 7);
    }
  });

  test('are read as integers, with zeros beyond the end', () => {
    fc.assert(
      fc.property(
        values,
        fc.double({ min: 0, max: 1.1, noNaN: true }),
        fc.integer({ min: 0, max: 32 }),
        (value, share, count) => {
          const from = Math.floor(share * value.length * 8);
          const bits = [...bitsOf(value), ...Array<number>(1000).fill(0)].slice(from, from + count);
          expect(readBits(value, from, count)).toBe(Number.parseInt(bits.join('') || '0', 2) | 0);
        },
      ),
    );
  });

  test('are written, and no others', () => {
    fc.assert(
      fc.property(ranges, fc.integer(), ({ value, from, to }, number) => {
        const count = Math.min(32, to - from + 1);
        const expected = bitsOf(value);
        for (let i = 0; i < count; i++) expected[from + i] = (number >>> (count - 1 - i)) & 1;
        const [first, last] = [value.buffer[value.start - 1], value.buffer[value.end]];
        writeBits(value, from, count, number);
        expect(bitsOf(value)).toEqual(expected);
        expect([value.buffer[value.start - 1], value.buffer[value.end]]).toEqual([first, last]);
      }),
    );
  });
});
