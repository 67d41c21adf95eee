/**
 * Clients of the proxy: what they may send, what the proxy answers by itself, and that none of them can harm another.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../../src/net';
import { keysByGroup, outcome, settle, TestCluster, until } from './cluster';

const [ONE, TWO] = keysByGroup();

let cluster: TestCluster;
let client: Client;

beforeEach(async () => {
  cluster = new TestCluster();
  client = await cluster.client();
});

afterEach(() => cluster.stop());

const refused = (...command: string[]): Promise<unknown> => outcome(client.command(...command));

test('commands are divided by group and their replies are one', async () => {
  const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
  expect(await client.command('MSET', ...keys.flatMap((key) => [key, `v${key}`]))).toBe('OK');
  expect(await client.command('MGET', ...keys, 'none', 'k0')).toEqual([...keys.map((key) => `v${key}`), null, 'vk0']);
  expect(await client.command('EXISTS', ...keys, 'k0', 'none')).toBe(101);
  expect(await client.command('DBSIZE')).toBe(100);
  expect(new Set((await client.command('KEYS', '*')) as string[])).toEqual(new Set(keys));
  expect(await client.command('DEL', ...keys.slice(0, 50), 'none')).toBe(50);
  expect(await client.command('FLUSHALL')).toBe('OK');
  expect(await client.command('DBSIZE')).toBe(0);
  // By group, not by key: eight commands, each with one part for each of three groups.
  const sent = [...cluster.proxy.backends.all].filter(({ protocol }) => protocol === 2);
  expect(sent.map(({ commands }) => commands)).toEqual([8, 8, 8]);
});

test('what cannot be divided is refused wherever the slots are', async () => {
  const crossSlot = "-CROSSSLOT Keys in request don't hash to the same slot";
  cluster.proxy.acceptView(cluster.proxy.router.view.withSlots(0, 1023, 1));
  for (const command of [
    ['MSETNX', 'a', '1', 'b', '2'],
    ['RENAME', 'a', 'b'],
    ['RENAMENX', 'a', 'b'],
    ['COPY', 'a', 'b'],
    ['LCS', 'a', 'b'],
  ]) {
    expect(await refused(...command)).toBe(crossSlot);
  }
  expect(await client.command('MSETNX', '{t}a', 1, '{t}b', 2)).toBe(1);
  expect(await client.command('RENAME', '{t}a', '{t}c')).toBe('OK');
});

test('an error of one part is the reply, never a shorter array', async () => {
  await cluster.ownerOf(ONE).node.stop();
  cluster.ownerOf(ONE).isUp = false;
  expect(await refused('MGET', ONE, TWO)).toMatch(/^-CLUSTERDOWN/);
});

test('what the proxy does not do is refused by name and with a reason', async () => {
  expect(await refused('SCAN', '0')).toMatch(/^-ERR SCAN is not supported by cache-proxy: .+/);
  expect(await refused('CLIENT', 'REPLY', 'OFF')).toMatch(/^-ERR CLIENT REPLY is not supported by cache-proxy: .+/);
  expect(await refused('SHUTDOWN')).toMatch(/^-ERR SHUTDOWN is not supported/);
  expect(await refused('DEBUG', 'OBJECT', 'k')).toMatch(/^-ERR DEBUG OBJECT is not supported/);
  for (const command of [['MULTI'], ['EXEC'], ['DISCARD'], ['WATCH', 'k'], ['UNWATCH']]) {
    const reason = 'is not supported by cache-proxy: transactions come with pinned connections';
    expect(await refused(...command)).toBe(`-ERR ${command[0]} ${reason}`);
  }
  expect(await refused('SWAPDB', '0', '1')).toMatch(/^-ERR SWAPDB is not supported/);
  expect(await refused('NOSUCH', 'a', 'b')).toBe("-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ");
  expect(await refused('CLIENT', 'NOSUCH')).toBe("-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.");
  expect(await refused('GET')).toBe("-ERR wrong number of arguments for 'get' command");
  expect(await refused('MSET', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'mset' command");
});

test('databases belong to sessions, though connections are shared', async () => {
  const other = await cluster.client();
  const replies: Promise<unknown>[] = [];
  for (let i = 0; i < 10; i++) {
    replies.push(client.command('SELECT', i), client.command('SET', ONE, `db${i}`));
    replies.push(other.command('GET', ONE), other.command('SET', TWO, i));
  }
  await Promise.all(replies);
  for (let i = 0; i < 10; i++) {
    await client.command('SELECT', i);
    expect(await client.command('GET', ONE)).toBe(`db${i}`);
    expect(await client.command('EXISTS', TWO)).toBe(i === 0 ? 1 : 0);
  }
  expect(await refused('SELECT', '16')).toBe('-ERR DB index is out of range');
  expect(await refused('SELECT', 'x')).toBe('-ERR value is not an integer or out of range');
});

test('each client speaks its own version of RESP, on its own connections', async () => {
  const three = await cluster.client(3);
  await client.command('SET', ONE, 1);
  expect(await three.command('GET', TWO)).toBe(null);
  const raw = cluster.raw();
  raw.send(`GET ${TWO}\r\nHELLO 3\r\nGET ${TWO}\r\nHELLO 2\r\nGET ${TWO}\r\n`);
  await until(() => raw.text.endsWith('*0\r\n$-1\r\n'));
  expect(raw.text.match(/\$-1|%7|_\r|\*14/g)).toEqual(['$-1', '%7', '_\r', '*14', '$-1']);
});

test('a client that breaks the protocol is told so and closed; its neighbours notice nothing', async () => {
  const bad = cluster.raw();
  const replies = [client.command('SET', ONE, 1)];
  bad.send(`SET ${ONE} x\r\n*2\r\n$3\r\nGET\r\n$-1\r\n`);
  replies.push(client.command('APPEND', ONE, 2));
  expect((await Promise.all(replies))[0]).toBe('OK');
  await until(() => bad.isClosed);
  expect(bad.text).toBe('+OK\r\n-ERR Protocol error: invalid bulk length\r\n');
  expect(cluster.ownerOf(ONE).connections).toBe(1);
  expect(cluster.proxy.sessions.size).toBe(1);
});

test('sloppy framing is spelled anew before it reaches a shared connection', async () => {
  const sloppy = cluster.raw();
  sloppy.send(`*3\rX$3\r\nSETab$${ONE.length}\rY${ONE}\n\r$1\r\nv??*2\r\n$3\r\nGET\r\n$${ONE.length}\r\n${ONE}\r\n`);
  await until(() => sloppy.text.endsWith('v\r\n'));
  expect(sloppy.text).toBe('+OK\r\n$1\r\nv\r\n');
});

test('QUIT is answered after all that went before it', async () => {
  const raw = cluster.raw();
  cluster.ownerOf(ONE).isHeld = true;
  raw.send(`GET ${ONE}\r\nPING\r\nQUIT\r\nPING\r\n`);
  await settle();
  expect(raw.text).toBe('');
  cluster.ownerOf(ONE).release();
  await until(() => raw.isClosed);
  expect(raw.text).toBe('$-1\r\n+PONG\r\n+OK\r\n');
});

test('a password is asked for, by AUTH or HELLO, and taken back by RESET', async () => {
  cluster.proxy.settings.assign({ requirepass: 'secret' });
  const guest = await cluster.client();
  const say = (...command: (string | number)[]): Promise<unknown> => outcome(guest.command(...command));
  expect(await say('GET', ONE)).toBe('-NOAUTH Authentication required.');
  expect(await say('HELLO', 3)).toMatch(/^-NOAUTH HELLO must be called/);
  expect(await say('AUTH', 'wrong')).toBe('-WRONGPASS invalid username-password pair or user is disabled.');
  expect(await say('AUTH', 'nobody', 'secret')).toMatch(/^-WRONGPASS/);
  expect(await say('AUTH', 'secret')).toBe('OK');
  expect(await say('GET', ONE)).toBe(null);
  expect(await say('RESET')).toBe('RESET');
  expect(await say('GET', ONE)).toMatch(/^-NOAUTH/);
  expect(await say('HELLO', 2, 'AUTH', 'default', 'secret', 'SETNAME', 'guest')).toContain('standalone');
  expect(await say('CLIENT', 'GETNAME')).toBe('guest');
  expect(await client.command('GET', ONE)).toBe(null);
});

test('a client that does not take its replies is closed at the limit', async () => {
  cluster.proxy.settings.assign({ 'client-output-limit': '1mb' });
  await client.command('MSET', ONE, '', TWO, 'x'.repeat(100_000));
  cluster.ownerOf(ONE).isHeld = true;
  const greedy = cluster.raw();
  greedy.send(`GET ${ONE}\r\n${`GET ${TWO}\r\n`.repeat(20)}`);
  await until(() => greedy.isClosed);
  expect(greedy.text).toBe('');
  cluster.ownerOf(ONE).release();
  expect(await client.command('STRLEN', TWO)).toBe(100_000);
});

test('a client that sends faster than servers answer is not read from, and loses nothing', async () => {
  const count = 60_000;
  cluster.ownerOf(ONE).isHeld = true;
  const eager = cluster.raw();
  for (let i = 0; i < count / 1000; i++) eager.send(`INCR ${ONE}\r\n`.repeat(1000));
  await settle();
  const session = [...cluster.proxy.sessions.values()].at(-1)!;
  expect(session.owed).toBeLessThan(20_000);
  cluster.ownerOf(ONE).release();
  await until(() => eager.text.endsWith(`:${count}\r\n`));
  expect(eager.text.split('\r\n').length).toBe(count + 1);
});

test('clients are listed, named, and closed', async () => {
  const other = await cluster.client();
  await other.command('CLIENT', 'SETNAME', 'other');
  const id = (await other.command('CLIENT', 'ID')) as number;
  expect(await client.command('CLIENT', 'LIST')).toMatch(/ name=other .*\n/);
  expect(await client.command('CLIENT', 'KILL', 'ID', id)).toBe(1);
  await settle();
  expect(await outcome(other.command('PING'))).toMatch(/closed/);
  expect(await refused('CLIENT', 'KILL', '1.1.1.1:1')).toBe('-ERR No such client');
  expect(cluster.proxy.sessions.size).toBe(1);
});

test('INFO, CONFIG and COMMAND tell of the proxy', async () => {
  await client.command('SET', ONE, 1);
  const info = (await client.command('INFO', 'server', 'slotcache', 'commandstats')) as string;
  expect(info).toMatch(/redis_version:7\.2\./);
  expect(info).toMatch(/view_version:1\r\n/);
  expect(info).toMatch(/server=test:700\d,resp=2,state=open,in_flight=0,commands=1,/);
  expect(info).toMatch(/cmdstat_set:calls=1\r\n/);
  expect(await client.command('CONFIG', 'GET', 'in-flight-max')).toEqual(['in-flight-max', '1000000']);
  expect(await client.command('CONFIG', 'SET', 'timeout', '7')).toBe('OK');
  expect(cluster.proxy.settings.values['timeout']).toBe(7);
  expect(await client.command('COMMAND', 'GETKEYS', 'MSET', 'a', '1', 'b', '2')).toEqual(['a', 'b']);
  expect(await client.command('COMMAND', 'LIST')).not.toContain('scan');
  expect(((await client.command('COMMAND', 'INFO', 'get')) as unknown[][])[0].slice(0, 2)).toEqual(['get', 2]);
  expect(await client.command('PING', 'hello')).toBe('hello');
});

test('there is a limit to how many clients come in', async () => {
  cluster.proxy.settings.assign({ maxclients: 1 });
  const late = cluster.raw();
  await until(() => late.isClosed);
  expect(late.text).toBe('-ERR max number of clients reached\r\n');
});
