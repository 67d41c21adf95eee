/**
 * Random places and searches, the same to a stage and to a real Redis: the same members in the same order, with the same digits.
 *
 * Few runs with many members: some of them near each other, some all over the earth, some at its edges; sets of a few places,
 * which are packed, and of thousands. Places are all different: which of several equally far members COUNT leaves out is not said.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { stages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';
import { openRivals } from './rivals';

const RUNS = 40;
const PLACES_MAX = 3000;

type Words = readonly string[];

const LATITUDE_MAX = 85.05112878;

const within = (center: number, radius: number): fc.Arbitrary<string> =>
  fc.double({ min: center - radius, max: center + radius, noNaN: true }).map((degrees) => degrees.toFixed(9));
const longitude = fc.oneof(
  within(0, 180),
  { weight: 3, arbitrary: within(2.35, 0.5) },
  within(179.5, 0.5),
  within(-179.5, 0.5),
  fc.constantFrom('180', '-180', '0', '90', '1e1'),
);
const latitude = fc.oneof(
  within(0, 85),
  { weight: 3, arbitrary: within(48.85, 0.5) },
  within(84.5, 0.5),
  within(-70, 10),
  fc.constantFrom(`${LATITUDE_MAX}`, `-${LATITUDE_MAX}`, '0', '-45'),
);
const places = fc.uniqueArray(fc.tuple(longitude, latitude), {
  minLength: 1,
  maxLength: PLACES_MAX,
  size: 'max',
  selector: ([x, y]) => `${Number(x)} ${Number(y)}`,
});

const unit = fc.constantFrom('m', 'km', 'ft', 'MI');
const size = fc.oneof(
  fc.constantFrom('0', '1', '100', '1000', '5000', '10000', '20000', '1e9'),
  fc.double({ min: 0, max: 3000, noNaN: true }).map(String),
);
const circle = fc.tuple(size, unit);
const box = fc.tuple(size, size, unit).map((sides) => ['BYBOX', ...sides]);
const shape = fc.oneof(
  circle.map((words) => ['BYRADIUS', ...words]),
  box,
);
const place = fc.tuple(longitude, latitude);
const member = fc.nat(40).map(String);
const count = fc.oneof(fc.constantFrom('1', '5'), fc.integer({ min: 1, max: 200 }).map(String));
const selection = fc.constantFrom<Words>([], [], ['ASC'], ['DESC']).chain((order) =>
  fc.oneof(
    fc.constant(order),
    count.map((most) => [...order, 'COUNT', most]),
    count.map((most) => ['COUNT', most, 'ANY', ...order]),
  ),
);
const details = fc.subarray(['WITHCOORD', 'WITHDIST', 'WITHHASH']);
const center = fc.oneof(
  place.map((degrees) => ['FROMLONLAT', ...degrees]),
  member.map((name) => ['FROMMEMBER', name]),
);

const step: fc.Arbitrary<Words> = fc.oneof(
  { weight: 4, arbitrary: words('GEOSEARCH {t}a', center, shape, selection, details) },
  { weight: 2, arbitrary: words('GEORADIUS {t}a', place, circle, details, selection) },
  words('GEORADIUS_RO {t}a', place, circle, details, selection),
  words('GEORADIUSBYMEMBER_RO {t}a', fc.tuple(member), circle, details, selection),
  words('GEORADIUSBYMEMBER {t}a', fc.tuple(member), circle, selection, fc.constant(['STOREDIST', '{t}b'])),
  words('GEORADIUS {t}a', place, circle, selection, fc.constant(['STORE', '{t}b'])),
  words('GEOSEARCHSTORE {t}b {t}a', center, shape, selection),
  words('GEOSEARCHSTORE {t}b {t}a', center, shape, selection, fc.constant(['STOREDIST'])),
  words('GEOSEARCHSTORE {t}c {t}b', center, shape),
  words('GEODIST {t}a', fc.tuple(member, member, unit)),
  words('GEOPOS {t}a', fc.array(member)),
  words('GEOHASH {t}a', fc.array(member)),
  // Scores that no place has, of which some lie among those of places all the same.
  words(
    'ZADD {t}a',
    fc.tuple(fc.oneof(fc.double({ noNaN: true }), fc.double({ min: 0, max: 2 ** 54 })).map(String), member),
  ),
);

function words(name: string, ...parts: readonly fc.Arbitrary<Words>[]): fc.Arbitrary<Words> {
  return fc.tuple(...parts).map((arrays) => [...name.split(' '), ...arrays.flat()]);
}

/** Sends all commands at once; one line for each, the command before its reply. */
async function play(session: StageSession, commands: readonly Words[]): Promise<string[]> {
  const replies = await Promise.all(commands.map((each) => session.send(command(...each))));
  return replies.map((reply, i) => `${commands[i].slice(0, 20).join(' ')} -> ${reply}`);
}

const inspection: readonly Words[] = ['{t}a', '{t}b', '{t}c'].flatMap((key) => [
  ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  ['OBJECT', 'ENCODING', key],
]);

/**
 * Our lines with scores spelled as in theirs where they are the same, or distances that differ in the last bits: one rounding
 * of a sine in a thousand is another one, and between places that are nearly opposite its effect is multiplied.
 */
function settle(actual: readonly string[], expected: readonly string[]): string[] {
  return actual.map((line, i) => {
    if (!line.startsWith('ZRANGE')) return line;
    const theirs = expected[i].split('\n');
    return line
      .split('\n')
      .map((each, j) => (isSameScore(each, theirs[j] ?? '') ? theirs[j] : each))
      .join('\n');
  });
}

function isSameScore(ours: string, theirs: string): boolean {
  const [a, b] = [ours, theirs].map((text) => Number(/"(.*)"/.exec(text)?.[1]));
  return a === b || (!Number.isInteger(b) && Math.abs(a - b) <= Math.abs(b) * 1e-10);
}

const testedStage = stages.find(({ name }) => /process/i.test(name));

describe.skipIf(testedStage === undefined || new OracleStage(2).skipped !== null)('places', () => {
  const stage = testedStage as Stage;
  const judge = new OracleStage(2, 'judge');

  const rivals = openRivals(stage, judge);

  test('are found as in Redis', { timeout: 60_000 }, async () => {
    const steps = fc.array(step, { minLength: 5, maxLength: 30, size: 'max' });
    await fc.assert(
      fc.asyncProperty(places, steps, async (all, searches) => {
        const members = all.flatMap(([x, y], i) => [x, y, String(i)]);
        const commands = [['FLUSHALL'], ['GEOADD', '{t}a', ...members], ...searches, ...inspection];
        const [actual, expected] = await Promise.all([play(rivals.tested, commands), play(rivals.oracle, commands)]);
        expect(settle(actual, expected)).toEqual(expected);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  });
});
