/**
 * DUMP here is RESTORE there: values of every type and encoding go from a node to a real Redis and back, and keep their content
 * (DEBUG DIGEST-VALUE) and their encoding. What is packed has the same payload on both sides, byte for byte.
 */
import { describe, expect, test } from 'vitest';
import { splitArguments } from '../../src/base';
import { InProcessStage } from '../transcripts/our-stages';
import { command, type StageSession } from '../transcripts/session';
import { crc64 } from '../../src/storage/rdb/crc64';
import { rdbLength, rdbString, streamOf, ziplistOf, zipmapOf } from '../storage/rdb/old-forms';
import { OracleStage } from './oracle-stage';
import { openRivals } from './rivals';

type Words = (string | Buffer)[];

/** A value and how it is made. */
interface Value {
  readonly name: string;
  readonly commands: readonly Words[];
  /** Whether both payloads must be equal: not where elements come in the order of a hash table. */
  readonly isExact: boolean;
  /** Whether a payload that was restored must be dumped as it was. */
  readonly isOrdered: boolean;
}

const words = (line: string): string[] => line.split(' ');
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const binary = Buffer.from(range(256));

/** Commands of at most so many words, so that replies come soon. */
function inPieces(name: string, all: readonly (string | Buffer)[]): Words[] {
  const pieces: Words[] = [];
  for (let i = 0; i < all.length; i += 1000) pieces.push([name, 'k', ...all.slice(i, i + 1000)]);
  return pieces;
}

function value(name: string, isExact: boolean, ...commands: Words[]): Value {
  return { name, isExact, isOrdered: isExact, commands };
}

/** A value that has times in it, which two servers do not share. */
function timed(name: string, ...commands: Words[]): Value {
  return { name, isExact: false, isOrdered: true, commands };
}

/** A stream's entries, some with the names of the first one. */
function entries(count: number): Words[] {
  return range(count).map((i) => [
    'XADD',
    'k',
    `${1000 + i}-0`,
    'name',
    String(i),
    i % 5 === 0 ? 'other' : 'value',
    `text ${i}`,
  ]);
}

const INTEGERS = words(
  '0 1 -1 127 128 -128 -129 32767 32768 -32768 -32769 2147483647 2147483648 -2147483648 -2147483649 ' +
    '8388607 8388608 -8388609 4095 4096 -4097 99999999999 9007199254740993 9223372036854775807 -9223372036854775808',
);
const ALMOST = ['', '-', '-0', '007', '+1', '1.5', ' 1', '9223372036854775808', '12345678901'];
const TEXTS = [...ALMOST, 'a', 'x'.repeat(63), 'x'.repeat(64)];
const SCORES = words('0 -0 1 -1.5 3.14159265358979 1e17 1e300 -1e-300 inf -inf 4611686018427387904 0.1 1e-7 123456789');
/** Those that 7.0 and 7.2 pack alike. */
const PLAIN_SCORES = words('0 1 -1.5 1e17 inf -inf 4611686018427387904 0.25 123456789');

const VALUES: Value[] = [
  ...[...INTEGERS, ...TEXTS].map((text) => value(`the string ${text}`, true, ['SET', 'k', text])),
  value('a string of all bytes', true, ['SET', 'k', binary]),
  value('a string that can be compressed', true, ['SET', 'k', 'abcabcabc '.repeat(1000)]),
  value('a string of 100 KB', true, ['SET', 'k', 'line of text '.repeat(8000)]),
  value('a string changed in place', true, ['SET', 'k', '0'], ['SETRANGE', 'k', '0', binary]),
  value('a key with an expiry', true, ['SET', 'k', 'v'], ['PEXPIREAT', 'k', '9999999999999']),

  value('a packed hash', true, [
    'HSET',
    'k',
    ...[...INTEGERS, ...TEXTS].flatMap((text, i) => [text, TEXTS[i % TEXTS.length]]),
  ]),
  value(
    'a packed hash that can be compressed',
    true,
    ...inPieces(
      'HSET',
      range(400).map((i) => `field ${i >> 1}`),
    ),
  ),
  value('a hash of a long value', false, ['HSET', 'k', 'f', 'y'.repeat(65), '1', '2']),
  value(
    'a hash of 3000 fields',
    false,
    ...inPieces(
      'HSET',
      range(6000).map((i) => `${i * i}:${i}`),
    ),
  ),

  value('a packed list', true, ['RPUSH', 'k', ...INTEGERS, ...TEXTS]),
  value(
    'a list of many nodes',
    true,
    ...inPieces(
      'RPUSH',
      range(9000).map((i) => `element number ${i}`),
    ),
  ),
  value('a list of large elements', true, ['RPUSH', 'k', ...range(9).map((i) => String(i).repeat(i * 3000))]),
  value('a list with something removed', true, ...inPieces('RPUSH', range(9000).map(String)), [
    'LTRIM',
    'k',
    '700',
    '-900',
  ]),

  value('a set of integers', true, ['SADD', 'k', ...INTEGERS]),
  value('a set of small integers', true, ['SADD', 'k', '1', '2', '300']),
  value('a set of 500 integers', true, ['SADD', 'k', ...range(500).map((i) => String(i * 77777))]),
  value('a set of texts', false, ['SADD', 'k', ...INTEGERS, ...TEXTS]),
  value('a set of 3000 integers', false, ...inPieces('SADD', range(3000).map(String))),
  value(
    'a set of 3000 texts',
    false,
    ...inPieces(
      'SADD',
      range(3000).map((i) => `member ${i}`.repeat(i % 9 || 1)),
    ),
  ),

  value('a packed sorted set', true, ['ZADD', 'k', ...PLAIN_SCORES.flatMap((score, i) => [score, TEXTS[i]])]),
  value('a packed sorted set of equal scores', true, ['ZADD', 'k', ...range(99).flatMap((i) => ['7', `m${i}`])]),
  value('a sorted set of a long member', true, ['ZADD', 'k', '2', 'z'.repeat(65), '1', 'a', '3', 'b']),
  value(
    'a sorted set of 3000 members',
    true,
    ...inPieces(
      'ZADD',
      range(3000).flatMap((i) => [i % 7 === 0 ? SCORES[i % 14] : String(i % 100), `member ${i}`]),
    ),
  ),

  value('a stream of one entry', true, ['XADD', 'k', '5-1', 'name', 'value']),
  value('a stream of many entries', true, ...entries(500)),
  value(
    'a stream of far ids',
    true,
    ['XADD', 'k', `0-1`, 'a', 'b'],
    ['XADD', 'k', `${2n ** 63n}-${2n ** 64n - 1n}`, 'a', 'b'],
  ),
  value('a stream without entries', true, ['XADD', 'k', '5-1', 'a', 'b'], ['XDEL', 'k', '5-1']),
  value(
    'a stream that was trimmed',
    true,
    ...entries(500),
    ['XTRIM', 'k', 'MAXLEN', '333'],
    ['XSETID', 'k', '99999999-9'],
  ),
  value(
    'a stream whose entries were deleted',
    true,
    ...entries(300),
    ...range(99).map((i) => ['XDEL', 'k', `${1000 + i * 3}-0`]),
  ),
  value(
    'a stream with groups',
    true,
    ...entries(50),
    ...range(3).map((i) => ['XGROUP', 'CREATE', 'k', `g${i}`, `${1000 + i}-0`]),
  ),
  timed(
    'a stream with consumers',
    ...entries(250),
    ['XGROUP', 'CREATE', 'k', 'g', '0'],
    ['XGROUP', 'CREATE', 'k', 'h', '$', 'ENTRIESREAD', '7'],
    ['XREADGROUP', 'GROUP', 'g', 'one', 'COUNT', '30', 'STREAMS', 'k', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'two', 'COUNT', '100', 'STREAMS', 'k', '>'],
    ['XACK', 'k', 'g', '1003-0', '1050-0'],
    ['XCLAIM', 'k', 'g', 'three', '0', '1009-0', '1060-0', 'RETRYCOUNT', '300'],
    ['XDEL', 'k', '1010-0', '1061-0'],
    ['XGROUP', 'CREATECONSUMER', 'k', 'h', 'nobody'],
  ),
];

const NAMES = [...INTEGERS, ...TEXTS];
const PAIRS = NAMES.flatMap((name, i) => [name, NAMES[(i * 5) % NAMES.length]]);
const MANY_PAIRS = range(900).flatMap((i) => [`name ${i}`, String(i)]);
const scored = (names: readonly string[]): string[] => names.flatMap((name, i) => [name, String(i * 1.5)]);
const strings = (texts: readonly string[]): Buffer[] => texts.map((text) => rdbString(Buffer.from(text)));

/** A type and what follows it. */
function oldForm(name: string, type: number, ...rest: Buffer[]): { name: string; body: Buffer[] } {
  return { name, body: [Buffer.from([type]), ...rest] };
}

const OLD_FORMS = [
  oldForm('a list', 1, rdbLength(NAMES.length), ...strings(NAMES)),
  oldForm('a long list', 1, rdbLength(MANY_PAIRS.length), ...strings(MANY_PAIRS)),
  oldForm(
    'a sorted set',
    3,
    rdbLength(3),
    ...range(3).flatMap((i) => [rdbString(Buffer.from(`m${i}`)), Buffer.from([1, 49 + i])]),
  ),
  oldForm('a sorted set of infinite scores', 3, rdbLength(2), Buffer.from([1, 97, 254, 1, 98, 255])),
  oldForm('a small hash', 9, rdbString(zipmapOf(PAIRS))),
  oldForm('a hash of many', 9, rdbString(zipmapOf(MANY_PAIRS))),
  oldForm('a hash of a long value', 9, rdbString(zipmapOf(['name', 'v'.repeat(300)]))),
  oldForm('a small list', 10, rdbString(ziplistOf(PAIRS))),
  oldForm('a small list of long elements', 10, rdbString(ziplistOf(range(6).map((i) => 'x'.repeat(i * 90))))),
  oldForm('a small sorted set', 12, rdbString(ziplistOf(scored(NAMES)))),
  oldForm('a sorted set of many', 12, rdbString(ziplistOf(scored(MANY_PAIRS.filter((_, i) => i % 2 === 0))))),
  oldForm('a small hash of 2.6', 13, rdbString(ziplistOf(PAIRS))),
  oldForm('a hash of 2.6 of many', 13, rdbString(ziplistOf(MANY_PAIRS))),
  oldForm('a quicklist', 14, rdbLength(2), rdbString(ziplistOf(PAIRS)), rdbString(ziplistOf(MANY_PAIRS))),
  { name: 'a stream', body: [streamOf(15)] },
];

describe.skipIf(new OracleStage(2).skipped !== null)('a payload', () => {
  const rivals = openRivals(new InProcessStage(), new OracleStage(2, 'judge'));

  async function make(session: StageSession, commands: readonly Words[]): Promise<void> {
    await session.send(command('FLUSHALL'));
    for (const each of commands) expect(await session.send(command(...each))).not.toMatch(/error/);
  }

  async function dump(session: StageSession, key = 'k'): Promise<Buffer> {
    return splitArguments(Buffer.from(await session.send(command('DUMP', key))))?.[0] as Buffer;
  }

  async function restore(session: StageSession, payload: Buffer): Promise<void> {
    expect(await session.send(command('RESTORE', 'copy', '0', payload, 'REPLACE'))).toBe('OK');
  }

  function ask(session: StageSession, ...query: string[]): Promise<string> {
    return session.send(command(...query));
  }

  test.each(VALUES)('of $name goes there and back', async ({ commands, isExact, isOrdered }) => {
    const { tested: ours, oracle } = rivals;
    await Promise.all([make(ours, commands), make(oracle, commands)]);
    const digest = await ask(oracle, 'DEBUG', 'DIGEST-VALUE', 'k');
    expect(await ask(ours, 'DEBUG', 'DIGEST-VALUE', 'k')).toBe(digest);
    expect(await ask(ours, 'DEBUG', 'DIGEST')).toBe(await ask(oracle, 'DEBUG', 'DIGEST'));

    const payload = await dump(ours);
    const theirs = await dump(oracle);
    if (isExact) expect(payload.toString('hex')).toBe(theirs.toString('hex'));
    const encoding = await ask(ours, 'OBJECT', 'ENCODING', 'k');
    const hasExpiry = (await ask(ours, 'TTL', 'k')) !== '(integer) -1';
    for (const each of [payload, theirs]) {
      await Promise.all([restore(ours, each), restore(oracle, each)]);
      expect(await ask(ours, 'OBJECT', 'ENCODING', 'copy')).toBe(encoding);
      const [copied, judged] = await Promise.all([dump(ours, 'copy'), dump(oracle, 'copy')]);
      if (isOrdered) expect(copied.toString('hex')).toBe(judged.toString('hex'));
      if (hasExpiry) continue;
      expect(await ask(oracle, 'DEBUG', 'DIGEST-VALUE', 'copy')).toBe(digest);
      expect(await ask(ours, 'DEBUG', 'DIGEST-VALUE', 'copy')).toBe(digest);
    }
  });

  test.each(OLD_FORMS)('of $name, as old versions wrote it, makes the same here and there', async ({ body }) => {
    const { tested: ours, oracle } = rivals;
    const payload = sealed(Buffer.concat(body));
    await Promise.all([make(ours, []), make(oracle, [])]);
    await Promise.all([restore(ours, payload), restore(oracle, payload)]);
    expect(await ask(ours, 'DEBUG', 'DIGEST-VALUE', 'copy')).toBe(await ask(oracle, 'DEBUG', 'DIGEST-VALUE', 'copy'));
    expect(await ask(ours, 'TYPE', 'copy')).toBe(await ask(oracle, 'TYPE', 'copy'));
    const isOrdered = ['zset', 'list', 'stream'].includes(await ask(ours, 'TYPE', 'copy'));
    if (isOrdered) expect(await dump(ours, 'copy')).toEqual(await dump(oracle, 'copy'));
    await restore(oracle, await dump(ours, 'copy'));
    expect(await ask(ours, 'DEBUG', 'DIGEST-VALUE', 'copy')).toBe(await ask(oracle, 'DEBUG', 'DIGEST-VALUE', 'copy'));
  });
});

/** Type and value with version 6 and the right CRC. */
function sealed(body: Buffer): Buffer {
  const payload = Buffer.concat([body, Buffer.from([6, 0])]);
  const remainder = new Uint32Array(2);
  crc64(payload, 0, payload.length, remainder);
  return Buffer.concat([payload, Buffer.from(remainder.buffer)]);
}
