/**
 * LeaseTable: who may still act by a lease that was granted, in the books of the leader that grants.
 *
 * A holder counts its lease from the moment it *sent* the renewal (`Lease` in views). The leader counts from the moment it answered,
 * which is later, and adds 5 %: the most by which the rates of two clocks may differ. So when the leader says that a lease has
 * lapsed, its holder has stopped before, without a message and whatever happened to it.
 *
 * A new leader does not know what the former one granted. It takes everybody to hold a lease from the moment it became leader:
 * nobody can have been granted one later, since a grant needs a majority that still follows the grantor after the renewal was sent.
 * (Gray, Cheriton, "Leases", SOSP 1989; the rule for recovery is that of their section 2, "wait for the longest lease".)
 */
import { isPlanted } from '../base';

/** By how much the rate of a holder's clock may differ from the leader's. */
export const CLOCK_RATE_MARGIN = 1.05;

interface Held {
  grantedMs: number;
  untilMs: number;
  version: number;
}

export class LeaseTable {
  private readonly holders = new Map<string, Held>();
  private everybodyUntilMs = -Infinity;

  /** This node leads since `nowMs`; whoever it is may hold a lease of `leaseMs` that was granted before. */
  begin(nowMs: number, leaseMs: number): void {
    this.holders.clear();
    this.everybodyUntilMs = isPlanted('forget-leases-on-new-leader') ? nowMs : nowMs + leaseMs * CLOCK_RATE_MARGIN;
  }

  /** Until when anybody at all may hold a lease of a former leader, monotonic ms. */
  get formerUntilMs(): number {
    return this.everybodyUntilMs;
  }

  /** The answer to a renewal leaves now: it grants `leaseMs`. */
  grant(holder: string, leaseMs: number, nowMs: number): void {
    const held = this.entry(holder);
    if (isPlanted('lease-from-response') && nowMs < held.untilMs) return;
    held.grantedMs = nowMs;
    held.untilMs = Math.max(held.untilMs, nowMs + leaseMs * CLOCK_RATE_MARGIN);
  }

  /** A renewal said that this version is in force at the holder; versions only grow. */
  acknowledge(holder: string, version: number): void {
    const held = this.entry(holder);
    held.version = Math.max(held.version, version);
  }

  /** The newest version that the holder is known to have in force; −1 where it said nothing to this leader. */
  versionOf(holder: string): number {
    return this.holders.get(holder)?.version ?? -1;
  }

  /** The moment after which the holder has certainly stopped, monotonic ms, unless it is granted another lease. */
  mayHoldUntilMs(holder: string): number {
    return Math.max(this.everybodyUntilMs, this.holders.get(holder)?.untilMs ?? -Infinity);
  }

  /** When it was granted its last lease; null where this leader granted none. */
  grantedMs(holder: string): number | null {
    const held = this.holders.get(holder);
    return held === undefined || held.grantedMs === -Infinity ? null : held.grantedMs;
  }

  /** Everybody that this leader heard of and did not forget. */
  get known(): readonly string[] {
    return [...this.holders.keys()];
  }

  /** Whose lease has lapsed, and who is not among the members, is forgotten. */
  forgetLapsed(nowMs: number, isMember: (holder: string) => boolean): void {
    for (const [holder, { untilMs }] of this.holders) {
      if (untilMs < nowMs && !isMember(holder)) this.holders.delete(holder);
    }
  }

  private entry(holder: string): Held {
    let held = this.holders.get(holder);
    if (held === undefined) {
      held = { grantedMs: -Infinity, untilMs: -Infinity, version: -1 };
      this.holders.set(holder, held);
    }
    return held;
  }
}
