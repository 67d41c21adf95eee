import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Area } from '../../../src/server/geo/area';
import { distanceBetween } from '../../../src/server/geo/distance';
import { decode, encode, Place } from '../../../src/server/geo/geohash';

const place = (x: number, y: number): Place => Object.assign(new Place(), { longitude: x, latitude: y });

function circle(x: number, y: number, meters: number): Area {
  const area = new Area();
  area.setCenter(place(x, y));
  area.setCircle(meters, 1);
  area.cover();
  return area;
}

function box(x: number, y: number, width: number, height: number): Area {
  const area = new Area();
  area.setCenter(place(x, y));
  area.setBox(width, height, 1);
  area.cover();
  return area;
}

/** Whether a cell of the area has the score. */
function covers(area: Area, score: number): boolean {
  for (let i = 0; i < area.count; i++) if (score >= area.minima[i] && score < area.maxima[i]) return true;
  return false;
}

/** Away from the date line and the poles, where Redis' cells may not reach around. */
const longitude = fc.double({ min: -120, max: 120, noNaN: true });
const latitude = fc.double({ min: -60, max: 60, noNaN: true });
const meters = fc.oneof(
  fc.double({ min: 0, max: 1000, noNaN: true }),
  fc.double({ min: 0, max: 1_000_000, noNaN: true }),
);
/** How far beside the center, in degrees. */
const offset = fc.oneof(
  fc.double({ min: -0.01, max: 0.01, noNaN: true }),
  fc.double({ min: -10, max: 10, noNaN: true }),
);

describe('the cells of an area', () => {
  test('cover a circle', () => {
    fc.assert(
      fc.property(longitude, latitude, meters, offset, offset, (x, y, radius, east, north) => {
        const area = circle(x, y, radius);
        const score = encode(x + east, y + north);
        if (area.distanceOf(decode(score, new Place())) >= 0) expect(covers(area, score)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('cover a box', () => {
    fc.assert(
      fc.property(longitude, latitude, meters, meters, offset, offset, (x, y, width, height, east, north) => {
        const area = box(x, y, width, height);
        const score = encode(x + east, y + north);
        if (area.distanceOf(decode(score, new Place())) >= 0) expect(covers(area, score)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('do not overlap, anywhere', () => {
    const any = [
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -85, max: 85, noNaN: true }),
    ] as const;
    fc.assert(
      fc.property(...any, fc.double({ min: 0, max: 3e7, noNaN: true }), (x, y, radius) => {
        const { minima, maxima, count } = circle(x, y, radius);
        const ranges = Array.from({ length: count }, (_, i) => [minima[i], maxima[i]]).sort(([a], [b]) => a - b);
        for (let i = 1; i < count; i++) expect(ranges[i][0]).toBeGreaterThanOrEqual(ranges[i - 1][1]);
      }),
    );
  });

  test('are few and small where the area is small, and all of the earth where it is large', () => {
    const small = circle(13.4, 52.5, 10);
    expect(small.count).toBeLessThanOrEqual(4);
    expect(small.maxima[0] - small.minima[0]).toBe(4 ** 6);
    const large = circle(0, 0, 2e7);
    expect([large.count, large.maxima[0] - large.minima[0]]).toEqual([4, 4 ** 25]);
  });
});

test('a place on the edge of an area is in it', () => {
  const distance = distanceBetween(13, 52, 14, 53);
  expect(circle(13, 52, distance).distanceOf(place(14, 53))).toBe(distance);
  expect(circle(13, 52, distance * (1 - 1e-12)).distanceOf(place(14, 53))).toBe(-1);
  const high = box(13, 52, 1, 2 * distanceBetween(13, 52, 13, 53));
  expect(high.distanceOf(place(13, 53))).toBe(distanceBetween(13, 52, 13, 53));
  expect(high.distanceOf(place(13.1, 53))).toBe(-1);
});

test('distances do not depend on the direction, and are at most half the way around', () => {
  const x = fc.double({ min: -180, max: 180, noNaN: true });
  const y = fc.double({ min: -85, max: 85, noNaN: true });
  fc.assert(
    fc.property(x, y, x, y, (x1, y1, x2, y2) => {
      const distance = distanceBetween(x1, y1, x2, y2);
      expect(distance).toBeGreaterThanOrEqual(0);
      expect(distance).toBeLessThanOrEqual(Math.PI * 6372797.560856);
      expect(distanceBetween(x2, y2, x1, y1)).toBeCloseTo(distance, 5);
    }),
  );
});
