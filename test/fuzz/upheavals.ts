/**
 * What a keyspace is put through while something watches it: sentences about all keys at once, which chance alone would speak too
 * rarely or too often, and limits so small that collections change their encoding within a few commands.
 */
import type { Sentence } from './sentences';

export const UPHEAVALS: readonly Sentence[] = [
  ['FLUSHALL'],
  ['FLUSHDB'],
  ['SWAPDB', '0', '1'],
  ['SELECT', '0'],
  ['SELECT', '1'],
];

export const TIGHT_LIMITS = {
  'hash-max-listpack-entries': 4,
  'set-max-intset-entries': 4,
  'set-max-listpack-entries': 4,
  'zset-max-listpack-entries': 4,
  'list-max-listpack-size': 3,
  'stream-node-max-entries': 3,
};
