/**
 * Sorted-set commands on single members: adding, scores, ranks, removing, samples. Ranges of members are in
 * sorted-set-ranges.ts, what takes members from an end in sorted-set-pops.ts, what combines sets in sorted-set-operations.ts.
 */
import { INT64_MAX, INT64_MIN, parseDouble } from '../../base';
import type { Handlers, sortedSet } from '../../commands';
import {
  ADD_IF_GREATER,
  ADD_IF_LESS,
  ADD_IF_MISSING,
  ADD_IF_PRESENT,
  ADD_INCREMENT,
  ADDED,
  NOT_A_NUMBER,
  NOT_ADDED,
  UPDATED,
  type SortedSet,
} from '../../storage';
import type { Call, Handler } from '../call';
import {
  GT_LT_AND_NX,
  INCR_TAKES_ONE_PAIR,
  NOT_A_COUNT,
  NOT_A_FLOAT,
  OUT_OF_RANGE,
  SCORE_IS_NAN,
  XX_AND_NX,
} from '../error-replies';
import { replyScan } from './collection-scan';
import { sample } from './sampling';
import { sortedSetOperationHandlers } from './sorted-set-operations';
import { sortedSetPopHandlers } from './sorted-set-pops';
import { sortedSetRangeHandlers } from './sorted-set-ranges';

/** ZADD's CH, beside the conditions of `SortedSet.add`: reply how many members were changed, not only the new ones. */
const COUNT_CHANGED = 32;

/** What ZRANDMEMBER takes at most WITHSCORES: half of what a count can be. */
const COUNT_WITH_SCORES_MAX = INT64_MAX / 2n;

export const sortedSetHandlers: Handlers<typeof sortedSet, Handler> = {
  ZADD(call) {
    add(call, 0);
  },

  ZCARD(call) {
    const set = call.readable(call.sortedSet, 1);
    if (set !== null) call.reply.integer(set.length);
  },

  ZINCRBY(call) {
    add(call, ADD_INCREMENT);
  },

  ZMSCORE(call) {
    const set = call.readable(call.sortedSet, 1);
    if (set === null) return;
    call.reply.array(call.argc - 2);
    for (let i = 2; i < call.argc; i++) replyScore(call, set, i);
  },

  ZRANDMEMBER(call) {
    if (call.argc === 2) {
      const set = call.readable(call.sortedSet, 1);
      if (set === null) return;
      if (!set.exists) return call.reply.null();
      set.pick(call.keyspace.random);
      call.reply.bulk(set.name(call.value));
      return;
    }
    const exact = call.int64(2);
    if (exact === null) return;
    if (exact === INT64_MIN) return call.reply.error(NOT_A_COUNT);
    const withScores = call.argc > 3;
    if (withScores) {
      if (call.argc > 4 || !call.is(3, 'withscores')) return call.syntaxError();
      if (exact < -COUNT_WITH_SCORES_MAX || exact > COUNT_WITH_SCORES_MAX) return call.reply.error(OUT_OF_RANGE);
    }
    const set = call.readable(call.sortedSet, 1);
    if (set !== null) replyRandom(call, set, Number(exact), withScores);
  },

  ZRANK(call) {
    replyRank(call, false);
  },

  ZREM(call) {
    const set = call.writable(call.sortedSet, 1);
    if (set === null) return;
    let removed = 0;
    for (let i = 2; i < call.argc && set.exists; i++) if (set.delete(call.arg(i))) removed++;
    call.changed(removed);
    call.reply.integer(removed);
  },

  ZREVRANK(call) {
    replyRank(call, true);
  },

  ZSCAN(call) {
    replyScan(call, call.sortedSet, (set) => call.reply.text(set.scoreText));
  },

  ZSCORE(call) {
    const set = call.readable(call.sortedSet, 1);
    if (set !== null) replyScore(call, set, 2);
  },

  ...sortedSetRangeHandlers,
  ...sortedSetPopHandlers,
  ...sortedSetOperationHandlers,
};

/** The option that argument i is, as a flag; 0 where it is none. */
function optionAt(call: Call, i: number): number {
  if (call.is(i, 'nx')) return ADD_IF_MISSING;
  if (call.is(i, 'xx')) return ADD_IF_PRESENT;
  if (call.is(i, 'gt')) return ADD_IF_GREATER;
  if (call.is(i, 'lt')) return ADD_IF_LESS;
  if (call.is(i, 'ch')) return COUNT_CHANGED;
  return call.is(i, 'incr') ? ADD_INCREMENT : 0;
}

/** Adds the pairs of score and member that the arguments name. `flags` are those that the command's name stands for. */
function add(call: Call, flags: number): void {
  const { reply } = call;
  let first = 2;
  for (; first < call.argc; first++) {
    const option = optionAt(call, first);
    if (option === 0) break;
    flags |= option;
  }
  const words = call.argc - first;
  if (words === 0 || words % 2 !== 0) return call.syntaxError();
  const isIncrement = (flags & ADD_INCREMENT) !== 0;
  const conditions = flags & (ADD_IF_MISSING | ADD_IF_GREATER | ADD_IF_LESS);
  if ((flags & ADD_IF_MISSING) !== 0 && (flags & ADD_IF_PRESENT) !== 0) return reply.error(XX_AND_NX);
  if ((conditions & (conditions - 1)) !== 0) return reply.error(GT_LT_AND_NX);
  if (isIncrement && words > 2) return reply.error(INCR_TAKES_ONE_PAIR);
  for (let i = first; i < call.argc; i += 2)
    if (Number.isNaN(parseDouble(call.arg(i)))) return reply.error(NOT_A_FLOAT);
  const set = call.writable(call.sortedSet, 1);
  if (set === null) return;
  if (set.exists || (flags & ADD_IF_PRESENT) === 0) set.expect(words / 2);
  let outcome = NOT_ADDED;
  let added = 0;
  let updated = 0;
  for (let i = first; i < call.argc; i += 2) {
    outcome = set.add(parseDouble(call.arg(i)), call.arg(i + 1), flags);
    if (outcome === ADDED) added++;
    else if (outcome === UPDATED) updated++;
  }
  call.changed(added + updated);
  if (!isIncrement) reply.integer((flags & COUNT_CHANGED) !== 0 ? added + updated : added);
  else if (outcome === NOT_A_NUMBER) reply.error(SCORE_IS_NAN);
  else if (outcome === NOT_ADDED) reply.null();
  else reply.double(set.newScore);
}

/** The score of the member that argument i names. */
function replyScore(call: Call, set: SortedSet, i: number): void {
  const score = set.scoreOf(call.arg(i));
  if (Number.isNaN(score)) call.reply.null();
  else call.reply.double(score);
}

function replyRank(call: Call, isReversed: boolean): void {
  const { reply } = call;
  if (call.argc > 4) return call.wrongArity();
  const withScore = call.argc === 4;
  if (withScore && !call.is(3, 'withscore')) return call.syntaxError();
  const set = call.readable(call.sortedSet, 1);
  if (set === null) return;
  const rank = set.rankOf(call.arg(2));
  if (rank < 0) {
    if (withScore) reply.nullArray();
    else reply.null();
    return;
  }
  if (withScore) reply.array(2);
  reply.integer(isReversed ? set.length - 1 - rank : rank);
  if (withScore) reply.double(set.scoreOf(call.arg(2)));
}

/** Different members where `count` is positive, else −count members drawn one by one. */
function replyRandom(call: Call, set: SortedSet, count: number, withScores: boolean): void {
  const { reply } = call;
  const { random } = call.keyspace;
  const positions = count > 0 ? sample(set, count, random) : null;
  const chosen = set.exists ? (positions?.length ?? -count) : 0;
  // RESP3 has pairs; RESP2 one flat array.
  const inPairs = withScores && reply.protocol === 3;
  reply.array(withScores && !inPairs ? chosen * 2 : chosen);
  for (let i = 0; i < chosen; i++) {
    if (positions === null) set.pick(random);
    else set.position = positions[i];
    if (inPairs) reply.array(2);
    reply.bulk(set.name(call.value));
    if (withScores) reply.double(set.score);
  }
}
