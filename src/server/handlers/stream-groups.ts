/**
 * Groups of consumers: XGROUP, XACK and XPENDING.
 *
 * Nothing here but the making of a key and the end of a group is a change that WATCH sees, as in Redis.
 */
import { Bytes } from '../../base';
import { containerHelp, unknownSubcommandOrArity, type Handlers, type stream } from '../../commands';
import { StreamId, UNKNOWN, type Address, type Stream } from '../../storage';
import type { Call, Handler } from '../call';
import { ENTRIES_READ_IS_NEGATIVE, GROUP_EXISTS, GROUP_NEEDS_KEY } from '../error-replies';
import { isSign, parseEnd, parseId, parseIdOrExtreme, parseStart } from './stream-arguments';
import { appendAside, beginAside, endAside, replyId, SMALLEST_ID } from './stream-replies';

type GroupCommands =
  | 'XACK'
  | 'XGROUP CREATE'
  | 'XGROUP CREATECONSUMER'
  | 'XGROUP DELCONSUMER'
  | 'XGROUP DESTROY'
  | 'XGROUP HELP'
  | 'XGROUP SETID'
  | 'XPENDING';

/** Most arguments of CREATE: an option that comes twice makes more. */
const CREATE_ARGC_MAX = 8;

const id = new StreamId();
const last = new StreamId();
const name = new Bytes();

export const streamGroupHandlers: Pick<Handlers<typeof stream, Handler>, GroupCommands> = {
  XACK(call) {
    const stream = call.readable(call.stream, 1);
    if (stream === null) return;
    const group = stream.findGroup(call.arg(2));
    if (group === 0) return call.reply.integer(0);
    for (let i = 3; i < call.argc; i++) if (!parseId(call, i, id)) return;
    let acknowledged = 0;
    for (let i = 3; i < call.argc; i++) {
      id.parse(call.arg(i));
      const entry = stream.groups.findPending(group, id);
      if (entry === 0) continue;
      stream.groups.removePending(group, entry, id);
      acknowledged++;
    }
    call.changed(acknowledged);
    call.reply.integer(acknowledged);
  },

  'XGROUP CREATE'(call) {
    if (!options.parse(call, true)) return;
    const stream = call.writable(call.stream, 2);
    if (stream === null) return;
    if (!stream.exists && !options.makesKey) return call.reply.error(GROUP_NEEDS_KEY);
    if (call.argc > CREATE_ARGC_MAX) return call.reply.error(unknownSubcommandOrArity(call.args, 'XGROUP'));
    if (isSign(call, 4, '$')) {
      if (stream.exists) stream.lastId(id);
      else id.setZero();
    } else if (!parseId(call, 4, id)) {
      return;
    }
    stream.create();
    if (stream.findGroup(call.arg(3)) !== 0) return call.reply.error(GROUP_EXISTS);
    stream.createGroup(call.arg(3), id, options.entriesRead);
    call.changed();
    call.reply.ok();
  },

  'XGROUP CREATECONSUMER'(call) {
    const stream = existing(call);
    const group = stream === null ? 0 : existingGroup(call, stream);
    if (stream === null || group === 0) return;
    if (stream.groups.findConsumer(group, call.arg(4)) !== 0) return call.reply.integer(0);
    stream.groups.createConsumer(group, call.arg(4), call.keyspace.nowMs);
    call.changed();
    call.reply.integer(1);
  },

  'XGROUP DELCONSUMER'(call) {
    const stream = existing(call);
    const group = stream === null ? 0 : existingGroup(call, stream);
    if (stream === null || group === 0) return;
    const { groups } = stream;
    const consumer = groups.findConsumer(group, call.arg(4));
    if (consumer === 0) return call.reply.integer(0);
    const pending = groups.pendingOfConsumer(consumer);
    groups.deleteConsumer(group, consumer);
    call.changed();
    call.reply.integer(pending);
  },

  'XGROUP DESTROY'(call) {
    const stream = existing(call);
    if (stream === null) return;
    const group = stream.findGroup(call.arg(3));
    if (group === 0) return call.reply.integer(0);
    stream.destroyGroup(group);
    call.changed();
    call.reply.integer(1);
  },

  'XGROUP HELP': containerHelp,

  'XGROUP SETID'(call) {
    if (!options.parse(call, false)) return;
    const stream = existing(call);
    const group = stream === null ? 0 : existingGroup(call, stream);
    if (stream === null || group === 0) return;
    if (call.argc !== 5 && call.argc !== 7) return call.reply.error(unknownSubcommandOrArity(call.args, 'XGROUP'));
    if (isSign(call, 4, '$')) stream.lastId(id);
    else if (!parseIdOrExtreme(call, 4, id)) return;
    stream.groups.setLastId(group, id);
    stream.groups.setEntriesRead(group, options.entriesRead);
    call.changed();
    call.reply.ok();
  },

  XPENDING(call) {
    if (call.argc === 3) {
      const stream = call.readable(call.stream, 1);
      const group = stream === null ? 0 : pendingGroup(call, stream);
      if (stream !== null && group !== 0) replySummary(call, stream, group);
      return;
    }
    if (!range.parse(call)) return;
    const stream = call.readable(call.stream, 1);
    const group = stream === null ? 0 : pendingGroup(call, stream);
    if (stream !== null && group !== 0) replyPendingRange(call, stream, group);
  },
};

/** The stream in argument 2, which must be there; null after the error reply. */
function existing(call: Call): Stream | null {
  const stream = call.writable(call.stream, 2);
  if (stream === null || stream.exists) return stream;
  call.reply.error(GROUP_NEEDS_KEY);
  return null;
}

/** The group in argument 3, which must be there; 0 after the error reply. */
function existingGroup(call: Call, stream: Stream): Address {
  const group = stream.findGroup(call.arg(3));
  if (group === 0) call.reply.error(noSuchGroup(call.text(3), call.text(2)));
  return group;
}

export function noSuchGroup(group: string, key: string): string {
  return `NOGROUP No such consumer group '${group}' for key name '${key}'`;
}

/** Options of XGROUP CREATE and SETID: one object for all calls. */
class GroupOptions {
  makesKey = false;
  entriesRead = UNKNOWN;

  parse(call: Call, isCreate: boolean): boolean {
    this.makesKey = false;
    this.entriesRead = UNKNOWN;
    for (let i = 5; i < call.argc; i++) {
      if (isCreate && call.is(i, 'mkstream')) {
        this.makesKey = true;
      } else if (i + 1 < call.argc && call.is(i, 'entriesread')) {
        this.entriesRead = call.clampedInteger(++i);
        if (Number.isNaN(this.entriesRead)) return false;
        if (this.entriesRead < 0 && this.entriesRead !== UNKNOWN) {
          call.reply.error(ENTRIES_READ_IS_NEGATIVE);
          return false;
        }
      } else {
        call.reply.error(unknownSubcommandOrArity(call.args, 'XGROUP'));
        return false;
      }
    }
    return true;
  }
}

const options = new GroupOptions();

// ── XPENDING ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** What XPENDING asks for: one object for all calls. */
class PendingRange {
  readonly first = new StreamId();
  readonly last = new StreamId();
  minIdleMs = 0;
  limit = 0;
  /** Position of the consumer's name; 0 for all consumers. */
  consumerAt = 0;

  /** Reads the arguments from 3 on; false after the error reply. */
  parse(call: Call): boolean {
    const { argc } = call;
    if (argc < 6 || argc > 9) return refuse(call);
    let at = 3;
    this.minIdleMs = 0;
    if (call.is(at, 'idle')) {
      this.minIdleMs = call.clampedInteger(at + 1);
      if (Number.isNaN(this.minIdleMs)) return false;
      if (argc < 8) return refuse(call);
      at += 2;
    }
    this.limit = Math.max(0, call.clampedInteger(at + 2));
    if (Number.isNaN(this.limit)) return false;
    if (!parseStart(call, at, this.first) || !parseEnd(call, at + 1, this.last)) return false;
    this.consumerAt = at + 3 < argc ? at + 3 : 0;
    return true;
  }
}

const range = new PendingRange();

function refuse(call: Call): false {
  call.syntaxError();
  return false;
}

/** The group in argument 2, which must be there; 0 after the error reply. */
function pendingGroup(call: Call, stream: Stream): Address {
  const group = stream.findGroup(call.arg(2));
  if (group === 0) call.reply.error(noKeyOrGroup(call.text(1), call.text(2)));
  return group;
}

export function noKeyOrGroup(key: string, group: string): string {
  return `NOGROUP No such key '${key}' or consumer group '${group}'`;
}

/** How much is pending, from where to where, and for whom. */
function replySummary(call: Call, stream: Stream, group: Address): void {
  const { reply } = call;
  const { groups } = stream;
  const count = groups.pendingOfGroup(group);
  reply.array(4);
  reply.integer(count);
  if (count === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  const walk = groups.pendingFrom(group, SMALLEST_ID);
  walk.next();
  replyId(reply, walk.id);
  replyId(reply, groups.lastPendingId(group, last));
  const consumers = groups.consumersOf(group).filter((consumer) => groups.pendingOfConsumer(consumer) > 0);
  reply.array(consumers.length);
  for (const consumer of consumers) {
    reply.array(2);
    reply.bulk(groups.consumerName(consumer, name));
    reply.bulkInteger(groups.pendingOfConsumer(consumer));
  }
}

/** Each pending entry in the range: its id, for whom, since when (ms), and how often it was handed out. */
function replyPendingRange(call: Call, stream: Stream, group: Address): void {
  const { reply, keyspace } = call;
  const { groups } = stream;
  const { pending } = groups;
  const consumer = range.consumerAt === 0 ? 0 : groups.findConsumer(group, call.arg(range.consumerAt));
  if (range.consumerAt !== 0 && consumer === 0) return reply.emptyArray();
  const walk =
    consumer === 0 ? groups.pendingFrom(group, range.first) : groups.pendingOfConsumerFrom(consumer, range.first);
  const out = beginAside(reply);
  let count = 0;
  while (count < range.limit && walk.next() && walk.id.compare(range.last) <= 0) {
    const idleMs = keyspace.nowMs - pending.delivered(walk.entry);
    if (range.minIdleMs !== 0 && idleMs < range.minIdleMs) continue;
    reply.array(4);
    replyId(reply, walk.id);
    reply.bulk(groups.consumerName(pending.consumer(walk.entry), name));
    reply.integer(Math.max(0, idleMs));
    reply.integer(pending.deliveries(walk.entry));
    count++;
  }
  const aside = endAside(reply, out);
  reply.array(count);
  appendAside(reply, aside);
}
