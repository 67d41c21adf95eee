/**
 * A simulation of a seed, from the beginning to its verdict. The same seed has the same verdict, and the same hash.
 */
import type { SimulatedTime } from './simulated-time';
import { RaftSimulation } from './raft/raft-simulation';
import { Violation } from './violation';

/** What is simulated: a Raft cluster alone, or a whole cluster of config servers, data nodes and proxies. */
export const STAGES = ['raft'] as const;
export type Stage = (typeof STAGES)[number];

/** How a seed ended. */
export interface Verdict {
  readonly stage: Stage;
  readonly seed: number;
  /** Null where every promise was kept. */
  readonly fault: { readonly kind: 'liveness' | 'correctness'; readonly message: string } | null;
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
  const simulation: Simulated = new RaftSimulation(seed);
  let fault: Verdict['fault'] = null;
  try {
    simulation.run(events);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isLiveness = error instanceof Violation && error.rule === 'liveness';
    const message = error instanceof Violation ? error.message : (error.stack ?? error.message);
    fault = { kind: isLiveness ? 'liveness' : 'correctness', message };
  }
  const { time, probes } = simulation;
  return { stage, seed, fault, events: time.events, virtualMs: time.nowMs, hash: time.hash, probes };
}
