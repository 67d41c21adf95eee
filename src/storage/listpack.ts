/**
 * Listpack: a list of strings and integers in one run of bytes, in exactly Redis' format, so that DUMP, RDB files and
 * full synchronisation copy memory. Small hashes, lists, sets and sorted sets are one of these.
 *
 *   u32 total bytes | u16 number of elements (65535: too many to tell) | elements | 0xFF
 *
 * Texts that spell an int64 canonically are kept as integers. A `Listpack` is a reusable cursor over bytes that somebody
 * else holds (`over`); positions are offsets from its beginning. It reads, and writes single elements; making room is the
 * business of whoever owns the bytes. Whatever strangers send is checked once by `isValidListpack` and trusted from then
 * on: every position that a cursor hands out is that of an element, and every element is inside.
 *
 * Every command on a small collection walks here. `find` takes the text apart once and then mostly looks at the first byte
 * of each element, which also tells where the next one is: computed, because a look in a table of sizes would have to wait
 * for its memory before the next step can begin (a third slower; 100 fields of 20 bytes: 0.4 µs to find one, measured).
 * (Redis: listpack.md by S. Sanfilippo; 7.2.)
 */
import { Bytes, EMPTY_BUFFER, sameBytes, widen } from '../base';
import { Int64, INT64_SPELLING_BYTES, readInt32, writeInt32 } from './int64';
import {
  backlenBytes,
  checkedElementBytes,
  elementBytes,
  END,
  headBytes,
  INT13,
  INT13_BYTES,
  int13Head,
  INT7_BYTES,
  integerAt,
  integerBytes,
  isIntegerAt,
  isString,
  isStringAt,
  MIDDLE_STRING,
  readBacklen,
  SHORT_STRING,
  SHORT_STRING_BIAS,
  SHORT_STRING_LIMIT,
  spellIntegerAt,
  stringBytes,
  stringLength,
  writeBacklen,
  writeIntegerElement,
  writeStringElement,
} from './listpack-elements';

export const LISTPACK_HEADER_BYTES = 6;
/** Bytes of a listpack without elements. */
export const LISTPACK_EMPTY_BYTES = 7;
/** What `first`, `next`, `find` … answer where there is nothing more. */
export const NOWHERE = -1;

const COUNT_UNKNOWN = 0xffff;

/** The integer that the text at hand spells, if any. */
const wanted = new Int64();

export class Listpack {
  u8: Uint8Array = EMPTY_BUFFER;
  /** Where the listpack begins in `u8`. */
  base = 0;
  /** Room for an integer's spelling, borrowed by the views of `read`; a second one so that two can be compared. */
  private readonly spellings = [
    widen(new Uint8Array(INT64_SPELLING_BYTES)),
    widen(new Uint8Array(INT64_SPELLING_BYTES)),
  ];
  private spelling = 0;

  /** Points at the listpack in `bytes`; returns itself. */
  over(bytes: Bytes): this {
    this.u8 = bytes.buffer;
    this.base = bytes.start;
    return this;
  }

  /** Total bytes, header and end included. */
  get length(): number {
    return readInt32(this.u8, this.base) >>> 0;
  }

  /** Number of elements. O(1) up to 65,534. */
  get count(): number {
    const count = this.shownCount;
    if (count !== COUNT_UNKNOWN) return count;
    let walked = 0;
    for (let at = this.first(); at !== NOWHERE; at = this.next(at)) walked++;
    return walked;
  }

  /** The first element's position, or NOWHERE. */
  first(): number {
    return this.u8[this.base + LISTPACK_HEADER_BYTES] === END ? NOWHERE : LISTPACK_HEADER_BYTES;
  }

  /** The last element's position, or NOWHERE. */
  last(): number {
    return this.previous(this.length - 1);
  }

  /** The position of the element after the one at `at`, or NOWHERE. */
  next(at: number): number {
    const next = at + this.sizeAt(at);
    return this.u8[this.base + next] === END ? NOWHERE : next;
  }

  /** The position of the element before `at`, which may also be the position after the last; or NOWHERE. */
  previous(at: number): number {
    if (at === LISTPACK_HEADER_BYTES) return NOWHERE;
    const size = readBacklen(this.u8, this.base + at);
    return at - size - backlenBytes(size);
  }

  /** The position of element `index`, counted from the end if negative; NOWHERE where there is none. */
  seek(index: number): number {
    const count = this.shownCount;
    if (count !== COUNT_UNKNOWN) {
      if (index >= count || index < -count) return NOWHERE;
      // From the end that is nearer.
      if (index > count / 2) index -= count;
      else if (-index > count / 2) index += count;
    }
    let at: number;
    if (index >= 0) {
      for (at = this.first(); at !== NOWHERE && index > 0; index--) at = this.next(at);
    } else {
      for (at = this.last(); at !== NOWHERE && index < -1; index++) at = this.previous(at);
    }
    return at;
  }

  /** Bytes of the element at `at`, all included. */
  sizeAt(at: number): number {
    return elementBytes(this.u8, this.base + at);
  }

  /** Points `into` at the element's text. An integer's text is spelled elsewhere and good for one more `read` of this cursor only. */
  read(at: number, into: Bytes): Bytes {
    const { u8 } = this;
    const start = this.base + at;
    const first = u8[start];
    if (isString(first)) {
      const data = start + headBytes(first);
      return into.set(u8, data, data + stringLength(u8, start));
    }
    this.spelling = 1 - this.spelling;
    const text = this.spellings[this.spelling];
    return into.set(text, 0, spellIntegerAt(u8, start, text));
  }

  /** The element as a number where it is kept as an integer, and a safe one; else NaN. */
  integerAt(at: number): number {
    const { u8 } = this;
    const start = this.base + at;
    return isString(u8[start]) ? NaN : integerAt(u8, start);
  }

  /** Whether the element at `at` is this text. */
  isAt(at: number, text: Bytes): boolean {
    const { u8 } = this;
    const { buffer, start, end } = text;
    const place = this.base + at;
    if (isString(u8[place])) return isStringAt(u8, place, buffer, start, end);
    return wanted.parse(buffer, start, end) && isIntegerAt(u8, place, wanted);
  }

  /**
   * The position of the first element that is this text, of the one at `from` and every `step`th after it; NOWHERE where
   * there is none, or where `from` is NOWHERE.
   */
  find(text: Bytes, from: number, step: number): number {
    if (from === NOWHERE) return NOWHERE;
    const { u8, base } = this;
    const { buffer, start, end } = text;
    const length = end - start;
    const isInteger = wanted.parse(buffer, start, end);
    /** The first byte that the text must have as a short string, as an integer of 7 bits, of 13 bits; NOWHERE for none. */
    const head = length < SHORT_STRING_LIMIT ? SHORT_STRING | length : NOWHERE;
    const small = isInteger && integerBytes(wanted) === 1 ? wanted.low : NOWHERE;
    const middle = isInteger && integerBytes(wanted) <= 2 ? int13Head(wanted.low) : NOWHERE;
    const lowest = wanted.low & 0xff;
    // Names differ at their ends rather than at their beginnings.
    const last = length === 0 ? head : buffer[end - 1];
    let at = base + from;
    for (;;) {
      const first = u8[at];
      if (first < INT13) {
        if (first === head) {
          if (u8[at + length] === last && sameBytes(u8, at + 1, buffer, start, length)) return at - base;
        } else if (first === small) {
          return at - base;
        }
        at += first < SHORT_STRING ? INT7_BYTES : first - SHORT_STRING_BIAS;
      } else if (first < MIDDLE_STRING) {
        if (first === middle && u8[at + 1] === lowest) return at - base;
        at += INT13_BYTES;
      } else if (first === END) {
        return NOWHERE;
      } else {
        const isFound = isString(first)
          ? isStringAt(u8, at, buffer, start, end)
          : isInteger && isIntegerAt(u8, at, wanted);
        if (isFound) return at - base;
        at += elementBytes(u8, at);
      }
      for (let left = step; left > 1; left--) {
        const skipped = u8[at];
        if (skipped < SHORT_STRING) at += INT7_BYTES;
        else if (skipped < INT13) at += skipped - SHORT_STRING_BIAS;
        else at += elementBytes(u8, at);
      }
    }
  }

  /** Writes the header of a listpack of `bytes` bytes with `count` elements, and its end. */
  writeFrame(bytes: number, count: number): void {
    const { u8, base } = this;
    const shown = Math.min(count, COUNT_UNKNOWN);
    writeInt32(u8, base, bytes);
    u8[base + 4] = shown;
    u8[base + 5] = shown >>> 8;
    u8[base + bytes - 1] = END;
  }

  /** Writes an element of `elementSize(text)` bytes at `at`; returns the position after it. */
  write(at: number, text: Bytes): number {
    const { u8 } = this;
    const start = this.base + at;
    const isInteger = wanted.parse(text.buffer, text.start, text.end);
    const end = isInteger ? writeIntegerElement(u8, start, wanted) : writeStringElement(u8, start, text);
    return writeBacklen(u8, end, end - start) - this.base;
  }

  /** What the header says of the number of elements. */
  private get shownCount(): number {
    return this.u8[this.base + 4] | (this.u8[this.base + 5] << 8);
  }
}

/** Bytes that `text` takes as an element. */
export function elementSize(text: Bytes): number {
  const { buffer, start, end } = text;
  const size = wanted.parse(buffer, start, end) ? integerBytes(wanted) : stringBytes(end - start);
  return size + backlenBytes(size);
}

/**
 * Whether `u8[start, end)` is a listpack, whatever the bytes are: the right length and end and, where `isDeep`, elements
 * that follow each other to that end, backlens that agree with them, and as many elements as the header says. What passes
 * a deep check can be walked both ways without leaving the bytes. Reads nothing outside them.
 */
export function isValidListpack(u8: Uint8Array, start: number, end: number, isDeep: boolean): boolean {
  const length = end - start;
  if (length < LISTPACK_EMPTY_BYTES || readInt32(u8, start) >>> 0 !== length || u8[end - 1] !== END) return false;
  if (!isDeep) return true;
  let count = 0;
  let at = start + LISTPACK_HEADER_BYTES;
  while (at < end - 1) {
    const size = checkedElementBytes(u8, at, end - 1);
    if (size === 0) return false;
    at += size;
    count++;
  }
  const shown = u8[start + 4] | (u8[start + 5] << 8);
  return shown === count || shown === COUNT_UNKNOWN;
}
