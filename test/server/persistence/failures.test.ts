/**
 * What is promised when the disk fails or the machine stops: what was acknowledged is there, what could not be kept was not
 * acknowledged, and the server goes on by itself when it can (reliability reference §2.4).
 */
import { afterEach, describe, expect, test } from 'vitest';
import { Random } from '../../../src/base';
import type { SimulatedDisk } from '../../../src/sim';
import { endAll, simulatedDisk, StoredNode, type Settings } from './stored-node';

const pumps: NodeJS.Timeout[] = [];
afterEach(async () => {
  await endAll();
  for (const pump of pumps.splice(0)) clearInterval(pump);
});

/** A node on a simulated disk whose other threads work by themselves. */
async function startOn(disk: SimulatedDisk, settings: Settings): Promise<StoredNode> {
  pumps.push(setInterval(() => disk.runPending(), 1));
  return StoredNode.start({ dir: '/data', ...settings }, { files: disk });
}

const CLOSED = expect.objectContaining({ code: 'CLOSED' }) as Error;
const NO_SPACE = 'MISCONF Errors writing to the AOF file: No space left on device';

describe('a full disk', () => {
  test('what does not fit is not acknowledged; reads go on, and writes too when there is room again', async () => {
    const disk = simulatedDisk();
    const node = await startOn(disk, { appendonly: 'yes' });
    await node.say('SET a 1');
    disk.capacityBytes = disk.size('/data/appendonlydir/appendonly.aof.1.incr.aof')! + 1000;
    const writer = node.client();
    await expect(writer.command('SET', 'big', 'x'.repeat(5000))).rejects.toEqual(CLOSED);
    await expect(node.say('SET b 1')).rejects.toThrow(NO_SPACE);
    await expect(node.say('PING')).rejects.toThrow(NO_SPACE);
    expect(await node.say('GET a')).toBe('1');
    expect(await node.info('aof_last_write_status')).toBe('err');
    expect(Number(await node.info('aof_buffer_length'))).toBeGreaterThan(5000);
    disk.capacityBytes = Infinity;
    await node.reaches('aof_last_write_status', 'ok');
    expect(await node.say('SET b 1')).toBe('OK');
    expect(node.log.filter((line) => line.startsWith('Error writing to the AOF file'))).toHaveLength(1);
    const again = await startOn(disk.crash(new Random(1), 'process'), { appendonly: 'yes' });
    expect(await again.say('DBSIZE')).toBe(3);
  });

  test('commands of EXEC and of clients that only read in the same turn', async () => {
    const disk = simulatedDisk();
    const node = await startOn(disk, { appendonly: 'yes' });
    await node.say('SET a 1');
    disk.failNext('write', 'EIO');
    const reader = node.client();
    const writer = node.client();
    const replies = await Promise.allSettled([
      writer.command('MULTI'),
      writer.command('SET', 'b', '1'),
      writer.command('EXEC'),
      reader.command('GET', 'a'),
    ]);
    expect(replies.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
    await node.reaches('aof_last_write_status', 'ok');
    expect(await node.say('GET b')).toBe('1');
  });
});

describe('a sync that fails', () => {
  test('always: nothing is acknowledged any more, and the node has failed', async () => {
    const disk = simulatedDisk();
    const node = await startOn(disk, { appendonly: 'yes', appendfsync: 'always' });
    await node.say('SET a 1');
    disk.failNext('sync', 'EIO');
    await expect(node.client().command('SET', 'b', '1')).rejects.toEqual(CLOSED);
    expect(node.failures).toHaveLength(1);
    await expect(node.say('SET c 1')).rejects.toThrow('MISCONF Errors writing to the AOF file: Input/output error');
    expect(await node.say('GET a')).toBe('1');
  });

  test('everysec: writes are refused until a rewrite has put everything into new files', async () => {
    const disk = simulatedDisk();
    const node = await startOn(disk, { appendonly: 'yes' });
    disk.failNext('sync', 'EIO');
    await node.say('SET a 1');
    await node.reaches('aof_last_write_status', 'err');
    await node.reaches('aof_last_write_status', 'ok');
    expect(await node.say('SET b 1')).toBe('OK');
    expect(Number(await node.info('aof_rewrites'))).toBeGreaterThan(0);
    await node.reaches('aof_rewrite_in_progress', '0');
    const again = await startOn(disk.crash(new Random(1), 'power'), { appendonly: 'yes' });
    expect(await again.say('GET a')).toBe('1');
  });
});

describe('a restart after a sync that failed', () => {
  /** What such a process leaves: its last write can be read, and is not on the disk. */
  async function leftBehind(): Promise<SimulatedDisk> {
    const disk = simulatedDisk();
    const node = await startOn(disk, { appendonly: 'yes', appendfsync: 'always' });
    await node.say('SET a 1');
    disk.failNext('sync', 'EIO');
    await expect(node.client().command('SET', 'b', '1')).rejects.toEqual(CLOSED);
    return disk.crash(new Random(1), 'process');
  }

  test('puts what it has read on the disk once more, and takes writes at once', async () => {
    const disk = await leftBehind();
    const node = await startOn(disk, { appendonly: 'yes', appendfsync: 'always' });
    expect(await node.say('SET c 1')).toBe('OK');
    const again = await startOn(disk.crash(new Random(1), 'power'), { appendonly: 'yes' });
    expect(await again.say('MGET a b c')).toEqual(['1', '1', '1']);
  });

  test('where there is no room for that, writes are refused until there is', async () => {
    const disk = await leftBehind();
    disk.capacityBytes = 0;
    const node = await startOn(disk, { appendonly: 'yes' });
    expect(await node.say('MGET a b')).toEqual(['1', '1']);
    await expect(node.say('SET c 1')).rejects.toThrow(NO_SPACE);
    disk.capacityBytes = Infinity;
    await node.say('BGREWRITEAOF');
    await node.reaches('aof_last_write_status', 'ok');
    expect(await node.say('SET c 1')).toBe('OK');
    const again = await startOn(disk.crash(new Random(1), 'power'), { appendonly: 'yes' });
    expect(await again.say('MGET a b')).toEqual(['1', '1']);
  });
});

describe('a sync that hangs', () => {
  /** A node that wrote a second ago, and whose sync is under way on a disk that does nothing by itself. */
  async function afterASecond(): Promise<{ disk: SimulatedDisk; node: StoredNode; wait: (ms: number) => void }> {
    const disk = simulatedDisk();
    let nowMs = 1_700_000_000_000;
    const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
    const node = await StoredNode.start({ dir: '/data', appendonly: 'yes' }, { files: disk, clock });
    await node.say('SET a 1');
    nowMs += 1000;
    await node.reaches('aof_pending_bio_fsync', '1');
    return { disk, node, wait: (ms) => (nowMs += ms) };
  }

  test('everysec: replies wait rather than let more than two seconds be at risk', async () => {
    // Nobody does what other threads should do.
    const { disk, node, wait } = await afterASecond();
    await node.say('SET b 1');
    expect(await node.info('aof_delayed_fsync')).toBe('0');
    wait(600);
    await node.say('SET c 1');
    expect(await node.info('aof_delayed_fsync')).toBe('1');
    const again = await startOn(disk.crash(new Random(5), 'power'), { appendonly: 'yes' });
    expect(await again.say('DBSIZE')).toBe(3);
  });

  test('everysec: after a second without writes nothing is at risk', async () => {
    const { disk, node } = await afterASecond();
    disk.runPending();
    expect(await node.info('aof_pending_bio_fsync')).toBe('0');
    const again = await startOn(disk.crash(new Random(5), 'power'), { appendonly: 'yes' });
    expect(await again.say('DBSIZE')).toBe(1);
  });
});

describe('a stop at any moment', () => {
  test.each([
    ['always', 'power'],
    ['everysec', 'process'],
    ['no', 'process'],
  ] as const)('appendfsync %s, death by %s: what was acknowledged is there', async (appendfsync, kill) => {
    const random = new Random(7);
    const disk = simulatedDisk(3);
    const settings = { appendonly: 'yes', appendfsync };
    const node = await startOn(disk, settings);
    const survivors: [SimulatedDisk, acknowledged: number][] = [];
    for (let i = 1; i <= 300; i++) {
      if (i % 40 === 0) await node.say('BGREWRITEAOF').catch(() => undefined);
      await node.say(`RPUSH list ${i}`);
      if (random.below(10) === 0) survivors.push([disk.crash(new Random(random.uint32()), kill), i]);
    }
    expect(Number(await node.info('aof_rewrites'))).toBeGreaterThan(1);
    await node.stop();
    for (const [survivor, acknowledged] of survivors) {
      const again = await startOn(survivor, settings);
      expect(await again.say('LLEN list')).toBe(acknowledged);
      expect(await again.say('LINDEX list -1')).toBe(String(acknowledged));
      await again.stop();
    }
  });

  test('a save that is cut off leaves the former file', async () => {
    const random = new Random(9);
    const disk = simulatedDisk(4);
    const node = await startOn(disk, {});
    await node.say('SET generation 0');
    await node.say('SAVE');
    const survivors: SimulatedDisk[] = [];
    for (let generation = 1; generation <= 10; generation++) {
      await node.say(`SET generation ${generation}`);
      await node.say('BGSAVE');
      for (let i = 0; i < 5; i++) {
        survivors.push(disk.crash(new Random(random.uint32()), 'power'));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await node.reaches('rdb_bgsave_in_progress', '0');
    }
    for (const survivor of survivors) {
      const again = await startOn(survivor, {});
      expect(Number(await again.say('GET generation'))).toBeGreaterThanOrEqual(0);
      expect(await again.say('DBSIZE')).toBe(1);
      await again.stop();
    }
  });
});
