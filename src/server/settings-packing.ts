/**
 * Settings that say up to where collections are packed: names, defaults and bounds are Redis'. They act on writes to come;
 * what is there keeps its encoding. The keyspace knows them under the same names (storage/limits.ts).
 */
import { integer, LONG_MAX, memory } from '../base';
import { DEFAULT_LIMITS, type Keyspace, type PackingLimits } from '../storage';
import type { ServerSettings } from './settings';

const count = (name: keyof PackingLimits, does: string, alias?: string): ReturnType<typeof integer> =>
  integer(DEFAULT_LIMITS[name], { max: LONG_MAX, does, ...(alias === undefined ? {} : { alias }) });
const bytes = (name: keyof PackingLimits, does: string, alias?: string): ReturnType<typeof memory> =>
  memory(DEFAULT_LIMITS[name], { does, ...(alias === undefined ? {} : { alias }) });

export const PACKING_SETTINGS = {
  'hash-max-listpack-entries': count(
    'hash-max-listpack-entries',
    'Fields up to which a hash is packed.',
    'hash-max-ziplist-entries',
  ),
  'hash-max-listpack-value': bytes(
    'hash-max-listpack-value',
    'Bytes of a field or value up to which a hash is packed.',
    'hash-max-ziplist-value',
  ),
  'list-max-listpack-size': integer(DEFAULT_LIMITS['list-max-listpack-size'], {
    min: -2147483648,
    alias: 'list-max-ziplist-size',
    does: 'Elements of a chunk of a list, or -1 to -5 for 4 to 64 KiB.',
  }),
  'set-max-intset-entries': count('set-max-intset-entries', 'Integers up to which a set of integers is packed.'),
  'set-max-listpack-entries': count('set-max-listpack-entries', 'Members up to which a set is packed.'),
  'set-max-listpack-value': bytes('set-max-listpack-value', 'Bytes of a member up to which a set is packed.'),
  'zset-max-listpack-entries': count(
    'zset-max-listpack-entries',
    'Members up to which a sorted set is packed.',
    'zset-max-ziplist-entries',
  ),
  'zset-max-listpack-value': bytes(
    'zset-max-listpack-value',
    'Bytes of a member up to which a sorted set is packed.',
    'zset-max-ziplist-value',
  ),
  'stream-node-max-bytes': bytes('stream-node-max-bytes', 'Bytes of a node of a stream; 0 for no limit.'),
  'stream-node-max-entries': count('stream-node-max-entries', 'Entries of a node of a stream; 0 for no limit.'),
};

/** Keeps a keyspace's limits what the settings say. */
export function bindPacking(settings: ServerSettings, { limits }: Keyspace): void {
  for (const name of Object.keys(PACKING_SETTINGS) as (keyof PackingLimits)[]) {
    limits[name] = settings.values[name];
    settings.onChange(name, (value) => (limits[name] = value));
  }
}
