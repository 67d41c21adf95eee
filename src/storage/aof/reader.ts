/**
 * AofReader: what stands in an append-only file, one item after the other: commands, and lines that begin with '#'.
 *
 * It knows the grammar and nothing else; whether an item may be believed is decided in inspection.ts. Commands are read strictly:
 * arrays of bulk strings, lengths in canonical decimal, every CR LF where it must be. Where the file ends inside something
 * that could have become an item, that is TORN; where no continuation could have helped, MALFORMED.
 *
 * The file is seen through a window, a buffer that grows only for an item that is longer and whose bytes are there: a length
 * beyond the file's end is a torn item and costs nothing. An item is read again from its start when more of it has
 * come into the window; as that at least doubles each time, and strings are passed over by their lengths, this is cheap.
 */
import { widen, type ReadableFile } from '../../base';
import type { ProtocolLimits, ReceivedCommand } from '../../resp';

/** Answers of `next()`. */
export const END = 0;
export const COMMAND = 1;
export const ANNOTATION = 2;
export const TORN = 3;
export const MALFORMED = 4;
/** Answer of its steps: more of the file must come into the window. */
const MORE = 5;

const WINDOW_BYTES = 256 * 1024;
/** Longer items do not fit into offsets of 31 bits. */
const ITEM_BYTES_MAX = 2 ** 31 - 1;
/** Bytes of a line that begins with '#', its end included: what Redis reads. */
const ANNOTATION_BYTES_MAX = 1023;
/** No length that could be within limits has more. */
const LENGTH_DIGITS_MAX = 10;
const ARGUMENTS_AT_FIRST = 64;

const LF = 10;
const CR = 13;
const HASH = 35;
const DOLLAR = 36;
const STAR = 42;
const ZERO = 48;

export class AofReader implements ReceivedCommand {
  // After COMMAND, until the next call of `next()`; the message is that of an ANNOTATION too, its line end included:
  buffer: Uint8Array;
  argc = 0;
  starts = new Int32Array(ARGUMENTS_AT_FIRST);
  ends = new Int32Array(ARGUMENTS_AT_FIRST);
  commandStart = 0;
  commandEnd = 0;

  /** Where in the file the window begins. */
  private windowStart: number;
  /** Bytes in the window. */
  private limit = 0;
  /** Bytes from the item's start on that it has at least. */
  private needed = 0;
  /** Where `readLength` has left off; after MALFORMED: the byte that cannot be. */
  private at = 0;

  /** Reads `file[from, end)`. */
  constructor(
    private readonly file: ReadableFile,
    from: number,
    private readonly end: number,
    private readonly limits: ProtocolLimits,
  ) {
    this.windowStart = from;
    this.buffer = widen(Buffer.allocUnsafeSlow(Math.min(WINDOW_BYTES, end - from)));
  }

  /** Where in the file the present item begins. */
  get start(): number {
    return this.windowStart + this.commandStart;
  }

  /** Where in the file the present item ends, after COMMAND and ANNOTATION. */
  get position(): number {
    return this.windowStart + this.commandEnd;
  }

  /** After MALFORMED: the offset of the byte that cannot stand where it stands. */
  get faultOffset(): number {
    return this.windowStart + this.at;
  }

  /** The next item's kind, or END, TORN, MALFORMED, which are final. */
  next(): number {
    this.commandStart = this.commandEnd;
    this.needed = 1;
    for (;;) {
      const answer = this.readItem();
      if (answer !== MORE) return answer;
      if (!this.fill()) return this.start === this.end ? END : TORN;
    }
  }

  private readItem(): number {
    const { buffer, commandStart, limit } = this;
    if (commandStart === limit) return MORE;
    this.at = commandStart;
    if (buffer[commandStart] === STAR) return this.readCommand();
    return buffer[commandStart] === HASH ? this.readAnnotation() : MALFORMED;
  }

  private readAnnotation(): number {
    const { buffer, commandStart, limit } = this;
    const last = Math.min(limit, commandStart + ANNOTATION_BYTES_MAX);
    const found = buffer.subarray(commandStart, last).indexOf(LF);
    if (found < 0) return last - commandStart < ANNOTATION_BYTES_MAX ? this.more(limit + 1) : MALFORMED;
    this.commandEnd = commandStart + found + 1;
    return ANNOTATION;
  }

  private readCommand(): number {
    const { buffer, limit } = this;
    const { argumentsMax, bulkBytesMax } = this.limits;
    const count = this.readLength(this.commandStart + 1);
    if (count < 0) return -count;
    if (count === 0 || count > argumentsMax) return MALFORMED;
    let at = this.at;
    for (let i = 0; i < count; i++) {
      if (at >= limit) return this.more(at + 1);
      this.at = at;
      if (buffer[at] !== DOLLAR) return MALFORMED;
      const length = this.readLength(at + 1);
      if (length < 0) return -length;
      if (length > bulkBytesMax) return MALFORMED;
      const start = this.at;
      const end = start + length;
      if (end + 2 > limit) return this.more(end + 2);
      this.at = end;
      if (buffer[end] !== CR || buffer[end + 1] !== LF) return MALFORMED;
      if (i === this.starts.length) this.growArguments();
      this.starts[i] = start;
      this.ends[i] = end;
      at = end + 2;
    }
    this.argc = count;
    this.commandEnd = at;
    return COMMAND;
  }

  /** The number from `at` to CR LF, `this.at` then being after that; or -MORE, or -MALFORMED. */
  private readLength(at: number): number {
    const { buffer, limit } = this;
    const first = at;
    let value = 0;
    for (; at < limit; at++) {
      const digit = buffer[at] - ZERO;
      if (digit < 0 || digit > 9) break;
      if ((at > first && value === 0) || at - first >= LENGTH_DIGITS_MAX) return this.malformedAt(at);
      value = value * 10 + digit;
    }
    if (at >= limit) return -this.more(at + 1);
    if (at === first || buffer[at] !== CR) return this.malformedAt(at);
    if (at + 1 >= limit) return -this.more(at + 2);
    if (buffer[at + 1] !== LF) return this.malformedAt(at + 1);
    this.at = at + 2;
    return value;
  }

  private malformedAt(at: number): number {
    this.at = at;
    return -MALFORMED;
  }

  /** The item goes on at least to `end` in the window's count. */
  private more(end: number): number {
    this.needed = end - this.commandStart;
    return this.needed > ITEM_BYTES_MAX ? MALFORMED : MORE;
  }

  /** Takes more of the file into the window, the present item at its start; false where there cannot be enough of it. */
  private fill(): boolean {
    const { commandStart, limit, needed } = this;
    if (this.start + needed > this.end) return false;
    const rest = limit - commandStart;
    const old = this.buffer;
    if (needed > old.length || rest === old.length) {
      const size = Math.min(Math.max(needed, 2 * old.length), this.end - this.start);
      this.buffer = widen(Buffer.allocUnsafeSlow(Math.min(size, ITEM_BYTES_MAX)));
    }
    this.buffer.set(old.subarray(commandStart, limit));
    this.windowStart += commandStart;
    this.commandStart = 0;
    this.limit = rest;
    const room = Math.min(this.buffer.length, this.end - this.windowStart);
    while (this.limit < room) {
      const count = this.file.read(this.buffer, this.limit, room, this.windowStart + this.limit);
      if (count === 0) return false;
      this.limit += count;
    }
    return true;
  }

  private growArguments(): void {
    const { starts, ends } = this;
    this.starts = new Int32Array(starts.length * 2);
    this.ends = new Int32Array(ends.length * 2);
    this.starts.set(starts);
    this.ends.set(ends);
  }
}
