/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in order, by themselves or by what other keys say of them.
 *
 * They belong to the generic family and stand apart for their keys. BY and GET name patterns, which become keys only
 * with the elements at hand; no position says which. STORE names a key, but may stand anywhere, even as the value of
 * another option, so that only reading the options in order finds it. What `keysBy` finds is the key that is sorted and
 * the key to store to; a gateway must see for itself that patterns stay within a slot.
 */
import { Bytes } from '../base';
import type { Declaration } from './declaration';
import type { CommandArguments, KeyPositions } from './keys';

const OPTIONS = '[BY by-pattern] [LIMIT offset count] [GET get-pattern]... [ASC | DESC] [ALPHA]';
const SORT_COST = 'O(N+M*log(M)), N = elements of the key, M = elements replied; O(N) where nothing is to be sorted';
const CATEGORIES = 'set sortedset list dangerous';

/** Key specs in the order of their keys: the one that is sorted, those of patterns, the one to store to. */
const SORTED = 0;
const STORED = 2;

export const sortCommands = {
  SORT: {
    usage: `key ${OPTIONS} [STORE destination]`,
    flags: 'write denyoom',
    keys: 'ro access; ro access; ow update',
    keysBy: findSortKeys,
    reply: '(bulk | null)[] | integer',
    does: 'Sorts the elements of a list, set or sorted set and replies them, or what keys named after them hold.',
    since: '1.0.0',
    cost: SORT_COST,
    effect: 'rewritten',
    categories: CATEGORIES,
  },
  SORT_RO: {
    usage: `key ${OPTIONS}`,
    flags: 'readonly',
    keys: 'ro access; ro access',
    keysBy: findSortedKey,
    reply: '(bulk | null)[]',
    does: 'Is SORT without STORE, so that replicas take it.',
    since: '7.0.0',
    cost: SORT_COST,
    categories: CATEGORIES,
  },
} as const satisfies Record<string, Declaration>;

const option = new Bytes();

/** The key that is sorted and the one that the last STORE names. */
function findSortKeys(args: CommandArguments, into: KeyPositions): number {
  into.add(1, SORTED);
  let storeAt = 0;
  for (let i = 2; i < args.argc; i++) {
    option.set(args.buffer, args.starts[i], args.ends[i]);
    if (option.is('by') || option.is('get')) i++;
    else if (option.is('limit')) i += 2;
    else if (option.is('store') && i + 1 < args.argc) storeAt = i + 1;
  }
  if (storeAt !== 0) into.add(storeAt, STORED);
  return into.count;
}

function findSortedKey(_args: CommandArguments, into: KeyPositions): number {
  into.add(1, SORTED);
  return into.count;
}
