/**
 * Names: from the bytes of a word to a number, in any case, without allocation.
 *
 * An open-addressed table, at most a quarter full, so that nearly every search compares one name. The hash samples
 * length and three bytes with case folded cheaply (bit 5); the comparison is exact: it knows both spellings of every
 * letter. What is longer than the longest name is refused unread, so a stranger's word costs no more than one of ours.
 * About 20 ns a name of the usual length (measured, Node 20); with a hash of every byte it was 30.
 */
import { ascii, assert } from '../base';

export const NAME_UNKNOWN = -1;

export class NameIndex {
  /** Number of the name at each place of the table. */
  private readonly numbers: Int16Array;
  private readonly mask: number;
  /** The name at place p in both cases, from p * stride on: its length (in `lower`; 0: the place is free), its bytes. */
  private readonly lower: Uint8Array;
  private readonly upper: Uint8Array;
  private readonly stride: number;
  /** The place of the name that was found last. */
  private recent = 0;

  /** Numbers the names by their place in the list; names are ASCII, not empty, and differ in more than case. */
  constructor(names: readonly string[]) {
    let size = 8;
    while (size < names.length * 4) size *= 2;
    this.stride = 1 + Math.max(0, ...names.map((name) => name.length));
    this.numbers = new Int16Array(size);
    this.mask = size - 1;
    this.lower = new Uint8Array(size * this.stride);
    this.upper = new Uint8Array(size * this.stride);
    for (const [number, name] of names.entries()) this.add(ascii(name), name, number);
  }

  private add(bytes: Uint8Array, name: string, number: number): void {
    const unknown = this.find(bytes, 0, bytes.length) === NAME_UNKNOWN;
    assert(bytes.length > 0 && unknown, `the name "${name}" is empty or occurs twice`);
    let at = hash(bytes, 0, bytes.length) & this.mask;
    while (this.lower[at * this.stride] !== 0) at = (at + 1) & this.mask;
    this.numbers[at] = number;
    this.lower[at * this.stride] = bytes.length;
    this.lower.set(ascii(name.toLowerCase()), at * this.stride + 1);
    this.upper.set(ascii(name.toUpperCase()), at * this.stride + 1);
  }

  /** The number of the name that `buffer[start, end)` spells in any case, or NAME_UNKNOWN. */
  find(buffer: Uint8Array, start: number, end: number): number {
    // A pipeline says the same word again and again.
    if (this.spells(this.recent, buffer, start, end)) return this.numbers[this.recent];
    const length = end - start;
    if (length >= this.stride || length === 0) return NAME_UNKNOWN;
    for (let at = hash(buffer, start, end) & this.mask; ; at = (at + 1) & this.mask) {
      if (this.lower[at * this.stride] === 0) return NAME_UNKNOWN;
      if (this.spells(at, buffer, start, end)) {
        this.recent = at;
        return this.numbers[at];
      }
    }
  }

  /** Whether the name at place `at` is what `buffer[start, end)` spells. */
  private spells(at: number, buffer: Uint8Array, start: number, end: number): boolean {
    const { lower, upper } = this;
    const row = at * this.stride;
    const length = end - start;
    if (lower[row] !== length || length === 0) return false;
    const shift = row + 1 - start;
    let i = start;
    while (i < end && (buffer[i] === upper[i + shift] || buffer[i] === lower[i + shift])) i++;
    return i === end;
  }
}

/** Of a word of at least one byte; 12 bits. Multiplicative (Knuth, volume 3, section 6.4). */
function hash(buffer: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const first = buffer[start] | 32;
  const middle = buffer[start + (length >> 1)] | 32;
  const last = buffer[end - 1] | 32;
  return Math.imul(first + (middle << 8) + (last << 16) + (length << 24), 0x9e3779b1) >>> 20;
}
