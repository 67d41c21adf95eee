/**
 * DUMP and RESTORE: values as bytes in Redis' own format, and back.
 *
 * A payload is checked as a whole before its key is touched; so what is damaged or hostile changes nothing. See
 * storage/rdb/decode.ts for how.
 */
import { parseInteger } from '../../base';
import type { generic, Handlers } from '../../commands';
import { NO_EXPIRY, type Address, type Keyspace } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { BAD_DATA, BAD_FREQUENCY, BAD_IDLE_TIME, BAD_PAYLOAD, BAD_TTL, KEY_EXISTS } from '../error-replies';

const FREQUENCY_MAX = 255;
/** Access clocks are below this. */
const ACCESS_CLOCK_LIMIT = 2 ** 24;

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
      if (expiryMs !== NO_EXPIRY && expiryMs <= keyspace.nowMs) {
        if (options.mayReplace && database.delete(key)) call.changed();
      } else {
        const record = dumps.moveTo(database, key, expiryMs);
        stamp(keyspace, record, options);
        call.changed();
      }
      call.reply.ok();
    } finally {
      dumps.discard();
    }
  },
};

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

/** Says when or how often the new key was used, where the policy of eviction asks for what was said. */
function stamp({ records, eviction, accessClock }: Keyspace, record: Address, options: Options): void {
  const { idleSeconds, frequency } = options;
  if (eviction.countsUses) {
    if (frequency >= 0) records.setAccess(record, (eviction.newStamp() & ~FREQUENCY_MAX) | frequency);
  } else if (idleSeconds >= 0) {
    // Longer ago than the clock goes back: half of its range.
    const far = (accessClock + ACCESS_CLOCK_LIMIT / 2) % ACCESS_CLOCK_LIMIT;
    records.setAccess(record, idleSeconds <= accessClock ? accessClock - idleSeconds : far);
  }
}
