/**
 * Random commands over strings, keys and times to live, for comparing two servers.
 *
 * Few keys, so that commands meet each other; values and numbers from the edges, because that is where servers differ.
 * Every time to live is either over at once or far away: what two servers say must not depend on who was asked first.
 * Left out is what may rightly differ: RANDOMKEY, LRU and LFU figures, where a cursor of SCAN stands, whether DBSIZE still
 * counts keys whose time is over, and times beyond 2^53 ms.
 */
import fc from 'fast-check';

const key = fc.constantFrom('{t}a', '{t}b', '{t}c', '{t}d', '{t}');
const pattern = fc.constantFrom('*', '{t}?', '{t}[a-c]', '{t}[^a]', '*b', '{t}', '\\{t}a', '[', '');

const words = (line: string): string[] => line.split(' ');

const integer = fc.constantFrom(
  ...words('0 1 -1 2 10 -10 100 9999 10000 2147483647 2147483648 -2147483649 4294967296 9007199254740991'),
  ...words('9007199254740992 9007199254740993 -9007199254740993 9223372036854775806 9223372036854775807'),
  ...words('9223372036854775808 -9223372036854775807 -9223372036854775808 -9223372036854775809'),
);
const noInteger = fc.constantFrom('', ' ', '+1', ' 1', '1 ', '01', '-0', '00', '1e3', '1.0', '0x1', 'ten', '-', '\0');
const float = fc.constantFrom(...words('0.1 -0.1 3.0 5e-1 1e3 1e17 .5 5. -0.0 0x1p3 inf nan 1e'));
const number = fc.oneof({ weight: 5, arbitrary: integer }, { weight: 1, arbitrary: noInteger });

const value = fc.oneof(
  integer,
  noInteger,
  float,
  fc.constantFrom('a', 'hello', 'x'.repeat(44), 'x'.repeat(45), 'y'.repeat(500)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);

/** Offsets into strings: near the values' lengths, and never so far that a server fills megabytes with zeros. */
const offset = fc.oneof(
  fc.integer({ min: -60, max: 60 }).map(String),
  fc.constantFrom('2000', '536870912', '9223372036854775807', '-9223372036854775808', '01', 'one', ''),
);

const YEAR_3000 = 32503680000;
/**
 * Seconds and milliseconds from now: hours away, over at once, or none that a server takes. Those far away never come
 * twice: whether the second of two equal ones is the greater, for GT and LT, is decided by the millisecond it came in.
 */
const span = fc.oneof(
  fc.noBias(fc.integer({ min: 100_000_000, max: 2_000_000_000 })).map(String),
  fc.constantFrom('0', '-1', '-9223372036854775808', '9223372036854775807', '9223372036854775808', '', '01', 'ten'),
);
const moment = fc.constantFrom(
  ...words(`0 1 -1 ${YEAR_3000} ${YEAR_3000 + 1} ${YEAR_3000}000 ${YEAR_3000}999`),
  ...words(`9223372036854776 9223372036854775807 1.5`),
  '',
);

type Word = string | Buffer;

const word = (...words: string[]): fc.Arbitrary<Word[]> => fc.constantFrom(...words).map((one) => [one]);
const nothing: fc.Arbitrary<Word[]> = fc.constant([]);

const expiry: fc.Arbitrary<Word[]> = fc.oneof(
  nothing,
  fc.tuple(fc.constantFrom('EX', 'px'), span),
  fc.tuple(fc.constantFrom('EXAT', 'pxat'), moment),
  word('KEEPTTL', 'PERSIST'),
);
const condition = fc.oneof({ weight: 3, arbitrary: nothing }, { weight: 2, arbitrary: word('NX', 'XX', 'nx', 'EX') });
const comparison = fc.oneof(
  { weight: 2, arbitrary: nothing },
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom('NX', 'XX', 'GT', 'LT', 'gt', 'whatever'), { minLength: 1, maxLength: 2 }),
  },
);
const maybe = (flag: string): fc.Arbitrary<Word[]> => fc.oneof(nothing, word(flag));
const some = <T>(arbitrary: fc.Arbitrary<T>, least: number, most: number): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: least, maxLength: most });

/** A command of a fixed name, its arguments from parts of one or several words each. */
function command(name: string, ...parts: fc.Arbitrary<Word | Word[]>[]): fc.Arbitrary<Word[]> {
  return fc.tuple(...parts).map((args) => [name, ...args.flat()]);
}

const strings = fc.oneof(
  { weight: 4, arbitrary: command('SET', key, value) },
  { weight: 4, arbitrary: command('SET', key, value, condition, maybe('GET'), expiry) },
  { weight: 2, arbitrary: command('GET', key) },
  command('GETEX', key, expiry),
  command('GETDEL', key),
  command('GETSET', key, value),
  command('SETNX', key, value),
  command('SETEX', key, span, value),
  command('PSETEX', key, span, value),
  { weight: 3, arbitrary: command('APPEND', key, value) },
  command('STRLEN', key),
  { weight: 3, arbitrary: command('SETRANGE', key, offset, value) },
  command('GETRANGE', key, offset, offset),
  command('SUBSTR', key, offset, offset),
  command('INCR', key),
  command('DECR', key),
  { weight: 2, arbitrary: command('INCRBY', key, number) },
  { weight: 2, arbitrary: command('DECRBY', key, number) },
  { weight: 3, arbitrary: command('INCRBYFLOAT', key, fc.oneof(float, number)) },
  command('MGET', some(key, 1, 4)),
  command(
    'MSET',
    some(fc.tuple(key, value), 1, 3).map((pairs) => pairs.flat()),
  ),
  command(
    'MSETNX',
    some(fc.tuple(key, value), 1, 2).map((pairs) => pairs.flat()),
  ),
  { weight: 3, arbitrary: command('PFADD', key, some(value, 0, 6)) },
  command('PFCOUNT', some(key, 1, 3)),
  command('PFMERGE', some(key, 1, 3)),
  command('LCS', key, key, maybe('LEN'), maybe('IDX'), maybe('WITHMATCHLEN')),
  command('LCS', key, key, word('IDX'), word('MINMATCHLEN'), number),
);

/** Places of bits, and integers that bits are to be: the same edges as for bytes. */
const bitOffset = fc.oneof(fc.nat(200).map(String), fc.constantFrom('4294967296', '-1', '#1', '01', ''));
const bit = fc.constantFrom('0', '1', '0', '1', '2', '');
const fieldType = fc.oneof(
  fc.tuple(fc.constantFrom('i', 'u'), fc.integer({ min: 1, max: 63 })).map(([sign, bits]) => `${sign}${bits}`),
  fc.constantFrom('i64', 'i64', 'u64', 'i0', 'u08'),
);
const field = fc.tuple(fieldType, fc.oneof(fc.nat(200).map(String), fc.constantFrom('#0', '#3', '-1')));
/** Without FAIL: Redis makes a value longer for a write that then fails, and tells nobody who watches the key. */
const fieldOperation: fc.Arbitrary<Word[]> = fc.oneof(
  field.map((of) => ['GET', ...of]),
  fc.tuple(fc.constantFrom('SET', 'INCRBY'), field, number).map(([name, of, by]) => [name, ...of, by]),
  word('WRAP', 'SAT').map((mode) => ['OVERFLOW', ...mode]),
);
const bitRange: fc.Arbitrary<Word[]> = fc.oneof(
  nothing,
  offset.map((from) => [from]),
  fc.tuple(offset, offset),
  fc.tuple(offset, offset, fc.constantFrom('BIT', 'byte', 'BIT', 'nibble')),
);

const bits = fc.oneof(
  { weight: 2, arbitrary: command('SETBIT', key, bitOffset, bit) },
  command('GETBIT', key, bitOffset),
  { weight: 2, arbitrary: command('BITCOUNT', key, bitRange) },
  { weight: 3, arbitrary: command('BITPOS', key, bit, bitRange) },
  { weight: 2, arbitrary: command('BITOP', fc.constantFrom('AND', 'or', 'XOR', 'NOT'), key, some(key, 1, 3)) },
  {
    weight: 4,
    arbitrary: command(
      'BITFIELD',
      key,
      some(fieldOperation, 1, 4).map((operations) => operations.flat()),
    ),
  },
  command('BITFIELD_RO', key, word('GET'), field),
);

const generic = fc.oneof(
  command('DEL', some(key, 1, 3)),
  command('UNLINK', some(key, 1, 3)),
  command('EXISTS', some(key, 1, 4)),
  command('TOUCH', some(key, 1, 4)),
  command('TYPE', key),
  command('COPY', key, key, maybe('REPLACE')),
  command('RENAME', key, key),
  command('RENAMENX', key, key),
  command('KEYS', pattern),
  command(
    'SCAN',
    word('0'),
    word('COUNT'),
    word('1000'),
    word('MATCH'),
    pattern,
    fc.oneof(nothing, fc.constant<Word[]>(['TYPE', 'string'])),
  ),
  command('OBJECT', word('ENCODING'), key),
);

const expire = fc.oneof(
  { weight: 2, arbitrary: command('EXPIRE', key, span, comparison) },
  command('PEXPIRE', key, span, comparison),
  { weight: 2, arbitrary: command('EXPIREAT', key, moment, comparison) },
  command('PEXPIREAT', key, moment, comparison),
  command('TTL', key),
  command('PTTL', key),
  command('EXPIRETIME', key),
  command('PEXPIRETIME', key),
  command('PERSIST', key),
);

/** One command, as words; now and then with an argument too few. */
export const randomCommand: fc.Arbitrary<Word[]> = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: strings },
      { weight: 3, arbitrary: bits },
      { weight: 3, arbitrary: generic },
      { weight: 3, arbitrary: expire },
    ),
    fc.integer({ min: 0, max: 49 }),
  )
  .map(([words, chance]) => (chance === 0 && words.length > 1 ? words.slice(0, -1) : words));

/** The keys that commands of `randomCommand` can have made. */
export const KEYS = ['{t}a', '{t}b', '{t}c', '{t}d', '{t}'];
