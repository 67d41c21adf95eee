/**
 * Random commands over sorted sets, the same ones to our stages and to a real Redis: equal replies, and equal sets at the end.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sortReply } from '../transcripts/reply';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { directStages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';
import { randomSortedSetCommand, SORTED_SET_INSPECTION, SORTED_SET_SETUP } from './random-sorted-sets';
import { openRivals } from './rivals';

const RUNS = 200;
const COMMANDS_PER_RUN_MAX = 60;

type Words = (string | Buffer)[];

const testedStages = directStages.filter(({ name }) => !/oracle/i.test(name));

describe.each(testedStages)('$name', (stage: Stage) => {
  const judge = new OracleStage(stage.protocol, 'judge');

  describe.skipIf(stage.skipped !== null || judge.skipped !== null)('sorted sets', () => {
    const rivals = openRivals(stage, judge);

    test('are those of Redis', { timeout: 60_000 }, async () => {
      const sequences = fc.array(randomSortedSetCommand, {
        minLength: 1,
        maxLength: COMMANDS_PER_RUN_MAX,
        size: 'max',
      });
      await fc.assert(
        fc.asyncProperty(sequences, async (sequence) => {
          const commands = [...SORTED_SET_SETUP, ...sequence, ...SORTED_SET_INSPECTION];
          const [actual, expected] = await Promise.all([play(rivals.tested, commands), play(rivals.oracle, commands)]);
          expect(actual).toEqual(expected);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  });
});

/** Sends all commands at once; answers one line for each, the command before its reply. */
async function play(session: StageSession, commands: readonly Words[]): Promise<string[]> {
  const replies = await Promise.all(commands.map((words) => session.send(command(...words))));
  return replies.map((reply, i) => {
    const line = commands[i].map((word) => JSON.stringify(Buffer.from(word).toString('latin1'))).join(' ');
    return `${line} -> ${commands[i][0] === 'ZSCAN' ? sortReply(reply, 'deep') : reply}`;
  });
}
