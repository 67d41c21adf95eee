/**
 * Sine, cosine and arc sine to the last bit: the double that is nearest to the true value, but for one case in thousands.
 *
 * Distances are replied with few digits, but stored with all (GEOSEARCHSTORE … STOREDIST), and then whoever compares two
 * servers sees every bit. C libraries round nearly always rightly; `Math` of JavaScript promises less, differs from one
 * engine to the next, and from glibc in 2 to 4 of 100 values (measured, Node 20). So these are our own.
 *
 * An angle is a multiple of 1/128 and a small rest; sine and cosine of the multiples come from a table that is computed with
 * integers when the module is loaded, those of the rest from their series; what a double cannot hold of the table and of the
 * largest product is carried along as a second one (Gal and Bachelis, An accurate elementary mathematical library, 1991).
 * The arc sine is that of `Math` after one step of Newton's method, whose residue is computed in the same way.
 */

const STEPS_PER_RADIAN = 128;
/** Up to π/4. */
const TABLE_LENGTH = 102;
/** From here on the sine is taken from the table: below, its own series says more. */
const TABLE_FROM = 1 / 8;
/** Arc sines of up to this, which is less than the sine of π/4, are found from below, others from π/2 down. */
const ARC_FROM_BELOW_MAX = 0.7;

/** π/2 as the sum of two doubles. */
const HALF_PI = Math.PI / 2;
const HALF_PI_LOW = 6.123233995736766e-17;
const QUARTER_PI = Math.PI / 4;

/** Sine and cosine of k/128 as nearest doubles, and what is missing from these to the true value. */
const sines = new Float64Array(TABLE_LENGTH);
const sinesLow = new Float64Array(TABLE_LENGTH);
const cosines = new Float64Array(TABLE_LENGTH);
const cosinesLow = new Float64Array(TABLE_LENGTH);
fillTables();

/** The sine of an angle in radians within ±π. */
export function sine(angle: number): number {
  if (angle < 0) return -sine(-angle);
  if (angle < QUARTER_PI) return sineNear(angle, 0, 0);
  if (angle < 3 * QUARTER_PI) return cosineNear(angle - HALF_PI, -HALF_PI_LOW);
  return angle <= 2 * HALF_PI ? sineNear(2 * HALF_PI - angle, 2 * HALF_PI_LOW, 0) : NaN;
}

/** The cosine of an angle in radians within ±π/2. */
export function cosine(angle: number): number {
  const size = Math.abs(angle);
  if (size < QUARTER_PI) return cosineNear(size, 0);
  return size <= HALF_PI ? sineNear(HALF_PI - size, HALF_PI_LOW, 0) : NaN;
}

/** The angle in radians, 0 … π/2, with a sine of 0 … 1. */
export function arcSine(sought: number): number {
  if (sought <= ARC_FROM_BELOW_MAX) {
    const angle = Math.asin(sought);
    return angle - sineNear(angle, 0, sought) / Math.sqrt(1 - sought * sought);
  }
  if (sought === 1) return HALF_PI;
  // Near the top the sine says little about the angle: that of half the angle that is missing to π/2 says more.
  const square = (1 - sought) / 2;
  const root = Math.sqrt(square);
  const high = Math.fround(root);
  const low = root - high;
  const rest = (square - high * high - 2 * high * low - low * low) / (2 * root);
  const angle = Math.asin(root);
  const correction = (rest - sineNear(angle, 0, root)) / Math.sqrt(1 - square);
  const sum = HALF_PI - 2 * angle;
  return sum + (HALF_PI - sum - 2 * angle + (HALF_PI_LOW - 2 * correction));
}

/** sin(angle + low) − subtrahend, for an angle of 0 … π/4. */
function sineNear(angle: number, low: number, subtrahend: number): number {
  if (angle < TABLE_FROM) {
    const square = angle * angle;
    const series =
      1 / 6 -
      square * (1 / 120 - square * (1 / 5040 - square * (1 / 362880 - square * (1 / 39916800 - square / 6227020800))));
    return angle - subtrahend + (low * (1 - square / 2) - angle * square * series);
  }
  const step = Math.round(angle * STEPS_PER_RADIAN);
  const rest = angle - step / STEPS_PER_RADIAN;
  return fromTable(sines[step], sinesLow[step], cosines[step], cosinesLow[step], rest, low, subtrahend);
}

/** cos(angle + low), for an angle within ±π/4. */
function cosineNear(angle: number, low: number): number {
  if (angle < 0) return cosineNear(-angle, -low);
  const step = Math.round(angle * STEPS_PER_RADIAN);
  const rest = angle - step / STEPS_PER_RADIAN;
  return fromTable(cosines[step], cosinesLow[step], -sines[step], -sinesLow[step], rest, low, 0);
}

/**
 * A sine or cosine a little beside one of the table: `value` of which `slope` is the derivative there, each with its low part,
 * and `rest + low` the distance, at most 1/256; less a subtrahend.
 */
function fromTable(
  value: number,
  valueLow: number,
  slope: number,
  slopeLow: number,
  rest: number,
  low: number,
  subtrahend: number,
): number {
  const square = rest * rest;
  const cosineLess1 = -square * (0.5 - square * (1 / 24 - square / 720));
  const sineLessRest = -rest * square * (1 / 6 - square * (1 / 120 - square / 5040));
  // slope × rest, with the greater part of it exact: 24 bits times 24 bits.
  const slopeHigh = Math.fround(slope);
  const restHigh = Math.fround(rest);
  const product = slopeHigh * restHigh;
  const productLow = slopeHigh * (rest - restHigh) + (slope - slopeHigh + slopeLow) * rest;
  const sum = value + product;
  const sumLow = value - sum + product;
  return sum - subtrahend + (sumLow + (productLow + valueLow + value * cosineLess1 + slope * (sineLessRest + low)));
}

/** Fills the tables from the sine and cosine of 1/128 by the theorems of addition, in integers that count 2^-160. */
function fillTables(): void {
  const scaleBits = 160n;
  const one = 1n << scaleBits;
  const step = one / BigInt(STEPS_PER_RADIAN);
  let stepSine = 0n;
  let stepCosine = 0n;
  for (let power = 0n, term = one; term !== 0n; power++, term = (term * step) / (one * power)) {
    const signed = (power & 2n) === 0n ? term : -term;
    if ((power & 1n) === 0n) stepCosine += signed;
    else stepSine += signed;
  }
  let sineHere = 0n;
  let cosineHere = one;
  for (let i = 0; i < TABLE_LENGTH; i++) {
    sines[i] = Number(sineHere) / 2 ** 160;
    sinesLow[i] = Number(sineHere - BigInt(sines[i] * 2 ** 160)) / 2 ** 160;
    cosines[i] = Number(cosineHere) / 2 ** 160;
    cosinesLow[i] = Number(cosineHere - BigInt(cosines[i] * 2 ** 160)) / 2 ** 160;
    [sineHere, cosineHere] = [
      (sineHere * stepCosine + cosineHere * stepSine) >> scaleBits,
      (cosineHere * stepCosine - sineHere * stepSine) >> scaleBits,
    ];
  }
}
