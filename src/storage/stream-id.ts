/**
 * StreamId: the id of a stream's entry: milliseconds and a sequence number, both unsigned and of 64 bits, spelled "ms-seq".
 *
 * Entries order by id, and clients may choose ids up to 2^64 − 1 twice; so an id is four halves of 32 bits, kept as signed
 * numbers because those are small integers to V8. An object is a place for an id, made once and used again. BigInt serves
 * only parts beyond 2^53, which nobody has but on purpose.
 *
 * In trees an id is a member's name: its 16 bytes, the highest first, sort as ids do. Its score is a double in which the
 * milliseconds and most sequence numbers have their place, so that names are seldom looked at. Where that is rounded, or
 * sequence numbers are large, scores are equal, and names tell the order.
 */
import { Bytes, widen, writeInteger } from '../base';
import type { Int64 } from './int64';

/** Bytes of an id as a name. */
export const STREAM_ID_BYTES = 16;
/** Words of an id in a block. */
export const STREAM_ID_WORDS = 4;

/** Sequence numbers that scores tell apart. */
const SCORED_SEQUENCES = 4096;
/** Two numbers of 20 digits and a dash. */
const SPELLING_BYTES_MAX = 41;
const HALF = 0x1_0000_0000;
const DASH = 45;
const ZERO = 48;
/** Longer texts are no ids, whatever they say: Redis copies them into so much room. */
const TEXT_BYTES_MAX = 127;
/** So many digits are a safe integer whatever they are. */
const PLAIN_DIGITS_MAX = 15;
const UINT64_MAX = 2n ** 64n - 1n;

/** The halves that `parseUnsigned` has read. */
let parsedHigh = 0;
let parsedLow = 0;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;
  private readonly bytes = new Bytes(widen(new Uint8Array(STREAM_ID_BYTES)));

  /** The largest id there can be. */
  static max(): StreamId {
    const id = new StreamId();
    id.setMax();
    return id;
  }

  /** The score in trees: never smaller than that of a smaller id. */
  get score(): number {
    const sequence = this.seqHigh === 0 && this.seqLow >>> 0 < SCORED_SEQUENCES ? this.seqLow : SCORED_SEQUENCES - 1;
    return ((this.msHigh >>> 0) * HALF + (this.msLow >>> 0)) * SCORED_SEQUENCES + sequence;
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  set(other: StreamId): this {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
    return this;
  }

  setZero(): this {
    this.msHigh = this.msLow = this.seqHigh = this.seqLow = 0;
    return this;
  }

  setMax(): this {
    this.msHigh = this.msLow = this.seqHigh = this.seqLow = -1;
    return this;
  }

  /** The first id of a millisecond: a safe integer, not negative. */
  setMs(ms: number): this {
    this.msHigh = Math.floor(ms / HALF) | 0;
    this.msLow = ms | 0;
    this.seqHigh = this.seqLow = 0;
    return this;
  }

  hasSameMs(other: StreamId): boolean {
    return this.msLow === other.msLow && this.msHigh === other.msHigh;
  }

  /** Below 0, 0 or above 0. */
  compare(other: StreamId): number {
    if (this.msHigh !== other.msHigh) return order(this.msHigh, other.msHigh);
    if (this.msLow !== other.msLow) return order(this.msLow, other.msLow);
    if (this.seqHigh !== other.seqHigh) return order(this.seqHigh, other.seqHigh);
    return this.seqLow === other.seqLow ? 0 : order(this.seqLow, other.seqLow);
  }

  /** Goes to the next id; false, and 0-0, after the largest. */
  increment(): boolean {
    this.seqLow = (this.seqLow + 1) | 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) | 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow !== 0) return true;
    this.msHigh = (this.msHigh + 1) | 0;
    return this.msHigh !== 0;
  }

  /** Goes to the id before; false, and the largest, before 0-0. */
  decrement(): boolean {
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== -1) return true;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== -1) return true;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow !== -1) return true;
    this.msHigh = (this.msHigh - 1) | 0;
    return this.msHigh !== -1;
  }

  // ── differences ──────────────────────────────────────────────────────────────────────────────────────────────

  /** How many milliseconds, modulo 2^64, this is after `other`. */
  msSince(other: StreamId, into: Int64): Int64 {
    const low = (this.msLow >>> 0) - (other.msLow >>> 0);
    into.low = low | 0;
    into.high = (this.msHigh - other.msHigh - (low < 0 ? 1 : 0)) | 0;
    return into;
  }

  /** The difference of the sequence numbers, modulo 2^64. */
  sequenceSince(other: StreamId, into: Int64): Int64 {
    const low = (this.seqLow >>> 0) - (other.seqLow >>> 0);
    into.low = low | 0;
    into.high = (this.seqHigh - other.seqHigh - (low < 0 ? 1 : 0)) | 0;
    return into;
  }

  /** Adds to the milliseconds, modulo 2^64. */
  addMs(difference: Int64): void {
    const low = (this.msLow >>> 0) + (difference.low >>> 0);
    this.msLow = low | 0;
    this.msHigh = (this.msHigh + difference.high + (low >= HALF ? 1 : 0)) | 0;
  }

  /** Adds to the sequence number, modulo 2^64. */
  addSequence(difference: Int64): void {
    const low = (this.seqLow >>> 0) + (difference.low >>> 0);
    this.seqLow = low | 0;
    this.seqHigh = (this.seqHigh + difference.high + (low >= HALF ? 1 : 0)) | 0;
  }

  // ── in blocks ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the four words at `at`. */
  read(words: Uint32Array, at: number): this {
    this.msHigh = words[at] | 0;
    this.msLow = words[at + 1] | 0;
    this.seqHigh = words[at + 2] | 0;
    this.seqLow = words[at + 3] | 0;
    return this;
  }

  /** Writes four words at `at`. */
  write(words: Uint32Array, at: number): void {
    words[at] = this.msHigh;
    words[at + 1] = this.msLow;
    words[at + 2] = this.seqHigh;
    words[at + 3] = this.seqLow;
  }

  /** Takes an id from its 16 bytes. */
  readName(u8: Uint8Array, at: number): this {
    this.msHigh = readBigEndian(u8, at);
    this.msLow = readBigEndian(u8, at + 4);
    this.seqHigh = readBigEndian(u8, at + 8);
    this.seqLow = readBigEndian(u8, at + 12);
    return this;
  }

  /** The id's 16 bytes; good until this place is asked again. */
  name(): Bytes {
    const { buffer } = this.bytes;
    writeBigEndian(buffer, 0, this.msHigh);
    writeBigEndian(buffer, 4, this.msLow);
    writeBigEndian(buffer, 8, this.seqHigh);
    writeBigEndian(buffer, 12, this.seqLow);
    return this.bytes;
  }

  // ── as text ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Takes the id that a client wrote as "ms-seq", or "ms" with the missing sequence number 0 or, if `isLast`, the largest; false
   * where it is none. Numbers may have leading zeros, as in Redis.
   */
  parse({ buffer, start, end }: Bytes, isLast = false): boolean {
    if (end - start > TEXT_BYTES_MAX) return false;
    let dash = start;
    while (dash < end && buffer[dash] !== DASH) dash++;
    if (!parseUnsigned(buffer, start, dash)) return false;
    this.msHigh = parsedHigh;
    this.msLow = parsedLow;
    if (dash === end) {
      this.seqHigh = this.seqLow = isLast ? -1 : 0;
      return true;
    }
    if (!parseUnsigned(buffer, dash + 1, end)) return false;
    this.seqHigh = parsedHigh;
    this.seqLow = parsedLow;
    return true;
  }

  /** Takes the milliseconds, all that is written, and 0 as sequence number; false where it is no number. */
  parseMs({ buffer, start, end }: Bytes): boolean {
    if (end - start > TEXT_BYTES_MAX || !parseUnsigned(buffer, start, end)) return false;
    this.msHigh = parsedHigh;
    this.msLow = parsedLow;
    this.seqHigh = this.seqLow = 0;
    return true;
  }

  /** Points `into` at "ms-seq", in memory that the next id to be spelled overwrites. */
  text(into: Bytes): Bytes {
    // Neighbours are of one millisecond, most of them: its spelling is at hand.
    if (this.msLow !== spelledLow || this.msHigh !== spelledHigh) spellMs(this.msHigh, this.msLow);
    return into.set(spelled, 0, spellUnsigned(spelled, spelledBytes, this.seqHigh, this.seqLow));
  }

  /** "ms-seq"; allocates. */
  toString(): string {
    return this.text(new Bytes()).toLatin1();
  }
}

/** −1 or 1 for unsigned halves that differ. */
function order(a: number, b: number): number {
  return a >>> 0 < b >>> 0 ? -1 : 1;
}

function readBigEndian(u8: Uint8Array, at: number): number {
  return (u8[at] << 24) | (u8[at + 1] << 16) | (u8[at + 2] << 8) | u8[at + 3];
}

function writeBigEndian(u8: Uint8Array, at: number, half: number): void {
  u8[at] = half >>> 24;
  u8[at + 1] = half >>> 16;
  u8[at + 2] = half >>> 8;
  u8[at + 3] = half;
}

/** Reads an unsigned number of 64 bits into `parsedHigh` and `parsedLow`; false where `buffer[start, end)` is none. */
function parseUnsigned(buffer: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || length > PLAIN_DIGITS_MAX) return parseLong(buffer, start, end);
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = buffer[at] - ZERO;
    if (digit < 0 || digit > 9) return parseLong(buffer, start, end);
    value = value * 10 + digit;
  }
  parsedHigh = Math.floor(value / HALF) | 0;
  parsedLow = value | 0;
  return true;
}

/** {@link parseUnsigned} of what is long, or has the blanks and the plus sign that strtoull, and so Redis, takes too. */
function parseLong(buffer: Uint8Array, start: number, end: number): boolean {
  const match = /^[ \t-\r]*\+?([0-9]+)$/.exec(new Bytes(buffer, start, end).toLatin1());
  if (match === null) return false;
  const value = BigInt(match[1]);
  if (value > UINT64_MAX) return false;
  parsedHigh = Number(value >> 32n) | 0;
  parsedLow = Number(value & 0xffffffffn) | 0;
  return true;
}

/** The milliseconds that were spelled last, and how: with the dash. */
let spelledHigh = 0;
let spelledLow = 0;
let spelledBytes = 0;
const spelled = widen(new Uint8Array(SPELLING_BYTES_MAX));
spellMs(0, 0);

function spellMs(high: number, low: number): void {
  spelledHigh = high;
  spelledLow = low;
  const end = spellUnsigned(spelled, 0, high, low);
  spelled[end] = DASH;
  spelledBytes = end + 1;
}

function spellUnsigned(target: Uint8Array, at: number, high: number, low: number): number {
  const value = (high >>> 0) * HALF + (low >>> 0);
  if (value <= Number.MAX_SAFE_INTEGER) return writeInteger(target, at, value);
  const text = ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}
