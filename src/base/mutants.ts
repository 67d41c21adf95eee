/**
 * Planted bugs: the proof that the tests would notice.
 *
 * A simulation that finds nothing proves something only if it would find what is wrong. So each rule of consensus and of failover
 * that can be broken by leaving out a line has a place that asks `isPlanted` and then leaves it out; the tests plant one at a
 * time and demand that the simulator finds it within its budget of seeds (test/sim/mutants.ts).
 *
 * Only tests can plant: `plant` does not leave this room, so no setting, no variable of the environment and no user of the package
 * can reach it.
 */
let planted: string | null = null;

/** Whether the bug of that name is to be made. Always false but in tests. */
export function isPlanted(name: string): boolean {
  return planted !== null && planted === name;
}

/** Makes this bug until another is named, or null. For tests, which import this file by itself. */
export function plant(name: string | null): void {
  planted = name;
}
