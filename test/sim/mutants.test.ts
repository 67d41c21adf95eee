/** The simulator finds planted bugs, each by a promise that it breaks: at the seed that is known for it, or else within its budget of seeds. */
import { expect, test } from 'vitest';
import { EVENTS, findMutant, isFound, MUTANTS } from './mutants';
import { simulate } from '../../src/sim';

test('there are enough of them, each once', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
});

test.each(MUTANTS)('$name breaks $expects ($stage, seed $seed)', { timeout: 120_000 }, (mutant) => {
  if (!isFound(mutant, mutant.seed)) expect(findMutant(mutant)).not.toBeNull();
});

test('what is planted does not stay: the seeds of the mutants of Raft keep every promise without them', () => {
  const seeds = new Set(MUTANTS.filter(({ stage }) => stage === 'raft').map(({ seed }) => seed));
  const broken = [...seeds].filter((seed) => simulate('raft', seed, EVENTS.raft).fault !== null);
  expect(broken).toEqual([]);
});
