/**
 * HSCAN, SSCAN, ZSCAN: walks over one collection in pieces, with Redis' guarantee: what is there from the first call to the last
 * is returned. A cursor is a position in the order of hashes, which no growth disturbs; packed collections come whole.
 *
 * A reply says how many elements it has before it has them; so positions are gathered first, and elements written from them.
 */
import { Bytes } from '../../base';
import type { Collection } from '../../storage';
import type { Call } from '../call';
import { parseCursor, ScanOptions } from './scan-arguments';

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
  const options = new ScanOptions();
  if (!options.parse(call, 3, false)) return;
  const { pattern } = options;
  const found: number[] = [];
  const name = new Bytes();
  const next = collection.scan(cursor, options.count, () => {
    if (pattern.matchesAll || pattern.matches(collection.name(name))) found.push(collection.position);
  });
  reply.array(2);
  reply.bulkInteger(next);
  reply.array(replyTail === null ? found.length : found.length * 2);
  for (collection.position of found) {
    reply.bulk(collection.name(name));
    replyTail?.(collection);
  }
}
