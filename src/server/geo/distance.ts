/**
 * Distances on earth, in meters along great circles of a sphere, by the haversine formula with the radius that Redis has.
 *
 * The order of the operations is part of the result: it is that of Redis 7.2, so that all digits are (see trigonometry.ts).
 * Two places on one meridian are as far apart as their latitudes.
 */
import { arcSine, cosine, sine } from './trigonometry';

/** The quadratic mean radius of WGS 84. */
const EARTH_RADIUS_METERS = 6372797.560856;
const RADIANS_PER_DEGREE = Math.PI / 180;

/** The distance in meters between two places given in degrees. */
export function distanceBetween(longitude1: number, latitude1: number, longitude2: number, latitude2: number): number {
  const v = sine((longitude2 * RADIANS_PER_DEGREE - longitude1 * RADIANS_PER_DEGREE) / 2);
  if (v === 0) return distanceOfLatitudes(latitude1, latitude2);
  const radians1 = latitude1 * RADIANS_PER_DEGREE;
  const radians2 = latitude2 * RADIANS_PER_DEGREE;
  const u = sine((radians2 - radians1) / 2);
  const square = u * u + cosine(radians1) * cosine(radians2) * v * v;
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
