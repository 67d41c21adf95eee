/**
 * XREAD and XREADGROUP: what several streams have after an id of each, waiting for it if asked to.
 *
 * XREADGROUP speaks for a consumer of a group. After ">" it hands out what the group has not had yet, which is pending from
 * then on; after an id it tells again what is pending for this consumer, whether the entries are still there or not.
 *
 * All keys, groups and ids are looked at before anything is done: an error in the last of them leaves all as it was. What was
 * asked for with "$" is the last id of that moment, also when the command is run again after a wait.
 */
import type { Handlers, stream } from '../../commands';
import { StreamId, TYPE_STREAM, type Address, type Stream } from '../../storage';
import type { Call, Handler } from '../call';
import {
  GROUP_MISSING,
  GROUP_NOT_FOR_XREAD,
  LATEST_NOT_FOR_XREADGROUP,
  NEW_NOT_FOR_XREAD,
  NOACK_NOT_FOR_XREAD,
} from '../error-replies';
import { isSign, parseId } from './stream-arguments';
import { Actor } from './stream-effects';
import {
  appendAside,
  beginAside,
  endAside,
  LARGEST_ID,
  replyEntry,
  replyEntryOf,
  replyId,
  replyRange,
} from './stream-replies';

/** No BLOCK. */
const NO_WAIT = -1;

/** What was asked for: one object for all calls. */
class ReadOptions {
  timeoutMs = NO_WAIT;
  /** Entries of each stream; 0 for all. */
  limit = 0;
  /** Positions of the group's and the consumer's name; 0 for XREAD. */
  groupAt = 0;
  consumerAt = 0;
  isUnacknowledged = false;
  /** Position of the first key, and how many there are; as many ids follow. */
  keysAt = 0;
  keyCount = 0;

  /** Reads the options; false after the error reply. */
  parse(call: Call, isForGroup: boolean): boolean {
    this.timeoutMs = NO_WAIT;
    this.limit = this.groupAt = this.consumerAt = this.keysAt = this.keyCount = 0;
    this.isUnacknowledged = false;
    for (let i = 1; i < call.argc && this.keysAt === 0; i++) {
      const more = call.argc - 1 - i;
      if (more > 0 && call.is(i, 'block')) {
        this.timeoutMs = call.timeoutMs(++i);
        if (Number.isNaN(this.timeoutMs)) return false;
      } else if (more > 0 && call.is(i, 'count')) {
        this.limit = Math.max(0, call.clampedInteger(++i));
        if (Number.isNaN(this.limit)) return false;
      } else if (more > 0 && call.is(i, 'streams')) {
        this.keysAt = i + 1;
        this.keyCount = more / 2;
        if (more % 2 !== 0) return fail(call, unbalanced(isForGroup));
      } else if (more > 1 && call.is(i, 'group')) {
        if (!isForGroup) return fail(call, GROUP_NOT_FOR_XREAD);
        this.groupAt = i + 1;
        this.consumerAt = i + 2;
        i += 2;
      } else if (call.is(i, 'noack')) {
        if (!isForGroup) return fail(call, NOACK_NOT_FOR_XREAD);
        this.isUnacknowledged = true;
      } else {
        call.syntaxError();
        return false;
      }
    }
    if (this.keysAt === 0) {
      call.syntaxError();
      return false;
    }
    return !isForGroup || this.groupAt !== 0 || fail(call, GROUP_MISSING);
  }
}

const options = new ReadOptions();
const reader = new Actor();
const after = new StreamId();
const other = new StreamId();

export const streamReadHandlers: Pick<Handlers<typeof stream, Handler>, 'XREAD' | 'XREADGROUP'> = {
  XREAD(call) {
    if (options.parse(call, false) && checkKeys(call)) replyStreams(call, readStream);
  },

  XREADGROUP(call) {
    call.leaveNothing();
    if (options.parse(call, true) && checkKeys(call)) replyStreams(call, readGroup);
  },
};

/** Looks at all keys, groups and ids; false after the error reply. */
function checkKeys(call: Call): boolean {
  const { keysAt, keyCount, groupAt } = options;
  for (let i = keysAt; i < keysAt + keyCount; i++) {
    const stream = call.readable(call.stream, i);
    if (stream === null) return false;
    if (groupAt !== 0 && stream.findGroup(call.arg(groupAt)) === 0) {
      return fail(call, noGroup(call.text(i), call.text(groupAt)));
    }
    const idAt = i + keyCount;
    if (isSign(call, idAt, '$')) {
      if (groupAt !== 0) return fail(call, LATEST_NOT_FOR_XREADGROUP);
    } else if (isSign(call, idAt, '>')) {
      if (groupAt === 0) return fail(call, NEW_NOT_FOR_XREAD);
    } else if (!parseId(call, idAt, after)) {
      return false;
    }
  }
  return true;
}

/** Replies what `read` finds in each of the streams, or waits. */
function replyStreams(call: Call, read: (call: Call, stream: Stream, i: number) => boolean): void {
  const { reply } = call;
  const { keysAt, keyCount } = options;
  const out = beginAside(reply);
  let found = 0;
  for (let i = keysAt; i < keysAt + keyCount; i++) {
    const stream = call.readable(call.stream, i);
    if (stream !== null && stream.exists && read(call, stream, i)) found++;
  }
  const aside = endAside(reply, out);
  if (found > 0 && reply.protocol === 3) reply.map(found);
  else if (found > 0) reply.array(found);
  appendAside(reply, aside);
  if (found === 0) waitOrReplyNull(call);
}

function waitOrReplyNull(call: Call): void {
  const { keysAt, keyCount, timeoutMs, groupAt } = options;
  if (timeoutMs === NO_WAIT || !call.mayBlock) return call.reply.nullArray();
  call.block({
    firstKey: keysAt,
    keyCount,
    timeoutMs,
    type: TYPE_STREAM,
    wakesOnLoss: groupAt !== 0,
    replaced: latestIds(call),
  });
}

/** What "$" means now, by the arguments that are that. */
function latestIds(call: Call): Map<number, Uint8Array> {
  const { keysAt, keyCount } = options;
  const ids = new Map<number, Uint8Array>();
  for (let i = keysAt; i < keysAt + keyCount; i++) {
    if (!isSign(call, i + keyCount, '$')) continue;
    const { stream, database } = call;
    const key = call.arg(i);
    stream.open(database, key, database.peek(key));
    if (stream.exists) stream.lastId(after);
    else after.setZero();
    ids.set(i + keyCount, Buffer.from(after.toString()));
  }
  return ids;
}

/** Replies what a stream has after the id that argument i + keyCount says; whether there is something. */
function readStream(call: Call, stream: Stream, i: number): boolean {
  const idAt = i + options.keyCount;
  if (isSign(call, idAt, '$')) return false;
  after.parse(call.arg(idAt));
  if (!stream.hasAfter(after)) return false;
  replyKey(call, i);
  after.increment();
  replyRange(call.reply, stream, after, LARGEST_ID, options.limit, false);
  return true;
}

/** The same for a consumer of a group. */
function readGroup(call: Call, stream: Stream, i: number): boolean {
  const { groups } = stream;
  const { nowMs } = call.keyspace;
  const group = stream.findGroup(call.arg(options.groupAt));
  let consumer = groups.findConsumer(group, call.arg(options.consumerAt));
  const isNewConsumer = consumer === 0;
  reader.set(i, options.groupAt, options.consumerAt);
  if (isNewConsumer) {
    consumer = groups.createConsumer(group, call.arg(options.consumerAt), nowMs);
    call.changed();
  }
  groups.setSeen(consumer, nowMs);
  const idAt = i + options.keyCount;
  // The largest id means ">" too.
  const isNew = isSign(call, idAt, '>') || (after.parse(call.arg(idAt)) && after.isMax);
  const isNothingNew = isNew && !stream.hasAfter(groups.lastId(group, after));
  if (isNewConsumer && (!isNew || isNothingNew || options.isUnacknowledged)) reader.leaveConsumer(call);
  if (isNothingNew) return false;
  replyKey(call, i);
  after.increment();
  if (isNew) handOut(call, stream, group, consumer);
  else replyPending(call, stream, group, consumer);
  call.changed();
  return true;
}

/** Hands the entries from `after` on out to a consumer. */
function handOut(call: Call, stream: Stream, group: Address, consumer: Address): void {
  const { groups } = stream;
  const { nowMs } = call.keyspace;
  const walk = stream.range(after, LARGEST_ID, false);
  // Unless the group was set back, nothing that comes now is pending yet.
  const isFresh = groups.pendingOfGroup(group) === 0 || groups.lastPendingId(group, other).compare(after) < 0;
  const out = beginAside(call.reply);
  let count = 0;
  while (walk.next()) {
    stream.noteRead(group, walk.id);
    replyEntry(call.reply, walk);
    if (!options.isUnacknowledged) {
      const entry = isFresh
        ? groups.addPending(group, consumer, walk.id, nowMs, 1)
        : groups.handOut(group, consumer, walk.id, nowMs);
      groups.setActive(consumer, nowMs);
      reader.leaveClaim(call, stream, group, entry, walk.id);
    }
    if (++count === options.limit) break;
  }
  // An XCLAIM moves the group on, but does not say how many entries it has read.
  reader.leavePlace(call, stream, group);
  const aside = endAside(call.reply, out);
  call.reply.array(count);
  appendAside(call.reply, aside);
}

/** Replies what is pending for a consumer, from `after` on; for entries that are gone null instead of their fields. */
function replyPending(call: Call, stream: Stream, group: Address, consumer: Address): void {
  const { reply, keyspace } = call;
  const { pending } = stream.groups;
  const walk = stream.groups.pendingOfConsumerFrom(consumer, after);
  const { id } = walk;
  const out = beginAside(reply);
  let count = 0;
  while (walk.next()) {
    const { entry } = walk;
    if (stream.has(id)) {
      replyEntryOf(reply, stream, id);
      pending.setDelivered(entry, keyspace.nowMs);
      pending.setDeliveries(entry, pending.deliveries(entry) + 1);
      reader.leaveClaim(call, stream, group, entry, id);
    } else {
      reply.array(2);
      replyId(reply, id);
      reply.nullArray();
    }
    if (++count === options.limit) break;
  }
  const aside = endAside(reply, out);
  reply.array(count);
  appendAside(reply, aside);
}

/** The key before its entries: RESP2 has pairs, RESP3 one map. */
function replyKey(call: Call, i: number): void {
  if (call.reply.protocol === 2) call.reply.array(2);
  call.reply.bulk(call.arg(i));
}

function fail(call: Call, error: string): false {
  call.reply.error(error);
  return false;
}

function unbalanced(isForGroup: boolean): string {
  const [name, sign] = isForGroup ? ['xreadgroup', '>'] : ['xread', '$'];
  return `ERR Unbalanced '${name}' list of streams: for each stream key an ID or '${sign}' must be specified.`;
}

function noGroup(key: string, group: string): string {
  return `NOGROUP No such key '${key}' or consumer group '${group}' in XREADGROUP with GROUP option`;
}
