/**
 * ReplyWriter: what a handler says to its client, written straight into the connection's output.
 *
 * A handler speaks in meanings (a map, a null, a double); how RESP2 and RESP3 spell them is decided here and nowhere
 * else, by `protocol`. Replies are written, never built: who announces an array of n must write n values after it.
 * Nothing is allocated for bytes, integers, heads and constants. Error lines are encoded once and remembered, because
 * a client that errs does so in a loop.
 */
import { ascii, asBuffer, writeInteger, type Bytes, type Output } from '../base';
import { doubleText, isPlainInteger } from './double';
import { writeBulk, writeHead } from './encode';
import * as type from './types';

const OK = ascii('+OK\r\n');
const QUEUED = ascii('+QUEUED\r\n');
const NULL_BULK = ascii('$-1\r\n');
const NULL_ARRAY = ascii('*-1\r\n');
const NULL_RESP3 = ascii('_\r\n');
const EMPTY_ARRAY = ascii('*0\r\n');
const TRUE_RESP3 = ascii('#t\r\n');
const FALSE_RESP3 = ascii('#f\r\n');

const CR = 13;
const LF = 10;

/** Room for a type byte, any safe integer and CR LF. */
const HEAD_BYTES_MAX = 24;
/** Text of up to this many UTF-16 units is encoded in place, longer text by way of a Buffer. */
const TEXT_IN_PLACE_MAX = 1024;

/** Encoded error lines by text. Emptied when full: texts that quote a client's words would fill it in time. */
const errorLines = new Map<string, Uint8Array>();
const ERROR_LINES_MAX = 512;
const ERROR_LINE_LENGTH_MAX = 256;

export class ReplyWriter {
  protocol: 2 | 3 = 2;
  /** Error replies written so far. */
  errors = 0;
  /** The text of the last of them. */
  lastError = '';

  constructor(public out: Output) {}

  ok(): void {
    this.out.constant(OK);
  }

  queued(): void {
    this.out.constant(QUEUED);
  }

  /** A simple string; CR and LF in it become blanks. */
  simple(text: string): void {
    this.out.constant(encodeLine(type.SIMPLE, text));
  }

  /** An error reply; `text` begins with its code and has no "-": "ERR syntax error". CR and LF become blanks. */
  error(text: string): void {
    this.errors++;
    this.lastError = text;
    this.out.constant(errorLine(text));
  }

  /** A safe integer. */
  integer(value: number): void {
    this.head(type.INTEGER, value);
  }

  /** An integer beyond 2^53, up to int64. */
  int64(value: bigint): void {
    this.out.constant(ascii(`:${value}\r\n`));
  }

  bulk(bytes: Bytes): void {
    writeBulk(this.out, bytes.buffer, bytes.start, bytes.end);
  }

  /** `buffer[start, end)` as a bulk string. */
  bulkAt(buffer: Uint8Array, start: number, end: number): void {
    writeBulk(this.out, buffer, start, end);
  }

  /** A bulk string of the decimal spelling of a safe integer. */
  bulkInteger(value: number): void {
    const length = writeInteger(digits, 0, value);
    writeBulk(this.out, digits, 0, length);
  }

  /** A bulk string of UTF-8 text. */
  text(text: string): void {
    if (text.length > TEXT_IN_PLACE_MAX) {
      const bytes = Buffer.from(text);
      writeBulk(this.out, bytes, 0, bytes.length);
      return;
    }
    const length = Buffer.byteLength(text);
    this.head(type.BULK, length);
    this.out.reserve(length + 2);
    this.out.position += asBuffer(this.out.buffer).write(text, this.out.position, 'utf8');
    this.lineEnd();
  }

  null(): void {
    this.out.constant(this.protocol === 3 ? NULL_RESP3 : NULL_BULK);
  }

  /** The null of replies that are arrays where they are not null. */
  nullArray(): void {
    this.out.constant(this.protocol === 3 ? NULL_RESP3 : NULL_ARRAY);
  }

  emptyArray(): void {
    this.out.constant(EMPTY_ARRAY);
  }

  /** The head of an array; `count` values must follow. */
  array(count: number): void {
    this.head(type.ARRAY, count);
  }

  /** The head of a map; `count` pairs of key and value must follow. RESP2: an array of twice as many. */
  map(count: number): void {
    if (this.protocol === 3) this.head(type.MAP, count);
    else this.head(type.ARRAY, count * 2);
  }

  /** The head of a set; `count` values must follow. RESP2: an array. */
  set(count: number): void {
    this.head(this.protocol === 3 ? type.SET : type.ARRAY, count);
  }

  /** The head of a message that is no answer; `count` values must follow. RESP2: an array. */
  push(count: number): void {
    this.head(this.protocol === 3 ? type.PUSH : type.ARRAY, count);
  }

  /** A double in the spelling of Redis 7.2. RESP2: as a bulk string. */
  double(value: number): void {
    if (!isPlainInteger(value)) this.spelled(type.DOUBLE, doubleText(value));
    else if (this.protocol === 3) this.head(type.DOUBLE, value);
    else this.bulkInteger(value);
  }

  /** A double in a spelling of its own, such as that of places on earth. RESP2: as a bulk string. */
  spelledDouble(characters: string): void {
    this.spelled(type.DOUBLE, characters);
  }

  /** RESP2: 1 or 0. */
  boolean(value: boolean): void {
    if (this.protocol === 3) this.out.constant(value ? TRUE_RESP3 : FALSE_RESP3);
    else this.integer(value ? 1 : 0);
  }

  /** Text for people, with its format in three letters. RESP2: a bulk string without the format. */
  verbatim(text: string, format = 'txt'): void {
    if (this.protocol !== 3) {
      this.text(text);
      return;
    }
    const bytes = Buffer.from(`${format}:${text}`);
    this.head(type.VERBATIM, bytes.length);
    this.out.constant(bytes);
    this.out.reserve(2);
    this.lineEnd();
  }

  /** An integer of any size, as decimal text. RESP2: a bulk string. */
  bigNumber(text: string): void {
    this.spelled(type.BIG_NUMBER, text);
  }

  /** Bytes that are RESP already. */
  raw(bytes: Uint8Array): void {
    this.out.constant(bytes);
  }

  private head(kind: number, value: number): void {
    const { out } = this;
    out.reserve(HEAD_BYTES_MAX);
    out.position = writeHead(out.buffer, out.position, kind, value);
  }

  /** What RESP3 has a type for and RESP2 writes as the same characters in a bulk string. */
  private spelled(kind: number, characters: string): void {
    const { out } = this;
    const { length } = characters;
    if (length > TEXT_IN_PLACE_MAX) {
      if (this.protocol === 3) out.constant(encodeLine(kind, characters));
      else this.text(characters);
      return;
    }
    if (this.protocol !== 3) this.head(type.BULK, length);
    out.reserve(length + 3);
    if (this.protocol === 3) out.buffer[out.position++] = kind;
    for (let i = 0; i < length; i++) out.buffer[out.position++] = characters.charCodeAt(i);
    this.lineEnd();
  }

  private lineEnd(): void {
    const { out } = this;
    out.buffer[out.position++] = CR;
    out.buffer[out.position++] = LF;
  }
}

const digits = new Uint8Array(HEAD_BYTES_MAX);

function encodeLine(kind: number, text: string): Uint8Array {
  return Buffer.from(`${String.fromCharCode(kind)}${text.replace(/[\r\n]/g, ' ')}\r\n`);
}

function errorLine(text: string): Uint8Array {
  const known = errorLines.get(text);
  if (known !== undefined) return known;
  const line = encodeLine(type.ERROR, text);
  if (text.length <= ERROR_LINE_LENGTH_MAX) {
    if (errorLines.size === ERROR_LINES_MAX) errorLines.clear();
    errorLines.set(text, line);
  }
  return line;
}
