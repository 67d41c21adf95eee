/**
 * HyperLogLogs without a server: the hash against BigInt arithmetic, the two encodings against each other, and strings that
 * only look like one. That the bytes are Redis' own is shown by transcripts and test/oracle/hyperloglog.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, Random } from '../../src/base';
import { CORRUPT, estimateOf, findSketchFault, isHyperLogLog, REGISTER_COUNT, Sketch } from '../../src/storage';
import { MurmurHash } from '../../src/storage/murmur-hash';

const NO_LIMIT = Infinity;

/** MurmurHash64A as its author wrote it down, in BigInts. */
function referenceHash(bytes: Uint8Array): bigint {
  const m = 0xc6a4a7935bd1e995n;
  const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
  const little = (from: number, to: number): bigint =>
    bytes.subarray(from, to).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const whole = bytes.length - (bytes.length % 8);
  let h = 0xadc83b19n ^ wrap(BigInt(bytes.length) * m);
  for (let at = 0; at < whole; at += 8) {
    let k = wrap(little(at, at + 8) * m);
    k = wrap((k ^ (k >> 47n)) * m);
    h = wrap((h ^ k) * m);
  }
  if (whole < bytes.length) h = wrap((h ^ little(whole, bytes.length)) * m);
  h = wrap((h ^ (h >> 47n)) * m);
  return h ^ (h >> 47n);
}

/** Adds elements; the sketch is left open. */
function sketchOf(elements: readonly Uint8Array[], sparseBytesMax = NO_LIMIT): Sketch {
  const sketch = new Sketch();
  sketch.create();
  for (const element of elements) sketch.add(new Bytes(element), sparseBytesMax);
  return sketch;
}

function registersOf(sketch: Sketch): Buffer {
  const registers = Buffer.alloc(REGISTER_COUNT);
  expect(sketch.mergeInto(registers)).toBe(true);
  return registers;
}

const element = fc.uint8Array({ maxLength: 40 });

test('hashes as MurmurHash64A does', () => {
  const hash = new MurmurHash();
  fc.assert(
    fc.property(element, fc.nat(3), (bytes, offset) => {
      const shifted = new Uint8Array(offset + bytes.length + 1).fill(255);
      shifted.set(bytes, offset);
      hash.of(shifted, offset, offset + bytes.length);
      const actual = (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0);
      expect(actual).toBe(referenceHash(bytes));
    }),
    { numRuns: 1000 },
  );
});

describe('sparse and dense', () => {
  test('hold the same registers, whenever the change from one to the other comes', () => {
    fc.assert(
      fc.property(
        fc.array(element, { maxLength: 200 }),
        fc.integer({ min: 0, max: 400 }),
        (elements, sparseBytesMax) => {
          const sparse = sketchOf(elements);
          const mixed = sketchOf(elements, sparseBytesMax);
          const registers = registersOf(sparse);
          expect(registersOf(mixed).equals(registers)).toBe(true);
          expect(sparse.toDense()).toBe(true);
          expect(registersOf(sparse).equals(registers)).toBe(true);
          expect(sparse.refresh() && mixed.refresh()).toBe(true);
          expect(sparse.cardinality).toBe(mixed.cardinality);
          expect(sparse.cardinality).toBe(estimateOf(registers));
        },
      ),
    );
  });

  test('every register takes every value and leaves its neighbours alone', () => {
    const sketch = new Sketch();
    sketch.create();
    const expected = new Uint8Array(REGISTER_COUNT);
    for (let i = 0; i < REGISTER_COUNT; i += 7) {
      expected[i] = (i % 51) + 1;
      sketch.raise(i, expected[i], 3000);
    }
    expect(sketch.isSparse).toBe(false);
    expect(registersOf(sketch).equals(expected)).toBe(true);
  });

  test('a string that is only read stays where it is', () => {
    const bytes = sketchOf([Buffer.from('a')])
      .bytes(new Bytes())
      .copy();
    const sketch = new Sketch();
    sketch.open(new Bytes(bytes));
    sketch.add(Bytes.of('a'), NO_LIMIT);
    expect(sketch.isOwn).toBe(false);
    sketch.add(Bytes.of('b'), NO_LIMIT);
    expect(sketch.isOwn).toBe(true);
  });
});

describe('strings that only look like a HyperLogLog', () => {
  const header = fc
    .tuple(fc.uint8Array({ minLength: 3, maxLength: 3 }), fc.uint8Array({ minLength: 8, maxLength: 8 }))
    .map(([unused, cardinality]) => [0x48, 0x59, 0x4c, 0x4c, 1, ...unused, ...cardinality]);
  const code = fc.oneof(fc.nat(255), fc.constantFrom(0x3f, 0x7f, 0xff, 0x40, 0x80));
  const lookAlike = fc
    .tuple(header, fc.array(code, { maxLength: 600 }), fc.boolean())
    // Half of them begin with all the registers that there are less 64, so that much of the rest is looked at.
    .map(([first, runs, isNearlyWhole]) => Buffer.from([...first, ...(isNearlyWhole ? [0x7f, 0xbf] : []), ...runs]));

  test('never throw, hang or lose their neighbours', () => {
    fc.assert(
      fc.property(lookAlike, fc.nat(REGISTER_COUNT - 1), fc.integer({ min: 1, max: 51 }), (bytes, index, value) => {
        const guarded = Buffer.concat([Buffer.from([1]), bytes, Buffer.from([255, 255])]);
        const before = Buffer.from(guarded);
        const view = new Bytes(guarded, 1, 1 + bytes.length);
        expect(isHyperLogLog(view)).toBe(true);
        const sketch = new Sketch();
        sketch.open(view);
        const isWhole = sketch.mergeInto(new Uint8Array(REGISTER_COUNT));
        expect(sketch.describeRuns().length).toBeGreaterThanOrEqual(0);
        expect(sketch.refresh()).toBe(isWhole);
        const result = sketch.raise(index, value, 3000);
        if (isWhole) expect(result).not.toBe(CORRUPT);
        expect(sketch.toDense() || !isWhole).toBe(true);
        expect(guarded.equals(before)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('too short, of another name, of an unknown encoding, dense of another length', () => {
    const dense = Buffer.alloc(12304);
    dense.write('HYLL');
    expect(isHyperLogLog(new Bytes(dense))).toBe(true);
    expect(isHyperLogLog(new Bytes(dense, 0, 12303))).toBe(false);
    expect(isHyperLogLog(new Bytes(dense, 0, 15))).toBe(false);
    dense[4] = 2;
    expect(isHyperLogLog(new Bytes(dense))).toBe(false);
    dense[4] = 0;
    dense[3] = 0x4d;
    expect(isHyperLogLog(new Bytes(dense))).toBe(false);
  });
});

test('an estimate beyond an int64 is what Redis makes of it', () => {
  expect(estimateOf(new Uint8Array(REGISTER_COUNT))).toBe(0);
  for (const value of [50, 51, 63]) expect(estimateOf(new Uint8Array(REGISTER_COUNT).fill(value))).toBe(-(2 ** 63));
});

test('the self-test finds nothing wrong', () => {
  for (let seed = 0; seed < 5; seed++) expect(findSketchFault(new Random(seed))).toBeNull();
});
