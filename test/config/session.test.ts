/**
 * How a config server greets: clients of Redis say the same to it as to a server, and hear the same.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realTimers, realWorld } from '../../src/base';
import { ConfigNode, configSettings } from '../../src/config';
import { Client, type Address } from '../../src/net';

let folder: string;
let node: ConfigNode;
let address: Address;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slotcache-config-'));
  const settings = configSettings();
  settings.assign({ port: 0, dir: folder, requirepass: 'secret', maxclients: 2 });
  node = new ConfigNode(realWorld(), settings);
  await node.start();
  address = await node.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await node.stop();
  await rm(folder, { recursive: true });
});

const connect = (): Promise<Client> => Client.connect(address, realTimers);

test('nothing is answered before the password, but how to give it', async () => {
  const client = await connect();
  for (const command of ['PING', 'STATUS', 'COMMAND']) {
    await expect(client.command(command)).rejects.toThrow('NOAUTH Authentication required.');
  }
  await expect(client.command('HELLO', 3)).rejects.toThrow('NOAUTH HELLO must be called with');
  await expect(client.command('AUTH')).rejects.toThrow("wrong number of arguments for 'auth' command");
  await expect(client.command('AUTH', 'wrong')).rejects.toThrow('WRONGPASS');
  await expect(client.command('AUTH', 'nobody', 'secret')).rejects.toThrow('WRONGPASS');
  expect(await client.command('AUTH', 'default', 'secret')).toBe('OK');
  expect(await client.command('PING')).toBe('PONG');
});

test('HELLO authenticates, chooses the protocol and tells who answers', async () => {
  const client = await connect();
  await expect(client.command('HELLO', 4)).rejects.toThrow('NOPROTO');
  const hello = await client.command('HELLO', 3, 'SETNAME', 'me', 'AUTH', 'default', 'secret');
  expect(hello).toBeInstanceOf(Map);
  expect([...(hello as unknown as Map<string, unknown>)]).toContainEqual(['server', 'cache-config']);
  expect(await client.command('STATUS')).toContain('version');
});

test('there is a limit to how many connections come in', async () => {
  const clients = await Promise.all([connect(), connect()]);
  await Promise.all(clients.map((client) => client.command('AUTH', 'secret')));
  const error = await new Promise<unknown>((resolve) => {
    void connect().then((late) => late.command('PING').then(resolve, resolve), resolve);
  });
  expect(String(error)).toMatch(/max number of clients reached|closed/);
});
