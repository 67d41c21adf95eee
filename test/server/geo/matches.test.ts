import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ASCENDING, DESCENDING, Matches, UNSORTED } from '../../../src/server/geo/matches';

/** Few different ones, so that many are equal. */
const distances = fc.array(fc.nat(20), { maxLength: 300, size: 'max' });

function filled(all: readonly number[]): Matches {
  const matches = new Matches();
  all.forEach((distance, i) => matches.add(i * 10, i * 100, distance));
  return matches;
}

test('the nearest or farthest come in order, and those that are equally far as they were found', () => {
  fc.assert(
    fc.property(distances, fc.constantFrom(ASCENDING, DESCENDING), fc.nat(320), (all, order, wanted) => {
      const sorted = all.map((distance, i) => ({ distance, i })).sort((a, b) => (a.distance - b.distance) * order);
      expect([...filled(all).inOrder(order, wanted)]).toEqual(sorted.slice(0, wanted).map(({ i }) => i));
    }),
  );
});

test('without an order the first that were found come first', () => {
  fc.assert(
    fc.property(distances, fc.nat(320), (all, wanted) => {
      expect([...filled(all).inOrder(UNSORTED, wanted)]).toEqual(all.map((_, i) => i).slice(0, wanted));
    }),
  );
});

test('keeps what is added while it grows, and gives room back that it does not need any more', () => {
  const matches = new Matches();
  for (let i = 0; i < 200_000; i++) matches.add(i, i + 1, i + 2);
  const { count, positions, scores, distances: columns } = matches;
  expect([count, positions[199_999], scores[100], columns[5]]).toEqual([200_000, 199_999, 101, 7]);
  matches.clear();
  expect([matches.count, matches.positions.length]).toEqual([0, 64]);
});
