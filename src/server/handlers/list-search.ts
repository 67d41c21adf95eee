/**
 * List commands that look for an element by its text: LPOS, LREM, LINSERT.
 */
import { INT64_MIN } from '../../base';
import type { Handlers, list } from '../../commands';
import type { Call, Handler } from '../call';
import { COUNT_NEGATIVE, MAXLEN_NEGATIVE, NOT_A_COUNT, RANK_ZERO } from '../error-replies';

export const listSearchHandlers: Pick<Handlers<typeof list, Handler>, 'LINSERT' | 'LPOS' | 'LREM'> = {
  LINSERT(call) {
    const isAfter = call.is(2, 'after');
    if (!isAfter && !call.is(2, 'before')) {
      call.syntaxError();
      return;
    }
    const list = call.writable(call.list, 1);
    if (list === null) return;
    if (!list.exists) {
      call.reply.integer(0);
      return;
    }
    const pivot = call.arg(3);
    let stands = list.first();
    while (stands && !list.isAt(pivot)) stands = list.next();
    if (!stands) {
      call.reply.integer(-1);
      return;
    }
    list.insert(call.arg(4), isAfter);
    call.changed();
    call.reply.integer(list.length);
  },

  LREM(call) {
    const count = call.clampedInteger(2);
    if (Number.isNaN(count)) return;
    const list = call.writable(call.list, 1);
    if (list === null) return;
    const element = call.arg(3);
    const forward = count >= 0;
    const most = count === 0 ? Infinity : Math.abs(count);
    let removed = 0;
    let stands = forward ? list.first() : list.last();
    while (stands && removed < most) {
      if (list.isAt(element)) {
        stands = list.remove(forward);
        removed++;
      } else {
        stands = forward ? list.next() : list.previous();
      }
    }
    if (removed > 0) list.repack();
    call.changed(removed);
    call.reply.integer(removed);
  },

  LPOS(call) {
    if (!search.read(call)) return;
    const list = call.readable(call.list, 1);
    if (list === null) return;
    const { rank, count, lengthMax } = search;
    const element = call.arg(2);
    const forward = rank > 0;
    const looksAt = Math.min(list.length, lengthMax);
    const wanted = count < 0 ? 1 : count === 0 ? Infinity : count;
    const last = list.length - 1;
    let toSkip = Math.abs(rank) - 1;
    let stands = forward ? list.first() : list.last();
    for (let i = 0; stands && i < looksAt && found.length < wanted; i++) {
      if (list.isAt(element) && --toSkip < 0) found.push(forward ? i : last - i);
      stands = forward ? list.next() : list.previous();
    }
    replyFound(call, count >= 0);
  },
};

/** Places that the LPOS at hand has found. */
const found: number[] = [];

function replyFound(call: Call, isMany: boolean): void {
  if (isMany) call.reply.array(found.length);
  else if (found.length === 0) call.reply.null();
  for (const index of found) call.reply.integer(index);
  found.length = 0;
}

/** The options of LPOS. */
class Search {
  /** The first match that counts: 1 for the first from the head, -1 for the first from the tail. */
  rank = 1;
  /** How many matches are wanted, 0 for all; -1 for one, not as an array. */
  count = -1;
  /** How many elements are looked at. */
  lengthMax = Infinity;

  /** Reads the options of a call; false after the error reply. */
  read(call: Call): boolean {
    this.rank = 1;
    this.count = -1;
    this.lengthMax = Infinity;
    for (let i = 3; i < call.argc; i += 2) {
      if (i + 1 === call.argc || !this.isOption(call, i)) {
        call.syntaxError();
        return false;
      }
      if (!this.readOption(call, i)) return false;
    }
    return true;
  }

  private isOption(call: Call, i: number): boolean {
    return call.is(i, 'rank') || call.is(i, 'count') || call.is(i, 'maxlen');
  }

  private readOption(call: Call, i: number): boolean {
    if (call.is(i, 'rank')) {
      this.rank = readRank(call, i + 1);
      return !Number.isNaN(this.rank);
    }
    if (call.is(i, 'count')) {
      this.count = call.natural(i + 1, COUNT_NEGATIVE);
      return !Number.isNaN(this.count);
    }
    const lengthMax = call.natural(i + 1, MAXLEN_NEGATIVE);
    this.lengthMax = lengthMax === 0 ? Infinity : lengthMax;
    return !Number.isNaN(lengthMax);
  }
}

const search = new Search();

/** Argument i as a rank: not 0, and one whose negative is an int64 too. NaN after the error reply. */
function readRank(call: Call, i: number): number {
  const rank = call.clampedInteger(i);
  if (rank === 0) {
    call.reply.error(RANK_ZERO);
    return NaN;
  }
  if (rank !== Number.MIN_SAFE_INTEGER || call.int64(i) !== INT64_MIN) return rank;
  call.reply.error(NOT_A_COUNT);
  return NaN;
}
