/**
 * Random HyperLogLogs: the same elements and merges to a stage and to a real Redis; equal replies, and equal bytes after each.
 *
 * Few runs of many elements, so that strings grow from a few runs to the limit of the sparse encoding and past it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { stages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';
import { openRivals } from './rivals';

const RUNS = 60;

type Words = (string | Buffer)[];

const key = fc.constantFrom('{t}a', '{t}b', '{t}c');
const element = fc.oneof(
  fc.nat(3000).map(String),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
);
const step: fc.Arbitrary<Words> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(key, fc.array(element, { maxLength: 400 })).map(([to, all]) => ['PFADD', to, ...all]),
  },
  fc.tuple(key, fc.nat(100_000), fc.nat(1500)).map(([to, from, count]) => ['PFADD', to, ...numbers(from, count)]),
  fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => ['PFCOUNT', ...keys]),
  fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => ['PFMERGE', ...keys]),
  key.map((which) => ['DEL', which]),
  // Bytes of a string are changed from outside: what was a HyperLogLog may be none any more, or another.
  fc
    .tuple(key, fc.integer({ min: 4, max: 60 }), fc.uint8Array({ minLength: 1, maxLength: 3 }))
    .map(([which, offset, bytes]) => ['SETRANGE', which, String(offset), Buffer.from(bytes)]),
  fc.tuple(key, fc.constantFrom('100', '600', '3000', '20000')).map(([, bytes]) => limit(bytes)),
);

const limit = (bytes: string): Words => ['CONFIG', 'SET', 'hll-sparse-max-bytes', bytes];

function numbers(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i));
}

async function play(session: StageSession, steps: readonly Words[]): Promise<string[]> {
  const commands = [['FLUSHALL'], limit('3000'), ...steps.flatMap((words) => [words, ...inspection])];
  const replies = await Promise.all(commands.map((words) => session.send(command(...words))));
  return replies.map((reply, i) => `${commands[i].join(' ').slice(0, 60)} -> ${reply}`);
}

const inspection: Words[] = ['{t}a', '{t}b', '{t}c'].flatMap((name) => [
  ['GET', name],
  ['OBJECT', 'ENCODING', name],
]);

const testedStage = stages.find(({ name }) => /process/i.test(name));

describe.skipIf(testedStage === undefined || new OracleStage(2).skipped !== null)('HyperLogLogs', () => {
  const stage = testedStage as Stage;
  const judge = new OracleStage(2, 'judge');

  const rivals = openRivals(stage, judge);

  test('are those of Redis, byte for byte', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const [actual, expected] = await Promise.all([play(rivals.tested, steps), play(rivals.oracle, steps)]);
        expect(actual).toEqual(expected);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
