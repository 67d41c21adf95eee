/**
 * Words for random sentences: by the word that a usage line has at that place, so that sentences often make sense, and often
 * nearly.
 *
 * Few keys and few members, so that commands meet each other; numbers from the edges, because that is where servers differ.
 * Every time to live is either over at once or far away: what two servers say must not depend on who was asked first.
 */
import type { Random } from '../../src/base';
import type { Argument } from '../../src/commands';

/** Keys by the type that they mostly hold; all share a slot. */
export const KEYS_OF: Readonly<Record<string, readonly string[]>> = {
  string: ['{t}s1', '{t}s2', '{t}s3'],
  bitmap: ['{t}s1', '{t}b1'],
  hyperloglog: ['{t}p1', '{t}p2'],
  hash: ['{t}h1', '{t}h2', '{t}h3'],
  list: ['{t}l1', '{t}l2', '{t}l3'],
  set: ['{t}e1', '{t}e2', '{t}e3'],
  'sorted-set': ['{t}z1', '{t}z2', '{t}z3'],
  stream: ['{t}x1', '{t}x2'],
  geo: ['{t}g1', '{t}g2'],
};
export const KEYS: readonly string[] = [...new Set(Object.values(KEYS_OF).flat())];

/** How likely a key of another type is where one is named. */
const STRANGE_KEY = 0.08;
/** How likely a value is none that the word asks for. */
const STRANGE_VALUE = 0.04;

const split = (line: string): string[] => line.split(' ');

const SMALL = split('0 1 2 3 4 5 7 10 20 -1 -2 -3 -5 -100');
const EDGES = split(
  '99 100 127 128 255 256 4095 4096 65535 65536 2147483647 2147483648 -2147483648 -2147483649 4294967295 4294967296 ' +
    '9007199254740991 9007199254740992 9007199254740993 -9007199254740993 9223372036854775806 9223372036854775807 ' +
    '9223372036854775808 -9223372036854775807 -9223372036854775808 -9223372036854775809 18446744073709551615',
);
const JUNK = [
  '',
  ' ',
  '+1',
  ' 1',
  '1 ',
  '01',
  '-0',
  '1.5',
  '1e3',
  '0x10',
  'ten',
  '-',
  '+',
  '(',
  '[',
  '\0',
  'nan',
  '~',
  '=',
];
const DOUBLES = split('0 1 2 3 -1 -2.5 0.5 1.25 2.5 3 7 10 100 1e3 -1e3 inf -inf +inf 1e15 -1e15 4503599627370497.5');
const LONG = ['x'.repeat(63), 'x'.repeat(64), 'x'.repeat(65), 'y'.repeat(200), 'z'.repeat(5000)];
const MEMBERS = [
  ...split(
    'a b c d e f g h aa ab ba foo bar baz 0 1 2 3 4 5 -1 10 12 100 127 128 4095 4096 -4096 -4097 32768 8388608 2147483648',
  ),
  ...split('9007199254740993 9223372036854775807 -9223372036854775808 9223372036854775808 1.5 3.0 01 -0'),
  '',
  '\xff\x00\r\n',
  'hello world',
];
const SCORE_BOUNDS = split('-inf +inf inf 0 1 2 3 (0 (1 (2 (-1 1.25 (2.5 10 (-inf (+inf 100');
const LEX_BOUNDS = ['-', '+', '[a', '(a', '[b', '(c', '[aa', '[foo', '(foo', '[', '(', '[\xff', '[1', '(2'];
const IDS = split(
  '1-1 1-2 1-3 2-1 2-2 3-0 5-1 5-2 7-3 10-0 100-1 5 1 0 0-0 0-1 18446744073709551615-18446744073709551615',
);
const PLACES = split('Palermo Catania Agrigento edge1 edge2 pole nowhere');

/** Pools by word. */
const POOLS: Readonly<Record<string, readonly string[]>> = {
  pattern: ['*', '*a*', 'a*', '[a-c]*', '?', '{t}*', '{t}h?', '1*', '\\a', '[^a]', 'nothing', ''],
  seconds: ['100000', '1000000', '0', '-1'],
  milliseconds: ['100000000', '1000000000', '0', '-1'],
  'unix-time-seconds': ['33177117420', '1', '0', '-1'],
  'unix-time-milliseconds': ['33177117420000', '1', '0', '-1'],
  ttl: ['0', '100000000', '-1'],
  cursor: ['0', '0', '0', '5', '-1'],
  bit: split('0 1 0 1 2 -1'),
  encoding: split('u8 i8 u4 i5 u16 i16 u32 i32 u63 i64 u1 i1 u64 i0'),
  offset: [...split('0 1 2 5 8 16 33 100 #0 #1 #3'), '-1'],
  score: DOUBLES,
  weight: split('1 2 0 -1 0.5 inf -inf 3'),
  increment: [...SMALL, ...DOUBLES],
  longitude: split('13.361389 15.087269 13.583333 0 -180 180 180.1 2.349014 -122.4194 12'),
  latitude: split('38.115556 37.502669 37.316667 0 85.05112878 -85.05112878 85.06 48.864716 37.7749 38'),
  radius: split('100 200 1000 0 1 5000 20000 -1 0.5'),
  width: split('400 100 0 1000 -1 5'),
  height: split('400 100 0 1000 -1 5'),
  min: [...SCORE_BOUNDS, ...LEX_BOUNDS],
  max: [...SCORE_BOUNDS, ...LEX_BOUNDS],
  id: IDS,
  start: [...SMALL, ...SMALL, ...IDS, '-', '(1-1', ...SCORE_BOUNDS, ...LEX_BOUNDS],
  stop: [...SMALL, ...SMALL, ...SCORE_BOUNDS, ...LEX_BOUNDS],
  end: [...SMALL, ...SMALL, ...IDS, '+', '(5-1'],
  threshold: [...SMALL, ...IDS],
  group: split('g1 g2 g3'),
  groupname: split('g1 g2 g3'),
  consumer: split('c1 c2 c3'),
  consumername: split('c1 c2 c3'),
  timeout: split('0 0 1 0.01 -1'),
};
for (const word of ['last-id', 'lastid', 'max-deleted-id', 'entry-id', 'last-delivered-id', 'min-idle-time-id'])
  (POOLS as Record<string, readonly string[]>)[word] = IDS;

export function one<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)];
}

/** A key for a command of this family. */
export function randomKey(random: Random, family: string): string {
  const keys = KEYS_OF[family];
  if (keys === undefined || random.fraction() < STRANGE_KEY) return one(random, KEYS);
  return one(random, keys);
}

/** A value for a place of a usage line. */
export function randomValue(random: Random, family: string, argument: Argument): string {
  if (random.fraction() < STRANGE_VALUE) return one(random, random.fraction() < 0.5 ? JUNK : EDGES);
  if (argument.type === 'key') return randomKey(random, family);
  const pool = POOLS[argument.name];
  if (pool !== undefined) return one(random, pool);
  if (argument.type === 'integer') return one(random, random.fraction() < 0.9 ? SMALL : EDGES);
  if (argument.type === 'double') return one(random, DOUBLES);
  if (family === 'geo' && argument.name.includes('member')) return one(random, PLACES);
  return random.fraction() < 0.03 ? one(random, LONG) : one(random, MEMBERS);
}
