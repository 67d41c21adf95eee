/**
 * LCS: the longest common subsequence of two strings, by the classic table of lengths of common subsequences of
 * prefixes.
 *
 * Redis keeps that table whole, four bytes per cell, and refuses when it would exceed proto-max-bulk-len. We refuse at
 * the same size but keep less: one row of lengths, and, only if the way back through the table is wanted, one bit per
 * cell for the one choice on that way that the strings themselves do not decide. So 512 MiB become 16 MiB at most.
 * Among several longest ones the way back finds the same as Redis: where it can choose it shortens the second string.
 */
import { Bytes } from '../../base';
import type { Handlers, string } from '../../commands';
import { TYPE_STRING, type Address } from '../../storage';
import type { Call, Handler } from '../call';
import { LCS_LEN_AND_IDX, LCS_NEEDS_STRINGS, LCS_TOO_LARGE } from '../error-replies';

/** A run of bytes that is in both strings, as part of their longest common subsequence. */
export interface Match {
  aStart: number;
  bStart: number;
  length: number;
}

export interface Alignment {
  /** The common subsequence itself. */
  readonly common: Bytes;
  /** Where it lies, from the strings' ends to their beginnings. */
  readonly matches: readonly Match[];
}

/** Bytes of Redis' table per pair of bytes. */
const REDIS_CELL_BYTES = 4;

export const lcsHandlers: Pick<Handlers<typeof string, Handler>, 'LCS'> = {
  LCS(call) {
    const first = call.lookup(1);
    const second = call.lookup(2);
    if (!isStringOrMissing(call, first) || !isStringOrMissing(call, second)) {
      call.reply.error(LCS_NEEDS_STRINGS);
      return;
    }
    let wantsLength = false;
    let wantsMatches = false;
    let wantsMatchLengths = false;
    let matchLengthMin = 0;
    for (let i = 3; i < call.argc; i++) {
      const word = call.arg(i);
      if (word.is('len')) wantsLength = true;
      else if (word.is('idx')) wantsMatches = true;
      else if (word.is('withmatchlen')) wantsMatchLengths = true;
      else if (word.is('minmatchlen') && i + 1 < call.argc) {
        matchLengthMin = call.clampedInteger(++i);
        if (Number.isNaN(matchLengthMin)) return;
      } else {
        call.syntaxError();
        return;
      }
    }
    if (wantsLength && wantsMatches) {
      call.reply.error(LCS_LEN_AND_IDX);
      return;
    }
    const a = valueOf(call, first);
    const b = valueOf(call, second);
    if ((a.length + 1) * (b.length + 1) * REDIS_CELL_BYTES > call.node.limits.bulkBytesMax) {
      call.reply.error(LCS_TOO_LARGE);
      return;
    }
    if (wantsLength) {
      call.reply.integer(commonLength(a, b, null));
      return;
    }
    const { common, matches } = align(a, b);
    if (!wantsMatches) call.reply.bulk(common);
    else
      replyMatches(
        call,
        matches.filter(({ length }) => length >= matchLengthMin),
        common.length,
        wantsMatchLengths,
      );
  },
};

function isStringOrMissing(call: Call, record: Address): boolean {
  return record === 0 || call.keyspace.records.type(record) === TYPE_STRING;
}

function valueOf(call: Call, record: Address): Bytes {
  return record === 0 ? new Bytes() : call.keyspace.records.value(record, new Bytes());
}

function replyMatches(call: Call, matches: readonly Match[], commonLength: number, withLengths: boolean): void {
  const { reply } = call;
  reply.map(2);
  reply.text('matches');
  reply.array(matches.length);
  for (const { aStart, bStart, length } of matches) {
    reply.array(withLengths ? 3 : 2);
    replyRange(call, aStart, length);
    replyRange(call, bStart, length);
    if (withLengths) reply.integer(length);
  }
  reply.text('len');
  reply.integer(commonLength);
}

function replyRange(call: Call, start: number, length: number): void {
  call.reply.array(2);
  call.reply.integer(start);
  call.reply.integer(start + length - 1);
}

/** The longest common subsequence, and where it lies. */
export function align(a: Bytes, b: Bytes): Alignment {
  const choices = new Choices(a.length, b.length);
  let left = commonLength(a, b, choices);
  const common = new Bytes(new Uint8Array(left));
  const matches: Match[] = [];
  let match: Match | null = null;
  for (let i = a.length, j = b.length; left > 0;) {
    if (a.at(i - 1) === b.at(j - 1)) {
      i--;
      j--;
      common.buffer[--left] = a.at(i);
      if (match === null) matches.push((match = { aStart: i, bStart: j, length: 0 }));
      match.aStart = i;
      match.bStart = j;
      match.length++;
    } else {
      match = null;
      if (choices.shortensA(i, j)) i--;
      else j--;
    }
  }
  return { common, matches };
}

/** For every pair of prefixes that end in different bytes: whether the way back goes on to the shorter prefix of a. */
class Choices {
  readonly rowBytes: number;
  readonly bits: Uint8Array;

  constructor(aLength: number, bLength: number) {
    this.rowBytes = (bLength + 7) >>> 3;
    this.bits = new Uint8Array(aLength * this.rowBytes);
  }

  /** For prefixes of i and j bytes, both ≥ 1. */
  shortensA(i: number, j: number): boolean {
    const cell = j - 1;
    return ((this.bits[(i - 1) * this.rowBytes + (cell >>> 3)] >>> (cell & 7)) & 1) === 1;
  }
}

/** The length of the longest common subsequence; fills in the choices if they are wanted. */
export function commonLength(a: Bytes, b: Bytes, choices: Choices | null): number {
  const width = b.length;
  const { buffer, start } = b;
  /** For the prefixes of a so far: the length for each prefix of b. */
  const row = new Uint32Array(width + 1);
  for (let i = 0; i < a.length; i++) {
    const byte = a.at(i);
    const bitsStart = choices === null ? 0 : i * choices.rowBytes;
    let diagonal = 0;
    let left = 0;
    for (let j = 0; j < width; j++) {
      const above = row[j + 1];
      if (byte === buffer[start + j]) {
        left = diagonal + 1;
      } else if (above > left) {
        left = above;
        if (choices !== null) choices.bits[bitsStart + (j >>> 3)] |= 1 << (j & 7);
      }
      row[j + 1] = left;
      diagonal = above;
    }
  }
  return row[width];
}
