/**
 * The copy of slots: in slices, in pieces that hold nobody up, and away again when it is not wanted any more.
 */
import { describe, expect, test } from 'vitest';
import { Bytes, CacheError } from '../../src/base';
import { SlotFeed, SlotSweep } from '../../src/replication';
import { SLOT_COUNT, slotOf } from '../../src/slots';
import { ExpiryCycle } from '../../src/storage';
import { contentsOf, entriesOf, JournaledNode } from '../server/journaled';
import { SlotReceiver } from './slot-receiver';

const SLOT = slotOf('{t}');
const NEVER = (): boolean => false;
const ALWAYS = (): boolean => true;
const numbers = (count: number, name = ''): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);

/** Keeps what it is handed. */
class Keeper {
  copies = 0;
  private readonly chunks: Buffer[] = [];

  begin(): void {
    this.copies++;
  }

  write(bytes: Uint8Array): boolean {
    return this.chunks.push(Buffer.from(bytes)) > 0;
  }

  entries(): string[][] {
    return entriesOf(Buffer.concat(this.chunks));
  }
}

describe('a copy', () => {
  test('goes in slices, while what is copied changes', () => {
    const owner = new JournaledNode();
    const { node } = owner;
    const client = owner.client();
    for (const i of numbers(3000)) client.say('SET', `{t}${i}`, 'old');
    for (const i of numbers(3000)) client.say('SET', `{o}${i}`, 'old');
    const receiver = new SlotReceiver([SLOT], {});
    const feed = new SlotFeed(node, [SLOT], receiver);
    expect([feed.phase, feed.offset, feed.keysTotal]).toEqual(['copying', -1, 3000]);
    let slices = 1;
    for (; !feed.run(ALWAYS); slices++) {
      client.say('SET', `{t}${(slices * 7919) % 3000}`, 'new');
      client.say('SET', `{t}more:${slices}`, 'new');
      node.journal.commit();
    }
    expect(slices).toBeGreaterThan(10);
    expect([feed.phase, feed.offset, feed.keysDone]).toEqual(['following', node.journal.offset, 3000]);
    const inside = Object.entries(contentsOf(owner, client)).filter(([name]) => !name.startsWith('0 {o}'));
    expect(contentsOf(receiver.subject, receiver.subject.client())).toEqual(Object.fromEntries(inside));
    expect(receiver.copies).toBe(1);
  });

  test('of large values goes in parts, of strings as SET, and of all others by RESTORE', () => {
    const owner = new JournaledNode(1, { 'stream-node-max-entries': '2' });
    const client = owner.client();
    client.say('SADD', '{t}set', ...numbers(1000, 'member:'));
    client.say('PEXPIREAT', '{t}set', '1800000000000');
    client.say('SET', '{t}long', 'x'.repeat(100_000), 'PXAT', '1800000000000');
    client.say('HSET', '{t}small', 'f', 'v');
    for (const i of numbers(100)) client.say('XADD', '{t}short', '*', 'f', i);
    for (const i of numbers(1000)) client.say('XADD', '{t}stream', '*', 'f', i);
    const keeper = new Keeper();
    const feed = new SlotFeed(owner.node, [SLOT], keeper);
    while (!feed.run(ALWAYS));
    const namesOf = (key: string): Set<string> =>
      new Set(keeper.entries().flatMap(([name, each]) => (each === `{t}${key}` ? [name] : [])));
    expect(namesOf('set')).toEqual(new Set(['DEL', 'SADD', 'PEXPIREAT']));
    expect(namesOf('long')).toEqual(new Set(['SET', 'PEXPIREAT']));
    expect(namesOf('small')).toEqual(new Set(['RESTORE']));
    expect(namesOf('short')).toEqual(new Set(['RESTORE']));
    expect(namesOf('stream')).toEqual(new Set(['DEL', 'XADD', 'XSETID']));
  });

  test.each([
    ['allkeys-lfu', 'FREQ'],
    ['allkeys-lru', 'IDLETIME'],
  ])('under %s tells how keys are used', (policy, word) => {
    const owner = new JournaledNode(1, { 'maxmemory-policy': policy });
    owner.client().say('SET', '{t}', 'v');
    owner.client().say('SET', '{t}long', 'x'.repeat(100_000));
    const keeper = new Keeper();
    expect(new SlotFeed(owner.node, [SLOT], keeper).run(NEVER)).toBe(true);
    expect(keeper.entries().find(([name]) => name === 'RESTORE')).toContain(word);
    expect(keeper.entries().filter(([name]) => name === 'SET')).toHaveLength(1);
  });

  test('that was closed keeps nothing and reads nothing', () => {
    const owner = new JournaledNode();
    const client = owner.client();
    client.say('SADD', '{t}set', ...numbers(1000));
    const { node } = owner;
    const feed = new SlotFeed(node, [SLOT], new Keeper());
    feed.run(ALWAYS);
    client.say('SREM', '{t}set', '1', '2');
    client.say('SET', '{t}', 'v');
    node.journal.commit();
    expect(feed.pendingBytes).toBeGreaterThan(0);
    feed.close();
    feed.close();
    expect([feed.phase, node.keyspace.walks.isAny, node.keyspace.observer]).toMatchObject(['closed', false, {}]);
    expect(() => feed.run(NEVER)).toThrow('closed');
  });

  test('waits where the append-only file does not take what is pending', () => {
    const owner = new JournaledNode();
    const { node } = owner;
    const client = owner.client();
    let isFull = true;
    node.journal.setFile({
      write() {
        if (isFull) throw new CacheError('FILE_FAILED', 'no space is left');
      },
    });
    client.say('SET', '{t}', 'v');
    expect(() => new SlotFeed(node, [SLOT], new Keeper())).toThrow('no space');
    isFull = false;
    const keeper = new Keeper();
    const feed = new SlotFeed(node, [SLOT], keeper);
    feed.run(NEVER);
    client.say('RENAME', '{t}', 'outside');
    node.journal.commit();
    client.say('SET', '{t}', 'w');
    isFull = true;
    expect(() => feed.run(NEVER)).toThrow('no space');
    isFull = false;
    expect(feed.run(NEVER)).toBe(true);
    expect(feed.offset).toBe(node.journal.offset);
    expect(keeper.entries().filter(([name]) => name === 'SET')).toEqual([
      ['SET', '{t}', 'v'],
      ['SET', '{t}', 'w'],
    ]);
  });
});

test('a sweep removes what is in the slots, of every database, in slices, and the journal says so', () => {
  const owner = new JournaledNode();
  const { node } = owner;
  const client = owner.client();
  for (const database of ['0', '3']) {
    client.say('SELECT', database);
    for (const i of numbers(500)) client.say('MSET', `{t}${i}`, 'v', `{o}${i}`, 'v');
  }
  client.say('PEXPIRE', '{t}1', '10');
  const sweep = new SlotSweep(node.keyspace, [SLOT]);
  owner.nowMs += 1000;
  node.keyspace.setTime(owner.nowMs);
  const before = owner.taken().length;
  while (!sweep.run(ALWAYS));
  expect(sweep.keysDone).toBe(1000);
  expect(node.keyspace.usedDatabases().map(({ size }) => size)).toEqual([500, 500]);
  expect(entriesOf(owner.taken().subarray(before)).filter(([name]) => name === 'DEL')).toHaveLength(1000);
});

test('keys of a slot that is arriving stay until they are said to go; all others expire', () => {
  const owner = new JournaledNode();
  const { keyspace } = owner.node;
  const client = owner.client();
  keyspace.arriving = new Uint8Array(SLOT_COUNT);
  keyspace.arriving[SLOT] = 1;
  for (const key of ['{t}', 'other']) client.say('SET', key, 'v', 'PX', '10');
  owner.nowMs += 1000;
  keyspace.setTime(owner.nowMs);
  new ExpiryCycle(keyspace).run(NEVER);
  expect([client.say('GET', '{t}'), client.say('DBSIZE')]).toEqual(['$1\r\nv\r\n', ':1\r\n']);
  expect(client.say('RANDOMKEY')).toBe('$3\r\n{t}\r\n');
  client.say('SET', '{t}early', 'v', 'PXAT', '1000');
  expect(client.say('PEXPIRETIME', '{t}early')).toBe(':1000\r\n');
  keyspace.arriving = null;
  new ExpiryCycle(keyspace).run(NEVER);
  expect(keyspace.database(0).keys.count(SLOT)).toBe(0);
  expect(keyspace.database(0).peek(Bytes.of('{t}'))).toBe(0);
});
