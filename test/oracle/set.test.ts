/**
 * Random set commands, the same ones to a node and to a real Redis: equal replies, and an equal keyspace at the end. The node's
 * limits are small, so that its sets go through all their encodings; Redis 7.0 knows no listpacks, and needs no such limits.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sortReply } from '../transcripts/reply';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { stages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';
import { randomSetCommand, SET_KEYS, UNORDERED } from './random-sets';

const RUNS = 200;
const COMMANDS_PER_RUN_MAX = 60;

type Words = (string | Buffer)[];

const testedStage = stages.find(({ name }) => /process/i.test(name));

describe.skipIf(testedStage === undefined || new OracleStage(2).skipped !== null)('Sets', () => {
  const stage = testedStage as Stage;
  const judge = new OracleStage(2, 'judge');
  let tested: StageSession;
  let oracle: StageSession;

  beforeAll(async () => {
    tested = await stage.open();
    oracle = await judge.open();
    await tested.send(command('CONFIG', 'SET', 'set-max-intset-entries', '12', 'set-max-listpack-entries', '10'));
  });

  afterAll(async () => {
    await tested.send(command('CONFIG', 'SET', 'set-max-intset-entries', '512', 'set-max-listpack-entries', '128'));
    await Promise.all([tested.close(), oracle.close()]);
    await Promise.all([stage.close(), judge.close()]);
  });

  test('are those of Redis', { timeout: 60_000 }, async () => {
    const sequences = fc.array(randomSetCommand, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
    await compare(sequences);
  });

  test('touch watched keys as those of Redis do', { timeout: 60_000 }, async () => {
    const watched = fc.tuple(fc.constantFrom(...SET_KEYS), randomSetCommand);
    const sequences = fc.array(watched, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
    await compare(
      sequences.map((all) => all.flatMap(([key, words]): Words[] => [['WATCH', key], words, ['MULTI'], ['EXEC']])),
    );
  });

  async function compare(sequences: fc.Arbitrary<Words[]>): Promise<void> {
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        const commands = [['FLUSHALL'], ...sequence, ...inspection];
        const [actual, expected] = await Promise.all([play(tested, commands), play(oracle, commands)]);
        expect(actual).toEqual(expected);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  }
});

/** What tells all about a keyspace of sets. */
const inspection: Words[] = [
  ['KEYS', '*'],
  ...SET_KEYS.flatMap((key) => [
    ['SMEMBERS', key],
    ['SCARD', key],
    ['TTL', key],
  ]),
];

/** Sends all commands at once; answers one line for each, the command before its reply. */
async function play(session: StageSession, commands: readonly Words[]): Promise<string[]> {
  const replies = await Promise.all(commands.map((words) => session.send(command(...words))));
  return replies.map((reply, i) => {
    const line = commands[i].map((word) => JSON.stringify(Buffer.from(word).toString('latin1'))).join(' ');
    return `${line} -> ${UNORDERED.has(String(commands[i][0])) ? sortReply(reply, 'deep') : reply}`;
  });
}
