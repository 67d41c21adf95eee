/**
 * DUMP and RESTORE: values as bytes in Redis' own format, and back.
 *
 * A payload is checked as a whole before its key is touched; so what is damaged or hostile changes nothing. See
 * storage/rdb/decode.ts for how.
 */
import { parseInteger } from '../../base';
import type { generic, Handlers } from '../../commands';
import { fixedWord, NO_EXPIRY } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { BAD_DATA, BAD_FREQUENCY, BAD_IDLE_TIME, BAD_PAYLOAD, BAD_TTL, KEY_EXISTS } from '../error-replies';
import { leaveDeletion, time } from './effects';

const FREQUENCY_MAX = 255;
const ABSTTL = fixedWord('ABSTTL');

/** What RESTORE's options say. */
interface Options {
  mayReplace: boolean;
  isAbsolute: boolean;
  /** Seconds since the last access; −1 where nothing is said. */
  idleSeconds: number;
  /** The counter of the LFU policies; −1 where nothing is said. */
  frequency: number;
}

export const dumpHandlers: Pick<Handlers<typeof generic, Handler>, 'DUMP' | 'RESTORE'> = {
  DUMP(call) {
    const record = call.lookup(1);
    if (record === 0) return call.reply.null();
    const payload = call.dumps.dump(call.database, record, call.node.settings.values.rdbcompression);
    call.reply.bulkAt(payload, 0, payload.length);
  },

  RESTORE(call) {
    const options = parseOptions(call);
    if (options === null) return;
    const { database, dumps, keyspace } = call;
    const key = call.arg(1);
    if (!options.mayReplace && database.find(key) !== 0) return call.reply.error(KEY_EXISTS);
    const expiryMs = parseExpiry(call, options.isAbsolute);
    if (expiryMs === WRONG) return;
    if (!dumps.open(call.arg(3))) return call.reply.error(BAD_PAYLOAD);
    try {
      if (!dumps.restore(call.node.settings.values['proto-max-bulk-len'])) return call.reply.error(BAD_DATA);
      if (expiryMs !== NO_EXPIRY && call.isOver(expiryMs)) {
        if (options.mayReplace && database.delete(key)) {
          leaveDeletion(call, 1);
          call.changed();
        }
      } else {
        const record = dumps.moveTo(database, key, expiryMs);
        keyspace.eviction.setUse(record, options.idleSeconds, options.frequency);
        if (expiryMs !== NO_EXPIRY && !options.isAbsolute) leaveRestore(call, expiryMs);
        call.changed();
      }
      call.reply.ok();
    } finally {
      dumps.discard();
    }
  },
};

/** The command with a point in time instead of a span. */
function leaveRestore(call: Call, expiryMs: number): void {
  if (!call.journals) return;
  const entry = call.leave(call.argc + 1);
  for (let i = 0; i < call.argc; i++) {
    if (i === 2) time(entry, expiryMs);
    else entry.word(call.arg(i));
  }
  entry.fixed(ABSTTL);
}

/** The options from the fourth argument on; null after the error reply. */
function parseOptions(call: Call): Options | null {
  const options = { mayReplace: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  for (let i = 4; i < call.argc; i++) {
    const hasMore = i + 1 < call.argc;
    if (call.is(i, 'replace')) {
      options.mayReplace = true;
    } else if (call.is(i, 'absttl')) {
      options.isAbsolute = true;
    } else if (call.is(i, 'idletime') && hasMore && options.frequency < 0) {
      options.idleSeconds = parseNatural(call, ++i, Infinity, BAD_IDLE_TIME);
      if (options.idleSeconds < 0) return null;
    } else if (call.is(i, 'freq') && hasMore && options.idleSeconds < 0) {
      options.frequency = parseNatural(call, ++i, FREQUENCY_MAX, BAD_FREQUENCY);
      if (options.frequency < 0) return null;
    } else {
      call.syntaxError();
      return null;
    }
  }
  return options;
}

/** Argument i, from 0 to `max`; WRONG after the error reply. */
function parseNatural(call: Call, i: number, max: number, error: string): number {
  const value = call.clampedInteger(i);
  if (Number.isNaN(value)) return WRONG;
  if (value >= 0 && value <= max) return value;
  call.reply.error(error);
  return WRONG;
}

/** When the key is to expire, in ms since the epoch, or NO_EXPIRY; WRONG after the error reply. */
function parseExpiry(call: Call, isAbsolute: boolean): number {
  const fromMs = isAbsolute ? 0 : call.keyspace.nowMs;
  const small = parseInteger(call.arg(2));
  if (small === 0) return NO_EXPIRY;
  const ttl = Number.isNaN(small) ? call.int64(2) : BigInt(small);
  if (ttl === null) return WRONG;
  if (ttl < 0n) {
    call.reply.error(BAD_TTL);
    return WRONG;
  }
  // Redis adds in 64 bits: what is too far away for these lies in the past.
  return Math.max(1, Number(BigInt.asIntN(64, ttl + BigInt(fromMs))));
}
