/**
 * Call: one command on its way through its handler in a data node: what every node's call has, and the keyspace.
 *
 * There is one Call for all commands; `begin` points it at the next. A handler first parses, then checks, then touches the
 * keyspace, writes one reply, and says how many changes it made (`changed`). A command that changed something leaves itself in
 * the journal, unless its handler lets it `leave` something else: where chance, the clock or a wait had a part in it.
 */
import { assert, Bytes, copyBytes, EMPTY_BUFFER, parseInt64, parseInteger, widen } from '../base';
import { CommandCall, NOT_AN_INTEGER, type CommandSpec } from '../commands';
import type { ReceivedCommand } from '../resp';
import { slotOfBytes } from '../slots';
import {
  Draft,
  Dumps,
  Hash,
  List,
  MemberSet,
  SortedSet,
  Stream,
  TYPE_STRING,
  type Address,
  type Collection,
  type Database,
  type Journal,
  type Keyspace,
  type Strings,
} from '../storage';
import type { Parked, Wait } from './blocking';
import type { DataNode } from './data-node';
import { WRONG_TYPE } from './error-replies';
import type { Session } from './session';
import { timeoutMsOf, timeoutMsOfSeconds } from './timeouts';

/** What `find` returns where the key holds another type; the error reply has been written. */
export const WRONG = -1;

/** Room for kept bytes: a larger one is made where it is used up. */
const KEPT_BYTES_MIN = 65_536;
/** More room than this is given back after the command. */
const KEPT_BYTES_MAX = 1024 * 1024;

export type Handler = (call: Call) => void;

export class Call extends CommandCall {
  declare args: ReceivedCommand;
  session!: Session;
  database!: Database;
  /** Whether `block` may be called; not within EXEC: there a command that finds nothing replies that at once. */
  mayBlock = true;
  /** Whether the command was read from a journal: what the clock says now has no part in what it does. */
  isReplay = false;
  /** Whether the command, if it changes something, is what it leaves in the journal; see `leave`. */
  leavesItself = true;
  /** What waits, when its command is run again; else null. */
  retried: Parked | null = null;

  readonly keyspace: Keyspace;
  readonly strings: Strings;
  readonly hash: Hash;
  readonly list: List;
  /** A second one, for commands on two lists. */
  readonly otherList: List;
  readonly listDraft: Draft<List>;
  readonly set: MemberSet;
  /** For commands on two sets. */
  readonly otherSet: MemberSet;
  /** For commands on any number of sets, which make as many as they need. */
  readonly sets: MemberSet[] = [];
  readonly setDraft: Draft<MemberSet>;
  readonly stream: Stream;
  readonly sortedSet: SortedSet;
  /** For commands on any number of sorted sets, which make as many as they need. */
  readonly sortedSets: SortedSet[] = [];
  readonly sortedSetDraft: Draft<SortedSet>;
  readonly dumps: Dumps;
  /** A view for handlers to point at values; overwritten by the next that does. */
  readonly value = new Bytes();

  /** Room for `keep`, and how much of it this command has used. */
  private kept: Uint8Array = EMPTY_BUFFER;
  private keptBytes = 0;

  constructor(readonly node: DataNode) {
    super();
    this.keyspace = node.keyspace;
    this.strings = node.strings;
    this.hash = new Hash(node.keyspace);
    this.list = new List(node.keyspace);
    this.otherList = new List(node.keyspace);
    this.listDraft = new Draft(node.keyspace, new List(node.keyspace));
    this.set = new MemberSet(node.keyspace);
    this.otherSet = new MemberSet(node.keyspace);
    this.setDraft = new Draft(node.keyspace, new MemberSet(node.keyspace));
    this.stream = new Stream(node.keyspace);
    this.sortedSet = new SortedSet(node.keyspace);
    this.sortedSetDraft = new Draft(node.keyspace, new SortedSet(node.keyspace));
    this.dumps = new Dumps(node.keyspace);
  }

  begin(session: Session, spec: CommandSpec, args: ReceivedCommand): void {
    if (this.session !== session) this.session = session;
    if (this.database !== session.database) this.database = session.database;
    if (this.keptBytes > 0) this.forgetKept();
    this.take(spec, args, session.reply);
  }

  /** Argument i as an int64, cut to ±(2^53 − 1): for offsets, of which none is so far. NaN after the error reply. */
  clampedInteger(i: number, error = NOT_AN_INTEGER): number {
    const value = parseInteger(this.arg(i));
    if (!Number.isNaN(value)) return value;
    const exact = this.int64(i, error);
    if (exact === null) return NaN;
    return exact < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  }

  /** Argument i as an integer from 0 on, cut to 2^53 − 1; NaN after the error reply where it is none. */
  natural(i: number, error: string): number {
    const value = parseInteger(this.arg(i));
    if (value >= 0) return value;
    const exact = parseInt64(this.arg(i));
    if (exact !== null && exact >= 0n) return Number.MAX_SAFE_INTEGER;
    this.reply.error(error);
    return NaN;
  }

  /** The same from 1 on. */
  positive(i: number, error: string): number {
    const value = this.natural(i, error);
    if (value !== 0) return value;
    this.reply.error(error);
    return NaN;
  }

  /** The record of the key in argument i, for reading; 0 where there is none. Counts as a hit or miss. */
  lookup(i: number): Address {
    return this.lookupKey(this.arg(i));
  }

  /** The same for a key that is no argument. */
  lookupKey(key: Bytes): Address {
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

  /**
   * Points `collection` at the key in argument i, for reading; a missing key is an empty collection. Null after the error reply
   * where the key holds another type. Counts as a hit or miss.
   */
  readable<T extends Collection>(collection: T, i: number): T | null {
    return this.open(collection, i, this.lookup(i));
  }

  /** The same for a collection that is going to be changed. */
  writable<T extends Collection>(collection: T, i: number): T | null {
    return this.open(collection, i, this.database.find(this.arg(i)));
  }

  private open<T extends Collection>(collection: T, i: number, record: Address): T | null {
    if (record !== 0 && this.keyspace.records.type(record) !== collection.type) {
      this.reply.error(WRONG_TYPE);
      return null;
    }
    collection.open(this.database, this.arg(i), record);
    return collection;
  }

  /** A copy of bytes that would not outlive the next write; good until the handler returns. */
  keep(bytes: Bytes): Bytes {
    const length = bytes.end - bytes.start;
    if (this.kept.length < this.keptBytes + length) {
      this.kept = widen(new Uint8Array(Math.max(KEPT_BYTES_MIN, length)));
      this.keptBytes = 0;
    }
    const start = this.keptBytes;
    this.keptBytes = copyBytes(bytes.buffer, bytes.start, bytes.end, this.kept, start);
    return new Bytes(this.kept, start, this.keptBytes);
  }

  private forgetKept(): void {
    this.keptBytes = 0;
    if (this.kept.length > KEPT_BYTES_MAX) this.kept = EMPTY_BUFFER;
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

  // ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether the command waited and is run again, because one of its keys was changed. */
  get isRetry(): boolean {
    return this.retried !== null;
  }

  /**
   * Lets the command wait, as a new one or again: the handler returns without a reply and without having changed anything,
   * and is called again when there may be something. Only where `mayBlock`.
   */
  block(wait: Wait): void {
    assert(this.mayBlock, `${this.spec.name} waits where nothing may`);
    this.session.parked = this.retried ?? this.node.blocking.park(this.session, this.spec, this.args, wait);
  }

  /** Argument i, a time to wait in seconds with fractions, as whole ms; 0 for ever. NaN after the error reply. */
  timeout(i: number): number {
    return this.waitable(timeoutMsOfSeconds(this.arg(i), this.keyspace.nowMs));
  }

  /** Argument i, a time to wait in whole ms; 0 for ever. NaN after the error reply. */
  timeoutMs(i: number): number {
    return this.waitable(timeoutMsOf(this.arg(i), this.keyspace.nowMs));
  }

  private waitable(timeout: number | string): number {
    if (typeof timeout === 'number') return timeout;
    this.reply.error(timeout);
    return NaN;
  }

  // ── what is left in the journal ──────────────────────────────────────────────────────────────────────────────

  /** Whether somebody reads the journal: only then a handler need say what its command leaves. */
  get journals(): boolean {
    return this.node.journal.isActive;
  }

  /** What the command leaves is said by `leave`, or is nothing. */
  leaveNothing(): void {
    this.leavesItself = false;
  }

  /** Lets the command leave an entry of `count` words, which must follow, instead of itself. Again: one more entry. */
  leave(count: number): Journal {
    this.leavesItself = false;
    return this.node.journal.begin(this.database.index, count);
  }

  /** Lets the command leave itself even if it counts no change. */
  leaveAlways(): void {
    this.leavesItself = false;
    if (this.journals) this.node.journal.append(this.database.index, this.args);
  }

  /** Whether a point in time is over, so that the key in argument 1 goes at once with that expiry. A journal says itself when it goes. */
  isOver(whenMs: number): boolean {
    if (whenMs > this.keyspace.nowMs) return false;
    const { buffer, start, end } = this.arg(1);
    return this.keyspace.dueKeysOf(slotOfBytes(buffer, start, end)) === 'go';
  }

  /** Counts changes to the keyspace: what `save` points and rdb_changes_since_last_save count. */
  changed(count = 1): void {
    this.node.changes += count;
  }
}
