/**
 * CommandParser: finds the commands in what a client sends, in place.
 *
 * One per connection. A command is handed out as offsets into the bytes that arrived: argument i is
 * `buffer[starts[i], ends[i])`, and `buffer[commandStart, commandEnd)` is the whole message, which a proxy forwards and
 * a journal stores as it is. Where a chunk ends inside a command, the arguments found so far are kept and reading goes
 * on at the argument that was cut; see MessageAssembler for what happens to the bytes.
 *
 * Inline commands (a line of words) are rewritten as the array they stand for, so who reads commands sees one form.
 * Empty commands are skipped. Conditions and texts of errors are those of Redis 7.2 (networking.c), with two
 * differences, both so that the answer never depends on where the stream was cut: a line counts as too long by its
 * own length, not by what happens to be buffered; and a NUL byte does not hide the end of a line.
 * As in Redis the two bytes after an argument are not looked at.
 */
import { EMPTY_BUFFER } from '../base';
import { MessageAssembler } from './assembler';
import { BATCHED_WORDS_MAX, type CommandBatch } from './command-batch';
import { inlineToArray, isOfTheWeb } from './inline';
import {
  COMMAND,
  NEED_MORE,
  PROTOCOL_ERROR,
  UNAUTHENTICATED_ARGUMENTS_MAX,
  UNAUTHENTICATED_BULK_BYTES_MAX,
  type ProtocolLimits,
} from './limits';
import { afterShortLine, CUT, Line, MALFORMED, SHORT_LINE_BYTES_MAX, shortLength, TOO_LONG } from './line';

const LF = 10;
const CR = 13;
const DOLLAR = 36;
const STAR = 42;

/** Arguments for which room is kept between commands; 8 bytes each. */
const ARGUMENTS_KEPT = 64;

/** Answer of the steps of `next()`, beside the public ones: an empty command was skipped. */
const SKIPPED = 3;

export class CommandParser extends MessageAssembler {
  /** While false, Redis' small limits hold: 10 arguments of 16,384 bytes. */
  authenticated = true;

  // Valid after `next()` has answered COMMAND, until the next call of `next()` or `feed()`:
  buffer: Uint8Array = EMPTY_BUFFER;
  argc = 0;
  /** Argument i is `buffer[starts[i], ends[i])`; other arrays after a command that was large. */
  starts = new Int32Array(ARGUMENTS_KEPT);
  ends = new Int32Array(ARGUMENTS_KEPT);
  /** Where the message begins in `buffer`; always an array of bulk strings. */
  commandStart = 0;
  commandEnd = 0;
  /** Whether the client wrote a line of words. */
  inline = false;

  /** After PROTOCOL_ERROR: what to tell the client after "-ERR "; empty: close without a word. */
  errorText = '';

  /** Next byte to read. Equal to `messageStart` unless a command has been begun. */
  private position = 0;
  /** Arguments that the command being read announced; 0: none is being read. */
  private argumentsTotal = 0;
  /** Bytes that the command being read lacks at least. */
  private missing = 0;
  /** Bytes of a cut inline command that are known to hold no LF. */
  private searched = 0;
  private readonly line = new Line();

  constructor(private readonly limits: ProtocolLimits) {
    super();
  }

  /** COMMAND, NEED_MORE, or PROTOCOL_ERROR, which is final: the connection is to be closed. */
  next(): number {
    if (this.failed) return PROTOCOL_ERROR;
    this.leaveOwn();
    if (this.starts.length > ARGUMENTS_KEPT && this.argumentsTotal === 0) this.resizeArguments(ARGUMENTS_KEPT, 0);
    for (;;) {
      const answer = this.step();
      if (answer === SKIPPED) continue;
      if (answer !== NEED_MORE) return answer;
      if (this.more(this.missing)) continue;
      return this.bufferedBytes > this.limits.queryBytesMax ? this.fail('') : NEED_MORE;
    }
  }

  /**
   * Finds the plain commands that come next, up to as many as `batch` has room for; returns how many. 0 says nothing but
   * that `next()` must have a look. They are good until the next call, like the command of `next()`.
   */
  nextBatch(batch: CommandBatch): number {
    this.leaveOwn();
    if (this.owned || this.argumentsTotal !== 0) return 0;
    const { data, limit } = this;
    let commandStart = this.position;
    let count = 0;
    while (count < batch.length && commandStart + SHORT_LINE_BYTES_MAX <= limit && data[commandStart] === STAR) {
      const argc = shortLength(data, commandStart);
      if (argc <= 0 || argc > BATCHED_WORDS_MAX) break;
      const command = batch[count];
      const { starts, ends } = command;
      let at = afterShortLine(commandStart, argc);
      let i = 0;
      for (; i < argc && at + SHORT_LINE_BYTES_MAX <= limit && data[at] === DOLLAR; i++) {
        const length = shortLength(data, at);
        if (length < 0) break;
        const start = afterShortLine(at, length);
        starts[i] = start;
        ends[i] = start + length;
        at = start + length + 2;
      }
      if (i < argc || at > limit) break;
      if (command.buffer !== data) command.buffer = data;
      command.argc = argc;
      command.commandStart = commandStart;
      command.commandEnd = at;
      commandStart = at;
      count++;
    }
    this.position = commandStart;
    this.messageStart = commandStart;
    return count;
  }

  /** Takes back the commands of the last batch from the one that begins at `commandStart` on. */
  rewind(commandStart: number): void {
    this.position = commandStart;
    this.messageStart = commandStart;
  }

  /** Bytes of memory that this object keeps allocated. */
  override get memoryBytes(): number {
    return super.memoryBytes + this.starts.byteLength + this.ends.byteLength;
  }

  protected override moved(distance: number): void {
    this.position -= distance;
    if (distance === 0 || this.argumentsTotal === 0) return;
    for (let i = 0; i < this.argc; i++) {
      this.starts[i] -= distance;
      this.ends[i] -= distance;
    }
  }

  private step(): number {
    if (this.argumentsTotal === 0) {
      if (this.position === this.limit) return this.cut(1);
      if (this.data[this.position] !== STAR) return this.readInline();
      const answer = this.readCount();
      if (answer !== COMMAND) return answer;
    }
    return this.readArguments();
  }

  /** Reads "*<count>"; COMMAND where arguments follow. */
  private readCount(): number {
    const count = this.line.read(this.data, this.position, this.limit, this.limits.inlineBytesMax);
    if (count === CUT) return this.cut(1);
    if (count === TOO_LONG) return this.fail('Protocol error: too big mbulk count string');
    if (count === MALFORMED || count > this.limits.argumentsMax) {
      return this.fail('Protocol error: invalid multibulk length');
    }
    if (count > UNAUTHENTICATED_ARGUMENTS_MAX && !this.authenticated) {
      return this.fail('Protocol error: unauthenticated multibulk length');
    }
    this.position = this.line.end;
    if (count <= 0) return this.skipped();
    this.argumentsTotal = count;
    this.argc = 0;
    return COMMAND;
  }

  private readArguments(): number {
    const { data, limit, line, argumentsTotal } = this;
    const { bulkBytesMax, inlineBytesMax } = this.limits;
    let { starts, ends, position, argc } = this;
    while (argc < argumentsTotal) {
      if (position + SHORT_LINE_BYTES_MAX <= limit && data[position] === DOLLAR && argc < starts.length) {
        const length = shortLength(data, position);
        const start = afterShortLine(position, length);
        const end = start + length;
        if (length >= 0 && length <= bulkBytesMax && end + 2 <= limit) {
          starts[argc] = start;
          ends[argc++] = end;
          position = end + 2;
          continue;
        }
      }
      const length = position < limit ? line.read(data, position, limit, inlineBytesMax) : CUT;
      if (length === CUT) return this.cutArgument(position, argc, 1);
      if (length === TOO_LONG) return this.fail('Protocol error: too big bulk count string');
      if (data[position] !== DOLLAR) {
        return this.fail(`Protocol error: expected '$', got '${printable(data[position])}'`);
      }
      if (length < 0 || length > bulkBytesMax) return this.fail('Protocol error: invalid bulk length');
      if (length > UNAUTHENTICATED_BULK_BYTES_MAX && !this.authenticated) {
        return this.fail('Protocol error: unauthenticated bulk length');
      }
      const start = line.end;
      const end = start + length;
      if (end + 2 > limit) return this.cutArgument(position, argc, end + 2 - limit);
      if (argc === starts.length) {
        this.resizeArguments(argc * 2, argc);
        starts = this.starts;
        ends = this.ends;
      }
      starts[argc] = start;
      ends[argc++] = end;
      position = end + 2;
    }
    this.argc = argc;
    this.buffer = data;
    this.commandStart = this.messageStart;
    this.commandEnd = position;
    this.inline = false;
    this.position = position;
    this.messageStart = position;
    this.argumentsTotal = 0;
    return COMMAND;
  }

  private readInline(): number {
    const { data, position, limit } = this;
    const bytesMax = this.limits.inlineBytesMax;
    const last = position + bytesMax < limit ? position + bytesMax : limit - 1;
    let at = position + this.searched;
    while (at <= last && data[at] !== LF) at++;
    if (at > last) {
      this.searched = at - position;
      return this.searched > bytesMax ? this.fail('Protocol error: too big inline request') : this.cut(1);
    }
    this.searched = 0;
    this.position = at + 1;
    if (isOfTheWeb(data, position, at)) return this.fail('Protocol error: this is no web server');
    const message = inlineToArray(data, position, at > position && data[at - 1] === CR ? at - 1 : at);
    if (message === null) return this.fail('Protocol error: unbalanced quotes in request');
    if (message.length === 0) return this.skipped();
    this.readRewritten(message);
    return COMMAND;
  }

  /** Hands out an inline command from the array that it was rewritten as. */
  private readRewritten(message: Uint8Array): void {
    const { line } = this;
    this.argc = line.read(message, 0, message.length, message.length);
    if (this.argc > this.starts.length) this.resizeArguments(this.argc, 0);
    for (let i = 0, at = line.end; i < this.argc; i++) {
      const length = line.read(message, at, message.length, message.length);
      this.starts[i] = line.end;
      this.ends[i] = line.end + length;
      at = line.end + length + 2;
    }
    this.buffer = message;
    this.commandStart = 0;
    this.commandEnd = message.length;
    this.inline = true;
    this.messageStart = this.position;
  }

  private cutArgument(position: number, argc: number, missing: number): number {
    this.position = position;
    this.argc = argc;
    return this.cut(missing);
  }

  private cut(missing: number): number {
    this.missing = missing;
    return NEED_MORE;
  }

  private skipped(): number {
    this.messageStart = this.position;
    return SKIPPED;
  }

  private fail(text: string): number {
    this.errorText = text;
    this.argumentsTotal = 0;
    this.stop();
    return PROTOCOL_ERROR;
  }

  /** Makes room for `length` arguments, of which the first `kept` stay. */
  private resizeArguments(length: number, kept: number): void {
    const starts = new Int32Array(length);
    const ends = new Int32Array(length);
    starts.set(this.starts.subarray(0, kept));
    ends.set(this.ends.subarray(0, kept));
    this.starts = starts;
    this.ends = ends;
  }
}

/** A byte as it may stand in an error line. */
function printable(byte: number): string {
  return byte === CR || byte === LF ? ' ' : String.fromCharCode(byte);
}
