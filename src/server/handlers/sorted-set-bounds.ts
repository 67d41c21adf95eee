/**
 * Bounds of sorted sets: from where to where a range of ranks, scores or names goes. Whatever a client says, what comes out is
 * ranks: those of the first member within, and of the first behind. A range whose end is not behind its beginning is empty.
 *
 * A score may be excluded by a "(" before it, and is read as C's strtod does it: blanks before it and nothing at all are fine.
 * A name has "[" before it, or "(" where it is excluded; "-" is before all names and "+" behind them.
 */
import { Bytes, readDouble } from '../../base';
import type { SortedSet } from '../../storage';
import type { Call } from '../call';
import { BAD_NAME_RANGE, BAD_SCORE_RANGE } from '../error-replies';

/** A range as a client gave it; made once and used again. */
export interface Bounds {
  /** Reads the bounds from two arguments; false after the error reply. */
  parse(call: Call, minAt: number, maxAt: number): boolean;
  /** The rank of the first member within. */
  firstRank(set: SortedSet): number;
  /** The rank of the first member behind. */
  endRank(set: SortedSet): number;
}

const OPEN = 40;
const PLUS = 43;
const MINUS = 45;
const BRACKET = 91;

class ScoreBound {
  score = 0;
  isExcluded = false;

  parse({ buffer, start, end }: Bytes): boolean {
    this.isExcluded = start < end && buffer[start] === OPEN;
    if (this.isExcluded) start++;
    const from = start;
    while (start < end && isBlank(buffer[start])) start++;
    this.score = readDouble(buffer, start, end);
    if (Number.isNaN(this.score)) this.score = readToNul(buffer, from, start, end);
    return !Number.isNaN(this.score);
  }
}

/** The double before the first NUL, where C's strings end: 0 where nothing is before it, not even the blanks from `from` on. */
function readToNul(buffer: Uint8Array, from: number, start: number, end: number): number {
  let nul = start;
  while (nul < end && buffer[nul] !== 0) nul++;
  if (nul === start) return start === from ? 0 : NaN;
  return nul < end ? readDouble(buffer, start, nul) : NaN;
}

class ScoreBounds implements Bounds {
  private readonly min = new ScoreBound();
  private readonly max = new ScoreBound();

  parse(call: Call, minAt: number, maxAt: number): boolean {
    if (this.min.parse(call.arg(minAt)) && this.max.parse(call.arg(maxAt))) return true;
    call.reply.error(BAD_SCORE_RANGE);
    return false;
  }

  firstRank(set: SortedSet): number {
    return set.countBelow(this.min.score, this.min.isExcluded);
  }

  endRank(set: SortedSet): number {
    return set.countBelow(this.max.score, !this.max.isExcluded);
  }
}

class NameBound {
  /** Before all names, at `name`, or behind all. */
  place: -1 | 0 | 1 = 0;
  isExcluded = false;
  readonly name = new Bytes();

  parse({ buffer, start, end }: Bytes): boolean {
    const first = start < end ? buffer[start] : 0;
    if (first === PLUS || first === MINUS) {
      this.place = first === PLUS ? 1 : -1;
      return end === start + 1 || buffer[start + 1] === 0;
    }
    this.place = 0;
    this.isExcluded = first === OPEN;
    this.name.set(buffer, start + 1, end);
    return first === OPEN || first === BRACKET;
  }

  /** How many members lie before the bound; those of this name too where `isAfter`. */
  rank(set: SortedSet, isAfter: boolean): number {
    if (this.place === 0) return set.countBelowName(this.name, isAfter);
    return this.place < 0 ? 0 : set.length;
  }
}

class NameBounds implements Bounds {
  private readonly min = new NameBound();
  private readonly max = new NameBound();

  parse(call: Call, minAt: number, maxAt: number): boolean {
    if (this.min.parse(call.arg(minAt)) && this.max.parse(call.arg(maxAt))) return true;
    call.reply.error(BAD_NAME_RANGE);
    return false;
  }

  firstRank(set: SortedSet): number {
    return this.min.rank(set, this.min.isExcluded);
  }

  endRank(set: SortedSet): number {
    return this.max.rank(set, !this.max.isExcluded);
  }
}

/** Ranks, counted from the last one where negative. */
class RankBounds implements Bounds {
  private start = 0;
  private stop = 0;

  parse(call: Call, minAt: number, maxAt: number): boolean {
    this.start = call.clampedInteger(minAt);
    if (Number.isNaN(this.start)) return false;
    this.stop = call.clampedInteger(maxAt);
    return !Number.isNaN(this.stop);
  }

  firstRank({ length }: SortedSet): number {
    return Math.max(this.start < 0 ? this.start + length : this.start, 0);
  }

  endRank({ length }: SortedSet): number {
    return Math.min((this.stop < 0 ? this.stop + length : this.stop) + 1, length);
  }
}

export const scoreBounds = new ScoreBounds();
export const nameBounds = new NameBounds();
export const rankBounds = new RankBounds();

/** As C's isspace. */
function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
