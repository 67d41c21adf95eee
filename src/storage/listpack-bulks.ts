/**
 * Elements of listpacks as replies: bulk strings, written straight from the packed bytes.
 *
 * Replies of many small elements (LRANGE, HGETALL, SMEMBERS) are bound by what one element costs: by way of `Listpack.read` and
 * `writeBulk` some 50 ns, here 20 (14 bytes; measured, Node 20). Short strings, nearly all elements, are copied four bytes at a
 * time, and so are their heads: "$14\r" is one word. What is longer goes the usual way.
 */
import { Bytes, wordsOf, type Output } from '../base';
import { writeBulk } from '../resp';
import { writeIntegerBulk } from './intset-bulks';
import { Listpack, LISTPACK_HEADER_BYTES } from './listpack';
import { END, SHORT_STRING, SHORT_STRING_LIMIT } from './listpack-elements';

const CR_LF = 0x0d0a;
const LF = 0x0a;
/** Lengths below this are spelled with one digit. */
const TWO_DIGITS_FROM = 10;
/** "$63\r\n", 63 bytes, "\r\n". */
const SHORT_BULK_BYTES_MAX = 5 + SHORT_STRING_LIMIT + 2;

/** The first four characters of the head of a bulk string, by its length: "$5\r\n", "$14\r". */
const HEADS = Int32Array.from({ length: SHORT_STRING_LIMIT }, (_, length) =>
  Buffer.from(`$${length}\r\n`).readInt32BE(),
);

const reader = new Listpack();
const text = new Bytes();

/**
 * Appends `count` elements to `out`, those of the listpack at `base` of `u8` from position `at` on, or fewer where it ends before.
 * Returns how many.
 */
export function writeBulks(out: Output, u8: Uint8Array, base: number, at: number, count: number): number {
  const from = wordsOf(u8);
  let place = base + at;
  let left = count;
  while (left > 0 && u8[place] !== END) {
    out.reserve(SHORT_BULK_BYTES_MAX);
    const to = wordsOf(out.buffer);
    if (from === undefined || to === undefined || (u8[place] & 0xc0) !== SHORT_STRING) {
      place = writeAny(out, u8, place);
      left--;
      continue;
    }
    const { buffer } = out;
    const last = buffer.length - SHORT_BULK_BYTES_MAX;
    let position = out.position;
    // As many short strings as are side by side and fit into this chunk.
    for (let first = u8[place]; (first & 0xc0) === SHORT_STRING; first = u8[place]) {
      const length = first & (SHORT_STRING_LIMIT - 1);
      to.setInt32(position, HEADS[length]);
      position += 4;
      if (length >= TWO_DIGITS_FROM) buffer[position++] = LF;
      const end = ++place + length;
      for (; place + 4 <= end; place += 4, position += 4) to.setInt32(position, from.getInt32(place));
      while (place < end) buffer[position++] = u8[place++];
      to.setInt16(position, CR_LF);
      position += 2;
      place++;
      if (--left === 0 || position > last) break;
    }
    out.position = position;
  }
  return count - left;
}

/** Appends one element; returns the place after it. */
function writeAny(out: Output, u8: Uint8Array, place: number): number {
  reader.u8 = u8;
  reader.base = place - LISTPACK_HEADER_BYTES;
  const integer = reader.integerAt(LISTPACK_HEADER_BYTES);
  if (Number.isNaN(integer)) {
    const { buffer, start, end } = reader.read(LISTPACK_HEADER_BYTES, text);
    writeBulk(out, buffer, start, end);
  } else {
    writeIntegerBulk(out, integer);
  }
  return place + reader.sizeAt(LISTPACK_HEADER_BYTES);
}
