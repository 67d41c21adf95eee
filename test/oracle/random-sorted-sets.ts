/**
 * Random commands over sorted sets, for comparing two servers.
 *
 * Few keys and members, so that commands meet each other; limits of the packed encoding are small, so that it is outgrown.
 * Ranges by name go to a key of their own where all scores are 0: of others Redis says that their result is not specified.
 * Left out is what may rightly differ: choices by chance, and scores that Redis 7.0 spells with 17 digits and 7.2 with fewer.
 */
import fc from 'fast-check';

type Word = string | Buffer;
type Words = Word[];

/** All sorted sets that commands can have made. */
const SORTED_SETS = ['{t}a', '{t}b', '{t}c', '{t}names'];

/** What every sequence begins with: keys of other types among them. */
export const SORTED_SET_SETUP: Words[] = [
  ['FLUSHALL'],
  ['CONFIG', 'SET', 'zset-max-listpack-entries', '4', 'zset-max-listpack-value', '12'],
  ['SADD', '{t}set', 'a', '1', '10', 'x'],
  ['SET', '{t}text', 'a'],
];

const words = (line: string): string[] => line.split(' ');

const key = fc.constantFrom('{t}a', '{t}a', '{t}b', '{t}b', '{t}c');
const anyKey = fc.oneof({ weight: 9, arbitrary: key }, { weight: 1, arbitrary: fc.constantFrom('{t}text', '{t}gone') });
const source = fc.oneof({ weight: 6, arbitrary: anyKey }, { weight: 1, arbitrary: fc.constant('{t}set') });
const member = fc.oneof(
  fc.constantFrom(...words('a b c d e ab abc 1 2 10 -5 007 9007199254740993 x'), '', 'longer than twelve bytes'),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
);
const score = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(...words('0 1 2 3 -1 1.5 2.25 -0 1e3 0x10 inf -inf 4503599 +7 .5')),
  },
  { weight: 1, arbitrary: fc.constantFrom('nan', '', ' 1', '1 ', 'one', '1e400', '0x', '--1', '1e-400') },
);
const scoreBound = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom('', '', '('), score).map((parts) => parts.join('')) },
  fc.constantFrom('(', ' 1', '1 ', '((1', 'infinity', '-INF', '1\x002'),
);
const nameBound = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom('[', '('), member).map(([how, name]) => join(how, name)) },
  { weight: 3, arbitrary: fc.constantFrom('-', '+') },
  fc.constantFrom('', 'a', '-a', '++'),
);
const rank = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -8, max: 8 }).map(String) },
  fc.constantFrom('9223372036854775807', '-9223372036854775808', '9223372036854775808', '1.5', ''),
);
const number = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 6 }).map(String) },
  fc.constantFrom('0', '-1', '9223372036854775807', 'x'),
);

function join(how: string, name: Word): Buffer {
  return Buffer.concat([Buffer.from(how), Buffer.from(name)]);
}

const nothing: fc.Arbitrary<Words> = fc.constant([]);
const maybe = (arbitrary: fc.Arbitrary<Words>): fc.Arbitrary<Words> =>
  fc.oneof({ weight: 2, arbitrary: nothing }, arbitrary);
const flag = (...choices: string[]): fc.Arbitrary<Words> => maybe(fc.constantFrom(...choices).map((one) => [one]));
const some = <T>(arbitrary: fc.Arbitrary<T>, least: number, most: number): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: least, maxLength: most });

/** A command of a fixed name, its arguments from parts of one or several words each. */
function command(name: string, ...parts: fc.Arbitrary<Word | Words>[]): fc.Arbitrary<Words> {
  return fc.tuple(...parts).map((args) => [name, ...args.flat()]);
}

/** No more pairs than the limit of the encoding: 7.2 takes more for a reason to change it, whatever they are, and 7.0 does not. */
const pairs = some(fc.tuple(score, member), 1, 3).map((all) => all.flat());
const limit = maybe(fc.tuple(rank, rank).map((bounds) => ['LIMIT', ...bounds]));
const sources = some(source, 1, 3).map((keys) => [String(keys.length), ...keys]);
/** Powers of two, lest scores become such that the versions spell them differently. */
const weight = fc.constantFrom(...words('0 1 2 -1 -2 inf -inf nan x'));
const weights = maybe(some(weight, 1, 3).map((all) => ['WEIGHTS', ...all]));
const aggregate = flag('SUM', 'MIN', 'max', 'avg').map((how) => (how.length > 0 ? ['AGGREGATE', ...how] : []));
const withScores = flag('WITHSCORES');
const rangeOptions = [flag('REV'), limit] as const;

const adding = fc.oneof(
  { weight: 6, arbitrary: command('ZADD', anyKey, pairs) },
  {
    weight: 4,
    arbitrary: command('ZADD', anyKey, flag('NX', 'XX'), flag('GT', 'LT'), flag('CH'), flag('INCR'), pairs),
  },
  { weight: 3, arbitrary: command('ZADD', anyKey, flag('XX', 'GT', 'lt'), fc.constant('INCR'), score, member) },
  { weight: 3, arbitrary: command('ZINCRBY', anyKey, score, member) },
);

/** Where a walk in pieces stands is not to be compared. */
const everything = fc.constant<Words>(['COUNT', '1000']);
const members = fc.oneof(
  command('ZSCORE', anyKey, member),
  command('ZMSCORE', anyKey, some(member, 1, 4)),
  command('ZCARD', anyKey),
  command('ZRANK', anyKey, member),
  command('ZREVRANK', anyKey, member),
  { weight: 3, arbitrary: command('ZREM', anyKey, some(member, 1, 3)) },
  command('ZSCAN', anyKey, fc.constant('0'), everything),
  command(
    'ZSCAN',
    anyKey,
    fc.constantFrom('0', 'x'),
    everything,
    fc.constant('MATCH'),
    fc.constantFrom('*', 'a*', '1*'),
  ),
);

const ranges = fc.oneof(
  { weight: 2, arbitrary: command('ZRANGE', anyKey, rank, rank, ...rangeOptions, withScores) },
  {
    weight: 2,
    arbitrary: command('ZRANGE', anyKey, scoreBound, scoreBound, fc.constant('BYSCORE'), ...rangeOptions, withScores),
  },
  command('ZREVRANGE', anyKey, rank, rank, withScores),
  { weight: 2, arbitrary: command('ZRANGEBYSCORE', anyKey, scoreBound, scoreBound, withScores, limit) },
  { weight: 2, arbitrary: command('ZREVRANGEBYSCORE', anyKey, scoreBound, scoreBound, limit, withScores) },
  { weight: 2, arbitrary: command('ZCOUNT', anyKey, scoreBound, scoreBound) },
  command('ZRANGESTORE', key, anyKey, rank, rank, flag('REV')),
  command('ZRANGESTORE', key, anyKey, scoreBound, scoreBound, fc.constant('BYSCORE'), ...rangeOptions),
  command('ZREMRANGEBYSCORE', anyKey, scoreBound, scoreBound),
  command('ZREMRANGEBYRANK', anyKey, rank, rank),
);

const names = fc.constant('{t}names');
const zero = fc.constant('0');
const byName = fc.oneof(
  { weight: 5, arbitrary: command('ZADD', names, zero, member, zero, member, zero, member) },
  { weight: 2, arbitrary: command('ZRANGEBYLEX', names, nameBound, nameBound, limit) },
  { weight: 2, arbitrary: command('ZREVRANGEBYLEX', names, nameBound, nameBound, limit) },
  {
    weight: 2,
    arbitrary: command('ZRANGE', names, nameBound, nameBound, fc.constant('BYLEX'), ...rangeOptions, withScores),
  },
  command('ZRANGESTORE', key, names, nameBound, nameBound, fc.constant('BYLEX'), ...rangeOptions),
  { weight: 2, arbitrary: command('ZLEXCOUNT', names, nameBound, nameBound) },
  command('ZREMRANGEBYLEX', names, nameBound, nameBound),
  command('ZREM', names, some(member, 1, 3)),
);

const popping = fc.oneof(
  command('ZPOPMIN', anyKey, maybe(number.map((count) => [count]))),
  command('ZPOPMAX', anyKey, maybe(number.map((count) => [count]))),
  command('ZMPOP', sources, fc.constantFrom('MIN', 'max', 'mid'), maybe(number.map((count) => ['COUNT', count]))),
);

const combining = fc.oneof(
  command('ZUNION', sources, weights, aggregate, withScores),
  command('ZINTER', sources, weights, aggregate, withScores),
  command('ZDIFF', sources, withScores),
  { weight: 2, arbitrary: command('ZUNIONSTORE', key, sources, aggregate, weights) },
  { weight: 2, arbitrary: command('ZINTERSTORE', key, sources, weights, aggregate) },
  { weight: 2, arbitrary: command('ZDIFFSTORE', key, sources) },
  command('ZINTERCARD', sources, maybe(number.map((count) => ['LIMIT', count]))),
);

const generic = fc.oneof(
  command('EXPIRE', key, fc.constant('100000')),
  command('DEL', key),
  command('RENAME', key, key),
  command('COPY', key, key, flag('REPLACE')),
  command('OBJECT', fc.constant('ENCODING'), key),
);

/** One command, as words; now and then with an argument too few. */
export const randomSortedSetCommand: fc.Arbitrary<Words> = fc
  .tuple(
    fc.oneof(
      { weight: 8, arbitrary: adding },
      { weight: 3, arbitrary: members },
      { weight: 5, arbitrary: ranges },
      { weight: 4, arbitrary: byName },
      { weight: 2, arbitrary: popping },
      { weight: 4, arbitrary: combining },
      { weight: 1, arbitrary: generic },
    ),
    fc.integer({ min: 0, max: 49 }),
  )
  .map(([all, chance]) => (chance === 0 && all.length > 1 ? all.slice(0, -1) : all));

/** What tells all about them, at the end. */
export const SORTED_SET_INSPECTION: Words[] = SORTED_SETS.flatMap((name) => [
  ['TYPE', name],
  ['ZRANGE', name, '0', '-1', 'WITHSCORES'],
  ['OBJECT', 'ENCODING', name],
  ['PERSIST', name],
]);
