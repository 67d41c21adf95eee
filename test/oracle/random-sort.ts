/**
 * Random SORTs over a list, a set and a sorted set, with weights that come and go, for comparing two servers.
 *
 * Left out is what Redis leaves open: the order of elements whose texts of BY … ALPHA are equal (so those texts are all different,
 * `SORT_SETUP`), that of a set BY nosort that is not stored, and bytes of 0 in texts, which end a comparison there. So are
 * numbers out of range: Redis takes the C library's note of one for an error of the next SORTs as well.
 */
import fc from 'fast-check';

type Words = (string | Buffer)[];

const LIST = '{t}list';
const SET = '{t}set';
const SORTED_SET = '{t}zset';
const STORED = '{t}stored';

const numbers = [...Array.from({ length: 24 }, (_, i) => String(i - 8)), '1.5', '-0', '01', '1e1', '0x10', 'inf', ''];
const texts = ['a', 'b', 'ab', 'abc', 'abcdefg', 'abcdefh', 'B', '\xff\xfe', ' 7', 'x'.repeat(70)];

/** A different text for every element. */
export const SORT_SETUP: Words[] = [...numbers, ...texts].map((element, i) => [
  'SET',
  `{t}text_${element}`,
  `${(i * 7) % 41}-${i % 2 === 0 ? 'even' : 'odd'}`,
]);

export const SORT_INSPECTION: Words[] = [
  ['LRANGE', LIST, '0', '-1'],
  ['LRANGE', STORED, '0', '-1'],
  ['ZRANGE', SORTED_SET, '0', '-1'],
  ['SORT', SET, 'ALPHA'],
  ...[LIST, SET, SORTED_SET, STORED].flatMap((key) => [
    ['TYPE', key],
    ['TTL', key],
  ]),
];

const number = fc.constantFrom(...numbers);
const element = fc.oneof({ weight: 12, arbitrary: number }, { weight: 1, arbitrary: fc.constantFrom(...texts) });
const elements = fc.array(element, { minLength: 1, maxLength: 20 });
const weight = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }).map(String) },
  { weight: 6, arbitrary: fc.integer({ min: -1e9, max: 1e9 }).map((n) => String(n / 1024)) },
  fc.constantFrom('', ' 3', '-inf', '9223372036854775807', 'x', 'nan', '1 '),
);
const holder = fc.oneof(number, number, fc.constantFrom(...texts));

function command(name: string, ...parts: fc.Arbitrary<string | Words>[]): fc.Arbitrary<Words> {
  return fc.tuple(...parts).map((args) => [name, ...args.flat()]);
}

const change = fc.oneof(
  { weight: 3, arbitrary: command('RPUSH', fc.constant(LIST), elements) },
  { weight: 3, arbitrary: command('SADD', fc.constant(SET), elements) },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.tuple(weight, element), { minLength: 1, maxLength: 20 })
      .map((pairs): Words => ['ZADD', SORTED_SET, ...pairs.flat()]),
  },
  {
    weight: 4,
    arbitrary: command(
      'SET',
      holder.map((of) => `{t}weight_${of}`),
      weight,
    ),
  },
  {
    weight: 2,
    arbitrary: command(
      'HSET',
      holder.map((of) => `{t}hash_${of}`),
      fc.constant('f'),
      weight,
    ),
  },
  command('DEL', fc.constantFrom(LIST, SET, SORTED_SET, STORED)),
  command('EXPIRE', fc.constantFrom(LIST, STORED), fc.constant('100000')),
  command('LPOP', fc.constant(LIST)),
);

const limit = fc.constantFrom(...'0 1 2 3 10 -1 -5 100 9223372036854775807 -9223372036854775808 x'.split(' '));
const get = fc.constantFrom('#', '{t}weight_*', '{t}hash_*->f', '{t}text_*', '{t}hash_*', '{t}weight_*->f', 'fixed');
const by = fc.oneof(
  fc.constant<Words>([]),
  fc.constantFrom('{t}weight_*', '{t}hash_*->f').map((pattern): Words => ['BY', pattern]),
  fc.constant<Words>(['BY', '{t}text_*', 'ALPHA']),
  fc.constant<Words>(['ALPHA']),
  fc.constant<Words>(['BY', 'nosort']),
);
const ordering = fc
  .tuple(
    by,
    fc.constantFrom<Words>([], ['ASC'], ['DESC']),
    fc.oneof(
      fc.constant<Words>([]),
      fc.tuple(limit, limit).map((both): Words => ['LIMIT', ...both]),
    ),
  )
  .map((parts): Words => parts.flat());
const gets = fc.array(get, { maxLength: 2 }).map((all) => all.flatMap((pattern): Words => ['GET', pattern]));
const destination = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Words>([]) },
  { weight: 2, arbitrary: fc.constant<Words>(['STORE', STORED]) },
);
/** Over itself go only elements that have a text. */
const inPlace = fc
  .tuple(fc.constantFrom(LIST, SET, SORTED_SET), ordering)
  .map(([key, words]): Words => ['SORT', key, ...words, 'STORE', LIST]);

const sort = fc
  .tuple(
    fc.constantFrom('SORT', 'SORT', 'SORT_RO'),
    fc.constantFrom(LIST, SET, SORTED_SET),
    ordering,
    gets,
    destination,
  )
  .map(([name, key, ...all]): Words => [name, key, ...all.flat()])
  .filter((words) => words[1] !== SET || !words.includes('nosort') || words.includes('STORE'));

/** One command, as words. */
export const randomSortCommand: fc.Arbitrary<Words> = fc.oneof(
  { weight: 3, arbitrary: change },
  { weight: 3, arbitrary: sort },
  { weight: 1, arbitrary: inPlace },
);
