/**
 * Arguments that SCAN, HSCAN, SSCAN and ZSCAN have in common.
 */
import { globMatch, parseInt64, parseInteger, type Bytes } from '../../base';
import { NOT_AN_INTEGER } from '../../commands';
import type { Call } from '../call';
import { INVALID_CURSOR } from '../error-replies';

/** Elements per call unless COUNT says otherwise. */
const SCAN_COUNT_DEFAULT = 10;

/** A glob pattern, or everything. */
export class NamePattern {
  private pattern: Bytes | null = null;

  /** A star alone is no pattern: it matches the empty name too, which as a pattern it does not. */
  set(pattern: Bytes): void {
    this.pattern = pattern.is('*') ? null : pattern;
  }

  get matchesAll(): boolean {
    return this.pattern === null;
  }

  matches({ buffer, start, end }: Bytes): boolean {
    const { pattern } = this;
    return pattern === null || globMatch(pattern.buffer, pattern.start, pattern.end, buffer, start, end, false);
  }
}

/** The options after a cursor. */
export class ScanOptions {
  count = SCAN_COUNT_DEFAULT;
  readonly pattern = new NamePattern();
  /** The argument that names a type; 0 for none. */
  typeAt = 0;

  /** Reads the arguments from `first` on; false after the error reply. */
  parse(call: Call, first: number, mayHaveType: boolean): boolean {
    for (let i = first; i < call.argc; i += 2) {
      if (i + 1 < call.argc && call.is(i, 'count')) {
        this.count = parseCount(call, i + 1);
        if (Number.isNaN(this.count)) return false;
        if (this.count >= 1) continue;
      } else if (i + 1 < call.argc && call.is(i, 'match')) {
        this.pattern.set(call.arg(i + 1));
        continue;
      } else if (i + 1 < call.argc && mayHaveType && call.is(i, 'type')) {
        this.typeAt = i + 1;
        continue;
      }
      call.syntaxError();
      return false;
    }
    return true;
  }
}

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
function parseCount(call: Call, i: number): number {
  const count = parseInteger(call.arg(i));
  if (!Number.isNaN(count)) return count;
  const exact = parseInt64(call.arg(i));
  if (exact !== null) return Number(exact);
  call.reply.error(NOT_AN_INTEGER);
  return NaN;
}
