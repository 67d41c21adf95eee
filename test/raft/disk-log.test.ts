/** The disk log: what is acknowledged is there after every way to stop, and nothing is ever silently different. */
import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { CacheError, Random } from '../../src/base';
import { plant } from '../../src/base/mutants';
import type { SavedLog } from '../../src/raft/ports';
import { DiskCrash, SimulatedDisk } from '../../src/sim';
import { DIRECTORY, loadFrom, openLog, perform, play, workloadOf, type Workload } from './disk-log-workload';

afterEach(() => plant(null));

const DEEDS = 14;

function newDisk(seed: number): SimulatedDisk {
  return new SimulatedDisk(new Random(seed), { isHarsh: true });
}

/** The disk after a run in which the machine stopped in its `count`-th deed, and what had been acknowledged by then. */
function stoppedAt(count: number, workload: Workload): { disk: SimulatedDisk; acknowledged: number } {
  const disk = newDisk(count);
  disk.crashAfter(count);
  return { disk, acknowledged: play(disk, workload) };
}

/** How many deeds on the disk a whole run needs. */
function deedsOf(workload: Workload): number {
  const disk = newDisk(1);
  play(disk, workload);
  return disk.deeds;
}

/** @throws where what is found is neither what was acknowledged nor that and the deed after it. */
function check(found: SavedLog, { states }: Workload, acknowledged: number): void {
  const allowed = states.slice(acknowledged, acknowledged + 2);
  if (!allowed.some((state) => isDeepStrictEqual(state, found))) {
    throw new Error(`after ${acknowledged} deeds: ${JSON.stringify(found.hardState)}, ${found.entries.length} entries`);
  }
}

/** Lets the machine stop at every deed of some workloads, then look at what several ends leave. */
function stopEverywhere(seeds: number, ends: readonly ('process' | 'power')[]): void {
  for (let seed = 1; seed <= seeds; seed++) {
    const workload = workloadOf(new Random(seed), DEEDS);
    const total = deedsOf(workload);
    for (let count = 1; count <= total; count++) {
      const { disk, acknowledged } = stoppedAt(count, workload);
      for (const [i, end] of ends.entries()) {
        check(loadFrom(disk.crash(new Random(count * 8 + i), end)), workload, acknowledged);
      }
    }
  }
}

describe('a machine that stops', () => {
  test('at any deed leaves what was acknowledged, or that and the whole deed after it', () => {
    stopEverywhere(3, ['process', 'power', 'power', 'power']);
  });

  test('again while it starts leaves that too, and what a start has found stays', () => {
    const random = new Random(5);
    const workload = workloadOf(random, DEEDS);
    const total = deedsOf(workload);
    for (let i = 0; i < 250; i++) {
      // Every other time in the first start.
      const { disk, acknowledged } = stoppedAt(1 + random.below(i % 2 === 0 ? total : 12), workload);
      let left = disk.crash(random, random.below(2) === 0 ? 'process' : 'power');
      for (let starts = random.below(3); starts > 0; starts--) {
        left.crashAfter(1 + random.below(9));
        expect(() => {
          loadFrom(left);
          throw new DiskCrash('it had no more to do');
        }).toThrow(DiskCrash);
        left = left.crash(random, random.below(2) === 0 ? 'process' : 'power');
      }
      const found = loadFrom(left);
      check(found, workload, acknowledged);
      expect(loadFrom(left.crash(random, 'power'))).toEqual(found);
    }
  });

  test.each([['ack-before-fsync'], ['snapshot-before-fsync'], ['hard-state-after-entries'], ['torn-tail-kept']])(
    'would not if there were the bug %s',
    (bug) => {
      plant(bug);
      expect(() => stopEverywhere(6, ['power', 'power', 'power'])).toThrow();
    },
  );
});

describe('a disk that fails', () => {
  const deeds = ['write', 'sync', 'create', 'rename', 'syncDirectory'] as const;

  test.each(deeds)('at a %s ends the log: that deed and all later ones fail', (deed) => {
    const disk = newDisk(1);
    const log = openLog(disk);
    log.load();
    const [append] = workloadOf(new Random(1), 1).deeds;
    const snapshot = { index: 9, term: 1, membership: MEMBERSHIP, data: new Uint8Array(9) };
    disk.failNext(deed, 'EIO');
    const outcomes: (Error | null)[] = [];
    log.saveSnapshot(snapshot, null, (error) => outcomes.push(error));
    disk.runPending();
    perform(log, append, (error) => outcomes.push(error));
    disk.runPending();
    expect(outcomes).toEqual([outcomes[0], outcomes[0]]);
    expect(outcomes[0]).toHaveProperty('code', 'FILE_FAILED');
  });

  test('at a sync: the next start does not rely on what it reads before it has made it durable', () => {
    for (let seed = 0; seed < 40; seed++) {
      const { found, later } = afterFailedSync(seed);
      expect(later).toEqual(found);
    }
  });

  test('would have acknowledged what is lost if there were the bug fsync-error-swallowed', () => {
    plant('fsync-error-swallowed');
    expect(afterFailedSync(1).wasAcknowledged).toBe(true);
  });

  /** A sync fails; the process ends and starts, then the power goes. */
  function afterFailedSync(seed: number): { found: SavedLog; later: SavedLog; wasAcknowledged: boolean } {
    const disk = newDisk(seed);
    const log = openLog(disk);
    log.load();
    let wasAcknowledged = false;
    disk.failNext('sync', 'EIO');
    const entries = [{ index: 1, term: 1, kind: 'command' as const, data: new Uint8Array(700) }];
    log.append({ term: 1, vote: 1, commit: 0 }, entries, (error) => (wasAcknowledged = error === null));
    disk.runPending();
    const restarted = disk.crash(new Random(seed), 'process');
    const found = loadFrom(restarted);
    return { found, later: loadFrom(restarted.crash(new Random(seed), 'power')), wasAcknowledged };
  }
});

describe('damage', () => {
  const workload = workloadOf(new Random(3), 8);
  const last = workload.states[workload.states.length - 1];

  function outcomeOf(disk: SimulatedDisk): SavedLog | 'refused' {
    try {
      return loadFrom(disk);
    } catch (error) {
      expect(error).toBeInstanceOf(CacheError);
      expect(error).toHaveProperty('code', 'BAD_LOG');
      expect(String(error)).toMatch(/^CacheError: '\/raft\/[-a-z0-9]+' is damaged at byte \d+: /);
      return 'refused';
    }
  }

  test('of any bit is refused, or changes nothing', () => {
    const disk = newDisk(1);
    play(disk, workload);
    let harmless = 0;
    let total = 0;
    for (const name of disk.list(DIRECTORY)) {
      const path = `${DIRECTORY}/${name}`;
      for (let bit = 0; bit < 8 * disk.size(path)!; bit += 11) {
        const copy = disk.crash(new Random(1), 'process');
        copy.flip(path, bit);
        const outcome = outcomeOf(copy);
        total++;
        if (outcome === 'refused') continue;
        harmless++;
        expect(outcome).toEqual(last);
      }
    }
    expect(total).toBeGreaterThan(500);
    expect(harmless / total).toBeLessThan(0.1);
  });

  test('of the last batch, when its seal was lost with the power, is cut off as a torn one', () => {
    const disk = newDisk(1);
    const log = openLog(disk);
    log.load();
    const entry = (index: number) => ({ index, term: 1, kind: 'command' as const, data: new Uint8Array(20) });
    log.append(null, [entry(1)], () => {});
    disk.runPending();
    const before = disk.size(SEGMENT)!;
    log.append(null, [entry(2)], () => {});
    disk.runPending(0);
    const torn = disk.crash(new Random(1), 'process');
    torn.flip(SEGMENT, 8 * before + 400);
    expect(loadFrom(torn).entries).toEqual([entry(1)]);
    disk.runPending();
    disk.flip(SEGMENT, 8 * before + 400);
    log.close();
    expect(() => loadFrom(disk)).toThrow(
      `'${SEGMENT}' is damaged at byte ${before}: a record is not whole, though it had been synced`,
    );
  });

  test('by a file that is gone is refused', () => {
    const disk = newDisk(1);
    play(disk, workload);
    const names = disk.list(DIRECTORY);
    expect(names.length).toBeGreaterThan(3);
    // Without its last segment it is a log as it once was, and nothing in it tells.
    const [lastSegment] = names.filter((name) => name.startsWith('segment')).slice(-1);
    for (const name of names.filter((other) => other !== lastSegment)) {
      const copy = disk.crash(new Random(1), 'process');
      copy.remove(`${DIRECTORY}/${name}`);
      expect(outcomeOf(copy)).toBe('refused');
    }
  });
});

describe('a directory', () => {
  test('belongs to the node that began it', () => {
    const disk = newDisk(1);
    const log = openLog(disk, 1);
    log.load();
    log.close();
    expect(() => openLog(disk, 2).load()).toThrow('is the log of node 1, not of node 2');
  });

  test('has a name that stays as long as it does', () => {
    const disk = newDisk(1);
    const names = [0, 1].map(() => {
      const log = openLog(disk);
      log.load();
      log.close();
      return log.incarnation;
    });
    expect(names[0]).toMatch(/^[0-9a-f]{40}$/);
    expect(names[1]).toBe(names[0]);
  });

  test('is one log at a time', () => {
    const disk = newDisk(1);
    const log = openLog(disk);
    log.load();
    expect(() => openLog(disk).load()).toThrow('uses it');
    log.close();
    openLog(disk).load();
  });

  test('keeps no segment that a snapshot has made needless', () => {
    const disk = newDisk(1);
    const log = openLog(disk);
    log.load();
    for (let index = 1; index <= 30; index++) {
      log.append(null, [{ index, term: 1, kind: 'command', data: new Uint8Array(100) }], () => {});
      disk.runPending();
    }
    expect(disk.list(DIRECTORY).length).toBeGreaterThan(8);
    log.saveSnapshot({ index: 30, term: 1, membership: MEMBERSHIP, data: new Uint8Array(1) }, null, () => {});
    disk.runPending();
    expect(disk.list(DIRECTORY)).toHaveLength(3);
  });
});

const SEGMENT = `${DIRECTORY}/segment-0000000001`;
const MEMBERSHIP = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
