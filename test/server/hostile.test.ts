/**
 * Hostile clients: whatever one of them sends, or fails to take, a good client beside it gets right answers, and the
 * node ends with the sessions and the memory that it had before.
 *
 * The node runs in this process behind real TCP; every test has the good client work all the while.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realTimers, realWorld } from '../../src/base';
import { Client } from '../../src/net';
import { encodeCommand } from '../../src/resp';
import { DataNode, serverSettings } from '../../src/server';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MEBIBYTE = 1024 * 1024;

let node: DataNode;
let port: number;
let good: GoodClient;

async function start(settings: Readonly<Record<string, string | number>> = {}): Promise<void> {
  const all = serverSettings();
  all.assign({ port: 0, ...settings });
  node = new DataNode(realWorld(), all);
  const address = await node.listen({ host: '127.0.0.1', port: 0 });
  port = 'port' in address ? address.port : 0;
  good = await GoodClient.connect();
}

beforeEach(() => start());
afterEach(async () => {
  await good.stop();
  await expect.poll(() => node.sessions.size, { timeout: 10_000 }).toBe(0);
  await node.stop();
});

/** Increments a counter and reads it back until it is told to stop; a wrong answer or a lost connection fails the test. */
class GoodClient {
  private isStopped = false;
  private readonly working: Promise<void>;

  private constructor(private readonly client: Client) {
    this.working = this.work();
    this.working.catch(() => undefined);
  }

  static async connect(): Promise<GoodClient> {
    const client = await Client.connect({ host: '127.0.0.1', port }, realTimers);
    const password = node.settings.values['requirepass'];
    if (password !== '') await client.command('AUTH', password);
    return new GoodClient(client);
  }

  command(...words: (string | number | Buffer)[]): ReturnType<Client['command']> {
    return this.client.command(...words);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.working;
    await this.client.close();
  }

  private async work(): Promise<void> {
    const key = 'good';
    await this.client.command('SET', key, 0);
    for (let count = 1; !this.isStopped; count++) {
      const replies = await Promise.all([this.client.command('INCR', key), this.client.command('GET', key)]);
      // Thousands of times per second: `expect` would take longer than the answers.
      if (replies[0] !== count || replies[1] !== `${count}`) throw new Error(`wrong answers: ${replies.join()}`);
    }
  }
}

/** A client that says what it likes; everything that comes back is kept, unless it stops reading. */
class BadClient {
  received = '';
  readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    // The server may close while bytes of ours are on their way; that is no failure of either.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static connect(allowHalfOpen = false): Promise<BadClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new BadClient(socket)));
    });
  }

  send(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** Resolves when at least `length` bytes have come. */
  async receives(length: number): Promise<string> {
    await expect.poll(() => this.received.length, { timeout: 30_000, interval: 10 }).toBeGreaterThanOrEqual(length);
    return this.received;
  }
}

async function crowd(count: number): Promise<BadClient[]> {
  return Promise.all(Array.from({ length: count }, () => BadClient.connect()));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a client gets that sends `data` and waits for the end. */
async function fateOf(data: string | Buffer): Promise<string> {
  const bad = await BadClient.connect();
  bad.send(data);
  await bad.closed;
  return bad.received;
}

/** Bytes outside of V8's heap: where input buffers are. */
function externalBytes(): number {
  return process.memoryUsage().arrayBuffers;
}

describe('what is no RESP', () => {
  test('random bytes', async () => {
    const clients = await crowd(100);
    for (const client of clients) client.send(randomBytes(2000));
    for (const client of clients) client.socket.end();
    await Promise.all(clients.map(({ closed }) => closed));
    for (const { received } of clients) expect(received).toMatch(/^(-ERR [^\r]*\r\n)*$/);
  });

  const longLine = 'x'.repeat(70_000);
  test.each(
    [
      ['*1\r\n:1\r\n', "-ERR Protocol error: expected '$', got ':'\r\n"],
      ['*1048577\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
      ['*99999999999999999999\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
      ['*2\r\n$3\r\nGET\r\n$536870913\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
      ['*2\r\n$3\r\nGET\r\n$-5\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
      ['SET k "unbalanced\r\n', '-ERR Protocol error: unbalanced quotes in request\r\n'],
      [longLine, '-ERR Protocol error: too big inline request\r\n'],
    ].map(([text, answer]) => ({ text, answer, shown: text.slice(0, 40) })),
  )('$shown closes its sender and nobody else', async ({ text, answer }) => {
    expect(await fateOf(text)).toBe(answer);
  });

  test('what was asked before an error is answered, what follows is not', async () => {
    expect(await fateOf('PING\r\n*1\r\n!\r\nPING\r\n')).toBe("+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n");
  });

  test('lengths that are promised and never come cost nothing', async () => {
    const before = externalBytes();
    const clients = await crowd(100);
    for (const client of clients) client.send('*1048576\r\n$536870912\r\nabc');
    await expect.poll(() => [...node.sessions.values()].filter((each) => each.inputBytes > 0).length).toBe(101);
    expect(externalBytes() - before).toBeLessThan(16 * MEBIBYTE);
    for (const { socket } of clients) socket.destroy();
  });
});

describe('pieces', () => {
  test('one byte at a time', async () => {
    const bad = await BadClient.connect();
    bad.socket.setNoDelay(true);
    const bytes = Buffer.concat([encodeCommand(['SET', 'slow', 'value']), encodeCommand(['GET', 'slow'])]);
    for (const byte of bytes) {
      bad.send(Buffer.of(byte));
      await nextTurn();
    }
    expect(await bad.receives(16)).toBe('+OK\r\n$5\r\nvalue\r\n');
    bad.socket.destroy();
  });

  test('200 clients that begin a command and fall silent', async () => {
    const clients = await crowd(200);
    for (const client of clients) client.send('*3\r\n$3\r\nSET\r\n$1\r\n');
    await expect.poll(() => node.sessions.size).toBe(201);
    expect(await good.command('PING')).toBe('PONG');
    for (const client of clients) client.send('k\r\n$1\r\nv\r\n');
    for (const client of clients) expect(await client.receives(5)).toBe('+OK\r\n');
    for (const { socket } of clients) socket.destroy();
  });

  test('a client that leaves in the middle of a SET of 64 MB leaves nothing behind', async () => {
    const before = externalBytes();
    const bad = await BadClient.connect();
    bad.send(`*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$${64 * MEBIBYTE}\r\n`);
    bad.send(Buffer.alloc(40 * MEBIBYTE));
    await expect
      .poll(() => Math.max(...[...node.sessions.values()].map(({ parser }) => parser.bufferedBytes)), {
        timeout: 10_000,
      })
      .toBeGreaterThan(39 * MEBIBYTE);
    bad.socket.destroy();
    await expect.poll(() => node.sessions.size).toBe(1);
    expect(await good.command('EXISTS', 'large')).toBe(0);
    const collected = (): number => {
      collectGarbage();
      return externalBytes() - before;
    };
    await expect.poll(collected, { timeout: 20_000, interval: 10 }).toBeLessThan(16 * MEBIBYTE);
  });

  test('a client that closes its side after its commands still gets the replies', async () => {
    for (let i = 0; i < 50; i++) {
      const bad = await BadClient.connect(true);
      bad.socket.end('PING\r\nECHO last\r\n');
      await bad.closed;
      expect(bad.received).toBe('+PONG\r\n$4\r\nlast\r\n');
    }
  });
});

describe('quantities', () => {
  test('a command of a million arguments, and one more', async () => {
    const bad = await BadClient.connect();
    const keys = 1_048_575;
    bad.send(`*${keys + 1}\r\n$6\r\nEXISTS\r\n` + '$1\r\nk\r\n'.repeat(keys));
    expect(await bad.receives(4)).toBe(':0\r\n');
    bad.send(`*${keys + 2}\r\n`);
    await bad.closed;
    expect(bad.received).toBe(':0\r\n-ERR Protocol error: invalid multibulk length\r\n');
  });

  test('10,000 connections that are closed as soon as they are open', async () => {
    const before = node.statistics.connectionsReceived;
    for (let count = 0; count < 10_000; count += 250) {
      const clients = await crowd(250);
      for (const { socket } of clients) socket.destroy();
      await Promise.all(clients.map(({ closed }) => closed));
      // libuv accepts one connection per turn; who comes faster than that overflows the system's queue and waits a second.
      while (node.statistics.connectionsReceived - before < count + 250) await nextTurn();
    }
    await expect.poll(() => node.sessions.size, { timeout: 10_000 }).toBe(1);
  });

  test('100,000 GETs from a client that never reads: closed at the limit, the others go on', async () => {
    await good.command('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 8mb 0 0');
    await good.command('SET', 'value', 'x'.repeat(1000));
    const bad = await BadClient.connect();
    bad.socket.pause();
    const get = encodeCommand(['GET', 'value']);
    for (let i = 0; i < 100; i++) bad.send(Buffer.concat(Array.from({ length: 1000 }, () => get)));
    await expect.poll(() => node.statistics.outputLimitDisconnects, { timeout: 10_000 }).toBe(1);
    await expect.poll(() => node.sessions.size).toBe(1);
    bad.socket.destroy();
  });

  test('100,000 GETs from a client that reads late: every answer is there', async () => {
    await good.command('SET', 'value', 'x'.repeat(100));
    const bad = await BadClient.connect();
    bad.socket.pause();
    bad.send(Buffer.concat(Array.from({ length: 100_000 }, () => encodeCommand(['GET', 'value']))));
    await expect.poll(() => node.statistics.commands, { timeout: 10_000 }).toBeGreaterThan(100_000);
    bad.socket.resume();
    const reply = `$100\r\n${'x'.repeat(100)}\r\n`;
    expect((await bad.receives(100_000 * reply.length)) === reply.repeat(100_000)).toBe(true);
    bad.socket.destroy();
  });
});

describe('ends and beginnings inside a pipeline', () => {
  test('QUIT: what follows is not carried out', async () => {
    expect(await fateOf('SET q 1\r\nQUIT\r\nSET q 2\r\n')).toBe('+OK\r\n+OK\r\n');
    expect(await good.command('GET', 'q')).toBe('1');
  });

  test('CLIENT KILL of oneself: what follows is not carried out', async () => {
    const bad = await BadClient.connect();
    bad.send('CLIENT ID\r\n');
    const id = /:(\d+)/.exec(await bad.receives(4))![1];
    bad.send(`SET q 3\r\nCLIENT KILL ID ${id} SKIPME no\r\nSET q 4\r\n`);
    await bad.closed;
    expect(bad.received).toBe(`:${id}\r\n+OK\r\n:1\r\n`);
    expect(await good.command('GET', 'q')).toBe('3');
  });

  test('a good client that is closed by a bad one is the only one that is', async () => {
    const victim = await BadClient.connect();
    victim.send('CLIENT ID\r\n');
    const id = /:(\d+)/.exec(await victim.receives(4))![1];
    expect(await good.command('CLIENT', 'KILL', 'ID', id)).toBe(1);
    await victim.closed;
  });

  test('RESET: database, name and protocol are as at the beginning', async () => {
    const bad = await BadClient.connect();
    bad.send('HELLO 3 SETNAME x\r\nSELECT 5\r\nSET r five\r\nRESET\r\nCLIENT GETNAME\r\nGET r\r\nQUIT\r\n');
    await bad.closed;
    expect(bad.received).toMatch(/^%7\r\n[^]*\+OK\r\n\+OK\r\n\+RESET\r\n\$-1\r\n\$-1\r\n\+OK\r\n$/);
  });

  test('NUL, CR and LF in keys are bytes like others, and never split a reply', async () => {
    const key = Buffer.from('a\0b\r\n$3\r\nc\r\n');
    expect(await good.command('SET', key, key)).toBe('OK');
    expect(await good.command('GET', key)).toBe(key.toString());
    expect(await good.command('KEYS', 'a*')).toEqual([key.toString()]);
    const bad = await BadClient.connect();
    bad.send(Buffer.concat([encodeCommand(['NO\r\n+OK\r\n', 'x\r\ny']), encodeCommand(['QUIT'])]));
    await bad.closed;
    expect(bad.received).toMatch(/^-ERR unknown command [^\r\n]*\r\n\+OK\r\n$/);
  });
});

describe('before authentication', () => {
  beforeEach(async () => {
    await good.stop();
    await node.stop();
    await start({ requirepass: 'secret' });
  });

  test.each([
    ['*11\r\n', '-ERR Protocol error: unauthenticated multibulk length\r\n'],
    ['*2\r\n$4\r\nAUTH\r\n$16385\r\n', '-ERR Protocol error: unauthenticated bulk length\r\n'],
  ])('%j is refused', async (text, answer) => {
    expect(await fateOf(text)).toBe(answer);
  });

  test('nothing but HELLO, AUTH, RESET and QUIT is carried out; afterwards the limits are the ordinary ones', async () => {
    const value = 'x'.repeat(20_000);
    const bad = await BadClient.connect();
    bad.send('SET k v\r\nAUTH wrong\r\nGET k\r\nAUTH secret\r\nGET k\r\n');
    bad.send(
      Buffer.concat([encodeCommand(['SET', 'k', value]), encodeCommand(['STRLEN', 'k']), encodeCommand(['QUIT'])]),
    );
    await bad.closed;
    expect(bad.received).toMatch(
      /^-NOAUTH .*\r\n-WRONGPASS .*\r\n-NOAUTH .*\r\n\+OK\r\n\$-1\r\n\+OK\r\n:20000\r\n\+OK\r\n$/,
    );
  });

  test('guessing a thousand passwords in one pipeline', async () => {
    const bad = await BadClient.connect();
    bad.send('AUTH guess\r\n'.repeat(1000) + 'GET good\r\nQUIT\r\n');
    await bad.closed;
    expect(bad.received.match(/-WRONGPASS/g)).toHaveLength(1000);
    expect(bad.received).toMatch(/-NOAUTH Authentication required\.\r\n\+OK\r\n$/);
  });
});
