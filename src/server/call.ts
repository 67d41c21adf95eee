/**
 * Call: one command on its way through its handler in a data node: what every node's call has, and the keyspace.
 *
 * There is one Call for all commands; `begin` points it at the next. A handler first parses, then checks, then touches the
 * keyspace, writes one reply, and says how many changes it made (`changed`).
 */
import { Bytes, parseInteger } from '../base';
import { CommandCall, type CommandArguments, type CommandSpec } from '../commands';
import { TYPE_STRING, type Address, type Database, type Keyspace, type Strings } from '../storage';
import type { DataNode } from './data-node';
import { WRONG_TYPE } from './error-replies';
import type { Session } from './session';

/** What `find` returns where the key holds another type; the error reply has been written. */
export const WRONG = -1;

export type Handler = (call: Call) => void;

export class Call extends CommandCall {
  session!: Session;
  database!: Database;

  readonly keyspace: Keyspace;
  readonly strings: Strings;
  /** A view for handlers to point at values; overwritten by the next that does. */
  readonly value = new Bytes();

  constructor(readonly node: DataNode) {
    super();
    this.keyspace = node.keyspace;
    this.strings = node.strings;
  }

  begin(session: Session, spec: CommandSpec, args: CommandArguments): void {
    if (this.session !== session) this.session = session;
    if (this.database !== session.database) this.database = session.database;
    this.take(spec, args, session.reply);
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
}
