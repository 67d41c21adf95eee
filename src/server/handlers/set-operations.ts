/**
 * Set algebra: intersections, unions and differences, replied, counted or stored. A missing key is an empty set.
 *
 * An intersection walks the smallest set and asks the others; a reply of what was found is written from positions, so that no
 * member is copied. A difference asks likewise, or, where that takes longer, is made by removing: by Redis' reckoning, because
 * it can be told from the encoding of what SDIFFSTORE stores. Unions and stored results are made in a draft.
 */
import { Bytes, isInt64 } from '../../base';
import { type set, type Handlers } from '../../commands';
import { ENCODING_INTSET, ENCODING_LISTPACK, MemberSet } from '../../storage';
import type { Call, Handler } from '../call';
import { LIMIT_NEGATIVE, NUMKEYS_NOT_POSITIVE, TOO_MANY_KEYS } from '../error-replies';

/** Cursors that are kept for the next command. */
const CURSORS_KEPT = 16;
/** Asking this many sets for a member costs about as much as adding it to a draft and freeing it (measured). */
const ASKED_FOR_UNION_MAX = 4;

export const setOperationHandlers: Pick<
  Handlers<typeof set, Handler>,
  'SDIFF' | 'SDIFFSTORE' | 'SINTER' | 'SINTERCARD' | 'SINTERSTORE' | 'SUNION' | 'SUNIONSTORE'
> = {
  SDIFF(call) {
    const sets = openAll(call, 1, call.argc - 1);
    if (sets === null) return;
    if (isFirstAgain(call, 1)) return call.reply.set(0);
    if (!isRemovingCheaper(sets)) return replyWhere(call, likeliestFirst(sets), false);
    withDraft(call, (result) => {
      subtract(sets, result);
      replyAll(call, result);
    });
  },

  SDIFFSTORE(call) {
    const sets = openAll(call, 2, call.argc - 2);
    if (sets === null) return;
    store(call, (result) => {
      if (isFirstAgain(call, 2)) return;
      if (isRemovingCheaper(sets)) return subtract(sets, result);
      const positions = positionsWhere(likeliestFirst(sets), false);
      result.startAs(ENCODING_INTSET, positions.length);
      addAll(result, sets[0], positions);
    });
  },

  SINTER(call) {
    const sets = openAll(call, 1, call.argc - 1);
    if (sets !== null) replyWhere(call, smallestFirst(sets), true);
  },

  SINTERCARD(call) {
    const count = call.natural(1, NUMKEYS_NOT_POSITIVE);
    if (Number.isNaN(count)) return;
    if (count === 0) return call.reply.error(NUMKEYS_NOT_POSITIVE);
    if (count > call.argc - 2) return call.reply.error(TOO_MANY_KEYS);
    let limit = 0;
    for (let i = 2 + count; i < call.argc; i += 2) {
      if (i + 1 === call.argc || !call.is(i, 'limit')) return call.syntaxError();
      limit = call.natural(i + 1, LIMIT_NEGATIVE);
      if (Number.isNaN(limit)) return;
    }
    const sets = openAll(call, 2, count);
    if (sets === null) return;
    const ordered = smallestFirst(sets);
    let found = 0;
    for (ordered[0].start(); (limit === 0 || found < limit) && nextWhere(ordered, true);) found++;
    call.reply.integer(found);
  },

  SINTERSTORE(call) {
    const sets = openAll(call, 2, call.argc - 2);
    if (sets === null) return;
    store(call, (result) => {
      const ordered = smallestFirst(sets);
      const [smallest] = ordered;
      const positions = positionsWhere(ordered, true);
      // As Redis: a few integers become an intset, from whatever sets they come.
      const isFew = positions.length <= call.keyspace.limits['set-max-intset-entries'];
      const isIntset = smallest.isIntset || (isFew && areIntegers(smallest, positions));
      result.startAs(isIntset ? ENCODING_INTSET : ENCODING_LISTPACK, positions.length);
      addAll(result, smallest, positions);
    });
  },

  SUNION(call) {
    const sets = openAll(call, 1, call.argc - 1);
    if (sets === null) return;
    // A union of intsets is in order, as long as it is an intset: people have come to expect it.
    if (sets.length <= ASKED_FOR_UNION_MAX && !isAllIntsets(sets)) return replyUnion(call, sets);
    withDraft(call, (result) => {
      unite(sets, result);
      replyAll(call, result);
    });
  },

  SUNIONSTORE(call) {
    const sets = openAll(call, 2, call.argc - 2);
    if (sets !== null) store(call, (result) => unite(sets, result));
  },
};

/** The member at hand. */
const member = new Bytes();

/** The sets under `count` keys, of which argument `first` is the first; null after the error reply. */
function openAll(call: Call, first: number, count: number): MemberSet[] | null {
  const { sets } = call;
  if (sets.length > CURSORS_KEPT) sets.length = CURSORS_KEPT;
  while (sets.length < count) sets.push(new MemberSet(call.keyspace));
  for (let i = 0; i < count; i++) if (call.readable(sets[i], first + i) === null) return null;
  return sets.slice(0, count);
}

function smallestFirst(sets: readonly MemberSet[]): MemberSet[] {
  return [...sets].sort((a, b) => a.length - b.length);
}

function largestFirst(sets: readonly MemberSet[]): MemberSet[] {
  return [...sets].sort((a, b) => b.length - a.length);
}

/** The first set, then those that are asked: the large ones before the small ones. */
function likeliestFirst([first, ...others]: readonly MemberSet[]): MemberSet[] {
  return [first, ...largestFirst(others)];
}

/** Goes on to the next member of the first set that all others have (`shared`) or that none of them has; false after the last. */
function nextWhere(sets: readonly MemberSet[], shared: boolean): boolean {
  const [walked] = sets;
  search: while (walked.next()) {
    for (let i = 1; i < sets.length; i++) if (sets[i].hasMemberOf(walked) !== shared) continue search;
    return true;
  }
  return false;
}

/** Replies the members of the first set that all others have, or that none of them has. */
function replyWhere(call: Call, sets: readonly MemberSet[], shared: boolean): void {
  if (sets.length === 1) return replyAll(call, sets[0]);
  const positions = positionsWhere(sets, shared);
  call.reply.set(positions.length);
  replyAt(call, sets[0], positions);
}

/** Where the members of the first set are that all others have, or that none of them has. */
function positionsWhere(sets: readonly MemberSet[], shared: boolean): number[] {
  const [walked] = sets;
  const positions: number[] = [];
  for (walked.start(); nextWhere(sets, shared);) positions.push(walked.position);
  return positions;
}

function replyAll(call: Call, set: MemberSet): void {
  call.reply.set(set.length);
  set.writeMembers(call.reply.out);
}

function replyAt(call: Call, set: MemberSet, positions: readonly number[]): void {
  for (set.position of positions) call.reply.bulk(set.name(member));
}

/** Replies the members of the largest set, then those of the others that no set before has. */
function replyUnion(call: Call, sets: readonly MemberSet[]): void {
  const ordered = largestFirst(sets);
  const positions = ordered.map((set, i) => (i === 0 ? [] : positionsWhere([set, ...ordered.slice(0, i)], false)));
  call.reply.set(positions.reduce((count, { length }) => count + length, ordered[0].length));
  ordered[0].writeMembers(call.reply.out);
  ordered.forEach((set, i) => replyAt(call, set, positions[i]));
}

function areIntegers(set: MemberSet, positions: readonly number[]): boolean {
  for (set.position of positions) {
    const { buffer, start, end } = set.name(member);
    if (!isInt64(buffer, start, end)) return false;
  }
  return true;
}

/** Adds the members at these positions of another set, all of them new. */
function addAll(result: MemberSet, set: MemberSet, positions: readonly number[]): void {
  for (set.position of positions) result.addNew(set.name(member));
}

/** Puts all members of all sets into `result`. What comes first decides how it is packed, and has the order of the arguments. */
function unite(sets: readonly MemberSet[], result: MemberSet): void {
  result.startAs(ENCODING_INTSET, Math.max(...sets.map(({ length }) => length)));
  for (const set of isAllIntsets(sets) ? largestFirst(sets) : sets) {
    if (!result.exists && set.isIntset) {
      result.copyIntset(set);
    } else {
      for (set.start(); set.next();) result.add(set.name(member));
    }
  }
}

function isAllIntsets(sets: readonly MemberSet[]): boolean {
  return sets.every((set) => set.isIntset || !set.exists);
}

/** Whether the key in argument `first` comes again after it: then nothing is left of a difference. */
function isFirstAgain(call: Call, first: number): boolean {
  for (let i = first + 1; i < call.argc; i++) if (call.arg(i).equals(call.arg(first))) return true;
  return false;
}

/** Whether to remove the members of all others takes less work than to ask each of them for every member of the first set. */
function isRemovingCheaper(sets: readonly MemberSet[]): boolean {
  let asking = 0;
  let removing = 0;
  for (const set of sets) {
    if (!set.exists) continue;
    asking += sets[0].length;
    removing += set.length;
  }
  // Asking has the smaller steps, and ends early where members are shared.
  return Math.floor(asking / 2) > removing;
}

/** A difference by removing. */
function subtract([first, ...others]: readonly MemberSet[], result: MemberSet): void {
  unite([first], result);
  for (const set of others) {
    for (set.start(); result.exists && set.next();) result.delete(set.name(member));
  }
}

function withDraft(call: Call, make: (result: MemberSet) => void): void {
  try {
    make(call.setDraft.begin());
  } finally {
    call.setDraft.discard();
  }
}

/** Stores what `make` puts into a set under the key in argument 1, whatever is there; nothing is there then if that is empty. */
function store(call: Call, make: (result: MemberSet) => void): void {
  withDraft(call, (result) => {
    make(result);
    const { length } = result;
    if (length > 0) {
      call.setDraft.moveTo(call.database, call.arg(1));
      call.changed();
    } else if (call.database.delete(call.arg(1))) {
      call.changed();
    }
    call.reply.integer(length);
  });
}
