/**
 * Taking members from the low or the high end of sorted sets: ZPOPMIN and its kin, those that look at several keys, and those that
 * wait where there is nothing. How waiting works is in blocking.ts: the handler is called again when one of its keys may
 * have got something, and parses its arguments again.
 */
import type { Handlers, sortedSet } from '../../commands';
import { fixedWord, TYPE_SORTED_SET, type SortedSet } from '../../storage';
import type { Call, Handler } from '../call';
import { COUNT_NOT_POSITIVE, NOT_POSITIVE, NUMKEYS_NOT_POSITIVE } from '../error-replies';
import { leaveAs, leavePop } from './effects';
import { FLAT_SCORES, SCORES_IN_PAIRS, writeMembers } from './sorted-set-replies';

const ZPOPMAX = fixedWord('ZPOPMAX');
const ZPOPMIN = fixedWord('ZPOPMIN');

type Names = 'BZMPOP' | 'BZPOPMAX' | 'BZPOPMIN' | 'ZMPOP' | 'ZPOPMAX' | 'ZPOPMIN';

export const sortedSetPopHandlers: Pick<Handlers<typeof sortedSet, Handler>, Names> = {
  BZMPOP(call) {
    if (!several.read(call, 2)) return;
    const timeoutMs = call.timeout(1);
    if (Number.isNaN(timeoutMs) || popFromFirst(call)) return;
    waitForMembers(call, several.firstKey, several.keyCount, timeoutMs);
  },

  BZPOPMAX(call) {
    popOrWait(call, true);
  },

  BZPOPMIN(call) {
    popOrWait(call, false);
  },

  ZMPOP(call) {
    if (several.read(call, 1) && !popFromFirst(call)) call.reply.nullArray();
  },

  ZPOPMAX(call) {
    pop(call, true);
  },

  ZPOPMIN(call) {
    pop(call, false);
  },
};

/** Without a count the reply is the same in both protocols: member, score. */
function pop(call: Call, isHighest: boolean): void {
  if (call.argc > 3) return call.syntaxError();
  const isCounted = call.argc === 3;
  const count = isCounted ? call.natural(2, NOT_POSITIVE) : 1;
  if (Number.isNaN(count)) return;
  const set = call.writable(call.sortedSet, 1);
  if (set === null) return;
  const scores = isCounted && call.reply.protocol === 3 ? SCORES_IN_PAIRS : FLAT_SCORES;
  const popped = Math.min(count, set.length);
  call.reply.array(scores === FLAT_SCORES ? popped * 2 : popped);
  take(call, set, popped, isHighest, scores);
}

function popOrWait(call: Call, isHighest: boolean): void {
  const last = call.argc - 1;
  const timeoutMs = call.timeout(last);
  if (Number.isNaN(timeoutMs)) return;
  for (let i = 1; i < last; i++) {
    const set = call.writable(call.sortedSet, i);
    if (set === null) return;
    if (!set.exists) continue;
    call.reply.array(3);
    call.reply.bulk(call.arg(i));
    take(call, set, 1, isHighest, FLAT_SCORES);
    leaveAs(call, isHighest ? ZPOPMAX : ZPOPMIN, i, i + 1);
    return;
  }
  waitForMembers(call, 1, last - 1, timeoutMs);
}

/** What ZMPOP and BZMPOP ask for: some keys, an end, how many members. */
class Several {
  firstKey = 0;
  keyCount = 0;
  isHighest = false;
  count = 1;

  /** Reads the arguments from `numkeys` at i on; false after the error reply. */
  read(call: Call, i: number): boolean {
    this.firstKey = i + 1;
    this.keyCount = call.positive(i, NUMKEYS_NOT_POSITIVE);
    if (Number.isNaN(this.keyCount)) return false;
    const at = this.firstKey + this.keyCount;
    this.isHighest = at < call.argc && call.is(at, 'max');
    if (at >= call.argc || !(this.isHighest || call.is(at, 'min'))) return this.refuse(call);
    this.count = 1;
    if (at + 1 === call.argc) return true;
    if (!call.is(at + 1, 'count') || at + 2 === call.argc) return this.refuse(call);
    this.count = call.positive(at + 2, COUNT_NOT_POSITIVE);
    if (Number.isNaN(this.count)) return false;
    return at + 3 === call.argc || this.refuse(call);
  }

  private refuse(call: Call): boolean {
    call.syntaxError();
    return false;
  }
}

const several = new Several();

/** Takes what `several` asks for from the first sorted set that is there; false, and nothing replied, where none is. */
function popFromFirst(call: Call): boolean {
  const { firstKey, keyCount, isHighest, count } = several;
  for (let i = firstKey; i < firstKey + keyCount; i++) {
    const set = call.writable(call.sortedSet, i);
    if (set === null) return true;
    if (!set.exists) continue;
    const popped = Math.min(count, set.length);
    call.reply.array(2);
    call.reply.bulk(call.arg(i));
    call.reply.array(popped);
    take(call, set, popped, isHighest, SCORES_IN_PAIRS);
    leavePop(call, isHighest ? ZPOPMAX : ZPOPMIN, i, popped);
    return true;
  }
  return false;
}

/** Replies `count` members from an end, without the head of an array, and removes them. */
function take(call: Call, set: SortedSet, count: number, isHighest: boolean, scores: number): void {
  const { length } = set;
  writeMembers(call, set, isHighest ? length - 1 : 0, count, isHighest, scores);
  if (count > 0) set.removeRange(isHighest ? length - count : 0, count);
  call.changed(count);
}

/** Where nothing may wait (in an EXEC) the reply is at once what it would be when time is up. */
function waitForMembers(call: Call, firstKey: number, keyCount: number, timeoutMs: number): void {
  if (call.mayBlock) call.block({ firstKey, keyCount, timeoutMs, type: TYPE_SORTED_SET });
  else call.reply.nullArray();
}
