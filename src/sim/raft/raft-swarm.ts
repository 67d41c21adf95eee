/**
 * RaftSwarm: what one seed's cluster is like, and what goes wrong in it.
 *
 * Every seed draws its own mix: a run that has all faults at once explores less than many runs that have a few each (Groce et al.,
 * "Swarm Testing", ISSTA 2012). Half of the seeds aim: they hit whoever has just begun to lead, and whoever waits for its disk.
 */
import type { Random } from '../../base';
import type { DiskPlan } from '../member-disk';
import type { NetworkWeather } from '../simulated-network';

/** What a nemesis can do to a Raft cluster. */
export const RAFT_FAULTS = [
  'crash',
  'power-loss',
  'pause',
  'freeze',
  'isolate',
  'one-way',
  'split',
  'ring',
  'flap',
  'clog',
  'slow-disk',
  'bad-disk',
  'wall-jump',
  'transfer',
  'membership',
  'replacement',
] as const;

export type RaftFault = (typeof RAFT_FAULTS)[number];

export interface RaftSwarm extends DiskPlan {
  readonly nodes: 3 | 5;
  /** Nodes that are no members in the beginning. */
  readonly spares: number;
  readonly weather: NetworkWeather;
  readonly compactAfterEntries: number;
  /** Entries that are kept though a snapshot stands for them: who lacks more is sent the snapshot. */
  readonly entriesKeptMax: number;
  /** Entries, and bytes of snapshots, that travel together: few make many states between. */
  readonly entryBytesPerMessageMax: number;
  readonly snapshotChunkBytes: number;
  readonly readsByLease: boolean;
  /** Clocks run at 0.95 or 1.05, and nothing between. */
  readonly hasExtremeClocks: boolean;
  readonly clients: number;
  readonly keys: number;
  readonly thinkMeanMs: number;
  readonly readShare: number;
  /** Mean time between faults, ms; those that may come. */
  readonly faultEveryMs: number;
  readonly faults: readonly RaftFault[];
  /** Probability of a fault at a moment that matters. */
  readonly aimRate: number;
}

/** Every how many seeds runs the real log on a simulated disk. */
const SEEDS_PER_DISK_LOG = 8;

export function drawRaftSwarm(seed: number, random: Random): RaftSwarm {
  const oneOf = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)];
  const faults = RAFT_FAULTS.filter(() => random.below(5) < 2);
  return {
    nodes: oneOf(3, 3, 5),
    spares: oneOf(0, 1, 2, 3),
    storage: seed % SEEDS_PER_DISK_LOG === 0 ? 'disk-log' : 'crashing-log',
    isHarshDisk: oneOf(true, false),
    weather: {
      delayMinMs: 0.2,
      delayMeanMs: oneOf(0.3, 1, 4, 12),
      lossRate: oneOf(0, 0, 0.01, 0.05, 0.2),
      duplicateRate: oneOf(0, 0, 0.02, 0.2),
      straggleRate: oneOf(0, 0, 0.02, 0.1),
    },
    syncMeanMs: oneOf(0.1, 1, 5, 40, 120),
    compactAfterEntries: oneOf(5, 20, 100, 10_000),
    entriesKeptMax: oneOf(0, 10, 500),
    entryBytesPerMessageMax: oneOf(1, 60, 10_000),
    snapshotChunkBytes: oneOf(40, 10_000),
    readsByLease: random.below(4) === 0,
    hasExtremeClocks: oneOf(true, false),
    clients: oneOf(2, 3, 4),
    keys: oneOf(1, 2, 3),
    thinkMeanMs: oneOf(2, 10, 40),
    readShare: oneOf(0.2, 0.5, 0.8),
    faultEveryMs: oneOf(60, 200, 600),
    faults: faults.length === 0 ? ['crash', 'isolate'] : faults,
    aimRate: oneOf(0, 0, 0.1, 0.4),
  };
}
