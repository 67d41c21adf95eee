/**
 * ValueEncoder: values of records as RDB bytes, for DUMP, RDB files, full synchronisation and migration.
 *
 * What is packed lies in memory as RDB wants it and is written as one string. Large collections are written element by
 * element. Sets in a listpack and the times when consumers of streams were active came with version 11: what is written as
 * version 10, as payloads are, has plain sets, and streams without these times.
 */
import { Bytes } from '../../base';
import type { Address } from '../arena';
import type { Database } from '../database';
import { Hash } from '../hash';
import type { Keyspace } from '../keyspace';
import { List } from '../list';
import {
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STRING,
  type Records,
} from '../records';
import { MemberSet } from '../set';
import { SortedSet } from '../sorted-set';
import { Stream } from '../stream';
import { StreamEncoder } from './encode-stream';
import {
  NODE_PACKED,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_LIST_QUICKLIST_2,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_SORTED_SET_2,
  RDB_SORTED_SET_LISTPACK,
  RDB_STREAM_LISTPACKS_2,
  RDB_STREAM_LISTPACKS_3,
  RDB_STRING,
  RDB_VERSION_PACKED_SETS,
} from './format';
import type { RdbWriter } from './writer';

export class ValueEncoder {
  private readonly records: Records;
  private readonly hash: Hash;
  private readonly list: List;
  private readonly set: MemberSet;
  private readonly sortedSet: SortedSet;
  private readonly stream: Stream;
  private readonly streams = new StreamEncoder();
  private readonly key = new Bytes();
  private readonly view = new Bytes();

  constructor(keyspace: Keyspace) {
    this.records = keyspace.records;
    this.hash = new Hash(keyspace);
    this.list = new List(keyspace);
    this.set = new MemberSet(keyspace);
    this.sortedSet = new SortedSet(keyspace);
    this.stream = new Stream(keyspace);
  }

  /** The RDB type that a record's value is written as, RDB_…, in a version of the format. */
  typeOf(record: Address, version: number): number {
    const encoding = this.records.encoding(record);
    switch (this.records.type(record)) {
      case TYPE_STRING:
        return RDB_STRING;
      case TYPE_LIST:
        return RDB_LIST_QUICKLIST_2;
      case TYPE_SET:
        if (encoding === ENCODING_INTSET) return RDB_SET_INTSET;
        return encoding === ENCODING_LISTPACK && version >= RDB_VERSION_PACKED_SETS ? RDB_SET_LISTPACK : RDB_SET;
      case TYPE_SORTED_SET:
        return encoding === ENCODING_LISTPACK ? RDB_SORTED_SET_LISTPACK : RDB_SORTED_SET_2;
      case TYPE_HASH:
        return encoding === ENCODING_LISTPACK ? RDB_HASH_LISTPACK : RDB_HASH;
      default:
        return version >= RDB_VERSION_PACKED_SETS ? RDB_STREAM_LISTPACKS_3 : RDB_STREAM_LISTPACKS_2;
    }
  }

  /** Writes the value of a record of `database`, without its type. Nothing may be written to the keyspace meanwhile. */
  encode(database: Database, record: Address, writer: RdbWriter): void {
    const key = this.records.key(record, this.key);
    switch (this.typeOf(record, writer.version)) {
      case RDB_HASH:
        this.hash.open(database, key, record);
        return this.writeHash(writer);
      case RDB_LIST_QUICKLIST_2:
        this.list.open(database, key, record);
        return this.writeList(writer);
      case RDB_SET:
        this.set.open(database, key, record);
        return this.writeSet(writer);
      case RDB_SORTED_SET_2:
        this.sortedSet.open(database, key, record);
        return this.writeSortedSet(writer);
      case RDB_STREAM_LISTPACKS_2:
      case RDB_STREAM_LISTPACKS_3:
        this.stream.open(database, key, record);
        return this.streams.encode(this.stream, writer);
      default:
        writer.string(this.records.value(record, this.view));
    }
  }

  private writeHash(writer: RdbWriter): void {
    const { hash, view } = this;
    writer.length(hash.length);
    for (hash.start(); hash.next();) {
      writer.string(hash.name(view));
      writer.string(hash.value(view));
    }
  }

  private writeList(writer: RdbWriter): void {
    const { list } = this;
    const { nodeCount } = list;
    writer.length(nodeCount);
    for (let i = 0; i < nodeCount; i++) {
      const { u8, base, length } = list.node(i);
      writer.length(NODE_PACKED);
      writer.stringAt(u8, base, base + length);
    }
  }

  private writeSet(writer: RdbWriter): void {
    const { set, view } = this;
    writer.length(set.length);
    for (set.start(); set.next();) writer.string(set.name(view));
  }

  /** From the last member to the first, as Redis does: read in that order, each one is added at the beginning. */
  private writeSortedSet(writer: RdbWriter): void {
    const { sortedSet, view } = this;
    const { length } = sortedSet;
    writer.length(length);
    sortedSet.seek(length - 1);
    do {
      writer.string(sortedSet.name(view));
      writer.double(sortedSet.score);
    } while (sortedSet.previous());
  }
}
