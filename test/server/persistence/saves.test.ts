/** SAVE, BGSAVE, save points, FLUSHALL and the end: what is in the file afterwards, and what clients are told. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Random } from '../../../src/base';
import type { SimulatedDisk } from '../../../src/sim';
import { endAll, makeFolder, simulatedDisk, StoredNode } from './stored-node';

afterEach(endAll);

describe('the RDB file', () => {
  test.each(['SAVE', 'BGSAVE'])('%s: everything is there after a restart', async (command) => {
    const dir = makeFolder();
    const node = await StoredNode.start({ dir });
    for (let i = 0; i < 3000; i++) void node.say(`SET key:${i} ${i}`);
    await node.say('RPUSH list a b c');
    await node.say('SET short gone PX 1');
    await node.say('SELECT 3');
    await node.say('HSET hash f v');
    await node.say(command);
    await node.reaches('rdb_bgsave_in_progress', '0');
    expect(await node.info('rdb_last_bgsave_status')).toBe('ok');
    expect(await node.info('rdb_changes_since_last_save')).toBe('0');
    const digest = await node.say('DEBUG DIGEST');
    await node.stop();
    expect(readdirSync(dir)).toEqual(['dump.rdb']);
    const again = await StoredNode.start({ dir });
    expect(await again.say('DEBUG DIGEST')).toBe(digest);
    expect(await again.info('rdb_last_load_keys_loaded')).toBe('3002');
    expect(again.log.some((line) => /^DB loaded from disk: \d+\.\d{3} seconds$/.test(line))).toBe(true);
  });

  test('one snapshot at a time', async () => {
    const node = await StoredNode.start({ dir: makeFolder() });
    await node.say('SET k v');
    const replies = await Promise.all(
      ['BGSAVE', 'BGSAVE', 'SAVE', 'BGREWRITEAOF', 'BGSAVE x', 'BGSAVE SCHEDULE'].map((line) =>
        node.say(line).catch((error: Error) => error.message),
      ),
    );
    expect(replies).toEqual([
      'Background saving started',
      'ERR Background save already in progress',
      'ERR Background save already in progress',
      'Background append only file rewriting scheduled',
      'ERR syntax error',
      'ERR Background save already in progress',
    ]);
    await node.reaches('aof_rewrites', '1');
    await node.reaches('aof_rewrite_in_progress', '0');
    expect(await node.info('aof_last_bgrewrite_status')).toBe('ok');
  });

  test('in a transaction it begins when all of it is done', async () => {
    const dir = makeFolder();
    const node = await StoredNode.start({ dir });
    for (const line of ['MULTI', 'SET a 1', 'BGSAVE', 'SET b 2']) await node.say(line);
    expect(await node.say('EXEC')).toEqual(['OK', 'Background saving scheduled', 'OK']);
    await node.reaches('rdb_saves', '1');
    await node.reaches('rdb_bgsave_in_progress', '0');
    await node.stop();
    const again = await StoredNode.start({ dir });
    expect(await again.say('DBSIZE')).toBe(2);
  });

  test('save points, and FLUSHALL, which leaves no data behind', async () => {
    const dir = makeFolder();
    let nowMs = 1_700_000_000_000;
    const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
    const node = await StoredNode.start({ dir, save: '10 3' }, { clock });
    for (const key of ['a', 'b', 'c']) await node.say(`SET ${key} 1`);
    nowMs += 11_000;
    await node.reaches('rdb_saves', '1');
    await node.reaches('rdb_bgsave_in_progress', '0');
    expect(node.log).toContain('3 changes in 10 seconds. Saving...');
    expect(await node.info('rdb_changes_since_last_save')).toBe('0');
    expect(await node.say('FLUSHALL')).toBe('OK');
    await node.stop();
    const again = await StoredNode.start({ dir });
    expect(await again.say('DBSIZE')).toBe(0);
  });

  test('a save that fails stops writes until one has succeeded', async () => {
    const dir = makeFolder();
    const node = await StoredNode.start({ dir, save: '1000 1000' });
    mkdirSync(join(dir, 'dump.rdb'));
    writeFileSync(join(dir, 'dump.rdb', 'in-the-way'), '');
    await node.say('BGSAVE');
    await node.reaches('rdb_last_bgsave_status', 'err');
    await expect(node.say('SET k v')).rejects.toThrow(/^MISCONF Redis is configured to save RDB snapshots/);
    await expect(node.say('PING')).rejects.toThrow(/^MISCONF/);
    expect(await node.say('GET k')).toBeNull();
    expect(readdirSync(dir).filter((name) => name.startsWith('temp'))).toEqual([]);
    await node.say('CONFIG SET stop-writes-on-bgsave-error no');
    expect(await node.say('SET k v')).toBe('OK');
    await node.say('CONFIG SET stop-writes-on-bgsave-error yes');
    await expect(node.say('SET k v')).rejects.toThrow(/^MISCONF/);
    await expect(node.say('SAVE')).rejects.toThrow('ERR');
    await expect(node.say('SHUTDOWN')).rejects.toThrow('ERR Errors trying to SHUTDOWN. Check logs.');
    await node.say('CONFIG SET save ');
    expect(await node.say('SET k v')).toBe('OK');
  });

  test('shutdown saves where there are save points, stop does not', async () => {
    const dir = makeFolder();
    const node = await StoredNode.start({ dir, save: '1000 1000' });
    await node.say('SET a 1');
    await node.stop();
    expect(existsSync(join(dir, 'dump.rdb'))).toBe(false);
    const second = await StoredNode.start({ dir, save: '1000 1000' });
    await second.say('SET b 1');
    expect(second.node.shutdown()).toBe('ready');
    await second.stop();
    const third = await StoredNode.start({ dir });
    expect(await third.say('KEYS *')).toEqual(['b']);
  });

  test('temporary files of the dead are removed', async () => {
    const dir = makeFolder();
    writeFileSync(join(dir, 'temp-12345.rdb'), 'half');
    writeFileSync(join(dir, 'temp-12345-7.rdb'), 'half');
    writeFileSync(join(dir, 'temp-mine.rdb'), 'mine');
    await StoredNode.start({ dir, save: '1000 1000' });
    expect(readdirSync(dir).filter((name) => name.startsWith('temp'))).toEqual(['temp-mine.rdb']);
  });
});

describe('a directory has one owner', () => {
  test('a second node says no, or does without where nobody asked for files', async () => {
    const dir = makeFolder();
    await StoredNode.start({ dir, save: '1000 1000' });
    const second = new StoredNode({ dir, save: '1000 1000' });
    await expect(second.node.start()).rejects.toMatchObject({ code: 'FILE_FAILED' });
    const third = await StoredNode.start({ dir });
    await expect(third.say('CONFIG SET appendonly yes')).rejects.toThrow(/ERR CONFIG SET failed .*'appendonly'/);
    await expect(third.say('CONFIG SET save 1')).rejects.toThrow('Invalid save parameters');
    await expect(third.say('SAVE')).rejects.toThrow('ERR');
  });
});

describe('DEBUG RELOAD', () => {
  test('saves, empties and loads; options leave out one or the other', async () => {
    const node = await StoredNode.start({ dir: makeFolder() });
    await node.say('SET a 1');
    expect(await node.say('DEBUG RELOAD')).toBe('OK');
    await node.say('SET b 1');
    expect(await node.say('DEBUG RELOAD NOSAVE')).toBe('OK');
    expect(await node.say('KEYS *')).toEqual(['a']);
    await node.say('SET a 2');
    await node.say('SET b 2');
    await expect(node.say('DEBUG RELOAD NOSAVE NOFLUSH')).rejects.toThrow('ERR Error trying to load the RDB dump');
    expect(await node.say('DEBUG RELOAD NOSAVE NOFLUSH MERGE')).toBe('OK');
    expect(await node.say('MGET a b')).toEqual(['1', '2']);
    await expect(node.say('DEBUG RELOAD NOW')).rejects.toThrow('ERR DEBUG RELOAD only supports');
    await expect(node.say('DEBUG LOADAOF')).rejects.toThrow('ERR there is no append-only file');
  });
});

describe('while other threads give the file of a BGSAVE its name', () => {
  /** A node whose BGSAVE has a whole file that is called `dump.rdb` next. */
  async function placing(): Promise<{ disk: SimulatedDisk; node: StoredNode }> {
    const disk = simulatedDisk();
    const node = await StoredNode.start({ dir: '/data', save: '3600 1' }, { files: disk });
    await node.say('SET a old');
    await node.say('SAVE');
    await node.say('SET a new');
    await node.say('BGSAVE');
    // The walk, the write of its one block, the sync.
    for (let deeds = 0; deeds < 2; deeds++) {
      while (disk.pendingDeeds === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      disk.runPending(1);
    }
    return { disk, node };
  }

  async function found(disk: SimulatedDisk): Promise<unknown> {
    const again = await StoredNode.start({ dir: '/data' }, { files: disk.crash(new Random(3), 'power') });
    return again.say('GET a');
  }

  test('the save is under way until it has it', async () => {
    const { disk, node } = await placing();
    expect(await node.info('rdb_bgsave_in_progress')).toBe('1');
    expect(await found(disk)).toBe('old');
    disk.runPending();
    expect(await node.info('rdb_bgsave_in_progress')).toBe('0');
    expect(await node.info('rdb_last_bgsave_status')).toBe('ok');
    expect(await found(disk)).toBe('new');
  });

  test.each(['rename', 'syncDirectory'] as const)('the %s fails, and the save with it', async (deed) => {
    const { disk, node } = await placing();
    disk.failNext(deed, 'EIO');
    disk.runPending();
    expect(await node.info('rdb_last_bgsave_status')).toBe('err');
    expect(disk.list('/data')).toEqual(['dump.rdb']);
  });

  test('FLUSHALL: what was flushed does not come back', async () => {
    for (const isDone of [false, true]) {
      const { disk, node } = await placing();
      if (isDone) disk.runPending(1);
      await node.say('FLUSHALL');
      disk.runPending();
      expect(await found(disk)).toBeNull();
      expect(disk.list('/data')).toEqual(['dump.rdb']);
    }
  });
});
