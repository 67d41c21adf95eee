export { AofDirectory, type AofDirectoryOptions, type AofPart, type RewritePaths } from './aof/directory';
export type { Deed } from './aof/deeds';
export type { AofFileOptions } from './aof/inspection';
export { AofLoader } from './aof/loader';
export { readAofTail, type AofTail } from './aof/tail';
export { AofWriter } from './aof/writer';
export type { Address } from './arena';
export { REGISTER_COUNT } from './cardinality';
export { Collection } from './collection';
export { Database } from './database';
export { Draft } from './draft';
export { Digests } from './digest';
export { Eviction, EVICTION_POLICIES, type EvictionPolicy } from './eviction';
export { ExpiryCycle } from './expiry-cycle';
export { CORRUPT, estimateOf, isHyperLogLog, Sketch } from './hyperloglog';
export { findSketchFault } from './hyperloglog-self-test';
export { Hash } from './hash';
export { fixedWord, Journal, type JournalSink, type StreamPlace } from './journal';
export { Keyspace, type DueKeys, type KeyspaceObserver, type KeyspaceOptions, type RemovalListener } from './keyspace';
export { DEFAULT_LIMITS, type PackingLimits } from './limits';
export { List } from './list';
export { Lookahead, LOOKAHEAD_MAX } from './lookahead';
export { compareBytes } from './members';
export {
  ENCODING_EMBSTR,
  ENCODING_HASHTABLE,
  ENCODING_INT,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  ENCODING_NAMES,
  ENCODING_QUICKLIST,
  ENCODING_RAW,
  ENCODING_SKIPLIST,
  ENCODING_STREAM,
  NO_EXPIRY,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_NAMES,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from './records';
export { MemberSet } from './set';
export {
  ADD_IF_GREATER,
  ADD_IF_LESS,
  ADD_IF_MISSING,
  ADD_IF_PRESENT,
  ADD_INCREMENT,
  ADDED,
  NOT_A_NUMBER,
  NOT_ADDED,
  SortedSet,
  UNCHANGED,
  UPDATED,
} from './sorted-set';
export { Dumps } from './rdb/dumps';
export { RdbFeed } from './rdb/feed';
export { RdbLoader, type RdbLoaderOptions } from './rdb/loader';
export { ShadowDatabases } from './shadow';
export { SnapshotFile, type SnapshotOptions } from './snapshot/file';
export type { LargeValue, SnapshotFormat } from './snapshot/format';
export { RdbFormat, type RdbFormatOptions } from './snapshot/rdb-format';
export { LARGE_LIMITS, type LargeLimits } from './snapshot/freezer';
export { TransferFormat } from './snapshot/transfer-format';
export { SnapshotStream, type Snapshot, type SnapshotSink, type SnapshotStreamOptions } from './snapshot/stream';
export { SnapshotWalk } from './snapshot/walk';
export { Stream, type Trim } from './stream';
export { UNKNOWN } from './stream-groups';
export { StreamId } from './stream-id';
export type { EntryFields } from './stream-nodes';
export type { StreamWalk } from './stream-walk';
export { KEEP_EXPIRY, Strings } from './strings';
export { forEachKey, scan } from './walk';
