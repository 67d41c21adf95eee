/**
 * Random commands over streams, the same ones to our stages and to a real Redis: equal replies, equal streams at the end, and
 * equal dumps: the same entries in the same nodes, what is left of deleted ones included.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { directStages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';
import { randomStreamCommand, STREAM_INSPECTION, streamSetup } from './random-streams';
import { openRivals } from './rivals';

const RUNS = 300;
const COMMANDS_PER_RUN_MAX = 60;

const testedStages = directStages.filter(({ name }) => !/oracle/i.test(name));

describe.each(testedStages)('$name', (stage: Stage) => {
  const judge = new OracleStage(stage.protocol, 'judge');

  describe.skipIf(stage.skipped !== null || judge.skipped !== null)('streams', () => {
    const rivals = openRivals(stage, judge);

    test('are those of Redis', { timeout: 60_000 }, async () => {
      const sequences = fc.array(randomStreamCommand, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
      await fc.assert(
        fc.asyncProperty(streamSetup, sequences, async (setup, sequence) => {
          const commands = [...setup, ...sequence, ...STREAM_INSPECTION];
          const [actual, expected] = await Promise.all([play(rivals.tested, commands), play(rivals.oracle, commands)]);
          expect(actual).toEqual(expected);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  });
});

/** Sends all commands at once; answers one line for each, the command before its reply. */
async function play(session: StageSession, commands: readonly string[][]): Promise<string[]> {
  const replies = await Promise.all(commands.map((words) => session.send(command(...words))));
  return replies.map((reply, i) => {
    const line = commands[i].map((word) => JSON.stringify(Buffer.from(word).toString('latin1'))).join(' ');
    return `${line} -> ${reply}`;
  });
}
