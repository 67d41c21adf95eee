/**
 * A thousand seeds of 5,000 events and more, in which nothing may go wrong; and the same seed does the same. What fails here is seen again by
 * the line that it prints. The long run is `npm run sim -- --minutes N`.
 *
 * Such a run proves something only if it would have noticed, and if there was something to notice. So a canary, a build that is grossly
 * broken, must die in it; and each of the rare situations that are counted (PROBES) must have occurred. Else the run is void.
 */
import { describe, expect, test } from 'vitest';
import { PROBES, simulate, type Stage } from '../../src/sim';
import { CANARY, simulateMutant } from './mutants';

const PLAN: Readonly<Record<Stage, { readonly seeds: number; readonly events: number }>> = {
  raft: { seeds: 700, events: 5000 },
  cluster: { seeds: 300, events: 8000 },
};
/** These run twice. */
const SEEDS_PER_REPETITION = 50;
const CANARIES = 5;

describe.each(Object.entries(PLAN))('%s', (name, { seeds, events }) => {
  const stage = name as Stage;

  test('the canary dies, or this run is void', () => {
    for (let seed = 1; seed <= CANARIES; seed++) {
      const rule = simulateMutant({ name: CANARY.name, stage }, seed).fault?.rule;
      expect(CANARY.expects, `VOID: the canary lives at seed ${seed}, so nothing here would be noticed`).toContain(
        rule,
      );
    }
  });

  test(`${seeds} seeds keep every promise, and have had it hard`, { timeout: 120_000 }, () => {
    const faults: string[] = [];
    const seen = new Set<string>();
    for (let seed = 1; seed <= seeds; seed++) {
      const { fault, hash, probes } = simulate(stage, seed, events);
      for (const [what, count] of probes) if (count > 0) seen.add(what);
      if (fault !== null)
        faults.push(`npm run sim -- --seed ${seed} --stage ${stage} --events ${events}: ${fault.message}`);
      if (seed % SEEDS_PER_REPETITION === 0) expect(simulate(stage, seed, events).hash).toBe(hash);
    }
    expect(faults).toEqual([]);
    const missing = PROBES[stage].filter((what) => !seen.has(what));
    expect(missing, 'VOID: this never occurred').toEqual([]);
  });
});
