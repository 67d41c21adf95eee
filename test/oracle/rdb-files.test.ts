/**
 * RDB files as a real redis-server sees them: files of many versions load here as they load there, key by key, or are refused
 * here where they are refused there; and what a redis-server saves of values of every type and encoding loads here.
 */
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bytes, CacheError, Random } from '../../src/base';
import { commands as allCommands } from '../../src/commands';
import { Digests, ENCODING_NAMES, forEachKey, NO_EXPIRY, TYPE_NAMES, type Keyspace } from '../../src/storage';
import { testData } from '../data';
import { isSpoken, mustNotWait } from '../fuzz/comparison';
import { randomSentence } from '../fuzz/sentences';
import { emptyKeyspace, load, save } from '../storage/rdb/rdb-files';
import { range } from '../storage/rdb/values';
import { oracleVersion, SEED } from './oracle-stage';
import { randomCommand } from './random-commands';
import { randomSetCommand } from './random-sets';
import { randomSortedSetCommand, SORTED_SET_SETUP } from './random-sorted-sets';
import { randomStreamCommand } from './random-streams';
import { RedisOnFile } from './redis-on-file';

const folder = testData('rdb');
const names = folder === null ? ['are absent'] : readdirSync(folder).filter((name) => name.endsWith('.rdb'));

/** Loads a file; the reason where it is refused. */
function tryLoad(keyspace: Keyspace, file: Buffer): string | null {
  try {
    load(keyspace, file);
    return null;
  } catch (error) {
    if (error instanceof CacheError && error.code === 'BAD_RDB') return error.message;
    throw error;
  }
}

/** All keys here, one line each: name, type, expiry, encoding, digest. */
function describeOurs(keyspace: Keyspace, index: number): { key: Buffer; line: string }[] {
  const { records } = keyspace;
  const digests = new Digests(keyspace);
  const database = keyspace.database(index);
  const view = new Bytes();
  const lines: { key: Buffer; line: string }[] = [];
  forEachKey(database, (record) => {
    const expiry = records.expiry(record);
    const encoding = ENCODING_NAMES[records.encoding(record)];
    const line = [TYPE_NAMES[records.type(record)], expiry === NO_EXPIRY ? -1 : expiry, encoding];
    lines.push({
      key: records.key(record, view).copy(),
      line: [...line, digests.ofValue(database, database.peek(records.key(record, view)))].join(' '),
    });
  });
  return lines;
}

/** Compares all databases, key by key, with those of a redis-server. */
async function compare(keyspace: Keyspace, redis: RedisOnFile): Promise<number> {
  let keys = 0;
  for (const index of range(16)) {
    expect(await redis.say('SELECT', String(index))).toBe('OK');
    const ours = describeOurs(keyspace, index);
    expect(await redis.say('DBSIZE')).toBe(`(integer) ${ours.length}`);
    keys += ours.length;
    const theirs = await Promise.all(
      ours.map(async ({ key }) => {
        const [type, expiry, encoding, digest] = await Promise.all([
          redis.say('TYPE', key),
          redis.say('PEXPIRETIME', key),
          redis.say('OBJECT', 'ENCODING', key),
          redis.say('DEBUG', 'DIGEST-VALUE', key),
        ]);
        const plain = (reply: string): string => reply.replace(/^(1\) )?(\(integer\) )?/, '').replaceAll('"', '');
        return [type, expiry, encoding, digest].map(plain).join(' ');
      }),
    );
    expect(ours.map(({ line }, i) => inWordsOf70(line, theirs[i]))).toEqual(theirs);
  }
  return keys;
}

/** 7.2 packs small sets and lists where 7.0 does not. */
function inWordsOf70(ours: string, theirs: string): string {
  if (ours.startsWith('set') && theirs.includes(' hashtable ')) return ours.replace(' listpack ', ' hashtable ');
  if (ours.startsWith('list') && theirs.includes(' quicklist ')) return ours.replace(' listpack ', ' quicklist ');
  return ours;
}

describe.skipIf(folder === null || oracleVersion === null)('files of many versions', () => {
  test.each(names)('%s', async (name) => {
    const path = `${folder}/${name}`;
    const redis = await RedisOnFile.start(path);
    try {
      const keyspace = emptyKeyspace(Date.now());
      const refusal = tryLoad(keyspace, readFileSync(path));
      if (redis.session === null) {
        expect(refusal, redis.log).not.toBe(null);
        return;
      }
      expect(refusal).toBe(null);
      await compare(keyspace, redis);
      expect(await redis.say('DEBUG', 'DIGEST')).toBe(new Digests(keyspace).ofAll());
    } finally {
      await redis.stop();
    }
  });
});

describe.skipIf(oracleVersion === null)('what redis-server saves loads here', () => {
  let redis: RedisOnFile;
  beforeAll(async () => void (redis = await RedisOnFile.start(null)));
  afterAll(() => redis.stop());

  async function sayAll(all: readonly (readonly (string | Buffer)[])[]): Promise<void> {
    await Promise.all(all.map((words) => redis.say(...words)));
  }

  /** Has it save and load, loads here, compares; then gives ours to another redis-server. */
  async function check(leastKeys: number): Promise<void> {
    const keyspace = emptyKeyspace(Date.now());
    const file = await redis.save();
    const loader = load(keyspace, file);
    expect(loader.position).toBe(file.length);
    // Some encodings tell how a value came about, until it is loaded.
    expect(await redis.say('DEBUG', 'RELOAD', 'NOSAVE')).toBe('OK');
    expect(await compare(keyspace, redis)).toBeGreaterThanOrEqual(leastKeys);
    const heir = await RedisOnFile.start(save(keyspace, 10));
    try {
      expect(await compare(keyspace, heir)).toBe(loader.keysLoaded);
    } finally {
      await heir.stop();
    }
  }

  test('values of every type and encoding, in several databases', async () => {
    const members = (count: number): string[] => range(count).map((i) => (i % 2 === 0 ? String(i * i) : `member ${i}`));
    const withScores = (count: number): string[] => members(count).flatMap((name, i) => [String(i / 4), name]);
    for (const database of ['0', '7', '15']) {
      await sayAll([
        ['SELECT', database],
        ['FLUSHDB'],
        ['SET', 'number', '12345'],
        ['SET', 'text', `text of ${database}`],
        ['SET', 'large', 'large '.repeat(400_000)],
        ['SET', Buffer.from([0, 255, 13, 10]), Buffer.from(range(256))],
        ['SET', 'expiring', 'v', 'PXAT', '9999999999999'],
        ['HSET', 'small hash', ...members(100)],
        ['HSET', 'hash', ...members(3000)],
        ['PEXPIREAT', 'hash', '9999999999998'],
        ['RPUSH', 'small list', ...members(50)],
        ['RPUSH', 'list', ...members(4000), 'x'.repeat(20_000)],
        ['SADD', 'integers', ...range(400).map(String)],
        ['SADD', 'small set', ...members(20)],
        ['SADD', 'set', ...members(3000)],
        ['ZADD', 'small sorted set', ...withScores(60)],
        ['PEXPIREAT', 'small sorted set', '9999999999997'],
        ['ZADD', 'sorted set', ...withScores(3000)],
        ...range(300).map((i) => ['XADD', 'stream', `${i + 1}-1`, 'name', String(i)]),
        ['XDEL', 'stream', '5-1', '77-1'],
        ['XGROUP', 'CREATE', 'stream', 'readers', '10-0'],
        ['XREADGROUP', 'GROUP', 'readers', 'first', 'COUNT', '40', 'STREAMS', 'stream', '>'],
        ['XACK', 'stream', 'readers', '12-1'],
        ['XGROUP', 'CREATECONSUMER', 'stream', 'readers', 'second'],
      ]);
    }
    await check(3 * 15);
  });

  test('and when or how often they were used', async () => {
    await sayAll([['SELECT', '0'], ['FLUSHALL'], ['SET', 'source', 'v'], ['HSET', 'hash', 'f', 'v']]);
    for (const policy of ['allkeys-lru', 'volatile-lfu'] as const) {
      expect(await redis.say('CONFIG', 'SET', 'maxmemory-policy', policy)).toBe('OK');
      for (const key of ['source', 'hash']) for (const _ of range(30)) await redis.say('OBJECT', 'ENCODING', key);
      await sayAll(range(40).map(() => ['GET', 'source']));
      const keyspace = emptyKeyspace(Date.now());
      keyspace.eviction.choose(policy);
      load(keyspace, await redis.save());
      for (const key of ['source', 'hash']) {
        const record = keyspace.database(0).peek(new Bytes(Buffer.from(key)));
        const isLfu = policy === 'volatile-lfu';
        const ours = isLfu
          ? keyspace.eviction.frequency(keyspace.records.access(record))
          : keyspace.idleSeconds(record);
        const reply = await redis.say('OBJECT', isLfu ? 'FREQ' : 'IDLETIME', key);
        expect(Math.abs(ours - Number(reply.replace('(integer) ', '')))).toBeLessThanOrEqual(1);
      }
    }
    await redis.say('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  });

  test('after random commands', async () => {
    const sample = (arbitrary: fc.Arbitrary<(string | Buffer)[]>): (string | Buffer)[][] =>
      fc.sample(arbitrary, { numRuns: 500, seed: SEED });
    for (const commands of [
      sample(randomCommand),
      sample(randomSetCommand),
      [...SORTED_SET_SETUP.filter(([name]) => name !== 'CONFIG'), ...sample(randomSortedSetCommand)],
      sample(randomStreamCommand),
    ]) {
      await sayAll([['SELECT', '0'], ['FLUSHALL'], ...commands]);
      await check(1);
    }
  });

  test('after random sentences', async () => {
    const random = new Random(SEED);
    const specs = allCommands.all.filter((spec) => isSpoken(spec) && !mustNotWait(spec));
    await sayAll([['SELECT', '0'], ['FLUSHALL']]);
    for (const _ of range(8)) {
      await sayAll(range(400).map(() => randomSentence(random, specs[random.below(specs.length)])));
      await check(1);
    }
  });
});
