/**
 * Encoding of commands, for who speaks to a server: clients, the proxy's own questions, replication, tests.
 *
 * `encodeCommand` makes a message, for one that is sent once or kept as a constant; `writeCommand` appends to an Output.
 * Both write an array of bulk strings, the only form that every server takes. Text is UTF-8, numbers are decimal.
 */
import { copyBytes, integerLength, wordsOf, writeInteger, type Output } from '../base';

export type CommandArgument = string | number | Uint8Array;

const CR = 13;
const LF = 10;
const DOLLAR = 36;
const STAR = 42;

/** Room for a type byte, any count or length, and CR LF. */
export const HEAD_BYTES_MAX = 24;

/** The command as one message in memory of its own. Numbers must be safe integers or finite. */
export function encodeCommand(args: readonly CommandArgument[]): Buffer {
  let bytes = headLength(args.length);
  for (const arg of args) {
    const length = argumentLength(arg);
    bytes += headLength(length) + length + 2;
  }
  const message = Buffer.allocUnsafe(bytes);
  let at = writeHead(message, 0, STAR, args.length);
  for (const arg of args) {
    at = writeHead(message, at, DOLLAR, argumentLength(arg));
    at = typeof arg === 'object' ? copyBytes(arg, 0, arg.length, message, at) : at + message.write(String(arg), at);
    message[at++] = CR;
    message[at++] = LF;
  }
  return message;
}

/** Appends the command to `out`. */
export function writeCommand(out: Output, args: readonly CommandArgument[]): void {
  out.reserve(HEAD_BYTES_MAX);
  out.position = writeHead(out.buffer, out.position, STAR, args.length);
  for (const arg of args) {
    const bytes = typeof arg === 'object' ? arg : Buffer.from(String(arg));
    writeBulk(out, bytes, 0, bytes.length);
  }
}

/** Appends `source[start, end)` as a bulk string; allocates nothing. */
export function writeBulk(out: Output, source: Uint8Array, start: number, end: number): void {
  const length = end - start;
  if (length < SHORT_BULK_BYTES) {
    out.reserve(SHORT_BULK_BYTES + 7);
    const from = wordsOf(source);
    const to = wordsOf(out.buffer);
    if (from !== undefined && to !== undefined) {
      writeShortBulk(out, to, source, from, start, length);
      return;
    }
  }
  if (length > SMALL_BULK_BYTES_MAX) {
    out.reserve(HEAD_BYTES_MAX);
    out.position = writeHead(out.buffer, out.position, DOLLAR, length);
    out.bytes(source, start, end);
    out.reserve(2);
  } else {
    out.reserve(HEAD_BYTES_MAX + length + 2);
    const at = writeHead(out.buffer, out.position, DOLLAR, length);
    out.position = copyBytes(source, start, end, out.buffer, at);
  }
  out.buffer[out.position++] = CR;
  out.buffer[out.position++] = LF;
}

/** The same between memories that can be read and written by words: most replies are such. */
function writeShortBulk(
  out: Output,
  to: DataView,
  source: Uint8Array,
  from: DataView,
  start: number,
  length: number,
): void {
  const { buffer } = out;
  let at = out.position;
  to.setInt32(at, SHORT_HEADS[length]);
  at += 4;
  if (length >= 10) buffer[at++] = LF;
  const end = start + length;
  for (; start + 4 <= end; start += 4, at += 4) to.setInt32(at, from.getInt32(start));
  while (start < end) buffer[at++] = source[start++];
  to.setInt16(at, CR_LF);
  out.position = at + 2;
}

/** Bulk strings below this length have a head of four or five characters, of which the first four are one word. */
const SHORT_BULK_BYTES = 100;
/** These four characters by the length: "$5\r\n", "$14\r". */
const SHORT_HEADS = Int32Array.from({ length: SHORT_BULK_BYTES }, (_, length) =>
  Buffer.from(`$${length}\r\n`).readInt32BE(),
);
const CR_LF = 0x0d0a;

/** Up to here a bulk string is kept in one chunk of the output, at the price of leaving a chunk's end unused. */
const SMALL_BULK_BYTES_MAX = 512;

/** Writes a type byte, a safe integer and CR LF; returns the position after them. */
export function writeHead(target: Uint8Array, at: number, type: number, value: number): number {
  target[at] = type;
  at = writeInteger(target, at + 1, value);
  target[at] = CR;
  target[at + 1] = LF;
  return at + 2;
}

function headLength(value: number): number {
  return integerLength(value) + 3;
}

function argumentLength(arg: CommandArgument): number {
  return typeof arg === 'object' ? arg.length : Buffer.byteLength(String(arg));
}
