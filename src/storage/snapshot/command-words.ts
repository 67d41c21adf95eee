/**
 * Words of commands, as snapshots write them: a head, words that are always the same (`fixedWord`), then keys, texts and numbers.
 */
import type { Bytes, Output } from '../../base';
import { writeBulk, writeHead } from '../../resp';
import { writeIntegerBulk } from '../intset-bulks';

const STAR = 42;
/** Room for a type byte, any count, and CR LF. */
const HEAD_BYTES_MAX = 24;
/** The first number above int64, and the last one in it. */
const INT64_LIMIT = 2 ** 63;
const INT64_MAX = 2n ** 63n - 1n;

/** Begins a command of so many words, its name among them. */
export function beginCommand(out: Output, words: number, name: Uint8Array): void {
  out.reserve(HEAD_BYTES_MAX);
  out.position = writeHead(out.buffer, out.position, STAR, words);
  out.constant(name);
}

export function writeText(out: Output, { buffer, start, end }: Bytes): void {
  writeBulk(out, buffer, start, end);
}

/** A whole number; one above int64 is cut to the largest of these. */
export function writeWhole(out: Output, value: number): void {
  if (Number.isSafeInteger(value)) return writeIntegerBulk(out, value);
  const text = Buffer.from(String(value >= INT64_LIMIT ? INT64_MAX : BigInt(value)));
  writeBulk(out, text, 0, text.length);
}
