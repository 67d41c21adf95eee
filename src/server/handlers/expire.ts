/**
 * Times to live: setting, asking, removing.
 *
 * The four commands that set one differ in the unit (seconds or milliseconds) and in what they count from (now or
 * 1970); they meet in `expire`. Storage keeps an expiry as a double of milliseconds since 1970: exact until the year
 * 287396, and within half a second beyond, up to the end of int64, which Redis allows.
 */
import { cutToInt64, INT64_MAX, INT64_MIN, parseInteger } from '../../base';
import { replyName, type generic, type Handlers } from '../../commands';
import { NO_EXPIRY } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { invalidExpireTime } from '../error-replies';
import { leaveDeletion, leaveExpiry } from './effects';

const SECOND_MS = 1000;
const MILLISECOND_MS = 1;

/** TTL and its kin: there is no such key; the key has no expiry. */
const NO_KEY = -2;
const FOR_EVER = -1;

/** From here on doubles are no longer exact to the millisecond, or may not be when half a second is added. */
const FAR_MS = 2 ** 53 - SECOND_MS;

const IF_NONE = 1;
const IF_ANY = 2;
const IF_LATER = 4;
const IF_SOONER = 8;

const NX_CONFLICT = 'ERR NX and XX, GT or LT options at the same time are not compatible';
const GT_LT_CONFLICT = 'ERR GT and LT options at the same time are not compatible';

export const expireHandlers: Pick<
  Handlers<typeof generic, Handler>,
  'EXPIRE' | 'EXPIREAT' | 'EXPIRETIME' | 'PERSIST' | 'PEXPIRE' | 'PEXPIREAT' | 'PEXPIRETIME' | 'PTTL' | 'TTL'
> = {
  EXPIRE(call) {
    expire(call, SECOND_MS, call.keyspace.nowMs);
  },

  PEXPIRE(call) {
    expire(call, MILLISECOND_MS, call.keyspace.nowMs);
  },

  EXPIREAT(call) {
    expire(call, SECOND_MS, 0);
  },

  PEXPIREAT(call) {
    expire(call, MILLISECOND_MS, 0);
  },

  TTL(call) {
    replyExpiry(call, SECOND_MS, call.keyspace.nowMs);
  },

  PTTL(call) {
    replyExpiry(call, MILLISECOND_MS, call.keyspace.nowMs);
  },

  EXPIRETIME(call) {
    replyExpiry(call, SECOND_MS, 0);
  },

  PEXPIRETIME(call) {
    replyExpiry(call, MILLISECOND_MS, 0);
  },

  PERSIST(call) {
    const record = call.database.find(call.arg(1));
    if (record === 0 || call.keyspace.records.expiry(record) === NO_EXPIRY) return call.reply.integer(0);
    call.database.setExpiry(record, NO_EXPIRY);
    call.changed();
    call.reply.integer(1);
  },
};

/** `key time [conditions]`: the time counts units of `unitMs` from `fromMs` on. */
function expire(call: Call, unitMs: number, fromMs: number): void {
  const conditions = parseConditions(call);
  if (conditions === WRONG) return;
  const whenMs = parseTime(call, unitMs, fromMs);
  if (Number.isNaN(whenMs)) return;
  const { database, keyspace } = call;
  const record = database.find(call.arg(1));
  if (record === 0 || !allows(conditions, keyspace.records.expiry(record), whenMs)) return call.reply.integer(0);
  if (call.isOver(whenMs)) {
    database.delete(call.arg(1));
    leaveDeletion(call, 1);
  } else {
    // A journal may name a time before 1970, which storage does not know; 0 would be no expiry at all.
    database.setExpiry(record, Math.max(1, whenMs));
    leaveExpiry(call, whenMs, 3);
  }
  call.changed();
  call.reply.integer(1);
}

/** IF_… of the arguments from the third on, together; WRONG after the error reply. */
function parseConditions(call: Call): number {
  let conditions = 0;
  for (let i = 3; i < call.argc; i++) {
    if (call.is(i, 'nx')) conditions |= IF_NONE;
    else if (call.is(i, 'xx')) conditions |= IF_ANY;
    else if (call.is(i, 'gt')) conditions |= IF_LATER;
    else if (call.is(i, 'lt')) conditions |= IF_SOONER;
    else {
      call.reply.error(`ERR Unsupported option ${call.text(i)}`);
      return WRONG;
    }
  }
  if ((conditions & IF_NONE) !== 0 && conditions !== IF_NONE) {
    call.reply.error(NX_CONFLICT);
    return WRONG;
  }
  if ((conditions & IF_LATER) !== 0 && (conditions & IF_SOONER) !== 0) {
    call.reply.error(GT_LT_CONFLICT);
    return WRONG;
  }
  return conditions;
}

/** A key without an expiry lives for ever: nothing is later. */
function allows(conditions: number, currentMs: number, whenMs: number): boolean {
  if (conditions === 0) return true;
  if (currentMs === NO_EXPIRY) return (conditions & (IF_ANY | IF_LATER)) === 0;
  if ((conditions & IF_NONE) !== 0) return false;
  if ((conditions & IF_LATER) !== 0 && whenMs <= currentMs) return false;
  return (conditions & IF_SOONER) === 0 || whenMs < currentMs;
}

/** The second argument as milliseconds since 1970; NaN after the error reply. */
function parseTime(call: Call, unitMs: number, fromMs: number): number {
  const value = parseInteger(call.arg(2));
  // What a double holds exactly cannot leave int64 when multiplied by a thousand.
  if (!Number.isNaN(value)) return value * unitMs + fromMs;
  const exact = call.int64(2);
  if (exact === null) return NaN;
  const whenMs = exact * BigInt(unitMs) + BigInt(fromMs);
  if (exact * BigInt(unitMs) < INT64_MIN || whenMs > INT64_MAX) {
    call.reply.error(invalidExpireTime(replyName(call.spec)));
    return NaN;
  }
  return Number(whenMs);
}

/** When the key in the first argument expires, in units of `unitMs` from `fromMs` on, rounded as Redis does. */
function replyExpiry(call: Call, unitMs: number, fromMs: number): void {
  const record = call.peek(1);
  if (record === 0) return call.reply.integer(NO_KEY);
  const expiryMs = call.keyspace.records.expiry(record);
  if (expiryMs === NO_EXPIRY) return call.reply.integer(FOR_EVER);
  const leftMs = Math.max(0, expiryMs - fromMs);
  if (leftMs < FAR_MS) {
    call.reply.integer(unitMs === SECOND_MS ? Math.floor((leftMs + SECOND_MS / 2) / SECOND_MS) : leftMs);
    return;
  }
  const farMs = cutToInt64(expiryMs) - BigInt(fromMs);
  call.reply.int64(unitMs === SECOND_MS ? (farMs + 500n) / 1000n : farMs);
}
