/**
 * RdbFormat: a snapshot as an RDB file (see rdb/format.ts for its parts):
 *
 *   "REDIS" and four digits of version | facts about the file | libraries of functions
 *   for each database: its number, its sizes; for each key: expiry, use, type, key, value
 *   the end | CRC-64 of all before it (written by who writes the file: see file.ts)
 *
 * Strings above 64 KiB are written as they are: to compress them would take longer than a slice of a walk may. A database may
 * be named more than once, as keys that change are written early.
 */
import { Bytes, Output } from '../../base';
import type { Address } from '../arena';
import type { Database } from '../database';
import type { Keyspace } from '../keyspace';
import { Int64 } from '../int64';
import { ValueEncoder } from '../rdb/encode';
import { StreamEncoder } from '../rdb/encode-stream';
import {
  NODE_PACKED,
  OPCODE_AUX,
  OPCODE_DATABASE,
  OPCODE_END,
  OPCODE_EXPIRY_MS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION,
  OPCODE_IDLE,
  OPCODE_RESIZE,
  RDB_HASH,
  RDB_LIST_QUICKLIST_2,
  RDB_SET,
  RDB_SORTED_SET_2,
  RDB_STREAM_LISTPACKS_2,
  RDB_STREAM_LISTPACKS_3,
  RDB_VERSION_PACKED_SETS,
} from '../rdb/format';
import { RdbWriter } from '../rdb/writer';
import { NO_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET } from '../records';
import type { Stream } from '../stream';
import type { StreamId } from '../stream-id';
import type { LargeValue, SnapshotFormat } from './format';

const VERSION_DIGITS = 4;

export interface RdbFormatOptions {
  /** Whether strings are compressed: `rdbcompression`. */
  readonly compresses: boolean;
  /** The version of the format. */
  readonly version: number;
  /** Facts about the file, by name. */
  readonly aux: readonly (readonly [name: string, value: string])[];
  /** Libraries of functions. */
  readonly functions: readonly Uint8Array[];
}

export class RdbFormat implements SnapshotFormat {
  /** Made with the first key: to begin a snapshot must not take long. */
  private madeEncoder: ValueEncoder | null = null;
  private readonly streams = new StreamEncoder();
  private readonly writer: RdbWriter;
  private readonly expiry = new Int64();
  private readonly key = new Bytes();

  constructor(
    private readonly keyspace: Keyspace,
    private readonly options: RdbFormatOptions,
  ) {
    this.writer = new RdbWriter(new Output());
    this.writer.compresses = options.compresses;
    this.writer.isExact = false;
    this.writer.version = options.version;
  }

  begin(out: Output): void {
    const writer = this.over(out);
    const { version, aux, functions } = this.options;
    writer.raw(Bytes.of(`REDIS${String(version).padStart(VERSION_DIGITS, '0')}`));
    for (const [name, value] of aux) {
      writer.byte(OPCODE_AUX);
      writer.string(Bytes.of(name));
      writer.string(Bytes.of(value));
    }
    for (const library of functions) {
      writer.byte(OPCODE_FUNCTION);
      writer.stringAt(library, 0, library.length);
    }
  }

  database(out: Output, index: number, sizes: { readonly keys: number; readonly expiring: number } | null): void {
    const writer = this.over(out);
    writer.byte(OPCODE_DATABASE);
    writer.length(index);
    if (sizes === null) return;
    writer.byte(OPCODE_RESIZE);
    writer.length(sizes.keys);
    writer.length(sizes.expiring);
  }

  whole(out: Output, database: Database, record: Address): void {
    const writer = this.over(out);
    const { records } = this.keyspace;
    const key = records.key(record, this.key);
    const type = this.encoder.typeOf(record, writer.version);
    this.head(type, key, records.expiry(record), records.access(record));
    this.encoder.encode(database, record, writer);
  }

  open(out: Output, value: LargeValue): void {
    const writer = this.over(out);
    this.head(largeTypeOf(value.type, writer.version), value.key, value.expiryAtMs, value.access);
    writer.length(value.length);
  }

  field(out: Output, _value: LargeValue, name: Bytes, text: Bytes): void {
    const writer = this.over(out);
    writer.string(name);
    writer.string(text);
  }

  member(out: Output, _value: LargeValue, name: Bytes): void {
    this.over(out).string(name);
  }

  scored(out: Output, _value: LargeValue, name: Bytes, score: number): void {
    const writer = this.over(out);
    writer.string(name);
    writer.double(score);
  }

  listNode(out: Output, _value: LargeValue, listpack: Bytes): void {
    const writer = this.over(out);
    writer.length(NODE_PACKED);
    writer.string(listpack);
  }

  streamNode(out: Output, _value: LargeValue, id: StreamId, listpack: Bytes): void {
    this.streams.writeNode(id, listpack, this.over(out));
  }

  streamRest(out: Output, _value: LargeValue, stream: Stream): void {
    this.streams.writeRest(stream, this.over(out));
  }

  close(_out: Output, _value: LargeValue): void {}

  end(out: Output): void {
    this.over(out).byte(OPCODE_END);
  }

  private get encoder(): ValueEncoder {
    return (this.madeEncoder ??= new ValueEncoder(this.keyspace));
  }

  private over(out: Output): RdbWriter {
    this.writer.out = out;
    return this.writer;
  }

  /** What stands before a value. */
  private head(type: number, key: Bytes, expiryAtMs: number, access: number): void {
    const { writer, expiry } = this;
    const { eviction } = this.keyspace;
    if (expiryAtMs !== NO_EXPIRY) {
      writer.byte(OPCODE_EXPIRY_MS);
      writer.int64(expiry.setCut(expiryAtMs));
    }
    if (eviction.countsUses) {
      writer.byte(OPCODE_FREQUENCY);
      writer.byte(eviction.frequency(access));
    } else if (eviction.timesUses) {
      writer.byte(OPCODE_IDLE);
      writer.length(this.keyspace.secondsSince(access));
    }
    writer.byte(type);
    writer.string(key);
  }
}

function largeTypeOf(type: number, version: number): number {
  switch (type) {
    case TYPE_HASH:
      return RDB_HASH;
    case TYPE_SET:
      return RDB_SET;
    case TYPE_LIST:
      return RDB_LIST_QUICKLIST_2;
    case TYPE_SORTED_SET:
      return RDB_SORTED_SET_2;
    default:
      return version >= RDB_VERSION_PACKED_SETS ? RDB_STREAM_LISTPACKS_3 : RDB_STREAM_LISTPACKS_2;
  }
}
