/**
 * Counters: INCR and its relatives, on values that spell a number.
 *
 * Numbers within ±2^53 are added as JavaScript numbers and spelled straight into the keyspace; the rest of int64 takes
 * the slow road by BigInt, as do all errors. INCRBYFLOAT computes in 80-bit long doubles, because that is what clients
 * of Redis see (base/long-double.ts).
 */
import {
  addLongDoubles,
  Bytes,
  formatLongDouble,
  INT64_MAX,
  INT64_MIN,
  isFiniteLongDouble,
  parseInt64,
  parseInteger,
  parseLongDouble,
} from '../../base';
import { NOT_AN_INTEGER, type Handlers, type string } from '../../commands';
import { KEEP_EXPIRY, type Address } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { DECREMENT_WOULD_OVERFLOW, NOT_A_FLOAT, NOT_FINITE, WOULD_OVERFLOW } from '../error-replies';
import { KEEPTTL, SET } from './effects';

type CounterName = 'INCR' | 'DECR' | 'INCRBY' | 'DECRBY' | 'INCRBYFLOAT';

export const counterHandlers: Pick<Handlers<typeof string, Handler>, CounterName> = {
  INCR(call) {
    add(call, 1);
  },

  DECR(call) {
    add(call, -1);
  },

  INCRBY(call) {
    const increment = parseInteger(call.arg(2));
    if (!Number.isNaN(increment)) {
      add(call, increment);
      return;
    }
    const exact = call.int64(2);
    if (exact !== null) addTo(call, call.findString(1), exact);
  },

  DECRBY(call) {
    const decrement = parseInteger(call.arg(2));
    if (!Number.isNaN(decrement)) {
      add(call, -decrement);
      return;
    }
    const exact = call.int64(2);
    if (exact === null) return;
    if (exact === INT64_MIN) call.reply.error(DECREMENT_WOULD_OVERFLOW);
    else addTo(call, call.findString(1), -exact);
  },

  INCRBYFLOAT(call) {
    const record = call.findString(1);
    if (record === WRONG) return;
    const value = parseLongDouble(record === 0 ? ZERO : call.stringOf(record));
    const increment = value === null ? null : parseLongDouble(call.arg(2));
    if (value === null || increment === null) {
      call.reply.error(NOT_A_FLOAT);
      return;
    }
    const sum = addLongDoubles(value, increment);
    if (!isFiniteLongDouble(sum)) {
      call.reply.error(NOT_FINITE);
      return;
    }
    const text = Bytes.of(formatLongDouble(sum));
    call.strings.setText(call.database, call.arg(1), record, text);
    // The sum: another machine's floats may add up to another.
    if (call.journals) call.leave(4).fixed(SET).word(call.arg(1)).word(text).fixed(KEEPTTL);
    call.changed();
    call.reply.bulk(text);
  },
};

const ZERO = Bytes.of('0');

function add(call: Call, increment: number): void {
  const record = call.findString(1);
  if (record === WRONG) return;
  const sum = (record === 0 ? 0 : parseInteger(call.stringOf(record))) + increment;
  if (!Number.isSafeInteger(sum)) {
    addTo(call, record, BigInt(increment));
    return;
  }
  call.strings.setInteger(call.database, call.arg(1), record, sum);
  call.changed();
  call.reply.integer(sum);
}

/** The same for any int64, and for values that are none. */
function addTo(call: Call, record: Address, increment: bigint): void {
  if (record === WRONG) return;
  const value = record === 0 ? 0n : parseInt64(call.stringOf(record));
  if (value === null) {
    call.reply.error(NOT_AN_INTEGER);
    return;
  }
  const sum = value + increment;
  if (sum < INT64_MIN || sum > INT64_MAX) {
    call.reply.error(WOULD_OVERFLOW);
    return;
  }
  call.strings.set(call.database, call.arg(1), Bytes.of(sum.toString()), KEEP_EXPIRY);
  call.changed();
  call.reply.int64(sum);
}
