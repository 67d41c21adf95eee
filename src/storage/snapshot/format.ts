/**
 * SnapshotFormat: what a snapshot is written as: an RDB file (rdb-format.ts) or commands (command-format.ts).
 *
 * The walk decides what is written and when, a format how. Most keys are written as a whole. A large value is written in
 * parts, between `open` and `close`, and its elements in any order (those of a list and the nodes of a stream in theirs): what is
 * changed before the walk comes to it is written early, to an output of its own. So a part must make sense by itself wherever it
 * stands among the others, and a format remembers nothing from one call to the next but the database.
 */
import type { Bytes, Output } from '../../base';
import type { Address } from '../arena';
import type { Database } from '../database';
import type { Stream } from '../stream';
import type { StreamId } from '../stream-id';

/** What is known of a large value from its beginning: copies, as the key may be gone before its turn comes. */
export interface LargeValue {
  readonly databaseIndex: number;
  readonly key: Bytes;
  /** TYPE_…. */
  readonly type: number;
  /** Milliseconds since the epoch; NO_EXPIRY for never. */
  readonly expiryAtMs: number;
  /** The access stamp. */
  readonly access: number;
  /** How many parts there will be: fields, members, nodes. */
  readonly length: number;
}

export interface SnapshotFormat {
  /** Before everything. */
  begin(out: Output): void;
  /** The keys that follow lie in this database, of which it is said how many there were, or are more of one of before. */
  database(out: Output, index: number, sizes: { readonly keys: number; readonly expiring: number } | null): void;
  /** A key with its value. */
  whole(out: Output, database: Database, record: Address): void;
  open(out: Output, value: LargeValue): void;
  /** A field of a hash. */
  field(out: Output, value: LargeValue, name: Bytes, text: Bytes): void;
  /** A member of a set. */
  member(out: Output, value: LargeValue, name: Bytes): void;
  /** A member of a sorted set. */
  scored(out: Output, value: LargeValue, name: Bytes, score: number): void;
  /** A node of a list: a listpack. */
  listNode(out: Output, value: LargeValue, listpack: Bytes): void;
  /** A node of a stream: a listpack, and the id of its first entry. */
  streamNode(out: Output, value: LargeValue, id: StreamId, listpack: Bytes): void;
  /** What a stream has beside its nodes, behind which it stands. The cursor is open on the stream. */
  streamRest(out: Output, value: LargeValue, stream: Stream): void;
  close(out: Output, value: LargeValue): void;
  /** After everything. */
  end(out: Output): void;
}
