/**
 * XCLAIM and XAUTOCLAIM: a consumer takes over what is pending for others, named by id or whatever has been idle for long.
 *
 * Both meet entries that have been deleted from the stream meanwhile: those are not pending any more.
 */
import type { Handlers, stream } from '../../commands';
import { StreamId, type Address, type Stream } from '../../storage';
import type { Call, Handler } from '../call';
import { parseId, parseStart } from './stream-arguments';
import { Actor } from './stream-effects';
import { noKeyOrGroup } from './stream-groups';
import { appendAside, beginAside, endAside, replyEntryOf, replyId } from './stream-replies';

const XCLAIM_MIN_IDLE = 'ERR Invalid min-idle-time argument for XCLAIM';
const XAUTOCLAIM_MIN_IDLE = 'ERR Invalid min-idle-time argument for XAUTOCLAIM';
const BAD_IDLE = 'ERR Invalid IDLE option argument for XCLAIM';
const BAD_TIME = 'ERR Invalid TIME option argument for XCLAIM';
const BAD_RETRYCOUNT = 'ERR Invalid RETRYCOUNT option argument for XCLAIM';
const BAD_COUNT = 'ERR COUNT must be > 0';

/** Entries that XAUTOCLAIM replies at most, and how many times that it looks at. */
const COUNT_USUAL = 100;
const COUNT_MAX = (2n ** 63n - 1n) / 16n;
const ATTEMPTS_PER_COUNT = 10;

const id = new StreamId();
const claimer = new Actor();

/** What both have in common, and the options of XCLAIM: one object for all calls. */
class ClaimOptions {
  minIdleMs = 0;
  /** Position of the first argument that is no id. */
  idsEnd = 0;
  deliveredMs = 0;
  /** How often it is to count as handed out; −1 to go on counting. */
  deliveries = -1;
  isForced = false;
  isIdOnly = false;
  readonly lastId = new StreamId();

  /** Reads the arguments of XCLAIM from 4 on; false after the error reply. */
  parse(call: Call): boolean {
    const { nowMs } = call.keyspace;
    this.deliveries = -1;
    this.isForced = this.isIdOnly = false;
    this.lastId.setZero();
    this.minIdleMs = Math.max(0, call.clampedInteger(4, XCLAIM_MIN_IDLE));
    if (Number.isNaN(this.minIdleMs)) return false;
    let deliveredMs = nowMs;
    let i = 5;
    while (i < call.argc && id.parse(call.arg(i))) i++;
    this.idsEnd = i;
    for (; i < call.argc; i++) {
      const hasValue = i + 1 < call.argc;
      if (call.is(i, 'force')) this.isForced = true;
      else if (call.is(i, 'justid')) this.isIdOnly = true;
      else if (hasValue && call.is(i, 'idle')) deliveredMs = nowMs - call.clampedInteger(++i, BAD_IDLE);
      else if (hasValue && call.is(i, 'time')) deliveredMs = call.clampedInteger(++i, BAD_TIME);
      else if (hasValue && call.is(i, 'retrycount')) this.deliveries = call.clampedInteger(++i, BAD_RETRYCOUNT);
      else if (hasValue && call.is(i, 'lastid')) {
        if (!parseId(call, ++i, this.lastId)) return false;
      } else {
        call.reply.error(`ERR Unrecognized XCLAIM option '${call.text(i)}'`);
        return false;
      }
      if (Number.isNaN(deliveredMs) || Number.isNaN(this.deliveries)) return false;
    }
    // A client may have computed the time by a clock that is not ours.
    this.deliveredMs = deliveredMs < 0 || deliveredMs > nowMs ? nowMs : deliveredMs;
    return true;
  }
}

const options = new ClaimOptions();

export const streamClaimHandlers: Pick<Handlers<typeof stream, Handler>, 'XAUTOCLAIM' | 'XCLAIM'> = {
  XAUTOCLAIM(call) {
    const minIdleMs = Math.max(0, call.clampedInteger(4, XAUTOCLAIM_MIN_IDLE));
    if (Number.isNaN(minIdleMs) || !parseStart(call, 5, id)) return;
    let count = COUNT_USUAL;
    let isIdOnly = false;
    for (let i = 6; i < call.argc; i++) {
      if (i + 1 < call.argc && call.is(i, 'count')) {
        const exact = call.int64(++i, BAD_COUNT);
        if (exact === null) return;
        if (exact < 1n || exact > COUNT_MAX) return call.reply.error(BAD_COUNT);
        count = Number(exact);
      } else if (call.is(i, 'justid')) {
        isIdOnly = true;
      } else {
        return call.syntaxError();
      }
    }
    const stream = call.readable(call.stream, 1);
    const group = stream === null ? 0 : claimedGroup(call, stream);
    if (stream !== null && group !== 0) claimIdle(call, stream, group, minIdleMs, count, isIdOnly);
  },

  XCLAIM(call) {
    const stream = call.readable(call.stream, 1);
    const group = stream === null ? 0 : claimedGroup(call, stream);
    if (stream !== null && group !== 0 && options.parse(call)) claimNamed(call, stream, group);
  },
};

/** The group in argument 2, which must be there; 0 after the error reply. */
function claimedGroup(call: Call, stream: Stream): Address {
  const group = stream.findGroup(call.arg(2));
  if (group === 0) call.reply.error(noKeyOrGroup(call.text(1), call.text(2)));
  return group;
}

/** Whether `claimant` had to make the consumer. */
let isNewConsumer = false;

/** The consumer in argument 3, which is made if need be, and has been seen. */
function claimant(call: Call, { groups }: Stream, group: Address): Address {
  const { nowMs } = call.keyspace;
  let consumer = groups.findConsumer(group, call.arg(3));
  isNewConsumer = consumer === 0;
  if (consumer === 0) {
    consumer = groups.createConsumer(group, call.arg(3), nowMs);
    call.changed();
  }
  groups.setSeen(consumer, nowMs);
  return consumer;
}

function claimNamed(call: Call, stream: Stream, group: Address): void {
  const { reply, keyspace } = call;
  const { groups } = stream;
  const { pending } = groups;
  call.leaveNothing();
  const isPlaced = options.lastId.compare(groups.lastId(group, id)) > 0;
  if (isPlaced) groups.setLastId(group, options.lastId);
  const consumer = claimant(call, stream, group);
  const out = beginAside(reply);
  let claimed = 0;
  let gone = 0;
  for (let i = 5; i < options.idsEnd; i++) {
    id.parse(call.arg(i));
    let entry = groups.findPending(group, id);
    if (!stream.has(id)) {
      if (entry !== 0) {
        claimer.leaveClaim(call, stream, group, entry, id);
        groups.removePending(group, entry, id);
        gone++;
      }
      continue;
    }
    if (entry === 0) {
      if (!options.isForced) continue;
      entry = groups.addPending(group, consumer, id, options.deliveredMs, 1);
    } else if (isTooRecent(keyspace.nowMs - pending.delivered(entry), options.minIdleMs)) {
      continue;
    }
    groups.givePending(entry, id, consumer);
    pending.setDelivered(entry, options.deliveredMs);
    if (options.deliveries >= 0) pending.setDeliveries(entry, options.deliveries);
    else if (!options.isIdOnly) pending.setDeliveries(entry, pending.deliveries(entry) + 1);
    groups.setActive(consumer, keyspace.nowMs);
    replyClaimed(call, stream, id, options.isIdOnly);
    claimer.leaveClaim(call, stream, group, entry, id);
    claimed++;
  }
  const aside = endAside(reply, out);
  if (claimed + gone === 0) {
    if (isNewConsumer) claimer.leaveConsumer(call);
    if (isPlaced) claimer.leavePlace(call, stream, group);
  }
  call.changed(claimed + gone + (isPlaced ? 1 : 0));
  reply.array(claimed);
  appendAside(reply, aside);
}

/** Claims entries from `id` on: replies where to go on, what was claimed, and which of them are gone. */
function claimIdle(
  call: Call,
  stream: Stream,
  group: Address,
  minIdleMs: number,
  count: number,
  isIdOnly: boolean,
): void {
  const { reply, keyspace } = call;
  const { groups } = stream;
  const { pending } = groups;
  call.leaveNothing();
  const consumer = claimant(call, stream, group);
  const gone: StreamId[] = [];
  const out = beginAside(reply);
  let claimed = 0;
  let attempts = count * ATTEMPTS_PER_COUNT;
  let walk = groups.pendingFrom(group, id);
  let isMore = walk.next();
  while (isMore && attempts-- > 0 && claimed + gone.length < count) {
    const { entry } = walk;
    id.set(walk.id);
    if (!stream.has(id)) {
      claimer.leaveClaim(call, stream, group, entry, id);
      groups.removePending(group, entry, id);
      gone.push(new StreamId().set(id));
      walk = groups.pendingFrom(group, id);
    } else if (!isTooRecent(keyspace.nowMs - pending.delivered(entry), minIdleMs)) {
      groups.givePending(entry, id, consumer);
      pending.setDelivered(entry, keyspace.nowMs);
      if (!isIdOnly) pending.setDeliveries(entry, pending.deliveries(entry) + 1);
      groups.setActive(consumer, keyspace.nowMs);
      replyClaimed(call, stream, id, isIdOnly);
      claimer.leaveClaim(call, stream, group, entry, id);
      claimed++;
    }
    isMore = walk.next();
  }
  const aside = endAside(reply, out);
  if (isNewConsumer && claimed + gone.length === 0) claimer.leaveConsumer(call);
  call.changed(claimed + gone.length);
  reply.array(3);
  replyId(reply, isMore ? walk.id : id.setZero());
  reply.array(claimed);
  appendAside(reply, aside);
  reply.array(gone.length);
  for (const goneId of gone) replyId(reply, goneId);
}

/** Where no idle time is asked for, none is too short: not even one below 0, after the clock was set back. */
function isTooRecent(idleMs: number, minIdleMs: number): boolean {
  return minIdleMs > 0 && idleMs < minIdleMs;
}

function replyClaimed(call: Call, stream: Stream, claimed: StreamId, isIdOnly: boolean): void {
  if (isIdOnly) replyId(call.reply, claimed);
  else replyEntryOf(call.reply, stream, claimed);
}
