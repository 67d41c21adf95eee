/** Deeds of chance on a log, the states that they lead to, and a machine that stops in the middle of them. */
import { Random } from '../../src/base';
import { DiskLog } from '../../src/raft/disk-log';
import { MemoryLog } from '../../src/raft/memory-log';
import type { SavedLog } from '../../src/raft/ports';
import type { Entry, HardState, Membership, Snapshot } from '../../src/raft/types';
import { DiskCrash, type SimulatedDisk } from '../../src/sim';

export const DIRECTORY = '/raft';

type Deed =
  | { readonly kind: 'append'; readonly hardState: HardState | null; readonly entries: readonly Entry[] }
  | { readonly kind: 'snapshot'; readonly hardState: HardState | null; readonly snapshot: Snapshot };

export interface Workload {
  readonly deeds: readonly Deed[];
  /** What is saved after none of them, after the first, … */
  readonly states: readonly SavedLog[];
}

const MEMBERSHIP: Membership = {
  voters: [1, 2, 3],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export function workloadOf(random: Random, length: number): Workload {
  const deeds: Deed[] = [];
  const memory = new MemoryLog();
  const states = [memory.load()];
  for (let i = 0; i < length; i++) {
    const deed = deedAfter(random, memory.load());
    deeds.push(deed);
    perform(memory, deed, () => {});
    states.push(memory.load());
  }
  return { deeds, states };
}

/** A log on that disk with segments so small that a few deeds need several. */
export function openLog(disk: SimulatedDisk, id = 1): DiskLog {
  return new DiskLog(disk, DIRECTORY, { id, random: new Random(7), segmentBytesMax: 500 });
}

/** Does all deeds, or those before the machine stops; how many were acknowledged. */
export function play(disk: SimulatedDisk, { deeds }: Workload): number {
  let acknowledged = 0;
  try {
    const log = openLog(disk);
    log.load();
    for (const deed of deeds) {
      perform(log, deed, (error) => {
        if (error !== null) throw error;
        acknowledged++;
      });
      disk.runPending();
    }
    log.close();
  } catch (error) {
    if (!(error instanceof DiskCrash)) throw error;
  }
  return acknowledged;
}

/** What a start finds. */
export function loadFrom(disk: SimulatedDisk): SavedLog {
  const log = openLog(disk);
  const saved = log.load();
  log.close();
  return saved;
}

export function perform(log: MemoryLog | DiskLog, deed: Deed, done: (error: Error | null) => void): void {
  if (deed.kind === 'append') log.append(deed.hardState, deed.entries, done);
  else log.saveSnapshot(deed.snapshot, deed.hardState, done);
}

function deedAfter(random: Random, saved: SavedLog): Deed {
  const base = saved.snapshot?.index ?? 0;
  const term = Math.max(1, saved.hardState.term) + (random.below(4) === 0 ? 1 : 0);
  const hardState = random.below(3) === 0 ? null : { term, vote: random.below(4), commit: base };
  if (random.below(6) === 0) {
    const index = base + 1 + random.below(saved.entries.length + 2);
    const known = saved.entries.find((entry) => entry.index === index);
    const data = bytesOf(random, 900);
    return {
      kind: 'snapshot',
      hardState,
      snapshot: { index, term: known?.term ?? term, membership: MEMBERSHIP, data },
    };
  }
  const first = base + 1 + Math.max(0, saved.entries.length - random.below(3));
  const count = random.below(4);
  const entries = Array.from({ length: count }, (_, i): Entry => {
    return { index: first + i, term, kind: 'command', data: bytesOf(random, random.below(8) === 0 ? 1500 : 60) };
  });
  return { kind: 'append', hardState, entries };
}

function bytesOf(random: Random, lengthMax: number): Uint8Array {
  return new Uint8Array(random.below(lengthMax)).map(() => random.below(256));
}
