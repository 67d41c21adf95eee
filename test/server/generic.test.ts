/**
 * What transcripts cannot show of commands about keys: walks over many of them, the clock, counters and memory.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bytes, Random, realWorld } from '../../src/base';
import { Client } from '../../src/net';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';

const NOW_MS = 1_700_000_000_123;
const KEYS = 3000;

let nowMs: number;
let node: DataNode;
let client: Client;

beforeEach(() => {
  nowMs = NOW_MS;
  const world = realWorld({ clock: { wallMs: () => nowMs, monotonicMs: () => nowMs } });
  node = new DataNode(world, serverSettings());
  const end = node.connectInMemory();
  client = Client.over(end.connection, world.timers);
  end.attach(client);
});

afterEach(async () => {
  await node.stop();
});

const say = (line: string): ReturnType<Client['command']> => client.command(...line.split(' '));

/** Makes keys `prefix0`, `prefix1` … and returns their names. */
async function fill(prefix: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  await client.command('MSET', ...names.flatMap((name) => [name, 'v'.repeat(100)]));
  return names;
}

/** All keys that a whole SCAN returns, in order; `between` is done after each call. */
async function scanAll(options: string, between: () => Promise<unknown> = async () => null): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const [next, keys] = (await say(`SCAN ${cursor} ${options}`.trimEnd())) as [string, string[]];
    found.push(...keys);
    cursor = next;
    await between();
  } while (cursor !== '0');
  return found;
}

describe('SCAN', () => {
  test.each(['', 'COUNT 1', 'COUNT 7', 'COUNT 1000', 'COUNT 9223372036854775807'])(
    'with "%s" returns every key once',
    async (options) => {
      const count = options === 'COUNT 1' ? 200 : KEYS;
      const names = await fill('key:', count);
      expect((await scanAll(options)).sort()).toEqual(names.sort());
    },
  );

  test('returns about as many keys per call as COUNT says', async () => {
    await fill('key:', KEYS);
    const [, keys] = (await say('SCAN 0 COUNT 100')) as [string, string[]];
    expect(keys).toHaveLength(100);
  });

  test('returns every key that stays once, while others come and go', async () => {
    const names = await fill('stays:', KEYS);
    const goers = await fill('goes:', KEYS);
    const random = new Random(1);
    let comers = 0;
    const found = await scanAll('COUNT 50', async () => {
      await client.command('DEL', ...Array.from({ length: 60 }, () => goers[random.below(KEYS)]));
      await fill(`comes:${comers++}:`, 40);
    });
    expect(new Set(found).size).toBe(found.length);
    expect(found.filter((name) => name.startsWith('stays:')).sort()).toEqual(names.sort());
  });

  test('takes cursors as C reads them', async () => {
    await say('SET k v');
    for (const cursor of ['', '+0', '000', '-0', '-18446744073709551615']) {
      expect(await client.command('SCAN', cursor)).toEqual(['0', ['k']]);
    }
    for (const cursor of ['18446744073709551615', '-1', '4398046511104']) {
      expect(await client.command('SCAN', cursor)).toEqual(['0', []]);
    }
    for (const cursor of ['-', '+', '0x0', '0 ', '-18446744073709551616']) {
      await expect(client.command('SCAN', cursor)).rejects.toThrow('ERR invalid cursor');
    }
  });
});

test('RANDOMKEY can give any key, and none that has expired', async () => {
  const names = await fill('key:', 20);
  await say('SET brief v PX 1');
  nowMs += 2;
  const drawn = await Promise.all(Array.from({ length: 1000 }, () => say('RANDOMKEY')));
  expect(new Set(drawn)).toEqual(new Set(names));
});

test('FLUSHDB SYNC frees the memory before it replies, also where other databases have keys', async () => {
  await say('SET k v');
  const usedBytes = node.memory.usedBytes();
  await say('SELECT 1');
  await fill('key:', KEYS);
  await say('FLUSHDB SYNC');
  expect(node.memory.usedBytes()).toBe(usedBytes);
});

test('numbers of databases are 32 bits wide', async () => {
  const outOfRange = 'ERR value is out of range, value must between -2147483648 and 2147483647';
  for (const number of ['3000000000', '-3000000000', '9007199254740993']) {
    await expect(say(`COPY a b DB ${number}`)).rejects.toThrow(outOfRange);
    await expect(say(`MOVE a ${number}`)).rejects.toThrow(outOfRange);
    await expect(say(`SWAPDB ${number} 0`)).rejects.toThrow('ERR invalid first DB index');
    await expect(say(`SWAPDB 99 ${number}`)).rejects.toThrow('ERR invalid second DB index');
  }
});

test('counts hits and misses of reads only', async () => {
  await say('SET k v');
  const reads = ['EXISTS k missing k', 'TYPE k', 'TTL k', 'OBJECT ENCODING k', 'TOUCH k missing', 'COPY k copy'];
  for (const line of reads) await say(line);
  for (const line of ['EXPIRE k 100', 'PERSIST k', 'RENAME k r', 'MOVE r 1', 'DEL copy']) await say(line);
  expect([node.statistics.keyspaceHits, node.statistics.keyspaceMisses]).toEqual([7, 2]);
});

test('counts changes as Redis does', async () => {
  const expected: [string, number][] = [
    ['MSET a 1 b 2 c 3', 3],
    ['EXPIRE a 100', 1],
    ['EXPIRE a 100 NX', 0],
    ['EXPIRE missing 100', 0],
    ['PERSIST a', 1],
    ['PERSIST a', 0],
    ['RENAME a d', 1],
    ['RENAME d d', 0],
    ['RENAMENX d b', 0],
    ['COPY d e', 1],
    ['COPY d e', 0],
    ['MOVE e 1', 1],
    ['EXPIRE d -1', 1],
    ['DEL d missing', 0],
    ['DEL b missing c', 2],
    ['MSET a 1 b 2', 2],
    ['FLUSHDB', 2],
    ['SWAPDB 0 0', 1],
    ['FLUSHALL', 1],
  ];
  const actual: [string, number][] = [];
  for (const [line] of expected) {
    const before = node.changes;
    await say(line);
    actual.push([line, node.changes - before]);
  }
  expect(actual).toEqual(expected);
});

test('asking about a key does not count as using it', async () => {
  await say('SET k v');
  nowMs += 60_000;
  for (const line of ['TYPE k', 'TTL k', 'EXISTS k', 'OBJECT ENCODING k']) await say(line);
  expect(await say('OBJECT IDLETIME k')).toBe(60);
  await say('TOUCH k');
  expect(await say('OBJECT IDLETIME k')).toBe(0);
});

describe('times to live', () => {
  const expiryAtMs = (key: string): number =>
    node.keyspace.records.expiry(node.keyspace.database(0).peek(Bytes.of(key)));

  test.each([
    ['EXPIRE k 10', NOW_MS + 10_000],
    ['PEXPIRE k 10', NOW_MS + 10],
    ['EXPIREAT k 1800000000', 1_800_000_000_000],
    ['PEXPIREAT k 1800000000001', 1_800_000_000_001],
    ['EXPIRE k 9007199254740', NOW_MS + 9_007_199_254_740_000],
  ])('%s counts from the time of the turn', async (line, expected) => {
    await say('SET k v');
    expect(await say(line)).toBe(1);
    expect(expiryAtMs('k')).toBe(expected);
  });

  test('are rounded to the nearest second', async () => {
    await say('SET k v PX 1500');
    expect([await say('TTL k'), await say('PTTL k')]).toEqual([2, 1500]);
    nowMs += 1;
    expect([await say('TTL k'), await say('PTTL k')]).toEqual([1, 1499]);
    nowMs += 1499;
    expect([await say('TTL k'), await say('PTTL k')]).toEqual([0, 0]);
    nowMs += 1;
    expect(await say('TTL k')).toBe(-2);
  });

  test('beyond the year 287396 are kept within half a second', async () => {
    await say('SET k v');
    await say('EXPIREAT k 9223372036854775');
    expect(await say('EXPIRETIME k')).toBe(9_223_372_036_854_775n);
    const off = ((await say('PEXPIRETIME k')) as bigint) - 9_223_372_036_854_775_000n;
    expect(Math.abs(Number(off))).toBeLessThanOrEqual(512);
  });

  test('survive RENAME, COPY and MOVE', async () => {
    await say('SET a v PXAT 1800000000001');
    for (const line of ['RENAME a b', 'COPY b c', 'COPY b d DB 1', 'MOVE c 2']) await say(line);
    expect(await say('PEXPIRETIME b')).toBe(1_800_000_000_001);
    await say('SELECT 1');
    expect(await say('PEXPIRETIME d')).toBe(1_800_000_000_001);
    await say('SELECT 2');
    expect(await say('PEXPIRETIME c')).toBe(1_800_000_000_001);
    expect([0, 1, 2].map((i) => node.keyspace.database(i).expiring)).toEqual([1, 1, 1]);
  });
});

test('OBJECT HELP tells of every subcommand, and of itself last', async () => {
  const lines = (await say('OBJECT HELP')) as string[];
  expect(lines[0]).toBe('OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
  const subcommands = lines.filter((line, i) => i > 0 && !line.startsWith(' '));
  expect(subcommands).toEqual(['ENCODING key', 'FREQ key', 'IDLETIME key', 'REFCOUNT key', 'HELP']);
});
