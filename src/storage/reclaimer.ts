/**
 * Reclaimer: frees large things in pieces, so that no client waits for a deletion.
 *
 * What is to be freed has been unlinked already: nobody can find it any more. A job frees some of it and says whether that was
 * all; most are done at once, the others wait for turns that have time to spare.
 */

/** Frees until `isTimeUp`, which is asked every now and then (some 100 blocks); whether all is freed. */
export type ReclaimJob = (isTimeUp: () => boolean) => boolean;

/** How often a job may go on at once, in the command that caused it. */
const STEPS_AT_ONCE = 4;

export class Reclaimer {
  private readonly jobs: ReclaimJob[] = [];
  private stepsLeft = 0;
  private readonly areStepsUp = (): boolean => --this.stepsLeft <= 0;

  /** Whether something waits to be freed. */
  get isPending(): boolean {
    return this.jobs.length > 0;
  }

  add(job: ReclaimJob): void {
    this.stepsLeft = STEPS_AT_ONCE;
    if (!job(this.areStepsUp)) this.jobs.push(job);
  }

  /** Goes on until everything is freed or `isTimeUp`. */
  run(isTimeUp: () => boolean): void {
    while (this.jobs.length > 0) {
      if (!this.jobs[0](isTimeUp)) return;
      this.jobs.shift();
      if (isTimeUp()) return;
    }
  }

  /** Forgets what waits: its memory is gone. */
  clear(): void {
    this.jobs.length = 0;
  }
}
