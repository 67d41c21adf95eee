/**
 * Planted bugs that the simulator must find, by which promise, and how quickly.
 *
 * `expects`: the promises that it breaks, as the checks name them (src/sim/violation.ts), each of them right. A bug that is noticed by another
 * promise was noticed by accident, which does not count.
 * `budget`: within so many seeds, from 1 on, it is found.
 * `seed`: the first that is known to find it, so that the tests need not search. What a changed simulator no longer finds there it must
 * find somewhere else within the budget, and that seed is then put here.
 *
 * Not here, as they are too rare for it: commit-beyond-append, ignore-term-of-reply (test/raft/rare-mutants.test.ts makes both happen by
 * hand) and stale-epoch-accepted, which a change of master under way already keeps out. Tests of their rooms are what finds those.
 */
import { plant } from '../../src/base/mutants';
import { simulate, type Stage, type Verdict } from '../../src/sim';

export interface Mutant {
  /** As in `isPlanted(name)`. */
  readonly name: string;
  readonly stage: Stage;
  readonly expects: readonly string[];
  readonly seed: number;
  readonly budget: number;
}

export const EVENTS: Readonly<Record<Stage, number>> = { raft: 5000, cluster: 8000 };

/** Broken so grossly that every seed must fail. Where one does not, the simulator is asleep, and what it says of anything else is void. */
export const CANARY = { name: 'send-before-save', expects: ['C1', 'R7'] } as const;

/** What a seed comes to where that bug is planted. */
export function simulateMutant({ name, stage }: Pick<Mutant, 'name' | 'stage'>, seed: number): Verdict {
  plant(name);
  try {
    return simulate(stage, seed, EVENTS[stage]);
  } finally {
    plant(null);
  }
}

/** Whether the seed finds it, by a promise that it breaks. */
export function isFound(mutant: Mutant, seed: number): boolean {
  const { fault } = simulateMutant(mutant, seed);
  return fault !== null && mutant.expects.includes(fault.rule);
}

/** The first seed from `first` on that finds it; null where none does within the budget. */
export function findMutant(mutant: Mutant, first = 1): number | null {
  for (let seed = first; seed < first + mutant.budget; seed++) if (isFound(mutant, seed)) return seed;
  return null;
}

function raft(name: string, expects: string, seed: number, budget: number): Mutant {
  return { name, stage: 'raft', expects: expects.split(' '), seed, budget };
}

function cluster(name: string, expects: string, seed: number, budget: number): Mutant {
  return { name, stage: 'cluster', expects: expects.split(' '), seed, budget };
}

export const MUTANTS: readonly Mutant[] = [
  raft('vote-not-saved', 'R7 R1', 20, 200),
  raft('vote-ignores-log', 'R4', 2, 50),
  raft('truncate-on-stale-append', 'R6 R4 C1', 5, 100),
  raft('commit-old-term', 'R4', 4, 200),
  raft('leader-counts-unsaved', 'R4', 4, 500),
  raft('read-without-quorum', 'R8', 9, 200),
  raft('read-before-own-term', 'R8', 20, 200),
  raft('read-before-applied', 'R8', 2, 100),
  raft('lease-read-ignores-clock', 'R8', 59, 1000),
  raft('two-changes-in-flight', 'R9', 1, 50),
  raft('single-quorum-in-joint', 'R4 R1', 265, 2000),
  raft('no-pre-vote', 'pre-vote', 1, 10),
  raft('no-check-quorum', 'check-quorum', 2, 50),
  raft('vote-twice', 'R7 R1', 1, 10),
  raft('transfer-skips-catch-up', 'transfer', 6, 50),
  raft('snapshot-keeps-conflicting-tail', 'R3 R5 R6', 79, 2000),
  raft('duplicate-append-acked', 'C1', 1, 20),
  raft('ack-before-fsync', 'C4 R7', 8, 500),
  raft('snapshot-before-fsync', 'C4', 152, 1000),
  raft('hard-state-after-entries', 'R7', 40, 500),
  raft('fsync-error-swallowed', 'C4 R7', 144, 1000),
  raft('torn-tail-kept', 'C4 R3 R7', 1632, 3000),
  cluster('minority-is-enough', 'F3', 2, 200),
  cluster('own-stall-counts', 'F3', 4, 500),
  cluster('stale-opinions-count', 'F3', 730, 2000),
  cluster('lease-from-response', 'F1 F2', 69, 500),
  cluster('promote-before-lease-expiry', 'F1', 43, 500),
  cluster('forget-leases-on-new-leader', 'F1', 534, 1700),
  cluster('wall-clock-lease', 'F1 liveness', 1462, 2000),
  cluster('lease-counted-from-reply', 'F1 F2', 5, 300),
  cluster('reply-flush-without-lease-check', 'F2', 109, 500),
  cluster('proxy-ignores-lapsed-lease', 'F2', 23, 100),
  cluster('stale-epoch-reply-accepted', 'F1', 36, 500),
  cluster('proxies-not-waited', 'F1', 150, 500),
  cluster('pending-serves', 'F1 F2 F4', 24, 300),
  cluster('lower-offset-chosen', 'F5 F6', 389, 1000),
  cluster('restarted-master-goes-on', 'F4 F5 F6', 219, 1000),
  cluster('second-failover-of-fresh-master', 'F3', 109, 500),
  cluster('anti-flap-ignored', 'F3', 113, 400),
  cluster('end-without-role-check', 'F3', 109, 400),
  cluster('demoted-master-not-repointed', 'liveness', 11, 50),
  cluster('request-applied-twice', 'C2', 2, 20),
];
