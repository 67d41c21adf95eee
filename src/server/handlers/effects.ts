/**
 * Effects: what commands leave in the journal where that is not themselves, as far as several families have it in common.
 *
 * Each is the command that Redis 7 propagates in that place: with points in time instead of spans, results instead of sums of
 * floats, members instead of a number to draw, and the form that does not wait. All of them ask first whether anybody reads.
 */
import { Bytes, cutToInt64 } from '../../base';
import { fixedWord, type Journal } from '../../storage';
import type { Call } from '../call';

/** Words of entries. */
const DEL = fixedWord('DEL');
export const EXACTLY = fixedWord('=');
export const KEEPTTL = fixedWord('KEEPTTL');
export const MAXLEN = fixedWord('MAXLEN');
export const PXAT = fixedWord('PXAT');
export const SET = fixedWord('SET');
const PEXPIREAT = fixedWord('PEXPIREAT');

/** The key in argument `keyAt` is gone. */
export function leaveDeletion(call: Call, keyAt: number): void {
  if (call.journals) call.leave(2).fixed(DEL).word(call.arg(keyAt));
}

/** The key in argument 1 expires then; arguments from `conditionsAt` on say on what conditions, which were met. */
export function leaveExpiry(call: Call, whenMs: number, conditionsAt = call.argc): void {
  if (!call.journals) return;
  const entry = call.leave(3 + call.argc - conditionsAt);
  time(entry.fixed(PEXPIREAT).word(call.arg(1)), whenMs);
  for (let i = conditionsAt; i < call.argc; i++) entry.word(call.arg(i));
}

/** The key in argument 1 is this string, and expires then. */
export function leaveString(call: Call, value: Bytes, whenMs: number): void {
  if (call.journals) time(call.leave(5).fixed(SET).word(call.arg(1)).word(value).fixed(PXAT), whenMs);
}

/** So many elements were taken from one end of the key in argument `keyAt`; `name` (a fixed word) says from which. */
export function leavePop(call: Call, name: Uint8Array, keyAt: number, count: number): void {
  if (call.journals) call.leave(3).fixed(name).word(call.arg(keyAt)).integer(count);
}

/** Another command, `name` (a fixed word), with the arguments from `from` on up to `to`, which is not one of them. */
export function leaveAs(call: Call, name: Uint8Array, from: number, to: number): void {
  if (!call.journals) return;
  const entry = call.leave(1 + to - from).fixed(name);
  for (let i = from; i < to; i++) entry.word(call.arg(i));
}

/** A point in time as a word, in ms: what no int64 can hold is the last that it can. */
export function time(entry: Journal, whenMs: number): Journal {
  if (Number.isSafeInteger(whenMs)) return entry.integer(whenMs);
  return entry.word(Bytes.of(String(cutToInt64(whenMs))));
}
