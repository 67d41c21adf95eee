/**
 * A thousand seeds of 5,000 events and more, in which nothing may go wrong; and the same seed does the same. What fails here is seen again by
 * the line that it prints. The long run is `npm run sim -- --minutes N`.
 */
import { describe, expect, test } from 'vitest';
import { simulate, type Stage } from '../../src/sim';

const PLAN: Readonly<Record<Stage, { readonly seeds: number; readonly events: number }>> = {
  raft: { seeds: 700, events: 5000 },
  cluster: { seeds: 300, events: 8000 },
};
/** These run twice. */
const SEEDS_PER_REPETITION = 50;

describe.each(Object.entries(PLAN))('%s', (name, { seeds, events }) => {
  const stage = name as Stage;

  test(`${seeds} seeds keep every promise`, { timeout: 120_000 }, () => {
    const faults: string[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const { fault, hash } = simulate(stage, seed, events);
      if (fault !== null)
        faults.push(`npm run sim -- --seed ${seed} --stage ${stage} --events ${events}: ${fault.message}`);
      if (seed % SEEDS_PER_REPETITION === 0) expect(simulate(stage, seed, events).hash).toBe(hash);
    }
    expect(faults).toEqual([]);
  });
});
