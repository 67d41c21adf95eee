/**
 * KeyIndex: from a key to its record, for one database: 1,024 hash tables, one per slot (see tables.ts).
 *
 * Pages remember the soonest expiry of their keys (a lower bound), and so do tables: the expiry cycle goes straight
 * to what is due and needs no memory per key.
 */
import type { Bytes, Random } from '../base';
import { SLOT_COUNT } from '../slots';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { homeOf, PAGE_HEADER_WORDS, type Pages } from './pages';
import type { Records } from './records';
import { HASHES, TABLE_WORDS, Tables } from './tables';

/** Keys that `fetch` takes at a time: about as many loads as a processor keeps under way. */
export const FETCH_MAX = 16;
const NO_PAGE = -1;

export class KeyIndex {
  /** Lower bound of the expiries in each slot's table, in ms; ∞ for none. */
  readonly soonest = new Float64Array(SLOT_COUNT).fill(Infinity);
  /** The soonest expiry that was noted since the expiry cycle set this to ∞: what may lie behind it in its table. */
  soonestNoted = Infinity;
  readonly pages: Pages;
  private readonly tables: Tables;
  /** The slots' tables. */
  private readonly words = new Uint32Array(SLOT_COUNT * TABLE_WORDS);
  private foundSlot = 0;
  /** How far the table that is being freed is freed. */
  private dismantled = 0;

  /** Places of entries, between the passes of `fetch`. */
  private readonly entrySegments = new Int32Array(FETCH_MAX);
  private readonly entryWords = new Int32Array(FETCH_MAX);

  constructor(
    private readonly arena: Arena,
    records: Records,
  ) {
    this.tables = new Tables(arena, records);
    this.pages = this.tables.pages;
  }

  /** Keys in a slot's table. */
  count(slot: number): number {
    return this.words[slot * TABLE_WORDS + 2];
  }

  /** The record of a key, or 0. */
  find(slot: number, hash: number, key: Bytes): Address {
    this.foundSlot = slot;
    return this.tables.find(this.words, slot * TABLE_WORDS, hash, key);
  }

  /**
   * Reads the entries of several keys at a time (see Lookahead): writes to `addresses` the records that they most likely
   * point to, or 0.
   */
  fetch(slots: Int32Array, hashes: Uint32Array, count: number, addresses: Address[]): void {
    const { u32s } = this.arena;
    const { entrySegments, entryWords, words } = this;
    for (let i = 0; i < count; i++) {
      let page = words[slots[i] * TABLE_WORDS];
      const shape = words[slots[i] * TABLE_WORDS + 1];
      const depth = shape & 0xff;
      let capacity = shape >>> 8;
      if (depth > 0) {
        const directory = u32s[page >>> SEGMENT_SHIFT];
        const at = ((page & SEGMENT_MASK) << 1) + ((hashes[i] >>> (32 - depth)) << 1);
        page = directory[at];
        capacity = directory[at + 1];
      }
      entrySegments[i] = page === 0 ? NO_PAGE : page >>> SEGMENT_SHIFT;
      entryWords[i] = ((page & SEGMENT_MASK) << 1) + PAGE_HEADER_WORDS + (homeOf(hashes[i], capacity) << 1);
    }
    for (let i = 0; i < count; i++) {
      const segment = entrySegments[i];
      addresses[i] = segment === NO_PAGE ? 0 : u32s[segment][entryWords[i] + 1];
    }
    // Some entries are not at home; where they are has been fetched with it, as a rule.
    for (let i = 0; i < count; i++) {
      if (addresses[i] === 0) continue;
      const entries = u32s[entrySegments[i]];
      let at = entryWords[i];
      const end = Math.min(at + 16, entries.length - 1);
      while (at < end && entries[at] !== hashes[i]) at += 2;
      addresses[i] = at < end ? entries[at + 1] : 0;
    }
  }

  /**
   * Reads the heads of the pages that several keys will be inserted into, all at a time, and the entries at their homes. Returns
   * what they add up to, so that nobody optimizes it away.
   */
  fetchPages(slots: Int32Array, hashes: Uint32Array, count: number): number {
    const { u32s } = this.arena;
    const { entryWords } = this;
    for (let i = 0; i < count; i++) entryWords[i] = this.pageOf(slots[i], hashes[i]);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const page = entryWords[i] >>> 0;
      if (page === 0) continue;
      const words = u32s[page >>> SEGMENT_SHIFT];
      const head = (page & SEGMENT_MASK) << 1;
      sum ^= words[head] ^ words[head + PAGE_HEADER_WORDS + (homeOf(hashes[i], words[head] >>> 16) << 1)];
    }
    return sum;
  }

  /** Points the entry that `find` found at another record of the same key. */
  replaceFound(record: Address): void {
    this.tables.replaceFound(record);
  }

  /** Removes the entry that `find` found. */
  removeFound(): void {
    const slot = this.foundSlot;
    this.tables.removeFound(this.words, slot * TABLE_WORDS);
    if (this.count(slot) === 0) this.soonest[slot] = Infinity;
  }

  /** Adds an entry for a key that is not there. */
  insert(slot: number, hash: number, record: Address): void {
    this.tables.insert(this.words, slot * TABLE_WORDS, hash, record);
  }

  /** Tells the key's page and table that one of its keys expires at `expiryAtMs`. */
  noteExpiry(slot: number, hash: number, expiryAtMs: number): void {
    if (expiryAtMs < this.soonest[slot]) this.soonest[slot] = expiryAtMs;
    if (expiryAtMs < this.soonestNoted) this.soonestNoted = expiryAtMs;
    const page = this.pageOf(slot, hash);
    if (expiryAtMs < this.pages.soonest(page)) this.pages.setSoonest(page, expiryAtMs);
  }

  /** The page that holds `hash`; 0 where the slot's table is empty. */
  pageOf(slot: number, hash: number): Address {
    return this.tables.pageOf(this.words, slot * TABLE_WORDS, hash);
  }

  /** The first hash after those of `page`, which holds `hash`; 2^32 after the last page. */
  pageEnd(page: Address, hash: number): number {
    return this.tables.pageEnd(page, hash);
  }

  /** The record of a random key of a slot that has some, every key of it as likely as any other. */
  random(slot: number, random: Random): Address {
    return this.tables.random(this.words, slot * TABLE_WORDS, random);
  }

  /** As `Tables.collect`, in one slot's table, which has keys. */
  collect(slot: number, from: number, limit: number, records: Address[]): number {
    return this.tables.collect(this.words, slot * TABLE_WORDS, from, limit, records);
  }

  /** As `Tables.collectHash`, in one slot's table. */
  collectHash(slot: number, hash: number, records: Address[]): number {
    return this.tables.collectHash(this.words, slot * TABLE_WORDS, hash, records);
  }

  /** Frees one slot's pages and directory; the records they point to must have been freed. */
  dropTable(slot: number): void {
    this.tables.drop(this.words, slot * TABLE_WORDS);
    this.soonest[slot] = Infinity;
  }

  /** Frees one slot's table and, by `free`, its records, until `isTimeUp`; whether all is done. Only for what nobody uses any more. */
  dismantle(slot: number, free: (record: Address) => void, isTimeUp: () => boolean): boolean {
    this.dismantled = this.tables.dismantle(this.words, slot * TABLE_WORDS, this.dismantled, free, isTimeUp);
    if (this.dismantled < HASHES) return false;
    this.dismantled = 0;
    return true;
  }
}
