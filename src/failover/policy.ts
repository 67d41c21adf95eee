/**
 * FailoverPolicy: whether a change of master that could be made should be made by itself.
 *
 * The detector says what is so; these rules keep the cure from being worse than the illness. A group does not fail over again soon
 * after it did, unless the process of its new master is gone: a master that is slow because its replicas resync would otherwise be
 * replaced by one that is slower. And not too many groups fail over at once: when half of them seem dead, it is rather the network,
 * and the observers, that should be looked at.
 */
import { isPlanted } from '../base';

export interface FailoverPolicy {
  /** Milliseconds between automatic failovers of one group. */
  readonly intervalMs: number;
  /** Percentage of the groups that may be failing over at once; at least one always may. */
  readonly atOncePercent: number;
}

/** What a decision rests on. */
export interface FailoverOccasion {
  /** Milliseconds since the group's last automatic failover ended; Infinity where nobody knows of one. */
  readonly sinceLastMs: number;
  /** The master's machine answers, and nobody listens there; or another process is in its place. */
  readonly isProcessGone: boolean;
  /** Automatic failover is off, for this group or for all. */
  readonly isPaused: boolean;
  /** Groups that fail over now. */
  readonly running: number;
  /** Groups that have a master. */
  readonly groups: number;
}

/** Why an automatic failover is not to begin now, in words; null where it may. */
export function whyNotNow(policy: FailoverPolicy, occasion: FailoverOccasion): string | null {
  const { sinceLastMs, isProcessGone, isPaused, running, groups } = occasion;
  if (isPaused) return 'automatic failover is paused';
  if (sinceLastMs < policy.intervalMs && !isProcessGone && !isPlanted('anti-flap-ignored')) {
    return `the last one was less than ${policy.intervalMs} ms ago`;
  }
  const limit = Math.max(1, Math.floor((groups * policy.atOncePercent) / 100));
  if (running >= limit) return `${running} groups fail over already, and at most ${limit} do at once`;
  return null;
}
