import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bytes } from '../../../src/base';
import { SortOrder } from '../../../src/server/handlers/sort-order';
import { prefixWeight, Texts } from '../../../src/server/handlers/sort-texts';

/** Few different ones, and such as begin alike. */
const text = fc.oneof(
  fc.uint8Array({ maxLength: 3, max: 3 }),
  fc.tuple(fc.constantFrom(5, 6, 7), fc.uint8Array({ maxLength: 2 })).map(([length, end]) => {
    return Uint8Array.of(...new Uint8Array(length), ...end);
  }),
);
const texts = fc.array(text, { maxLength: 200, size: 'max' });

function textsOf(list: readonly Uint8Array[]): Texts {
  const all = new Texts(list.length);
  for (const one of list) all.add(new Bytes(one));
  return all;
}

/** The numbers that a stable sort of JavaScript would give. */
function expectedOrder(list: readonly Uint8Array[], weights: readonly number[], isDescending: boolean): number[] {
  const sign = isDescending ? -1 : 1;
  return list.map((_, i) => i).sort((i, j) => sign * (weights[i] - weights[j] || Buffer.compare(list[i], list[j])));
}

test('The first of many are in order, however many are asked for', () => {
  const weight = fc.constantFrom(0, 1, 2, -1.5);
  const weighed = fc.array(fc.tuple(text, weight), { maxLength: 200, size: 'max' });
  fc.assert(
    fc.property(weighed, fc.nat(220), fc.boolean(), (pairs, count, isDescending) => {
      const list = pairs.map(([one]) => one);
      const weights = pairs.map(([, number]) => number);
      const order = new SortOrder(textsOf(list), Float64Array.from(weights), isDescending).first(count);
      const expected = expectedOrder(list, weights, isDescending);
      expect([...order].slice(0, count)).toEqual(expected.slice(0, count));
    }),
    { numRuns: 500 },
  );
});

test('Weights of texts are in the order of the texts', () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const difference = prefixWeight(new Bytes(one)) - prefixWeight(new Bytes(other));
      if (difference !== 0) expect(Math.sign(difference)).toBe(Buffer.compare(one, other));
    }),
  );
});

test('Texts are copies, compared byte by byte', () => {
  fc.assert(
    fc.property(texts, (list) => {
      const all = textsOf(list);
      const kept = list.map((one) => Buffer.from(one));
      for (const one of list) one.fill(255);
      const view = new Bytes();
      for (let i = 0; i < kept.length; i++) {
        expect(all.at(i, view).copy()).toEqual(kept[i]);
        expect(Math.sign(all.compare(i, kept.length - 1))).toBe(Buffer.compare(kept[i], kept[kept.length - 1]));
      }
    }),
  );
});

test('Texts of all lengths fit', () => {
  const lengths = [0, 4095, 4096, 1, 0, 10_000, 3_000_000, 5, 1_048_576, 1_048_577, 0];
  const all = textsOf(lengths.map((length, i) => new Uint8Array(length).fill(i)));
  const view = new Bytes();
  lengths.forEach((length, i) => {
    expect(all.at(i, view).length).toBe(length);
    if (length > 0) expect([view.at(0), view.at(length - 1)]).toEqual([i, i]);
  });
});
