/**
 * Words of commands, as snapshots write them: a head, words that are always the same (`fixedWord`), then keys, texts and numbers.
 */
import { cutToInt64, type Bytes, type Output } from '../../base';
import { HEAD_BYTES_MAX, writeBulk, writeHead } from '../../resp';
import { writeIntegerBulk } from '../intset-bulks';

const STAR = 42;

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
  const text = Buffer.from(String(cutToInt64(value)));
  writeBulk(out, text, 0, text.length);
}
