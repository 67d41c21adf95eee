/**
 * What survives: random stories on a simulated disk that dies and fails, and a crash at every deed of the shortest workloads.
 * More of both by `npm run fuzz -- disk` and `-- deeds`; a seed that has once shown a mistake is kept here.
 */
import { describe, expect, test } from 'vitest';
import { Random, type WritableFile } from '../../src/base';
import { SimulatedDisk } from '../../src/sim';
import { DiskTrial } from '../fuzz/disk';
import { dieAtEveryDeed, workloads } from '../fuzz/disk-deeds';
import type { DiskLife } from '../fuzz/disk-life';
import type { Kill, Source } from '../fuzz/disk-promises';
import { Succession } from '../fuzz/disk-succession';

const ROUNDS = 250;
const ROUNDS_OF_LIES = 100;
const TIMEOUT_MS = 120_000;

test(
  'random stories: every start loads, and finds what was promised',
  async () => {
    const trial = new DiskTrial();
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const { fault } = await trial.round(seed);
      expect(fault, `seed ${seed}`).toBeNull();
    }
  },
  TIMEOUT_MS,
);

test('a disk that says it has synced, and has not, is found out', async () => {
  const trial = new DiskTrial((random, options) => new LyingDisk(random, options));
  let found = 0;
  for (let seed = 1; seed <= ROUNDS_OF_LIES && found === 0; seed++) {
    if ((await trial.round(seed)).fault !== null) found = seed;
  }
  expect(found).toBeGreaterThan(0);
});

test.each([0, 1])(
  'workloads of %i operations: a crash at every deed',
  async (operations) => {
    for (const workload of workloads(operations)) {
      const { fault } = await dieAtEveryDeed(workload, 1);
      expect(fault).toBeNull();
    }
  },
  TIMEOUT_MS,
);

describe('stories that were once told wrong', () => {
  test('BGREWRITEAOF without an append-only file leaves it off', async () => {
    await tell('rdb', 'everysec', 'process', (life) => {
      for (let i = 0; i < 2; i++) {
        expect(life.ask(0, ['BGREWRITEAOF'])).toContain('started');
        life.settle(500);
      }
      expect(life.source).toBe('rdb');
      life.ask(0, ['SAVE']);
    });
  });

  test('what was written under everysec is safe two seconds later, though always came after it', async () => {
    await tell('aof', 'everysec', 'power', (life) => {
      life.ask(0, ['SET', 'k', 'v']);
      life.ask(0, ['CONFIG', 'SET', 'appendfsync', 'always']);
      life.settle(3000);
    });
  });

  test.each(['append', 'syncDirectory'] as const)(
    'a rewrite whose first deeds fail (%s) leaves what loads',
    async (deed) => {
      await tell('aof', 'everysec', 'power', (life) => {
        for (let i = 0; i < 20; i++) {
          life.disk.failNext(deed, 'EMFILE');
          life.ask(0, ['BGREWRITEAOF']);
          life.settle(300);
          life.ask(0, ['SET', 'k', String(i)]);
        }
      });
    },
  );

  test('what could not be written is not done twice when a rewrite has it', async () => {
    await tell('aof', 'everysec', 'process', (life) => {
      life.ask(0, ['INCR', 'n']);
      life.disk.failAtRate(1);
      expect(life.ask(1, ['INCR', 'n'])).toBe('');
      life.settle(1500);
      life.disk.failAtRate(0);
      life.ask(0, ['BGREWRITEAOF']);
      life.settle(1000);
      expect(life.ask(0, ['SET', 'k', 'v'])).toBe('+OK\r\n');
    });
  });

  test('after a sync that failed no shutdown says that all is well', async () => {
    await tell('aof', 'everysec', 'power', (life) => {
      life.ask(0, ['SET', 'k', 'v']);
      life.disk.failNext('sync', 'EIO');
      life.pass(1000);
      life.runDisk();
      // Given up by the shutdown: a rewrite that would have made up for it.
      life.ask(0, ['BGREWRITEAOF']);
      for (let left = 50; left > 0 && life.node.persistence.rewrites.running === null; left--) {
        life.runDisk(1);
        life.turn();
      }
      expect(life.node.persistence.rewrites.running).not.toBeNull();
      life.shutDown();
    });
  });

  test.each(['always', 'everysec'])(
    'a sync that failed, and whose process had no time to say so, deceives no later start (%s)',
    async (appendfsync) => {
      for (let seed = 1; seed <= 20; seed++) {
        const random = new Random(seed);
        const lives = new Succession(random, new SimulatedDisk(random, { directories: ['/data'] }), 'aof');
        const values = { appendfsync, save: '' };
        const first = await lives.begin({ values });
        for (let i = 0; i < 3; i++) first.ask(0, ['RPUSH', 'list', 'x'.repeat(500)]);
        // A write, a sync that fails, and in the next deed, whatever it is, the machine stops.
        first.disk.failNext('sync', 'EIO');
        first.dieIn(3);
        first.ask(0, ['INCR', 'n']);
        first.settle(1500);
        lives.end(first, 'process');
        const second = await lives.begin({ values });
        for (let i = 0; i < 3; i++) second.ask(0, ['RPUSH', 'list', 'y']);
        second.settle(3000);
        expect(second.fault).toBeNull();
        lives.end(second, 'power');
        const { fault } = await lives.begin({ values });
        expect(fault, `seed ${seed}`).toBeNull();
      }
    },
  );

  test('BITFIELD that makes a value and sets nothing', async () => {
    await tell('aof', 'always', 'power', (life) => {
      expect(life.ask(0, ['BITFIELD', 'b', 'OVERFLOW', 'FAIL', 'SET', 'u16', '33', '-100'])).toBe('*1\r\n$-1\r\n');
    });
  });
});

/** One life, its end, and a look at what the next has found. */
async function tell(source: Source, policy: string, kill: Kill, live: (life: DiskLife) => void): Promise<void> {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const lives = new Succession(random, new SimulatedDisk(random, { directories: ['/data'] }), source);
    const values = { appendfsync: policy, save: '' };
    const life = await lives.begin({ values });
    live(life);
    expect(life.fault).toBeNull();
    lives.end(life, kill);
    const { fault } = await lives.begin({ values });
    expect(fault, `seed ${seed}`).toBeNull();
  }
}

class LyingDisk extends SimulatedDisk {
  override create(path: string): WritableFile {
    return withoutSync(super.create(path));
  }

  override append(path: string): WritableFile {
    return withoutSync(super.append(path));
  }
}

function withoutSync(file: WritableFile): WritableFile {
  return Object.assign(file, { sync: () => undefined, syncLater: (done: (error: null) => void) => done(null) });
}
