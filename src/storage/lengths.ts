/**
 * Lengths inside blocks: one byte below 254, else 254 and a 32-bit number. Most keys, fields and values are short.
 */
export const SHORT_LENGTH_MAX = 253;
const LONG_LENGTH_MARK = 254;

/** Writes a length at byte `at`; returns the position after it. */
export function writeLength(u8: Uint8Array, at: number, length: number): number {
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

export function readLength(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first <= SHORT_LENGTH_MAX) return first;
  return (u8[at + 1] | (u8[at + 2] << 8) | (u8[at + 3] << 16) | (u8[at + 4] << 24)) >>> 0;
}

/** Bytes that the length at byte `at` takes. */
export function lengthBytesAt(u8: Uint8Array, at: number): number {
  return u8[at] <= SHORT_LENGTH_MAX ? 1 : 5;
}

/** Bytes that a length takes. */
export function lengthBytes(length: number): number {
  return length <= SHORT_LENGTH_MAX ? 1 : 5;
}
