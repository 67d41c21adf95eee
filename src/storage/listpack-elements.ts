/**
 * Elements of listpacks: how one string or integer lies in bytes. The cursor that walks them is in listpack.ts.
 *
 *   0vvvvvvv                 integer of 7 bits, unsigned     1110llll + 8 bits, data   string of up to 4,095 bytes
 *   10llllll, data           string of up to 63 bytes        0xF0 + u32, data          any longer string
 *   110vvvvv + 8 bits        integer of 13 bits, signed      0xF1 … 0xF4               integer of 16, 24, 32, 64 bits
 *
 * Numbers are little-endian, but for the strings' 12 bits and the integers' 13, whose upper bits are in the first byte.
 * Then comes the length of all this as a number that is read backwards, seven bits per byte, the lowest last; all its
 * bytes but the first have the upper bit set. An element without it is called *bare* here.
 *
 * We write the shortest form; other programs may not, so readers take every form. Functions take the bytes and an
 * element's place in them.
 */
import { type Bytes, copyBytes, sameBytes, writeInteger } from '../base';
import { Int64, readInt32, writeInt32 } from './int64';

/** What follows the last element. */
export const END = 0xff;

/** The first bytes of elements: the lowest of each kind. */
export const SHORT_STRING = 0x80;
export const INT13 = 0xc0;
export const MIDDLE_STRING = 0xe0;
const LONG_STRING = 0xf0;
const INT16 = 0xf1;
const INT24 = 0xf2;
const INT64 = 0xf4;

/** Strings are short below this many bytes. */
export const SHORT_STRING_LIMIT = 64;
const MIDDLE_STRING_LIMIT = 4096;
/** The longest backlen. */
const BACKLEN_BYTES_MAX = 5;

/** An integer of 64 bits that is being read. */
const wide = new Int64();

/** Bytes of a whole element that is an integer of 7 bits; of 13 bits. */
export const INT7_BYTES = 2;
export const INT13_BYTES = 3;
/** What the first byte of a short string has more than its element has bytes. */
export const SHORT_STRING_BIAS = SHORT_STRING - 2;

/** Bytes of a whole element; 0 at the end, where there is none. */
export function elementBytes(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first < SHORT_STRING) return INT7_BYTES;
  if (first < INT13) return first - SHORT_STRING_BIAS;
  if (first < MIDDLE_STRING) return INT13_BYTES;
  if (first > LONG_STRING) return first < INT64 ? first - INT16 + 4 : first === INT64 ? 10 : 0;
  const size = headBytes(first) + stringLength(u8, at);
  return size + backlenBytes(size);
}

/** The first byte of an integer of 13 bits; the second is its lowest byte. */
export function int13Head(value: number): number {
  return INT13 | ((value >> 8) & 0x1f);
}

/** Whether an element that begins so is a string. */
export function isString(first: number): boolean {
  return (first & 0xc0) === SHORT_STRING || (first >= MIDDLE_STRING && first <= LONG_STRING);
}

/** Bytes before the data of a string that begins so. */
export function headBytes(first: number): number {
  return first < MIDDLE_STRING ? 1 : first < LONG_STRING ? 2 : 5;
}

/** Bytes of data of a string. */
export function stringLength(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first < MIDDLE_STRING) return first & 0x3f;
  return first < LONG_STRING ? ((first & 0x0f) << 8) | u8[at + 1] : readInt32(u8, at + 1) >>> 0;
}

/** Whether a string is `buffer[start, end)`. */
export function isStringAt(u8: Uint8Array, at: number, buffer: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  return stringLength(u8, at) === length && sameBytes(u8, at + headBytes(u8[at]), buffer, start, length);
}

/** Whether an integer has this value. */
export function isIntegerAt(u8: Uint8Array, at: number, value: Int64): boolean {
  if (u8[at] !== INT64) {
    const small = smallIntegerAt(u8, at);
    return small === value.low && small >> 31 === value.high;
  }
  return readInt32(u8, at + 1) === value.low && readInt32(u8, at + 5) === value.high;
}

/** The value of an integer where it is a safe one, else NaN. */
export function integerAt(u8: Uint8Array, at: number): number {
  if (u8[at] !== INT64) return smallIntegerAt(u8, at);
  wide.read(u8, at + 1);
  return wide.number;
}

/** Writes the decimal spelling of an integer at the beginning of `target`; returns its length. */
export function spellIntegerAt(u8: Uint8Array, at: number, target: Uint8Array): number {
  if (u8[at] !== INT64) return writeInteger(target, 0, smallIntegerAt(u8, at));
  wide.read(u8, at + 1);
  return wide.spell(target, 0);
}

/** An integer of at most 32 bits. */
function smallIntegerAt(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first < SHORT_STRING) return first;
  if (first < MIDDLE_STRING) return (((first << 8) | u8[at + 1]) << 19) >> 19;
  if (first === INT16) return ((u8[at + 1] << 16) | (u8[at + 2] << 24)) >> 16;
  if (first === INT24) return ((u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24)) >> 8;
  return readInt32(u8, at + 1);
}

/** Bytes of the bare element for an integer. */
export function integerBytes(value: Int64): number {
  const { low, high } = value;
  if (high !== low >> 31) return 9;
  if (low >= -0x1000 && low < 0x1000) return low >= 0 && low < SHORT_STRING ? 1 : 2;
  if (low >= -0x8000 && low < 0x8000) return 3;
  return low >= -0x80_0000 && low < 0x80_0000 ? 4 : 5;
}

/** Writes the bare element for an integer; returns the position after it. */
export function writeIntegerElement(u8: Uint8Array, at: number, value: Int64): number {
  const size = integerBytes(value);
  const { low } = value;
  if (size === 1) {
    u8[at] = low;
  } else if (size === 2) {
    u8[at] = int13Head(low);
    u8[at + 1] = low;
  } else if (size === 9) {
    u8[at] = INT64;
    value.write(u8, at + 1);
  } else {
    u8[at] = INT16 + size - 3;
    for (let i = 1; i < size; i++) u8[at + i] = low >> ((i - 1) * 8);
  }
  return at + size;
}

/** Bytes of the bare element for a string of so many bytes. */
export function stringBytes(length: number): number {
  return length + (length < SHORT_STRING_LIMIT ? 1 : length < MIDDLE_STRING_LIMIT ? 2 : 5);
}

/** Writes the bare element for a string; returns the position after it. */
export function writeStringElement(u8: Uint8Array, at: number, text: Bytes): number {
  const { buffer, start, end } = text;
  const length = end - start;
  if (length < SHORT_STRING_LIMIT) {
    u8[at++] = SHORT_STRING | length;
  } else if (length < MIDDLE_STRING_LIMIT) {
    u8[at++] = MIDDLE_STRING | (length >>> 8);
    u8[at++] = length;
  } else {
    u8[at] = LONG_STRING;
    writeInt32(u8, at + 1, length);
    at += 5;
  }
  return copyBytes(buffer, start, end, u8, at);
}

/** Bytes of the backlen of a bare element of so many bytes. The limits above the first are one less than they need be: Redis' are. */
export function backlenBytes(size: number): number {
  return size < 0x80 ? 1 : size < 0x3fff ? 2 : size < 0x1f_ffff ? 3 : size < 0xfff_ffff ? 4 : 5;
}

/** Writes the backlen of a bare element; returns the position after it. */
export function writeBacklen(u8: Uint8Array, at: number, size: number): number {
  const end = at + backlenBytes(size);
  for (let i = end - 1; i > at; i--) {
    u8[i] = (size & 0x7f) | 0x80;
    size >>>= 7;
  }
  u8[at] = size;
  return end;
}

/** The size that the backlen before `at` tells; Infinity where it has no beginning. */
export function readBacklen(u8: Uint8Array, at: number): number {
  let size = 0;
  let weight = 1;
  for (let i = 1; i <= BACKLEN_BYTES_MAX; i++) {
    const byte = u8[at - i];
    size += (byte & 0x7f) * weight;
    if (byte < 0x80) return size;
    weight *= 0x80;
  }
  return Infinity;
}

/**
 * Bytes of an element that nobody has checked, if all of it, backlen included, is before `end`; else 0. Reads nothing from
 * `end` on, and of what is before `at` at most five bytes.
 */
export function checkedElementBytes(u8: Uint8Array, at: number, end: number): number {
  const first = u8[at];
  if (isString(first) && at + headBytes(first) > end) return 0;
  const size = elementBytes(u8, at);
  if (size === 0 || at + size > end) return 0;
  const told = readBacklen(u8, at + size);
  return told + backlenBytes(told) === size ? size : 0;
}
