/**
 * ValueDecoder: values from RDB bytes that nobody has checked: of RESTORE, RDB files, full synchronisation, migration.
 *
 * Elements are added by the same deeds as commands do, and the limits of packed collections hold. Where somebody may be using
 * the key, a value is made as a draft: under the only key of a database that no client sees. One that turns out wrong near its
 * end has disturbed nothing and is discarded; one that is right is moved to its key as a whole. A file's loader, whose keys
 * nobody knows yet, has values made under their keys (`decodeAt`). Every value is checked deeply, whatever Redis'
 * `sanitize-dump-payload` says: no name twice, no collection without elements, no score that is no number.
 *
 * What comes packed stays so, byte for byte, if it has no more elements than the limits allow.
 */
import { Bytes, copyBytes, readDouble, widen } from '../../base';
import type { Address } from '../arena';
import { Database, UNSEEN } from '../database';
import { Hash } from '../hash';
import { Int64, INT64_SPELLING_BYTES } from '../int64';
import { Intset, isValidIntset } from '../intset';
import type { Keyspace } from '../keyspace';
import { List } from '../list';
import { Listpack, LISTPACK_EMPTY_BYTES, NOWHERE } from '../listpack';
import {
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  NO_EXPIRY,
  TYPE_HASH,
  TYPE_SET,
  TYPE_SORTED_SET,
  type Records,
} from '../records';
import { MemberSet } from '../set';
import { ADDED, SortedSet } from '../sorted-set';
import { Stream } from '../stream';
import { Strings } from '../strings';
import { areInOrder, countElements, hasTwice, NO_LISTPACK, NOT_PACKED } from './checks';
import { StreamDecoder } from './decode-stream';
import {
  NODE_PACKED,
  NODE_PLAIN,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_METADATA,
  RDB_HASH_LISTPACK_METADATA_EARLY,
  RDB_HASH_METADATA,
  RDB_HASH_METADATA_EARLY,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_QUICKLIST_2,
  RDB_LIST_ZIPLIST,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_SORTED_SET,
  RDB_SORTED_SET_2,
  RDB_SORTED_SET_LISTPACK,
  RDB_SORTED_SET_ZIPLIST,
  RDB_STREAM_LISTPACKS,
  RDB_STREAM_LISTPACKS_2,
  RDB_STREAM_LISTPACKS_3,
  RDB_STRING,
  SCORE_INFINITE,
  SCORE_MINUS_INFINITE,
  SCORE_NAN,
} from './format';
import { FIELD_EXPIRES, pairsWithoutExpiry } from './field-expiries';
import { listpackOfZiplist, listpackOfZipmap } from './legacy';
import { ListpackBuilder } from './listpack-builder';
import type { RdbReader } from './reader';

const KEY = new Bytes();
const NO_NAME = new Bytes();
/** What is announced to a collection that is not to be packed. */
const MANY = Infinity;

const NAME_TWICE = 'a name is there twice';
const NO_NUMBER = 'a score is no number';

export class ValueDecoder {
  private readonly drafts: Database;
  private readonly records: Records;
  private readonly strings: Strings;
  private readonly hash: Hash;
  private readonly list: List;
  private readonly set: MemberSet;
  private readonly sortedSet: SortedSet;
  private readonly stream: Stream;
  private readonly streams = new StreamDecoder();
  private readonly listpack = new Listpack();
  private readonly intset = new Intset();
  /** The string, or name and value, at hand. */
  private readonly text = new Bytes();
  private readonly otherText = new Bytes();
  private readonly wide = new Int64();
  /** Where the value at hand is made, and when it is to expire if it is made in one piece. */
  private home: Database;
  private key = KEY;
  private expiryAtMs = NO_EXPIRY;
  /** Its record where it was made in one piece. */
  private placed: Address = 0;
  /** Whether it is a collection without elements: no server should write these, and no key can hold them. */
  private isEmpty = false;

  constructor(private readonly keyspace: Keyspace) {
    this.drafts = this.home = new Database(keyspace, UNSEEN);
    this.records = keyspace.records;
    this.strings = new Strings(keyspace);
    this.hash = new Hash(keyspace);
    this.list = new List(keyspace);
    this.set = new MemberSet(keyspace);
    this.sortedSet = new SortedSet(keyspace);
    this.stream = new Stream(keyspace);
  }

  /**
   * Reads a value of an RDB type; whether it is right. It is a draft then, to be moved or discarded; where it is wrong there
   * may be one too, to be discarded. Throws OUT_OF_MEMORY.
   */
  decode(type: number, reader: RdbReader): boolean {
    // What is written next is written where this look has found nothing.
    this.drafts.peek(KEY);
    return this.readAt(this.drafts, KEY, NO_EXPIRY, type, reader);
  }

  /**
   * Reads a value straight into a key, which must keep still, and which was just looked for in vain. Returns the key's record;
   * 0 where the value is wrong (then the reader has failed) or has no elements, and then the key is not there. Throws
   * OUT_OF_MEMORY.
   */
  decodeAt(database: Database, key: Bytes, expiryAtMs: number, type: number, reader: RdbReader): Address {
    let isRight = false;
    try {
      isRight = this.readAt(database, key, expiryAtMs, type, reader);
    } finally {
      if (!isRight) database.delete(key);
    }
    if (!isRight) return 0;
    if (this.placed !== 0) return this.placed;
    const record = database.peek(key);
    return expiryAtMs === NO_EXPIRY ? record : database.setExpiry(record, expiryAtMs);
  }

  /** Gives the value that was read to `key` of a database; whatever is there is gone. Returns the key's record. */
  moveTo(database: Database, key: Bytes, expiryAtMs = NO_EXPIRY): Address {
    if (expiryAtMs !== NO_EXPIRY) this.drafts.setExpiry(this.drafts.peek(KEY), expiryAtMs);
    database.putMoved(key, this.drafts, KEY, this.drafts.peek(KEY));
    return database.peek(key);
  }

  /** Forgets what was read and not moved. */
  discard(): void {
    this.drafts.delete(KEY);
  }

  private readAt(database: Database, key: Bytes, expiryAtMs: number, type: number, reader: RdbReader): boolean {
    this.home = database;
    this.key = key;
    this.expiryAtMs = expiryAtMs;
    this.placed = 0;
    this.isEmpty = false;
    this.read(type, reader);
    return !reader.isFailed && !this.isEmpty;
  }

  private read(type: number, reader: RdbReader): void {
    const { text } = this;
    switch (type) {
      case RDB_STRING:
        return this.strings.set(this.home, this.key, reader.string(text), NO_EXPIRY);
      case RDB_HASH:
        return this.readHash(reader, false, false);
      case RDB_HASH_LISTPACK:
        return this.takeHash(reader, reader.string(text));
      case RDB_HASH_ZIPLIST:
        return this.takeHash(reader, listpackOfZiplist(reader.string(text)));
      case RDB_HASH_ZIPMAP:
        return this.takeHash(reader, listpackOfZipmap(reader.string(text)));
      case RDB_HASH_METADATA:
      case RDB_HASH_METADATA_EARLY:
        return this.readHash(reader, true, type === RDB_HASH_METADATA);
      case RDB_HASH_LISTPACK_METADATA:
      case RDB_HASH_LISTPACK_METADATA_EARLY:
        if (type === RDB_HASH_LISTPACK_METADATA) reader.int64(this.wide);
        return this.takeHash(reader, pairsWithoutExpiry(reader, reader.string(text)));
      case RDB_SET:
        return this.readSet(reader);
      case RDB_SET_INTSET:
        return this.takeIntset(reader, reader.string(text));
      case RDB_SET_LISTPACK:
        return this.takeSet(reader, reader.string(text));
      case RDB_SORTED_SET:
      case RDB_SORTED_SET_2:
        return this.readSortedSet(reader, type === RDB_SORTED_SET_2);
      case RDB_SORTED_SET_LISTPACK:
        return this.takeSortedSet(reader, reader.string(text));
      case RDB_SORTED_SET_ZIPLIST:
        return this.takeSortedSet(reader, listpackOfZiplist(reader.string(text)));
      case RDB_LIST:
        return this.readList(reader);
      case RDB_LIST_ZIPLIST:
        return this.takeList(reader, listpackOfZiplist(reader.string(text)));
      case RDB_LIST_QUICKLIST:
      case RDB_LIST_QUICKLIST_2:
        return this.readNodes(reader, type === RDB_LIST_QUICKLIST_2);
      case RDB_STREAM_LISTPACKS:
      case RDB_STREAM_LISTPACKS_2:
      case RDB_STREAM_LISTPACKS_3:
        this.stream.open(this.home, this.key, 0);
        return this.streams.decode(this.stream, type, reader);
      default:
        return reader.fail('there is no such type');
    }
  }

  /** The length of a collection, or of its nodes. */
  private lengthOf(reader: RdbReader): number {
    const length = reader.length();
    if (length === 0) this.isEmpty = true;
    return length;
  }

  /**
   * How many groups of `step` elements there are in a listpack that nobody has checked, or null; 0 where there is none, or
   * the reader has failed.
   */
  private countGroups(reader: RdbReader, bytes: Bytes | null, step: number): number {
    const count = bytes === null ? NO_LISTPACK : countElements(bytes);
    if (count === NO_LISTPACK || count % step !== 0) {
      reader.fail(NOT_PACKED);
      return 0;
    }
    if (count === 0) this.isEmpty = true;
    return count / step;
  }

  // ── hashes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** `hasExpiries`: each field says when it expires, 0 for never; `hasSoonest`: and the hash says when the first one does. */
  private readHash(reader: RdbReader, hasExpiries: boolean, hasSoonest: boolean): void {
    const { hash, wide } = this;
    if (hasSoonest) reader.int64(wide);
    hash.open(this.home, this.key, 0);
    for (let left = this.lengthOf(reader); left > 0; left--) {
      if (hasExpiries) {
        reader.wideLength(wide);
        if ((wide.low | wide.high) !== 0) return reader.fail(FIELD_EXPIRES);
      }
      const name = reader.string(this.text);
      const value = reader.string(this.otherText);
      if (reader.isFailed) return;
      if (!hash.set(name, value)) return reader.fail(NAME_TWICE);
    }
  }

  private takeHash(reader: RdbReader, bytes: Bytes | null): void {
    const count = this.countGroups(reader, bytes, 2);
    if (bytes === null || count === 0) return;
    const { hash, listpack, keyspace } = this;
    if (count <= keyspace.limits['hash-max-listpack-entries']) {
      return this.take(reader, TYPE_HASH, bytes, 2, count);
    }
    hash.open(this.home, this.key, 0);
    listpack.over(bytes);
    for (let at = listpack.first(); at !== NOWHERE; at = listpack.next(at)) {
      // A hash that outgrows its listpack reads that while it adds: it would spell its own integers over these two.
      const name = held(listpack.read(at, this.otherText), nameRoom);
      at = listpack.next(at);
      if (!hash.set(name, held(listpack.read(at, this.text), valueRoom))) return reader.fail(NAME_TWICE);
    }
  }

  // ── sets ────────────────────────────────────────────────────────────────────────────────────────────────────

  private readSet(reader: RdbReader): void {
    const { set } = this;
    const count = this.lengthOf(reader);
    set.open(this.home, this.key, 0);
    if (count > this.keyspace.limits['set-max-intset-entries']) set.expect(NO_NAME, MANY);
    else set.startAs(ENCODING_INTSET, count);
    for (let left = count; left > 0; left--) {
      const name = reader.string(this.text);
      if (reader.isFailed) return;
      if (!set.add(name)) return reader.fail(NAME_TWICE);
    }
  }

  private takeIntset(reader: RdbReader, bytes: Bytes): void {
    const { set, intset } = this;
    if (!isValidIntset(bytes.buffer, bytes.start, bytes.end)) return reader.fail('a set of integers is corrupt');
    const { length } = intset.over(bytes);
    if (length <= this.keyspace.limits['set-max-intset-entries']) return this.place(TYPE_SET, ENCODING_INTSET, bytes);
    set.open(this.home, this.key, 0);
    set.expect(NO_NAME, MANY);
    for (let i = 0; i < length; i++) set.add(intset.at(i, this.otherText));
  }

  private takeSet(reader: RdbReader, bytes: Bytes): void {
    const { set, listpack, keyspace } = this;
    const count = this.countGroups(reader, bytes, 1);
    if (count === 0) return;
    if (count <= keyspace.limits['set-max-listpack-entries']) return this.take(reader, TYPE_SET, bytes, 1, count);
    set.open(this.home, this.key, 0);
    set.expect(NO_NAME, MANY);
    listpack.over(bytes);
    for (let at = listpack.first(); at !== NOWHERE; at = listpack.next(at)) {
      if (!set.add(listpack.read(at, this.otherText))) return reader.fail(NAME_TWICE);
    }
  }

  // ── sorted sets ─────────────────────────────────────────────────────────────────────────────────────────────

  private readSortedSet(reader: RdbReader, isBinary: boolean): void {
    const { sortedSet } = this;
    const count = this.lengthOf(reader);
    sortedSet.open(this.home, this.key, 0);
    if (count > 0) sortedSet.expect(count);
    for (let left = count; left > 0; left--) {
      const name = reader.string(this.text);
      const score = isBinary ? reader.double() : this.readScore(reader);
      if (reader.isFailed) return;
      if (Number.isNaN(score)) return reader.fail(NO_NUMBER);
      if (sortedSet.add(score, name) !== ADDED) return reader.fail(NAME_TWICE);
    }
  }

  /** A score as text. */
  private readScore(reader: RdbReader): number {
    const length = reader.byte();
    if (length === SCORE_INFINITE) return Infinity;
    if (length === SCORE_MINUS_INFINITE) return -Infinity;
    if (length === SCORE_NAN) return NaN;
    const { buffer, start, end } = reader.raw(length, this.otherText);
    return readDouble(buffer, start, end);
  }

  private takeSortedSet(reader: RdbReader, bytes: Bytes | null): void {
    const { sortedSet, listpack, keyspace } = this;
    const count = this.countGroups(reader, bytes, 2);
    if (bytes === null || count === 0) return;
    if (!areInOrder(bytes)) return reader.fail('members are not in the order of their scores');
    if (count <= keyspace.limits['zset-max-listpack-entries']) {
      return this.take(reader, TYPE_SORTED_SET, bytes, 2, count);
    }
    sortedSet.open(this.home, this.key, 0);
    sortedSet.expect(count);
    listpack.over(bytes);
    for (let at = listpack.first(); at !== NOWHERE; at = listpack.next(at)) {
      const name = listpack.read(at, this.otherText);
      at = listpack.next(at);
      const { buffer, start, end } = listpack.read(at, this.text);
      if (sortedSet.add(readDouble(buffer, start, end), name) !== ADDED) return reader.fail(NAME_TWICE);
    }
  }

  // ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────

  private readList(reader: RdbReader): void {
    const { list } = this;
    list.open(this.home, this.key, 0);
    list.expect(MANY, MANY);
    for (let left = this.lengthOf(reader); left > 0; left--) {
      const element = reader.string(this.text);
      if (reader.isFailed) return;
      list.pushTail(element);
    }
    this.finishList(reader);
  }

  /** A list of one listpack: packed, or as the limits have it. */
  private takeList(reader: RdbReader, bytes: Bytes | null): void {
    this.list.open(this.home, this.key, 0);
    this.appendNode(reader, bytes);
    this.finishList(reader);
  }

  private readNodes(reader: RdbReader, hasKinds: boolean): void {
    this.list.open(this.home, this.key, 0);
    for (let left = this.lengthOf(reader); left > 0; left--) {
      const kind = hasKinds ? reader.length() : NODE_PACKED;
      const bytes = reader.string(this.text);
      if (reader.isFailed) return;
      if (kind === NODE_PACKED) this.appendNode(reader, hasKinds ? bytes : listpackOfZiplist(bytes));
      else if (kind === NODE_PLAIN) this.appendNode(reader, listpackOf(bytes));
      else return reader.fail('a node of a list is of no known kind');
    }
    this.finishList(reader);
  }

  /** Nodes without elements are passed over. */
  private appendNode(reader: RdbReader, bytes: Bytes | null): void {
    const count = bytes === null ? NO_LISTPACK : countElements(bytes);
    if (bytes === null || count === NO_LISTPACK) return reader.fail(NOT_PACKED);
    if (count > 0) this.list.appendNode(bytes, count);
  }

  private finishList(reader: RdbReader): void {
    if (reader.isFailed) return;
    if (this.list.length > 0) this.list.repack(false);
    else this.isEmpty = true;
  }

  // ── packed values ───────────────────────────────────────────────────────────────────────────────────────────

  /** Makes a listpack the value as it is, unless one of its `count` names is there twice. */
  private take(reader: RdbReader, type: number, bytes: Bytes, step: number, count: number): void {
    if (hasTwice(bytes, step, count, this.keyspace.hash)) reader.fail(NAME_TWICE);
    else this.place(type, ENCODING_LISTPACK, bytes);
  }

  /** Makes checked bytes the value as they are. */
  private place(type: number, encoding: number, { buffer, start, end }: Bytes): void {
    this.placed = this.home.putMissing(this.key, type, encoding, end - start, this.expiryAtMs);
    const to = this.records.value(this.placed, this.otherText);
    copyBytes(buffer, start, end, to.buffer, to.start);
  }
}

const nameRoom = widen(new Uint8Array(INT64_SPELLING_BYTES));
const valueRoom = widen(new Uint8Array(INT64_SPELLING_BYTES));

/** Short text in `room`, other text where it is. */
function held(text: Bytes, room: Uint8Array): Bytes {
  const { buffer, start, end } = text;
  return end - start > room.length ? text : text.set(room, 0, copyBytes(buffer, start, end, room, 0));
}

function listpackOf(element: Bytes): Bytes {
  const builder = new ListpackBuilder(LISTPACK_EMPTY_BYTES + element.length);
  builder.append(element);
  return builder.finish();
}
