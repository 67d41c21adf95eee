/**
 * node-redis 6 as applications use it, in RESP3 (its default) and RESP2: what it does by itself on connecting, and what
 * its users rely on.
 */
import { createClient, ErrorReply, RESP_TYPES, WatchError } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EVERY_BYTE, largeValue, targets, type RunningTarget } from './targets';

const PARALLEL_CLIENTS = 200;

type Options = NonNullable<Parameters<typeof createClient>[0]>;

const cases = targets.flatMap((target) => ([2, 3] as const).map((protocol) => ({ target, protocol })));

describe.each(cases)('node-redis in RESP$protocol with $target.name', ({ target, protocol }) => {
  let running: RunningTarget;
  const clients: { readonly isOpen: boolean; destroy(): void }[] = [];

  beforeAll(async () => {
    running = await target.start();
  });
  afterAll(() => running.stop());
  afterEach(() => {
    for (const client of clients.splice(0)) if (client.isOpen) client.destroy();
  });

  function make(options: Options = {}, at = running) {
    const client = createClient({ url: at.url, RESP: protocol, ...options });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  }

  const open = (options?: Options, at?: RunningTarget) => make(options, at).connect();

  test('connects and says who it is', async () => {
    const client = await open({ name: 'till' });
    expect(await client.ping()).toBe('PONG');
    expect(await client.clientGetName()).toBe('till');
    const info = await client.clientInfo();
    expect(info).toMatchObject({ name: 'till', resp: protocol });
    expect(info.libName).toMatch(/^node-redis/);
    expect(info.libVer).toMatch(/^6\./);
  });

  test('1,000 commands sent at once are answered in order', async () => {
    const client = await open();
    await client.del('counter');
    const replies = await Promise.all(Array.from({ length: 1000 }, () => client.incr('counter')));
    expect(replies).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  test('collections in the shapes that node-redis gives them', async () => {
    const client = await open();
    await client.del(['user', 'queue', 'tags', 'scores', 'events']);
    await client.hSet('user', { name: 'Ada', age: 36 });
    expect({ ...(await client.hGetAll('user')) }).toEqual({ name: 'Ada', age: '36' });
    await client.rPush('queue', ['a', 'b', 'c']);
    expect(await client.lRange('queue', 0, -1)).toEqual(['a', 'b', 'c']);
    expect(await client.rPop('queue')).toBe('c');
    await client.sAdd('tags', ['x', 'y']);
    expect([...(await client.sMembers('tags'))].sort()).toEqual(['x', 'y']);
    await client.zAdd('scores', [
      { value: 'low', score: 1 },
      { value: 'high', score: 2.5 },
    ]);
    expect(await client.zRangeWithScores('scores', 0, -1)).toEqual([
      { value: 'low', score: 1 },
      { value: 'high', score: 2.5 },
    ]);
    await client.geoAdd('places', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' });
    expect(await client.geoSearch('places', { longitude: 13, latitude: 38 }, { radius: 100, unit: 'km' })).toEqual([
      'Palermo',
    ]);
    const id = await client.xAdd('events', '*', { type: 'login' });
    const entries = await client.xRange('events', '-', '+');
    expect(entries?.map(({ id, message }) => [id, { ...message }])).toEqual([[id, { type: 'login' }]]);
  });

  test.runIf(target.has.blocking)('a worker waits for its work', async () => {
    const [worker, boss] = [await open(), await open()];
    await boss.del('work');
    const popped = worker.blPop('work', 5);
    await boss.ping();
    await boss.rPush('work', 'now');
    expect(await popped).toMatchObject({ key: 'work', element: 'now' });
    const least = worker.bzPopMin('ranks', 5);
    await boss.ping();
    await boss.zAdd('ranks', { value: 'first', score: 1 });
    expect(await least).toMatchObject({ key: 'ranks', value: 'first', score: 1 });
  });

  test.runIf(target.has.transactions)('multi and exec', async () => {
    const client = await open();
    expect(await client.multi().set('n', 1).incr('n').get('n').exec()).toEqual(['OK', 2, '2']);
    await client.set('word', 'apple');
    await expect(client.multi().incr('word').get('n').exec()).rejects.toMatchObject({
      replies: [{ message: 'ERR value is not an integer or out of range' }, '2'],
    });
  });

  test.runIf(target.has.transactions)('a WatchError when a watched key was changed', async () => {
    const [client, other] = [await open(), await open()];
    await client.watch('stock');
    await other.set('stock', 5);
    await expect(client.multi().decr('stock').exec()).rejects.toBeInstanceOf(WatchError);
    await client.watch('stock');
    expect(await client.multi().decr('stock').exec()).toEqual([4]);
  });

  test('keys and values of any bytes', async () => {
    const client = await open();
    const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    await client.set(EVERY_BYTE, EVERY_BYTE);
    expect(await bytes.get(EVERY_BYTE)).toEqual(EVERY_BYTE);
    await client.set('grüße', '你好 👋');
    expect(await client.get('grüße')).toBe('你好 👋');
    expect(await client.strLen('grüße')).toBe(Buffer.byteLength('你好 👋'));
  });

  test('a value of 20 MB there and back', async () => {
    const client = await open();
    const value = largeValue();
    await client.set('large', value);
    const back = await client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('large');
    expect(value.equals(back!)).toBe(true);
    expect(await client.del('large')).toBe(1);
  });

  test('the options of SET, and times as RESP3 and RESP2 tell them', async () => {
    const client = await open();
    await client.del('lock');
    expect(await client.set('lock', 'a', { condition: 'NX', expiration: { type: 'PX', value: 60_000 } })).toBe('OK');
    expect(await client.set('lock', 'b', { condition: 'NX' })).toBe(null);
    expect(await client.set('lock', 'b', { condition: 'XX', GET: true })).toBe('a');
    expect(await client.ttl('lock')).toBe(-1);
    await client.set('lock', 'c', { EX: 100 });
    await client.set('lock', 'd', { expiration: 'KEEPTTL' });
    expect(await client.ttl('lock')).toBeGreaterThan(90);
    expect(await client.incrByFloat('float', 0.5)).toBe('0.5');
    expect(await client.mGet(['lock', 'missing'])).toEqual(['d', null]);
  });

  test.runIf(target.has.scan)('scanIterator sees every key once', async () => {
    const client = await open();
    const keys = Array.from({ length: 1000 }, (_, i) => `scan:${i}`);
    await client.mSet(keys.map((key) => [key, 'v'] as [string, string]));
    const found: string[] = [];
    for await (const batch of client.scanIterator({ MATCH: 'scan:*', COUNT: 100, TYPE: 'string' }))
      found.push(...batch);
    expect(found.sort()).toEqual(keys.sort());
  });

  test('errors are ErrorReplies', async () => {
    const client = await open();
    const failure = client.sendCommand(['SET', 'k', 'v', 'EX']);
    await expect(failure).rejects.toBeInstanceOf(ErrorReply);
    await expect(failure).rejects.toThrow('ERR syntax error');
    await client.set('word', 'apple');
    await expect(client.incr('word')).rejects.toThrow('ERR value is not an integer or out of range');
    expect(await client.get('word')).toBe('apple');
  });

  test.runIf(target.has.databases)('a database of its own by option and SELECT', async () => {
    const [zero, five] = await Promise.all([open(), open({ database: 5 })]);
    await zero.flushAll();
    await five.set('k', 'five');
    expect(await zero.get('k')).toBe(null);
    await zero.select(5);
    expect(await zero.get('k')).toBe('five');
    await expect(zero.select(16)).rejects.toThrow('ERR DB index is out of range');
  });

  test.runIf(target.has.clientList)('CLIENT LIST can be read, and a client closed by another comes back', async () => {
    const [victim, other] = await Promise.all([open({ name: 'victim' }), open()]);
    const list = await other.clientList();
    const { id } = list.find(({ name }) => name === 'victim')!;
    expect(await other.sendCommand(['CLIENT', 'KILL', 'ID', String(id)])).toBe(1);
    expect(await victim.ping()).toBe('PONG');
    expect(await victim.clientId()).not.toBe(id);
  });

  test('a duplicate has the options of the first and a connection of its own', async () => {
    const first = await open({ name: 'twin' });
    const second = await first.duplicate().connect();
    clients.push(second);
    expect(await second.clientGetName()).toBe('twin');
    expect(await second.clientId()).not.toBe(await first.clientId());
  });

  test('close waits for replies, destroy does not', async () => {
    const [polite, curt] = await Promise.all([open(), open()]);
    const last = polite.set('k', 'last');
    await polite.close();
    expect(await last).toBe('OK');
    const lost = curt.get('k');
    curt.destroy();
    await expect(lost).rejects.toThrow();
    await expect(polite.get('k')).rejects.toThrow('The client is closed');
  });

  test(`${PARALLEL_CLIENTS} clients at once`, async () => {
    const crowd = await Promise.all(Array.from({ length: PARALLEL_CLIENTS }, () => open()));
    await crowd[0].del('crowd');
    const replies = await Promise.all(crowd.map((client) => client.incr('crowd')));
    expect(new Set(replies).size).toBe(PARALLEL_CLIENTS);
    expect(await crowd[0].get('crowd')).toBe(String(PARALLEL_CLIENTS));
  });

  test('a password, right, wrong and missing', async () => {
    const guarded = await target.start({ requirepass: 'secret' });
    const socket = { reconnectStrategy: false } as const;
    try {
      expect(await (await open({ password: 'secret' }, guarded)).set('k', 'v')).toBe('OK');
      expect(await (await open({ username: 'default', password: 'secret' }, guarded)).get('k')).toBe('v');
      await expect(open({ password: 'wrong', socket }, guarded)).rejects.toThrow('WRONGPASS');
      await expect(open({ socket }, guarded).then((client) => client.get('k'))).rejects.toThrow('NOAUTH');
    } finally {
      await guarded.stop();
    }
  });

  test('comes back by itself when the server does', async () => {
    const before = await target.start();
    const client = await open({ socket: { reconnectStrategy: () => 20 } }, before);
    expect(await client.set('k', 'before')).toBe('OK');
    const lost = new Promise((resolve) => client.once('reconnecting', resolve));
    await before.stop();
    await lost;
    const waiting = client.set('k', 'after');
    const after = await target.start({ port: before.port });
    expect(await waiting).toBe('OK');
    expect(await client.get('k')).toBe('after');
    client.destroy();
    await after.stop();
  });
});
