/**
 * FAILOVER: between a data node and a real redis-server, both ways, and between two data nodes; and what it refuses.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { oracleVersion } from '../oracle/oracle-stage';
import {
  digestOf,
  follow,
  infoOf,
  kept,
  OwnPeer,
  RedisPeer,
  stopKept,
  until,
  untilEqual,
  untilLinked,
  type Peer,
} from './replicas';

afterEach(stopKept);

/** A replica that takes the stream and never says that it has any of it. */
async function deafReplica(master: OwnPeer): Promise<Socket> {
  const socket = connect(master.port, '127.0.0.1');
  socket.write('REPLCONF capa eof capa psync2\r\n');
  await once(socket, 'data');
  socket.on('data', () => undefined);
  socket.write('PSYNC ? -1\r\n');
  const { feeds } = master.node.replication;
  await until(() => {
    socket.write('REPLCONF ACK 0\r\n');
    return feeds.all[0]?.state === 'online';
  });
  await master.say('SET', 'behind', '1');
  return socket;
}

/** Hands over from one to the other while somebody writes; no write that was answered with OK may be missing. */
async function handOver(master: Peer, heir: Peer): Promise<void> {
  let acknowledged = 0;
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      try {
        await master.say('INCR', 'counter');
        acknowledged++;
      } catch (error) {
        expect((error as Error).message).toContain('READONLY');
        return;
      }
    }
  })();
  await until(() => acknowledged > 20);
  expect(await master.say('FAILOVER')).toBe('OK');
  await until(async () => (await infoOf(heir, 'role')) === 'master');
  await untilLinked(master);
  isOver = true;
  await writing;
  await heir.say('SET', 'after', '1');
  await untilEqual(heir, master);
  expect(await heir.say('GET', 'counter')).toBe(String(acknowledged));
  expect(await digestOf(master)).toBe(await digestOf(heir));
  expect(await infoOf(master, 'master_failover_state')).toBe('no-failover');
  expect(await infoOf(heir, 'sync_full')).toBe('0');
}

describe('FAILOVER', () => {
  it('gives the place of master to the other, and takes it back', async () => {
    const [a, b] = [kept(await OwnPeer.start()), kept(await OwnPeer.start())];
    await follow(b, a);
    await handOver(a, b);
    await b.say('DEL', 'counter');
    await follow(a, b);
    await untilEqual(b, a);
    expect(await b.say('FAILOVER', 'TO', '127.0.0.1', String(a.port), 'TIMEOUT', '5000')).toBe('OK');
    await until(async () => (await infoOf(a, 'role')) === 'master');
    await untilLinked(b);
    expect((await b.say('CONFIG', 'GET', 'replicaof')) as unknown[]).toContain(`127.0.0.1 ${a.port}`);
    expect((await a.say('CONFIG', 'GET', 'replicaof')) as unknown[]).toContain('');
  });

  it('waits no longer than it was told, and can be given up', async () => {
    const a = kept(await OwnPeer.start());
    const deaf = await deafReplica(a);
    expect(await a.say('FAILOVER', 'TIMEOUT', '50')).toBe('OK');
    // It waits for the end, and is done then.
    const writing = a.say('SET', 'key', '1');
    await until(async () => (await infoOf(a, 'master_failover_state')) === 'no-failover');
    expect(await writing).toBe('OK');
    expect(a.log.join('\n')).toContain('Replica never caught up before timeout');
    expect(await a.say('FAILOVER')).toBe('OK');
    await expect(a.say('FAILOVER')).rejects.toThrow('already in progress');
    await expect(a.say('REPLICAOF', 'NO', 'ONE')).rejects.toThrow('not allowed while failing over');
    expect(await infoOf(a, 'master_failover_state')).toBe('waiting-for-sync');
    expect(await a.say('FAILOVER', 'ABORT')).toBe('OK');
    expect(await a.say('SET', 'key', '2')).toBe('OK');
    deaf.destroy();
  });

  it('refuses what makes no sense, in the words of Redis', async () => {
    const a = kept(await OwnPeer.start());
    const refusals: readonly (readonly [words: readonly string[], text: string])[] = [
      [[], 'ERR FAILOVER requires connected replicas.'],
      [['TO', 'h'], 'ERR syntax error'],
      [['TO', 'h', 'x'], 'ERR value is not an integer or out of range'],
      [['ABORT'], 'ERR No failover in progress.'],
      [['TIMEOUT', '0'], 'ERR FAILOVER timeout must be greater than 0'],
      [['ABORT', 'TIMEOUT', '3'], 'ERR syntax error'],
      [['FORCE'], 'ERR FAILOVER requires connected replicas.'],
    ];
    for (const [words, text] of refusals) await expect(a.say('FAILOVER', ...words)).rejects.toThrow(text);
    const b = kept(await OwnPeer.start());
    await follow(b, a);
    await expect(a.say('FAILOVER', 'FORCE')).rejects.toThrow('requires both a timeout and target');
    await expect(a.say('FAILOVER', 'TO', 'elsewhere', '1')).rejects.toThrow('is not a replica');
    await expect(b.say('FAILOVER')).rejects.toThrow('not valid when server is a replica');
  });
});

describe.skipIf(oracleVersion === null)('FAILOVER with a redis-server', () => {
  it('works both ways', async () => {
    const [ours, redis] = [kept(await OwnPeer.start()), kept(await RedisPeer.start())];
    await follow(redis, ours);
    await handOver(ours, redis);
    await redis.say('DEL', 'counter');
    await untilEqual(redis, ours);
    await redis.say('CONFIG', 'RESETSTAT');
    await ours.say('CONFIG', 'RESETSTAT');
    await handOver(redis, ours);
  });
});
