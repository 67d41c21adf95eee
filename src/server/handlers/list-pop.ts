/**
 * List commands that take elements from an end: LPOP, RPOP, LMPOP, and the moves from one list to another. Their forms that wait
 * are in list-blocking.ts.
 *
 * An element is replied before it is removed, because the reply is written straight from the list's memory.
 */
import type { Handlers, list } from '../../commands';
import { fixedWord, type List } from '../../storage';
import type { Call, Handler } from '../call';
import { COUNT_NOT_POSITIVE, NOT_POSITIVE, NUMKEYS_NOT_POSITIVE } from '../error-replies';
import { leavePop } from './effects';
import { replyElements } from './list';

/** How elements are taken from an end, in the journal. */
export const LPOP = fixedWord('LPOP');
export const RPOP = fixedWord('RPOP');

type Names = 'LMOVE' | 'LMPOP' | 'LPOP' | 'RPOP' | 'RPOPLPUSH';

export const listPopHandlers: Pick<Handlers<typeof list, Handler>, Names> = {
  LPOP(call) {
    pop(call, true);
  },

  RPOP(call) {
    pop(call, false);
  },

  LMOVE(call) {
    if (!ends.read(call, 3)) return;
    move(call, ends.fromHead, ends.toHead);
  },

  RPOPLPUSH(call) {
    move(call, false, true);
  },

  LMPOP(call) {
    if (!several.read(call, 1)) return;
    if (popFromFirst(call)) return;
    call.reply.nullArray();
  },
};

function pop(call: Call, atHead: boolean): void {
  if (call.argc > 3) {
    call.wrongArity();
    return;
  }
  const isCounted = call.argc === 3;
  const count = isCounted ? call.natural(2, NOT_POSITIVE) : 1;
  if (Number.isNaN(count)) return;
  const list = call.writable(call.list, 1);
  if (list === null) return;
  if (!list.exists) {
    if (isCounted) call.reply.nullArray();
    else call.reply.null();
  } else if (!isCounted) {
    replyPopped(call, list, atHead);
  } else if (count === 0) {
    call.reply.emptyArray();
  } else {
    replyPoppedMany(call, list, atHead, count);
  }
}

/** Replies and removes the element at one end of a list that has some. */
export function replyPopped(call: Call, list: List, atHead: boolean): void {
  if (atHead) list.first();
  else list.last();
  call.reply.bulk(list.read(call.value));
  list.remove(true);
  list.repack();
  call.changed();
}

/** The same for up to `count` elements, as an array, the one at the very end first. */
function replyPoppedMany(call: Call, list: List, atHead: boolean, count: number): void {
  const { length } = list;
  const taken = Math.min(count, length);
  replyElements(call, list, atHead ? 0 : length - 1, taken, atHead);
  list.removeRange(atHead ? 0 : length - taken, taken);
  list.repack();
  call.changed(taken);
}

/**
 * Moves an element from an end of the list in argument 1 to an end of that in argument 2, and replies it; null where there is
 * none. Returns whether it moved one.
 */
export function move(call: Call, fromHead: boolean, toHead: boolean): boolean {
  const source = call.writable(call.list, 1);
  if (source === null) return false;
  if (!source.exists) {
    call.reply.null();
    return false;
  }
  const isRotation = call.arg(1).equals(call.arg(2));
  const destination = isRotation ? source : call.writable(call.otherList, 2);
  if (destination === null) return false;
  if (fromHead) source.first();
  else source.last();
  const element = source.read(call.value);
  call.reply.bulk(element);
  if (isRotation) rotate(call, source, toHead);
  else {
    // The element lies in the source, which does not move when the destination grows.
    destination.expect(element.length, 1);
    if (toHead) destination.pushHead(element);
    else destination.pushTail(element);
    source.remove(true);
    source.repack();
  }
  call.changed();
  return true;
}

/** Moves the element on which a list stands, `call.value`, to one of its ends. */
function rotate(call: Call, list: List, toHead: boolean): void {
  const element = call.keep(call.value);
  if (list.length === 1) {
    // Not removed, as the key would lose its expiry; but it counts as changed.
    list.replace(element);
    return;
  }
  list.remove(true);
  list.expect(element.length, 1);
  if (toHead) list.pushHead(element);
  else list.pushTail(element);
  list.repack();
}

/** Ends of lists as LMOVE and BLMOVE name them. */
class Ends {
  fromHead = false;
  toHead = false;

  /** Reads arguments i and i + 1; false after the error reply. */
  read(call: Call, i: number): boolean {
    const from = headOrTail(call, i);
    if (from === null) return false;
    const to = headOrTail(call, i + 1);
    if (to === null) return false;
    this.fromHead = from;
    this.toHead = to;
    return true;
  }
}

export const ends = new Ends();

/** Whether argument i is LEFT, and not RIGHT; null after the error reply. */
function headOrTail(call: Call, i: number): boolean | null {
  if (call.is(i, 'left')) return true;
  if (call.is(i, 'right')) return false;
  call.syntaxError();
  return null;
}

/** Argument i as an integer from 1 on; NaN after the error reply where it is none. */
function positive(call: Call, i: number, error: string): number {
  const value = call.natural(i, error);
  if (value !== 0) return value;
  call.reply.error(error);
  return NaN;
}

/** What LMPOP and BLMPOP ask for: some keys, an end, how many elements. */
class Several {
  firstKey = 0;
  keyCount = 0;
  fromHead = false;
  count = 1;

  /** Reads the arguments from `numkeys` at i on; false after the error reply. */
  read(call: Call, i: number): boolean {
    const keyCount = positive(call, i, NUMKEYS_NOT_POSITIVE);
    if (Number.isNaN(keyCount)) return false;
    const at = i + 1 + keyCount;
    if (at >= call.argc) {
      call.syntaxError();
      return false;
    }
    const fromHead = headOrTail(call, at);
    if (fromHead === null) return false;
    this.firstKey = i + 1;
    this.keyCount = keyCount;
    this.fromHead = fromHead;
    this.count = 1;
    if (at + 1 === call.argc) return true;
    if (!call.is(at + 1, 'count') || at + 2 === call.argc) {
      call.syntaxError();
      return false;
    }
    this.count = positive(call, at + 2, COUNT_NOT_POSITIVE);
    if (Number.isNaN(this.count)) return false;
    if (at + 3 === call.argc) return true;
    call.syntaxError();
    return false;
  }
}

export const several = new Several();

/** Takes what `several` asks for from the first list that is there; false, and nothing replied, where none is. */
export function popFromFirst(call: Call): boolean {
  const { firstKey, keyCount, fromHead, count } = several;
  for (let i = firstKey; i < firstKey + keyCount; i++) {
    const list = call.writable(call.list, i);
    if (list === null) return true;
    if (!list.exists) continue;
    call.reply.array(2);
    call.reply.bulk(call.arg(i));
    const taken = Math.min(count, list.length);
    replyPoppedMany(call, list, fromHead, taken);
    leavePop(call, fromHead ? LPOP : RPOP, i, taken);
    return true;
  }
  return false;
}
