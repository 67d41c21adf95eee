/**
 * What survives: random stories on a simulated disk that dies and fails, and a crash at every deed of the shortest workloads.
 * More of both by `npm run fuzz -- disk` and `-- deeds`; a seed that has once shown a mistake is kept here.
 */
import { expect, test } from 'vitest';
import { DiskTrial } from '../fuzz/disk';
import { dieAtEveryDeed, workloads } from '../fuzz/disk-deeds';

const ROUNDS = 250;

test('random stories: every start loads, and finds what was promised', async () => {
  const trial = new DiskTrial();
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const { fault } = await trial.round(seed);
    expect(fault, `seed ${seed}`).toBeNull();
  }
});

test.each([0, 1])('workloads of %i operations: a crash at every deed', async (operations) => {
  for (const workload of workloads(operations)) {
    const { fault } = await dieAtEveryDeed(workload, 1);
    expect(fault).toBeNull();
  }
});
