/**
 * The lines that our append-only files have besides commands, and what a batch is.
 *
 *     #SYNC:<offset>                 bytes of this file before `offset` were known to be durable when this was written
 *     #TS:<unix seconds>             when (Redis' own line, only where asked for)
 *     *3 $3 SET …                    commands
 *     #REPL:<id> <offset> <database> where in a stream of replication the data are after these commands, where they are in one
 *     #CRC:<16 hex digits> <bytes>   the CRC-64 and the number of all bytes since the #SYNC line began
 *
 * All of this is one batch, written at once: what one turn of the event loop has changed. Redis' loader and redis-check-aof
 * skip lines that begin with '#', so they read such files as their own. What stands outside of batches was written by
 * Redis. Every batch begins with #SYNC, and so a file tells who wrote each part of it, whoever had it in between.
 *
 * The CRC begins not with zero but with the offset of the batch in its file: a batch that is not where it was written
 * (twice, moved, out of another file) is as wrong as one with a wrong byte.
 */
import { ascii, copyBytes, parseIntegerAt, writeInteger } from '../../base';
import type { StreamPlace } from '../journal';

const CRC_PREFIX = ascii('#CRC:');
const SYNC_PREFIX = ascii('#SYNC:');
const TIME_PREFIX = ascii('#TS:');
const PLACE_PREFIX = ascii('#REPL:');
/** Numbers as we write them. */
const PLACE_LINE = /^#REPL:([0-9a-f]{40}) (\d{1,16}) (\d{1,10})\r\n$/;
const HEX_DIGITS = ascii('0123456789abcdef');

const CR = 13;
const LF = 10;
const SPACE = 32;
const CRC_DIGITS = 16;
const LINE_END_BYTES = 2;

const STREAM_ID_DIGITS = 40;
const SAFE_INTEGER_DIGITS = 16;

/** Most bytes of a line of ours but #REPL: prefix, hexadecimal digits, blank, a safe integer, CR LF. */
export const OWN_LINE_BYTES_MAX = CRC_PREFIX.length + CRC_DIGITS + 1 + SAFE_INTEGER_DIGITS + LINE_END_BYTES;
/** The same of a #REPL line. */
export const PLACE_LINE_BYTES_MAX =
  PLACE_PREFIX.length + STREAM_ID_DIGITS + 2 * (1 + SAFE_INTEGER_DIGITS) + LINE_END_BYTES;
/** What begins a #CRC line, for who looks for one. */
export const CRC_LINE_START: Uint8Array = CRC_PREFIX;

/** Sets what a CRC begins with for a batch at `offset` of its file. */
export function beginCrc(remainder: Uint32Array, offset: number): void {
  remainder[0] = offset >>> 0;
  remainder[1] = Math.floor(offset / 2 ** 32);
}

/** Writes "#SYNC:<offset>"; the position after it. */
export function writeSyncLine(target: Uint8Array, at: number, offset: number): number {
  return endLine(target, writeInteger(target, copyBytes(SYNC_PREFIX, 0, SYNC_PREFIX.length, target, at), offset));
}

/** Writes "#TS:<unix seconds>"; the position after it. */
export function writeTimeLine(target: Uint8Array, at: number, unixSeconds: number): number {
  return endLine(target, writeInteger(target, copyBytes(TIME_PREFIX, 0, TIME_PREFIX.length, target, at), unixSeconds));
}

/** Writes "#REPL:<id> <offset> <database>"; the position after it. */
export function writePlaceLine(target: Uint8Array, at: number, { id, offset, database }: StreamPlace): number {
  at = copyBytes(PLACE_PREFIX, 0, PLACE_PREFIX.length, target, at);
  for (let i = 0; i < id.length; i++) target[at++] = id.charCodeAt(i);
  target[at++] = SPACE;
  at = writeInteger(target, at, offset);
  target[at++] = SPACE;
  return endLine(target, writeInteger(target, at, database));
}

/** Writes "#CRC:<crc> <bytes>"; the position after it. */
export function writeCrcLine(target: Uint8Array, at: number, remainder: Uint32Array, bytes: number): number {
  at = copyBytes(CRC_PREFIX, 0, CRC_PREFIX.length, target, at);
  at = writeHex(target, writeHex(target, at, remainder[1]), remainder[0]);
  target[at++] = SPACE;
  return endLine(target, writeInteger(target, at, bytes));
}

export function isCrcLine(line: Uint8Array, start: number, end: number): boolean {
  return startsWith(line, start, end, CRC_PREFIX);
}

export function isSyncLine(line: Uint8Array, start: number, end: number): boolean {
  return startsWith(line, start, end, SYNC_PREFIX);
}

/** The offset in the #SYNC line that is `line[start, end)`, CR LF included; NaN where it is malformed. */
export function readSyncLine(line: Uint8Array, start: number, end: number): number {
  return readNumberLine(line, start, end, SYNC_PREFIX);
}

/** The seconds in a #TS line; NaN where it is malformed, or another line. */
export function readTimeLine(line: Uint8Array, start: number, end: number): number {
  return readNumberLine(line, start, end, TIME_PREFIX);
}

/** What a #REPL line says, CR LF included; null where it is malformed, or another line. */
export function readPlaceLine(line: Uint8Array, start: number, end: number): StreamPlace | null {
  if (end - start > PLACE_LINE_BYTES_MAX || !startsWith(line, start, end, PLACE_PREFIX)) return null;
  const text = Buffer.from(line.subarray(start, end)).toString('latin1');
  const match = PLACE_LINE.exec(text);
  return match === null ? null : { id: match[1], offset: Number(match[2]), database: Number(match[3]) };
}

/** What a #CRC line says. A small object that stays, so that reading a line makes none. */
export class CrcLine {
  /** Bits 0–31 and 32–63. */
  readonly crc = new Uint32Array(2);
  bytes = 0;

  /** Reads the line that is `line[start, end)`, CR LF included; false where it is malformed, or another line. */
  read(line: Uint8Array, start: number, end: number): boolean {
    const digits = start + CRC_PREFIX.length;
    const blank = digits + CRC_DIGITS;
    if (blank >= end || line[blank] !== SPACE || !startsWith(line, start, end, CRC_PREFIX)) return false;
    const high = readHex(line, digits);
    const low = readHex(line, digits + CRC_DIGITS / 2);
    const bytes = readNumber(line, blank + 1, end);
    if (Number.isNaN(high + low + bytes)) return false;
    this.crc[0] = low;
    this.crc[1] = high;
    this.bytes = bytes;
    return true;
  }
}

function readNumberLine(line: Uint8Array, start: number, end: number, prefix: Uint8Array): number {
  return startsWith(line, start, end, prefix) ? readNumber(line, start + prefix.length, end) : NaN;
}

/** The number between `start` and the CR LF before `end`, or NaN. */
function readNumber(line: Uint8Array, start: number, end: number): number {
  const numberEnd = end - LINE_END_BYTES;
  if (numberEnd <= start || line[numberEnd] !== CR || line[end - 1] !== LF) return NaN;
  const value = parseIntegerAt(line, start, numberEnd);
  return value >= 0 ? value : NaN;
}

function startsWith(line: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (line[start + i] !== prefix[i]) return false;
  return true;
}

function endLine(target: Uint8Array, at: number): number {
  target[at] = CR;
  target[at + 1] = LF;
  return at + LINE_END_BYTES;
}

function writeHex(target: Uint8Array, at: number, word: number): number {
  for (let shift = 28; shift >= 0; shift -= 4) target[at++] = HEX_DIGITS[(word >>> shift) & 15];
  return at;
}

/** Eight hexadecimal digits as the bits of an integer, or NaN; in lower case only, as we write them. */
function readHex(line: Uint8Array, at: number): number {
  let word = 0;
  for (const end = at + CRC_DIGITS / 2; at < end; at++) {
    const digit = HEX_DIGITS.indexOf(line[at]);
    if (digit < 0) return NaN;
    word = word * 16 + digit;
  }
  return word;
}
