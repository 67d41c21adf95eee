/**
 * How many different elements a HyperLogLog has seen, estimated from how often each register value occurs.
 *
 * The estimator is the one that Redis has used since version 4: no tables of bias and no change of formula between small
 * and large sets. It sums in the same order and in doubles as Redis does, so that the figures are equal to the last digit.
 *
 * Source: Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, algorithm 6.
 */

/** Registers of a HyperLogLog: 2^14, chosen by as many bits of an element's hash. */
export const REGISTER_COUNT = 16384;
/** Bits of the hash that are left for a register's value. */
export const VALUE_BITS = 50;

/** 1 / (2 ln 2), the limit of the correction factor for many registers. */
const ALPHA = 0.7213475204444817;
const INT64_OVERFLOW = 2 ** 63;

/**
 * The estimate, an integer. `histogram[v]` is the number of registers with the value v, for all 64 values of 6 bits.
 * What no set can lead to and an int64 cannot hold becomes −2^63, which is what a processor makes of it.
 */
export function estimateCardinality(histogram: Int32Array): number {
  let sum = REGISTER_COUNT * tau((REGISTER_COUNT - histogram[VALUE_BITS + 1]) / REGISTER_COUNT);
  for (let value = VALUE_BITS; value >= 1; value--) sum = (sum + histogram[value]) * 0.5;
  sum += REGISTER_COUNT * sigma(histogram[0] / REGISTER_COUNT);
  const estimate = Math.round((ALPHA * REGISTER_COUNT * REGISTER_COUNT) / sum);
  return estimate < INT64_OVERFLOW ? estimate : -INT64_OVERFLOW;
}

/** What the registers that are still 0 add. */
function sigma(fraction: number): number {
  if (fraction === 1) return Infinity;
  let power = fraction;
  let weight = 1;
  let sum = fraction;
  for (let before = NaN; before !== sum; weight += weight) {
    power *= power;
    before = sum;
    sum += power * weight;
  }
  return sum;
}

/** What the registers that can rise no further take away. */
function tau(fraction: number): number {
  if (fraction === 0 || fraction === 1) return 0;
  let root = fraction;
  let weight = 1;
  let sum = 1 - fraction;
  for (let before = NaN; before !== sum;) {
    root = Math.sqrt(root);
    before = sum;
    weight *= 0.5;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}
