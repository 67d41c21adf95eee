/**
 * A simulation of a seed, from the beginning to its verdict. The same seed has the same verdict, and the same hash.
 */
import { ClusterSimulation } from './cluster/cluster-simulation';
import { CLUSTER_FAULTS } from './cluster/cluster-swarm';
import { RaftSimulation } from './raft/raft-simulation';
import { RAFT_FAULTS } from './raft/raft-swarm';
import type { SimulatedTime } from './simulated-time';
import { Violation } from './violation';

/** What is simulated: a Raft cluster alone, or a whole cluster of config servers, data nodes and proxies. */
export const STAGES = ['raft', 'cluster'] as const;
export type Stage = (typeof STAGES)[number];

/** What must have occurred in a long run, or it was none: names in {@link Verdict.probes}. */
export const PROBES: Readonly<Record<Stage, readonly string[]>> = {
  raft: [
    ...RAFT_FAULTS,
    'messages cut',
    'answered',
    'leader whose log others contradict',
    'snapshot over a conflicting tail',
    'joint membership left by another leader',
    'torn tail opened',
  ],
  cluster: [
    ...CLUSTER_FAULTS,
    'messages cut',
    'writes',
    'writes lost',
    'automatic change',
    'planned change',
    'forced change',
    'change of master ended by another leader',
    'lease lapsed under a paused master',
    'former master came back with more',
    'config server joins',
    'config server leaves',
    'config servers changed during a change of master',
    'leader whose log others contradict',
    'torn tail opened',
  ],
};

/** How a seed ended. */
export interface Verdict {
  readonly stage: Stage;
  readonly seed: number;
  /** Null where every promise was kept. `rule` names the one that was not, as {@link Violation} does. */
  readonly fault: {
    readonly kind: 'liveness' | 'correctness';
    readonly rule: string;
    readonly message: string;
  } | null;
  /** How many things happened, and in how much virtual time. */
  readonly events: number;
  readonly virtualMs: number;
  /** Of all that happened, eight hexadecimal digits. */
  readonly hash: string;
  /** How often rare things occurred, by name. */
  readonly probes: ReadonlyMap<string, number>;
}

/** A cluster that runs. */
interface Simulated {
  readonly time: SimulatedTime;
  readonly probes: ReadonlyMap<string, number>;
  run(events: number): void;
}

/**
 * Runs a seed.
 * @param events about how many, of which four fifths come while faults do
 */
export function simulate(stage: Stage, seed: number, events: number): Verdict {
  const simulation: Simulated = stage === 'raft' ? new RaftSimulation(seed) : new ClusterSimulation(seed);
  let fault: Verdict['fault'] = null;
  try {
    simulation.run(events);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const rule = error instanceof Violation ? error.rule : 'assertion';
    const message = error instanceof Violation ? error.message : (error.stack ?? error.message);
    fault = { kind: rule === 'liveness' ? 'liveness' : 'correctness', rule, message };
  }
  const { time, probes } = simulation;
  return { stage, seed, fault, events: time.events, virtualMs: time.nowMs, hash: time.hash, probes };
}
