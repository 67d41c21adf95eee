/** Conversations with data nodes over TCP. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { CacheError, realWorld } from '../../src/base';
import type { LinkReply } from '../../src/config/control-host';
import { serverDialer } from '../../src/config/server-link';

const ACCESS = { username: '', password: '', tls: null };

/** A server that says this to whatever comes, piece by piece. */
async function speaking(...replies: string[]): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('data', () => socket.write(replies.shift() ?? ''));
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function ask(port: number, words: readonly string[], access = ACCESS): Promise<LinkReply | Error> {
  return new Promise((resolve, reject) => {
    const link = serverDialer(realWorld(), access)(
      { host: '127.0.0.1', port },
      {
        opened: () => link.command(words, resolve),
        closed: (isRefused, reason) => reject(new Error(`${isRefused}: ${reason}`)),
      },
    );
    onTestFinished(() => link.close());
  });
}

test('replies are text, and arrays of it', async () => {
  const server = await speaking('*3\r\n$1\r\na\r\n:17\r\n*1\r\n$-1\r\n');
  expect(await ask(portOf(server), ['ROLE'])).toEqual(['a', '17', [null]]);
});

test('error replies are values, also to a password: who refuses is alive', async () => {
  const server = await speaking('-WRONGPASS no\r\n-NOAUTH no\r\n');
  const reply = await ask(portOf(server), ['PING'], { ...ACCESS, username: 'u', password: 'p' });
  expect(reply).toBeInstanceOf(CacheError);
  expect(reply).toMatchObject({ code: 'REPLY', message: 'NOAUTH no' });
});

test('a machine where nobody listens refuses', async () => {
  const server = await speaking();
  const port = portOf(server);
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  await expect(ask(port, ['PING'])).rejects.toThrow(/^true: /);
});
