/**
 * Records: how one key and its value lie in the arena.
 *
 *   word 0   bits 0–2 type, 3–6 encoding, 7 has an expiry, 8–31 access clock (seconds, as Redis' LRU clock)
 *   [8 B]    expiry, if flagged: milliseconds since the epoch as low and high word
 *   1 or 5 B key length, 1 or 5 B value length: one byte below 254, else 254 and a 32-bit number
 *   key bytes, value bytes
 *
 * So an 11-byte key with a 32-byte value takes 49 bytes, in a block of 56. Integers are kept as the text that came:
 * a GET copies them, an INCR parses at most 20 bytes; the encoding field says what OBJECT ENCODING must say. Records
 * of large values have room for an expiry from the start, so that EXPIRE never copies megabytes.
 *
 * A record's address changes when its size class does; nothing but the index may keep one across a write.
 */
import { copyBytes, sameBytes, type Bytes } from '../base';
import { sameBlock, SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';

/** Value types, in the order of Redis' RDB and TYPE. */
export const TYPE_STRING = 0;

/** Names of the types as TYPE and SCAN TYPE give them. */
export const TYPE_NAMES = ['string'] as const;

export const ENCODING_RAW = 0;
export const ENCODING_INT = 1;
export const ENCODING_EMBSTR = 2;

/** Names of the encodings as OBJECT ENCODING gives them. */
export const ENCODING_NAMES = ['raw', 'int', 'embstr'] as const;

/** The expiry of a key that has none. */
export const NO_EXPIRY = 0;

const TYPE_MASK = 0x07;
const ENCODING_SHIFT = 3;
const ENCODING_MASK = 0x0f;
const EXPIRY_FLAG = 0x80;
const ACCESS_SHIFT = 8;

const SHORT_LENGTH_MAX = 253;
const LONG_LENGTH_MARK = 254;
/** From this value length on a record reserves room for an expiry. */
const RESERVE_EXPIRY_FROM = 4096;
const TWO_TO_32 = 4294967296;

export class Records {
  constructor(private readonly arena: Arena) {}

  /** Bytes of a record. */
  static size(keyLength: number, valueLength: number, expiryAtMs: number): number {
    return (
      (expiryAtMs !== NO_EXPIRY || valueLength >= RESERVE_EXPIRY_FROM ? 12 : 4) +
      (keyLength <= SHORT_LENGTH_MAX ? 1 : 5) +
      (valueLength <= SHORT_LENGTH_MAX ? 1 : 5) +
      keyLength +
      valueLength
    );
  }

  /** A new record with its value's bytes yet to be written (at `valueStart`). */
  create(key: Bytes, type: number, encoding: number, valueLength: number, expiryAtMs: number, access: number): Address {
    const keyLength = key.end - key.start;
    const record = this.arena.allocate(Records.size(keyLength, valueLength, expiryAtMs));
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const hasExpiry = expiryAtMs !== NO_EXPIRY || valueLength >= RESERVE_EXPIRY_FROM;
    this.writeHeader(record, type, encoding, hasExpiry, access);
    if (hasExpiry) this.writeExpiry(record, expiryAtMs);
    let at = ((record & SEGMENT_MASK) << 3) + (hasExpiry ? 12 : 4);
    at = writeLength(u8, at, keyLength);
    at = writeLength(u8, at, valueLength);
    copyBytes(key.buffer, key.start, key.end, u8, at);
    return record;
  }

  free(record: Address): void {
    this.arena.free(record, this.sizeOf(record));
  }

  sizeOf(record: Address): number {
    const start = (record & SEGMENT_MASK) << 3;
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const keyLengthAt = start + (u8[start] & EXPIRY_FLAG ? 12 : 4);
    const valueLengthAt = keyLengthAt + lengthBytes(u8, keyLengthAt);
    return (
      valueLengthAt +
      lengthBytes(u8, valueLengthAt) -
      start +
      readLength(u8, keyLengthAt) +
      readLength(u8, valueLengthAt)
    );
  }

  type(record: Address): number {
    return this.header(record) & TYPE_MASK;
  }

  encoding(record: Address): number {
    return (this.header(record) >>> ENCODING_SHIFT) & ENCODING_MASK;
  }

  setEncoding(record: Address, encoding: number): void {
    const at = (record & SEGMENT_MASK) << 3;
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    u8[at] = (u8[at] & ~(ENCODING_MASK << ENCODING_SHIFT)) | (encoding << ENCODING_SHIFT);
  }

  /** The access clock of the last touch, 24 bits of seconds. */
  access(record: Address): number {
    return this.header(record) >>> ACCESS_SHIFT;
  }

  setAccess(record: Address, access: number): void {
    const at = (record & SEGMENT_MASK) << 1;
    const u32 = this.arena.u32s[record >>> SEGMENT_SHIFT];
    u32[at] = (u32[at] & 0xff) | (access << ACCESS_SHIFT);
  }

  /** When the key expires, in milliseconds since the epoch; `NO_EXPIRY` for never. */
  expiry(record: Address): number {
    const at = (record & SEGMENT_MASK) << 1;
    const u32 = this.arena.u32s[record >>> SEGMENT_SHIFT];
    if ((u32[at] & EXPIRY_FLAG) === 0) return NO_EXPIRY;
    return u32[at + 1] + u32[at + 2] * TWO_TO_32;
  }

  /** Points `into` at the key's bytes. */
  key(record: Address, into: Bytes): Bytes {
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const at = this.keyLengthAt(u8, record);
    const start = at + lengthBytes(u8, at) + lengthBytes(u8, at + lengthBytes(u8, at));
    return into.set(u8, start, start + readLength(u8, at));
  }

  /** Points `into` at the value's bytes. */
  value(record: Address, into: Bytes): Bytes {
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const at = this.keyLengthAt(u8, record);
    const keyLength = readLength(u8, at);
    const valueAt = at + (keyLength <= SHORT_LENGTH_MAX ? 1 : 5);
    const valueLength = readLength(u8, valueAt);
    const start = valueAt + (valueLength <= SHORT_LENGTH_MAX ? 1 : 5) + keyLength;
    return into.set(u8, start, start + valueLength);
  }

  hasKey(record: Address, key: Bytes): boolean {
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const at = this.keyLengthAt(u8, record);
    const length = readLength(u8, at);
    if (length !== key.end - key.start) return false;
    const valueAt = at + (length <= SHORT_LENGTH_MAX ? 1 : 5);
    return sameBytes(u8, valueAt + (u8[valueAt] <= SHORT_LENGTH_MAX ? 1 : 5), key.buffer, key.start, length);
  }

  /**
   * Makes the value `valueLength` bytes long, keeping its first bytes and the expiry, if the record's block and layout
   * allow it; false, and nothing changed, where a new record is needed. `expiryAtMs` is the expiry that it must have
   * room for.
   */
  resizeInPlace(record: Address, valueLength: number, expiryAtMs: number): boolean {
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const start = (record & SEGMENT_MASK) << 3;
    const hasExpiry = (u8[start] & EXPIRY_FLAG) !== 0;
    if (!hasExpiry && expiryAtMs !== NO_EXPIRY) return false;
    const keyLengthAt = start + (hasExpiry ? 12 : 4);
    const keyLength = readLength(u8, keyLengthAt);
    const valueLengthAt = keyLengthAt + (keyLength <= SHORT_LENGTH_MAX ? 1 : 5);
    const oldLength = readLength(u8, valueLengthAt);
    if (oldLength === valueLength) return true;
    if (oldLength <= SHORT_LENGTH_MAX !== valueLength <= SHORT_LENGTH_MAX) return false;
    const rest = valueLengthAt + (valueLength <= SHORT_LENGTH_MAX ? 1 : 5) - start + keyLength;
    if (!sameBlock(rest + oldLength, rest + valueLength)) return false;
    writeLength(u8, valueLengthAt, valueLength);
    return true;
  }

  /** Sets encoding, expiry and access clock of a record that has room for them. */
  stamp(record: Address, encoding: number, expiryAtMs: number, access: number): void {
    const hasExpiry = (this.header(record) & EXPIRY_FLAG) !== 0;
    this.writeHeader(record, this.header(record) & TYPE_MASK, encoding, hasExpiry, access);
    if (hasExpiry) this.writeExpiry(record, expiryAtMs);
  }

  /**
   * Reads the first and about the 14th word of several records at a time, the lines of a short one (see Lookahead).
   * Returns what they add up to, so that nobody optimizes it away.
   */
  fetch(records: readonly Address[], count: number): number {
    const { u32s } = this.arena;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const record = records[i];
      if (record === 0) continue;
      const words = u32s[record >>> SEGMENT_SHIFT];
      const at = (record & SEGMENT_MASK) << 1;
      sum ^= words[at];
      if (at + 13 < words.length) sum ^= words[at + 13];
    }
    return sum;
  }

  private header(record: Address): number {
    return this.arena.u32s[record >>> SEGMENT_SHIFT][(record & SEGMENT_MASK) << 1];
  }

  private writeHeader(record: Address, type: number, encoding: number, hasExpiry: boolean, access: number): void {
    this.arena.u32s[record >>> SEGMENT_SHIFT][(record & SEGMENT_MASK) << 1] =
      type | (encoding << ENCODING_SHIFT) | (hasExpiry ? EXPIRY_FLAG : 0) | (access << ACCESS_SHIFT);
  }

  private writeExpiry(record: Address, expiryAtMs: number): void {
    const at = (record & SEGMENT_MASK) << 1;
    const u32 = this.arena.u32s[record >>> SEGMENT_SHIFT];
    const high = Math.floor(expiryAtMs / TWO_TO_32);
    u32[at + 1] = expiryAtMs - high * TWO_TO_32;
    u32[at + 2] = high;
  }

  private keyLengthAt(u8: Uint8Array, record: Address): number {
    const start = (record & SEGMENT_MASK) << 3;
    return start + ((u8[start] & EXPIRY_FLAG) !== 0 ? 12 : 4);
  }
}

function writeLength(u8: Uint8Array, at: number, length: number): number {
  if (length <= SHORT_LENGTH_MAX) {
    u8[at] = length;
    return at + 1;
  }
  u8[at] = LONG_LENGTH_MARK;
  u8[at + 1] = length;
  u8[at + 2] = length >>> 8;
  u8[at + 3] = length >>> 16;
  u8[at + 4] = length >>> 24;
  return at + 5;
}

function readLength(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first <= SHORT_LENGTH_MAX) return first;
  return (u8[at + 1] | (u8[at + 2] << 8) | (u8[at + 3] << 16) | (u8[at + 4] << 24)) >>> 0;
}

function lengthBytes(u8: Uint8Array, at: number): number {
  return u8[at] <= SHORT_LENGTH_MAX ? 1 : 5;
}
