/**
 * Store: a keyspace as the tests of this folder use it, with keys and values as text of one character per byte.
 *
 * The time is what the test says; it begins at `BORN_MS`. `checkDatabase` states what always holds between a
 * database, its tables, pages and records, so any test may ask for it after any deed.
 */
import { expect } from 'vitest';
import { Bytes, Random } from '../../src/base';
import { SLOT_COUNT } from '../../src/slots';
import { forEachKey, Keyspace, NO_EXPIRY, Strings, type Address, type Database } from '../../src/storage';

export const BORN_MS = 1_700_000_000_000;

/** A view of text whose characters are bytes, somewhere inside other memory, as arguments of a command are. */
export function bytes(text: string): Bytes {
  const buffer = Buffer.from(`<${text}>`, 'latin1');
  return new Bytes(buffer, 1, buffer.length - 1);
}

export class Store {
  readonly keyspace: Keyspace;
  readonly strings: Strings;

  constructor(seed = 1, databases = 16) {
    this.keyspace = new Keyspace({ random: new Random(seed), databases });
    this.keyspace.setTime(BORN_MS);
    this.strings = new Strings(this.keyspace);
  }

  get usedBytes(): number {
    return this.keyspace.arena.usedBytes;
  }

  database(index = 0): Database {
    return this.keyspace.database(index);
  }

  advance(ms: number): void {
    this.keyspace.setTime(this.keyspace.nowMs + ms);
  }

  set(key: string, value: string, expiryAtMs = NO_EXPIRY, index = 0): void {
    this.strings.set(this.database(index), bytes(key), bytes(value), expiryAtMs);
  }

  /** The value, or null where there is no such key. */
  get(key: string, index = 0): string | null {
    const record = this.database(index).find(bytes(key));
    return record === 0 ? null : this.valueOf(record);
  }

  delete(key: string, index = 0): boolean {
    return this.database(index).delete(bytes(key));
  }

  /** The record of a key that must be there. */
  record(key: string, index = 0): Address {
    const record = this.database(index).peek(bytes(key));
    expect(record).not.toBe(0);
    return record;
  }

  keyOf(record: Address): string {
    return this.keyspace.records.key(record, new Bytes()).toLatin1();
  }

  valueOf(record: Address): string {
    return this.keyspace.records.value(record, new Bytes()).toLatin1();
  }

  expiryOf(key: string, index = 0): number {
    return this.keyspace.records.expiry(this.record(key, index));
  }

  /** All keys that are not past their expiry, which are removed on the way. */
  keys(index = 0): string[] {
    const keys: string[] = [];
    forEachKey(this.database(index), (record) => keys.push(this.keyOf(record)));
    return keys;
  }

  /** How many pages a database's tables have. */
  pages(index = 0): number {
    return pagesOf(this.database(index)).length;
  }
}

/** That every count and bound that a database keeps is true of its records. */
export function checkDatabase(store: Store, index = 0): void {
  const { records } = store.keyspace;
  const database = store.database(index);
  const hashes: number[] = [];
  const addresses: number[] = [];
  let size = 0;
  let expiring = 0;
  const counts = new Uint32Array(SLOT_COUNT);
  for (const { slot, page, from, end } of pagesOf(database)) {
    const count = database.keys.pages.read(page, hashes, addresses);
    counts[slot] += count;
    size += count;
    for (let i = 0; i < count; i++) {
      if (hashes[i] < from || hashes[i] >= end) expect.fail(`slot ${slot}: hash ${hashes[i]} in page ${from}…${end}`);
      const expiry = records.expiry(addresses[i]);
      if (expiry === NO_EXPIRY) continue;
      expiring++;
      if (expiry < database.keys.pages.soonest(page)) expect.fail(`slot ${slot}: a key expires before its page`);
      if (expiry < database.keys.soonest[slot]) expect.fail(`slot ${slot}: a key expires before its table`);
    }
  }
  expect([size, expiring]).toEqual([database.size, database.expiring]);
  expect(counts).toEqual(counts.map((_, slot) => database.keys.count(slot)));
}

function pagesOf({ keys }: Database): { slot: number; page: Address; from: number; end: number }[] {
  const pages = [];
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if (keys.pageOf(slot, 0) === 0) continue;
    for (let from = 0; from < 2 ** 32;) {
      const page = keys.pageOf(slot, from);
      const end = keys.pageEnd(page, from);
      pages.push({ slot, page, from, end });
      from = end;
    }
  }
  return pages;
}
