/**
 * Random stream commands for comparison with a real Redis: two streams without groups, of which the dumps must be equal byte for
 * byte, and one with two groups.
 *
 * Ids are few and small, so that they meet; now and then one is at an end of what ids can be. Nodes are as small as the
 * setup of a run says. Consumers are made with their group, since Redis 7.2 and 7.0 differ in when else they are; replies
 * that tell times are not asked for.
 */
import fc from 'fast-check';

type Words = string[];

const PLAIN = ['s', 't'];
const GROUPED = 'g';
const KEYS = [...PLAIN, GROUPED];
const GROUPS = ['one', 'two'];
const CONSUMERS = ['alice', 'bob'];

const key = fc.constantFrom(...KEYS, GROUPED);
const plainId = fc
  .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 4 }))
  .map(([ms, seq]) => `${ms}-${seq}`);
const id = fc.oneof(
  { weight: 20, arbitrary: plainId },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 9 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('55-18446744073709551615', '18446744073709551615-3', 'x', '-', '+', '') },
);
/** Ids that grow as time passes, so that most are taken; none whose sequence number 7.0 would fail to count on from. */
const newId = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.integer({ min: 0, max: 40 })).map(([ms]) => `${ms}-*`) },
  { weight: 3, arbitrary: id },
  { weight: 1, arbitrary: fc.constantFrom('57-18446744073709551614', '300-0', '70000-1', '9000000000-5') },
);
const bound = fc.oneof(
  id,
  id.map((text) => `(${text}`),
  fc.constantFrom('-', '+'),
);
const count = fc.constantFrom('-1', '0', '1', '2', '3', '10');
const maybeCount = fc.oneof(
  fc.constant<Words>([]),
  count.map((n) => ['COUNT', n]),
);
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', '1', '-7', '200', '5000', '70000', '9999999', '12345678901') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'x'.repeat(64), 'y'.repeat(200), '9223372036854775807', '007', '-0') },
);
const fields = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => ['a', value]) },
  { weight: 3, arbitrary: fc.tuple(text, text).map(([a, b]) => ['a', a, 'b', b]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }).map((pairs) => pairs.flat()) },
);
const trimming = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constant('MAXLEN'), fc.constantFrom('0', '1', '2', '5', '9')),
      fc.tuple(fc.constant('MINID'), id),
    ),
    fc.constantFrom('', '=', '~'),
    fc.constantFrom('', '', '', '0', '2', '5'),
  )
  .map(([[by, to], sign, limit]) => [
    by,
    ...(sign === '' ? [] : [sign]),
    to,
    ...(limit === '' ? [] : ['LIMIT', limit]),
  ]);
const group = fc.constantFrom(...GROUPS);
const consumer = fc.constantFrom(...CONSUMERS);
const ids = fc.array(id, { minLength: 1, maxLength: 3 });

function words(...parts: fc.Arbitrary<string | Words>[]): fc.Arbitrary<Words> {
  return fc.tuple(...parts).map((found) => found.flat());
}

const is = fc.constant<string>;

/** A random command, or some that belong together. */
export const randomStreamCommand: fc.Arbitrary<Words> = fc.oneof(
  { weight: 24, arbitrary: words(is('XADD'), key, newId, fields) },
  { weight: 4, arbitrary: words(is('XADD'), key, fc.constant<Words>(['NOMKSTREAM']), newId, fields) },
  { weight: 4, arbitrary: words(is('XADD'), key, trimming, newId, fields) },
  { weight: 5, arbitrary: words(is('XDEL'), key, ids) },
  { weight: 3, arbitrary: words(is('XTRIM'), key, trimming) },
  { weight: 3, arbitrary: words(is('XRANGE'), key, bound, bound, maybeCount) },
  { weight: 3, arbitrary: words(is('XREVRANGE'), key, bound, bound, maybeCount) },
  { weight: 1, arbitrary: words(is('XLEN'), key) },
  { weight: 2, arbitrary: words(is('XREAD'), maybeCount, is('STREAMS'), key, fc.oneof(id, is('$'))) },
  { weight: 1, arbitrary: words(is('XREAD'), is('STREAMS'), key, key, id, id) },
  { weight: 1, arbitrary: words(is('XINFO'), is('GROUPS'), key) },
  {
    weight: 10,
    arbitrary: words(is('XREADGROUP'), is('GROUP'), group, consumer, maybeCount, is('STREAMS'), is(GROUPED), is('>')),
  },
  {
    weight: 2,
    arbitrary: words(
      is('XREADGROUP'),
      is('GROUP'),
      group,
      consumer,
      maybeCount,
      is('NOACK'),
      is('STREAMS'),
      is(GROUPED),
      is('>'),
    ),
  },
  {
    weight: 3,
    arbitrary: words(is('XREADGROUP'), is('GROUP'), group, consumer, maybeCount, is('STREAMS'), is(GROUPED), id),
  },
  { weight: 4, arbitrary: words(is('XACK'), is(GROUPED), group, ids) },
  { weight: 1, arbitrary: words(is('XPENDING'), is(GROUPED), group) },
  {
    weight: 5,
    arbitrary: words(
      is('XCLAIM'),
      is(GROUPED),
      group,
      consumer,
      fc.constantFrom('0', '100000'),
      fc.array(plainId, { minLength: 1, maxLength: 3 }),
      fc.constantFrom<Words>([], ['FORCE'], ['JUSTID'], ['FORCE', 'JUSTID'], ['RETRYCOUNT', '5'], ['LASTID', '4-4']),
    ),
  },
  {
    weight: 5,
    arbitrary: words(
      is('XAUTOCLAIM'),
      is(GROUPED),
      group,
      consumer,
      fc.constantFrom('0', '0', '100000'),
      bound,
      fc.constantFrom<Words>([], ['COUNT', '1'], ['COUNT', '2'], ['JUSTID'], ['COUNT', '3', 'JUSTID']),
    ),
  },
  { weight: 2, arbitrary: words(is('XGROUP'), is('SETID'), is(GROUPED), group, fc.oneof(id, is('$'))) },
  {
    weight: 1,
    arbitrary: words(
      is('XGROUP'),
      is('SETID'),
      is(GROUPED),
      group,
      id,
      is('ENTRIESREAD'),
      fc.constantFrom('-1', '0', '3'),
    ),
  },
  { weight: 1, arbitrary: words(is('XSETID'), key, fc.constantFrom('30-1', '40')) },
  { weight: 1, arbitrary: words(is('COPY'), fc.constantFrom(...PLAIN), fc.constantFrom(...PLAIN), is('REPLACE')) },
);

/** An empty keyspace, nodes of so many entries and bytes, and the groups. */
export const streamSetup = fc
  .tuple(fc.constantFrom('1', '2', '3', '5', '100', '0'), fc.constantFrom('60', '150', '4096', '0'))
  .map(([entries, bytes]): Words[] => [
    ['FLUSHALL'],
    ['CONFIG', 'SET', 'stream-node-max-entries', entries, 'stream-node-max-bytes', bytes],
    ...GROUPS.flatMap((name) => [
      ['XGROUP', 'CREATE', GROUPED, name, '0', 'MKSTREAM'],
      ...CONSUMERS.map((each) => ['XGROUP', 'CREATECONSUMER', GROUPED, name, each]),
    ]),
  ]);

/** What tells all about the streams but times. */
export const STREAM_INSPECTION: Words[] = [
  ...KEYS.flatMap((name) => [
    ['XLEN', name],
    ['XRANGE', name, '-', '+'],
    ['XREVRANGE', name, '+', '-'],
    ['XINFO', 'GROUPS', name],
  ]),
  ...PLAIN.flatMap((name) => [
    ['DUMP', name],
    ['DEBUG', 'DIGEST-VALUE', name],
  ]),
  ...GROUPS.flatMap((name) => [
    ['XPENDING', GROUPED, name],
    ...CONSUMERS.map((each) => ['XREADGROUP', 'GROUP', name, each, 'STREAMS', GROUPED, '0']),
  ]),
];
