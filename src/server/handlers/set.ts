/**
 * Set commands on one set, or between two: SMOVE. What combines sets is in set-operations.ts.
 */
import { INT64_MIN, type Bytes } from '../../base';
import { type set, type Handlers } from '../../commands';
import { ENCODING_INTSET, ENCODING_LISTPACK, fixedWord, type MemberSet } from '../../storage';
import type { Call, Handler } from '../call';
import { NOT_A_COUNT, NOT_POSITIVE } from '../error-replies';
import { replyScan } from './collection-scan';
import { leaveDeletion } from './effects';
import { sample } from './sampling';
import { setOperationHandlers } from './set-operations';

/**
 * SPOP makes a new set of what is to stay where so many times more is to go: popping would cost more. So does Redis, whose sets
 * may be packed again thereby, and only thereby.
 */
const REMAKE_FROM_RATIO = 5;

/** What SPOP leaves in the journal names this many members at most. */
const NAMED_MEMBERS_MAX = 1024;
const SREM = fixedWord('SREM');

export const setHandlers: Handlers<typeof set, Handler> = {
  SADD(call) {
    const set = call.writable(call.set, 1);
    if (set === null) return;
    set.expect(call.arg(2), call.argc - 2);
    let added = 0;
    for (let i = 2; i < call.argc; i++) if (set.add(call.arg(i))) added++;
    call.changed(added);
    call.reply.integer(added);
  },

  SCARD(call) {
    const set = call.readable(call.set, 1);
    if (set !== null) call.reply.integer(set.length);
  },

  SISMEMBER(call) {
    const set = call.readable(call.set, 1);
    if (set !== null) call.reply.integer(set.has(call.arg(2)) ? 1 : 0);
  },

  SMEMBERS(call) {
    const set = call.readable(call.set, 1);
    if (set === null) return;
    call.reply.set(set.length);
    set.writeMembers(call.reply.out);
  },

  SMISMEMBER(call) {
    const set = call.readable(call.set, 1);
    if (set === null) return;
    call.reply.array(call.argc - 2);
    for (let i = 2; i < call.argc; i++) call.reply.integer(set.has(call.arg(i)) ? 1 : 0);
  },

  SMOVE(call) {
    const source = call.writable(call.set, 1);
    if (source === null) return;
    // Nothing can be moved: what the destination holds does not matter then.
    if (!source.exists) return call.reply.integer(0);
    const destination = call.writable(call.otherSet, 2);
    if (destination === null) return;
    const member = call.arg(3);
    if (call.arg(1).equals(call.arg(2))) return call.reply.integer(source.has(member) ? 1 : 0);
    if (!source.delete(member)) return call.reply.integer(0);
    if (!destination.exists) destination.expect(member, 1);
    call.changed(destination.add(member) ? 2 : 1);
    call.reply.integer(1);
  },

  SPOP(call) {
    if (call.argc > 3) return call.syntaxError();
    if (call.argc === 3) return popSeveral(call);
    const set = call.writable(call.set, 1);
    if (set === null) return;
    if (!set.exists) return call.reply.null();
    pop(call, set, 0, 1);
    call.changed();
  },

  SRANDMEMBER(call) {
    if (call.argc > 3) return call.syntaxError();
    if (call.argc === 3) return replyRandom(call);
    const set = call.readable(call.set, 1);
    if (set === null) return;
    if (!set.exists) return call.reply.null();
    set.pick(call.keyspace.random);
    call.reply.bulk(set.name(call.value));
  },

  SREM(call) {
    const set = call.writable(call.set, 1);
    if (set === null) return;
    let removed = 0;
    for (let i = 2; i < call.argc && set.exists; i++) if (set.delete(call.arg(i))) removed++;
    call.changed(removed);
    call.reply.integer(removed);
  },

  SSCAN(call) {
    replyScan(call, call.set, null);
  },

  ...setOperationHandlers,
};

/** Replies a random member of a set that has some, and removes it: member `i` of `count` that go. */
function pop(call: Call, set: MemberSet, i: number, count: number): void {
  set.pick(call.keyspace.random);
  replyPopped(call, i, count, set.name(call.value));
  set.deleteHere();
}

/** Replies a member that goes, and names it in the journal. */
function replyPopped(call: Call, i: number, count: number, member: Bytes): void {
  call.reply.bulk(member);
  if (!call.journals) return;
  if (i % NAMED_MEMBERS_MAX === 0) {
    call
      .leave(2 + Math.min(NAMED_MEMBERS_MAX, count - i))
      .fixed(SREM)
      .word(call.arg(1));
  }
  call.node.journal.word(member);
}

function popSeveral(call: Call): void {
  const count = call.natural(2, NOT_POSITIVE);
  if (Number.isNaN(count)) return;
  const set = call.writable(call.set, 1);
  if (set === null) return;
  const { length } = set;
  const popped = Math.min(count, length);
  const left = length - popped;
  call.reply.set(popped);
  call.changed(popped);
  if (left === 0) {
    if (popped > 0) leaveDeletion(call, 1);
    set.writeMembers(call.reply.out);
    set.removeKey();
  } else if (left * REMAKE_FROM_RATIO > popped) {
    for (let i = 0; i < popped; i++) pop(call, set, i, popped);
  } else {
    popAllBut(call, set, left);
  }
}

/** Replies all members but for `left` random ones, of which the new set consists. */
function popAllBut(call: Call, set: MemberSet, left: number): void {
  const { database, keyspace, setDraft } = call;
  const key = call.arg(1);
  try {
    const staying = setDraft.begin();
    staying.startAs(set.isIntset ? ENCODING_INTSET : ENCODING_LISTPACK, left);
    for (set.position of sample(set, left, keyspace.random)) staying.addNew(set.name(call.value));
    const going = set.length - left;
    let i = 0;
    for (set.start(); set.next();) {
      if (!staying.has(set.name(call.value))) replyPopped(call, i++, going, call.value);
    }
    setDraft.moveTo(database, key, keyspace.records.expiry(database.peek(key)));
  } finally {
    setDraft.discard();
  }
}

/** Different members where the count is positive, else −count members drawn one by one. */
function replyRandom(call: Call): void {
  const { reply } = call;
  const { random } = call.keyspace;
  const exact = call.int64(2);
  if (exact === null) return;
  if (exact === INT64_MIN) return reply.error(NOT_A_COUNT);
  const count = Number(exact);
  const set = call.readable(call.set, 1);
  if (set === null) return;
  if (!set.exists) return reply.emptyArray();
  if (count >= set.length) {
    reply.array(set.length);
    set.writeMembers(reply.out);
  } else if (count >= 0) {
    reply.array(count);
    for (set.position of sample(set, count, random)) reply.bulk(set.name(call.value));
  } else {
    reply.array(-count);
    for (let i = 0; i < -count; i++) {
      set.pick(random);
      reply.bulk(set.name(call.value));
    }
  }
}
