/**
 * Hash commands: records of fields and values under one key.
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
  writeInteger,
} from '../../base';
import { replyName, wrongArity, type hash, type Handlers } from '../../commands';
import { fixedWord, type Hash } from '../../storage';
import type { Call, Handler } from '../call';
import {
  HASH_VALUE_IS_NOT_A_FLOAT,
  HASH_VALUE_IS_NOT_AN_INTEGER,
  NOT_A_COUNT,
  NOT_A_FLOAT,
  NOT_FINITE,
  OUT_OF_RANGE,
  VALUE_IS_NOT_FINITE,
  WOULD_OVERFLOW,
} from '../error-replies';
import { replyScan } from './collection-scan';
import { sample } from './sampling';

const HSET = fixedWord('HSET');

/** What HRANDFIELD takes at most WITHVALUES: half of what a count can be. */
const COUNT_WITH_VALUES_MAX = (2n ** 63n - 1n) / 2n;

export const hashHandlers: Handlers<typeof hash, Handler> = {
  HDEL(call) {
    const hash = call.writable(call.hash, 1);
    if (hash === null) return;
    let removed = 0;
    for (let i = 2; i < call.argc && hash.exists; i++) if (hash.delete(call.arg(i))) removed++;
    call.changed(removed);
    call.reply.integer(removed);
  },

  HEXISTS(call) {
    const hash = call.readable(call.hash, 1);
    if (hash !== null) call.reply.integer(hash.has(call.arg(2)) ? 1 : 0);
  },

  HGET(call) {
    const hash = call.readable(call.hash, 1);
    if (hash === null) return;
    if (hash.get(call.arg(2), call.value)) call.reply.bulk(call.value);
    else call.reply.null();
  },

  HGETALL(call) {
    const hash = call.readable(call.hash, 1);
    if (hash === null) return;
    call.reply.map(hash.length);
    hash.writePairs(call.reply.out);
  },

  HINCRBY(call) {
    const increment = parseInteger(call.arg(3));
    const exact = Number.isNaN(increment) ? call.int64(3) : 0n;
    if (exact === null) return;
    const hash = call.writable(call.hash, 1);
    if (hash === null) return;
    const field = call.arg(2);
    const isThere = hash.get(field, call.value);
    const small = (isThere ? parseInteger(call.value) : 0) + increment;
    if (Number.isSafeInteger(small)) {
      digits.end = writeInteger(digits.buffer, 0, small);
      hash.set(field, digits);
      call.changed();
      call.reply.integer(small);
      return;
    }
    const value = isThere ? parseInt64(call.value) : 0n;
    if (value === null) return call.reply.error(HASH_VALUE_IS_NOT_AN_INTEGER);
    const sum = value + (Number.isNaN(increment) ? exact : BigInt(increment));
    if (sum < INT64_MIN || sum > INT64_MAX) return call.reply.error(WOULD_OVERFLOW);
    hash.set(field, Bytes.of(sum.toString()));
    call.changed();
    call.reply.int64(sum);
  },

  HINCRBYFLOAT(call) {
    const increment = parseLongDouble(call.arg(3));
    if (increment === null) return call.reply.error(NOT_A_FLOAT);
    if (!isFiniteLongDouble(increment)) return call.reply.error(VALUE_IS_NOT_FINITE);
    const hash = call.writable(call.hash, 1);
    if (hash === null) return;
    const value = parseLongDouble(hash.get(call.arg(2), call.value) ? call.value : ZERO);
    if (value === null) return call.reply.error(HASH_VALUE_IS_NOT_A_FLOAT);
    const sum = addLongDoubles(value, increment);
    if (!isFiniteLongDouble(sum)) return call.reply.error(NOT_FINITE);
    const text = Bytes.of(formatLongDouble(sum));
    hash.set(call.arg(2), text);
    if (call.journals) call.leave(4).fixed(HSET).word(call.arg(1)).word(call.arg(2)).word(text);
    call.changed();
    call.reply.bulk(text);
  },

  HKEYS(call) {
    const hash = call.readable(call.hash, 1);
    if (hash === null) return;
    call.reply.array(hash.length);
    for (hash.start(); hash.next();) call.reply.bulk(hash.name(call.value));
  },

  HLEN(call) {
    const hash = call.readable(call.hash, 1);
    if (hash !== null) call.reply.integer(hash.length);
  },

  HMGET(call) {
    const hash = call.readable(call.hash, 1);
    if (hash === null) return;
    call.reply.array(call.argc - 2);
    for (let i = 2; i < call.argc; i++) {
      if (hash.get(call.arg(i), call.value)) call.reply.bulk(call.value);
      else call.reply.null();
    }
  },

  HMSET(call) {
    if (setFields(call) >= 0) call.reply.ok();
  },

  HRANDFIELD(call) {
    if (call.argc === 2) {
      const hash = call.readable(call.hash, 1);
      if (hash === null) return;
      if (!hash.exists) return call.reply.null();
      hash.pick(call.keyspace.random);
      call.reply.bulk(hash.name(call.value));
      return;
    }
    const exact = call.int64(2);
    if (exact === null) return;
    if (exact === INT64_MIN) return call.reply.error(NOT_A_COUNT);
    const withValues = call.argc > 3;
    if (withValues) {
      if (call.argc > 4 || !call.is(3, 'withvalues')) return call.syntaxError();
      if (exact < -COUNT_WITH_VALUES_MAX || exact > COUNT_WITH_VALUES_MAX) return call.reply.error(OUT_OF_RANGE);
    }
    const hash = call.readable(call.hash, 1);
    if (hash !== null) replyRandom(call, hash, Number(exact), withValues);
  },

  HSCAN(call) {
    replyScan(call, call.hash, (hash) => call.reply.bulk(hash.value(call.value)));
  },

  HSET(call) {
    const added = setFields(call);
    if (added >= 0) call.reply.integer(added);
  },

  HSETNX(call) {
    const hash = call.writable(call.hash, 1);
    if (hash === null) return;
    if (hash.has(call.arg(2))) return call.reply.integer(0);
    hash.set(call.arg(2), call.arg(3));
    call.changed();
    call.reply.integer(1);
  },

  HSTRLEN(call) {
    const hash = call.readable(call.hash, 1);
    if (hash !== null) call.reply.integer(hash.get(call.arg(2), call.value) ? call.value.length : 0);
  },

  HVALS(call) {
    const hash = call.readable(call.hash, 1);
    if (hash === null) return;
    call.reply.array(hash.length);
    for (hash.start(); hash.next();) call.reply.bulk(hash.value(call.value));
  },
};

const ZERO = Bytes.of('0');
/** Room for an integer's spelling. */
const digits = new Bytes(new Uint8Array(24), 0, 0);

/** Sets the fields that the arguments name; how many are new, -1 after the error reply. */
function setFields(call: Call): number {
  if (call.argc % 2 !== 0) {
    call.reply.error(wrongArity(replyName(call.spec)));
    return -1;
  }
  const hash = call.writable(call.hash, 1);
  if (hash === null) return -1;
  let added = 0;
  for (let i = 2; i < call.argc; i += 2) if (hash.set(call.arg(i), call.arg(i + 1))) added++;
  call.changed((call.argc - 2) / 2);
  return added;
}

/** Different fields where `count` is positive, else −count fields drawn one by one. */
function replyRandom(call: Call, hash: Hash, count: number, withValues: boolean): void {
  const { reply } = call;
  const { random } = call.keyspace;
  const positions = count > 0 ? sample(hash, count, random) : null;
  const chosen = hash.exists ? (positions?.length ?? -count) : 0;
  // RESP3 has pairs; RESP2 one flat array.
  const inPairs = withValues && reply.protocol === 3;
  reply.array(withValues && !inPairs ? chosen * 2 : chosen);
  for (let i = 0; i < chosen; i++) {
    if (positions === null) hash.pick(random);
    else hash.position = positions[i];
    if (inPairs) reply.array(2);
    reply.bulk(hash.name(call.value));
    if (withValues) reply.bulk(hash.value(call.value));
  }
}
