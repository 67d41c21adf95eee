/**
 * Arguments that SCAN, HSCAN, SSCAN and ZSCAN have in common.
 */
import { parseInt64, parseInteger } from '../../base';
import { NOT_AN_INTEGER } from '../../commands';
import type { Call } from '../call';
import { INVALID_CURSOR } from '../error-replies';

/** Elements per call unless COUNT says otherwise. */
export const SCAN_COUNT_DEFAULT = 10;

const UINT64_MAX = 2n ** 64n - 1n;

/**
 * The cursor in argument i, as C's strtoul reads it: nothing is 0, signs are allowed and a negative number
 * counts back from 2^64. NaN after the error reply.
 */
export function parseCursor(call: Call, i: number): number {
  const cursor = parseInteger(call.arg(i));
  if (cursor >= 0) return cursor;
  const digits = /^([+-]?)([0-9]+)$|^$/.exec(call.arg(i).toLatin1());
  const value = BigInt(digits?.[2] ?? 0);
  if (digits === null || value > UINT64_MAX) {
    call.reply.error(INVALID_CURSOR);
    return NaN;
  }
  return Number(digits[1] === '-' ? BigInt.asUintN(64, -value) : value);
}

/** COUNT takes an int64; what is beyond 2^53 is rounded. */
export function parseCount(call: Call, i: number): number {
  const count = parseInteger(call.arg(i));
  if (!Number.isNaN(count)) return count;
  const exact = parseInt64(call.arg(i));
  if (exact !== null) return Number(exact);
  call.reply.error(NOT_AN_INTEGER);
  return NaN;
}
