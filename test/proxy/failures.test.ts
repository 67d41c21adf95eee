/**
 * What clients are told when servers fail: each command that was under way gets one answer, which says truly whether it
 * may have been carried out; and only the slots of the server that failed are concerned.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../../src/net';
import { keysByGroup, outcome, settle, TestCluster, until, viewOf } from './cluster';

const [ONE, TWO, THREE] = keysByGroup();
const UNREACHABLE = '-CLUSTERDOWN server test:7001 is unreachable';
const UNKNOWN =
  '-UNKNOWNOUTCOME the connection to server test:7001 was lost; whether the command was carried out is unknown';

let cluster: TestCluster;
let client: Client;

beforeEach(async () => {
  cluster = new TestCluster();
  client = await cluster.client();
});

afterEach(() => cluster.stop());

test('commands in flight on a connection that breaks have an unknown outcome, once each, and in order', async () => {
  const [first] = cluster.servers;
  await client.command('SET', ONE, 1);
  first.isHeld = true;
  const replies = [
    outcome(client.command('INCR', ONE)),
    outcome(client.command('INCR', ONE)),
    outcome(client.command('SET', TWO, 2)),
    outcome(client.command('MGET', ONE, TWO)),
    outcome(client.command('PING')),
  ];
  await settle();
  first.breakLinks();
  expect(await Promise.all(replies)).toEqual([UNKNOWN, UNKNOWN, 'OK', UNKNOWN, 'PONG']);
});

test('what had not been written is known not to have been carried out', async () => {
  const { turn, statistics } = cluster.proxy;
  await client.command('SET', ONE, 1);
  // At the end of the turn, before the backend is flushed, the connection breaks.
  const breaker = { inTurn: false, flush: (): void => cluster.servers[0].breakLinks() };
  vi.spyOn(statistics, 'ran').mockImplementationOnce(() => turn.join(breaker));
  const replies = [outcome(client.command('INCR', ONE)), outcome(client.command('INCR', TWO))];
  expect(await Promise.all(replies)).toEqual([UNREACHABLE, 1]);
});

test('a server that is down fails at once, alone, and is found again when it is back', async () => {
  const [first] = cluster.servers;
  first.isUp = false;
  expect(await outcome(client.command('GET', ONE))).toBe(UNREACHABLE);
  expect(await outcome(client.command('GET', ONE))).toBe(UNREACHABLE);
  expect(await client.command('SET', TWO, 2)).toBe('OK');
  expect(await outcome(client.command('MSET', ONE, 1, TWO, 3))).toBe(UNREACHABLE);
  expect(await client.command('GET', TWO)).toBe('2');
  first.isUp = true;
  const backend = [...cluster.proxy.backends.all].find(({ id, protocol }) => id === 'test:7001' && protocol === 2)!;
  await until(() => backend.state === 'open');
  expect(await client.command('GET', ONE)).toBe(null);
});

test('a connection that a server closes while nothing is in flight is opened again unnoticed', async () => {
  const [first] = cluster.servers;
  await client.command('SET', ONE, 1);
  first.breakLinks();
  expect(await client.command('GET', ONE)).toBe('1');
  expect(first.connections).toBe(2);
});

test('a server that is silent for too long is given up', async () => {
  await cluster.stop();
  cluster = new TestCluster({ settings: { 'server-timeout': 10 } });
  client = await cluster.client();
  await client.command('SET', ONE, 1);
  cluster.servers[0].isHeld = true;
  expect(await outcome(client.command('GET', ONE))).toBe(UNKNOWN);
});

test('a server that owes too much is busy, others are not', async () => {
  await cluster.stop();
  cluster = new TestCluster({ settings: { 'in-flight-max': 3 } });
  client = await cluster.client();
  await client.command('SET', ONE, 1);
  cluster.servers[0].isHeld = true;
  const waiting: Promise<unknown>[] = [];
  for (let i = 0; i < 3; i++) {
    waiting.push(client.command('GET', ONE));
    await settle();
  }
  const other = await cluster.client();
  expect(await outcome(other.command('GET', ONE))).toBe(
    '-ERR server test:7001 is busy: 3 commands wait for its answers; this one was not sent',
  );
  expect(await other.command('GET', TWO)).toBe(null);
  cluster.servers[0].release();
  expect(await Promise.all(waiting)).toEqual(['1', '1', '1']);
});

test('a server with fewer databases than the proxy promises is not used', async () => {
  await cluster.stop();
  cluster = new TestCluster({ settings: { databases: 17 } });
  client = await cluster.client();
  expect(await outcome(client.command('GET', ONE))).toBe(UNREACHABLE);
});

test('servers are authenticated to, in both protocols', async () => {
  await cluster.stop();
  cluster = new TestCluster({ settings: { 'server-password': 'secret' } });
  for (const server of cluster.servers) server.node.settings.assign({ requirepass: 'secret' });
  for (const protocol of [2, 3] as const) {
    client = await cluster.client(protocol);
    expect(await client.command('SET', ONE, 1)).toBe('OK');
  }
  cluster.servers[0].node.settings.assign({ requirepass: 'changed' });
  cluster.servers[0].breakLinks();
  expect(await outcome(client.command('GET', ONE))).toBe(UNREACHABLE);
});

test('new commands follow a new view while those in flight finish where they are', async () => {
  const third = cluster.servers[2];
  await client.command('SET', THREE, 'old');
  third.isHeld = true;
  const inFlight = client.command('GET', THREE);
  await settle();
  cluster.proxy.acceptView(viewOf([1, 2], 2));
  const later = client.command('GET', THREE);
  await settle();
  third.release();
  expect(await inFlight).toBe('old');
  expect(await later).toBe(null);
  await until(() => [...cluster.proxy.backends.all].every(({ id }) => id !== 'test:7003'));
  expect(cluster.proxy.acceptView(viewOf([3], 1))).toBe(false);
  expect(cluster.proxy.acceptView(viewOf([3], 3))).toBe(true);
  expect(await client.command('GET', THREE)).toBe('old');
  await until(() => [...cluster.proxy.backends.all].every(({ id }) => id === 'test:7003'));
});

test('views change under traffic and no reply is lost or out of place', async () => {
  const replies: Promise<unknown>[] = [];
  const wanted: string[] = [];
  for (let version = 2; version < 40; version++) {
    for (let i = 0; i < 20; i++) {
      replies.push(client.command('ECHO', `${version}-${i}`), client.command('STRLEN', `k${i}`));
      wanted.push(`${version}-${i}`, '0');
    }
    await settle(version % 4);
    cluster.proxy.acceptView(viewOf([[1, 2, 3], [2], [3, 1]][version % 3], version));
  }
  expect((await Promise.all(replies)).map(String)).toEqual(wanted);
});

test('before the first view, and for slots without an owner, clients are told to come again', async () => {
  await cluster.stop();
  cluster = new TestCluster({ view: false });
  client = await cluster.client();
  expect(await outcome(client.command('GET', ONE))).toBe('-CLUSTERDOWN The cluster view is not known yet');
  expect(await outcome(client.command('DBSIZE'))).toBe('-CLUSTERDOWN The cluster view is not known yet');
  const known = cluster.proxy.viewKnown();
  cluster.proxy.acceptView(viewOf([1, 2, 3]).withSlots(0, 1023, -1));
  await known;
  expect(await outcome(client.command('GET', ONE))).toBe('-CLUSTERDOWN Hash slot not served');
  expect(await outcome(client.command('MGET', ONE, TWO))).toBe('-CLUSTERDOWN Hash slot not served');
});

test('stopping closes everything, and says so', async () => {
  let stopped = 0;
  cluster.proxy.on('stopped', () => stopped++);
  await client.command('SET', ONE, 1);
  await cluster.proxy.stop();
  await cluster.proxy.stop();
  await settle();
  expect(stopped).toBe(1);
  expect(cluster.proxy.sessions.size).toBe(0);
  expect([...cluster.proxy.backends.all]).toEqual([]);
});
