/**
 * How a config server greets: clients of Redis say the same to it as to a server, and hear the same.
 */
import { createConnection } from 'node:net';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realTimers, realWorld } from '../../src/base';
import { ConfigNode, configSettings } from '../../src/config';
import { Client, type Address } from '../../src/net';

let folder: string;
let node: ConfigNode;
let address: Address;
const lines: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slotcache-config-'));
  const settings = configSettings();
  settings.assign({ port: 0, dir: folder, requirepass: 'secret', maxclients: 3 });
  node = new ConfigNode({ ...realWorld(), log: (_, line) => lines.push(line) }, settings);
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

test('what is no command is refused in words, to the client and in the log, and the connection ends', async () => {
  lines.length = 0;
  const replies: string[] = [];
  for (const bytes of ['*1\r\n$-5\r\n', 'POST / HTTP/1.1\r\n', `${'x'.repeat(70_000)}\r\n`]) {
    replies.push(await endOfTalk(bytes));
  }
  expect(replies).toEqual([
    '-ERR Protocol error: invalid bulk length\r\n',
    '-ERR Protocol error: this is no web server\r\n',
    '-ERR Protocol error: too big inline request\r\n',
  ]);
  expect(await endOfTalk('AUTH wrong\r\nQUIT\r\n')).toMatch(/^-WRONGPASS .*\r\n\+OK\r\n$/);
  expect(lines.map((line) => line.replace(/ from \S+: /, ': '))).toEqual([
    'Refused a connection to the port of clients: Protocol error: invalid bulk length',
    'Refused a connection to the port of clients: Protocol error: this is no web server',
    'Refused a connection to the port of clients: Protocol error: too big inline request',
    'Refused a connection to the port of clients: wrong password',
  ]);
});

/** All that is answered to those bytes before the connection ends. */
function endOfTalk(bytes: string): Promise<string> {
  const socket = createConnection({ host: '127.0.0.1', port: (address as { port: number }).port });
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.write(bytes);
  return new Promise((settle) => socket.once('close', () => settle(text)));
}

test('HELLO authenticates, chooses the protocol and tells who answers', async () => {
  const client = await connect();
  await expect(client.command('HELLO', 4)).rejects.toThrow('NOPROTO');
  const hello = await client.command('HELLO', 3, 'SETNAME', 'me', 'AUTH', 'default', 'secret');
  expect(hello).toBeInstanceOf(Map);
  expect([...(hello as unknown as Map<string, unknown>)]).toContainEqual(['server', 'cache-config']);
  expect(await client.command('STATUS')).toBeInstanceOf(Map);
});

test('there is a limit to how many connections come in', async () => {
  const clients = await Promise.all([connect(), connect(), connect()]);
  await Promise.all(clients.map((client) => client.command('AUTH', 'secret')));
  const error = await new Promise<unknown>((resolve) => {
    void connect().then((late) => late.command('PING').then(resolve, resolve), resolve);
  });
  expect(String(error)).toMatch(/max number of clients reached|closed/);
});

test('what has names is a map in RESP3, and a list of names and values in RESP2', async () => {
  const [plain, rich] = await Promise.all([connect(), connect()]);
  await plain.command('AUTH', 'secret');
  await rich.command('HELLO', 3, 'AUTH', 'default', 'secret');
  await rich.command('GROUP', 'CREATE', 1);
  await rich.command('GROUP', 'ADD', 1, '127.0.0.1', 7001, 'ZONE', 'a', 'NOCHECK');
  await rich.command('SLOTS', 'ASSIGN', '5-6', 1);
  expect(await plain.command('SLOTS', 'LIST')).toEqual([['from', 5, 'to', 6, 'group', 1]]);
  expect(await rich.command('SLOTS', 'LIST')).toEqual([new Map(Object.entries({ from: 5, to: 6, group: 1 }))]);
});

test('subscribers are answered, and then sent what is decided: views, the newest only, and every event', async () => {
  const pushed: unknown[][] = [];
  const client = await Client.connect(address, realTimers, { push: ({ values }) => pushed.push([...values]) });
  await client.command('HELLO', 3, 'AUTH', 'default', 'secret');
  expect(await client.command('VIEW', 'SUBSCRIBE', 0)).toBe('OK');
  expect(await client.command('EVENTS', 'SUBSCRIBE')).toBe('OK');
  const versions = await Promise.all([1, 2, 3].map((group) => client.command('GROUP', 'CREATE', group)));
  expect(versions).toEqual([1, 2, 3]);
  await client.command('PING');
  const events = pushed.filter(([kind]) => kind === 'event').map(([, event]) => event as Map<string, unknown>);
  expect(events.map((event) => event.get('text'))).toEqual(['GROUP CREATE 1', 'GROUP CREATE 2', 'GROUP CREATE 3']);
  expect(pushed.filter(([kind]) => kind === 'view').at(-1)?.[1]).toBe(3);
});

test('a request under a name is carried out once', async () => {
  const client = await connect();
  await client.command('AUTH', 'secret');
  expect(await client.command('ONCE', 'mine', 'GROUP', 'CREATE', 4)).toBe(1);
  expect(await client.command('ONCE', 'mine', 'GROUP', 'CREATE', 4)).toBe(1);
  await expect(client.command('ONCE', 'other', 'GROUP', 'CREATE', 4)).rejects.toThrow('REFUSED group 4 exists');
  await expect(client.command('ONCE', 'other', 'GROUP', 'CREATE', 5)).rejects.toThrow('REFUSED group 4 exists');
  await expect(client.command('ONCE', 'a b', 'GROUP', 'CREATE', 5)).rejects.toThrow('ERR a request is named once');
  await expect(client.command('ONCE', 'x', 'ONCE', 'y', 'GROUP', 'CREATE', 5)).rejects.toThrow('ERR');
});

test('what was decided is found again, and the file of the first version is taken up once', async () => {
  const client = await connect();
  await client.command('AUTH', 'secret');
  await client.command('GROUP', 'CREATE', 9);
  await node.stop();
  const restart = async (): Promise<void> => {
    const settings = configSettings();
    settings.assign({ port: 0, dir: folder, requirepass: '' });
    node = new ConfigNode(realWorld(), settings);
    await node.start();
  };
  await restart();
  expect(node.plane.state.view.groups.map(({ id }) => id)).toEqual([9]);
  await node.stop();
  await rm(join(folder, 'raft'), { recursive: true });
  const view = { version: 7, groups: [{ id: 3, epoch: 1, members: [] }], slots: [] };
  await writeFile(join(folder, 'view.json'), JSON.stringify({ view, events: [] }));
  await restart();
  expect(node.plane.state.view.groups.map(({ id }) => id)).toEqual([3]);
  expect(await readdir(folder)).toEqual(['raft', 'view.json.imported']);
});

test('a damaged log is refused by name', async () => {
  await node.stop();
  await writeFile(join(folder, 'raft', 'identity'), 'nonsense');
  const settings = configSettings();
  settings.assign({ port: 0, dir: folder });
  const other = new ConfigNode(realWorld(), settings);
  await expect(other.start()).rejects.toMatchObject({ code: 'BAD_LOG', message: expect.stringContaining('identity') });
});
