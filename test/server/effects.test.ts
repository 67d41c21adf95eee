/**
 * The journal's promise: who replays it, whenever that is, has an equal keyspace.
 *
 * Random sentences of all families, from two clients of which one may wait, in several databases, in transactions and not, with a
 * clock that jumps so that keys expire, are said to a node with an active journal. A second node, with other chance and other
 * limits for packing, replays the journal, at once or a year later. Both must hold the same.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../src/base';
import { commands } from '../../src/commands';
import { ExpiryCycle } from '../../src/storage';
import { randomSentence, type Sentence } from '../fuzz/sentences';
import { KEYS, one, randomKey } from '../fuzz/words';
import { contentsOf, entriesOf, follow, JournaledNode, type DirectClient } from './journaled';

const RUNS = 100;
const SENTENCES = 150;
const YEAR_MS = 365 * 86_400_000;

const FAMILIES: ReadonlySet<string> = new Set(
  'string hash list set sorted-set stream geo bitmap hyperloglog generic'.split(' '),
);
/** WAIT waits for nobody; the self-test takes a second. */
const SKIPPED: ReadonlySet<string> = new Set(['WAIT', 'PFSELFTEST']);
const SPECS = commands.all.filter(
  ({ name, family, subcommands, container }) =>
    FAMILIES.has(family) && !SKIPPED.has(name) && subcommands === null && container === null,
);

const limits = [
  ['hash-max-listpack-entries', '6'],
  ['set-max-intset-entries', '6'],
  ['set-max-listpack-entries', '6'],
  ['zset-max-listpack-entries', '6'],
  ['list-max-listpack-size', '4'],
  ['stream-node-max-entries', '3'],
] as const;

/** What random sentences seldom say: chance, the clock, groups that read, several databases. */
function special(random: Random): Sentence {
  const key = (family: string): string => randomKey(random, family);
  const span = (): string => String(1 + random.below(5000));
  const few = (): string => String(random.below(6));
  const database = (): string => String(random.below(2));
  const member = (): string => String(random.below(40));
  const group = (): string => one(random, ['g1', 'g2']);
  const consumer = (): string => one(random, ['c1', 'c2']);
  const string = key('string');
  const set = key('set');
  const stream = key('stream');
  return one<() => Sentence>(random, [
    () => ['SELECT', database()],
    () => (random.fraction() < 0.3 ? ['SWAPDB', database(), database()] : ['SELECT', '0']),
    () => (random.fraction() < 0.1 ? [one(random, ['FLUSHDB', 'FLUSHALL'])] : ['SELECT', '0']),
    () => ['MOVE', key('any'), database()],
    () => ['COPY', key('any'), key('any'), 'DB', database(), 'REPLACE'],
    () => ['PEXPIRE', key('any'), span()],
    () => ['EXPIRE', key('any'), '100', one(random, ['NX', 'GT', 'LT'])],
    () => ['SET', string, 'brief', 'PX', span()],
    () => ['GETEX', string, 'PX', span()],
    () => ['SET', string, 'v', 'GET', ...one(random, [['KEEPTTL'], ['PX', span()], ['XX'], []])],
    () => ['PFCOUNT', key('hyperloglog')],
    () => ['SADD', set, ...Array.from({ length: 12 }, member)],
    () => ['SPOP', set, String(random.below(14))],
    () => ['SPOP', set],
    () => ['XADD', stream, '*', 'f', 'v'],
    () => ['XADD', stream, 'MAXLEN', '~', few(), '*', 'f', 'v'],
    () => ['XTRIM', stream, 'MAXLEN', '~', few()],
    () => ['XTRIM', stream, 'MINID', '~', '17000000'.padEnd(13, few()), 'LIMIT', '4'],
    () => ['XGROUP', 'CREATE', stream, group(), '0', 'MKSTREAM'],
    () => ['XREADGROUP', 'GROUP', group(), consumer(), 'COUNT', '2', 'STREAMS', stream, '>'],
    () => ['XREADGROUP', 'GROUP', group(), consumer(), 'NOACK', 'COUNT', '1', 'STREAMS', stream, '>'],
    () => ['XREADGROUP', 'GROUP', group(), consumer(), 'STREAMS', stream, '0'],
    () => ['XAUTOCLAIM', stream, group(), consumer(), few(), '0', 'COUNT', '2'],
    () => ['DEL', set, stream],
  ])();
}

function sentence(random: Random): Sentence {
  return random.fraction() < 0.4 ? special(random) : randomSentence(random, one(random, SPECS));
}

/** Restores a value with a time to live: what DUMP has said is no word of a grammar. */
function restore(random: Random, client: DirectClient): void {
  const dump = /^\$\d+\r\n([^]*)\r\n$/.exec(client.say('DUMP', one(random, KEYS)));
  if (dump === null) return;
  const ttl = one(random, ['0', '3000', '1', '-1']);
  client.say('RESTORE', one(random, KEYS), ttl, dump[1], ...one(random, [['REPLACE'], ['REPLACE', 'ABSTTL'], []]));
}

/** Says `count` sentences; returns the node, on which no key is past its expiry. */
function live(seed: number, count: number): { leader: JournaledNode; client: DirectClient } {
  const random = new Random(seed);
  const leader = new JournaledNode(seed, seed % 2 === 0 ? Object.fromEntries(limits) : {});
  const client = leader.client();
  const waiter = leader.client();
  const cycle = new ExpiryCycle(leader.node.keyspace);
  for (let i = 0; i < count; i++) {
    const dice = random.fraction();
    if (dice < 0.03) leader.nowMs += random.below(3000);
    else if (dice < 0.035) leader.nowMs += 150_000_000;
    else if (dice < 0.045) cycle.run(() => false);
    else if (dice < 0.06) client.say('MULTI');
    else if (dice < 0.1) client.say('EXEC');
    else if (dice < 0.12) restore(random, client);
    else if (dice < 0.17) {
      if (!waiter.waits) waiter.say(...sentence(random));
    } else if (!client.waits) {
      client.say(...sentence(random));
    }
  }
  waiter.leave();
  client.leave();
  const observer = leader.client();
  leader.node.keyspace.setTime(leader.nowMs);
  for (const { index } of leader.node.keyspace.usedDatabases()) {
    observer.say('SELECT', String(index));
    observer.say('KEYS', '*');
  }
  return { leader, client: observer };
}

test.each([
  ['at once', 0],
  ['a year later', YEAR_MS],
])('a node that replays the journal %s has an equal keyspace', (_, laterMs) => {
  fc.assert(
    fc.property(fc.noShrink(fc.nat()), (seed) => {
      const { leader, client } = live(seed, SENTENCES);
      const follower = follow(leader.taken(), laterMs + leader.nowMs - 1_700_000_000_000);
      expect(contentsOf(follower, follower.client())).toEqual(contentsOf(leader, client));
    }),
    { numRuns: Number(process.env.RUNS ?? RUNS), seed: Number(process.env.SEED ?? 20_261_122) },
  );
});

test('what is replayed is journaled by nobody, and gates are not asked', () => {
  const { leader } = live(7, 200);
  const follower = follow(leader.taken(), 0);
  expect(entriesOf(follower.taken())).toEqual([]);
});
