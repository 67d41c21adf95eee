/**
 * ItemMeasure: whether the next item of an RDB has arrived as a whole: its header, a key with its value, or an opcode with what
 * it says.
 *
 * An item is read when all of it is there, and not before; so who reads never has to stop within one, and has nothing to undo.
 * To find an item's end is much less work than to make a value of it: strings are stepped over by their lengths, which a reader
 * would look at next anyway. Where the bytes end too soon the measure stays where it is, and goes on from there when there are
 * more: every byte is looked at once, however small the pieces.
 *
 * What follows a type is known as a *layout* (layouts.ts), of which this goes through one part after another.
 *
 * What can be no item counts as whole: its reader finds the fault, and says what it is.
 */
import { STREAM_ID_BYTES } from '../stream-id';
import {
  COMPRESSED,
  INTEGER_16,
  INTEGER_32,
  INTEGER_8,
  LENGTH_14,
  LENGTH_32,
  LENGTH_64,
  LENGTH_6_LIMIT,
  LENGTH_KIND_SHIFT,
  RDB_HEADER_BYTES,
  RDB_STRING,
  SCORE_NAN,
} from './format';
import { HEADER_LAYOUT, layoutsOf } from './layouts';

const LENGTH_MASK = (1 << LENGTH_KIND_SHIFT) - 1;

/** In the place of a length, or of a part's end: there are not enough bytes to tell; there is no such thing. */
const MISSING = -1;
const IMPOSSIBLE = -2;

export class ItemMeasure {
  /** After `isWhole` said no: at least so many bytes the item has. */
  neededBytes = 0;
  /** Longer strings are impossible. */
  stringBytesMax = Infinity;

  private layouts = layoutsOf(true);
  private layout = HEADER_LAYOUT;
  /** Which part of the layout comes next, and how many bytes of the item are before it. */
  private part = 0;
  private measured = 0;
  /** The repetitions that the part is in: where each begins, and how often it is still to come. */
  private readonly loops: number[] = [];
  private readonly left: number[] = [];

  private bytes: Uint8Array = NO_BYTES;
  private end = 0;
  /** The place after the length that was read last. */
  private after = 0;

  /** Says whether the RDB ends in a checksum, which its header tells. */
  expectChecksum(hasChecksum: boolean): void {
    this.layouts = layoutsOf(hasChecksum);
  }

  /**
   * Whether all of the item is in `bytes[start, end)`, which begins with it. After a no it must be asked about the same item with
   * more bytes, after a yes about the next one.
   */
  isWhole(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.end = end;
    let at = start + this.measured;
    if (at === start && this.layout !== HEADER_LAYOUT) {
      if (at === end) return this.stop(start, at, at + 1);
      const type = bytes[at++];
      if (type === RDB_STRING && this.isWholeString(at)) return true;
      this.layout = this.layouts[type];
    }
    while (this.part < this.layout.length) {
      const next = this.endOf(this.layout.charAt(this.part), at);
      if (next === IMPOSSIBLE) return this.giveUp();
      if (next === MISSING || next > end) return this.stop(start, at, next);
      at = next;
    }
    this.layout = '';
    this.part = this.measured = 0;
    return true;
  }

  /** A shorter way to a yes for the commonest items, keys with strings. */
  private isWholeString(at: number): boolean {
    const valueAt = this.endOfString(at);
    if (valueAt < 0 || valueAt >= this.end) return false;
    const next = this.endOfString(valueAt);
    return next >= 0 && next <= this.end;
  }

  /** Says yes of what can be no item. */
  private giveUp(): true {
    this.layout = '';
    this.part = this.measured = this.loops.length = this.left.length = 0;
    return true;
  }

  /** Keeps the place for when there are more bytes. */
  private stop(start: number, at: number, next: number): false {
    this.measured = at - start;
    this.neededBytes = Math.max(next, this.end + 1) - start;
    this.bytes = NO_BYTES;
    return false;
  }

  /** Where the part that begins at `at` ends, maybe after all bytes. Steps on to the next part, unless it ends there. */
  private endOf(part: string, at: number): number {
    switch (part) {
      case '(':
        return this.beginLoop(at);
      case ')':
        this.endTurn();
        return at;
    }
    const next = this.endOfPlain(part, at);
    if (next >= 0 && next <= this.end) this.part++;
    return next;
  }

  private endOfPlain(part: string, at: number): number {
    switch (part) {
      case 'S':
        return this.endOfString(at);
      case 'L': {
        const length = this.lengthAt(at);
        return length < 0 ? length : this.after;
      }
      case 'T':
        if (at >= this.end) return MISSING;
        return this.bytes[at] >= SCORE_NAN ? at + 1 : at + 1 + this.bytes[at];
      case 'I':
        return at + STREAM_ID_BYTES;
      case 'H':
        return at + RDB_HEADER_BYTES;
      default:
        return at + Number(part);
    }
  }

  // ── repetitions ─────────────────────────────────────────────────────────────────────────────────────────────

  private beginLoop(at: number): number {
    const count = this.lengthAt(at);
    if (count < 0) return count;
    this.part++;
    if (count === 0) {
      this.skipLoop();
    } else {
      this.loops.push(this.part);
      this.left.push(count);
    }
    return this.after;
  }

  private endTurn(): void {
    const { loops, left } = this;
    const inner = loops.length - 1;
    if (--left[inner] > 0) {
      this.part = loops[inner];
    } else {
      loops.pop();
      left.pop();
      this.part++;
    }
  }

  /** Steps over what is never repeated, and what is repeated within it. */
  private skipLoop(): void {
    for (let depth = 1; depth > 0; this.part++) {
      const part = this.layout.charAt(this.part);
      if (part === '(') depth++;
      else if (part === ')') depth--;
    }
  }

  // ── lengths and strings ─────────────────────────────────────────────────────────────────────────────────────

  /** The length at `at`; large ones about, which is enough to step over them, or to see that nothing is so long. */
  private lengthAt(at: number): number {
    const { bytes, end } = this;
    if (at >= end) return MISSING;
    const first = bytes[at];
    if (first < LENGTH_6_LIMIT) {
      this.after = at + 1;
      return first;
    }
    const isOf14Bits = first >>> LENGTH_KIND_SHIFT === LENGTH_14;
    const width = isOf14Bits ? 1 : first === LENGTH_32 ? 4 : 8;
    if (width === 8 && first !== LENGTH_64) return IMPOSSIBLE;
    this.after = at + 1 + width;
    if (this.after > end) return MISSING;
    let length = isOf14Bits ? first & LENGTH_MASK : 0;
    for (let i = at + 1; i < this.after; i++) length = length * 256 + bytes[i];
    return length;
  }

  private endOfString(at: number): number {
    if (at >= this.end) return MISSING;
    const first = this.bytes[at];
    if (first < LENGTH_6_LIMIT) return at + 1 + first;
    switch (first) {
      case INTEGER_8:
        return at + 2;
      case INTEGER_16:
        return at + 3;
      case INTEGER_32:
        return at + 5;
      case COMPRESSED:
        return this.endOfCompressed(at + 1);
      default:
        return this.endOfBytes(this.lengthAt(at));
    }
  }

  private endOfCompressed(at: number): number {
    const compressedLength = this.lengthAt(at);
    if (compressedLength < 0) return compressedLength;
    const length = this.lengthAt(this.after);
    return length < 0 ? length : this.endOfBytes(compressedLength);
  }

  /** The end of so many bytes after the last length. */
  private endOfBytes(length: number): number {
    if (length < 0) return length;
    return length > this.stringBytesMax ? IMPOSSIBLE : this.after + length;
  }
}

const NO_BYTES = new Uint8Array(0);
