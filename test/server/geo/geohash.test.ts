import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  columnOf,
  decode,
  encode,
  interleave,
  isEncodable,
  LATITUDE_MAX,
  latitudeAt,
  LONGITUDE_MAX,
  longitudeAt,
  Place,
  rowOf,
  STEP_MAX,
  TEXT_LENGTH,
  writeText,
} from '../../../src/server/geo/geohash';

/** What rounding may add. */
const SLACK = 1e-12;

const longitude = fc.double({ min: -LONGITUDE_MAX, max: LONGITUDE_MAX, noNaN: true });
const latitude = fc.double({ min: -LATITUDE_MAX, max: LATITUDE_MAX, noNaN: true });
/** Without the largest degrees, and what rounds to them: these belong to no piece. */
const longitudeBelow = longitude.filter((degrees) => degrees < LONGITUDE_MAX - SLACK);
const latitudeBelow = latitude.filter((degrees) => degrees < LATITUDE_MAX - SLACK);

const COLUMN_DEGREES = 360 / 2 ** STEP_MAX;
const ROW_DEGREES = (2 * LATITUDE_MAX) / 2 ** STEP_MAX;
function textOf(x: number, y: number): string {
  const place = new Place();
  place.longitude = x;
  place.latitude = y;
  const text = new Uint8Array(TEXT_LENGTH);
  writeText(place, text);
  return Buffer.from(text).toString();
}

describe('a score', () => {
  test('has 52 bits', () => {
    fc.assert(
      fc.property(longitudeBelow, latitudeBelow, (x, y) => {
        const score = encode(x, y);
        expect(Number.isSafeInteger(score) && score >= 0 && score < 2 ** 52).toBe(true);
      }),
    );
  });

  test('stands for a place that is within half a cell', () => {
    fc.assert(
      fc.property(longitude, latitude, (x, y) => {
        const place = decode(encode(x, y), new Place());
        expect(Math.abs(place.longitude - x)).toBeLessThanOrEqual(COLUMN_DEGREES / 2 + SLACK);
        expect(Math.abs(place.latitude - y)).toBeLessThanOrEqual(ROW_DEGREES / 2 + SLACK);
      }),
    );
  });

  test('is that of the place that it stands for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 - 1 }), (score) => {
        const place = decode(score, new Place());
        expect(encode(place.longitude, place.latitude)).toBe(score);
      }),
    );
  });

  test('is a place on earth whatever it is', () => {
    const any = fc.oneof(fc.double({ noNaN: true }), fc.double({ min: -(2 ** 65), max: 2 ** 65, noNaN: true }));
    fc.assert(
      fc.property(any, (score) => {
        const place = decode(score, new Place());
        expect(isEncodable(place.longitude, place.latitude)).toBe(true);
      }),
    );
  });

  test('counts up from the south-west', () => {
    expect(encode(-LONGITUDE_MAX, -LATITUDE_MAX)).toBe(0);
    expect(encode(0, 0)).toBe(3 * 2 ** 50);
    expect(encode(LONGITUDE_MAX, -LATITUDE_MAX)).toBe(2 ** 53);
    expect(encode(-LONGITUDE_MAX, LATITUDE_MAX)).toBe(2 ** 52);
  });
});

test('bits are interleaved as big integers would do it', () => {
  const piece = fc.nat(2 ** 27 - 1);
  fc.assert(
    fc.property(piece, piece, fc.constantFrom(0, 1), (row, column, added) => {
      let bits = BigInt(added);
      for (let i = 0n; i < 27n; i++) {
        bits += ((BigInt(row) >> i) & 1n) << (2n * i);
        bits += ((BigInt(column) >> i) & 1n) << (2n * i + 1n);
      }
      expect(interleave(row, column, added)).toBe(Number(bits));
    }),
  );
});

test('a place lies within the piece that it has the number of', () => {
  fc.assert(
    fc.property(longitudeBelow, latitudeBelow, fc.integer({ min: 1, max: STEP_MAX }), (x, y, step) => {
      const column = columnOf(x, step);
      expect(longitudeAt(column, step) - SLACK).toBeLessThanOrEqual(x);
      expect(longitudeAt(column + 1, step) + SLACK).toBeGreaterThanOrEqual(x);
      const row = rowOf(y, step);
      expect(latitudeAt(row, step) - SLACK).toBeLessThanOrEqual(y);
      expect(latitudeAt(row + 1, step) + SLACK).toBeGreaterThanOrEqual(y);
    }),
  );
});

describe('a textual geohash', () => {
  test('is what people know it to be', () => {
    // The examples of the Wikipedia article, with the last character that ours do not have bits for.
    expect(textOf(-5.6, 42.6).slice(0, 5)).toBe('ezs42');
    expect(textOf(10.40744, 57.64911).slice(0, 10)).toBe('u4pruydqqv');
    expect(textOf(0, 0)).toBe('s0000000000');
    expect(textOf(-180, -85)).toMatch(/^\w{10}0$/);
  });

  test('has a beginning in common with those of places nearby', () => {
    expect(textOf(2.3522, 48.8566).slice(0, 6)).toBe(textOf(2.3525, 48.8567).slice(0, 6));
  });
});
