/**
 * Patience: how long a node waits for its leader before it asks for votes, and how long it refuses to help others to replace it.
 *
 * The wait is drawn anew each time, so that nodes rarely begin elections together (§5.2). The refusal, for the least wait after the
 * leader was heard, keeps a node that was cut off or removed from disturbing those who have a leader (§6), and is what a lease stands on
 * (dissertation §6.4.1).
 */
import type { Limits } from './options';

export class Patience {
  /** When an election is due. */
  electionAtMs = 0;
  private loyalUntilMs: number;

  constructor(
    private readonly limits: Limits,
    nowMs: number,
  ) {
    // What it promised to its leader before it was restarted is forgotten, and a lease relies on it.
    this.loyalUntilMs = limits.readsByLease ? nowMs + limits.electionTimeoutMs : -Infinity;
    this.delay(nowMs);
  }

  /** Begins to wait again. */
  delay(nowMs: number): void {
    const { electionTimeoutMs, random } = this.limits;
    this.electionAtMs = nowMs + electionTimeoutMs * (1 + random.fraction());
  }

  /** The leader was heard. */
  renew(nowMs: number): void {
    this.loyalUntilMs = nowMs + this.limits.electionTimeoutMs;
    this.delay(nowMs);
  }

  /** There is nobody to wait for: only this node has a vote. */
  end(nowMs: number): void {
    this.electionAtMs = nowMs;
  }

  /** There is no leader to wait for, it seems. */
  lose(nowMs: number): void {
    const { electionTimeoutMs, random } = this.limits;
    this.loyalUntilMs = -Infinity;
    this.electionAtMs = nowMs + (electionTimeoutMs / 4) * random.fraction();
  }

  /** Whether the leader is to be held to. */
  isLoyal(nowMs: number): boolean {
    return nowMs < this.loyalUntilMs;
  }
}
