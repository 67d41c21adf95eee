/** A managed node changes roles: what a demotion keeps, how it stands still, and whom a restart must not harm. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CacheError, realFiles, realTimers, realWorld, type Files } from '../../src/base';
import { commands } from '../../src/commands';
import { Client } from '../../src/net';
import { encodeCommand } from '../../src/resp';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';
import { oracleVersion } from '../oracle/oracle-stage';
import { paperServers } from '../views/virtual';
import { LEASE_MS, MANAGED, ManagedNode, Orderly, textOf } from './managed';
import { OwnPeer, randomPort, RedisPeer, until, untilLinked } from './replicas';

const nodes: { stop(): Promise<void> }[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'slotcache-control-'));
  folders.push(path);
  return path;
}

/** A master in a directory of its own whose stream is kept, as if it had a replica. */
async function beginMaster(settings: Readonly<Record<string, string>> = {}): Promise<[ManagedNode, string]> {
  const dir = folder();
  const node = await ManagedNode.master({ dir, ...settings });
  nodes.push(node);
  node.node.replication.feeds.startReading();
  return [node, dir];
}

/** Where its stream is. */
function placeOf({ node }: ManagedNode): { stream: string; offset: number } {
  return { stream: node.replication.history.id, offset: node.replication.offset };
}

async function demote(node: ManagedNode, stream: string, offset: number): Promise<void> {
  node.config.follow(7000, 5, 2, stream, offset);
  await node.pass(200);
}

const sent = (...commands: string[]): string =>
  commands.map((line) => Buffer.from(encodeCommand(line.split(' '))).toString()).join('');

describe('what a demotion discards', () => {
  test('is kept in a file, and counted', async () => {
    const [node, dir] = await beginMaster();
    await node.ask('SET kept 1');
    const { stream, offset } = placeOf(node);
    const writer = node.client();
    for (const line of ['SET lost 2', 'SELECT 3', 'SET lost 3', 'MULTI', 'INCR a', 'INCR b', 'EXEC']) writer(line);
    await node.pass(5);
    await demote(node, stream, offset);
    expect(readFileSync(join(dir, 'lost-2.aof'), 'utf8')).toBe(
      sent('SELECT 0', 'SET lost 2', 'SELECT 3', 'SET lost 3', 'MULTI', 'INCR a', 'INCR b', 'EXEC'),
    );
    expect(readdirSync(dir)).toEqual(['lost-2.aof']);
    const changes = sent('SET lost 2', 'SET lost 3', 'MULTI', 'INCR a', 'INCR b', 'EXEC').length;
    expect(await node.field('last_demotion_discarded_bytes')).toBe(String(changes));
    expect(await node.field('last_demotion_file')).toBe('lost-2.aof');
    expect(await node.field('role')).toBe('slave');
  });

  test('does not take the place of what was discarded before', async () => {
    const [node, dir] = await beginMaster();
    const { stream, offset } = placeOf(node);
    await node.ask('SET lost 1');
    await demote(node, stream, offset);
    node.config.serve(6, 2);
    await node.pass(200);
    const again = placeOf(node);
    await node.ask('SET lost 2');
    node.config.follow(7000, 7, 2, again.stream, again.offset);
    await node.pass(200);
    expect(readdirSync(dir).sort()).toEqual(['lost-2-2.aof', 'lost-2.aof']);
  });

  test('is nothing where only pings were sent: the stream of the new master is gone on with', async () => {
    const [node, dir] = await beginMaster();
    await node.ask('SET kept 1');
    const { stream, offset } = placeOf(node);
    const { feeds, following } = node.node.replication;
    feeds.write(Buffer.from(sent('PING')), 0, sent('PING').length);
    node.node.journal.moveTo(offset + sent('PING').length);
    await demote(node, stream, offset);
    expect(readdirSync(dir)).toEqual([]);
    expect(following.place).toEqual({ id: stream, offset, database: 0 });
    expect(await node.field('last_demotion_discarded_bytes')).toBe('0');
  });

  test('is nothing where the new master has it all', async () => {
    const [node, dir] = await beginMaster();
    await node.ask('SET kept 1');
    const { stream, offset } = placeOf(node);
    await demote(node, stream, offset);
    expect(readdirSync(dir)).toEqual([]);
    expect(node.node.replication.following.place?.offset).toBe(offset);
  });

  test('is as much as there is, where the backlog is too short', async () => {
    const [node, dir] = await beginMaster({ 'repl-backlog-size': '16384' });
    const { stream, offset } = placeOf(node);
    const writer = node.client();
    for (let i = 0; i < 100; i++) writer(`SET lost:${i} ${'v'.repeat(1000)}`);
    await node.pass(5);
    const written = placeOf(node).offset - offset;
    await demote(node, stream, offset);
    const file = readFileSync(join(dir, 'lost-2.aof'), 'utf8');
    expect(file.startsWith(`${sent('SELECT 0')}*3\r\n$3\r\nSET\r\n`)).toBe(true);
    expect(file.endsWith(sent(`SET lost:99 ${'v'.repeat(1000)}`))).toBe(true);
    expect(file.length).toBeGreaterThan(16_000);
    expect(await node.field('last_demotion_discarded_bytes')).toBe(String(written));
    expect(node.time.log.some(([, line]) => line.includes('has only the end'))).toBe(true);
  });

  test('is not known where the new master is of another stream', async () => {
    const [node] = await beginMaster();
    await demote(node, 'f'.repeat(40), 7);
    expect(await node.field('last_demotion_discarded_bytes')).toBe('-1');
    expect(await node.field('role')).toBe('slave');
  });

  test('stays in the node until it can be kept', async () => {
    const [node, dir] = await beginMaster();
    const { stream, offset } = placeOf(node);
    await node.ask('SET lost 1');
    const { files } = node.world;
    let isFull = true;
    const create: Files['create'] = (path) => {
      if (isFull) throw new CacheError('FILE_FAILED', 'no space left');
      return realFiles.create(path);
    };
    Object.assign(node.world, { files: Object.assign(Object.create(files) as Files, { create }) });
    await demote(node, stream, offset);
    expect(await node.field('role')).toBe('master');
    expect(await node.ask('SET key value')).toMatch(/^CLUSTERDOWN/);
    expect(node.time.log.filter(([, line]) => line.includes('cannot be kept'))).toHaveLength(1);
    isFull = false;
    await node.pass(200);
    expect(await node.field('role')).toBe('slave');
    expect(readdirSync(dir)).toEqual(['lost-2.aof']);
  });
});

describe('standing still', () => {
  test('holds writes back, and the offset that is answered stands', async () => {
    const [node] = await beginMaster();
    const writer = node.client();
    writer('SET key value');
    const held = node.client()('SLOTCACHE HOLD 1 1000');
    await node.pass(2);
    const { stream, offset } = placeOf(node);
    expect(textOf(held)).toBe(`${stream},${offset}`);
    const write = writer('SET key again');
    await node.pass(900);
    expect(textOf(write)).toBe('nothing');
    expect(placeOf(node).offset).toBe(offset);
    expect(await node.ask('SLOTCACHE RELEASE')).toBe('OK');
    await node.pass(200);
    expect(textOf(write)).toBe('OK');
  });

  test('ends by itself, but nothing is written without a fresh lease', async () => {
    const [node] = await beginMaster();
    node.config.say({ duty: 'wait', leaseMs: 0, view: 2, epoch: 2 });
    const held = node.client()('SLOTCACHE HOLD 2 100');
    const write = node.client()('SET key value');
    await node.pass(LEASE_MS - 200);
    expect(textOf(held)).toMatch(/^[0-9a-f]{40},\d+$/);
    expect(textOf(write)).toBe('nothing');
    node.config.serve(3, 2);
    await node.pass(200);
    expect(textOf(write)).toBe('OK');
  });

  test('ends when this is a replica, and who was held back is told so', async () => {
    const [node] = await beginMaster();
    node.client()('SLOTCACHE HOLD 1 60000');
    const write = node.client()('SET key value');
    await node.pass(2);
    const { stream, offset } = placeOf(node);
    await demote(node, stream, offset);
    expect(textOf(write)).toMatch(/^READONLY/);
    expect(await node.ask('SLOTCACHE HOLD 2 1000')).toBe('ERR This server is no master.');
  });

  test('waiting for a change of master does not end a lease: what is under way is finished', async () => {
    const [node] = await beginMaster();
    node.config.say({ duty: 'wait', leaseMs: 0, view: 2, epoch: 2 });
    await node.pass(300);
    expect(await node.field('slotcache_duty')).toBe('wait');
    expect(await node.ask('SET key value')).toBe('OK');
  });

  test.each(['SLOTCACHE HOLD 1 0', 'SLOTCACHE HOLD x 1', 'SLOTCACHE EPOCH 1 x', 'SLOTCACHE HOLD 1 600001'])(
    '%s is refused',
    async (line) => {
      const [node] = await beginMaster();
      expect(await node.ask(line)).toMatch(/^ERR/);
    },
  );

  test('a node that follows nobody believes everybody', async () => {
    const peer = await OwnPeer.start();
    nodes.push(peer);
    expect(await peer.say('SLOTCACHE', 'EPOCH', '1', '7')).toBe('OK');
    await expect(peer.say('SLOTCACHE', 'HOLD', '1', '7')).rejects.toThrow('follows no config servers');
    await expect(peer.say('SLOTCACHE', 'RELEASE')).rejects.toThrow('follows no config servers');
  });
});

/** A managed node in real time, behind a port. */
class RealManaged {
  readonly log: string[] = [];

  private constructor(
    readonly node: DataNode,
    readonly port: number,
    readonly config: Orderly,
  ) {}

  static async start(settings: Readonly<Record<string, string>>): Promise<RealManaged> {
    const table = serverSettings();
    const port = randomPort();
    table.assign({ ...MANAGED, port: String(port), bind: '127.0.0.1', 'repl-diskless-sync-delay': '0', ...settings });
    const log: string[] = [];
    const node = new DataNode(realWorld({ log: (_, line) => void log.push(line) }), table);
    const { connect, servers } = paperServers({ timers: realTimers });
    const managed = new RealManaged(node, port, new Orderly(servers));
    node.allegiance!.connect = connect;
    await node.start();
    nodes.push(managed);
    return managed;
  }

  stop(): Promise<void> {
    return this.node.stop();
  }
}

describe('a master that comes back', () => {
  test('goes on after what it has as a replica of its successor', async () => {
    const dir = folder();
    const settings = { dir, appendonly: 'yes', appendfsync: 'always' };
    const first = await RealManaged.start(settings);
    first.config.serve();
    const successor = await OwnPeer.start();
    nodes.push(successor);
    await until(() => first.node.allegiance!.duty === 'serve');
    await successor.say('REPLICAOF', '127.0.0.1', String(first.port));
    await untilLinked(successor);
    const writer = await Client.connect({ host: '127.0.0.1', port: first.port }, realTimers);
    await writer.command('SET', 'key', 'value');
    await until(async () => (await successor.say('GET', 'key')) === 'value');
    await writer.close();
    const stream = first.node.replication.history.id;
    const { offset } = first.node.replication;
    nodes.splice(nodes.indexOf(first), 1);
    await first.stop();
    await successor.say('REPLICAOF', 'NO', 'ONE');
    await successor.say('SET', 'key', 'newer');
    const second = await RealManaged.start(settings);
    expect(second.node.allegiance!.isPending).toBe(true);
    expect(second.node.replication.offset).toBe(offset);
    second.config.follow(successor.port, 2, 2, stream, offset);
    await until(() => second.node.replication.following.isConnected);
    await until(() => second.node.replication.offset === successor.node.replication.offset);
    expect(second.node.keyspace.database(0).size).toBe(1);
    expect(successor.node.statistics.partialSyncs).toBe(1);
    expect(second.node.allegiance!.lastDemotion?.discardedBytes).toBe(0);
  });

  test('finds on disk what it had beyond its successor', async () => {
    const dir = folder();
    const settings = { dir, appendonly: 'yes' };
    const first = await RealManaged.start(settings);
    first.config.serve();
    await until(() => first.node.allegiance!.duty === 'serve');
    first.node.replication.feeds.startReading();
    const writer = await Client.connect({ host: '127.0.0.1', port: first.port }, realTimers);
    await writer.command('SELECT', 2);
    await writer.command('SET', 'kept', '1');
    const { id: stream } = first.node.replication.history;
    const { offset } = first.node.replication;
    await writer.command('SET', 'lost', '2');
    await writer.command('SELECT', 0);
    await writer.command('SET', 'lost', '3');
    const { offset: end } = first.node.replication;
    await writer.close();
    nodes.splice(nodes.indexOf(first), 1);
    await first.stop();
    const second = await RealManaged.start(settings);
    second.config.follow(randomPort(), 4, 3, stream, offset);
    await until(() => second.node.replication.isReplica);
    expect(second.node.allegiance!.lastDemotion).toMatchObject({ discardedBytes: end - offset, file: 'lost-3.aof' });
    expect(readFileSync(join(dir, 'lost-3.aof'), 'utf8')).toBe(
      sent('SELECT 2', 'SET lost 2', 'SELECT 0', 'SET lost 3'),
    );
  });

  test.skipIf(oracleVersion === null)('empty does not wipe a redis-server that follows it', async () => {
    const redis = await RedisPeer.start();
    nodes.push(redis);
    await redis.say('SET', 'key', 'value');
    const empty = await RealManaged.start({ dir: folder() });
    const attempts = (): number => empty.node.statistics.failedCalls[commands.byName('PSYNC')!.id];
    await redis.say('REPLICAOF', '127.0.0.1', String(empty.port));
    await until(() => attempts() >= 2, 'a second attempt');
    expect(await redis.say('GET', 'key')).toBe('value');
    expect(empty.node.statistics.fullSyncs).toBe(0);
    empty.config.serve();
    await untilLinked(redis);
    expect(await redis.say('DBSIZE')).toBe(0);
  });
});
