import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arcSine, cosine, sine } from '../../../src/server/geo/trigonometry';

/** Numbers as integers that count 2^-200. */
const BITS = 200n;
const ONE = 1n << BITS;

function exact(value: number): bigint {
  let exponent = 0n;
  for (; !Number.isInteger(value); value *= 2) exponent++;
  return (BigInt(value) << BITS) >> exponent;
}

/** Sine or cosine by its series, from its first term on. */
function series(angle: bigint, term: bigint, power: bigint): bigint {
  let sum = 0n;
  for (; term !== 0n; power += 2n) {
    sum += term;
    term = -(((term * angle) >> BITS) * angle) >> BITS;
    term /= (power + 1n) * (power + 2n);
  }
  return sum;
}

const exactSine = (angle: bigint): bigint => series(angle, angle, 1n);
const exactCosine = (angle: bigint): bigint => series(angle, ONE, 0n);

/** By how many units in the last place a result is wrong: at most 1/2 where it is the nearest double. */
function error(result: number, truth: bigint): number {
  const exponent = Math.floor(Math.log2(Math.abs(result)));
  return Number(exact(result) - truth) / Number(ONE) / 2 ** (exponent - 52);
}

const angle = (max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.double({ min: -max, max, noNaN: true }), fc.double({ min: -1e-3, max: 1e-3, noNaN: true }));
/** More than rounding to the nearest has, and less than what one in a hundred results would reach. */
const ERROR_MAX = 0.505;

describe('rounds rightly, nearly always', () => {
  test('the sine', () => {
    fc.assert(
      fc.property(angle(Math.PI), (x) => {
        const result = sine(x);
        if (Math.abs(result) < 1e-300) return;
        expect(Math.abs(error(result, exactSine(exact(x))))).toBeLessThan(ERROR_MAX);
      }),
      { numRuns: 2000 },
    );
  });

  test('the cosine', () => {
    fc.assert(
      fc.property(angle(Math.PI / 2), (x) => {
        expect(Math.abs(error(cosine(x), exactCosine(exact(x))))).toBeLessThan(ERROR_MAX);
      }),
      { numRuns: 2000 },
    );
  });

  test('the arc sine', () => {
    const sought = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1e-3, noNaN: true }),
      fc.double({ min: 0.999, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(sought, (x) => {
        const result = arcSine(x);
        if (result < 1e-30) return;
        // One step of Newton's method from a result that is nearly right.
        const near = exact(result);
        const truth = x === 1 ? near : near + ((exact(x) - exactSine(near)) << BITS) / exactCosine(near);
        expect(Math.abs(error(result, truth))).toBeLessThan(x > 1 - 1e-12 ? 1 : ERROR_MAX);
      }),
      { numRuns: 2000 },
    );
  });
});

test('zeros, edges, and what is beyond them', () => {
  expect([sine(0), cosine(0), arcSine(0), arcSine(1)]).toEqual([0, 1, 0, Math.PI / 2]);
  expect(sine(Math.PI)).toBe(1.2246467991473532e-16);
  expect(sine(-Math.PI)).toBe(-1.2246467991473532e-16);
  expect(cosine(Math.PI / 2)).toBe(6.123233995736766e-17);
  expect(sine(Math.PI / 2)).toBe(1);
  expect([sine(4), cosine(2), arcSine(1.1)]).toEqual([NaN, NaN, NaN]);
});
