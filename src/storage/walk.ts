/**
 * Walking over the keys of a database in order of (slot, hash): SCAN, KEYS, and whatever must see every key.
 *
 * A position in that order is one number, slot × 2^32 + hash, which is also SCAN's cursor. Growth, splits and merges
 * of tables do not disturb positions, so a key that is there from the first call of a SCAN to the last is returned
 * exactly once, and one that comes or goes meanwhile at most once.
 */
import { SLOT_COUNT } from '../slots';
import type { Address } from './arena';
import type { Database } from './database';
import { HASHES } from './tables';

/** The first position after all keys. */
const END = SLOT_COUNT * HASHES;

/**
 * Visits about `count` keys from `cursor` on (0 to begin), all keys of one hash together, and returns the cursor to
 * go on from, 0 at the end. `visit` gets a record that is good for that call; it may remove that key, no other.
 */
export function scan(database: Database, cursor: number, count: number, visit: (record: Address) => void): number {
  const records: Address[] = [];
  let position = cursor;
  let left = count;
  while (left > 0) {
    position = skipEmpty(database, position);
    if (position >= END) return 0;
    const slot = Math.floor(position / HASHES);
    position = slot * HASHES + database.keys.collect(slot, position - slot * HASHES, left, records);
    left -= records.length;
    for (const record of records) if (!database.removeIfDue(record)) visit(record);
  }
  position = skipEmpty(database, position);
  return position >= END ? 0 : position;
}

/** Visits every key of a database; `visit` may remove the key it is shown, no other. */
export function forEachKey(database: Database, visit: (record: Address) => void): void {
  let cursor = 0;
  do {
    cursor = scan(database, cursor, 1000, visit);
  } while (cursor !== 0);
}

function skipEmpty(database: Database, position: number): number {
  let slot = Math.floor(position / HASHES);
  if (slot >= SLOT_COUNT || database.keys.count(slot) > 0) return position;
  while (slot < SLOT_COUNT && database.keys.count(slot) === 0) slot++;
  return slot * HASHES;
}
