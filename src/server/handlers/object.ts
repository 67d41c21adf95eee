/**
 * OBJECT: how values are kept.
 *
 * Encodings are told truthfully in Redis' names. Here no two keys share a value; still, small integers get the
 * reference count that Redis gives the objects it shares among all keys, because tools know them by it.
 * A key's stamp holds the time of its last use, or under an LFU policy how often it is used: never both.
 */
import { parseInteger } from '../../base';
import { containerHelp, type generic, type Handlers } from '../../commands';
import { ENCODING_INT, ENCODING_NAMES } from '../../storage';
import type { Call, Handler } from '../call';

/** Redis keeps one shared object for each integer from 0 to this. */
const SHARED_INTEGER_MAX = 9999;
/** The reference count of what is shared for ever. */
const SHARED_COUNT = 2 ** 31 - 1;

const SWITCHING =
  'Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';
const NOT_LFU = `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${SWITCHING}`;
const LFU = `ERR An LFU maxmemory policy is selected, idle time not tracked. ${SWITCHING}`;

export const objectHandlers: Pick<
  Handlers<typeof generic, Handler>,
  'OBJECT ENCODING' | 'OBJECT FREQ' | 'OBJECT HELP' | 'OBJECT IDLETIME' | 'OBJECT REFCOUNT'
> = {
  'OBJECT ENCODING'(call) {
    const record = call.peek(2);
    if (record === 0) return call.reply.null();
    call.reply.text(ENCODING_NAMES[call.keyspace.records.encoding(record)]);
  },

  'OBJECT FREQ'(call) {
    const record = call.peek(2);
    if (record === 0) return call.reply.null();
    if (!isLfuSelected(call)) return call.reply.error(NOT_LFU);
    call.reply.integer(call.keyspace.eviction.frequency(call.keyspace.records.access(record)));
  },

  'OBJECT IDLETIME'(call) {
    const record = call.peek(2);
    if (record === 0) return call.reply.null();
    if (isLfuSelected(call)) return call.reply.error(LFU);
    call.reply.integer(call.keyspace.idleSeconds(record));
  },

  'OBJECT REFCOUNT'(call) {
    const record = call.peek(2);
    if (record === 0) return call.reply.null();
    const isInteger = call.keyspace.records.encoding(record) === ENCODING_INT;
    const value = isInteger ? parseInteger(call.stringOf(record)) : NaN;
    call.reply.integer(value >= 0 && value <= SHARED_INTEGER_MAX ? SHARED_COUNT : 1);
  },

  'OBJECT HELP': containerHelp,
};

function isLfuSelected(call: Call): boolean {
  return call.keyspace.eviction.countsUses;
}
