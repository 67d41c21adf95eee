/**
 * Places against `indexOf`.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Places } from '../../../src/storage/snapshot/places';

test('a number of the row is found where it stands, and no other', () => {
  const numbers = fc.uniqueArray(fc.oneof(fc.nat(40), fc.integer({ min: 0, max: 2 ** 32 - 1 })), { maxLength: 70 });
  fc.assert(
    fc.property(numbers, fc.array(fc.nat(40)), (row, others) => {
      const places = new Places(Uint32Array.from(row));
      for (const number of [...row, ...others]) expect(places.of(number)).toBe(row.indexOf(number));
    }),
  );
});
