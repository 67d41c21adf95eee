/**
 * Collection: what hashes, lists, sets, sorted sets and streams have in common: a value that is more than bytes.
 *
 * A small collection is packed: the value in its key's record is one listpack (or intset) in Redis' own bytes. A large one has
 * a *root*: a block in the arena with the words of its tables and trees; the value in the record is the root's address. Roots
 * do not move while their collection lives, so changes inside touch neither the record nor the index.
 *
 * A Collection object is a cursor that a handler points at one key after the other (`open`); a key that is missing is an empty
 * collection. The first element makes the key, the last one that is removed removes it: no key holds an empty collection
 * (streams excepted). All changes pass `place`, `splice` or `touch`, which tell the database before they are made. Views that
 * are handed out (names, values) lie in the collection's memory: they are good until the next write.
 */
import { Bytes } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import type { Database } from './database';
import type { Keyspace } from './keyspace';
import { Listpack, LISTPACK_EMPTY_BYTES } from './listpack';
import type { ReclaimJob } from './reclaimer';
import { ENCODING_LISTPACK, NO_EXPIRY, ROOT_BYTES, type Records } from './records';

/** No lookup has this number. */
const NEVER = -1;

export abstract class Collection {
  protected readonly arena: Arena;
  protected readonly records: Records;
  protected database!: Database;
  /** The record of the key; 0 where there is none: an empty collection. */
  protected record: Address = 0;
  protected encoding = ENCODING_LISTPACK;
  /** The root of a large collection; 0 for a packed one. */
  protected root: Address = 0;
  /** A packed collection's listpack, after `unpack`. */
  protected readonly listpack = new Listpack();
  private readonly valueView = new Bytes();
  private readonly keyView = new Bytes();
  /** The number of the lookup that found `record`. */
  private lookup = NEVER;

  constructor(
    protected readonly keyspace: Keyspace,
    /** The type of the records. */
    readonly type: number,
  ) {
    this.arena = keyspace.arena;
    this.records = keyspace.records;
  }

  /** Points at a key that was just looked for in `database`, with `record` (of this type, or 0) as the answer. */
  open(database: Database, key: Bytes, record: Address): void {
    this.database = database;
    this.keyView.set(key.buffer, key.start, key.end);
    this.lookup = database.lookups;
    this.take(record);
  }

  /** Whether the key is there. */
  get exists(): boolean {
    return this.record !== 0;
  }

  /** Number of elements: fields, members, entries. */
  abstract get length(): number;

  /** A job that frees what a root holds, and the root. */
  abstract reclaimJob(root: Address): ReclaimJob;

  /** A root of its own with a copy of everything that `root` holds. */
  abstract duplicate(root: Address): Address;

  /** Removes the key with everything in it. */
  removeKey(): void {
    if (this.record === 0) return;
    this.database.delete(this.keyView);
    this.lookup = NEVER;
    this.take(0);
  }

  // ── for the types ────────────────────────────────────────────────────────────────────────────────────────────

  /** Where a root's words lie: word w is `this.words[this.at + w]`. */
  protected get words(): Uint32Array {
    return this.arena.u32s[this.root >>> SEGMENT_SHIFT];
  }

  protected get at(): number {
    return (this.root & SEGMENT_MASK) << 1;
  }

  /** Points `listpack` at the packed collection. */
  protected unpack(): Listpack {
    return this.listpack.over(this.records.value(this.record, this.valueView));
  }

  /** The value's bytes, of a packed collection. */
  protected bytes(): Bytes {
    return this.records.value(this.record, this.valueView);
  }

  /**
   * Makes the key, or its value, have this encoding and length, keeping the first bytes of the value if `keepValue`; returns
   * the value's bytes.
   */
  protected place(encoding: number, length: number, keepValue: boolean): Bytes {
    this.settle();
    const { database, record, records, type } = this;
    if (record === 0) {
      this.record = database.putMissing(this.keyView, type, encoding, length, NO_EXPIRY);
      // A key that was inserted has not been found: the next change looks it up.
      this.lookup = NEVER;
    } else {
      this.record = database.putFound(record, type, encoding, length, records.expiry(record), keepValue);
    }
    this.encoding = encoding;
    return records.value(this.record, this.valueView);
  }

  /** Replaces the value by the address of a root. A root that was there is freed. */
  protected placeRoot(encoding: number, root: Address): void {
    this.place(encoding, ROOT_BYTES, false);
    this.records.setRoot(this.record, root);
    this.root = root;
  }

  /** To be called before a change inside a large collection, or in place inside a packed one. */
  protected touch(): void {
    this.database.changing(this.record);
  }

  /** The same before a change that only snapshots hear of: to others (WATCH) it is none. */
  protected touchSilently(): void {
    if (this.keyspace.walks.isAny && this.record !== 0) this.database.changingSilently(this.record);
  }

  /** The same where a member with this hash is going to be added to a large collection, changed or removed. */
  protected touchMember(hash: number): void {
    this.database.changing(this.record);
    const { walks } = this.keyspace;
    if (walks.isAny) walks.memberChanging(this.root, hash);
  }

  /**
   * Replaces `removed` bytes at position `at` of the listpack by room for `added` bytes, of `countDelta` more elements; the
   * listpack's frame is right afterwards, and `listpack` points at it. Makes the key if there is none.
   */
  protected splice(at: number, removed: number, added: number, countDelta: number): Listpack {
    const { listpack } = this;
    if (this.record === 0) {
      const length = LISTPACK_EMPTY_BYTES + added;
      listpack.over(this.place(ENCODING_LISTPACK, length, false));
      listpack.writeFrame(length, countDelta);
      return listpack;
    }
    this.unpack();
    if (added === removed && countDelta === 0) {
      this.touch();
      return listpack;
    }
    const oldLength = listpack.length;
    const count = listpack.count + countDelta;
    const length = oldLength + added - removed;
    if (added < removed) {
      this.touch();
      const { u8, base } = listpack;
      u8.copyWithin(base + at + added, base + at + removed, base + oldLength);
      listpack.over(this.place(ENCODING_LISTPACK, length, true));
    } else {
      listpack.over(this.place(ENCODING_LISTPACK, length, true));
      const { u8, base } = listpack;
      if (added > removed) u8.copyWithin(base + at + added, base + at + removed, base + oldLength);
    }
    listpack.writeFrame(length, count);
    return listpack;
  }

  /** Finds the key again if another was looked for meanwhile. */
  private settle(): void {
    if (this.lookup === this.database.lookups) return;
    this.record = this.database.peek(this.keyView);
    this.lookup = this.database.lookups;
  }

  private take(record: Address): void {
    this.record = record;
    this.encoding = record === 0 ? ENCODING_LISTPACK : this.records.encoding(record);
    this.root = record === 0 ? 0 : this.records.root(record);
  }
}
