/**
 * Lease: the right to act for a bounded time, as its holder knows it.
 *
 * The leader of the control plane grants a lease in answer to a renewal, and takes it for granted for a little longer than it says. The
 * holder counts from the moment at which it *sent* the renewal, on its own monotonic clock: the leader cannot have granted before
 * that, so whatever the network and the scheduler do to the answer, the holder stops first. Only rates of clocks matter (they
 * may differ by 5 %), and no clock is ever compared with another one.
 *
 * What always holds: a lease is held at most `leaseMs` after the sending of a renewal that was granted; and one that was given up is
 * held again only by a renewal that was sent after that. (Gray, Cheriton, "Leases", SOSP 1989, section 2.)
 */
import { isPlanted } from '../base';

export class Lease {
  /** When it ends (monotonic ms); −Infinity where it was never held, or was given up. */
  untilMs = -Infinity;
  /** Renewals that were sent before this moment grant nothing. */
  private notBeforeMs = -Infinity;

  /** Whether it is held at this moment of the monotonic clock. */
  isHeld(nowMs: number): boolean {
    return nowMs < this.untilMs;
  }

  /** Milliseconds that are left of it; 0 where it is not held. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.untilMs - nowMs);
  }

  /**
   * A renewal was granted. Answers that overtake each other never shorten what a later one gave.
   * @param sentMs when the renewal was sent
   * @param leaseMs for how long it was granted; 0 grants nothing and takes nothing away
   * @param arrivedMs when the answer came, which must not matter
   */
  renewed(sentMs: number, leaseMs: number, arrivedMs: number): void {
    if (sentMs < this.notBeforeMs || leaseMs <= 0) return;
    const fromMs = isPlanted('lease-counted-from-reply') ? arrivedMs : sentMs;
    this.untilMs = Math.max(this.untilMs, fromMs + leaseMs);
  }

  /** Gives it up at this moment, whatever is left: only what is sent from now on can bring it back. */
  lapse(nowMs: number): void {
    this.untilMs = -Infinity;
    this.notBeforeMs = Math.max(this.notBeforeMs, nowMs);
  }
}
