/**
 * Outputs that are appended to others: short ones are copied, long ones hand their chunks over.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Output } from '../../src/base';

/** Writes that are shorter than a chunk, about as long, and much longer. */
const write = fc.constantFrom(0, 1, 100, 16_383, 16_384, 16_385, 100_000);

function fill(output: Output, lengths: readonly number[], byte: number): Buffer {
  const written = lengths.map((length, i) => Buffer.alloc(length, byte + i));
  for (const bytes of written) output.constant(bytes);
  return Buffer.concat(written);
}

test('an output takes in what was written to another, which can be used again', () => {
  fc.assert(
    fc.property(fc.array(write), fc.array(write), fc.array(write), fc.array(write), (a, b, c, d) => {
      const output = new Output();
      const other = new Output();
      const expected = [fill(output, a, 1), fill(other, b, 50)];
      output.append(other);
      expect(other.length).toBe(0);
      expected.push(fill(output, c, 100), fill(other, d, 150));
      expect(output.length).toBe(expected[0].length + expected[1].length + expected[2].length);
      output.append(other);
      expect(output.take().equals(Buffer.concat(expected))).toBe(true);
      expect([output.length, other.length]).toEqual([0, 0]);
    }),
  );
});
