/**
 * The choice of the next master (reliability promise F6; the order is that of Redis Sentinel).
 *
 * Who can be chosen: is healthy, has a priority above 0, and stands in the stream of the former master, since offsets of different
 * streams cannot be compared, and whoever left that stream would bring back a past that the others have left. Who is chosen: the
 * lowest priority, then the highest offset, then who is promoted already (a leader that died may have done it), then the smallest
 * run id. Where nobody knows the stream (no observer has ever seen that master), it is the one in which most candidates stand.
 *
 * A priority outranks an offset, as in Redis. So who wants that what k replicas have survives any failover (F5) gives the replicas
 * of a group one priority.
 */
import { isPlanted } from '../base';

export interface Candidate {
  readonly memberId: string;
  readonly isHealthy: boolean;
  readonly priority: number;
  readonly stream: string;
  /** Bytes of the stream. */
  readonly offset: number;
  readonly runId: string;
  /** It is a master already. */
  readonly isPromoted: boolean;
}

export interface ChoiceRules {
  /** The stream of the former master; '' where nobody knows it. */
  readonly stream: string;
  /** The stream before that one, which a replica that was away for long may still be in; '' for none. */
  readonly streamBefore: string;
  /** Bytes of it that the former master was last known to have; −1 where nobody knows. */
  readonly masterOffset: number;
  /** Whoever is known to lack more bytes is not chosen; 0 for no limit. */
  readonly lagLimitBytes: number;
  /** An operator takes the loss upon himself: the limit does not hold. */
  readonly isForced: boolean;
}

/** A stock replica that has lost its data while it was being filled shows this offset, or less. */
const OFFSET_OF_NOTHING = 1;

/** The candidate that is to be master; null where nobody can be. */
export function chooseReplica(candidates: readonly Candidate[], rules: ChoiceRules): Candidate | null {
  const able = candidates.filter(({ isHealthy, priority }) => isHealthy && priority > 0);
  const stream = rules.stream === '' ? mostCommonStream(able, rules.streamBefore) : rules.stream;
  const chosen = able.filter((one) => one.stream === stream && isNearEnough(one, rules)).sort(byRank);
  return chosen.at(0) ?? null;
}

function isNearEnough({ offset }: Candidate, { masterOffset, lagLimitBytes, isForced }: ChoiceRules): boolean {
  if (isForced || masterOffset < 0) return true;
  if (offset <= OFFSET_OF_NOTHING && masterOffset > OFFSET_OF_NOTHING) return false;
  return lagLimitBytes === 0 || masterOffset - offset <= lagLimitBytes;
}

function byRank(a: Candidate, b: Candidate): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.offset !== b.offset) return isPlanted('lower-offset-chosen') ? a.offset - b.offset : b.offset - a.offset;
  if (a.isPromoted !== b.isPromoted) return a.isPromoted ? -1 : 1;
  return a.runId < b.runId ? -1 : 1;
}

function mostCommonStream(candidates: readonly Candidate[], streamBefore: string): string {
  const counts = new Map<string, { count: number; offset: number }>();
  for (const { stream, offset } of candidates) {
    if (stream === streamBefore) continue;
    const { count, offset: highest } = counts.get(stream) ?? { count: 0, offset: -1 };
    counts.set(stream, { count: count + 1, offset: Math.max(highest, offset) });
  }
  let best = streamBefore;
  let most = { count: 0, offset: -1 };
  for (const [stream, found] of counts) {
    if (found.count < most.count || (found.count === most.count && found.offset <= most.offset)) continue;
    best = stream;
    most = found;
  }
  return best;
}
