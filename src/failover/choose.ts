/**
 * The choice of the next master (reliability promise F6; the order is that of Redis Sentinel).
 *
 * Who can be chosen: is healthy, has a priority above 0, and stands in the stream of the former master, since offsets of different
 * streams cannot be compared, and whoever left that stream would bring back a past that the others have left. Who is chosen: the
 * lowest priority, then the highest offset, then who is promoted already (a leader that died may have done it), then the smallest
 * run id.
 *
 * Where nobody at all stands in that stream it was not the last one: a master begins another when its first replica comes, and may die
 * before an observer has asked again. Then the stream is the one in which most of those stand who were connected to the former master
 * as late as it was seen; but none that the group is known to have left. Where nobody knows any stream it is that of most candidates.
 *
 * A priority outranks an offset, as in Redis. So who wants that what k replicas have survives any failover (F5) gives the replicas
 * of a group one priority.
 */
import { isPlanted } from '../base';
import { isNoted, type Lineage } from './lineage';
import { OFFSET_OF_NOTHING } from './report';

export interface Candidate {
  readonly memberId: string;
  readonly isHealthy: boolean;
  readonly priority: number;
  readonly stream: string;
  /** Bytes of the stream. */
  readonly offset: number;
  readonly runId: string;
  /** It was connected to the former master as late as that one was last seen, or later. */
  readonly isFollower: boolean;
  /** It is a master already. */
  readonly isPromoted: boolean;
}

export interface ChoiceRules {
  /** The stream of the former master; '' where nobody knows it. */
  readonly stream: string;
  /** The streams that the group is known to have had. */
  readonly lineage: Lineage;
  /** Bytes of it that the former master was last known to have; −1 where nobody knows. */
  readonly masterOffset: number;
  /** Whoever is known to lack more bytes is not chosen; 0 for no limit. */
  readonly lagLimitBytes: number;
  /** An operator takes the loss upon himself: the limit does not hold. */
  readonly isForced: boolean;
}

/** The candidate that is to be master; null where nobody can be. */
export function chooseReplica(candidates: readonly Candidate[], rules: ChoiceRules): Candidate | null {
  const able = candidates.filter(({ isHealthy, priority }) => isHealthy && priority > 0);
  const isInIt = candidates.some(({ stream }) => stream === rules.stream);
  const stream =
    isInIt && rules.stream !== '' ? rules.stream : mostCommonStream(able.filter((one) => isBeyond(one, rules)));
  const chosen = able.filter((one) => one.stream === stream && isNearEnough(one, rules)).sort(byRank);
  return chosen.at(0) ?? null;
}

function isNearEnough({ offset }: Candidate, { masterOffset, lagLimitBytes, isForced }: ChoiceRules): boolean {
  if (isForced || masterOffset < 0) return true;
  if (offset <= OFFSET_OF_NOTHING && masterOffset > OFFSET_OF_NOTHING) return false;
  return lagLimitBytes === 0 || masterOffset - offset <= lagLimitBytes;
}

/** Stands in a stream that is not known to have been left. */
function isBeyond({ stream, isFollower }: Candidate, rules: ChoiceRules): boolean {
  return !isNoted(rules.lineage, stream) && (rules.stream === '' || isFollower);
}

function byRank(a: Candidate, b: Candidate): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.offset !== b.offset) return isPlanted('lower-offset-chosen') ? a.offset - b.offset : b.offset - a.offset;
  if (a.isPromoted !== b.isPromoted) return a.isPromoted ? -1 : 1;
  return a.runId < b.runId ? -1 : 1;
}

/** Null for none. */
function mostCommonStream(candidates: readonly Candidate[]): string | null {
  const counts = new Map<string, { count: number; offset: number }>();
  for (const { stream, offset } of candidates) {
    const { count, offset: highest } = counts.get(stream) ?? { count: 0, offset: -1 };
    counts.set(stream, { count: count + 1, offset: Math.max(highest, offset) });
  }
  let best: string | null = null;
  let most = { count: 0, offset: -1 };
  for (const [stream, found] of counts) {
    if (found.count < most.count || (found.count === most.count && found.offset <= most.offset)) continue;
    best = stream;
    most = found;
  }
  return best;
}
