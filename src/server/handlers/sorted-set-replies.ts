/**
 * What sorted-set commands have in common: replying members in order, and storing a set that was made.
 */
import type { SortedSet } from '../../storage';
import type { Call } from '../call';

/** How a reply shows scores: not, each behind its member, or in an array of two with it. */
export const NO_SCORES = 0;
export const FLAT_SCORES = 1;
export const SCORES_IN_PAIRS = 2;

/** Replies `count` members from a rank on, up or, where `isReversed`, down, as an array. */
export function replyMembers(
  call: Call,
  set: SortedSet,
  from: number,
  count: number,
  isReversed: boolean,
  scores: number,
): void {
  call.reply.array(scores === FLAT_SCORES ? count * 2 : count);
  writeMembers(call, set, from, count, isReversed, scores);
}

/** The same without the head of the array. */
export function writeMembers(
  call: Call,
  set: SortedSet,
  from: number,
  count: number,
  isReversed: boolean,
  scores: number,
): void {
  if (count === 0) return;
  const { reply, value } = call;
  set.seek(from);
  for (let left = count; ;) {
    if (scores === SCORES_IN_PAIRS) reply.array(2);
    reply.bulk(set.name(value));
    if (scores !== NO_SCORES) reply.double(set.score);
    if (--left === 0) return;
    if (isReversed) set.previous();
    else set.next();
  }
}

/** Hands `make` an empty sorted set that no client sees, and forgets it after that unless it was moved to a key. */
export function withDraft(call: Call, make: (result: SortedSet) => void): void {
  try {
    make(call.sortedSetDraft.begin());
  } finally {
    call.sortedSetDraft.discard();
  }
}

/**
 * Stores what `make` puts into a sorted set under the key in argument `i`, whatever is there, and replies how many members these
 * are. Where there are none nothing is left under the key.
 */
export function storeDraft(call: Call, i: number, make: (result: SortedSet) => void): void {
  withDraft(call, (result) => {
    make(result);
    const { length } = result;
    if (length > 0) {
      call.sortedSetDraft.moveTo(call.database, call.arg(i));
      call.changed();
    } else if (call.database.delete(call.arg(i))) {
      call.changed();
    }
    call.reply.integer(length);
  });
}
