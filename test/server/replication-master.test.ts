/**
 * A master as replicas see it: connections that speak PSYNC by hand, in memory, and real redis-servers.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { oracleVersion } from '../oracle/oracle-stage';
import { TestNode, textOf } from './nodes';
import { RawReplica } from './raw-replica';
import { digestOf, OwnPeer, RedisPeer, until, untilEqual, untilLinked, type Peer } from './replicas';

const SETTINGS = { 'repl-diskless-sync-delay': '0' };

async function field(node: TestNode, name: string): Promise<string> {
  const text = await textOf(node.client()('INFO everything'));
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(text)?.[1] ?? '';
}

const nodes: TestNode[] = [];
const peers: Peer[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ node }) => node.stop()));
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function begin(settings: Readonly<Record<string, string>> = {}): TestNode {
  const node = new TestNode({ ...SETTINGS, ...settings });
  nodes.push(node);
  return node;
}

describe('what a replica says about itself', () => {
  it.each([
    ['REPLCONF', '+OK'],
    ['REPLCONF listening-port', '-ERR syntax error'],
    ['REPLCONF listening-port 7000 capa eof capa psync2 capa flight', '+OK'],
    ['REPLCONF listening-port seven', '-ERR value is not an integer or out of range'],
    ['REPLCONF version 7.4.0', '+OK'],
    ['REPLCONF rdb-only 2', '-ERR value is out of range, must between 0 and 1'],
    ['REPLCONF rdb-filter-only keys', '-ERR Unsupported rdb-filter-only option: keys'],
    ['REPLCONF colour blue', '-ERR Unrecognized REPLCONF option: colour'],
    ['PSYNC ? many', '-ERR value is not an integer or out of range'],
    ['PSYNC x', "-ERR wrong number of arguments for 'psync' command"],
  ])('%s', async (line, reply) => {
    expect(await new RawReplica(begin()).ask(line)).toBe(`${reply}\r\n`);
  });

  it('is refused where a host could not be called that', async () => {
    expect(await new RawReplica(begin()).ask(`REPLCONF ip-address ${'a'.repeat(256)}`)).toBe(
      '-ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes\r\n',
    );
  });

  it('is not answered where it is an acknowledgement', async () => {
    expect(await new RawReplica(begin()).ask('REPLCONF ACK 5\r\nREPLCONF GETACK *\r\nPING')).toBe('+PONG\r\n');
  });

  it('must have been answered before it asks for the stream', async () => {
    const reply = await new RawReplica(begin()).ask('REPLCONF capa eof\r\nPSYNC ? -1');
    expect(reply).toBe('+OK\r\n-ERR SYNC and PSYNC are invalid with pending output\r\n');
  });

  it('does not go together with a transaction, nor with a filter that nobody could keep', async () => {
    const node = begin();
    expect(await new RawReplica(node).ask('MULTI\r\nPSYNC ? -1')).toBe(
      '+OK\r\n-ERR Command not allowed inside a transaction\r\n',
    );
    const filtered = new RawReplica(node);
    await filtered.ask('REPLCONF rdb-filter-only functions');
    expect(await filtered.ask('SYNC')).toBe('-ERR Filtered replica requires EOF capability\r\n');
  });
});

describe('a replica that has nothing', () => {
  it('is sent a snapshot between marks, then nothing until it acknowledges, then the stream', async () => {
    const node = begin();
    const say = node.client();
    await say('SET before sync');
    const replica = new RawReplica(node);
    await replica.ask('REPLCONF capa eof capa psync2');
    const { id, offset, snapshot } = await replica.sync();
    expect(await field(node, 'master_replid')).toBe(id);
    expect(snapshot).toMatch(/^REDIS0010.*repl-stream-db.*repl-id.*repl-offset.*before.sync/s);
    replica.received = '';
    await say('SELECT 3');
    await say('SET after sync');
    await node.settle();
    expect(replica.received).toBe('');
    replica.say('REPLCONF ACK 0');
    await until(() => replica.received.includes('after'));
    expect(replica.received).toBe('*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$4\r\nsync\r\n');
    expect(Number(await field(node, 'master_repl_offset'))).toBe(offset + replica.received.length);
  });

  it('and knows no marks gets the length first, from a file that does not stay, and the stream right behind', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'slotcache-sync-'));
    folders.push(dir);
    const node = begin({ dir });
    await node.client()('SET before sync');
    const replica = new RawReplica(node);
    replica.say('SYNC');
    await until(() => /^\n*\$(\d+)\r\nREDIS/.test(replica.received), 'the snapshot');
    const [head, length] = /^\n*\$(\d+)\r\n/.exec(replica.received)!;
    await until(() => replica.received.length === head.length + Number(length));
    await node.client()('SET after sync');
    await until(() => replica.received.endsWith('after\r\n$4\r\nsync\r\n'), 'the stream');
    await until(() => readdirSync(dir).every((name) => !name.endsWith('.rdb')), 'the end of the file');
  });

  it('and wants no more than the snapshot is let go behind it', async () => {
    const node = begin();
    await node.client()('SET before sync');
    const replica = new RawReplica(node);
    await replica.ask('REPLCONF capa eof rdb-only 1');
    replica.received = '';
    replica.say('SYNC');
    await until(() => replica.isClosed);
    expect(replica.received).toMatch(/^\n*\$EOF:([0-9a-f]{40})\r\nREDIS0010.*before.sync.*\1$/s);
    expect(await field(node, 'connected_slaves')).toBe('0');
  });

  it('may want no keys', async () => {
    const node = begin();
    await node.client()('SET before sync');
    const replica = new RawReplica(node);
    await replica.ask('REPLCONF capa eof rdb-filter-only functions');
    const { snapshot } = await replica.sync();
    expect(snapshot).toMatch(/^REDIS0010/);
    expect(snapshot).not.toContain('before');
  });

  it('shares a walk with others that wait, for as long as the setting says', async () => {
    const node = begin({ 'repl-diskless-sync-delay': '5' });
    const replicas = [new RawReplica(node), new RawReplica(node)];
    for (const replica of replicas) await replica.ask('REPLCONF capa eof capa psync2');
    const syncs = replicas.map((replica) => replica.sync());
    await until(async () => (await field(node, 'connected_slaves')) === '2');
    expect(replicas.map(({ received }) => received.includes('FULLRESYNC'))).toEqual([false, false]);
    expect(await field(node, 'slave1')).toContain('state=wait_bgsave');
    node.nowMs += 5000;
    const [one, other] = await Promise.all(syncs);
    expect(one).toEqual(other);
    expect(node.log.filter(([, message]) => message.startsWith('Starting BGSAVE for SYNC'))).toHaveLength(1);
  });

  it('is left out where it has gone, and the walk ends with the last', async () => {
    const node = begin({ 'repl-diskless-sync-delay': '5' });
    const replica = new RawReplica(node);
    await replica.ask('REPLCONF capa eof');
    replica.say('PSYNC ? -1');
    await until(async () => (await field(node, 'connected_slaves')) === '1');
    replica.connection.destroy();
    await until(async () => (await field(node, 'connected_slaves')) === '0');
    node.nowMs += 6000;
    const next = new RawReplica(node);
    await next.ask('REPLCONF capa eof');
    const syncing = next.sync();
    await until(async () => (await field(node, 'connected_slaves')) === '1');
    node.nowMs += 6000;
    expect((await syncing).snapshot).toMatch(/^REDIS0010/);
  });
});

describe('a replica that comes back', () => {
  it('goes on from where it was', async () => {
    const node = begin();
    const first = new RawReplica(node);
    const { id, offset } = await first.join();
    await node.client()('SET while there');
    await until(() => first.received.includes('there'));
    const { received } = first;
    first.connection.destroy();
    await node.client()('SET while away');
    const second = new RawReplica(node);
    await second.ask('REPLCONF capa psync2');
    second.received = '';
    second.say(`PSYNC ${id.toUpperCase()} ${offset + received.length + 1}`);
    await until(() => second.received.includes('away'));
    expect(second.received).toBe(`+CONTINUE ${id}\r\n*3\r\n$3\r\nSET\r\n$5\r\nwhile\r\n$4\r\naway\r\n`);
    const old = new RawReplica(node);
    expect(await old.ask(`PSYNC ${id} ${offset + 1}`)).toMatch(/^\+CONTINUE\r\n\*2\r\n\$6\r\nSELECT/);
    expect([await field(node, 'sync_full'), await field(node, 'sync_partial_ok')]).toEqual(['1', '2']);
  });

  it.each([
    ['of another stream', () => 'f'.repeat(40), 1],
    ['from the future', (id: string) => id, 1_000_000],
    ['from before the backlog', (id: string) => id, 0],
  ])('%s is given everything', async (_, idFor, next) => {
    const node = begin();
    const { id } = await new RawReplica(node).join();
    const replica = new RawReplica(node);
    await replica.ask('REPLCONF capa eof');
    expect(await replica.ask(`PSYNC ${idFor(id)} ${next}`)).toContain('+FULLRESYNC');
    expect(await field(node, 'sync_partial_err')).toBe('1');
  });
});

describe('a replica among clients', () => {
  it('is known by its flag and its type, and is no client in the count', async () => {
    const node = begin();
    const say = node.client();
    const replica = new RawReplica(node);
    await replica.join();
    const list = await textOf(say('CLIENT LIST TYPE replica'));
    expect(list).toMatch(/^id=\d+ .* flags=S .* cmd=replconf /);
    expect(list.trim().split('\n')).toHaveLength(1);
    expect(await textOf(say('CLIENT LIST TYPE normal'))).not.toContain('flags=S');
    expect(await textOf(say('INFO clients'))).toContain('connected_clients:1\r\n');
    expect(await say('CLIENT KILL TYPE slave')).toBe(1);
    await until(() => replica.isClosed);
  });

  it('is shown with where it is, in INFO and ROLE', async () => {
    const node = begin();
    const replica = new RawReplica(node);
    await replica.ask('REPLCONF ip-address replica.example');
    const { offset } = await replica.join();
    const say = node.client();
    await say('SET a b');
    const end = Number(await field(node, 'master_repl_offset'));
    replica.say(`REPLCONF ACK ${end} FACK ${offset}`);
    await until(async () => (await field(node, 'slave0')).includes(`offset=${end}`));
    expect(await field(node, 'slave0')).toBe(`ip=replica.example,port=7777,state=online,offset=${end},lag=0`);
    expect(await say('ROLE')).toEqual(['master', end, [['replica.example', '7777', String(end)]]]);
    expect(node.node.replication.feeds.countOnDisk(offset)).toBe(1);
  });

  it('is closed where a command of its would be replied to', async () => {
    const node = begin();
    const replica = new RawReplica(node);
    await replica.join();
    replica.say('GET a');
    await until(() => replica.isClosed);
    expect(replica.received).toBe('');
    expect(node.log.some(([, text]) => text.startsWith("Replica generated a reply to command 'get'"))).toBe(true);
  });

  it('is closed when too much of the stream waits for it, and no sooner', async () => {
    const node = begin({ 'client-output-buffer-limit': 'replica 2mb 0 0', 'repl-backlog-size': '64kb' });
    const replica = new RawReplica(node);
    await replica.join();
    replica.connection.pauseReading();
    const say = node.client();
    const value = 'v'.repeat(500_000);
    for (let i = 0; i < 3; i++) await say(`SET key${i} ${value}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await field(node, 'connected_slaves')).toBe('1');
    for (let i = 0; i < 3; i++) await say(`SET key${i} ${value}`);
    await until(async () => (await field(node, 'connected_slaves')) === '0');
    expect(node.log.some(([, text]) => text.endsWith('closed for overcoming of output buffer limits.'))).toBe(true);
    expect(Number(await field(node, 'repl_backlog_histlen'))).toBeLessThan(4_000_000);
  });

  it('is pinged, and asked how far it is', async () => {
    const node = begin();
    const replica = new RawReplica(node);
    await replica.join();
    node.nowMs += 11_000;
    await until(() => replica.received.includes('PING'));
    expect(replica.received.endsWith('*1\r\n$4\r\nPING\r\n')).toBe(true);
    node.node.replication.feeds.requestAcknowledgements();
    await until(() => replica.received.includes('GETACK'));
  });
});

describe.skipIf(oracleVersion === null)('real replicas', () => {
  it('that come together while clients write and a save is under way have the same data', async () => {
    const master = await OwnPeer.start({ 'repl-diskless-sync-delay': '1' });
    for (let i = 0; i < 2000; i++) await master.say('RPUSH', `list:${i % 7}`, `element ${i}`);
    for (let i = 0; i < 2000; i++) await master.say('SET', `key:${i}`, `value ${i}`.repeat(i % 20));
    const replicas = await Promise.all([RedisPeer.start(), RedisPeer.start()]);
    peers.push(...replicas, master);
    for (const replica of replicas) await replica.say('REPLICAOF', '127.0.0.1', String(master.port));
    await master.say('BGSAVE');
    let isOver = false;
    const writing = (async () => {
      for (let i = 0; !isOver; i++) await master.say('HSET', `hash:${i % 50}`, `field ${i % 1000}`, String(i));
    })();
    await Promise.all(replicas.map(untilLinked));
    isOver = true;
    await writing;
    for (const replica of replicas) {
      await untilEqual(master, replica);
      expect(await digestOf(replica)).toBe(await digestOf(master));
    }
  });
});
