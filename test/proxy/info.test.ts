/**
 * What the proxy tells of itself: the fields that Redis has under Redis' names and in Redis' order, and its own.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../../src/net';
import { keysByGroup, TestCluster } from './cluster';

const [ONE, TWO] = keysByGroup();

let cluster: TestCluster;
let client: Client;

beforeEach(async () => {
  cluster = new TestCluster();
  client = await cluster.client();
});

afterEach(() => cluster.stop());

const info = async (...sections: string[]): Promise<string> => String(await client.command('INFO', ...sections));
const names = (text: string): string[] => [...text.matchAll(/^(?:# )?\w+(?=[:\r])/gm)].map(([name]) => name);

test('what a data node has too stands in the same order', async () => {
  const server = cluster.servers[0].node.connectInMemory();
  const answer = new Promise<string>((resolve) => {
    server.attach({
      received: (buffer, start, end) => resolve(Buffer.from(buffer.subarray(start, end)).toString()),
      closed: () => resolve(''),
    });
  });
  server.connection.write(Buffer.from('INFO\r\n'));
  const theirs = names(await answer);
  const ours = names(await info());
  const common = ours.filter((name) => theirs.includes(name));
  expect(common).toEqual(theirs.filter((name) => ours.includes(name)));
  expect(ours.filter((name) => !theirs.includes(name) && !name.startsWith('slotcache_'))).toEqual([]);
  expect(common.length).toBeGreaterThan(50);
  server.connection.end();
});

test('it counts its clients, their commands and its own errors', async () => {
  await client.command('SET', ONE, 'x');
  await client.command('GET', TWO);
  await expect(client.command('GET')).rejects.toThrow('wrong number');
  await expect(client.command('MSETNX', ONE, 1, TWO, 2)).rejects.toThrow('CROSSSLOT');
  const text = await info('everything');
  expect(text).toContain('connected_clients:1\r\n');
  expect(text).toContain('total_error_replies:2\r\n');
  expect(text).toContain('# Errorstats\r\nerrorstat_CROSSSLOT:count=1\r\nerrorstat_ERR:count=1\r\n');
  expect(text).toContain('cmdstat_get:calls=1\r\n');
  expect(text).toMatch(/slotcache_backend0:server=test:700\d,resp=2,state=open,/);
  expect(await client.command('CONFIG', 'RESETSTAT')).toBe('OK');
  expect(await info('stats')).toContain('total_error_replies:0\r\n');
});

test('HELP shows what passes, and so does COMMAND', async () => {
  const help = ((await client.command('CLIENT', 'HELP')) as string[]).join('\n');
  expect(help).toContain('SETNAME connection-name');
  expect(help).not.toContain('PAUSE');
  const listed = (await client.command('COMMAND', 'LIST')) as string[];
  expect(listed).toContain('client|setname');
  expect(listed).not.toContain('client|pause');
  expect(listed).not.toContain('shutdown');
});
