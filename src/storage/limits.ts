/**
 * Limits up to which small collections are packed, under the names of Redis' directives. A collection that outgrows one changes
 * its encoding with the write that does it; changing a limit changes no value that is there already.
 */
export interface PackingLimits {
  /** Fields. */
  'hash-max-listpack-entries': number;
  /** Bytes of a field or value. */
  'hash-max-listpack-value': number;
  /** Members that are all integers. */
  'set-max-intset-entries': number;
  /** Members. */
  'set-max-listpack-entries': number;
  /** Bytes of a member. */
  'set-max-listpack-value': number;
  /** Members. */
  'zset-max-listpack-entries': number;
  /** Bytes of a member. */
  'zset-max-listpack-value': number;
  /** Of each node of a list: elements where positive; -1 … -5 for 4, 8, 16, 32, 64 KiB. */
  'list-max-listpack-size': number;
  /** Bytes of each node of a stream; 0 for no limit. */
  'stream-node-max-bytes': number;
  /** Entries of each node of a stream; 0 for no limit. */
  'stream-node-max-entries': number;
}

/** Redis' defaults. */
export const DEFAULT_LIMITS: Readonly<PackingLimits> = {
  'hash-max-listpack-entries': 512,
  'hash-max-listpack-value': 64,
  'set-max-intset-entries': 512,
  'set-max-listpack-entries': 128,
  'set-max-listpack-value': 64,
  'zset-max-listpack-entries': 128,
  'zset-max-listpack-value': 64,
  'list-max-listpack-size': -2,
  'stream-node-max-bytes': 4096,
  'stream-node-max-entries': 100,
};
