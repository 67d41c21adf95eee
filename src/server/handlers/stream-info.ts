/**
 * XINFO: what a stream, its groups and their consumers are at the moment.
 *
 * Redis tells the nodes of its radix tree, which are not here; what is told instead is one more than the nodes that hold
 * entries, as in Redis for streams of at most one.
 */
import { Bytes } from '../../base';
import { containerHelp, unknownSubcommandOrArity, type Handlers, type stream } from '../../commands';
import { StreamId, UNKNOWN, type Address, type Stream } from '../../storage';
import type { Call, Handler } from '../call';
import { NO_SUCH_KEY } from '../error-replies';
import { noSuchGroup } from './stream-groups';
import { LARGEST_ID, replyEntry, replyId, replyRange, SMALLEST_ID } from './stream-replies';

type InfoCommands = 'XINFO CONSUMERS' | 'XINFO GROUPS' | 'XINFO HELP' | 'XINFO STREAM';

/** Entries that FULL tells of each list, unless COUNT says otherwise. */
const COUNT_USUAL = 10;

const id = new StreamId();
const name = new Bytes();

export const streamInfoHandlers: Pick<Handlers<typeof stream, Handler>, InfoCommands> = {
  'XINFO CONSUMERS'(call) {
    const stream = existing(call);
    if (stream === null) return;
    const { reply, keyspace } = call;
    const { groups } = stream;
    const group = stream.findGroup(call.arg(3));
    if (group === 0) return reply.error(noSuchGroup(call.text(3), call.text(2)));
    const consumers = groups.consumersOf(group);
    reply.array(consumers.length);
    for (const consumer of consumers) {
      const active = groups.active(consumer);
      reply.map(4);
      reply.text('name');
      reply.bulk(groups.consumerName(consumer, name));
      tell(call, 'pending', groups.pendingOfConsumer(consumer));
      tell(call, 'idle', Math.max(0, keyspace.nowMs - groups.seen(consumer)));
      tell(call, 'inactive', active === UNKNOWN ? -1 : keyspace.nowMs - active);
    }
  },

  'XINFO GROUPS'(call) {
    const stream = existing(call);
    if (stream === null) return;
    const { groups } = stream;
    const found = stream.allGroups();
    call.reply.array(found.length);
    for (const group of found) {
      call.reply.map(6);
      call.reply.text('name');
      call.reply.bulk(groups.name(group, name));
      tell(call, 'consumers', groups.consumerCount(group));
      tell(call, 'pending', groups.pendingOfGroup(group));
      tellId(call, 'last-delivered-id', groups.lastId(group, id));
      tellKnown(call, 'entries-read', known(groups.entriesRead(group)));
      tellKnown(call, 'lag', stream.lag(group));
    }
  },

  'XINFO HELP': containerHelp,

  'XINFO STREAM'(call) {
    const stream = existing(call);
    if (stream === null) return;
    if (call.argc === 3) return replyInfo(call, stream);
    const isWellFormed = call.is(3, 'full') && (call.argc === 4 || (call.argc === 6 && call.is(4, 'count')));
    if (!isWellFormed) return call.reply.error(unknownSubcommandOrArity(call.args, 'XINFO'));
    const count = call.argc === 4 ? COUNT_USUAL : call.clampedInteger(5);
    if (!Number.isNaN(count)) replyFull(call, stream, count < 0 ? COUNT_USUAL : count);
  },
};

/** The stream in argument 2, which must be there; null after the error reply. */
function existing(call: Call): Stream | null {
  const stream = call.readable(call.stream, 2);
  if (stream === null || stream.exists) return stream;
  call.reply.error(NO_SUCH_KEY);
  return null;
}

function replyInfo(call: Call, stream: Stream): void {
  call.reply.map(10);
  replyFigures(call, stream);
  tell(call, 'groups', stream.groupCount);
  call.reply.text('first-entry');
  replyEdge(call, stream, false);
  call.reply.text('last-entry');
  replyEdge(call, stream, true);
}

/** `count` limits each list; 0 for no limit. */
function replyFull(call: Call, stream: Stream, count: number): void {
  const { reply } = call;
  reply.map(9);
  replyFigures(call, stream);
  reply.text('entries');
  replyRange(reply, stream, SMALLEST_ID, LARGEST_ID, count, false);
  const groups = stream.allGroups();
  reply.text('groups');
  reply.array(groups.length);
  for (const group of groups) replyGroup(call, stream, group, count);
}

function replyFigures(call: Call, stream: Stream): void {
  tell(call, 'length', stream.length);
  tell(call, 'radix-tree-keys', stream.nodeCount);
  tell(call, 'radix-tree-nodes', stream.nodeCount + 1);
  tellId(call, 'last-generated-id', stream.lastId(id));
  tellId(call, 'max-deleted-entry-id', stream.maxDeletedId(id));
  tell(call, 'entries-added', stream.entriesAdded);
  tellId(call, 'recorded-first-entry-id', stream.firstId(id));
}

/** The first entry, or the last; null where there is none. */
function replyEdge(call: Call, stream: Stream, isLast: boolean): void {
  const walk = stream.range(SMALLEST_ID, LARGEST_ID, isLast);
  if (walk.next()) replyEntry(call.reply, walk);
  else call.reply.null();
}

function replyGroup(call: Call, stream: Stream, group: Address, count: number): void {
  const { reply } = call;
  const { groups } = stream;
  const { pending } = groups;
  reply.map(7);
  reply.text('name');
  reply.bulk(groups.name(group, name));
  tellId(call, 'last-delivered-id', groups.lastId(group, id));
  tellKnown(call, 'entries-read', known(groups.entriesRead(group)));
  tellKnown(call, 'lag', stream.lag(group));
  tell(call, 'pel-count', groups.pendingOfGroup(group));
  reply.text('pending');
  const left = atMost(groups.pendingOfGroup(group), count);
  const walk = groups.pendingFrom(group, SMALLEST_ID);
  reply.array(left);
  for (let i = 0; i < left; i++) {
    walk.next();
    reply.array(4);
    replyId(reply, walk.id);
    reply.bulk(groups.consumerName(pending.consumer(walk.entry), name));
    reply.integer(pending.delivered(walk.entry));
    reply.integer(pending.deliveries(walk.entry));
  }
  const consumers = groups.consumersOf(group);
  reply.text('consumers');
  reply.array(consumers.length);
  for (const consumer of consumers) replyConsumer(call, stream, consumer, count);
}

function replyConsumer(call: Call, { groups }: Stream, consumer: Address, count: number): void {
  const { reply } = call;
  const { pending } = groups;
  reply.map(5);
  reply.text('name');
  reply.bulk(groups.consumerName(consumer, name));
  reply.text('seen-time');
  reply.integer(groups.seen(consumer));
  reply.text('active-time');
  reply.integer(groups.active(consumer));
  tell(call, 'pel-count', groups.pendingOfConsumer(consumer));
  reply.text('pending');
  const left = atMost(groups.pendingOfConsumer(consumer), count);
  const walk = groups.pendingOfConsumerFrom(consumer, SMALLEST_ID);
  reply.array(left);
  for (let i = 0; i < left; i++) {
    walk.next();
    reply.array(3);
    replyId(reply, walk.id);
    reply.integer(pending.delivered(walk.entry));
    reply.integer(pending.deliveries(walk.entry));
  }
}

/** A name and its number. */
function tell(call: Call, what: string, value: number): void {
  call.reply.text(what);
  call.reply.integer(value);
}

function known(count: number): number | null {
  return count === UNKNOWN ? null : count;
}

/** The same for a number that may be unknown. */
function tellKnown(call: Call, what: string, value: number | null): void {
  call.reply.text(what);
  if (value === null) call.reply.null();
  else call.reply.integer(value);
}

function tellId(call: Call, what: string, value: StreamId): void {
  call.reply.text(what);
  replyId(call.reply, value);
}

function atMost(count: number, limit: number): number {
  return limit === 0 ? count : Math.min(count, limit);
}
