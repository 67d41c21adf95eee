/**
 * HyperLogLog commands: how many different elements a key has been shown, estimated, in at most 12 KiB.
 *
 * The values are strings, so GET, SET, COPY and the like work on them. PFCOUNT writes the count that it computed into the
 * value; that changes no answer, so it is no write. But it changes the value's bytes, so it is journaled like one.
 */
import { family } from './declaration';

export const hyperloglog = family('hyperloglog', {
  PFADD: {
    usage: 'key [element]...',
    flags: 'write denyoom fast',
    keys: 'rw insert',
    reply: 'integer',
    does: 'Shows elements to a HyperLogLog, making it if need be; replies 1 if that changed it.',
    since: '2.8.9',
    cost: 'O(1) per element',
  },
  PFCOUNT: {
    usage: 'key...',
    flags: 'readonly',
    keys: 'rw access',
    reply: 'integer',
    does: 'Replies how many different elements a HyperLogLog has been shown, about; of several keys, their union.',
    since: '2.8.9',
    cost: 'O(N), N = keys; O(1) for one key that has not changed since it was counted',
    effect: 'verbatim',
  },
  PFDEBUG: {
    usage: 'subcommand key',
    flags: 'write denyoom admin',
    keys: 'rw access',
    reply: 'integer[] | bulk | status | integer',
    does: 'Shows the inside of a HyperLogLog (GETREG, DECODE, ENCODING) or makes it dense (TODENSE, GETREG).',
    since: '2.8.9',
    cost: 'O(1), up to 16,384 registers',
  },
  PFMERGE: {
    usage: 'destkey [sourcekey]...',
    flags: 'write denyoom',
    keys: 'rw access insert; ro access',
    reply: 'OK',
    does: 'Merges HyperLogLogs into the first one, making it if need be.',
    since: '2.8.9',
    cost: 'O(N), N = keys',
  },
  PFSELFTEST: {
    usage: '',
    flags: 'admin',
    reply: 'OK',
    does: 'Tests the HyperLogLogs of this server on values of its own.',
    since: '2.8.9',
    cost: 'O(1), some 80 ms',
  },
});
