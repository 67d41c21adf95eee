/**
 * The end of a master: what it waits for, who may call that off, and that it takes nothing from its replicas with it.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestNode, textOf, type Say } from './nodes';
import { RawReplica } from './raw-replica';
import { digestOf, follow, infoOf, OwnPeer, until, untilEqual, untilLinked, type Peer } from './replicas';

const FAILED = 'ERR Errors trying to SHUTDOWN. Check logs.';
const CLOSED = { code: 'CLOSED' };

describe('a master with a replica that lags', () => {
  let master: TestNode;
  let say: Say;
  let replica: RawReplica;
  let ends: number;

  beforeEach(async () => {
    master = new TestNode({ 'repl-diskless-sync-delay': '0', 'shutdown-timeout': '5' });
    ends = 0;
    master.node.on('shutdown', () => ends++);
    say = master.client();
    replica = new RawReplica(master);
    await replica.join();
    await say('SET k v');
    await until(() => replica.received.endsWith('v\r\n'), 'the write');
  });
  afterEach(() => master.node.stop());

  const logged = (): string[] => master.log.map(([, message]) => message);
  const offset = (): number => master.node.replication.offset;

  /** Asks for the end, on a connection of its own, and resolves when that is waited for. */
  async function shutDown(words = ''): Promise<{ outcome: Promise<unknown> }> {
    const count = master.node.leaving.sessions.size;
    const outcome = master
      .client()(`SHUTDOWN ${words}`.trim())
      .catch((error: Error) => error);
    await until(() => master.node.leaving.sessions.size === count + 1, 'the wait');
    return { outcome };
  }

  it('asks it, holds writes back, serves reads, and ends when it has everything', async () => {
    const { outcome } = await shutDown();
    await until(() => replica.received.includes('GETACK'), 'the question');
    const writer = master.client();
    const write = writer('SET k later').catch((error: Error) => error);
    expect(await say('GET k')).toBe('v');
    expect(await textOf(say('INFO server'))).toContain('\r\nshutdown_in_milliseconds:5000\r\n');
    expect(await textOf(say('CLIENT LIST'))).toMatch(/flags=b .*cmd=shutdown /);
    expect(ends).toBe(0);
    replica.say(`REPLCONF ACK ${offset()}`);
    expect(await outcome).toMatchObject(CLOSED);
    expect(ends).toBe(1);
    expect(logged().slice(-3)).toEqual([
      'User requested shutdown...',
      'Waiting for replicas before shutting down.',
      '1 of 1 replicas are in sync when shutting down.',
    ]);
    // What nobody saves any more is not done, and nobody is told that it is.
    await master.node.stop();
    expect(await write).toMatchObject(CLOSED);
    expect(replica.received).not.toContain('later');
    expect(replica.isClosed).toBe(true);
  });

  it('ends without it when time is up', async () => {
    const { outcome } = await shutDown();
    const lacking = offset() - Number(/offset=(\d+)/.exec(await textOf(say('INFO replication')))![1]);
    master.nowMs += 5000;
    expect(await outcome).toMatchObject(CLOSED);
    expect(logged().slice(-2)).toEqual([
      expect.stringMatching(
        new RegExp(`^Lagging replica \\S+ reported offset ${lacking} behind master, lag=5, state=online\\.$`),
      ),
      '0 of 1 replicas are in sync when shutting down.',
    ]);
  });

  it('does not wait for one that has left', async () => {
    const { outcome } = await shutDown();
    replica.connection.destroy();
    expect(await outcome).toMatchObject(CLOSED);
  });

  it('is called off by ABORT, and told to all who asked', async () => {
    const outcomes = [await shutDown(), await shutDown('NOSAVE')].map(({ outcome }) => outcome);
    const write = master.client()('SET k later');
    expect(await say('SHUTDOWN ABORT')).toBe('OK');
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ message: FAILED });
    expect(await write).toBe('OK');
    expect(logged().at(-1)).toBe('Shutdown manually aborted.');
    await expect(say('SHUTDOWN ABORT')).rejects.toThrow('ERR No shutdown in progress.');
    expect(await textOf(say('INFO server'))).not.toContain('shutdown_in_milliseconds');
    replica.say(`REPLCONF ACK ${offset()}`);
    await master.settle();
    expect(ends).toBe(0);
  });

  it('is hurried by NOW, and waits for none then, or where shutdown-timeout is 0', async () => {
    const { outcome } = await shutDown();
    await expect(master.client()('SHUTDOWN NOW')).rejects.toMatchObject(CLOSED);
    expect(await outcome).toMatchObject(CLOSED);
    expect(ends).toBe(1);
    await say('CONFIG SET shutdown-timeout 0');
    await expect(say('SHUTDOWN')).rejects.toMatchObject(CLOSED);
    expect(ends).toBe(2);
  });

  it('goes on without who asked, and without a pause of theirs', async () => {
    const { outcome } = await shutDown();
    const [waiter] = master.node.leaving.sessions;
    expect(await say(`CLIENT UNBLOCK ${waiter.id}`)).toBe(1);
    expect(await outcome).toMatchObject({ message: /^UNBLOCKED/ });
    await say('CLIENT PAUSE 60000 WRITE');
    await say('CLIENT UNPAUSE');
    const write = master
      .client()('SET k later')
      .catch((error: Error) => error);
    await master.settle();
    expect(await say('GET k')).toBe('v');
    expect(master.node.isShuttingDown).toBe(true);
    replica.say(`REPLCONF ACK ${offset()}`);
    await until(() => ends === 1, 'the end');
    await master.node.stop();
    expect(await write).toMatchObject(CLOSED);
  });

  it('does not wait for one that gets its snapshot, nor for an old one that says nothing', async () => {
    replica.connection.destroy();
    await say('CONFIG SET repl-diskless-sync-delay 60');
    const newcomer = new RawReplica(master);
    await newcomer.ask('REPLCONF capa eof capa psync2');
    newcomer.say('PSYNC ? -1');
    await until(() => master.node.replication.feeds.all.some(({ state }) => state === 'waiting'), 'the newcomer');
    await until(() => replica.isClosed);
    await expect(say('SHUTDOWN')).rejects.toMatchObject(CLOSED);
    expect(logged()).not.toContain('Waiting for replicas before shutting down.');
  });
});

describe('servers with files', () => {
  const peers: Peer[] = [];
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  });

  async function start(...args: Parameters<typeof OwnPeer.start>): Promise<OwnPeer> {
    const peer = await OwnPeer.start(...args);
    peers.push(peer);
    return peer;
  }

  it('saves after the wait; where that fails the node goes on, and who asked is told', async () => {
    const master = await start({ save: '1000 1000' });
    const inTheWay = join(master.directory, 'dump.rdb');
    mkdirSync(join(inTheWay, 'something'), { recursive: true });
    const replica = new RawReplica(master);
    await replica.join();
    await master.say('SET', 'k', 'v');
    const failed = master.say('SHUTDOWN').catch((error: Error) => error.message);
    await until(() => master.node.isShuttingDown, 'the wait');
    replica.say(`REPLCONF ACK ${master.node.replication.offset}`);
    expect(await failed).toBe(FAILED);
    expect(master.log.slice(-2)).toEqual([
      "Error trying to save the DB, can't exit.",
      'Errors trying to shut down the server. Check the logs for more information.',
    ]);
    rmSync(inTheWay, { recursive: true });
    await expect(master.say('SHUTDOWN', 'NOW')).rejects.toMatchObject(CLOSED);
    expect(existsSync(inTheWay)).toBe(true);
  });

  it('both with append-only files go on where they were, whoever ended first', async () => {
    const keeping = { appendonly: 'yes', save: '' };
    let master = await start(keeping);
    let replica = await start(keeping);
    for (const endsFirst of ['master', 'replica']) {
      if ((await infoOf(replica, 'master_link_status')) === '') await follow(replica, master);
      for (let i = 0; i < 100; i++) void master.say('SET', `${endsFirst}:${i}`, 'x'.repeat(i));
      await master.say('INCR', 'counter');
      // While its first file is being written it must not end.
      await until(async () => (await infoOf(replica, 'aof_rewrite_in_progress')) === '0', 'the first file');
      const order = endsFirst === 'master' ? [master, replica] : [replica, master];
      for (const peer of order) {
        await end(peer);
        // A replica that is known to be gone is asked nothing more, which would be a part of the stream that it lacks.
        await until(() => master.node.replication.feeds.all.length === 0, 'the parting');
      }
      peers.length = 0;
      master = await start(keeping, master.directory);
      replica = await start({ ...keeping, replicaof: `127.0.0.1 ${master.port}` }, replica.directory);
      await untilLinked(replica);
      await untilEqual(master, replica);
      expect(await digestOf(replica)).toBe(await digestOf(master));
      expect([await infoOf(master, 'sync_full'), await infoOf(master, 'sync_partial_ok')]).toEqual(['0', '1']);
    }
  });

  it('a replica that reads slowly gets all that was written before the end', async () => {
    const master = await start();
    const slow = new RawClient(master.port);
    await slow.says('PSYNC ? -1\r\n');
    await until(() => slow.received > 0, 'the snapshot');
    await until(async () => (await infoOf(master, 'slave0')).includes('state=online'), 'the replica');
    const [feed] = master.node.replication.feeds.all;
    const before = slow.received;
    const from = feed.position;
    slow.socket.pause();
    for (let i = 0; i < 16; i++) await master.say('SET', 'k', Buffer.alloc(1024 * 1024));
    const wanted = master.node.replication.offset - from;
    expect(feed.connection.unsentBytes).toBeGreaterThan(0);
    const stopped = master.node.stop();
    // It says something meanwhile, which nobody will read.
    slow.socket.write('REPLCONF ACK 1\r\n');
    slow.socket.resume();
    await stopped;
    await until(() => slow.isClosed, 'the end');
    expect(slow.received - before).toBe(wanted);
  });
});

/** Ends a peer as SHUTDOWN does. */
async function end(peer: OwnPeer): Promise<void> {
  const isOver = new Promise((resolve) => peer.node.once('shutdown', () => resolve(null)));
  peer.node.shutdown();
  await isOver;
  await peer.stop(true);
}

/** A connection that counts what comes. */
class RawClient {
  received = 0;
  isClosed = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.on('data', (bytes) => (this.received += bytes.length));
    this.socket.on('close', () => (this.isClosed = true));
    this.socket.on('error', () => undefined);
  }

  says(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()));
  }
}
