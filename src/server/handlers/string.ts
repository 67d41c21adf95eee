/**
 * String commands: setting, getting, and changing parts of values. Counting is in counters.ts, LCS in lcs.ts.
 *
 * A plain SET or GET goes through in one lookup; options take a second road. Reads reply straight from the keyspace's
 * memory, so a reply is always written before the value is changed.
 */
import { Bytes } from '../../base';
import type { Handlers, string } from '../../commands';
import { fixedWord, KEEP_EXPIRY, NO_EXPIRY, TYPE_STRING } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { OFFSET_OUT_OF_RANGE, STRING_TOO_LONG } from '../error-replies';
import { counterHandlers } from './counters';
import { leaveAs, leaveDeletion, leaveExpiry, leaveString, SET } from './effects';
import { lcsHandlers } from './lcs';
import { ALWAYS, IF_FOUND, isOver, MILLISECOND_MS, readExpiryAt, SECOND_MS, SetOptions } from './set-options';

const options = new SetOptions();

const PERSIST = fixedWord('PERSIST');

/** What a missing key holds. */
const NOTHING = new Bytes();

export const stringHandlers: Handlers<typeof string, Handler> = {
  ...counterHandlers,
  ...lcsHandlers,

  SET(call) {
    if (call.argc > 3) {
      setWithOptions(call);
      return;
    }
    call.strings.set(call.database, call.arg(1), call.arg(2), NO_EXPIRY);
    call.changed();
    call.reply.ok();
  },

  SETNX(call) {
    if (call.database.find(call.arg(1)) !== 0) {
      call.reply.integer(0);
      return;
    }
    call.strings.set(call.database, call.arg(1), call.arg(2), NO_EXPIRY);
    call.changed();
    call.reply.integer(1);
  },

  SETEX(call) {
    setExpiring(call, SECOND_MS);
  },

  PSETEX(call) {
    setExpiring(call, MILLISECOND_MS);
  },

  GET(call) {
    replyString(call);
  },

  GETSET(call) {
    if (replyString(call) === WRONG) return;
    call.strings.set(call.database, call.arg(1), call.arg(2), NO_EXPIRY);
    leaveAs(call, SET, 1, 3);
    call.changed();
  },

  GETDEL(call) {
    if (replyString(call) <= 0) return;
    call.database.delete(call.arg(1));
    leaveDeletion(call, 1);
    call.changed();
  },

  GETEX(call) {
    if (!options.readForGet(call, 2)) return;
    const record = call.lookupString(1);
    if (record === WRONG) return;
    if (record === 0) {
      call.reply.null();
      return;
    }
    const expiryAtMs = options.expiryAtMs(call);
    if (Number.isNaN(expiryAtMs)) return;
    call.reply.bulk(call.stringOf(record));
    if (options.leavesExpiry) return;
    if (isOver(call, expiryAtMs)) {
      call.database.delete(call.arg(1));
      leaveDeletion(call, 1);
    } else {
      if (expiryAtMs === NO_EXPIRY && call.keyspace.records.expiry(record) === NO_EXPIRY) return;
      call.database.setExpiry(record, expiryAtMs);
      if (expiryAtMs === NO_EXPIRY) leaveAs(call, PERSIST, 1, 2);
      else leaveExpiry(call, expiryAtMs);
    }
    call.changed();
  },

  MGET(call) {
    call.reply.array(call.argc - 1);
    for (let i = 1; i < call.argc; i++) {
      const record = call.lookup(i);
      if (record !== 0 && call.keyspace.records.type(record) === TYPE_STRING) call.reply.bulk(call.stringOf(record));
      else call.reply.null();
    }
  },

  MSET(call) {
    if (call.argc % 2 === 0) {
      call.wrongArity();
      return;
    }
    setPairs(call);
    call.reply.ok();
  },

  MSETNX(call) {
    if (call.argc % 2 === 0) {
      call.wrongArity();
      return;
    }
    for (let i = 1; i < call.argc; i += 2) {
      if (call.database.find(call.arg(i)) !== 0) {
        call.reply.integer(0);
        return;
      }
    }
    setPairs(call);
    call.reply.integer(1);
  },

  APPEND(call) {
    const record = call.findString(1);
    if (record === WRONG) return;
    const tail = call.arg(2);
    let length = tail.length;
    if (record === 0) {
      call.strings.set(call.database, call.arg(1), tail, NO_EXPIRY);
    } else {
      if (!fits(call, call.stringOf(record).length, length)) return;
      length = call.strings.append(call.database, record, tail);
    }
    call.changed();
    call.reply.integer(length);
  },

  STRLEN(call) {
    const record = call.lookupString(1);
    if (record !== WRONG) call.reply.integer(record === 0 ? 0 : call.stringOf(record).length);
  },

  SETRANGE(call) {
    const offset = call.clampedInteger(2);
    if (Number.isNaN(offset)) return;
    if (offset < 0) {
      call.reply.error(OFFSET_OUT_OF_RANGE);
      return;
    }
    const record = call.findString(1);
    if (record === WRONG) return;
    const bytes = call.arg(3);
    if (bytes.length === 0) {
      call.reply.integer(record === 0 ? 0 : call.stringOf(record).length);
      return;
    }
    if (!fits(call, offset, bytes.length)) return;
    const length =
      record === 0
        ? call.strings.putPadded(call.database, call.arg(1), offset, bytes)
        : call.strings.writeRange(call.database, record, offset, bytes);
    call.changed();
    call.reply.integer(length);
  },

  GETRANGE: replyRange,
  SUBSTR: replyRange,
};

function setWithOptions(call: Call): void {
  if (!options.readForSet(call, 3)) return;
  const expiryAtMs = options.expiryAtMs(call);
  if (Number.isNaN(expiryAtMs)) return;
  const { condition, wantsOld } = options;
  const key = call.arg(1);
  if (wantsOld || condition !== ALWAYS) {
    const old = wantsOld ? replyString(call) : call.database.find(key);
    if (old === WRONG) return;
    if (condition !== ALWAYS && (condition === IF_FOUND) !== (old !== 0)) {
      if (!wantsOld) call.reply.null();
      return;
    }
  }
  // What is over at once is set and removed: a missing key too has been changed then, for who watches it.
  const isBrief = isOver(call, expiryAtMs);
  call.strings.set(call.database, key, call.arg(2), isBrief ? NO_EXPIRY : expiryAtMs);
  if (isBrief) call.database.delete(key);
  if (call.journals) leaveSet(call, expiryAtMs, isBrief);
  call.changed();
  if (!wantsOld) call.reply.ok();
}

/** What a SET with options has done: without spans of time, and without a wish to know what was there before. */
function leaveSet(call: Call, expiryAtMs: number, isBrief: boolean): void {
  if (isBrief) return leaveDeletion(call, 1);
  if (expiryAtMs !== NO_EXPIRY && expiryAtMs !== KEEP_EXPIRY) return leaveString(call, call.arg(2), expiryAtMs);
  if (!options.wantsOld) return;
  let count = 0;
  for (let i = 0; i < call.argc; i++) if (!isGetOption(call, i)) count++;
  const entry = call.leave(count);
  for (let i = 0; i < call.argc; i++) if (!isGetOption(call, i)) entry.word(call.arg(i));
}

function isGetOption(call: Call, i: number): boolean {
  return i > 2 && call.is(i, 'get');
}

function setExpiring(call: Call, unitMs: number): void {
  const expiryAtMs = readExpiryAt(call, 2, unitMs, call.keyspace.nowMs);
  if (Number.isNaN(expiryAtMs)) return;
  call.strings.set(call.database, call.arg(1), call.arg(3), expiryAtMs);
  leaveString(call, call.arg(3), expiryAtMs);
  call.changed();
  call.reply.ok();
}

/** Later pairs win over earlier ones with the same key. */
function setPairs(call: Call): void {
  for (let i = 1; i < call.argc; i += 2) {
    call.strings.set(call.database, call.arg(i), call.arg(i + 1), NO_EXPIRY);
  }
  call.changed((call.argc - 1) / 2);
}

/** Replies the string in key argument 1, or null; returns its record, 0, or WRONG after the error reply. */
function replyString(call: Call): number {
  const record = call.lookupString(1);
  if (record === 0) call.reply.null();
  else if (record !== WRONG) call.reply.bulk(call.stringOf(record));
  return record;
}

function replyRange(call: Call): void {
  let from = call.clampedInteger(2);
  if (Number.isNaN(from)) return;
  let to = call.clampedInteger(3);
  if (Number.isNaN(to)) return;
  const record = call.lookupString(1);
  if (record === WRONG) return;
  const value = record === 0 ? NOTHING : call.stringOf(record);
  const { length } = value;
  const isBackwards = from < 0 && to < 0 && from > to;
  if (from < 0) from = Math.max(0, length + from);
  if (to < 0) to = Math.max(0, length + to);
  to = Math.min(to, length - 1);
  if (isBackwards || from > to) call.reply.bulk(NOTHING);
  else call.reply.bulkAt(value.buffer, value.start + from, value.start + to + 1);
}

/** Whether a string of `length` bytes may become longer by `more`; false after the error reply. */
function fits(call: Call, length: number, more: number): boolean {
  if (length + more <= call.node.limits.bulkBytesMax) return true;
  call.reply.error(STRING_TOO_LONG);
  return false;
}
