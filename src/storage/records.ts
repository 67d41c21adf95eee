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
import { Bytes, copyBytes, sameBytes } from '../base';
import { sameBlock, SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { lengthBytes, lengthBytesAt, readLength, SHORT_LENGTH_MAX, writeLength } from './lengths';

/** Value types, in the order of Redis' RDB and TYPE. */
export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_SORTED_SET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 5;

/** Names of the types as TYPE and SCAN TYPE give them. */
export const TYPE_NAMES = ['string', 'list', 'set', 'zset', 'hash', 'stream'] as const;

export const ENCODING_RAW = 0;
export const ENCODING_INT = 1;
export const ENCODING_EMBSTR = 2;
export const ENCODING_LISTPACK = 3;
export const ENCODING_INTSET = 4;
/** From here on the value is the address of the collection's root, in 4 bytes: see collection.ts. */
export const ENCODING_QUICKLIST = 5;
export const ENCODING_HASHTABLE = 6;
export const ENCODING_SKIPLIST = 7;
export const ENCODING_STREAM = 8;

/** Names of the encodings as OBJECT ENCODING gives them. */
export const ENCODING_NAMES = [
  'raw',
  'int',
  'embstr',
  'listpack',
  'intset',
  'quicklist',
  'hashtable',
  'skiplist',
  'stream',
] as const;

/** The expiry of a key that has none. */
export const NO_EXPIRY = 0;

const TYPE_MASK = 0x07;
const ENCODING_SHIFT = 3;
const ENCODING_MASK = 0x0f;
const EXPIRY_FLAG = 0x80;
const ACCESS_SHIFT = 8;

/** From this value length on a record reserves room for an expiry. */
const RESERVE_EXPIRY_FROM = 4096;
const TWO_TO_32 = 4294967296;

/** Bytes of a value that is the address of a root. */
export const ROOT_BYTES = 4;

export class Records {
  private readonly scratch = new Bytes();

  constructor(private readonly arena: Arena) {}

  /** Bytes of a record. */
  static size(keyLength: number, valueLength: number, expiryAtMs: number): number {
    return (
      (expiryAtMs !== NO_EXPIRY || valueLength >= RESERVE_EXPIRY_FROM ? 12 : 4) +
      lengthBytes(keyLength) +
      lengthBytes(valueLength) +
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
    const valueLengthAt = keyLengthAt + lengthBytesAt(u8, keyLengthAt);
    return (
      valueLengthAt +
      lengthBytesAt(u8, valueLengthAt) -
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

  /** The address of the root of a large collection, or 0 where the value lies in the record. */
  root(record: Address): Address {
    if (this.encoding(record) < ENCODING_QUICKLIST) return 0;
    const value = this.value(record, this.scratch);
    const { buffer, start } = value;
    return (buffer[start] | (buffer[start + 1] << 8) | (buffer[start + 2] << 16) | (buffer[start + 3] << 24)) >>> 0;
  }

  /** Writes a root's address into a value of ROOT_BYTES. */
  setRoot(record: Address, root: Address): void {
    const { buffer, start } = this.value(record, this.scratch);
    buffer[start] = root;
    buffer[start + 1] = root >>> 8;
    buffer[start + 2] = root >>> 16;
    buffer[start + 3] = root >>> 24;
  }

  /** Makes a record not own its root any more: another has it. It is good for nothing but to be removed. */
  forgetRoot(record: Address): void {
    if (this.encoding(record) >= ENCODING_QUICKLIST) this.setEncoding(record, ENCODING_RAW);
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
    const start = at + lengthBytesAt(u8, at) + lengthBytesAt(u8, at + lengthBytesAt(u8, at));
    return into.set(u8, start, start + readLength(u8, at));
  }

  /** Points `into` at the value's bytes. */
  value(record: Address, into: Bytes): Bytes {
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const at = this.keyLengthAt(u8, record);
    const keyLength = readLength(u8, at);
    const valueAt = at + lengthBytes(keyLength);
    const valueLength = readLength(u8, valueAt);
    const start = valueAt + lengthBytes(valueLength) + keyLength;
    return into.set(u8, start, start + valueLength);
  }

  hasKey(record: Address, key: Bytes): boolean {
    const u8 = this.arena.u8s[record >>> SEGMENT_SHIFT];
    const at = this.keyLengthAt(u8, record);
    const length = readLength(u8, at);
    if (length !== key.end - key.start) return false;
    const valueAt = at + lengthBytes(length);
    return sameBytes(u8, valueAt + lengthBytesAt(u8, valueAt), key.buffer, key.start, length);
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
    const valueLengthAt = keyLengthAt + lengthBytes(keyLength);
    const oldLength = readLength(u8, valueLengthAt);
    if (oldLength === valueLength) return true;
    if (oldLength <= SHORT_LENGTH_MAX !== valueLength <= SHORT_LENGTH_MAX) return false;
    const rest = valueLengthAt + lengthBytes(valueLength) - start + keyLength;
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
