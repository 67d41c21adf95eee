/**
 * Integers as Redis reads and writes them: strict decimal int64, no spaces, no plus sign, no leading zeros, no "-0".
 *
 * JavaScript's numbers are exact up to 2^53, so there are two roads: numbers for what fits (nearly all), BigInt for
 * the rest of int64. `parseInteger` answers NaN for "not an integer, or beyond 2^53"; who must tell the two apart or
 * needs the exact value goes on to `parseInt64`.
 */
import type { Bytes } from './bytes';

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** A whole number, cut where it is above int64. */
export function cutToInt64(value: number): bigint {
  const exact = BigInt(value);
  return exact > INT64_MAX ? INT64_MAX : exact;
}

/** Most characters an int64 can have: "-9223372036854775808". */
export const INT64_TEXT_MAX = 20;

const ZERO = 48;
const MINUS = 45;

/** The integer that `buffer[start, end)` spells, or NaN where that is none or is beyond ±(2^53 − 1). */
export function parseIntegerAt(buffer: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0 || length > 17) return NaN;
  let at = start;
  const negative = buffer[at] === MINUS;
  if (negative && ++at === end) return NaN;
  const first = buffer[at] - ZERO;
  if (first === 0) return length === 1 ? 0 : NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = buffer[at] - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return NaN;
  return negative ? -value : value;
}

/** {@link parseIntegerAt} of a view. */
export function parseInteger(bytes: Bytes): number {
  return parseIntegerAt(bytes.buffer, bytes.start, bytes.end);
}

/** The int64 that the bytes spell, or null where they spell none. Allocates; for what `parseInteger` refused. */
export function parseInt64(bytes: Bytes): bigint | null {
  const length = bytes.length;
  if (length === 0 || length > INT64_TEXT_MAX) return null;
  const text = bytes.toLatin1();
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return null;
  const value = BigInt(text);
  return value < INT64_MIN || value > INT64_MAX ? null : value;
}

/** Whether the bytes are the canonical spelling of an int64: what OBJECT ENCODING calls "int". */
export function isInt64(buffer: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || length > INT64_TEXT_MAX) return false;
  let at = start;
  const negative = buffer[at] === MINUS;
  if (negative && ++at === end) return false;
  if (buffer[at] === ZERO) return length === 1;
  for (let i = at; i < end; i++) if (buffer[i] < ZERO || buffer[i] > 57) return false;
  const digits = end - at;
  if (digits < 19) return true;
  if (digits > 19) return false;
  const limit = negative ? INT64_MIN_DIGITS : INT64_MAX_DIGITS;
  for (let i = 0; i < 19; i++) {
    const difference = buffer[at + i] - limit.charCodeAt(i);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

const INT64_MAX_DIGITS = '9223372036854775807';
const INT64_MIN_DIGITS = '9223372036854775808';

/** How many characters `writeInteger` will write for a safe integer. */
export function integerLength(value: number): number {
  let length = 1;
  if (value < 0) {
    value = -value;
    length = 2;
  }
  while (value >= 10) {
    value = value < 1e9 ? (value / 10) | 0 : Math.floor(value / 10);
    length++;
  }
  return length;
}

/** Writes a safe integer as decimal text at `at`; returns the position after it. */
export function writeInteger(target: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    target[at++] = MINUS;
    value = -value;
  }
  if (value < 10) {
    target[at] = ZERO + value;
    return at + 1;
  }
  const end = at + integerLength(value);
  let i = end;
  while (value >= 1e9) {
    const quotient = Math.floor(value / 10);
    target[--i] = ZERO + (value - quotient * 10);
    value = quotient;
  }
  let small = value | 0;
  do {
    const quotient = (small / 10) | 0;
    target[--i] = ZERO + small - quotient * 10;
    small = quotient;
  } while (small > 0);
  return end;
}
