/**
 * Freezer: which values are large enough to be frozen instead of being written at once (see frozen.ts).
 *
 * Up to these many elements a value is written as a whole, which takes some 50 µs at most; above, freezing pays.
 */
import { Bytes } from '../../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address } from '../arena';
import type { Database } from '../database';
import type { Keyspace } from '../keyspace';
import { List } from '../list';
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET } from '../records';
import { SortedRoots } from '../sorted-roots';
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
}

export const LARGE_LIMITS: LargeLimits = { elements: 512, nodes: 4 };

/** Word of a table that counts its entries: see tables.ts. */
const COUNT_WORD = 2;

export class Freezer {
  private readonly sortedRoots: SortedRoots;
  private readonly list: List;
  private readonly stream: Stream;
  private readonly key = new Bytes();

  constructor(
    private readonly keyspace: Keyspace,
    private readonly format: SnapshotFormat,
    private readonly limits: LargeLimits,
  ) {
    this.sortedRoots = new SortedRoots(keyspace);
    this.list = new List(keyspace);
    this.stream = new Stream(keyspace);
  }

  /** Freezes the value of a record; null where it is small enough to be written as a whole. */
  freeze(database: Database, index: number, record: Address): Frozen | null {
    const { keyspace, format, limits, list, stream } = this;
    const root = keyspace.records.root(record);
    if (root === 0) return null;
    switch (keyspace.records.type(record)) {
      case TYPE_HASH:
      case TYPE_SET:
        return this.tableCount(root) <= limits.elements ? null : new FrozenTable(keyspace, format, index, record, root);
      case TYPE_SORTED_SET:
        return this.sortedRoots.count(root) <= limits.elements
          ? null
          : new FrozenTree(keyspace, format, index, record, root);
      case TYPE_LIST:
        list.open(database, keyspace.records.key(record, this.key), record);
        return list.nodeCount <= limits.nodes
          ? null
          : new FrozenList(keyspace, format, index, record, root, list.nodeAddresses());
      default:
        stream.open(database, keyspace.records.key(record, this.key), record);
        return stream.nodeCount <= limits.nodes
          ? null
          : new FrozenStream(keyspace, format, index, record, root, stream);
    }
  }

  private tableCount(root: Address): number {
    return this.keyspace.arena.u32s[root >>> SEGMENT_SHIFT][((root & SEGMENT_MASK) << 1) + COUNT_WORD];
  }
}
