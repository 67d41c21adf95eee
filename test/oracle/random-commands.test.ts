/**
 * Random commands, the same ones to a stage and to a real Redis: equal replies, and an equal keyspace at the end.
 *
 * Replies are compared as text, types and all. Two replies may differ by a second when both say how long something
 * lives yet, or when it ends, counted from now; nothing else may differ.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sortReply } from '../transcripts/reply';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { directStages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';
import { KEYS, randomCommand } from './random-commands';
import { openRivals } from './rivals';

const RUNS = 300;
const COMMANDS_PER_RUN_MAX = 60;
/** By how much times of two servers may differ, in milliseconds. */
const TOLERANCE_MS = 1000;

const testedStages = directStages;

describe.each(testedStages)('$name', (stage: Stage) => {
  const judge = new OracleStage(stage.protocol, 'judge');

  describe.skipIf(stage.skipped !== null || judge.skipped !== null)('answers random commands as Redis does', () => {
    const rivals = openRivals(stage, judge);

    test('strings, keys and times to live', { timeout: 60_000 }, async () => {
      const sequences = fc.array(randomCommand, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
      await fc.assert(
        fc.asyncProperty(sequences, async (sequence) => {
          const commands = [['FLUSHALL'], ...sequence, ...inspection];
          const [actual, expected] = await Promise.all([play(rivals.tested, commands), play(rivals.oracle, commands)]);
          expect(settle(actual, expected)).toEqual(expected);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });

    test('what touches a watched key', { timeout: 60_000 }, async () => {
      const watched = fc.tuple(fc.constantFrom(...KEYS), randomCommand);
      const sequences = fc.array(watched, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
      await fc.assert(
        fc.asyncProperty(sequences, async (sequence) => {
          const tries = sequence.flatMap(([key, words]): Words[] => [['WATCH', key], words, ['MULTI'], ['EXEC']]);
          const commands = [['FLUSHALL'], ...tries, ...inspection];
          const [actual, expected] = await Promise.all([play(rivals.tested, commands), play(rivals.oracle, commands)]);
          expect(settle(actual, expected)).toEqual(expected);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  });
});

type Words = (string | Buffer)[];

/** What tells all about a keyspace of strings. */
const inspection: Words[] = [
  ['KEYS', '*'],
  ...KEYS.flatMap((key) => [
    ['GET', key],
    ['OBJECT', 'ENCODING', key],
    ['PEXPIRETIME', key],
  ]),
];

/** Sends all commands at once; answers one line for each, the command before its reply. */
async function play(session: StageSession, commands: readonly Words[]): Promise<string[]> {
  const replies = await Promise.all(commands.map((words) => session.send(command(...words))));
  return replies.map((reply, i) => {
    const name = String(commands[i][0]);
    const comparable = name === 'KEYS' || name === 'SCAN' ? sortReply(reply, 'deep') : reply;
    return `${commands[i].map((word) => JSON.stringify(Buffer.from(word).toString('latin1'))).join(' ')} -> ${comparable}`;
  });
}

/** The units in which commands that tell a time count. */
const UNIT_MS: Record<string, number> = { TTL: 1000, PTTL: 1, EXPIRETIME: 1000, PEXPIRETIME: 1 };

/** The actual lines, with times that are near enough replaced by the expected ones. */
function settle(actual: readonly string[], expected: readonly string[]): string[] {
  return actual.map((line, i) => {
    const [time, expectedTime] = [timeMs(line), timeMs(expected[i])];
    if (time === null || expectedTime === null) return line;
    return Math.abs(time - expectedTime) <= TOLERANCE_MS ? expected[i] : line;
  });
}

/** The time that a line tells, in milliseconds; null where it tells none. Answers below 0 say that there is none. */
function timeMs(line: string): number | null {
  const match = /^"(\w+)" .* -> \(integer\) (\d+)$/.exec(line);
  const unitMs = match === null ? undefined : UNIT_MS[match[1]];
  return match === null || unitMs === undefined ? null : Number(match[2]) * unitMs;
}
