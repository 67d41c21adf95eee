import fc from 'fast-check';
import { expect, test } from 'vitest';
import { degreesText, quotedDegrees, writeDistance } from '../../../src/server/geo/decimal';

function distanceText(distance: number): string {
  const digits = Buffer.alloc(32);
  return digits.toString('latin1', 0, writeDistance(distance, digits));
}

test('distances have four places, ties going to the even digit', () => {
  const expected: [number, string][] = [
    [0, '0.0000'],
    [0.00004, '0.0000'],
    [0.00006, '0.0001'],
    [9.8182, '9.8182'],
    [166274.15156960033, '166274.1516'],
    [1 / 32, '0.0312'],
    [3 / 32, '0.0938'],
    [0.99995001, '1.0000'],
    [20015115.12345678, '20015115.1235'],
  ];
  for (const [distance, text] of expected) expect(distanceText(distance)).toBe(text);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 7e7, noNaN: true }), (distance) => {
      expect(distanceText(distance)).toMatch(/^\d+\.\d{4}$/);
      expect(Math.abs(Number(distanceText(distance)) - distance)).toBeLessThanOrEqual(0.00005001);
    }),
  );
});

test('degrees have up to seventeen places, as C prints them', () => {
  expect(degreesText(13.361389338970184)).toBe('13.36138933897018433');
  expect(degreesText(-85.05112878)).toBe('-85.0511287799999991');
  expect(degreesText(180)).toBe('180');
  expect(degreesText(0)).toBe('0');
  expect(degreesText(0.5)).toBe('0.5');
  // 2^-18 has eighteen places: exactly between two of seventeen.
  expect(degreesText(2 ** -18)).toBe('0.00000381469726562');
  expect(degreesText(3 * 2 ** -18)).toBe('0.00001144409179688');
});

test('errors quote degrees with six places', () => {
  const expected: [number, string][] = [
    [181, '181.000000'],
    [-0, '-0.000000'],
    [-1e-9, '-0.000000'],
    [200.0078125, '200.007812'],
    [-100.0234375, '-100.023438'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [1e23, '99999999999999991611392.000000'],
  ];
  for (const [degrees, text] of expected) expect(quotedDegrees(degrees)).toBe(text);
});
