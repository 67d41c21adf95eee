/**
 * A data node as the replica of a real redis-server: full and partial resynchronizations, every type, transactions, expiry, chains.
 */
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Authority, hasOpenssl, makeFolder, removeFolder } from '../net/authority';
import { oracleVersion } from '../oracle/oracle-stage';
import {
  digestOf,
  follow,
  infoOf,
  kept,
  OwnPeer,
  randomPort,
  RedisPeer,
  stopKept,
  until,
  untilEqual,
  untilLinked,
  type Peer,
} from './replicas';

afterEach(stopKept);

/** Keys of every type, small ones and large ones, in several databases, some with an expiry. */
async function fill(master: Peer): Promise<void> {
  for (const database of ['0', '3', '9']) {
    await master.say('SELECT', database);
    await master.say('SET', 'string', `of ${database}`);
    await master.say('SET', 'large', 'x'.repeat(100_000));
    await master.say('SET', 'number', '12345', 'PX', '5000000');
    await master.say('RPUSH', 'list', 'a', 'b', '3', 'x'.repeat(500));
    await master.say('SADD', 'set', 'a', 'b');
    await master.say('SADD', 'integers', '1', '2', '3');
    await master.say('HSET', 'hash', 'f', '1', 'g', '2');
    await master.say('ZADD', 'sorted', '1', 'a', '2.5', 'b');
    await master.say('XADD', 'stream', '1-1', 'f', 'v');
    await master.say('XGROUP', 'CREATE', 'stream', 'group', '0');
    await master.say('PFADD', 'log', 'a', 'b');
    for (const [command, key, pair] of [
      ['RPUSH', 'long', false],
      ['SADD', 'many', false],
      ['HSET', 'fields', true],
      ['ZADD', 'scores', true],
    ] as const) {
      const words: string[] = [];
      for (let i = 0; i < 1000; i++) words.push(...(pair ? [String(i), `member:${i}`] : [`member:${i}`]));
      await master.say(command, key, ...words);
    }
  }
  await master.say('SELECT', '0');
}

async function write(master: Peer, count: number): Promise<void> {
  const replies: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    replies.push(master.say('SET', `key:${i}`, `value:${Math.random()}`));
    replies.push(master.say('RPUSH', 'list', String(i)));
    replies.push(master.say('INCR', 'counter'));
  }
  await Promise.all(replies);
}

/** Until a new append-only file has what a full synchronisation has brought; before, the old one counts. */
function untilRewritten(replica: Peer): Promise<void> {
  return until(async () => (await infoOf(replica, 'aof_rewrite_in_progress')) === '0', 'a rewritten file');
}

async function expectEqual(master: Peer, replica: Peer): Promise<void> {
  await untilEqual(master, replica);
  expect(await digestOf(replica)).toBe(await digestOf(master));
}

const WAYS: readonly (readonly [load: string, sync: string])[] = [
  ['disabled', 'yes'],
  ['disabled', 'no'],
  ['on-empty-db', 'yes'],
  ['swapdb', 'yes'],
  ['swapdb', 'no'],
];

describe.skipIf(oracleVersion === null)('a replica of a redis-server', () => {
  for (const [load, sync] of WAYS) {
    it(`gets everything (repl-diskless-load ${load}, repl-diskless-sync ${sync})`, async () => {
      const master = kept(await RedisPeer.start(['--repl-diskless-sync', sync]));
      const replica = kept(await OwnPeer.start({ 'repl-diskless-load': load }));
      await fill(master);
      // So that loading takes longer than a turn.
      await master.say('DEBUG', 'POPULATE', '30000');
      if (load !== 'on-empty-db') await replica.say('SET', 'former', '1');
      let isLinked = false;
      const writing = (async () => {
        while (!isLinked) await write(master, 20);
      })();
      await follow(replica, master);
      isLinked = true;
      await writing;
      await expectEqual(master, replica);
      expect(await replica.say('EXISTS', 'former')).toBe(0);
      await write(master, 500);
      await expectEqual(master, replica);
    });
  }

  it('goes on where it was after the link was cut', async () => {
    const master = kept(await RedisPeer.start());
    const replica = kept(await OwnPeer.start({ appendonly: 'yes' }));
    await fill(master);
    await follow(replica, master);
    for (let i = 0; i < 3; i++) {
      const writing = write(master, 300);
      await master.say('CLIENT', 'KILL', 'TYPE', 'replica');
      await writing;
      await untilLinked(replica);
      await expectEqual(master, replica);
    }
    expect(Number(await infoOf(master, 'sync_full'))).toBe(1);
    expect(Number(await infoOf(master, 'sync_partial_ok'))).toBe(3);
  });

  it('needs only what it lacks after both were down', async () => {
    const first = await RedisPeer.start(['--save', '3600', '1']);
    const replica = kept(await OwnPeer.start());
    await fill(first);
    await follow(replica, first);
    await untilEqual(first, replica);
    await first.stop(true, 'SIGTERM');
    await until(async () => (await infoOf(replica, 'master_link_status')) === 'down');
    const master = kept(await RedisPeer.start([], first.port, first.directory));
    await untilLinked(replica);
    await write(master, 100);
    await expectEqual(master, replica);
    expect(Number(await infoOf(master, 'sync_full'))).toBe(0);
    expect(Number(await infoOf(master, 'sync_partial_ok'))).toBe(1);
  });

  it('does transactions, and what scripts and chance have left', async () => {
    const master = kept(await RedisPeer.start());
    const replica = kept(await OwnPeer.start());
    await follow(replica, master);
    for (let i = 0; i < 50; i++) {
      const replies = [
        master.say('MULTI'),
        master.say('SELECT', String(i % 4)),
        master.say('INCR', 'a'),
        master.say('SELECT', '2'),
        master.say('SADD', 's', String(i)),
        master.say('EXEC'),
        master.say(
          'EVAL',
          "redis.call('LPUSH', KEYS[1], ARGV[1]) redis.call('INCR', KEYS[2])",
          '2',
          'l',
          'n',
          String(i),
        ),
        master.say('SPOP', 's'),
        master.say('INCRBYFLOAT', 'f', '0.1'),
      ];
      await Promise.all(replies);
    }
    await expectEqual(master, replica);
  });

  it('hides keys whose time has come, and lets them go when the master says so', async () => {
    const master = kept(await RedisPeer.start());
    const replica = kept(await OwnPeer.start());
    await follow(replica, master);
    await master.say('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await master.say('SET', 'brief', '1', 'PX', '50');
    await untilEqual(master, replica);
    await until(async () => (await replica.say('EXISTS', 'brief')) === 0);
    expect(await replica.say('GET', 'brief')).toBe(null);
    expect(await replica.say('DBSIZE')).toBe(1);
    expect(await master.say('GET', 'brief')).toBe(null);
    await untilEqual(master, replica);
    expect(await replica.say('DBSIZE')).toBe(0);
  });

  it('hands the stream on to a redis-server', async () => {
    const master = kept(await RedisPeer.start());
    const middle = kept(await OwnPeer.start());
    const last = kept(await RedisPeer.start());
    await fill(master);
    await follow(middle, master);
    await follow(last, middle);
    await write(master, 500);
    await expectEqual(master, middle);
    await expectEqual(middle, last);
    await master.say('CLIENT', 'KILL', 'TYPE', 'replica');
    await master.say('SELECT', '5');
    await write(master, 500);
    await expectEqual(master, middle);
    await expectEqual(middle, last);
    expect(await infoOf(middle, 'sync_full')).toBe('1');
  });

  it('becomes the master of those who followed the same one', async () => {
    const master = kept(await RedisPeer.start());
    const heir = kept(await OwnPeer.start());
    const sibling = kept(await RedisPeer.start());
    await fill(master);
    await follow(heir, master);
    await follow(sibling, master);
    await write(master, 100);
    await untilEqual(master, heir);
    await untilEqual(master, sibling);
    expect(await heir.say('REPLICAOF', 'NO', 'ONE')).toBe('OK');
    await write(heir, 100);
    await follow(sibling, heir);
    await expectEqual(heir, sibling);
    expect(await infoOf(heir, 'sync_full')).toBe('0');
    expect(await infoOf(heir, 'sync_partial_ok')).toBe('1');
    // And who was the master goes on from where the two parted, if it did nothing since.
    await follow(master, heir);
    await expectEqual(heir, master);
  });

  it('keeps what it has in an append-only file', async () => {
    const master = kept(await RedisPeer.start());
    const first = await OwnPeer.start({ appendonly: 'yes' });
    await fill(master);
    await follow(first, master);
    await write(master, 300);
    await expectEqual(master, first);
    await untilRewritten(first);
    const digest = await digestOf(first);
    await first.stop(true);
    const second = kept(await OwnPeer.start({ appendonly: 'yes' }, first.directory));
    expect(await digestOf(second)).toBe(digest);
  });

  it.each([
    ['an RDB file', {}],
    ['an append-only file', { appendonly: 'yes' }],
  ])('needs only what it lacks after a restart from %s', async (_name, settings) => {
    const master = kept(await RedisPeer.start());
    const first = await OwnPeer.start(settings);
    await fill(master);
    await follow(first, master);
    await write(master, 100);
    await master.say('SELECT', '7');
    await master.say('SET', 'last', '1');
    await untilEqual(master, first);
    if (!('appendonly' in settings)) await first.say('SAVE');
    await untilRewritten(first);
    await first.stop(true);
    await master.say('SET', 'meanwhile', '1');
    const replicaof = `127.0.0.1 ${master.port}`;
    const second = kept(await OwnPeer.start({ ...settings, replicaof }, first.directory));
    await untilLinked(second);
    await write(master, 100);
    await expectEqual(master, second);
    expect(await infoOf(master, 'sync_full')).toBe('1');
    expect(await infoOf(master, 'sync_partial_ok')).toBe('1');
  });

  it('says who it is, where the master asks for that', async () => {
    const master = kept(await RedisPeer.start());
    await master.say('ACL', 'SETUSER', 'copier', 'on', '>secret', '+psync', '+replconf', '+ping');
    await master.say('CONFIG', 'SET', 'requirepass', 'other');
    await master.say('AUTH', 'other');
    const replica = kept(await OwnPeer.start({ masterauth: 'wrong', masteruser: 'copier' }));
    await replica.say('REPLICAOF', '127.0.0.1', String(master.port));
    await until(() => replica.log.some((line) => line.includes('Unable to AUTH to MASTER: -WRONGPASS')));
    await replica.say('CONFIG', 'SET', 'masterauth', 'secret');
    await untilLinked(replica);
    await replica.say('REPLICAOF', 'NO', 'ONE');
    await replica.say('CONFIG', 'SET', 'masterauth', 'other', 'masteruser', '');
    await follow(replica, master);
    await master.say('SET', 'key', '1');
    await expectEqual(master, replica);
  });

  it('keeps what it serves, and its files, until the new data are whole', async () => {
    const master = kept(await RedisPeer.start());
    const replica = kept(await OwnPeer.start({ save: '1 1', appendonly: 'yes' }));
    await replica.say('SET', 'mine', '1');
    const { node } = replica;
    // A master that promises a snapshot and sends half of it.
    const liar = createServer((socket) => {
      let said = 0;
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        if (!chunk.includes('PSYNC')) return void socket.write('+OK\r\n');
        if (said++ === 0) socket.end(`+FULLRESYNC ${'a'.repeat(40)} 5\r\n$1000\r\nREDIS0011`);
      });
    });
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    await replica.say('REPLICAOF', '127.0.0.1', String((liar.address() as AddressInfo).port));
    await until(() => replica.log.some((line) => line.includes('The master has closed the connection')));
    expect(await replica.say('GET', 'mine')).toBe('1');
    expect(node.persistence.isSuspended).toBe(false);
    liar.close();
    await master.say('SET', 'theirs', '1');
    await follow(replica, master);
    await expectEqual(master, replica);
    expect(await replica.say('GET', 'mine')).toBe(null);
    await until(() => node.persistence.appendOnly.state === 'on');
  });
});

describe.skipIf(oracleVersion === null || !hasOpenssl)('a replica of a redis-server by TLS', () => {
  it('follows it as without', async () => {
    const folder = makeFolder();
    try {
      const authority = new Authority(folder, 'authority');
      const { cert, key } = authority.issue('node');
      const files = { 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': authority.cert };
      const tlsPort = randomPort();
      const words = Object.entries(files).flatMap(([name, path]) => [`--${name}`, path]);
      const master = kept(await RedisPeer.start(['--tls-port', String(tlsPort), ...words]));
      const replica = kept(await OwnPeer.start({ ...files, 'tls-replication': 'yes' }));
      await fill(master);
      await replica.say('REPLICAOF', '127.0.0.1', String(tlsPort));
      await untilLinked(replica);
      await write(master, 200);
      await expectEqual(master, replica);
    } finally {
      removeFolder(folder);
    }
  });
});
