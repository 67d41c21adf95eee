/** The append-only file of a running node: what a restart finds, rewrites, switching it on and off under writes. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Random } from '../../../src/base';
import { endAll, makeFolder, simulatedDisk, StoredNode } from './stored-node';

afterEach(endAll);

/** Something of every kind, in two databases. */
const LINES = [
  'SET text value',
  'SET brief value EX 1000',
  'SETEX later 100 value',
  'INCRBYFLOAT number 1.5',
  'RPUSH list a b c',
  'SADD set 1 2 3',
  'SADD words a b c',
  'SPOP words',
  'ZADD sorted 1 a 2 b',
  'HSET hash f v g w',
  'XADD stream * f v',
  'XGROUP CREATE stream group 0',
  'XREADGROUP GROUP group me STREAMS stream >',
  'SELECT 2',
  'SET other 1',
  'MULTI',
  'SET t1 1',
  'SET t2 2',
  'EXEC',
  'SELECT 0',
  'DEL text',
];

async function fill(node: StoredNode): Promise<void> {
  for (const line of LINES) await node.say(line);
}

test.each([
  ['everysec', 'yes'],
  ['always', 'yes'],
  ['no', 'no'],
])(
  'appendfsync %s, aof-use-rdb-preamble %s: a restart finds all of it, before and after a rewrite',
  async (policy, preamble) => {
    const dir = makeFolder();
    const settings = { dir, appendonly: 'yes', appendfsync: policy, 'aof-use-rdb-preamble': preamble };
    const node = await StoredNode.start(settings);
    await fill(node);
    const digest = await node.say('DEBUG DIGEST');
    expect(await node.say('DEBUG LOADAOF')).toBe('OK');
    expect(await node.say('DEBUG DIGEST')).toBe(digest);
    await node.stop();
    const second = await StoredNode.start(settings);
    expect(await second.say('DEBUG DIGEST')).toBe(digest);
    expect(second.log.some((line) => line.startsWith('DB loaded from append only file: '))).toBe(true);
    expect(await second.say('BGREWRITEAOF')).toBe('Background append only file rewriting started');
    await second.say('SET during rewrite');
    await second.reaches('aof_rewrite_in_progress', '0');
    expect(await second.info('aof_last_bgrewrite_status')).toBe('ok');
    await second.say('SET after rewrite');
    const rewritten = await second.say('DEBUG DIGEST');
    await second.stop();
    const extension = preamble === 'yes' ? 'rdb' : 'aof';
    expect(readdirSync(join(dir, 'appendonlydir'))).toEqual([
      `appendonly.aof.2.base.${extension}`,
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
    ]);
    const third = await StoredNode.start(settings);
    expect(await third.say('DEBUG DIGEST')).toBe(rewritten);
    expect(await third.say('MGET during after')).toEqual(['rewrite', 'rewrite']);
  },
);

test('every reply is written before it is sent: a copy of the files has what was acknowledged', async () => {
  const dir = makeFolder();
  const node = await StoredNode.start({ dir, appendonly: 'yes' });
  for (let i = 0; i < 20; i++) {
    await node.say(`SET key:${i} ${i}`);
    const written = readFileSync(join(dir, 'appendonlydir', 'appendonly.aof.1.incr.aof'), 'latin1');
    expect(written).toContain(`key:${i}\r\n`);
  }
});

test('many starts make few files', async () => {
  const settings = { dir: makeFolder(), appendonly: 'yes' };
  for (let i = 0; i < 5; i++) {
    const node = await StoredNode.start(settings);
    await node.say(`SET ${i} x`);
    expect(await node.say('DBSIZE')).toBe(i + 1);
    await node.stop();
  }
  expect(readdirSync(join(settings.dir, 'appendonlydir')).length).toBe(3);
});

test('a file that grows is rewritten by itself', async () => {
  const node = await StoredNode.start({
    dir: makeFolder(),
    appendonly: 'yes',
    'auto-aof-rewrite-min-size': '2000',
    'auto-aof-rewrite-percentage': '100',
  });
  for (let i = 0; i < 100; i++) await node.say(`SET k ${i}`);
  await node.reaches('aof_rewrites', '1');
  await node.reaches('aof_rewrite_in_progress', '0');
  expect(node.log.some((line) => /^Starting automatic rewriting of AOF on \d+% growth$/.test(line))).toBe(true);
  expect(Number(await node.info('aof_base_size'))).toBeGreaterThan(0);
});

test('switched on and off under writes', async () => {
  const dir = makeFolder();
  const node = await StoredNode.start({ dir });
  await fill(node);
  let counter = 0;
  let isWriting = true;
  const writer = node.client();
  const writing = (async () => {
    while (isWriting) await writer.command('SET', 'counter', ++counter);
  })();
  for (let round = 0; round < 3; round++) {
    expect(await node.say('CONFIG SET appendonly yes')).toBe('OK');
    await node.reaches('aof_enabled', '1');
    await node.reaches('aof_rewrite_in_progress', '0');
    expect(await node.info('aof_last_bgrewrite_status')).toBe('ok');
    await node.say(`SET round ${round}`);
    if (round < 2) expect(await node.say('CONFIG SET appendonly no')).toBe('OK');
    await node.say(`SET between ${round}`);
  }
  isWriting = false;
  await writing;
  const digest = await node.say('DEBUG DIGEST');
  await node.stop();
  const again = await StoredNode.start({ dir, appendonly: 'yes' });
  expect(await again.say('DEBUG DIGEST')).toBe(digest);
  expect(await again.say('GET counter')).toBe(String(counter));
  expect(again.node.settings.change(['dir', '/tmp'], true)).toContain("can't be changed while appendonly is on");
});

test('switched on where an old file lies: it is replaced, not continued', async () => {
  const dir = makeFolder();
  const old = await StoredNode.start({ dir, appendonly: 'yes' });
  await old.say('SET old 1');
  await old.stop();
  const node = await StoredNode.start({ dir });
  expect(await node.say('DBSIZE')).toBe(0);
  await node.say('SET new 1');
  await node.say('CONFIG SET appendonly yes');
  await node.say('SET newer 1');
  await node.reaches('aof_rewrites', '1');
  await node.reaches('aof_rewrite_in_progress', '0');
  await node.stop();
  const again = await StoredNode.start({ dir, appendonly: 'yes' });
  expect(await again.say('DBSIZE')).toBe(2);
  expect(readdirSync(join(dir, 'appendonlydir')).length).toBe(3);
});

test('a torn end is cut off, or refused', async () => {
  const dir = makeFolder();
  const settings = { dir, appendonly: 'yes' };
  const node = await StoredNode.start(settings);
  await node.say('SET a 1');
  await node.say('SET b 1');
  await node.stop();
  const file = join(dir, 'appendonlydir', 'appendonly.aof.1.incr.aof');
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, bytes.lastIndexOf('b\r\n') + 3));
  await expect(StoredNode.start({ ...settings, 'aof-load-truncated': 'no' })).rejects.toMatchObject({
    code: 'BAD_AOF',
  });
  const again = await StoredNode.start(settings);
  expect(await again.say('KEYS *')).toEqual(['a']);
  expect(again.log.some((line) => line.startsWith('Truncating the AOF appendonly.aof.1.incr.aof at offset '))).toBe(
    true,
  );
  await again.say('SET c 1');
  await again.stop();
  const third = await StoredNode.start(settings);
  expect(await third.say('DBSIZE')).toBe(2);
});

test('without an append-only file, dump.rdb is not taken for it', async () => {
  const dir = makeFolder();
  const node = await StoredNode.start({ dir });
  await node.say('SET a 1');
  await node.say('SAVE');
  await node.stop();
  const again = await StoredNode.start({ dir, appendonly: 'yes' });
  expect(await again.say('DBSIZE')).toBe(0);
  expect(again.log.some((line) => line.includes('dump.rdb is not loaded, as in Redis'))).toBe(true);
  expect(existsSync(join(dir, 'appendonlydir', 'appendonly.aof.1.base.rdb'))).toBe(true);
});

test('any bit that is turned in a file that was ended in peace is noticed', async () => {
  const disk = simulatedDisk();
  const settings = { dir: '/data', appendonly: 'yes' };
  const node = await StoredNode.start(settings, { files: disk });
  for (let i = 0; i < 3; i++) await node.say(`SET k${i} value`);
  const digest = await node.say('DEBUG DIGEST');
  await node.stop();
  const path = '/data/appendonlydir/appendonly.aof.1.incr.aof';
  const bits = 8 * disk.size(path)!;
  let refused = 0;
  for (let bit = 3; bit < bits; bit += 37) {
    const copy = disk.crash(new Random(1), 'process');
    copy.flip(path, bit);
    const again = await StoredNode.start(settings, { files: copy }).catch(() => null);
    if (again === null) refused++;
    else expect(await again.say('DEBUG DIGEST'), `bit ${bit}`).toBe(digest);
    await again?.stop();
  }
  // What says that all before it is durable is nothing but that.
  expect(refused).toBeGreaterThan((bits / 37) * 0.6);
});
