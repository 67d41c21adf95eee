/**
 * Random SORTs, the same ones to a node and to a real Redis: equal replies, and equal keys at the end. The node's limits are
 * small, so that it sorts packed and large collections; the order of what they hold does not depend on that.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { stages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';
import { randomSortCommand, SORT_INSPECTION, SORT_SETUP } from './random-sort';

const RUNS = 150;
const COMMANDS_PER_RUN_MAX = 60;

type Words = (string | Buffer)[];

const testedStage = stages.find(({ name }) => /process/i.test(name));

describe.skipIf(testedStage === undefined || new OracleStage(3).skipped !== null)('SORT', () => {
  const stage = testedStage as Stage;
  const judge = new OracleStage(stage.protocol, 'judge');
  let tested: StageSession;
  let oracle: StageSession;

  beforeAll(async () => {
    tested = await stage.open();
    oracle = await judge.open();
  });

  afterAll(async () => {
    await limitTo('-2', '128');
    await Promise.all([tested.close(), oracle.close()]);
    await Promise.all([stage.close(), judge.close()]);
  });

  test.each([
    ['packed', '-2', '128'],
    ['large', '3', '4'],
  ])('is that of Redis over %s collections', { timeout: 60_000 }, async (_, listLimit, entriesLimit) => {
    await limitTo(listLimit, entriesLimit);
    const sequences = fc.array(randomSortCommand, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        const commands = [['FLUSHALL'], ...SORT_SETUP, ...sequence, ...SORT_INSPECTION];
        const [actual, expected] = await Promise.all([play(tested, commands), play(oracle, commands)]);
        expect(actual).toEqual(expected);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  async function limitTo(list: string, entries: string): Promise<void> {
    const others = ['set-max-listpack-entries', 'set-max-intset-entries', 'zset-max-listpack-entries'];
    const words = ['list-max-listpack-size', list, ...others.flatMap((name) => [name, entries])];
    await tested.send(command('CONFIG', 'SET', ...words));
  }
});

/** Sends all commands at once; answers one line for each, the command before its reply. */
async function play(session: StageSession, commands: readonly Words[]): Promise<string[]> {
  const replies = await Promise.all(commands.map((words) => session.send(command(...words))));
  return replies.map((reply, i) => `${commands[i].map((word) => JSON.stringify(String(word))).join(' ')} -> ${reply}`);
}
