/**
 * HSCAN, SSCAN, ZSCAN: walks over one collection in pieces, with Redis' guarantee: what is there from the first call to the last
 * is returned. A cursor is a position in the order of hashes, which no growth disturbs; packed collections come whole.
 *
 * A reply says how many elements it has before it has them; so positions are gathered first, and elements written from them.
 */
import { Bytes, globMatch } from '../../base';
import type { Collection } from '../../storage';
import type { Call } from '../call';
import { parseCount, parseCursor, SCAN_COUNT_DEFAULT } from './scan-arguments';

/** A collection with names: fields or members. */
export interface Scannable extends Collection {
  /** Where its walk stands. */
  position: number;
  /** Points `into` at the name where the walk stands. */
  name(into: Bytes): Bytes;
  scan(cursor: number, count: number, visit: () => void): number;
}

/** Replies a piece of the collection in argument 1. `replyTail` writes what follows each name: a value, a score, nothing. */
export function replyScan<T extends Scannable>(call: Call, type: T, replyTail: ((collection: T) => void) | null): void {
  const { reply } = call;
  const cursor = parseCursor(call, 2);
  if (Number.isNaN(cursor)) return;
  const collection = call.readable(type, 1);
  if (collection === null) return;
  if (!collection.exists) {
    reply.array(2);
    reply.bulkInteger(0);
    reply.emptyArray();
    return;
  }
  let count = SCAN_COUNT_DEFAULT;
  let pattern: Bytes | null = null;
  for (let i = 3; i < call.argc; i += 2) {
    if (i + 1 === call.argc) return call.syntaxError();
    if (call.is(i, 'count')) {
      count = parseCount(call, i + 1);
      if (Number.isNaN(count)) return;
      if (count < 1) return call.syntaxError();
    } else if (call.is(i, 'match')) {
      // A lone star matches all names, also the empty one, which no other pattern does.
      pattern = call.is(i + 1, '*') ? null : call.arg(i + 1);
    } else {
      return call.syntaxError();
    }
  }
  const found: number[] = [];
  const name = new Bytes();
  const next = collection.scan(cursor, count, () => {
    if (pattern === null || matches(pattern, collection.name(name))) found.push(collection.position);
  });
  reply.array(2);
  reply.bulkInteger(next);
  reply.array(replyTail === null ? found.length : found.length * 2);
  for (collection.position of found) {
    reply.bulk(collection.name(name));
    replyTail?.(collection);
  }
}

function matches(pattern: Bytes, { buffer, start, end }: Bytes): boolean {
  return globMatch(pattern.buffer, pattern.start, pattern.end, buffer, start, end, false);
}
