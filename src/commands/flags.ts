/**
 * Flags and categories: the words of Redis that say what a command is, as bit masks.
 *
 * A declaration names flags in text ("write denyoom"); the table keeps one number, so that a gate of the dispatch is
 * one AND. ACL categories are not declared at all where they follow: the family gives one (@string, @keyspace…), the
 * flags give the rest (@read, @write, @admin, @dangerous, @fast or @slow…), by the rules that Redis itself applies.
 * The tables below are in the order in which COMMAND INFO lists the words. Bits 0–29 only: a small integer in V8.
 */
import { assert } from '../base';

export const FLAG_WRITE = 1 << 0;
export const FLAG_READONLY = 1 << 1;
export const FLAG_DENYOOM = 1 << 2;
export const FLAG_ADMIN = 1 << 3;
export const FLAG_PUBSUB = 1 << 4;
export const FLAG_NOSCRIPT = 1 << 5;
export const FLAG_BLOCKING = 1 << 6;
export const FLAG_LOADING = 1 << 7;
export const FLAG_STALE = 1 << 8;
export const FLAG_SKIP_MONITOR = 1 << 9;
export const FLAG_SKIP_SLOWLOG = 1 << 10;
export const FLAG_ASKING = 1 << 11;
export const FLAG_FAST = 1 << 12;
export const FLAG_NO_AUTH = 1 << 13;
export const FLAG_MAY_REPLICATE = 1 << 14;
export const FLAG_NO_MANDATORY_KEYS = 1 << 15;
export const FLAG_PROTECTED = 1 << 16;
export const FLAG_NO_ASYNC_LOADING = 1 << 17;
export const FLAG_NO_MULTI = 1 << 18;
/** Derived, never declared: the keys are not a fixed (first, last, step). */
export const FLAG_MOVABLEKEYS = 1 << 19;
export const FLAG_ALLOW_BUSY = 1 << 20;

export const CATEGORY_KEYSPACE = 1 << 0;
export const CATEGORY_READ = 1 << 1;
export const CATEGORY_WRITE = 1 << 2;
export const CATEGORY_SET = 1 << 3;
export const CATEGORY_SORTEDSET = 1 << 4;
export const CATEGORY_LIST = 1 << 5;
export const CATEGORY_HASH = 1 << 6;
export const CATEGORY_STRING = 1 << 7;
export const CATEGORY_BITMAP = 1 << 8;
export const CATEGORY_HYPERLOGLOG = 1 << 9;
export const CATEGORY_GEO = 1 << 10;
export const CATEGORY_STREAM = 1 << 11;
export const CATEGORY_PUBSUB = 1 << 12;
export const CATEGORY_ADMIN = 1 << 13;
export const CATEGORY_FAST = 1 << 14;
export const CATEGORY_SLOW = 1 << 15;
export const CATEGORY_BLOCKING = 1 << 16;
export const CATEGORY_DANGEROUS = 1 << 17;
export const CATEGORY_CONNECTION = 1 << 18;
export const CATEGORY_TRANSACTION = 1 << 19;
export const CATEGORY_SCRIPTING = 1 << 20;

const FLAG_BITS = new Map<string, number>([
  ['write', FLAG_WRITE],
  ['readonly', FLAG_READONLY],
  ['denyoom', FLAG_DENYOOM],
  ['admin', FLAG_ADMIN],
  ['pubsub', FLAG_PUBSUB],
  ['noscript', FLAG_NOSCRIPT],
  ['blocking', FLAG_BLOCKING],
  ['loading', FLAG_LOADING],
  ['stale', FLAG_STALE],
  ['skip_monitor', FLAG_SKIP_MONITOR],
  ['skip_slowlog', FLAG_SKIP_SLOWLOG],
  ['asking', FLAG_ASKING],
  ['fast', FLAG_FAST],
  ['no_auth', FLAG_NO_AUTH],
  ['may_replicate', FLAG_MAY_REPLICATE],
  ['no_mandatory_keys', FLAG_NO_MANDATORY_KEYS],
  ['protected', FLAG_PROTECTED],
  ['no_async_loading', FLAG_NO_ASYNC_LOADING],
  ['no_multi', FLAG_NO_MULTI],
  ['movablekeys', FLAG_MOVABLEKEYS],
  ['allow_busy', FLAG_ALLOW_BUSY],
]);

/** Flags that Redis keeps to itself: COMMAND INFO does not show them. */
const FLAGS_UNSHOWN = FLAG_MAY_REPLICATE | FLAG_PROTECTED;

const CATEGORY_BITS = new Map<string, number>([
  ['keyspace', CATEGORY_KEYSPACE],
  ['read', CATEGORY_READ],
  ['write', CATEGORY_WRITE],
  ['set', CATEGORY_SET],
  ['sortedset', CATEGORY_SORTEDSET],
  ['list', CATEGORY_LIST],
  ['hash', CATEGORY_HASH],
  ['string', CATEGORY_STRING],
  ['bitmap', CATEGORY_BITMAP],
  ['hyperloglog', CATEGORY_HYPERLOGLOG],
  ['geo', CATEGORY_GEO],
  ['stream', CATEGORY_STREAM],
  ['pubsub', CATEGORY_PUBSUB],
  ['admin', CATEGORY_ADMIN],
  ['fast', CATEGORY_FAST],
  ['slow', CATEGORY_SLOW],
  ['blocking', CATEGORY_BLOCKING],
  ['dangerous', CATEGORY_DANGEROUS],
  ['connection', CATEGORY_CONNECTION],
  ['transaction', CATEGORY_TRANSACTION],
  ['scripting', CATEGORY_SCRIPTING],
]);

/** The mask of flags in text, e.g. "write denyoom". */
export function flagsOf(text: string): number {
  return maskOf(text, FLAG_BITS, 'flag');
}

/** The mask of ACL categories in text, without "@", e.g. "keyspace dangerous". */
export function categoriesOf(text: string): number {
  return maskOf(text, CATEGORY_BITS, 'category');
}

/** The bit of one ACL category named without "@", in any case; 0 where there is none. For COMMAND LIST FILTERBY ACLCAT. */
export function categoryBit(name: string): number {
  return CATEGORY_BITS.get(name.toLowerCase()) ?? 0;
}

/** The flags that COMMAND INFO shows, in its order. */
export function flagNames(flags: number): string[] {
  return namesOf(flags & ~FLAGS_UNSHOWN, FLAG_BITS);
}

/** The ACL categories of a mask without "@", in Redis' order. */
export function categoryNames(categories: number): string[] {
  return namesOf(categories, CATEGORY_BITS);
}

/** The categories that follow from the flags alone. */
export function categoriesImpliedBy(flags: number): number {
  let categories = flags & FLAG_FAST ? CATEGORY_FAST : CATEGORY_SLOW;
  if (flags & FLAG_WRITE) categories |= CATEGORY_WRITE;
  if (flags & FLAG_READONLY) categories |= CATEGORY_READ;
  if (flags & FLAG_ADMIN) categories |= CATEGORY_ADMIN | CATEGORY_DANGEROUS;
  if (flags & FLAG_PUBSUB) categories |= CATEGORY_PUBSUB;
  if (flags & FLAG_BLOCKING) categories |= CATEGORY_BLOCKING;
  return categories;
}

function maskOf(text: string, bits: ReadonlyMap<string, number>, what: string): number {
  let mask = 0;
  for (const word of wordsOf(text)) {
    const bit = bits.get(word);
    assert(bit !== undefined, `unknown ${what} "${word}" in a command declaration`);
    mask |= bit;
  }
  return mask;
}

function namesOf(mask: number, bits: ReadonlyMap<string, number>): string[] {
  const names: string[] = [];
  for (const [name, bit] of bits) if (mask & bit) names.push(name);
  return names;
}

/** The words of a text separated by blanks. */
export function wordsOf(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}
