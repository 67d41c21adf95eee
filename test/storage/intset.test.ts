/**
 * Intsets against plain sets of BigInts, and against bytes that strangers made. That the bytes are Redis' own is shown by
 * test/oracle/packed-encodings.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { Int64 } from '../../src/storage/int64';
import { Intset, INTSET_HEADER_BYTES, isValidIntset } from '../../src/storage/intset';
import { disturbed, int64, textOfMember } from './packed';
import { bytes } from './store';

const BEFORE = 3;

/** A set that grows as its owner has to make it grow: into new memory of exactly the size that it asks for. */
class GrowingSet {
  readonly set = new Intset();

  constructor() {
    this.set.over(new Bytes(Buffer.alloc(BEFORE + INTSET_HEADER_BYTES, 0xa5), BEFORE));
    this.set.clear();
  }

  get bytes(): Buffer {
    return Buffer.from(this.set.u8.subarray(BEFORE, BEFORE + this.set.byteLength));
  }

  add(text: string): boolean {
    const present = this.bytes;
    const size = this.set.sizeWith(bytes(text));
    const room = Buffer.alloc(BEFORE + Math.max(size, present.length), 0xa5);
    present.copy(room, BEFORE);
    const isNew = this.set.over(new Bytes(room, BEFORE)).insert(bytes(text));
    if (size !== 0) expect(this.set.byteLength).toBe(size);
    return isNew;
  }
}

function elementsOf(set: Intset): string[] {
  return Array.from({ length: set.length }, (_, index) => set.at(index, new Bytes()).toLatin1());
}

function ascending(values: Iterable<bigint>): string[] {
  return [...values].sort((a, b) => (a < b ? -1 : 1)).map(String);
}

const LIMITS: readonly (readonly [bigint, number])[] = [
  [2n ** 15n, 2],
  [2n ** 31n, 4],
];

function widthOf(value: bigint): number {
  return LIMITS.find(([limit]) => value >= -limit && value < limit)?.[1] ?? 8;
}

describe('an intset', () => {
  test('has what was put into it and not taken away, in order, as wide as ever needed', () => {
    const step = fc.tuple(fc.boolean(), int64);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const growing = new GrowingSet();
        const { set } = growing;
        const model = new Set<bigint>();
        let width = 2;
        for (const [isAdded, value] of steps) {
          const text = bytes(String(value));
          expect(set.has(text)).toBe(model.has(value));
          if (isAdded) {
            expect(growing.add(String(value))).toBe(!model.has(value));
            model.add(value);
            width = Math.max(width, widthOf(value));
          } else {
            expect(set.remove(text)).toBe(model.delete(value));
          }
          expect([set.length, set.widthBytes]).toEqual([model.size, width]);
          expect(set.byteLength).toBe(INTSET_HEADER_BYTES + model.size * width);
        }
        expect(elementsOf(set)).toEqual(ascending(model));
        ascending(model).forEach((text, index) => {
          expect(set.find(bytes(text))).toBe(index);
          expect(set.integerAt(index)).toBe(Number.isSafeInteger(Number(text)) ? Number(text) : NaN);
        });
        expect(isValidIntset(growing.bytes, 0, set.byteLength)).toBe(model.size > 0);
      }),
      { numRuns: 500 },
    );
  });

  test('refuses what spells no int64', () => {
    const growing = new GrowingSet();
    growing.add('1');
    const before = growing.bytes;
    for (const text of ['', 'a', '-0', '01', '+1', '9223372036854775808', '1 ']) {
      expect([growing.set.sizeWith(bytes(text)), growing.set.has(bytes(text)), growing.add(text)]).toEqual([
        0,
        false,
        false,
      ]);
      expect(growing.set.remove(bytes(text))).toBe(false);
    }
    expect(growing.bytes).toEqual(before);
  });

  test('gives up elements by index', () => {
    const growing = new GrowingSet();
    for (const value of [5, 70_000, -3, 9]) growing.add(String(value));
    growing.set.removeAt(1);
    growing.set.removeAt(2);
    expect(elementsOf(growing.set)).toEqual(['-3', '9']);
    expect(growing.set.widthBytes).toBe(4);
  });

  test('is known by its bytes', () => {
    fc.assert(
      fc.property(fc.array(int64, { maxLength: 20 }), disturbed, (values, disturb) => {
        const growing = new GrowingSet();
        for (const value of values) growing.add(String(value));
        const hostile = disturb(growing.bytes);
        const guarded = Buffer.alloc(hostile.length + 2 * BEFORE, 0x7f);
        guarded.set(hostile, BEFORE);
        if (!isValidIntset(guarded, BEFORE, BEFORE + hostile.length)) return;
        const set = new Intset().over(new Bytes(guarded, BEFORE));
        const elements = elementsOf(set);
        expect(set.byteLength).toBe(hostile.length);
        expect(elements).toEqual(ascending(new Set(elements.map(BigInt))));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an int64', () => {
  test('is read, written and spelled as BigInt has it', () => {
    const value = new Int64();
    const target = Buffer.alloc(32);
    fc.assert(
      fc.property(int64, (expected) => {
        const text = bytes(String(expected));
        expect(value.parse(text.buffer, text.start, text.end)).toBe(true);
        expect((BigInt(value.high) << 32n) | BigInt(value.low >>> 0)).toBe(expected);
        value.write(target, 3);
        expect(target.readBigInt64LE(3)).toBe(expected);
        value.set(0);
        value.read(target, 3);
        expect(value.number).toBe(Number.isSafeInteger(Number(expected)) ? Number(expected) : NaN);
        expect(target.toString('latin1', 1, value.spell(target, 1))).toBe(String(expected));
        expect((BigInt(value.high) << 32n) | BigInt(value.low >>> 0)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('has one spelling', () => {
    const value = new Int64();
    fc.assert(
      fc.property(textOfMember, (text) => {
        const isSpelling = /^(0|-?[1-9]\d*)$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
        const view = bytes(text);
        expect(value.parse(view.buffer, view.start, view.end)).toBe(isSpelling);
      }),
    );
  });
});
