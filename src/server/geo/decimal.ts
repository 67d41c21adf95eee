/**
 * Decimals with a fixed number of places, in the three ways in which geo commands spell numbers.
 *
 * `toFixed` computes exactly, as C's printf does, but where a number lies exactly between two spellings it takes the larger one
 * and C the even one; and from 10^21 on, or for a negative zero, it is no longer fixed.
 */
import { writeInteger } from '../../base';

const ZERO = 48;
const POINT = 46;

const DISTANCE_PLACES = 4;
const DISTANCE_SCALE = 10 ** DISTANCE_PLACES;
/** Places of degrees, less the zeros at the end. */
const DEGREE_PLACES = 17;
const QUOTED_PLACES = 6;
/** From here on all doubles are whole, and `toFixed` gives exponents. */
const FIXED_MAX = 1e21;

/**
 * Writes a distance with four places at the beginning of `target`; returns its end. Redis rounds what is left after a
 * multiplication by 10,000, ties to even; so do we.
 */
export function writeDistance(distance: number, target: Uint8Array): number {
  const scaled = distance * DISTANCE_SCALE;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  const pointAt = writeInteger(target, 0, Math.floor(rounded / DISTANCE_SCALE));
  const end = pointAt + 1 + DISTANCE_PLACES;
  target[pointAt] = POINT;
  for (let at = end - 1, fraction = rounded % DISTANCE_SCALE; at > pointAt; at--, fraction = Math.floor(fraction / 10))
    target[at] = ZERO + (fraction % 10);
  return end;
}

/** Degrees as C's "%.17f" without the zeros at the end. */
export function degreesText(degrees: number): string {
  const text = fixedText(degrees, DEGREE_PLACES);
  let end = text.length;
  while (text.charCodeAt(end - 1) === ZERO) end--;
  if (text.charCodeAt(end - 1) === POINT) end--;
  return text.slice(0, end);
}

/** Degrees as errors quote them: C's "%f". */
export function quotedDegrees(degrees: number): string {
  return fixedText(degrees, QUOTED_PLACES);
}

function fixedText(value: number, places: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Math.abs(value) >= FIXED_MAX) return `${BigInt(value)}.${'0'.repeat(places)}`;
  if (Object.is(value, -0)) return `-${fixedText(0, places)}`;
  const scaled = value * 2 ** (places + 1);
  const isTie = Number.isInteger(scaled) && scaled % 2 !== 0;
  if (!isTie) return value.toFixed(places);
  const below = value.toFixed(places + 1).slice(0, -1);
  return Number(below.at(-1)) % 2 === 0 ? below : value.toFixed(places);
}
