/**
 * A crash at every deed of every short workload: all sequences of up to three operations, the machine stopping in each of the
 * deeds that they bring to the disk, by the death of the process and by a loss of power.
 *
 * After each such death a second node loads what is left, takes one more write and loses its power at once: so what was only
 * in the page cache at the first death, and what the second start has left undone, is found out, too.
 * (The idea: Mohan et al., "Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing", OSDI 2018.)
 */
import { Random } from '../../src/base';
import { SimulatedDisk } from '../../src/sim';
import type { DiskLife } from './disk-life';
import type { Kill, Source } from './disk-promises';
import { Succession } from './disk-succession';

type Operation = (life: DiskLife) => void | Promise<void>;

const say =
  (...words: string[]): Operation =>
  (life) =>
    void life.ask(0, words);

/** By the words in which a failing workload is named. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  write: say('RPUSH', 'list', 'x'),
  transaction(life) {
    for (const words of [['MULTI'], ['INCR', 'a'], ['APPEND', 'b', 'x'], ['EXEC']]) life.say(1, words);
    life.turn();
  },
  rewrite: say('BGREWRITEAOF'),
  bgsave: say('BGSAVE'),
  save: say('SAVE'),
  on: say('CONFIG', 'SET', 'appendonly', 'yes'),
  off: say('CONFIG', 'SET', 'appendonly', 'no'),
  flush: say('FLUSHALL'),
  settle: (life) => life.settle(1200),
  stop: (life) => life.stop(),
};

export interface Setup {
  readonly source: Source;
  readonly policy: 'always' | 'everysec' | 'no';
  readonly saves: boolean;
}

const SETUPS: readonly Setup[] = [
  { source: 'aof', policy: 'always', saves: false },
  { source: 'aof', policy: 'everysec', saves: true },
  { source: 'aof', policy: 'no', saves: false },
  { source: 'rdb', policy: 'always', saves: true },
];
const KILLS: readonly Kill[] = ['process', 'power'];

/** All workloads of exactly this many operations. Nothing comes after a stop. */
export function workloads(length: number): string[][] {
  if (length === 0) return [[]];
  const shorter = workloads(length - 1).filter((words) => words.at(-1) !== 'stop');
  return shorter.flatMap((words) => Object.keys(OPERATIONS).map((word) => [...words, word]));
}

/** Runs a workload once to its end and then once for each deed and kill. Returns how often, and what was wrong, or null. */
export async function dieAtEveryDeed(
  workload: readonly string[],
  seed: number,
): Promise<{ runs: number; fault: string | null }> {
  let runs = 0;
  for (const setup of SETUPS) {
    const whole = await play(workload, setup, seed, null);
    if (whole.fault !== null) return { runs, fault: whole.fault };
    // The deeds of the start itself are the same for all workloads.
    const first = workload.length === 0 ? 1 : whole.startDeeds + 1;
    for (let deed = first; deed <= whole.deeds; deed++) {
      for (const kill of KILLS) {
        runs++;
        const { fault } = await play(workload, setup, seed + deed, { deed, kill });
        if (fault === null) continue;
        const where = `${setup.source} ${setup.policy}${setup.saves ? ' with save points' : ''}`;
        return {
          runs,
          fault: `${workload.join(', ')} (${where}), ${kill} at deed ${deed}, seed ${seed + deed}: ${fault}`,
        };
      }
    }
  }
  return { runs, fault: null };
}

interface Played {
  readonly fault: string | null;
  readonly startDeeds: number;
  readonly deeds: number;
}

async function play(
  workload: readonly string[],
  { source, policy, saves }: Setup,
  seed: number,
  death: { deed: number; kill: Kill } | null,
): Promise<Played> {
  const random = new Random(seed);
  const disk = new SimulatedDisk(new Random(seed), { directories: ['/data'], isHarsh: random.below(2) === 0 });
  const lives = new Succession(random, disk, source);
  const values = { appendfsync: policy, save: saves ? '3600 1' : '' };
  const life = await lives.begin({ values, ...(death === null ? {} : { dieIn: death.deed }) });
  const startDeeds = disk.deeds;
  await OPERATIONS['write'](life);
  for (const word of workload) await OPERATIONS[word](life);
  const { deeds } = disk;
  if (life.fault !== null) return { fault: life.fault, startDeeds, deeds };
  lives.end(life, death?.kill ?? 'process');
  for (const next of [1, 2]) {
    const heir = await lives.begin({ values });
    if (heir.isUp && heir.ask(0, ['RPUSH', 'list', 'heir']).startsWith('-')) heir.fault ??= 'no writes are taken';
    if (heir.fault !== null) return { fault: `life ${next + 1}: ${heir.fault}`, startDeeds, deeds };
    lives.end(heir, 'power');
  }
  return { fault: null, startDeeds, deeds };
}
