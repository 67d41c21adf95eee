/**
 * Distances on earth, in meters along great circles of a sphere, by the haversine formula with the radius that Redis has.
 *
 * The order of the operations is part of the result: it is that of Redis 7.2, so that all digits are (see trigonometry.ts).
 * Two places on one meridian are as far apart as their latitudes.
 *
 * Between angle and distance stands the *square*: that of the sine of half the angle. It grows with the distance, and most
 * comparisons of distances can be decided by it (see Limit).
 */
import { arcSine, cosine, sine } from './trigonometry';

/** The quadratic mean radius of WGS 84. */
const EARTH_RADIUS_METERS = 6372797.560856;
export const RADIANS_PER_DEGREE = Math.PI / 180;

/** The distance in meters between two places given in degrees. */
export function distanceBetween(longitude1: number, latitude1: number, longitude2: number, latitude2: number): number {
  const v = sine((longitude2 * RADIANS_PER_DEGREE - longitude1 * RADIANS_PER_DEGREE) / 2);
  if (v === 0) return distanceOfLatitudes(latitude1, latitude2);
  const radians1 = latitude1 * RADIANS_PER_DEGREE;
  const radians2 = latitude2 * RADIANS_PER_DEGREE;
  const u = sine((radians2 - radians1) / 2);
  return distanceOfSquare(u * u + cosine(radians1) * cosine(radians2) * v * v);
}

/** The distance in meters that belongs to a square. */
export function distanceOfSquare(square: number): number {
  return 2 * EARTH_RADIUS_METERS * arcSine(Math.sqrt(square));
}

/** The distance in meters along a meridian. */
export function distanceOfLatitudes(latitude1: number, latitude2: number): number {
  return EARTH_RADIUS_METERS * Math.abs(latitude2 * RADIANS_PER_DEGREE - latitude1 * RADIANS_PER_DEGREE);
}

/** How many degrees of a meridian so many meters are. */
export function degreesOfMeridian(meters: number): number {
  return meters / EARTH_RADIUS_METERS / RADIANS_PER_DEGREE;
}

/** How many degrees of the circle of latitude so many meters are; of no meaning beyond the poles. */
export function degreesOfParallel(meters: number, latitude: number): number {
  return meters / EARTH_RADIUS_METERS / Math.cos(latitude * RADIANS_PER_DEGREE) / RADIANS_PER_DEGREE;
}

/** Squares that differ by less than this part are compared by their distances. Rounding makes some 1e-15 of difference. */
const MARGIN = 1e-9;

/** A distance with which many are compared, nearly always without an arc sine. */
export class Limit {
  private meters = 0;
  /** Squares up to the first are within the limit for certain, and those above the second are not. */
  private certainlyWithin = 0;
  private certainlyBeyond = 0;

  set(meters: number): void {
    const halfAngle = meters / (2 * EARTH_RADIUS_METERS);
    const square = halfAngle < Math.PI / 2 ? Math.sin(halfAngle) ** 2 : Infinity;
    this.meters = meters;
    this.certainlyWithin = square * (1 - MARGIN);
    this.certainlyBeyond = square * (1 + MARGIN);
  }

  isExceededBy(square: number): boolean {
    if (square <= this.certainlyWithin) return false;
    return square > this.certainlyBeyond || distanceOfSquare(square) > this.meters;
  }
}
