/**
 * Decoding of replies into JavaScript values, for clients, tools and tests; a proxy never comes here.
 *
 * | reply                         | value                                                            |
 * |-------------------------------|------------------------------------------------------------------|
 * | simple and bulk string        | string, or Buffer where `binary` is asked for                    |
 * | verbatim string               | string without its format prefix, or Buffer                      |
 * | integer                       | number, or bigint beyond 2^53 − 1                                |
 * | big number, double, boolean   | bigint, number, boolean                                          |
 * | the three nulls               | null                                                             |
 * | array, map, set               | Array, Map, Set                                                  |
 * | push                          | PushReply                                                        |
 * | error, simple or bulk         | ReplyError, as a value: an array may hold some                   |
 * | attribute                     | dropped; it comments the value behind it                         |
 *
 * What is not a reply raises CacheError PROTOCOL, and so does nesting deeper than `DECODE_DEPTH_MAX`, which protects
 * the stack. Nothing is allocated for announced counts, only for elements that are there.
 */
import { asBuffer, Bytes, CacheError, parseInt64, parseIntegerAt } from '../base';
import { Line } from './line';
import { LENGTH_LINE_BYTES_MAX } from './reply-scanner';
import * as type from './types';

/** An error reply as a value; `message` is its text, `prefix` its first word, which Redis means to be switched on. */
export class ReplyError extends CacheError {
  constructor(message: string) {
    super('REPLY', message);
  }

  get prefix(): string {
    const space = this.message.indexOf(' ');
    return space < 0 ? this.message : this.message.slice(0, space);
  }
}

/** What a server says without being asked: messages of channels, invalidations. */
export class PushReply {
  constructor(readonly values: readonly Reply[]) {}
}

export type Reply =
  | null
  | string
  | Buffer
  | number
  | bigint
  | boolean
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>
  | PushReply
  | ReplyError;

export interface DecodeOptions {
  /** Strings as Buffers, of their own memory, instead of as UTF-8 text. */
  binary?: boolean;
}

/** Levels of arrays within arrays that `decodeReply` takes; Redis' own replies have fewer than ten. */
export const DECODE_DEPTH_MAX = 128;

/** The value of the one reply that `buffer[start, end)` is. Throws CacheError PROTOCOL where it is none. */
export function decodeReply(buffer: Uint8Array, start = 0, end = buffer.length, options: DecodeOptions = {}): Reply {
  const decoder = new Decoder(buffer, start, end, options.binary ?? false);
  const reply = decoder.value(0);
  if (decoder.position !== end) throw malformed('bytes after the reply');
  return reply;
}

class Decoder {
  private readonly line = new Line();

  constructor(
    private readonly buffer: Uint8Array,
    public position: number,
    private readonly end: number,
    private readonly binary: boolean,
  ) {}

  value(depth: number): Reply {
    if (depth > DECODE_DEPTH_MAX) throw malformed(`nested deeper than ${DECODE_DEPTH_MAX}`);
    const kind = this.position < this.end ? this.buffer[this.position] : 0;
    switch (kind) {
      case type.SIMPLE:
        return (this.passLine(), this.string(this.lineStart, this.lineEnd));
      case type.ERROR:
        return new ReplyError(this.lineText());
      case type.INTEGER:
        return this.integer();
      case type.NULL:
        return this.lineText() === '' ? null : this.refuse('null');
      case type.BOOLEAN:
        return this.boolean();
      case type.DOUBLE:
        return this.double();
      case type.BIG_NUMBER:
        return this.bigNumber();
      case type.BULK:
        return this.passBulk() ? this.string(this.lineStart, this.lineEnd) : null;
      case type.BULK_ERROR:
        return this.passBulk() ? new ReplyError(this.text()) : this.refuse('bulk error');
      case type.VERBATIM:
        return this.verbatim();
      case type.ARRAY: {
        const count = this.head();
        return count < 0 ? null : this.values(count, depth);
      }
      case type.SET:
        return new Set(this.values(this.head(), depth));
      case type.PUSH:
        return new PushReply(this.values(this.head(), depth));
      case type.MAP:
        return this.map(depth);
      case type.ATTRIBUTE:
        this.values(this.head() * 2, depth);
        return this.value(depth + 1);
      default:
        return this.refuse('type');
    }
  }

  /** What the last line or bulk string holds: set by `passLine` and `passBulk`. */
  private lineStart = 0;
  private lineEnd = 0;

  private passLine(): void {
    if (this.line.skip(this.buffer, this.position, this.end, this.end) < 0) this.refuse('line');
    this.lineStart = this.position + 1;
    this.lineEnd = this.line.end - 2;
    this.position = this.line.end;
  }

  /** A length; -1 for null. */
  private head(): number {
    const length = this.line.read(this.buffer, this.position, this.end, LENGTH_LINE_BYTES_MAX);
    if (length >= 0) {
      this.position = this.line.end;
      return length;
    }
    const nullable = this.buffer[this.position] === type.ARRAY || this.buffer[this.position] === type.BULK;
    return this.lineText() === '-1' && nullable ? -1 : this.refuse('length');
  }

  private passBulk(): boolean {
    const length = this.head();
    if (length < 0) return false;
    this.lineStart = this.position;
    this.lineEnd = this.position + length;
    this.position = this.lineEnd + 2;
    if (this.position > this.end) this.refuse('bulk string');
    return true;
  }

  private text(): string {
    return asBuffer(this.buffer).toString('utf8', this.lineStart, this.lineEnd);
  }

  private lineText(): string {
    this.passLine();
    return this.text();
  }

  private string(start: number, end: number): string | Buffer {
    const buffer = asBuffer(this.buffer);
    return this.binary ? Buffer.from(buffer.subarray(start, end)) : buffer.toString('utf8', start, end);
  }

  private values(count: number, depth: number): Reply[] {
    const values: Reply[] = [];
    for (let i = 0; i < count; i++) values.push(this.value(depth + 1));
    return values;
  }

  private map(depth: number): Map<Reply, Reply> {
    const map = new Map<Reply, Reply>();
    for (let count = this.head(); count > 0; count--) {
      const key = this.value(depth + 1);
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  private integer(): number | bigint {
    this.passLine();
    const start = this.buffer[this.lineStart] === PLUS ? this.lineStart + 1 : this.lineStart;
    const value = parseIntegerAt(this.buffer, start, this.lineEnd);
    if (!Number.isNaN(value)) return value;
    return parseInt64(new Bytes(this.buffer, start, this.lineEnd)) ?? this.refuse('integer');
  }

  private boolean(): boolean {
    const text = this.lineText();
    return text === 't' || (text === 'f' ? false : this.refuse('boolean'));
  }

  private double(): number {
    const text = this.lineText();
    if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
    if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
    return /^-?nan$/i.test(text) ? NaN : this.refuse('double');
  }

  private bigNumber(): bigint {
    const text = this.lineText();
    return /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : this.refuse('big number');
  }

  private verbatim(): string | Buffer {
    if (!this.passBulk() || this.lineEnd - this.lineStart < VERBATIM_PREFIX_BYTES) this.refuse('verbatim string');
    return this.string(this.lineStart + VERBATIM_PREFIX_BYTES, this.lineEnd);
  }

  private refuse(what: string): never {
    throw malformed(`bad ${what}`);
  }
}

const PLUS = 43;
/** "txt:". */
const VERBATIM_PREFIX_BYTES = 4;

function malformed(why: string): CacheError {
  return new CacheError('PROTOCOL', `not a reply: ${why}`);
}
