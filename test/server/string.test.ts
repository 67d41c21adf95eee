/**
 * What transcripts cannot show of string commands: the clock, counters, limits that are settings, and memory.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Bytes, realWorld } from '../../src/base';
import { Client } from '../../src/net';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';

const NOW_MS = 1_700_000_000_123;

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

/** When the key expires; 0 for never. */
function expiryAtMs(key: string): number {
  return node.keyspace.records.expiry(node.keyspace.database(0).peek(Bytes.of(key)));
}

test.each([
  ['SET k v EX 10', NOW_MS + 10_000],
  ['SET k v PX 10', NOW_MS + 10],
  ['SET k v EXAT 1800000000', 1_800_000_000_000],
  ['SET k v PXAT 1800000000001', 1_800_000_000_001],
  ['SETEX k 10 v', NOW_MS + 10_000],
  ['PSETEX k 10 v', NOW_MS + 10],
  ['GETEX old PX 9007199254740991', NOW_MS + Number.MAX_SAFE_INTEGER],
])('%s counts from the time of the turn', async (line, expected) => {
  await say('SET old v');
  await say(line);
  expect(expiryAtMs(line.split(' ')[1])).toBe(expected);
});

test('a key lives until its last millisecond is over', async () => {
  await say('SET k v PX 10');
  nowMs += 10;
  expect(await say('GET k')).not.toBeNull();
  nowMs += 1;
  expect(await say('GET k')).toBeNull();
});

test('a time that is over deletes at once', async () => {
  await say('SET k v');
  await say(`SET k w PXAT ${NOW_MS}`);
  expect(node.keyspace.database(0).size).toBe(0);
});

test('counts hits and misses of reads only', async () => {
  await say('SET k v');
  for (const line of ['GET k', 'GET missing', 'MGET k missing k', 'STRLEN k', 'GETRANGE missing 0 1']) await say(line);
  for (const line of ['APPEND k v', 'SETNX k v', 'INCR number', 'SETRANGE k 0 w']) await say(line);
  expect(node.statistics.keyspaceHits).toBe(4);
  expect(node.statistics.keyspaceMisses).toBe(3);
});

test.each([
  ['SET k v', 1],
  ['SET k v NX', 0],
  ['SET missing v XX', 0],
  ['MSET a 1 b 2 c 3', 3],
  ['MSETNX a 1 k 2', 0],
  ['GETDEL k', 1],
  ['GETDEL missing', 0],
  ['GETEX k', 0],
  ['GETEX k PERSIST', 0],
  ['GETEX k EX 10', 1],
  ['GETEX k PXAT 1', 1],
  ['SETRANGE k 5 ', 0],
  ['APPEND k x', 1],
  ['INCRBYFLOAT number 0.5', 1],
])('%s makes %i changes', async (line, expected) => {
  await say('SET k v');
  const before = node.changes;
  await say(line);
  expect(node.changes - before).toBe(expected);
});

test('counting needs no memory beyond the first', async () => {
  await say('SET k 10');
  const before = node.memory.usedBytes();
  for (let i = 0; i < 50; i++) void say('INCRBY k 1');
  await say('INCR k');
  expect(node.memory.usedBytes()).toBe(before);
  expect(await say('GET k')).toBe('61');
});

test('proto-max-bulk-len bounds what strings can become, and the table of LCS', async () => {
  node.limits.bulkBytesMax = 1000;
  const tooLong = 'string exceeds maximum allowed size';
  await say(`SET k ${'x'.repeat(999)}`);
  await say('APPEND k x');
  await expect(say('APPEND k x')).rejects.toThrow(tooLong);
  await expect(say('SETRANGE k 1000 x')).rejects.toThrow(tooLong);
  await expect(say('SETRANGE missing 1000 x')).rejects.toThrow(tooLong);
  await say('SETRANGE k 999 y');
  await say(`MSET a ${'x'.repeat(9)} b ${'y'.repeat(24)} c ${'y'.repeat(25)}`);
  expect(await say('LCS a b LEN')).toBe(0);
  await expect(say('LCS a c LEN')).rejects.toThrow('exceeds proto-max-bulk-len');
});
