/**
 * Random commands on lists, the same ones to a stage and to a real Redis: equal replies, equal lists at the end, and the same
 * WATCH noticed. In nodes of a few elements, because that is where a list is cut and joined.
 *
 * Left out: OBJECT ENCODING, as Redis 7.0 knows no packed lists, and LREM and LPOS with the least int64, which 7.2 answers otherwise.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, type Stage, type StageSession } from '../transcripts/session';
import { directStages } from '../transcripts/stages';
import { OracleStage, SEED } from './oracle-stage';

const RUNS = 50;
const COMMANDS_PER_RUN_MAX = 50;
const KEYS = ['{t}a', '{t}b', '{t}c'];

type Word = string | Buffer;

const key = fc.constantFrom(...KEYS);
/** Few, so that they are found again. */
const element = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', '1', '2', '-1', '', '12345678', '9223372036854775807') },
  fc.constantFrom('x'.repeat(63), 'y'.repeat(64), 'z'.repeat(5000), 'w'.repeat(9000), '01'),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
);
const elements = fc.array(element, { minLength: 1, maxLength: 8 });
const index = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -12, max: 12 }).map(String) },
  fc.constantFrom('9223372036854775807', '-9223372036854775808', '9223372036854775808', 'x', ''),
);
const amount = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -4, max: 8 }).map(String) },
  fc.constantFrom('9223372036854775807', '-9223372036854775807', '9223372036854775808', 'one', ''),
);
const end = fc.constantFrom('LEFT', 'RIGHT', 'LEFT', 'right', 'UP');
const option = fc.oneof(
  fc.tuple(fc.constantFrom('RANK', 'COUNT', 'MAXLEN', 'maxlen'), amount),
  fc.constantFrom<Word[]>(['COUNT', '0'], ['RANK', '-1'], ['FROM'], ['COUNT']),
);
const options = fc.array(option, { maxLength: 3 }).map((some) => some.flat());

function words(name: string, ...parts: fc.Arbitrary<Word | Word[]>[]): fc.Arbitrary<Word[]> {
  return fc.tuple(...parts).map((args) => [name, ...args.flat()]);
}

const listCommand: fc.Arbitrary<Word[]> = fc.oneof(
  { weight: 4, arbitrary: words('RPUSH', key, elements) },
  { weight: 4, arbitrary: words('LPUSH', key, elements) },
  words('LPUSHX', key, elements),
  words('RPUSHX', key, elements),
  { weight: 2, arbitrary: words('LPOP', key) },
  { weight: 2, arbitrary: words('RPOP', key) },
  words('LPOP', key, amount),
  words('RPOP', key, amount),
  { weight: 3, arbitrary: words('LINSERT', key, fc.constantFrom('BEFORE', 'after', 'AFTER'), element, element) },
  { weight: 3, arbitrary: words('LSET', key, index, element) },
  { weight: 3, arbitrary: words('LREM', key, amount, element) },
  { weight: 2, arbitrary: words('LTRIM', key, index, index) },
  { weight: 2, arbitrary: words('LRANGE', key, index, index) },
  { weight: 2, arbitrary: words('LINDEX', key, index) },
  { weight: 3, arbitrary: words('LPOS', key, element, options) },
  { weight: 2, arbitrary: words('LMOVE', key, key, end, end) },
  words('RPOPLPUSH', key, key),
  words('LMPOP', fc.constant('2'), key, key, end),
  words('LMPOP', fc.constantFrom('1', '2'), key, end, fc.constant('COUNT'), amount),
  words('BLPOP', key, key, fc.constantFrom('0.001', '0.002')),
  words('BLMOVE', key, key, end, end, fc.constantFrom('0.001', '-1')),
  words('BLMPOP', fc.constant('0.001'), fc.constant('1'), key, end),
  words('LLEN', key),
  words('COPY', key, key),
  words('RENAME', key, key),
  words('DEL', key),
  words('SET', key, element),
);

const inspection: Word[][] = KEYS.flatMap((name) => [
  ['TYPE', name],
  ['LLEN', name],
  ['LRANGE', name, '0', '-1'],
]);

describe.each(directStages)('$name', (stage: Stage) => {
  const judge = new OracleStage(stage.protocol, 'judge of lists');
  let tested: StageSession;
  let oracle: StageSession;

  /** Plays commands in nodes of a size on both sides, and says that they answer alike. */
  async function compare(size: string, sequence: readonly Word[][]): Promise<void> {
    const commands = [['FLUSHALL'], ['CONFIG', 'SET', 'list-max-listpack-size', size], ...sequence, ...inspection];
    const [actual, expected] = await Promise.all([play(tested, commands), play(oracle, commands)]);
    expect(actual).toEqual(expected);
  }

  describe.skipIf(stage.skipped !== null || judge.skipped !== null)('answers commands on lists as Redis does', () => {
    beforeAll(async () => {
      tested = await stage.open();
      oracle = await judge.open();
    });

    afterAll(async () => {
      await compare('-2', []);
      await Promise.all([tested.close(), oracle.close()]);
      await Promise.all([stage.close(), judge.close()]);
    });

    const size = fc.constantFrom('-2', '-1', '1', '2', '5');

    test('by replies and by what is left', { timeout: 60_000 }, async () => {
      const sequences = fc.array(listCommand, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
      await fc.assert(fc.asyncProperty(size, sequences, compare), { numRuns: RUNS, seed: SEED });
    });

    test('by what touches a watched key', { timeout: 60_000 }, async () => {
      const watched = fc.tuple(key, listCommand);
      const sequences = fc.array(watched, { minLength: 1, maxLength: COMMANDS_PER_RUN_MAX, size: 'max' });
      await fc.assert(
        fc.asyncProperty(size, sequences, async (chosen, sequence) => {
          await compare(
            chosen,
            sequence.flatMap(([name, words]): Word[][] => [['WATCH', name], words, ['MULTI'], ['EXEC']]),
          );
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  });
});

/** Sends all commands at once; answers one line for each, the command before its reply. */
async function play(session: StageSession, commands: readonly Word[][]): Promise<string[]> {
  const replies = await Promise.all(commands.map((words) => session.send(command(...words))));
  return replies.map((reply, i) => `${commands[i].map(String).join(' ')}: ${reply}`);
}
