/**
 * Call: one command on its way through its handler.
 *
 * There is one Call for all commands; `begin` points it at the next. Arguments are borrowed views into the bytes that
 * arrived, numbered from the command's name (0), good until the handler returns. A handler first parses, then checks,
 * then touches the keyspace, writes one reply, and says how many changes it made (`changed`).
 *
 * Helpers that can fail write the error reply themselves and return a value that says so (WRONG, NaN, null): the
 * handler returns, nothing is thrown.
 */
import { Bytes, parseInt64, parseInteger } from '../base';
import type { CommandArguments, CommandSpec } from '../commands';
import { replyName } from '../commands';
import type { ReplyWriter } from '../resp';
import { TYPE_STRING, type Address, type Database, type Keyspace, type Strings } from '../storage';
import type { DataNode } from './data-node';
import { NOT_AN_INTEGER, OUT_OF_INT32, SYNTAX_ERROR, WRONG_TYPE, wrongArity } from './error-replies';
import type { Session } from './session';

/** What `find` returns where the key holds another type; the error reply has been written. */
export const WRONG = -1;

/** Arguments for which views are kept; commands with more make some as they go. */
const VIEWS_KEPT = 64;

export type Handler = (call: Call) => void;

export class Call {
  session!: Session;
  spec!: CommandSpec;
  reply!: ReplyWriter;
  database!: Database;
  args!: CommandArguments;
  /** Number of arguments, the words of the command's name included. */
  argc = 0;

  readonly keyspace: Keyspace;
  readonly strings: Strings;
  /** A view for handlers to point at values; overwritten by the next that does. */
  readonly value = new Bytes();

  private readonly views: Bytes[] = Array.from({ length: VIEWS_KEPT }, () => new Bytes());

  constructor(readonly node: DataNode) {
    this.keyspace = node.keyspace;
    this.strings = node.strings;
  }

  begin(session: Session, spec: CommandSpec, args: CommandArguments): void {
    this.session = session;
    this.spec = spec;
    this.reply = session.reply;
    this.database = session.database;
    this.args = args;
    this.argc = args.argc;
  }

  /** Argument i; 0 is the command's name. */
  arg(i: number): Bytes {
    const { args } = this;
    const view = i < VIEWS_KEPT ? this.views[i] : new Bytes();
    return view.set(args.buffer, args.starts[i], args.ends[i]);
  }

  /** Whether argument i is this word (ASCII, in lower case), in any case. */
  is(i: number, word: string): boolean {
    return this.arg(i).is(word);
  }

  /** Argument i as text (UTF-8); allocates. */
  text(i: number): string {
    return this.arg(i).toString();
  }

  /** Argument i as an integer within ±(2^53 − 1); NaN after the error reply. */
  integer(i: number, error = NOT_AN_INTEGER): number {
    const value = parseInteger(this.arg(i));
    if (Number.isNaN(value)) this.reply.error(error);
    return value;
  }

  /** Argument i as an integer of 32 bits; NaN after one of the error replies. */
  int32(i: number, notAnInteger = NOT_AN_INTEGER, outOfRange = OUT_OF_INT32): number {
    const value = parseInteger(this.arg(i));
    if (value >= -(2 ** 31) && value < 2 ** 31) return value;
    const isInteger = !Number.isNaN(value) || parseInt64(this.arg(i)) !== null;
    this.reply.error(isInteger ? outOfRange : notAnInteger);
    return NaN;
  }

  /** Argument i as an int64; null after the error reply. */
  int64(i: number, error = NOT_AN_INTEGER): bigint | null {
    const value = parseInt64(this.arg(i));
    if (value === null) this.reply.error(error);
    return value;
  }

  /** Argument i as an int64, cut to ±(2^53 − 1): for offsets, of which none is so far. NaN after the error reply. */
  clampedInteger(i: number): number {
    const value = parseInteger(this.arg(i));
    if (!Number.isNaN(value)) return value;
    const exact = this.int64(i);
    if (exact === null) return NaN;
    return exact < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  }

  /** The record of the key in argument i, for reading; 0 where there is none. Counts as a hit or miss. */
  lookup(i: number): Address {
    const key = this.arg(i);
    return this.countLookup(this.session.noTouch ? this.database.peek(key) : this.database.find(key));
  }

  /** The same, marking the key as just used whatever CLIENT NO-TOUCH says. */
  touch(i: number): Address {
    return this.countLookup(this.database.find(this.arg(i)));
  }

  /** The same without marking the key as just used: for those who ask about a key, not for its value. */
  peek(i: number): Address {
    return this.countLookup(this.database.peek(this.arg(i)));
  }

  private countLookup(record: Address): Address {
    if (record === 0) this.node.statistics.keyspaceMisses++;
    else this.node.statistics.keyspaceHits++;
    return record;
  }

  /** The same for a key that must hold a string: WRONG after the error reply where it holds something else. */
  lookupString(i: number): Address {
    return this.requireString(this.lookup(i));
  }

  /** The record of a string that is going to be changed; 0 where there is none, WRONG after the error reply. */
  findString(i: number): Address {
    return this.requireString(this.database.find(this.arg(i)));
  }

  private requireString(record: Address): Address {
    if (record === 0 || this.keyspace.records.type(record) === TYPE_STRING) return record;
    this.reply.error(WRONG_TYPE);
    return WRONG;
  }

  /** The value of a string's record, borrowed until the next write; overwrites `this.value`. */
  stringOf(record: Address): Bytes {
    return this.keyspace.records.value(record, this.value);
  }

  /** Counts changes to the keyspace: what `save` points and rdb_changes_since_last_save count. */
  changed(count = 1): void {
    this.node.changes += count;
  }

  syntaxError(): void {
    this.reply.error(SYNTAX_ERROR);
  }

  wrongArity(): void {
    this.reply.error(wrongArity(replyName(this.spec)));
  }
}
