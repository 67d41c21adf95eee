/**
 * DUMP and RESTORE: a value of any type as bytes and back, in Redis' own format, so that either side may be a Redis.
 *
 * They belong to the generic family. RESTORE is journaled with the point in time at which the key expires (ABSTTL), and
 * as a deletion where that has passed.
 */
import type { Declaration } from './declaration';

export const dumpCommands = {
  DUMP: {
    usage: 'key',
    flags: 'readonly',
    keys: 'ro access',
    reply: 'bulk | null',
    does: 'Replies the value of a key as bytes that RESTORE understands.',
    since: '2.6.0',
    cost: 'O(N), N = bytes of the value',
    tips: 'nondeterministic_output',
  },
  RESTORE: {
    usage: 'key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]',
    flags: 'write denyoom',
    keys: 'ow update',
    reply: 'OK',
    does: 'Makes a key from the bytes that DUMP replied, to expire in so many milliseconds, or never with 0.',
    since: '2.6.0',
    cost: 'O(N), N = bytes of the value; O(N*log(M)) for a sorted set of M members',
    history: { '3.0.0': '`REPLACE`.', '5.0.0': '`ABSTTL`, `IDLETIME` and `FREQ`.' },
    effect: 'rewritten',
    categories: 'keyspace dangerous',
  },
} as const satisfies Record<string, Declaration>;
