/**
 * TLS as clients meet it: redis-cli, node-redis, ioredis, our own client, and peers that do not behave.
 */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ConfigNode,
  configSettings,
  ProxyNode,
  proxySettings,
  realWorld,
  startServer,
  type RunningServer,
} from '../../src';
import { realTimers, type SettingsInput } from '../../src/base';
import { Client, clientTls } from '../../src/net';
import { serverTls } from '../../src/net/tls-context';
import { TlsGate } from '../../src/net/tls';
import { serverSettings, type ServerSettings } from '../../src/server';
import { freePort, hasProgram } from '../bin/daemon';
import { Authority, hasOpenssl, makeFolder, pemOf, removeFolder, type Issued } from './authority';

type Input = SettingsInput<ServerSettings['table']>;

const run = promisify(execFile);
const hasCliWithTls =
  hasProgram('redis-cli') && execFileSync('redis-cli', ['--help'], { encoding: 'utf8' }).includes('--tls');

describe.skipIf(!hasOpenssl)('TLS', () => {
  let folder: string;
  let authority: Authority;
  let stranger: Authority;
  let serverPair: Issued;
  let clientPair: Issued;
  let foreignPair: Issued;
  let port: number;
  let log: string[];
  const running: RunningServer[] = [];
  const clients: Client[] = [];

  beforeAll(() => {
    folder = makeFolder();
    authority = new Authority(folder, 'authority');
    stranger = new Authority(folder, 'stranger');
    serverPair = authority.issue('server');
    clientPair = authority.issue('client');
    foreignPair = stranger.issue('foreign');
  });
  afterAll(() => removeFolder(folder));

  beforeEach(async () => {
    port = await freePort();
    log = [];
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(running.splice(0).map((server) => server.stop()));
  });

  const files = (): Input => ({
    'tls-cert-file': serverPair.cert,
    'tls-key-file': serverPair.key,
    'tls-client-cert-file': clientPair.cert,
    'tls-client-key-file': clientPair.key,
    'tls-ca-cert-file': authority.cert,
  });

  async function start(given: Input = {}): Promise<RunningServer> {
    const world = realWorld({ log: (_level, message) => void log.push(message) });
    const server = await startServer({ 'tls-port': port, ...files(), ...given }, world);
    running.push(server);
    return server;
  }

  /** Our own client; the settings are those of its end. */
  async function open(given: Input = {}): Promise<Client> {
    const settings = serverSettings();
    settings.assign({ ...files(), ...given });
    const client = await Client.connect({ host: '127.0.0.1', port }, realTimers, {}, {}, clientTls(settings.values));
    clients.push(client);
    return client;
  }

  /** A socket of node:tls that trusts the authority and is called by any name. */
  function openSocket(options: tls.ConnectionOptions = {}): tls.TLSSocket {
    const ca = readFileSync(authority.cert);
    const socket = tls.connect({ host: '127.0.0.1', port, ca, checkServerIdentity: () => undefined, ...options });
    socket.on('error', () => undefined);
    return socket;
  }

  /** Whether a client with these options gets an answer to PING. */
  function isServed(options: tls.ConnectionOptions = {}): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = openSocket(options);
      socket.on('data', () => {
        resolve(true);
        socket.destroy();
      });
      socket.on('close', () => resolve(false));
      socket.write('PING\r\n');
    });
  }

  /** The name in the certificate that a new client is shown. */
  async function shownName(): Promise<string> {
    const socket = openSocket(pemOf(clientPair));
    await once(socket, 'secureConnect');
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  }

  // ── clients ──────────────────────────────────────────────────────────────────────────────────────────────────

  test.skipIf(!hasCliWithTls).each(['-2', '-3'])('redis-cli --tls %s', async (protocol) => {
    await start();
    const trust = ['--tls', '--cacert', authority.cert, '--cert', clientPair.cert, '--key', clientPair.key];
    const cli = async (...args: string[]): Promise<string> =>
      (await run('redis-cli', ['-p', String(port), protocol, ...trust, ...args])).stdout;
    expect(await cli('SET', 'greeting', 'hello')).toBe('OK\n');
    expect(await cli('GET', 'greeting')).toBe('hello\n');
    expect(await cli('INFO', 'server')).toMatch(`name=tls,bind=127.0.0.1,port=${port}\r\n`);
    const lines = Array.from({ length: 5000 }, (_, i) => `SET piped:${i} ${i}\r\n`).join('');
    const piping = run('redis-cli', ['-p', String(port), ...trust, '--pipe']);
    piping.child.stdin!.end(lines);
    expect((await piping).stdout).toContain('errors: 0, replies: 5000\n');
  });

  test('node-redis and ioredis, with values of a megabyte', async () => {
    await start();
    const value = Buffer.alloc(1_000_000, 'a value that repeats itself; ').toString();
    const pem = { ...pemOf(clientPair), ca: readFileSync(authority.cert), checkServerIdentity: () => undefined };
    const nodeRedis = createClient({ socket: { host: '127.0.0.1', port, tls: true, ...pem } });
    await nodeRedis.connect();
    const ioredis = new Redis({ host: '127.0.0.1', port, tls: pem });
    try {
      await Promise.all(Array.from({ length: 20 }, (_, i) => nodeRedis.set(`value:${i}`, value + i)));
      const values = await Promise.all(Array.from({ length: 20 }, (_, i) => ioredis.get(`value:${i}`)));
      expect(values.every((each, i) => each === value + i)).toBe(true);
    } finally {
      nodeRedis.destroy();
      ioredis.disconnect();
    }
  });

  test('our own client: long pipelines of values of all sizes, both ways', async () => {
    const { node } = await start();
    const client = await open();
    const valueOf = (i: number): Buffer => Buffer.alloc((i * 7919) % 60_000, `${i};`);
    const count = 500;
    await Promise.all(Array.from({ length: count }, (_, i) => client.command('SET', `k${i}`, valueOf(i))));
    const replies = await Promise.all(Array.from({ length: count }, (_, i) => client.command('GET', `k${i}`)));
    expect(replies.every((reply, i) => reply === valueOf(i).toString())).toBe(true);
    const [session] = node.sessions.values();
    expect(session.connection.isLocal).toBe(true);
    expect(session.connection.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(session.connection.localAddress).toBe(`127.0.0.1:${port}`);
    expect(session.connection.unsentBytes).toBe(0);
  });

  test('a client that does not read is waited for, and then gets everything', async () => {
    await start();
    const client = await open();
    const size = 30_000_000;
    await client.command('SET', 'large', Buffer.alloc(size, 'x'));
    const socket = openSocket(pemOf(clientPair));
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write('GET large\r\n');
    for (let i = 0; i < 100; i++) expect(await client.command('PING')).toBe('PONG');
    let received = 0;
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received === size + '$30000000\r\n\r\n'.length) resolve();
      });
      socket.resume();
    });
    socket.destroy();
  });

  test('QUIT, and a refused client, are answered before the end', async () => {
    await start({ maxclients: 1 });
    const first = openSocket(pemOf(clientPair));
    await once(first, 'secureConnect');
    const refused = openSocket(pemOf(clientPair));
    const [chunk] = (await once(refused, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('-ERR max number of clients reached\r\n');
    first.write('QUIT\r\n');
    expect(String((await once(first, 'data'))[0])).toBe('+OK\r\n');
    await once(first, 'close');
  });

  test('the proxy and the config server have it, too', async () => {
    const configPort = await freePort();
    const common = { ...(files() as Record<string, string>), bind: ['127.0.0.1'], port: 0, dir: folder };
    const [proxy, config] = [proxySettings(), configSettings()];
    proxy.assign({ ...common, 'tls-port': port });
    config.assign({ ...common, 'tls-port': configPort });
    const nodes = [new ProxyNode(realWorld(), proxy), new ConfigNode(realWorld(), config)];
    for (const node of nodes) await node.start();
    expect(await isServed(pemOf(clientPair))).toBe(true);
    expect(await isServed({ port: configPort, ...pemOf(clientPair) })).toBe(true);
    for (const node of nodes) await node.stop();
  });

  // ── certificates ─────────────────────────────────────────────────────────────────────────────────────────────

  test.each([
    ['yes', false, true, false],
    ['optional', true, true, false],
    ['no', true, true, true],
  ] as const)('tls-auth-clients %s: none %s, good %s, foreign %s', async (rule, none, good, foreign) => {
    await start({ 'tls-auth-clients': rule });
    expect(await isServed()).toBe(none);
    expect(await isServed(pemOf(clientPair))).toBe(good);
    expect(await isServed(pemOf(foreignPair))).toBe(foreign);
  });

  test('a client trusts the named authority only, whatever the name in the certificate', async () => {
    await start();
    await expect(open({ 'tls-ca-cert-file': stranger.cert })).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(await (await open()).command('PING')).toBe('PONG');
    // Without a certificate for clients it shows the server's.
    const own = await open({ 'tls-client-cert-file': '', 'tls-client-key-file': '' });
    expect(await own.command('PING')).toBe('PONG');
  });

  test('versions and ciphers are those of the settings', async () => {
    await start({ 'tls-protocols': 'TLSv1.2 tlsv1.3', 'tls-ciphers': 'ECDHE-ECDSA-AES128-GCM-SHA256' });
    const pem = pemOf(clientPair);
    expect(await isServed({ ...pem, maxVersion: 'TLSv1.2' })).toBe(true);
    expect(await isServed({ ...pem, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })).toBe(false);
    const client = await open();
    expect(await client.command('CONFIG', 'SET', 'tls-protocols', 'TLSv1.3')).toBe('OK');
    expect(await isServed({ ...pem, maxVersion: 'TLSv1.2' })).toBe(false);
    await client.command('CONFIG', 'SET', 'tls-ciphersuites', 'TLS_AES_128_GCM_SHA256');
    expect(await isServed(pem)).toBe(true);
    expect(await isServed({ ...pem, ciphers: 'TLS_AES_256_GCM_SHA384' })).toBe(false);
  });

  test('renewed certificates come into use by CONFIG SET; connections that stand go on', async () => {
    const [cert, key] = [join(folder, 'renewed.crt'), join(folder, 'renewed.key')];
    copyFileSync(serverPair.cert, cert);
    copyFileSync(serverPair.key, key);
    await start({ 'tls-cert-file': cert, 'tls-key-file': key });
    const client = await open();
    expect(await shownName()).toBe('server');
    const second = authority.issue('second');
    copyFileSync(second.cert, cert);
    copyFileSync(second.key, key);
    expect(await shownName()).toBe('server');
    expect(await client.command('CONFIG', 'SET', 'tls-cert-file', cert)).toBe('OK');
    expect(await shownName()).toBe('second');
    const third = authority.issue('third');
    await client.command('CONFIG', 'SET', 'tls-cert-file', third.cert, 'tls-key-file', third.key);
    expect(await shownName()).toBe('third');
    expect(await client.command('PING')).toBe('PONG');
  });

  test('what cannot be used is refused, and what was in use stays', async () => {
    await start();
    const client = await open();
    const empty = join(folder, 'empty.crt');
    writeFileSync(empty, 'nothing in here\n');
    const set = (...args: string[]): Promise<unknown> => client.command('CONFIG', 'SET', ...args);
    await expect(set('tls-cert-file', empty)).rejects.toThrow(
      `ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - tls-cert-file '${empty}': no certificate in it`,
    );
    await expect(set('tls-key-file', '/missing')).rejects.toThrow("tls-key-file '/missing': No such file or directory");
    await expect(set('tls-ca-cert-file', empty)).rejects.toThrow('no certificate in it');
    await expect(set('tls-ciphers', 'FOO')).rejects.toThrow('Failed to configure ciphers: FOO');
    expect(await client.command('CONFIG', 'GET', 'tls-cert-file')).toEqual(['tls-cert-file', serverPair.cert]);
    // Each is good, but not together.
    await expect(set('tls-cert-file', clientPair.cert)).rejects.toThrow(
      `tls-key-file '${serverPair.key}': is not the key of tls-cert-file '${clientPair.cert}'`,
    );
    await expect(set('tls-cert-file', '')).rejects.toThrow('No tls-cert-file configured!');
    expect(await shownName()).toBe('server');
    await set('tls-cert-file', clientPair.cert, 'tls-key-file', clientPair.key);
    expect(await shownName()).toBe('client');
    const locked = authority.issue('locked', 'sesame');
    await set('tls-cert-file', locked.cert, 'tls-key-file', locked.key, 'tls-key-file-pass', 'sesame');
    expect(await shownName()).toBe('locked');
  });

  test('sessions are resumed by tickets, until the certificates are renewed', async () => {
    await start({ 'tls-auth-clients': 'no' });
    const visit = (former?: Buffer): Promise<{ session: Buffer | undefined; isReused: boolean }> =>
      new Promise((resolve) => {
        const socket = openSocket(former === undefined ? {} : { session: former });
        let session: Buffer | undefined;
        socket.on('session', (ticket: Buffer) => (session = ticket));
        socket.once('data', () => {
          resolve({ session, isReused: socket.isSessionReused() });
          socket.destroy();
        });
        socket.write('PING\r\n');
      });
    const first = await visit();
    expect(first.isReused).toBe(false);
    expect((await visit(first.session)).isReused).toBe(true);
    const client = await open();
    await client.command('CONFIG', 'SET', 'tls-ca-cert-file', authority.cert);
    expect((await visit(first.session)).isReused).toBe(false);
    await client.command('CONFIG', 'SET', 'tls-session-caching', 'no');
    expect((await visit((await visit()).session)).isReused).toBe(false);
  });

  // ── peers that do not behave ─────────────────────────────────────────────────────────────────────────────────

  test('handshakes that do not go on hold nobody up, and end with the server', async () => {
    const server = await start();
    const silent = Array.from({ length: 50 }, () => net.connect(port, '127.0.0.1'));
    const gone = silent.map((socket) =>
      once(
        socket.on('error', () => undefined),
        'close',
      ),
    );
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    silent.forEach((socket, i) => socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1].slice(0, i % 7))));
    expect(await (await open()).command('PING')).toBe('PONG');
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await server.stop();
    await Promise.all(gone);
  });

  test('a handshake that takes too long is given up', async () => {
    const settings = serverSettings();
    settings.assign(files());
    const failures: string[] = [];
    const accept = (): never => expect.unreachable();
    const failed = (_peer: string, reason: string): void => void failures.push(reason);
    const gate = new TlsGate(serverTls(settings.values), { accept, failed }, 20);
    const server = net.createServer((socket) => gate.take(socket)).listen(port, '127.0.0.1');
    const socket = net.connect(port, '127.0.0.1');
    await closeOf(socket);
    server.close();
    expect(failures).toEqual(['TLS handshake timeout']);
  });

  test('a greeting that is cut or garbled anywhere ends that connection only', async () => {
    const { node } = await start();
    const greeting = await greetingOfTls();
    const damage = fc.record({
      length: fc.integer({ min: 0, max: greeting.length }),
      at: fc.nat(greeting.length - 1),
      byte: fc.nat(255),
      more: fc.uint8Array({ maxLength: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ length, at, byte, more }) => {
        const bytes = Buffer.concat([greeting.subarray(0, length), more]);
        if (at < bytes.length) bytes[at] = byte;
        const socket = net.connect(port, '127.0.0.1');
        socket.end(bytes);
        await closeOf(socket.resume());
      }),
      { numRuns: 200 },
    );
    expect(node.sessions.size).toBe(0);
    expect(await (await open()).command('PING')).toBe('PONG');
  });

  test('what is no TLS is closed, and said in the log', async () => {
    const { node } = await start({ loglevel: 'verbose' });
    for (const bytes of [Buffer.from('*1\r\n$4\r\nPING\r\n'), Buffer.alloc(100_000, 0x16), Buffer.from([0x80, 0])]) {
      const socket = net.connect(port, '127.0.0.1');
      socket.end(bytes);
      await closeOf(socket.resume());
    }
    const lines = log.filter((line) => line.startsWith('Error accepting a client connection: '));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/wrong version number \(addr=127\.0\.0\.1:\d+\)$/);
    expect(node.sessions.size).toBe(0);
    expect(await (await open()).command('PING')).toBe('PONG');
  });
});

/** Resolves when a socket is gone, however it went. */
function closeOf(socket: net.Socket): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** The first bytes that a client of TLS sends. */
async function greetingOfTls(): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  return greeting;
}
