/**
 * Who gets in and who is put out: addresses, unix sockets, passwords, and the limits on clients, on the real daemon.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { build, connectTo, Daemon, endAll, freePort, startServer } from './daemon';

/** An address of this machine that is not the loopback interface's; there may be none. */
const otherAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each !== undefined && !each.internal && each.family === 'IPv4')?.address;

let folder: string;
let port: number;

beforeAll(build);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slotcache-bin-'));
  port = await freePort();
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** All that comes back until the server closes the connection. */
function converse(text: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = '';
    const socket = connect(port, host, () => socket.write(text));
    socket.setEncoding('latin1').on('data', (chunk: string) => (reply += chunk));
    socket.once('error', reject);
    socket.once('close', () => resolve(reply));
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.resume();
  });
}

test('a unix socket, alone, with its permissions, and again after a crash', async () => {
  const path = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', path, '--unixsocketperm', '700'];
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const server = new Daemon('dist/bin/cache-server.js', args);
    await server.says(/Ready to accept connections unix/);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const client = await connectTo({ path });
    expect(await client.command('ECHO', 'hello')).toBe('hello');
    expect(await client.command('CLIENT', 'INFO')).toContain(` addr=${path}:0 laddr=${path}:0 `);
    await client.close();
    await server.kill(signal);
  }
  expect(() => statSync(path)).toThrow('ENOENT');
});

test('a unix socket that another server listens on is not taken from it', async () => {
  const path = join(folder, 'redis.sock');
  const first = new Daemon('dist/bin/cache-server.js', ['--port', '0', '--unixsocket', path]);
  await first.says(/Ready/);
  const second = new Daemon('dist/bin/cache-server.js', ['--port', '0', '--unixsocket', path]);
  expect((await second.ended).code).toBe(1);
  expect(second.stdout).toContain('EADDRINUSE');
  const client = await connectTo({ path });
  expect(await client.command('PING')).toBe('PONG');
  await client.close();
});

test('requirepass', async () => {
  await startServer(port, '--requirepass', 'secret');
  const client = await connectTo(port);
  await expect(client.command('GET', 'k')).rejects.toThrow('NOAUTH Authentication required.');
  await expect(client.command('AUTH', 'wrong')).rejects.toThrow('WRONGPASS');
  expect(await client.command('AUTH', 'secret')).toBe('OK');
  expect(await client.command('GET', 'k')).toBe(null);
  await client.close();
});

test('maxclients: one more is told so and turned away; the others do not notice', async () => {
  await startServer(port, '--maxclients', '2');
  const [first, second] = await Promise.all([connectTo(port), connectTo(port)]);
  await Promise.all([first.command('PING'), second.command('PING')]);
  expect(await converse('')).toBe('-ERR max number of clients reached\r\n');
  expect(await first.command('INFO', 'stats')).toContain('rejected_connections:1\r\n');
  await second.close();
  await expect.poll(async () => first.command('INFO', 'clients')).toContain('connected_clients:1\r\n');
  expect(await converse('PING\r\nQUIT\r\n')).toBe('+PONG\r\n+OK\r\n');
  await first.close();
});

test('timeout closes who says nothing, and only them', async () => {
  await startServer(port, '--timeout', '1');
  const busy = await connectTo(port);
  const idle = connect(port, '127.0.0.1');
  let isGone = false;
  void closed(idle).then(() => (isGone = true));
  await expect
    .poll(
      async () => {
        await busy.command('PING');
        return isGone;
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  expect(await busy.command('PING')).toBe('PONG');
  await busy.close();
});

test.skipIf(otherAddress === undefined)('protected mode lets nobody in from elsewhere without a password', async () => {
  const server = new Daemon('dist/bin/cache-server.js', ['--port', String(port)]);
  await server.says(/Ready/);
  expect(await converse('', otherAddress)).toMatch(/^-DENIED .*protected mode/);
  const local = await connectTo(port);
  expect(await local.command('CONFIG', 'SET', 'requirepass', 'secret')).toBe('OK');
  expect(await converse('AUTH secret\r\nPING\r\nQUIT\r\n', otherAddress)).toBe('+OK\r\n+PONG\r\n+OK\r\n');
  expect(await local.command('CONFIG', 'SET', 'requirepass', '', 'protected-mode', 'no')).toBe('OK');
  expect(await converse('PING\r\nQUIT\r\n', otherAddress)).toBe('+PONG\r\n+OK\r\n');
  await local.close();
});

test('client-output-buffer-limit closes who does not take the replies, within one turn too', async () => {
  const server = await startServer(port, '--client-output-buffer-limit', 'normal', '32mb', '0', '0');
  const good = await connectTo(port);
  await good.command('SET', 'large', Buffer.alloc(4_000_000));
  const greedy = connect(port, '127.0.0.1');
  // Answered in full these would be 12 GB, all asked for in one read.
  const gone = closed(greedy);
  greedy.pause();
  greedy.write('GET large\r\n'.repeat(3000));
  await server.says(/closed for overcoming of output buffer limits/);
  greedy.resume();
  await gone;
  expect(await good.command('STRLEN', 'large')).toBe(4_000_000);
  const info = String(await good.command('INFO', 'stats', 'memory'));
  expect(info).toContain('client_output_buffer_limit_disconnections:1\r\n');
  expect(Number(/used_memory_peak:(\d+)/.exec(info)![1])).toBeLessThan(1_000_000_000);
  await good.close();
});
