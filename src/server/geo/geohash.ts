/**
 * Geohashes: places on earth as numbers of 52 bits, which are scores of sorted sets and therefore doubles.
 *
 * Longitude and latitude are each cut into 2^26 equal pieces; the numbers of the two pieces are interleaved, longitude's bits
 * above latitude's, so that places with equal leading bits lie in the same *cell* of a grid. A cell of step n has n bits of each.
 * Latitudes end at ±85.05112878° as on a Mercator map (EPSG:3857); the textual geohashes that people exchange go to the poles
 * and have their own cells. (G. M. Morton, A computer oriented geodetic data base, 1966; G. Niemeyer, geohash.org, 2008.)
 *
 * Bits are handled as two halves of 32 bits, because numbers here compute with no more. The largest longitude and latitude, and
 * what rounds to them, belong to no piece and get the number 2^26, one more than any: 54 bits then. Redis does so, and so it stays.
 */

export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.05112878;

/** Bits of longitude and of latitude in a score. */
export const STEP_MAX = 26;

const LONGITUDE_RANGE = LONGITUDE_MAX - -LONGITUDE_MAX;
const LATITUDE_RANGE = LATITUDE_MAX - -LATITUDE_MAX;

const TWO_32 = 2 ** 32;

/** In textual geohashes. */
const POLE = 90;
const ALPHABET = Buffer.from('0123456789bcdefghjkmnpqrstuvwxyz', 'latin1');
export const TEXT_LENGTH = 11;

/** A place on earth, in degrees. */
export class Place {
  longitude = 0;
  latitude = 0;
}

/** Whether there are scores for these degrees. */
export function isEncodable(longitude: number, latitude: number): boolean {
  return Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX;
}

/** The number of the piece that a longitude is in, of 2^step. */
export function columnOf(longitude: number, step: number): number {
  return pieceOf(longitude, LONGITUDE_MAX, LONGITUDE_RANGE, step);
}

/** The number of the piece that a latitude is in, of 2^step. */
export function rowOf(latitude: number, step: number): number {
  return pieceOf(latitude, LATITUDE_MAX, LATITUDE_RANGE, step);
}

function pieceOf(degrees: number, max: number, range: number, step: number): number {
  return Math.floor(((degrees + max) / range) * 2 ** step);
}

/** Where piece `column` of 2^step begins; the piece before it ends there. */
export function longitudeAt(column: number, step: number): number {
  return -LONGITUDE_MAX + (column / 2 ** step) * LONGITUDE_RANGE;
}

/** Where piece `row` of 2^step begins; the piece before it ends there. */
export function latitudeAt(row: number, step: number): number {
  return -LATITUDE_MAX + (row / 2 ** step) * LATITUDE_RANGE;
}

/** The score of a place. */
export function encode(longitude: number, latitude: number): number {
  return interleave(rowOf(latitude, STEP_MAX), columnOf(longitude, STEP_MAX), 0);
}

/** The middle of the cell that a score is in. Scores of any size and sign have one, as they have in Redis. */
export function decode(score: number, into: Place): Place {
  const low = isInteger64(score) ? score >>> 0 : 0;
  const high = isInteger64(score) ? Math.floor(Math.trunc(score) / TWO_32) >>> 0 : score < 0 ? 0x80000000 : 0;
  const row = (evenBits(low) | (evenBits(high) << 16)) >>> 0;
  const column = (evenBits(low >>> 1) | (evenBits(high >>> 1) << 16)) >>> 0;
  const longitude = (longitudeAt(column, STEP_MAX) + longitudeAt((column + 1) >>> 0, STEP_MAX)) / 2;
  const latitude = (latitudeAt(row, STEP_MAX) + latitudeAt((row + 1) >>> 0, STEP_MAX)) / 2;
  into.longitude = Math.max(-LONGITUDE_MAX, Math.min(LONGITUDE_MAX, longitude));
  into.latitude = Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, latitude));
  return into;
}

/** Whether C makes 64 bits of a score, on x86: of a negative one its two's complement. Beyond it has one number for all. */
function isInteger64(score: number): boolean {
  return score >= -(2 ** 63) && score < 2 ** 64;
}

/** The bits of two numbers in turn, those of `row` in the even places, plus `added` (0 or 1); rounded above 2^53. */
export function interleave(row: number, column: number, added: number): number {
  return interleaveHalf(row >>> 16, column >>> 16) * TWO_32 + (interleaveHalf(row, column) + added);
}

/** The lower 16 bits of two numbers in turn. */
function interleaveHalf(row: number, column: number): number {
  return (spread(row & 0xffff) | (spread(column & 0xffff) << 1)) >>> 0;
}

/** 16 bits with a 0 before each. */
function spread(bits: number): number {
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** The 16 bits in the even places of 32. */
function evenBits(bits: number): number {
  bits &= 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

/**
 * Writes the textual geohash of a place as {@link TEXT_LENGTH} characters at the beginning of `target`. The last one would need
 * 55 bits; there are 52, so it is always "0", as in Redis.
 */
export function writeText({ longitude, latitude }: Place, target: Uint8Array): void {
  const row = pieceOf(latitude, POLE, 2 * POLE, STEP_MAX);
  const column = columnOf(longitude, STEP_MAX);
  // 20 of the 52 bits are in the upper half: four characters, of which no bit is in the lower one.
  const high = interleaveHalf(row >>> 16, column >>> 16);
  const low = interleaveHalf(row, column);
  for (let i = 0; i < 4; i++) target[i] = ALPHABET[(high >>> (15 - 5 * i)) & 31];
  for (let i = 0; i < 6; i++) target[4 + i] = ALPHABET[(low >>> (27 - 5 * i)) & 31];
  target[TEXT_LENGTH - 1] = ALPHABET[0];
}
