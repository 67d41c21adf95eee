/**
 * Random set commands, for comparing two servers: few keys and few members, so that sets overlap; now and then a key holds
 * something else. Left out is what chance decides, where it decides anything: SPOP and SRANDMEMBER come with counts that leave
 * no choice.
 */
import fc from 'fast-check';

type Words = (string | Buffer)[];

export const SET_KEYS = ['{t}a', '{t}b', '{t}c', '{t}d', '{t}e'];

/** Commands whose elements have no order. */
export const UNORDERED = new Set(['SMEMBERS', 'SINTER', 'SUNION', 'SDIFF', 'SSCAN', 'SPOP', 'SRANDMEMBER', 'KEYS']);

const words = (line: string): string[] => line.split(' ');

const key = fc.constantFrom(...SET_KEYS);
const keys = fc.array(key, { minLength: 1, maxLength: 6 });
const integer = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -8, max: 24 }).map(String) },
  fc.constantFrom(...words('32767 32768 -32769 2147483648 -2147483649 9007199254740993 -9223372036854775808')),
);
const member = fc.oneof(
  { weight: 4, arbitrary: integer },
  { weight: 3, arbitrary: fc.constantFrom(...words('a b c d e f g h i j k l 01 -0 +1 9223372036854775808'), '') },
  fc.constantFrom('x'.repeat(64), 'x'.repeat(65), 'y'.repeat(300)),
  fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
);
const members = fc.oneof(
  fc.array(integer, { minLength: 1, maxLength: 12 }),
  fc.array(member, { minLength: 1, maxLength: 12 }),
);
const limit = fc.constantFrom(...words('0 1 2 5 100 9223372036854775807 -1 9223372036854775808 x'), '');
/** Counts that take all members or none, and such as are refused. */
const count = fc.constantFrom(
  ...words('0 1000 9223372036854775807 -9223372036854775808 9223372036854775808 x 1.0'),
  '',
);
const maybe = (arbitrary: fc.Arbitrary<Words>): fc.Arbitrary<Words> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant<Words>([]) }, { weight: 1, arbitrary });

function command(name: string, ...parts: fc.Arbitrary<string | Buffer | Words>[]): fc.Arbitrary<Words> {
  return fc.tuple(...parts).map((args) => [name, ...args.flat()]);
}

const one = fc.oneof(
  { weight: 8, arbitrary: command('SADD', key, members) },
  { weight: 4, arbitrary: command('SREM', key, members) },
  command('SCARD', key),
  command('SMEMBERS', key),
  command('SISMEMBER', key, member),
  command('SMISMEMBER', key, members),
  command('SPOP', key, count),
  command('SRANDMEMBER', key, count),
  command('SSCAN', key, fc.constant('0'), fc.constant<Words>(['COUNT', '1000'])),
  command('SSCAN', key, fc.constant('0'), fc.constant<Words>(['COUNT', '1000', 'MATCH', '[0-9a-d]*'])),
);
const several = fc.oneof(
  { weight: 3, arbitrary: command('SMOVE', key, key, member) },
  { weight: 2, arbitrary: command('SINTER', keys) },
  { weight: 2, arbitrary: command('SUNION', keys) },
  { weight: 4, arbitrary: command('SDIFF', keys) },
  { weight: 2, arbitrary: command('SINTERSTORE', key, keys) },
  { weight: 2, arbitrary: command('SUNIONSTORE', key, keys) },
  { weight: 4, arbitrary: command('SDIFFSTORE', key, keys) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(keys, maybe(limit.map((most) => ['LIMIT', most])))
      .map(([all, rest]): Words => ['SINTERCARD', String(all.length), ...all, ...rest]),
  },
);
const other = fc.oneof(
  { weight: 2, arbitrary: command('DEL', key) },
  command('SET', key, fc.constant('text')),
  command('APPEND', key, fc.constant('text')),
  command('TYPE', key),
  command('EXPIRE', key, fc.constant('100000')),
  command('PERSIST', key),
  command('COPY', key, key, maybe(fc.constant<Words>(['REPLACE']))),
  command('RENAME', key, key),
);

/** One command, as words. */
export const randomSetCommand: fc.Arbitrary<Words> = fc.oneof(
  { weight: 6, arbitrary: one },
  { weight: 4, arbitrary: several },
  { weight: 1, arbitrary: other },
);
