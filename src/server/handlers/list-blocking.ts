/**
 * List commands that wait for an element where there is none: BLPOP and its kin. How waiting works is in blocking.ts: the handler
 * is called again when one of its keys may have got something, and parses its arguments again.
 *
 * Where nothing may wait (in an EXEC) they reply at once what they would when their time is up: a null array, even those that
 * reply one element; but not BLMOVE and BRPOPLPUSH in an EXEC, which reply a null.
 */
import type { Handlers, list } from '../../commands';
import { fixedWord, TYPE_LIST } from '../../storage';
import type { Call, Handler } from '../call';
import { leaveAs } from './effects';
import { ends, LPOP, move, popFromFirst, replyPopped, RPOP, several } from './list-pop';

const LMOVE = fixedWord('LMOVE');
const RPOPLPUSH = fixedWord('RPOPLPUSH');

type Names = 'BLMOVE' | 'BLMPOP' | 'BLPOP' | 'BRPOP' | 'BRPOPLPUSH';

export const blockingListHandlers: Pick<Handlers<typeof list, Handler>, Names> = {
  BLPOP(call) {
    popOrWait(call, true);
  },

  BRPOP(call) {
    popOrWait(call, false);
  },

  BLMOVE(call) {
    if (ends.read(call, 3)) moveOrWait(call, ends.fromHead, ends.toHead, 5, LMOVE);
  },

  BRPOPLPUSH(call) {
    moveOrWait(call, false, true, 3, RPOPLPUSH);
  },

  BLMPOP(call) {
    if (!several.read(call, 2)) return;
    const timeoutMs = call.timeout(1);
    if (Number.isNaN(timeoutMs) || popFromFirst(call)) return;
    waitForList(call, several.firstKey, several.keyCount, timeoutMs);
  },
};

function popOrWait(call: Call, atHead: boolean): void {
  const last = call.argc - 1;
  const timeoutMs = call.timeout(last);
  if (Number.isNaN(timeoutMs)) return;
  for (let i = 1; i < last; i++) {
    const list = call.writable(call.list, i);
    if (list === null) return;
    if (!list.exists) continue;
    call.reply.array(2);
    call.reply.bulk(call.arg(i));
    replyPopped(call, list, atHead);
    leaveAs(call, atHead ? LPOP : RPOP, i, i + 1);
    return;
  }
  waitForList(call, 1, last - 1, timeoutMs);
}

/** `name` is the command that does the same without waiting, as a word of the journal. */
function moveOrWait(call: Call, fromHead: boolean, toHead: boolean, timeoutAt: number, name: Uint8Array): void {
  const timeoutMs = call.timeout(timeoutAt);
  if (Number.isNaN(timeoutMs)) return;
  const source = call.writable(call.list, 1);
  if (source === null) return;
  if (source.exists) {
    if (move(call, fromHead, toHead)) leaveAs(call, name, 1, timeoutAt);
  } else if (call.mayBlock) waitForList(call, 1, 1, timeoutMs);
  else call.reply.null();
}

function waitForList(call: Call, firstKey: number, keyCount: number, timeoutMs: number): void {
  if (call.mayBlock) call.block({ firstKey, keyCount, timeoutMs, type: TYPE_LIST });
  else call.reply.nullArray();
}
