/**
 * Freezer: which values are large enough to be frozen instead of being written at once (see frozen.ts).
 *
 * Up to these many elements a value is written as a whole, which takes some 50 µs at most; above, freezing pays.
 */
import { Bytes } from '../../base';
import type { Address } from '../arena';
import type { Database } from '../database';
import { Hash } from '../hash';
import type { Keyspace } from '../keyspace';
import { List } from '../list';
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET } from '../records';
import { MemberSet } from '../set';
import { SortedSet } from '../sorted-set';
import { Stream } from '../stream';
import type { SnapshotFormat } from './format';
import type { Frozen } from './frozen';
import { FrozenList } from './frozen-list';
import { FrozenStream } from './frozen-stream';
import { FrozenTable } from './frozen-table';
import { FrozenTree } from './frozen-tree';

/** From where on a value is large: above so many elements, or nodes of a list or stream. */
export interface LargeLimits {
  readonly elements: number;
  readonly nodes: number;
  /** The same for streams, where it differs. */
  readonly streamNodes?: number;
}

export const LARGE_LIMITS: LargeLimits = { elements: 512, nodes: 4 };

export class Freezer {
  private readonly hash: Hash;
  private readonly set: MemberSet;
  private readonly sortedSet: SortedSet;
  private readonly list: List;
  private readonly stream: Stream;
  private readonly key = new Bytes();

  constructor(
    private readonly keyspace: Keyspace,
    private readonly format: SnapshotFormat,
    private readonly limits: LargeLimits,
  ) {
    this.hash = new Hash(keyspace);
    this.set = new MemberSet(keyspace);
    this.sortedSet = new SortedSet(keyspace);
    this.list = new List(keyspace);
    this.stream = new Stream(keyspace);
  }

  /** Freezes the value of a record; null where it is small enough to be written as a whole. */
  freeze(database: Database, index: number, record: Address): Frozen | null {
    const { keyspace, format, limits, hash, set, sortedSet, list, stream } = this;
    const root = keyspace.records.root(record);
    if (root === 0) return null;
    const key = keyspace.records.key(record, this.key);
    switch (keyspace.records.type(record)) {
      case TYPE_HASH:
        hash.open(database, key, record);
        return hash.length <= limits.elements ? null : new FrozenTable(keyspace, format, index, record, root);
      case TYPE_SET:
        set.open(database, key, record);
        return set.length <= limits.elements ? null : new FrozenTable(keyspace, format, index, record, root);
      case TYPE_SORTED_SET:
        sortedSet.open(database, key, record);
        return sortedSet.length <= limits.elements ? null : new FrozenTree(keyspace, format, index, record, root);
      case TYPE_LIST:
        list.open(database, key, record);
        return list.nodeCount <= limits.nodes
          ? null
          : new FrozenList(keyspace, format, index, record, root, list.nodeAddresses());
      default:
        stream.open(database, key, record);
        return stream.nodeCount <= (limits.streamNodes ?? limits.nodes)
          ? null
          : new FrozenStream(keyspace, format, index, record, root, stream);
    }
  }
}
