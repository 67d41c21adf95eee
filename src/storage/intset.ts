/**
 * Intset: a set of int64 in one run of bytes, in exactly Redis' format, so that DUMP, RDB files and full synchronisation
 * copy memory. Small sets of integers are one of these.
 *
 *   u32 width (2, 4 or 8 bytes) | u32 number of elements | elements, ascending          all little-endian
 *
 * All elements have the width that the widest of them needs when it comes; the set does not get narrower when it goes.
 * An `Intset` is a reusable cursor over bytes that somebody else holds (`over`). Values come and go as texts, as members
 * of sets do; only canonical spellings of an int64 can be in the set. It changes the set in place; making room
 * (`sizeWith`) is the business of whoever owns the bytes. Whatever strangers send is checked by `isValidIntset` first.
 */
import { type Bytes, EMPTY_BUFFER, widen, writeInteger } from '../base';
import { Int64, INT64_SPELLING_BYTES, readInt32, writeInt32 } from './int64';

export const INTSET_HEADER_BYTES = 8;

const WIDTH_MIN = 2;
const WIDTH_MAX = 8;

/** The value at hand. */
const wanted = new Int64();
/** An element that is being read. */
const present = new Int64();

export class Intset {
  u8: Uint8Array = EMPTY_BUFFER;
  /** Where the set begins in `u8`. */
  base = 0;
  /** Room for an element's spelling, borrowed by the views of `at`; a second one so that two can be compared. */
  private readonly spellings = [
    widen(new Uint8Array(INT64_SPELLING_BYTES)),
    widen(new Uint8Array(INT64_SPELLING_BYTES)),
  ];
  private spelling = 0;

  /** Points at the set in `bytes`; returns itself. */
  over(bytes: Bytes): this {
    this.u8 = bytes.buffer;
    this.base = bytes.start;
    return this;
  }

  /** Number of elements. */
  get length(): number {
    return readInt32(this.u8, this.base + 4) >>> 0;
  }

  /** Bytes of an element: 2, 4 or 8. */
  get widthBytes(): number {
    return this.u8[this.base];
  }

  /** Bytes of the whole set, header included. */
  get byteLength(): number {
    return INTSET_HEADER_BYTES + this.length * this.widthBytes;
  }

  /** Writes the header of a set without elements: INTSET_HEADER_BYTES. */
  clear(): void {
    this.writeHeader(WIDTH_MIN, 0);
  }

  /** Whether the set has the integer that this text spells. */
  has(text: Bytes): boolean {
    return this.find(text) >= 0;
  }

  /** The index of the integer that this text spells; negative where it is not in the set, or where it spells none. */
  find(text: Bytes): number {
    if (!wanted.parse(text.buffer, text.start, text.end)) return -1;
    const width = this.widthBytes;
    return widthOf(wanted) > width ? -1 : this.search(width);
  }

  /** Whether the set has element `index`, below `length`, of another. */
  hasElementOf(other: Intset, index: number): boolean {
    other.read(index, other.widthBytes);
    wanted.low = present.low;
    wanted.high = present.high;
    const width = this.widthBytes;
    return widthOf(wanted) <= width && this.search(width) >= 0;
  }

  /** The text of element `index`, below `length`. It is good for one more `at` of this cursor only. */
  at(index: number, into: Bytes): Bytes {
    this.spelling = 1 - this.spelling;
    const text = this.spellings[this.spelling];
    const width = this.widthBytes;
    this.read(index, width);
    return into.set(text, 0, width === WIDTH_MAX ? present.spell(text, 0) : writeInteger(text, 0, present.low));
  }

  /** Element `index`, below `length`, as a number where it is a safe integer; else NaN. */
  integerAt(index: number): number {
    this.read(index, this.widthBytes);
    return present.number;
  }

  /**
   * Bytes of the set if the integer that this text spells were in it: what it has already where it is. 0 where the text
   * spells none.
   */
  sizeWith(text: Bytes): number {
    if (!wanted.parse(text.buffer, text.start, text.end)) return 0;
    const width = this.widthBytes;
    const needed = widthOf(wanted);
    if (needed > width) return INTSET_HEADER_BYTES + (this.length + 1) * needed;
    const size = this.byteLength;
    return this.search(width) >= 0 ? size : size + width;
  }

  /** Adds the integer that this text spells, in room of `sizeWith(text)` bytes; false where it is there, or spells none. */
  insert(text: Bytes): boolean {
    if (!wanted.parse(text.buffer, text.start, text.end)) return false;
    const { length, u8 } = this;
    const width = this.widthBytes;
    const needed = widthOf(wanted);
    let index: number;
    if (needed > width) {
      // What is too wide for the others is below or above all of them.
      index = wanted.high < 0 ? 0 : length;
      this.widen(width, needed, index === 0 ? 1 : 0);
    } else {
      const found = this.search(width);
      if (found >= 0) return false;
      index = ~found;
      const place = this.placeOf(index, width);
      u8.copyWithin(place + width, place, this.placeOf(length, width));
    }
    const newWidth = Math.max(width, needed);
    this.writeHeader(newWidth, length + 1);
    this.write(index, newWidth, wanted);
    return true;
  }

  /** Takes away the integer that this text spells; false where it is not there. `byteLength` says what is left. */
  remove(text: Bytes): boolean {
    const index = this.find(text);
    if (index < 0) return false;
    this.removeAt(index);
    return true;
  }

  /** Takes away element `index`, below `length`. */
  removeAt(index: number): void {
    const { length } = this;
    const width = this.widthBytes;
    const place = this.placeOf(index, width);
    this.u8.copyWithin(place, place + width, this.placeOf(length, width));
    this.writeHeader(width, length - 1);
  }

  /** The index of `wanted`, which has at most this width; `~index` of where it belongs if it is not there. */
  private search(width: number): number {
    const { u8, base } = this;
    const { low: wantedLow, high: wantedHigh } = wanted;
    let from = 0;
    let to = this.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const place = base + INTSET_HEADER_BYTES + middle * width;
      let order: number;
      if (width === WIDTH_MAX) {
        order = readInt32(u8, place + 4) - wantedHigh;
        if (order === 0) order = (readInt32(u8, place) >>> 0) - (wantedLow >>> 0);
      } else {
        order = (width === 4 ? readInt32(u8, place) : readInt16(u8, place)) - wantedLow;
      }
      if (order === 0) return middle;
      if (order < 0) from = middle + 1;
      else to = middle;
    }
    return ~from;
  }

  /** Moves all elements into a greater width, `shift` places on. From the last to the first, as they need more room. */
  private widen(width: number, newWidth: number, shift: number): void {
    for (let index = this.length - 1; index >= 0; index--) {
      this.read(index, width);
      this.write(index + shift, newWidth, present);
    }
  }

  /** Takes element `index` into `present`. */
  private read(index: number, width: number): void {
    const place = this.placeOf(index, width);
    if (width === WIDTH_MAX) {
      present.read(this.u8, place);
    } else {
      present.low = width === 4 ? readInt32(this.u8, place) : readInt16(this.u8, place);
      present.high = present.low >> 31;
    }
  }

  private write(index: number, width: number, value: Int64): void {
    const { u8 } = this;
    const place = this.placeOf(index, width);
    if (width === WIDTH_MAX) {
      value.write(u8, place);
    } else if (width === 4) {
      writeInt32(u8, place, value.low);
    } else {
      u8[place] = value.low;
      u8[place + 1] = value.low >>> 8;
    }
  }

  private writeHeader(width: number, length: number): void {
    writeInt32(this.u8, this.base, width);
    writeInt32(this.u8, this.base + 4, length);
  }

  private placeOf(index: number, width: number): number {
    return this.base + INTSET_HEADER_BYTES + index * width;
  }
}

/**
 * Whether `u8[start, end)` is an intset, whatever the bytes are: a known width, the right length, at least one element (as
 * Redis has it: there are no empty sets) and all in ascending order. Reads nothing outside them.
 */
export function isValidIntset(u8: Uint8Array, start: number, end: number): boolean {
  const bytes = end - start;
  if (bytes < INTSET_HEADER_BYTES) return false;
  const width = readInt32(u8, start);
  const length = readInt32(u8, start + 4) >>> 0;
  if ((width !== 2 && width !== 4 && width !== 8) || length === 0) return false;
  if (INTSET_HEADER_BYTES + length * width !== bytes) return false;
  for (let at = start + INTSET_HEADER_BYTES + width; at < end; at += width) {
    if (!isAscending(u8, at - width, at, width)) return false;
  }
  return true;
}

/** Whether the element at `a` is less than the one at `b`. */
function isAscending(u8: Uint8Array, a: number, b: number, width: number): boolean {
  if (width === 2) return readInt16(u8, a) < readInt16(u8, b);
  if (width === 4) return readInt32(u8, a) < readInt32(u8, b);
  const difference = readInt32(u8, b + 4) - readInt32(u8, a + 4);
  return difference !== 0 ? difference > 0 : readInt32(u8, a) >>> 0 < readInt32(u8, b) >>> 0;
}

/** Bytes that a value needs as an element. */
function widthOf(value: Int64): number {
  const { low, high } = value;
  if (high !== low >> 31) return WIDTH_MAX;
  return low >= -0x8000 && low < 0x8000 ? WIDTH_MIN : 4;
}

function readInt16(u8: Uint8Array, at: number): number {
  return ((u8[at] << 16) | (u8[at + 1] << 24)) >> 16;
}
