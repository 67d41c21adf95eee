/**
 * The matrix of replication (test/replication/matrix.ts) at length: each formation with all phases, and much written in each; those of
 * redis-servers only are held to the same, as they are the judges.
 * `--rounds` is how many times, each from another seed.
 */
import { ALL_PHASES, FORMATIONS, JUDGES, playMatrix } from '../replication/matrix';
import type { RoundOptions } from './kill';
import type { Report } from './report';
import type { Target } from './server-process';

const WRITE_MS = 3000;

const ALL = [...FORMATIONS, ...JUDGES];
export const FORMATION_NAMES = ALL.map(({ name }) => name);

export async function drillReplicas(target: Target, name: string, { rounds, seed }: RoundOptions): Promise<Report> {
  const formation = ALL.find((each) => each.name === name)!;
  const failures: string[] = [];
  const fromMs = performance.now();
  let done = 0;
  for (; done < rounds && failures.length === 0; done++) {
    failures.push(
      ...(await playMatrix(formation, target, { seed: seed + done, writeMs: WRITE_MS, phases: ALL_PHASES })),
    );
  }
  const seconds = (performance.now() - fromMs) / 1000;
  return { figures: `${done} rounds of ${ALL_PHASES.length} phases in ${seconds.toFixed(0)} s`, failures };
}
