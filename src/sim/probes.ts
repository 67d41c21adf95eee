/**
 * Probes: how often rare things happened in a simulation, by name.
 *
 * A run that breaks no promise proves little if nothing difficult happened in it. So what is difficult is counted, and a long run in which some
 * of it never occurred is void (FoundationDB's CODE_PROBE; {@link PROBES} in simulation.ts names what must occur).
 */
export class Probes {
  readonly counts = new Map<string, number>();

  /** That has happened, so many times more. */
  saw(name: string, times = 1): void {
    if (times > 0) this.counts.set(name, (this.counts.get(name) ?? 0) + times);
  }
}
