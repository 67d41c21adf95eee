/** A managed node: pending at first, then a master under a lease, which it looks at before it runs and before it replies. */
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { LEASE_MS, ManagedNode, textOf } from './managed';

const REFUSED = /^CLUSTERDOWN The lease of this master has lapsed/;
const HELD_BACK_MS = 1500;

const nodes: ManagedNode[] = [];
afterEach(async () => {
  plant(null);
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

async function begin(settings: Readonly<Record<string, string>> = {}): Promise<ManagedNode> {
  const node = await ManagedNode.start(settings);
  nodes.push(node);
  return node;
}

async function beginMaster(settings: Readonly<Record<string, string>> = {}): Promise<ManagedNode> {
  const node = await ManagedNode.master(settings);
  nodes.push(node);
  return node;
}

/** The process stands still for so long in the middle of the next command that writes. */
function freezeInNextWrite({ node, time }: ManagedNode, ms: number): void {
  const observer = {
    keyChanging: (): void => {
      time.freeze(ms);
      node.keyspace.unobserve(observer);
    },
    emptying: (): void => undefined,
    swapping: (): void => undefined,
  };
  node.keyspace.observe(observer);
}

describe('pending', () => {
  test('neither writes nor replicas are taken; reads are', async () => {
    const node = await begin();
    expect(await node.ask('SET key value')).toMatch(REFUSED);
    expect(await node.ask('PSYNC ? -1')).toMatch(/^NOMASTERLINK/);
    expect(await node.ask('SYNC')).toMatch(/^NOMASTERLINK/);
    expect(await node.ask('GET key')).toBe('null');
    expect(await node.field('slotcache_managed')).toBe('1');
    expect(await node.field('slotcache_duty')).toBe('pending');
  });

  test('nothing but serve or follow ends it', async () => {
    const node = await begin({ replicaof: '127.0.0.1 1' });
    expect(node.time.log.some(([, line]) => line.includes("'replicaof' is passed over"))).toBe(true);
    node.config.say({ duty: 'wait' });
    await node.pass(200);
    expect(await node.field('slotcache_duty')).toBe('pending');
    expect(await node.ask('REPLICAOF NO ONE')).toBe('OK');
    node.config.say({ duty: 'stranger', view: 2 });
    await node.pass(200);
    expect(await node.field('slotcache_duty')).toBe('stranger');
    expect(await node.field('slotcache_pending')).toBe('1');
    expect(await node.ask('SYNC')).toMatch(/^NOMASTERLINK/);
    node.config.follow(7000, 3, 1);
    await node.pass(200);
    expect(await node.field('master_port')).toBe('7000');
    expect(await node.ask('SET key value')).toMatch(/^READONLY/);
  });

  test('told to serve it is a master', async () => {
    const node = await beginMaster();
    expect(await node.ask('SET key value')).toBe('OK');
    expect(await node.field('slotcache_duty')).toBe('serve');
    expect(await node.field('slotcache_pending')).toBe('0');
    expect([await node.field('slotcache_group'), await node.field('slotcache_epoch')]).toEqual(['1', '1']);
    expect(Number(await node.field('slotcache_lease_ms'))).toBeGreaterThan(LEASE_MS - 200);
    await node.pass(60_000);
    expect(await node.ask('SET key value')).toBe('OK');
  });

  test('one that served without being told would be found', async () => {
    plant('pending-serves');
    expect(await (await begin()).ask('SET key value')).toBe('OK');
  });
});

describe('without a lease', () => {
  test('writes are held back, run under a fresh one, and nobody notices', async () => {
    const node = await beginMaster();
    const writer = node.client();
    node.config.fallSilent();
    await node.pass(LEASE_MS + 100);
    const write = writer('SET key value');
    const transaction = node.client();
    transaction('MULTI');
    transaction('SET other value');
    const exec = transaction('EXEC');
    await node.pass(200);
    expect([textOf(write), textOf(exec)]).toEqual(['nothing', 'nothing']);
    expect(await node.ask('GET key')).toBe('null');
    node.config.speakAgain();
    await node.pass(600);
    expect([textOf(write), textOf(exec)]).toEqual(['OK', 'OK']);
  });

  test('after some time they are refused, and were not run', async () => {
    const node = await beginMaster();
    const writer = node.client();
    node.config.fallSilent();
    await node.pass(LEASE_MS + 100);
    const write = writer('SET key value');
    await node.pass(HELD_BACK_MS + 100);
    expect(textOf(write)).toMatch(REFUSED);
    expect(await node.ask('DEL key')).toMatch(REFUSED);
    expect(await node.ask('EXISTS key')).toBe('0');
    expect(await node.field('slotcache_lease_ms')).toBe('0');
  });

  test('no key expires by itself', async () => {
    const node = await beginMaster();
    await node.ask('SET key value PX 1200');
    node.config.fallSilent();
    const { changes } = node.node;
    await node.pass(LEASE_MS * 10);
    expect(await node.ask('GET key')).toBe('null');
    expect(node.node.changes).toBe(changes);
    expect(node.node.keyspace.database(0).size).toBe(1);
  });

  test('what came while it stood still is not run, though no timer has told it so', async () => {
    const node = await beginMaster();
    const writer = node.client();
    await node.pass(1);
    node.config.fallSilent();
    node.time.freeze(30_000);
    const write = writer('SET key value');
    await node.pass(2);
    expect(textOf(write)).toBe('nothing');
    expect(node.node.keyspace.database(0).size).toBe(0);
  });
});

describe('a process that stands still between a write and its reply', () => {
  test('says nothing without a fresh lease, and closes the connection', async () => {
    const node = await beginMaster();
    freezeInNextWrite(node, 2000);
    node.config.fallSilent();
    const write = node.client()('SET key value');
    await node.pass(HELD_BACK_MS);
    expect(textOf(write)).toBe('nothing');
    await node.pass(200);
    expect(textOf(write)).toMatch(/closed/);
  });

  test('replies under a fresh one', async () => {
    const node = await beginMaster();
    freezeInNextWrite(node, 2000);
    const write = node.client()('SET key value');
    await node.pass(1);
    expect(textOf(write)).toBe('nothing');
    await node.pass(600);
    expect(textOf(write)).toBe('OK');
  });

  test('says nothing under the lease of another epoch', async () => {
    const node = await beginMaster();
    freezeInNextWrite(node, 2000);
    const write = node.client()('SET key value');
    node.config.serve(5, 3);
    await node.pass(600);
    expect(textOf(write)).toMatch(/closed/);
    expect(await node.ask('SET key again')).toBe('OK');
  });

  test('says nothing of what was held for replicas either', async () => {
    const node = await beginMaster({ 'write-quorum': '1', 'write-quorum-timeout': '60000' });
    const { feeds, waits } = node.node.replication;
    feeds.countGood = () => 1;
    feeds.countAcknowledged = () => 0;
    node.node.replication.updateStates();
    feeds.startReading();
    const write = node.client()('SET key value');
    await node.pass(2);
    expect(textOf(write)).toBe('nothing');
    node.config.fallSilent();
    node.time.freeze(3000);
    feeds.countAcknowledged = () => 1;
    waits.check();
    feeds.onAcknowledged();
    await node.pass(10);
    expect(textOf(write)).toBe('nothing');
    await node.pass(HELD_BACK_MS + 100);
    expect(textOf(write)).toMatch(/closed/);
  });

  test('one that did not look at the lease again would be found', async () => {
    plant('reply-flush-without-lease-check');
    const node = await beginMaster();
    freezeInNextWrite(node, 2000);
    const write = node.client()('SET key value');
    await node.pass(1);
    expect(textOf(write)).toBe('OK');
  });

  test('who only reads is answered', async () => {
    const node = await beginMaster();
    node.config.fallSilent();
    node.time.freeze(3000);
    expect(await node.ask('GET key')).toBe('null');
  });
});

describe('epochs', () => {
  test('who knows less is told so, and closed', async () => {
    const node = await beginMaster();
    node.config.serve(9, 4);
    await node.pass(200);
    expect(await node.ask('SLOTCACHE EPOCH 1 4')).toBe('OK');
    const stale = node.client();
    const said = stale('SLOTCACHE EPOCH 1 3');
    await node.pass(2);
    expect(textOf(said)).toBe('STALEEPOCH the epoch of group 1 is 4, not 3');
    const after = stale('SET key value');
    await node.pass(2);
    expect(textOf(after)).toMatch(/closed/);
    expect(await node.ask('SLOTCACHE EPOCH 2 4')).toBe('STALEEPOCH this server is in group 1, not 2');
    expect(await node.ask('SLOTCACHE HOLD 3 1000')).toMatch(/^STALEEPOCH/);
  });

  test('who knows more makes the node ask, and write nothing until it is answered', async () => {
    const node = await beginMaster();
    for (const { heard } of node.config.servers) heard.length = 0;
    expect(await node.ask('SLOTCACHE EPOCH 1 2', 0)).toBe('OK');
    const write = node.client()('SET key value');
    await node.pass(0);
    expect(textOf(write)).toBe('nothing');
    await node.pass(10);
    expect(textOf(write)).toBe('OK');
    node.config.fallSilent();
    await node.ask('SLOTCACHE EPOCH 1 2');
    expect(await node.ask('SET key value', 100)).toBe('nothing');
  });
});

describe('orders that come late', () => {
  test('are not obeyed where a newer view is known', async () => {
    const node = await beginMaster();
    node.config.serve(9, 4);
    await node.pass(200);
    node.config.follow(7000, 8, 3);
    await node.pass(200);
    expect(await node.field('role')).toBe('master');
    expect(await node.field('slotcache_view')).toBe('9');
  });

  test('are not obeyed where the role has changed since they were asked for', async () => {
    const node = await begin();
    node.config.follow(7000, 1, 1);
    await node.pass(200);
    expect(await node.field('role')).toBe('slave');
    for (const server of node.config.servers) server.delayMs = 60;
    await node.pass(150);
    expect(await node.ask('REPLICAOF NO ONE')).toBe('OK');
    node.config.say({ duty: 'wait', view: 2, epoch: 2 });
    await node.pass(59);
    expect(await node.field('role')).toBe('master');
    await node.pass(2000);
    expect(await node.field('role')).toBe('master');
    expect(await node.ask('SET key value')).toMatch(REFUSED);
  });

  test('a fresh master holds writes back until its first lease has come', async () => {
    const node = await begin();
    node.config.follow(7000, 1, 1);
    await node.pass(200);
    node.config.say({ duty: 'wait', view: 2, epoch: 2 });
    await node.pass(150);
    expect(await node.ask('REPLICAOF NO ONE')).toBe('OK');
    const write = node.client()('SET key value');
    await node.pass(150);
    expect(write.reply).toBeUndefined();
    node.config.serve(3, 2);
    await node.pass(150);
    expect(write.reply).toBe('OK');
  });

  test('that are none change nothing', async () => {
    const node = await beginMaster();
    for (const server of node.config.servers) server.renewal = '*3\r\n:800\r\n:2\r\n$6\r\nfollow\r\n';
    await node.pass(500);
    expect(await node.field('role')).toBe('master');
    expect(node.time.log.filter(([, line]) => line.includes('what is no duty'))).toHaveLength(1);
  });
});
