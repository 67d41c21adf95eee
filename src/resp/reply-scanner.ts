/**
 * ReplyScanner: finds where a reply ends, without decoding it.
 *
 * A reply is a tree, but its end needs no recursion, only one count: the values still owed. A plain value pays one
 * back; an array of n owes n more and is paid itself; a map of n owes 2n; an attribute of n owes 2n and pays nothing,
 * for it belongs to the value that follows it. At zero the reply is whole. Nesting of any depth therefore costs no
 * memory, and a cut costs nothing but reading the last head again.
 *
 * It is strict where a mistake would let the stream slip (types, lengths, the CR LF behind a string) and looks at
 * nothing else: digits of an integer are the decoder's business. RESP3's streamed forms, which no server sends, are
 * refused.
 */
import { NEED_MORE, PROTOCOL_ERROR, REPLY, type ReplyLimits } from './limits';
import { CUT, Line, NEGATIVE, TOO_LONG } from './line';
import * as type from './types';

/** Bytes of a line that holds a length; "*9223372036854775807" has 20. */
export const LENGTH_LINE_BYTES_MAX = 32;

export class ReplyScanner {
  /** Next byte to read; after REPLY, the position behind the reply. */
  position = 0;
  /** Type byte of the reply itself, attributes passed over; 0 until it has been seen. */
  kind = 0;
  /** After NEED_MORE: bytes that the reply lacks at least. */
  missing = 0;
  /** After PROTOCOL_ERROR: why. */
  errorText = '';
  private owed = 1;
  private readonly line = new Line();

  constructor(private readonly limits: ReplyLimits) {}

  /** Starts with the reply at `position`. */
  begin(position: number): void {
    this.position = position;
    this.kind = 0;
    this.owed = 1;
    this.line.restart();
  }

  /** Reads on in `data[position, limit)`: REPLY, NEED_MORE or PROTOCOL_ERROR. */
  run(data: Uint8Array, limit: number): number {
    while (this.owed > 0) {
      const { position } = this;
      if (position >= limit) return this.cut(1);
      const kind = data[position];
      if (this.kind === 0 && this.owed === 1 && kind !== type.ATTRIBUTE) this.kind = kind;
      let answer: number;
      switch (kind) {
        case type.SIMPLE:
        case type.ERROR:
        case type.INTEGER:
        case type.NULL:
        case type.BOOLEAN:
        case type.DOUBLE:
        case type.BIG_NUMBER:
          answer = this.passLine(data, limit);
          break;
        case type.BULK:
        case type.BULK_ERROR:
        case type.VERBATIM:
          answer = this.passBulk(data, limit, kind === type.BULK);
          break;
        case type.ARRAY:
        case type.SET:
        case type.PUSH:
          answer = this.passHead(data, limit, 1, -1, kind === type.ARRAY);
          break;
        case type.MAP:
          answer = this.passHead(data, limit, 2, -1, false);
          break;
        case type.ATTRIBUTE:
          answer = this.passHead(data, limit, 2, 0, false);
          break;
        default:
          return this.fail(`unknown reply type ${kind}`);
      }
      if (answer !== REPLY) return answer;
    }
    return REPLY;
  }

  private passLine(data: Uint8Array, limit: number): number {
    const found = this.line.skip(data, this.position, limit, this.limits.bulkBytesMax);
    if (found === CUT) return this.cut(1);
    if (found === TOO_LONG) return this.fail('reply line too long');
    if (data[this.line.end - 1] !== LF) return this.fail('reply line without LF');
    this.position = this.line.end;
    this.owed--;
    return REPLY;
  }

  private passBulk(data: Uint8Array, limit: number, nullable: boolean): number {
    const length = this.line.read(data, this.position, limit, LENGTH_LINE_BYTES_MAX);
    if (length === CUT) return this.cut(1);
    if (!this.isLength(data, length, nullable, this.limits.bulkBytesMax)) return this.fail('invalid bulk length');
    const end = length === NEGATIVE ? this.line.end : this.line.end + length + 2;
    if (end > limit) return this.cut(end - limit);
    if (data[end - 2] !== CR || data[end - 1] !== LF) return this.fail('bulk string without CR LF');
    this.position = end;
    this.owed--;
    return REPLY;
  }

  private passHead(data: Uint8Array, limit: number, factor: number, own: number, nullable: boolean): number {
    const count = this.line.read(data, this.position, limit, LENGTH_LINE_BYTES_MAX);
    if (count === CUT) return this.cut(1);
    const room = this.limits.elementsMax - this.owed;
    if (!this.isLength(data, count, nullable, room / factor)) return this.fail('invalid element count');
    this.position = this.line.end;
    this.owed += (count === NEGATIVE ? 0 : count * factor) + own;
    return REPLY;
  }

  /** Whether a length that was read may stand there: within bounds, or "-1" for null, and ended by CR LF. */
  private isLength(data: Uint8Array, length: number, nullable: boolean, max: number): boolean {
    if (length < 0 && length !== NEGATIVE) return false;
    const { end } = this.line;
    if (data[end - 1] !== LF) return false;
    if (length !== NEGATIVE) return length <= max;
    return nullable && end - this.position === NULL_HEAD_BYTES && data[end - 3] === ONE;
  }

  private cut(missing: number): number {
    this.missing = missing;
    return NEED_MORE;
  }

  private fail(text: string): number {
    this.errorText = text;
    return PROTOCOL_ERROR;
  }
}

const CR = 13;
const LF = 10;
const ONE = 49;
/** "$-1" with CR LF. */
const NULL_HEAD_BYTES = 5;
