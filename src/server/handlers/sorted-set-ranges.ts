/**
 * Ranges of sorted sets: replied, stored, counted, removed. ZRANGE with its options says all that the older commands say by
 * their names.
 *
 * A range is found as ranks (see sorted-set-bounds.ts), so that it is known how many members there will be before the first
 * one is replied, and LIMIT skips without a step. Members are then written as the walk passes them, straight from where they
 * lie.
 */
import type { Handlers, sortedSet } from '../../commands';
import type { SortedSet } from '../../storage';
import type { Call, Handler } from '../call';
import { LIMIT_NEEDS_BOUNDS, SCORES_WITHOUT_ORDER } from '../error-replies';
import { nameBounds, rankBounds, scoreBounds, type Bounds } from './sorted-set-bounds';
import { FLAT_SCORES, NO_SCORES, replyMembers, SCORES_IN_PAIRS, storeDraft } from './sorted-set-replies';

/** LIMIT's count where all are wanted: any negative number, and only this one goes with ranks. */
const UNLIMITED = -1;

export const sortedSetRangeHandlers: Pick<
  Handlers<typeof sortedSet, Handler>,
  | 'ZCOUNT'
  | 'ZLEXCOUNT'
  | 'ZRANGE'
  | 'ZRANGEBYLEX'
  | 'ZRANGEBYSCORE'
  | 'ZRANGESTORE'
  | 'ZREMRANGEBYLEX'
  | 'ZREMRANGEBYRANK'
  | 'ZREMRANGEBYSCORE'
  | 'ZREVRANGE'
  | 'ZREVRANGEBYLEX'
  | 'ZREVRANGEBYSCORE'
> = {
  ZCOUNT(call) {
    count(call, scoreBounds);
  },

  ZLEXCOUNT(call) {
    count(call, nameBounds);
  },

  ZRANGE(call) {
    replyRange(call, null, null);
  },

  ZRANGEBYLEX(call) {
    replyRange(call, nameBounds, false);
  },

  ZRANGEBYSCORE(call) {
    replyRange(call, scoreBounds, false);
  },

  ZRANGESTORE(call) {
    if (!range.parse(call, 2, null, null, true)) return;
    const source = call.readable(call.sortedSet, 2);
    if (source === null) return;
    storeDraft(call, 1, (result) => {
      range.select(source);
      result.expect(range.isOfRanks ? range.count : 0);
      if (range.count > 0) source.seek(range.from);
      for (let left = range.count; left > 0; left--) {
        result.add(source.score, source.name(call.value));
        if (range.isReversed) source.previous();
        else source.next();
      }
    });
  },

  ZREMRANGEBYLEX(call) {
    remove(call, nameBounds);
  },

  ZREMRANGEBYRANK(call) {
    remove(call, rankBounds);
  },

  ZREMRANGEBYSCORE(call) {
    remove(call, scoreBounds);
  },

  ZREVRANGE(call) {
    replyRange(call, rankBounds, true);
  },

  ZREVRANGEBYLEX(call) {
    replyRange(call, nameBounds, true);
  },

  ZREVRANGEBYSCORE(call) {
    replyRange(call, scoreBounds, true);
  },
};

/** What a command asks for, and which members that are. */
class Range {
  isReversed = false;
  withScores = false;
  /** Rank of the member to begin with, and how many there are from there up, or down. */
  from = 0;
  count = 0;
  private bounds: Bounds = rankBounds;
  private offset = 0;
  private limit = UNLIMITED;

  /**
   * Reads the arguments that follow the key in argument `key`; false after the error reply. `bounds` and `isReversed` are null where
   * options say what they are.
   */
  parse(call: Call, key: number, bounds: Bounds | null, isReversed: boolean | null, isStored: boolean): boolean {
    this.withScores = false;
    this.offset = 0;
    this.limit = UNLIMITED;
    for (let i = key + 3; i < call.argc; i++) {
      if (!isStored && call.is(i, 'withscores')) {
        this.withScores = true;
      } else if (call.is(i, 'limit') && i + 2 < call.argc) {
        this.offset = call.clampedInteger(++i);
        if (Number.isNaN(this.offset)) return false;
        this.limit = call.clampedInteger(++i);
        if (Number.isNaN(this.limit)) return false;
      } else if (isReversed === null && call.is(i, 'rev')) {
        isReversed = true;
      } else if (bounds === null && call.is(i, 'bylex')) {
        bounds = nameBounds;
      } else if (bounds === null && call.is(i, 'byscore')) {
        bounds = scoreBounds;
      } else {
        call.syntaxError();
        return false;
      }
    }
    this.isReversed = isReversed ?? false;
    this.bounds = bounds ?? rankBounds;
    if (this.limit !== UNLIMITED && this.bounds === rankBounds) {
      call.reply.error(LIMIT_NEEDS_BOUNDS);
      return false;
    }
    if (this.withScores && this.bounds === nameBounds) {
      call.reply.error(SCORES_WITHOUT_ORDER);
      return false;
    }
    // Scores and names are given the higher bound first where the order is reversed; ranks count from the other end.
    const isSwapped = this.isReversed && this.bounds !== rankBounds;
    return this.bounds.parse(call, key + (isSwapped ? 2 : 1), key + (isSwapped ? 1 : 2));
  }

  /** Whether it is known how many members there are before the set is looked at: Redis chooses an encoding by that. */
  get isOfRanks(): boolean {
    return this.bounds === rankBounds;
  }

  /** Finds the members of a set. */
  select(set: SortedSet): void {
    const { bounds, isReversed, offset, limit } = this;
    const first = bounds.firstRank(set);
    const end = bounds.endRank(set);
    if (bounds === rankBounds) {
      this.from = isReversed ? set.length - 1 - first : first;
      this.count = Math.max(end - first, 0);
      return;
    }
    const left = offset < 0 ? 0 : Math.max(end - first - offset, 0);
    this.from = isReversed ? end - 1 - offset : first + offset;
    this.count = limit < 0 ? left : Math.min(left, limit);
  }
}

const range = new Range();

function replyRange(call: Call, bounds: Bounds | null, isReversed: boolean | null): void {
  if (!range.parse(call, 1, bounds, isReversed, false)) return;
  const set = call.readable(call.sortedSet, 1);
  if (set === null) return;
  range.select(set);
  const scores = !range.withScores ? NO_SCORES : call.reply.protocol === 3 ? SCORES_IN_PAIRS : FLAT_SCORES;
  replyMembers(call, set, range.from, range.count, range.isReversed, scores);
}

/** Replies how many members lie between the bounds in arguments 2 and 3. */
function count(call: Call, bounds: Bounds): void {
  if (!bounds.parse(call, 2, 3)) return;
  const set = call.readable(call.sortedSet, 1);
  if (set !== null) call.reply.integer(Math.max(bounds.endRank(set) - bounds.firstRank(set), 0));
}

/** Removes them. */
function remove(call: Call, bounds: Bounds): void {
  if (!bounds.parse(call, 2, 3)) return;
  const set = call.writable(call.sortedSet, 1);
  if (set === null) return;
  const first = bounds.firstRank(set);
  const removed = Math.max(bounds.endRank(set) - first, 0);
  if (removed > 0) set.removeRange(first, removed);
  call.changed(removed);
  call.reply.integer(removed);
}
