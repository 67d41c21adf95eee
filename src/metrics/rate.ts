/**
 * Rate: how fast a counter grows, from samples of it at regular intervals, as Redis' `instantaneous_…` fields have it.
 */

/** Whoever has rates samples them this often, as Redis does. */
export const RATE_SAMPLE_EVERY_MS = 100;
/** How many samples are kept. */
const RATE_SAMPLES = 16;

/** A counter's rate per second over the last 1.6 s. */
export class Rate {
  private readonly samples = new Float64Array(RATE_SAMPLES);
  private at = 0;
  private lastCount = 0;
  private lastMs = 0;

  /** @param nowMs monotonic */
  sample(count: number, nowMs: number): void {
    if (nowMs > this.lastMs) this.samples[this.at] = ((count - this.lastCount) * 1000) / (nowMs - this.lastMs);
    this.at = (this.at + 1) % RATE_SAMPLES;
    this.lastCount = count;
    this.lastMs = nowMs;
  }

  get perSecond(): number {
    return this.samples.reduce((sum, each) => sum + each, 0) / RATE_SAMPLES;
  }

  /** The counter has been set back to 0. */
  reset(): void {
    this.samples.fill(0);
    this.lastCount = 0;
  }
}
