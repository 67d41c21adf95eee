/**
 * Outputs that are appended to others: short ones are copied, long ones hand their chunks over. Outputs that leave in parts, to
 * a sink that keeps some of the memory.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Output, type ByteSink } from '../../src/base';

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

/** Takes what it is given, or keeps the memory and looks at it only when it is asked what has arrived. */
class KeepingSink implements ByteSink {
  keeps = false;
  private readonly parts: Uint8Array[] = [];

  write(bytes: Uint8Array): boolean {
    this.parts.push(this.keeps ? bytes : Uint8Array.from(bytes));
    return !this.keeps;
  }

  get arrived(): Buffer {
    return Buffer.concat(this.parts);
  }
}

const deed = fc.oneof(
  fc.record({ write }),
  fc.record({ flushPart: fc.double({ min: 0, max: 1, noNaN: true }), keeps: fc.boolean() }),
  fc.record({ flush: fc.constant(true), keeps: fc.boolean() }),
);

test('an output leaves in parts, whole and in order, and memory that a sink keeps is left alone', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
      const output = new Output();
      const sink = new KeepingSink();
      const written: Buffer[] = [];
      deeds.forEach((each, i) => {
        if ('write' in each) {
          written.push(fill(output, [each.write], i));
          return;
        }
        sink.keeps = each.keeps;
        if ('flush' in each) output.flush(sink);
        else output.flushFirst(sink, Math.floor(output.length * each.flushPart));
        // Who comes for memory next must not be given what is kept.
        fill(new Output(), [20_000], 255);
      });
      const all = Buffer.concat(written);
      expect(sink.arrived.length + output.length).toBe(all.length);
      expect(Buffer.concat([sink.arrived, output.take()]).equals(all)).toBe(true);
      expect(output.length).toBe(0);
    }),
  );
});

test('an output of which a part has left is dropped whole', () => {
  const output = new Output();
  const sink = new KeepingSink();
  fill(output, [16_384, 100], 1);
  output.flushFirst(sink, 10);
  output.clear();
  expect(output.length).toBe(0);
  const after = fill(output, [5], 9);
  output.flush(sink);
  expect(sink.arrived.subarray(10).equals(after)).toBe(true);
});
