/**
 * What small collections were packed in before Redis 7, read into listpacks.
 *
 *   ziplist   u32 bytes | u32 place of the last entry | u16 entries (65535: too many to tell) | entries | 0xFF
 *     entry   bytes of the entry before: u8, or 254 and u32 | kind and length, or kind and integer | bytes
 *   zipmap    u8 pairs (254: too many to tell) | length | name | length | u8 free | value | free bytes … | 0xFF
 *     length  u8 up to 253, or 254 and u32
 *
 * All numbers are little-endian but the lengths of longer strings in ziplists. Bytes come from strangers: where they are
 * not what they should be, functions return null, and they read nothing outside. (Redis: ziplist.c, zipmap.c of 6.2.)
 */
import { Bytes, writeInteger } from '../../base';
import { Int64, INT64_SPELLING_BYTES, readInt32 } from '../int64';
import { ListpackBuilder } from './listpack-builder';

const END = 0xff;
const LONG_MARK = 254;
const LONG_BYTES = 5;

const ZIPLIST_HEADER_BYTES = 10;
const ZIPLIST_COUNT_UNKNOWN = 0xffff;
const ZIPMAP_COUNT_UNKNOWN = 254;

/** Kinds of ziplist entries: strings in the upper two bits, integers in the whole byte. */
const KIND_SHIFT = 6;
const STRING_6 = 0;
const STRING_14 = 1;
const STRING_32 = 2;
/** By these kinds: bytes of kind and length. */
const STRING_HEAD_BYTES = [1, 2, LONG_BYTES];
const INTEGER_16 = 0xc0;
const INTEGER_32 = 0xd0;
const INTEGER_64 = 0xe0;
const INTEGER_24 = 0xf0;
const INTEGER_8 = 0xfe;
/** Integers from 0 to 12 in the kind itself. */
const SMALL_FIRST = 0xf1;
const SMALL_LAST = 0xfd;

const wide = new Int64();
const spelling = new Uint8Array(INT64_SPELLING_BYTES);
const text = new Bytes();

/** The elements of a ziplist as a listpack, in new memory; null where it is none. */
export function listpackOfZiplist({ buffer, start, end }: Bytes): Bytes | null {
  const last = end - 1;
  if (end - start <= ZIPLIST_HEADER_BYTES || buffer[last] !== END) return null;
  if (readInt32(buffer, start) >>> 0 !== end - start) return null;
  const builder = new ListpackBuilder(end - start);
  let before = 0;
  let at = start + ZIPLIST_HEADER_BYTES;
  let tail = at;
  while (at < last) {
    const size = readEntry(buffer, at, last, before);
    if (size === 0) return null;
    builder.append(text);
    tail = at;
    before = size;
    at += size;
  }
  if (readInt32(buffer, start + 4) >>> 0 !== tail - start) return null;
  const count = buffer[start + 8] | (buffer[start + 9] << 8);
  return count === builder.count || count === ZIPLIST_COUNT_UNKNOWN ? builder.finish() : null;
}

/** The names and values of a zipmap as a listpack, in new memory; null where it is none. */
export function listpackOfZipmap({ buffer, start, end }: Bytes): Bytes | null {
  const last = end - 1;
  if (end - start < 2 || buffer[last] !== END) return null;
  const builder = new ListpackBuilder(end - start);
  let at = start + 1;
  while (at < last) {
    at = readZipmapString(buffer, at, last, 0);
    if (at === 0) return null;
    builder.append(text);
    at = readZipmapString(buffer, at, last, 1);
    if (at === 0) return null;
    builder.append(text);
  }
  const pairs = buffer[start];
  return pairs === builder.count / 2 || pairs >= ZIPMAP_COUNT_UNKNOWN ? builder.finish() : null;
}

/** Points `text` at the entry of a ziplist at `at`; returns its size, or 0 where there is no such entry before `end`. */
function readEntry(u8: Uint8Array, at: number, end: number, sizeBefore: number): number {
  const kindAt = at + (u8[at] === LONG_MARK ? LONG_BYTES : 1);
  if (kindAt >= end || u8[at] === END) return 0;
  if ((u8[at] === LONG_MARK ? readInt32(u8, at + 1) >>> 0 : u8[at]) !== sizeBefore) return 0;
  const kind = u8[kindAt];
  const integerBytes = integerBytesOf(kind);
  const dataEnd = integerBytes >= 0 ? kindAt + 1 + integerBytes : stringEnd(u8, kindAt, end);
  if (dataEnd > end) return 0;
  if (integerBytes < 0) text.set(u8, kindAt + STRING_HEAD_BYTES[kind >>> KIND_SHIFT], dataEnd);
  else text.set(spelling, 0, spellEntry(u8, kindAt, kind, integerBytes));
  return dataEnd - at;
}

/** Bytes after the kind of an integer; −1 for strings and for what is no kind. */
function integerBytesOf(kind: number): number {
  if (kind >= SMALL_FIRST && kind <= SMALL_LAST) return 0;
  if (kind === INTEGER_8) return 1;
  if (kind === INTEGER_16) return 2;
  if (kind === INTEGER_24) return 3;
  if (kind === INTEGER_32) return 4;
  return kind === INTEGER_64 ? 8 : -1;
}

/** The position after a string; Infinity for what is no string, or whose length is cut off. */
function stringEnd(u8: Uint8Array, at: number, end: number): number {
  const kind = u8[at];
  switch (kind >>> KIND_SHIFT) {
    case STRING_6:
      return at + 1 + kind;
    case STRING_14:
      return at + 2 > end ? Infinity : at + 2 + (((kind & 0x3f) << 8) | u8[at + 1]);
    case STRING_32:
      if (at + LONG_BYTES > end) return Infinity;
      return at + LONG_BYTES + (((u8[at + 1] << 24) | (u8[at + 2] << 16) | (u8[at + 3] << 8) | u8[at + 4]) >>> 0);
    default:
      return Infinity;
  }
}

/** Spells an integer; returns how long it is. */
function spellEntry(u8: Uint8Array, at: number, kind: number, bytes: number): number {
  if (bytes === 8) {
    wide.read(u8, at + 1);
    return wide.spell(spelling, 0);
  }
  let value = kind - SMALL_FIRST;
  if (bytes > 0) {
    value = 0;
    for (let i = 1; i <= bytes; i++) value |= u8[at + i] << ((i - 1) * 8);
    value = (value << (32 - bytes * 8)) >> (32 - bytes * 8);
  }
  return writeInteger(spelling, 0, value);
}

/**
 * Points `text` at the string of a zipmap at `at`; `extra` bytes, 0 or 1, between its length and itself tell how many lie free
 * behind it. Returns the position after these, or 0 where the string does not end by `end`.
 */
function readZipmapString(u8: Uint8Array, at: number, end: number, extra: number): number {
  if (at >= end || u8[at] === END) return 0;
  const isLong = u8[at] === LONG_MARK;
  const dataAt = at + (isLong ? LONG_BYTES : 1) + extra;
  if (dataAt > end) return 0;
  const dataEnd = dataAt + (isLong ? readInt32(u8, at + 1) >>> 0 : u8[at]);
  const next = dataEnd + (extra === 0 ? 0 : u8[dataAt - 1]);
  if (next > end) return 0;
  text.set(u8, dataAt, dataEnd);
  return next;
}
