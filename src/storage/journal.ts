/**
 * Journal: every change of the keyspace as one stream of RESP commands, in order, with an offset.
 *
 * Who replays the stream from its beginning has an equal keyspace at every offset, whenever it is replayed: so what stands in
 * it depends neither on chance nor on the clock. It is Redis' replication stream: a real Redis can read ours, and we its. The
 * append-only file reads it first, as what others get must be in it; then all other readers: replicas, slot migration.
 *
 * What one top-level command leaves (or EXEC, for all it runs) is a *unit*, of which a reader sees all or nothing: a unit of
 * several entries stands between MULTI and EXEC. `SELECT` goes before an entry of another database than the last one's, and
 * where a unit begins with it, before its MULTI.
 *
 * The bytes of a turn gather in one run of memory, which stays, and `commit` hands them on. Nothing is allocated per entry:
 * a command is copied as its client sent it, or written word by word. While nobody reads, `isActive` is false: whoever
 * would append asks that first, and appends nothing.
 */
import {
  ascii,
  assert,
  Bytes,
  copyBytes,
  EMPTY_BUFFER,
  INT64_TEXT_MAX,
  integerLength,
  widen,
  writeInteger,
} from '../base';
import { encodeCommand, HEAD_BYTES_MAX, writeHead, type ReceivedCommand } from '../resp';
import type { Database } from './database';
import type { RemovalListener } from './keyspace';

/** Takes what is committed. Only a file may throw where it cannot; then nothing of it was taken. */
export interface JournalSink {
  /** `buffer[start, end)` holds whole units and is lent until this returns. */
  write(buffer: Uint8Array, start: number, end: number): void;
}

/** A place in a stream of replication, and what somebody who goes on from there must know. */
export interface StreamPlace {
  /** Which stream: forty hexadecimal digits. */
  readonly id: string;
  /** Bytes of it up to the place. */
  readonly offset: number;
  /** The database that it has selected. */
  readonly database: number;
}

/** The first room for pending bytes. */
const ROOM_BYTES_MIN = 64 * 1024;
/** More room than this is given back when it has been emptied. */
const ROOM_BYTES_KEPT = 4 * 1024 * 1024;
/** So much is committed before the turn's end: one turn may change gigabytes. */
const COMMIT_FROM_BYTES = 1024 * 1024;

const CR = 13;
const LF = 10;
const DOLLAR = 36;
const STAR = 42;
/** Room for the head of a bulk string, an int64, and two line ends. */
const INTEGER_WORD_BYTES_MAX = HEAD_BYTES_MAX + INT64_TEXT_MAX + 4;

const MULTI: Uint8Array = encodeCommand(['MULTI']);
const EXEC: Uint8Array = encodeCommand(['EXEC']);

/** The number of no database. */
const UNSAID = -1;

/** A word that entries have again and again, as it is spelled in the journal: made once, for `fixed`. */
export function fixedWord(text: string): Uint8Array {
  return ascii(`$${text.length}\r\n${text}\r\n`);
}

const SELECT = fixedWord('SELECT');
const DEL = fixedWord('DEL');

const word = new Bytes();
const digits = new Uint8Array(INT64_TEXT_MAX);

export class Journal implements RemovalListener {
  /** Whether somebody reads; may be set aside for a while, by who does what nobody is to read. */
  isActive = false;
  /** Nothing is handed on by itself, however much is pending: the file is about to change. */
  isHeld = false;

  private file: JournalSink | null = null;
  private readonly readers: JournalSink[] = [];

  private buffer: Uint8Array = EMPTY_BUFFER;
  /** Bytes in `buffer`: those that are pending. */
  private position = 0;
  private committedBytes = 0;
  /** The database that the reader has selected. */
  private databaseIndex = UNSAID;

  /** Units that were begun and not ended: EXEC is one around those of what it runs. */
  private depth = 0;
  private unitStart = 0;
  private entriesOfUnit = 0;
  private entryStart = 0;
  /** Words that the last entry still lacks. */
  private wordsMissing = 0;
  /** The file failed before the turn's end, where nobody could be told: it is asked again at that end. */
  private hasFailed = false;

  /** Bytes of the stream so far: where the next entry will begin. Between units only. Redis' master_repl_offset. */
  get offset(): number {
    return this.committedBytes + this.position;
  }

  /** Bytes that are not committed yet. */
  get pendingBytes(): number {
    return this.position;
  }

  /** Whether something is not committed yet. */
  get isPending(): boolean {
    return this.position > 0;
  }

  /** Whether a command is running that may append more to its unit. */
  get isInUnit(): boolean {
    return this.depth > 0;
  }

  /** Whether what was appended last is a part of a unit that is not whole. */
  get isWithinUnit(): boolean {
    return this.depth > 0 && this.entriesOfUnit > 0;
  }

  /** The database that who reads all of the stream has selected now; 0 where nothing was said yet. */
  get selectedDatabase(): number {
    return Math.max(0, this.databaseIndex);
  }

  /** Lets the next entry name its database, whichever it is: for a reader who begins there. */
  forgetDatabase(): void {
    this.databaseIndex = UNSAID;
  }

  /** Says at which offset of a longer stream, another's or one with more in it, the next entry will begin. Nothing may be pending. */
  moveTo(offset: number): void {
    assert(this.position === 0, 'what is pending has its place in the stream');
    this.committedBytes = offset;
  }

  /**
   * Says at which offset of another's stream that is which everything so far is the effect of, pending or not: a replica's journal
   * goes to its file alone, and there its bytes have no places of their own.
   */
  standAt(offset: number): void {
    this.committedBytes = offset - this.position;
  }

  // ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Who takes all that is committed from now on before everybody else, and may refuse it; null for nobody. */
  setFile(file: JournalSink | null): void {
    this.file = file;
    this.readersChanged();
  }

  /** Lets `reader` take what is committed from now on; what is pending included. */
  addReader(reader: JournalSink): void {
    if (!this.readers.includes(reader)) this.readers.push(reader);
    this.readersChanged();
  }

  /** Ends that; nothing happens where it does not read. */
  removeReader(reader: JournalSink): void {
    const at = this.readers.indexOf(reader);
    if (at >= 0) this.readers.splice(at, 1);
    this.readersChanged();
  }

  private readersChanged(): void {
    this.isActive = this.file !== null || this.readers.length > 0;
  }

  // ── units ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A command is about to run: what is appended until the matching `endUnit` belongs together. */
  beginUnit(): void {
    if (this.depth++ > 0) return;
    this.unitStart = this.position;
    this.entriesOfUnit = 0;
  }

  /** The command has run. An entry that it left unfinished, because it failed for lack of memory, is dropped. */
  endUnit(): void {
    if (this.wordsMissing > 0) this.dropEntry();
    if (--this.depth > 0) return;
    if (this.entriesOfUnit > 1) this.wrapUnit();
    if (this.position > COMMIT_FROM_BYTES) this.commitEarly();
  }

  private dropEntry(): void {
    this.position = this.entryStart;
    this.wordsMissing = 0;
    this.entriesOfUnit--;
  }

  /** Puts a MULTI before the unit, moving it, and an EXEC behind. */
  private wrapUnit(): void {
    this.reserve(MULTI.length + EXEC.length);
    const { buffer, unitStart, position } = this;
    buffer.copyWithin(unitStart + MULTI.length, unitStart, position);
    copyBytes(MULTI, 0, MULTI.length, buffer, unitStart);
    this.position = copyBytes(EXEC, 0, EXEC.length, buffer, position + MULTI.length);
  }

  // ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Appends a command as it was received, for the database of this number. */
  append(databaseIndex: number, command: ReceivedCommand): void {
    const { buffer, commandStart, commandEnd } = command;
    if (!isPlain(command)) {
      this.begin(databaseIndex, command.argc);
      for (let i = 0; i < command.argc; i++) this.word(word.set(buffer, command.starts[i], command.ends[i]));
      return;
    }
    this.open(databaseIndex);
    this.reserve(commandEnd - commandStart);
    this.position = copyBytes(buffer, commandStart, commandEnd, this.buffer, this.position);
    if (this.depth === 0 && this.position > COMMIT_FROM_BYTES) this.commitEarly();
  }

  /** Begins an entry for the database of this number: exactly `count` words must follow. */
  begin(databaseIndex: number, count: number): this {
    this.open(databaseIndex);
    this.reserve(HEAD_BYTES_MAX);
    this.position = writeHead(this.buffer, this.position, STAR, count);
    this.wordsMissing = count;
    return this;
  }

  word(bytes: Bytes): this {
    const { buffer, start, end } = bytes;
    this.reserve(HEAD_BYTES_MAX + end - start + 2);
    const at = writeHead(this.buffer, this.position, DOLLAR, end - start);
    this.endLine(copyBytes(buffer, start, end, this.buffer, at));
    this.wordsMissing--;
    return this;
  }

  /** A word made by `fixedWord`. */
  fixed(encoded: Uint8Array): this {
    this.reserve(encoded.length);
    this.position = copyBytes(encoded, 0, encoded.length, this.buffer, this.position);
    this.wordsMissing--;
    return this;
  }

  /** A safe integer as a word. */
  integer(value: number): this {
    this.reserve(INTEGER_WORD_BYTES_MAX);
    const length = writeInteger(digits, 0, value);
    const at = writeHead(this.buffer, this.position, DOLLAR, length);
    this.endLine(copyBytes(digits, 0, length, this.buffer, at));
    this.wordsMissing--;
    return this;
  }

  /** A key went though no command said so: its time had come, or it made room. */
  keyRemoved(database: Database, key: Bytes): void {
    if (!this.isActive) return;
    this.begin(database.index, 2).fixed(DEL).word(key);
    if (this.depth === 0 && this.position > COMMIT_FROM_BYTES) this.commitEarly();
  }

  /** Makes the reader select a database if need be; an entry begins here. */
  private open(databaseIndex: number): void {
    assert(this.wordsMissing === 0, 'an entry of the journal is not complete');
    if (this.databaseIndex !== databaseIndex) this.select(databaseIndex);
    this.entryStart = this.position;
    this.entriesOfUnit++;
  }

  private select(databaseIndex: number): void {
    this.reserve(HEAD_BYTES_MAX);
    this.position = writeHead(this.buffer, this.position, STAR, 2);
    this.fixed(SELECT).integer(databaseIndex);
    this.wordsMissing = 0;
    this.databaseIndex = databaseIndex;
    if (this.entriesOfUnit === 0) this.unitStart = this.position;
  }

  private endLine(at: number): void {
    this.buffer[at] = CR;
    this.buffer[at + 1] = LF;
    this.position = at + 2;
  }

  private reserve(count: number): void {
    if (this.position + count > this.buffer.length) this.widenRoom(count);
  }

  private widenRoom(count: number): void {
    const room = Math.max(ROOM_BYTES_MIN, this.buffer.length * 2, this.position + count);
    const wider = widen(Buffer.allocUnsafeSlow(room));
    copyBytes(this.buffer, 0, this.position, wider, 0);
    this.buffer = wider;
  }

  // ── handing on ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Hands everything pending to who reads; where nobody does it is dropped, and only counted. Where the file refuses it, this throws
   * what that throws, and all stays pending. Between units only.
   */
  commit(): void {
    const { buffer, position, readers } = this;
    if (position === 0) return;
    this.file?.write(buffer, 0, position);
    this.hasFailed = false;
    this.committedBytes += position;
    this.position = 0;
    for (let i = 0; i < readers.length; i++) readers[i].write(buffer, 0, position);
    if (this.buffer.length > ROOM_BYTES_KEPT) this.buffer = EMPTY_BUFFER;
  }

  /** Who runs here has nothing to do with the file: a failure is the business of the turn's end, which tries again. */
  private commitEarly(): void {
    if (this.hasFailed || this.isHeld) return;
    try {
      this.commit();
    } catch {
      this.hasFailed = true;
    }
  }
}

/**
 * Whether a command is spelled as Redis would: line ends after every head and every word. The parser, like Redis', does not
 * look at them; a reader of files may.
 */
function isPlain({ buffer, argc, starts, ends, commandEnd }: ReceivedCommand): boolean {
  for (let i = 0; i < argc; i++) {
    const end = ends[i];
    if (buffer[starts[i] - 1] !== LF || buffer[end] !== CR || buffer[end + 1] !== LF) return false;
  }
  // Of the head of the array we know where it ends: before that of the first word, which is "$", digits, CR and LF.
  const firstHead = starts[0] - integerLength(ends[0] - starts[0]) - 3;
  return buffer[firstHead - 1] === LF && commandEnd === ends[argc - 1] + 2;
}
