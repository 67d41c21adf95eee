/**
 * ioredis 6 as applications use it, in both protocols: what it does by itself on connecting, and what its users rely on.
 */
import { Redis, ReplyError, type RedisOptions } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EVERY_BYTE, largeValue, targets, type RunningTarget, type Target } from './targets';

const PARALLEL_CLIENTS = 200;

/** How replies look is ioredis' default everywhere. */
type Options = Omit<RedisOptions, 'replyMapping'>;

const cases = targets.flatMap((target) => ([2, 3] as const).map((protocol) => ({ target, protocol })));

describe.each(cases)('ioredis in RESP$protocol with $target.name', ({ target, protocol }) => {
  let running: RunningTarget;
  const clients: Redis[] = [];

  beforeAll(async () => {
    running = await target.start();
  });
  afterAll(() => running.stop());
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });

  function open(options: Options = {}, at = running): Redis {
    const client = new Redis({ host: at.host, port: at.port, ...options, protocol });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  }

  test('connects, says who it is, and is ready', async () => {
    const client = open({ connectionName: 'till' });
    const ready = new Promise((resolve) => client.once('ready', resolve));
    expect(await client.ping()).toBe('PONG');
    await ready;
    expect(await client.client('GETNAME')).toBe('till');
    expect(await client.client('INFO')).toMatch(
      new RegExp(` name=till .* resp=${protocol} lib-name=ioredis\\S* lib-ver=6\\.`),
    );
  });

  test('a pipeline of 1,000 commands is answered in order', async () => {
    const client = open();
    await client.del('counter');
    const pipeline = client.pipeline();
    for (let i = 0; i < 1000; i++) pipeline.incr('counter');
    const replies = await pipeline.exec();
    expect(replies).toEqual(Array.from({ length: 1000 }, (_, i) => [null, i + 1]));
  });

  test('errors inside a pipeline stand in their places', async () => {
    const client = open();
    await client.set('word', 'apple');
    const replies = await client.pipeline().incr('word').get('word').call('SET', 'word').exec();
    expect(replies![0][0]).toBeInstanceOf(ReplyError);
    expect(replies![0][0]!.message).toBe('ERR value is not an integer or out of range');
    expect(replies![1]).toEqual([null, 'apple']);
    expect(replies![2][0]!.message).toBe("ERR wrong number of arguments for 'set' command");
  });

  test('automatic pipelining', async () => {
    const client = open({ enableAutoPipelining: true });
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.set(`auto:${i}`, i)));
    const values = await Promise.all(Array.from({ length: 100 }, (_, i) => client.get(`auto:${i}`)));
    expect(values).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });

  test('keys and values of any bytes', async () => {
    const client = open();
    await client.set(EVERY_BYTE, EVERY_BYTE);
    expect(await client.getBuffer(EVERY_BYTE)).toEqual(EVERY_BYTE);
    expect(await client.strlen(EVERY_BYTE)).toBe(EVERY_BYTE.length);
    await client.set('grüße', '你好 👋');
    expect(await client.get('grüße')).toBe('你好 👋');
    expect(await client.strlen('grüße')).toBe(Buffer.byteLength('你好 👋'));
  });

  test('a value of 20 MB there and back', async () => {
    const client = open();
    const value = largeValue();
    await client.set('large', value);
    expect(value.equals((await client.getBuffer('large'))!)).toBe(true);
    expect(await client.del('large')).toBe(1);
  });

  test('the options of SET', async () => {
    const client = open();
    await client.del('lock');
    expect(await client.set('lock', 'a', 'PX', 60_000, 'NX')).toBe('OK');
    expect(await client.set('lock', 'b', 'NX')).toBe(null);
    expect(await client.set('lock', 'b', 'XX', 'GET')).toBe('a');
    expect(await client.ttl('lock')).toBe(-1);
    await client.set('lock', 'c', 'EX', 100);
    await client.set('lock', 'd', 'KEEPTTL');
    expect(await client.ttl('lock')).toBeGreaterThan(90);
  });

  test('collections in the shapes that ioredis gives them', async () => {
    const client = open();
    await client.del('user', 'queue', 'tags', 'scores', 'events');
    await client.hset('user', { name: 'Ada', age: '36' });
    expect(await client.hgetall('user')).toEqual({ name: 'Ada', age: '36' });
    expect(await client.hincrby('user', 'age', 1)).toBe(37);
    await client.rpush('queue', 'a', 'b', 'c');
    expect(await client.lrange('queue', 0, -1)).toEqual(['a', 'b', 'c']);
    expect(await client.lpop('queue', 2)).toEqual(['a', 'b']);
    await client.sadd('tags', 'x', 'y');
    expect((await client.smembers('tags')).sort()).toEqual(['x', 'y']);
    await client.zadd('scores', 1, 'low', 2.5, 'high');
    expect(await client.zrange('scores', '0', '-1')).toEqual(['low', 'high']);
    expect(Number(await client.zscore('scores', 'high'))).toBe(2.5);
    const id = await client.xadd('events', '*', 'type', 'login');
    expect(await client.xrange('events', '-', '+')).toEqual([[id, ['type', 'login']]]);
    expect(await client.xlen('events')).toBe(1);
  });

  test.runIf(target.has.blocking)('a worker waits for its work', async () => {
    const [worker, boss] = [open(), open()];
    await boss.del('work', 'jobs');
    const popped = worker.blpop('work', '5');
    await boss.ping();
    await boss.rpush('work', 'now');
    expect(await popped).toEqual(['work', 'now']);
    await boss.xgroup('CREATE', 'jobs', 'workers', '$', 'MKSTREAM');
    const read = worker.xreadgroup('GROUP', 'workers', 'w1', 'COUNT', 1, 'BLOCK', 5000, 'STREAMS', 'jobs', '>');
    await boss.ping();
    const id = await boss.xadd('jobs', '*', 'n', 1);
    expect(JSON.stringify(await read)).toContain(id);
    expect(await boss.xack('jobs', 'workers', id!)).toBe(1);
  });

  test.runIf(target.has.transactions)('multi and exec, with errors in their places', async () => {
    const client = open();
    await client.set('word', 'apple');
    const replies = await client.multi().set('n', 1).incr('n').incr('word').get('n').exec();
    expect(replies!.map(([, reply]) => reply)).toEqual(['OK', 2, undefined, '2']);
    expect(replies![2][0]!.message).toBe('ERR value is not an integer or out of range');
    await expect(client.multi().set('n', 9).call('NOSUCH').exec()).rejects.toThrow(/^EXECABORT /);
    expect(await client.get('n')).toBe('2');
  });

  test.runIf(target.has.transactions)('a transaction without a pipeline, and discard', async () => {
    const client = open();
    await client.multi({ pipeline: false });
    expect(await client.set('n', 1)).toBe('QUEUED');
    expect(await client.exec()).toEqual([[null, 'OK']]);
    await client.multi({ pipeline: false });
    await client.set('n', 2);
    expect(await client.discard()).toBe('OK');
    expect(await client.get('n')).toBe('1');
  });

  test.runIf(target.has.transactions)('exec answers null when a watched key was changed', async () => {
    const [client, other] = [open(), open()];
    await client.watch('stock');
    await other.set('stock', 5);
    expect(await client.multi().decr('stock').exec()).toBe(null);
    await client.watch('stock');
    expect(await client.multi().decr('stock').exec()).toEqual([[null, 4]]);
  });

  test.runIf(target.has.scan)('scanStream sees every key once', async () => {
    const client = open();
    const keys = Array.from({ length: 1000 }, (_, i) => `scan:${i}`);
    await client.mset(Object.fromEntries(keys.map((key) => [key, 'v'])));
    const found: string[] = [];
    for await (const batch of client.scanStream({ match: 'scan:*', count: 100 })) found.push(...(batch as string[]));
    expect(found.sort()).toEqual(keys.sort());
  });

  test('syntax errors are ReplyErrors that name the command', async () => {
    const client = open();
    const failure = client.call('SET', 'k', 'v', 'EX');
    await expect(failure).rejects.toBeInstanceOf(ReplyError);
    await expect(failure).rejects.toMatchObject({ message: 'ERR syntax error', command: { name: 'SET' } });
    await expect(client.call('NOSUCH', 'x')).rejects.toThrow(
      "ERR unknown command 'NOSUCH', with args beginning with: 'x'",
    );
  });

  test.runIf(target.has.databases)('a database of its own by option, SELECT and keyPrefix', async () => {
    const [zero, five] = [open(), open({ db: 5, keyPrefix: 'app:' })];
    await zero.flushall();
    await five.set('k', 'five');
    expect(await zero.get('app:k')).toBe(null);
    await zero.select(5);
    expect(await zero.get('app:k')).toBe('five');
    await expect(zero.select(16)).rejects.toThrow('ERR DB index is out of range');
  });

  test('a duplicate has the options of the first and a connection of its own', async () => {
    const first = open({ connectionName: 'twin' });
    const second = first.duplicate();
    clients.push(second);
    expect(await second.client('GETNAME')).toBe('twin');
    expect(await second.client('ID')).not.toBe(await first.client('ID'));
  });

  test('quit answers and ends; disconnect ends', async () => {
    const [polite, curt] = [open(), open()];
    await Promise.all([polite.ping(), curt.ping()]);
    const ended = [polite, curt].map((client) => new Promise((resolve) => client.once('end', resolve)));
    expect(await polite.quit()).toBe('OK');
    curt.disconnect();
    await Promise.all(ended);
    await expect(polite.get('k')).rejects.toThrow('Connection is closed.');
  });

  test(`${PARALLEL_CLIENTS} clients at once`, async () => {
    const crowd = Array.from({ length: PARALLEL_CLIENTS }, () => open());
    await crowd[0].del('crowd');
    const replies = await Promise.all(crowd.map((client) => client.incr('crowd')));
    expect(new Set(replies).size).toBe(PARALLEL_CLIENTS);
    expect(await crowd[0].get('crowd')).toBe(String(PARALLEL_CLIENTS));
  });

  test('a password, right, wrong and missing', async () => {
    const guarded = await target.start({ requirepass: 'secret' });
    try {
      expect(await open({ password: 'secret' }, guarded).set('k', 'v')).toBe('OK');
      expect(await open({ username: 'default', password: 'secret' }, guarded).get('k')).toBe('v');
      const without = open({ maxRetriesPerRequest: 0 }, guarded);
      await expect(without.get('k')).rejects.toThrow('NOAUTH');
      const wrong = open({ password: 'wrong', lazyConnect: true }, guarded);
      const refusal = new Promise<Error>((resolve) => wrong.once('error', resolve));
      await Promise.allSettled([wrong.connect()]);
      expect((await refusal).message).toContain('WRONGPASS');
    } finally {
      await guarded.stop();
    }
  });

  test('comes back by itself when the server does', async () => {
    await comesBack(target, (at) => open({ retryStrategy: () => 20 }, at));
  });
});

async function comesBack(target: Target, open: (at: RunningTarget) => Redis): Promise<void> {
  const before = await target.start();
  const client = open(before);
  expect(await client.set('k', 'before')).toBe('OK');
  const lost = new Promise((resolve) => client.once('reconnecting', resolve));
  await before.stop();
  await lost;
  const waiting = client.set('k', 'after');
  const after = await target.start({ port: before.port });
  expect(await waiting).toBe('OK');
  expect(await client.get('k')).toBe('after');
  client.disconnect();
  await after.stop();
}
