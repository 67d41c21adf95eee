/**
 * KeyIndex: from a key to its record, for one database: 1,024 hash tables, one per slot.
 *
 * Each table is an *extendible hash table* (Fagin et al., 1979): a directory of pages, chosen by the upper bits of the
 * key's hash; a page holds up to 126 entries (hash, record address) in 1 KiB, open addressed. When a page is full
 * only that page is split, so no growth ever takes longer than a page's, whatever the table's size: there is no
 * rehashing to spread over time and no moment with two tables. Small pages start at 6 entries and grow by 16, which
 * keeps them about four fifths full: 10 bytes per key.
 *
 * Because pages are ranges of hashes, "in order of hash" is a position that growth does not disturb. SCAN cursors,
 * the expiry cycle and the snapshot walk are such positions.
 *
 * Pages remember the soonest expiry of their keys (a lower bound), and so do tables: the expiry cycle goes straight
 * to what is due and needs no memory per key.
 *
 * Whoever points at a page knows its capacity too: a search then touches the one line of the page where the entry is and
 * not its header, and cache misses are what a search costs.
 *
 * Always: 2^(depth − local depth) directory entries point at a page. What a page is, see pages.ts.
 */
import { assert, type Bytes } from '../base';
import { SLOT_COUNT } from '../slots';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import {
  capacityFor,
  homeOf,
  largerCapacity,
  PAGE_CAPACITY_MAX,
  PAGE_CAPACITY_MIN,
  PAGE_HEADER_WORDS,
  Pages,
} from './pages';
import type { Records } from './records';

const DIRECTORY_ENTRY_BYTES = 8;
/** Directories never use more than these bits of the hash; a page that cannot split any more grows beyond 1 KiB. */
const DEPTH_MAX = 22;
/** Keys that `fetch` takes at a time: about as many loads as a processor keeps under way. */
export const FETCH_MAX = 16;
const NO_PAGE = -1;
/** Two neighbours with no more than this many keys together become one page. */
const MERGE_MAX = 40;

export class KeyIndex {
  /** Keys in each slot's table. */
  readonly counts = new Uint32Array(SLOT_COUNT);
  /** Lower bound of the expiries in each slot's table, in ms; ∞ for none. */
  readonly soonest = new Float64Array(SLOT_COUNT).fill(Infinity);
  /** The soonest expiry that was noted since the expiry cycle set this to ∞: what may lie behind it in its table. */
  soonestNoted = Infinity;
  readonly pages: Pages;
  /** Depth 0: the address of the only page, or 0; else of the directory: 2^depth pairs of page address and capacity. */
  private readonly roots = new Uint32Array(SLOT_COUNT);
  private readonly depths = new Uint8Array(SLOT_COUNT);
  /** Depth 0: the capacity of the only page. */
  private readonly capacities = new Uint16Array(SLOT_COUNT);

  /** Places of entries, between the passes of `fetch`. */
  private readonly entrySegments = new Int32Array(FETCH_MAX);
  private readonly entryWords = new Int32Array(FETCH_MAX);
  /** Where `find` found: valid until the next call that is not a `…Found`. */
  private foundSlot = 0;
  private foundPage: Address = 0;
  private foundWord = 0;

  constructor(
    private readonly arena: Arena,
    private readonly records: Records,
  ) {
    this.pages = new Pages(arena);
  }

  /** The record of a key, or 0. */
  find(slot: number, hash: number, key: Bytes): Address {
    const depth = this.depths[slot];
    let page = this.roots[slot];
    let capacity = this.capacities[slot];
    if (depth > 0) {
      const directory = this.arena.u32s[page >>> SEGMENT_SHIFT];
      const at = ((page & SEGMENT_MASK) << 1) + ((hash >>> (32 - depth)) << 1);
      page = directory[at];
      capacity = directory[at + 1];
    } else if (page === 0) {
      return 0;
    }
    const words = this.arena.u32s[page >>> SEGMENT_SHIFT];
    const first = ((page & SEGMENT_MASK) << 1) + PAGE_HEADER_WORDS;
    const end = first + (capacity << 1);
    for (let at = first + (homeOf(hash, capacity) << 1); ;) {
      const record = words[at + 1];
      if (record === 0) return 0;
      if (words[at] === hash && this.records.hasKey(record, key)) {
        this.foundSlot = slot;
        this.foundPage = page;
        this.foundWord = at;
        return record;
      }
      at += 2;
      if (at === end) at = first;
    }
  }

  /**
   * Reads the entries of several keys at a time (see Lookahead): writes to `addresses` the records that they most likely
   * point to, or 0.
   */
  fetch(slots: Int32Array, hashes: Uint32Array, count: number, addresses: Address[]): void {
    const { u32s } = this.arena;
    const { entrySegments, entryWords } = this;
    for (let i = 0; i < count; i++) {
      const depth = this.depths[slots[i]];
      let page = this.roots[slots[i]];
      let capacity = this.capacities[slots[i]];
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
      const words = u32s[entrySegments[i]];
      let at = entryWords[i];
      const end = Math.min(at + 16, words.length - 1);
      while (at < end && words[at] !== hashes[i]) at += 2;
      addresses[i] = at < end ? words[at + 1] : 0;
    }
  }

  /** Points the entry that `find` found at another record of the same key. */
  replaceFound(record: Address): void {
    this.arena.u32s[this.foundPage >>> SEGMENT_SHIFT][this.foundWord + 1] = record;
  }

  /** Removes the entry that `find` found. */
  removeFound(): void {
    const slot = this.foundSlot;
    const page = this.foundPage;
    const hash = this.pages.removeAt(page, this.foundWord);
    if (--this.counts[slot] === 0) this.dropTable(slot);
    else if (this.pages.count(page) <= MERGE_MAX / 2) this.mergeOrShrink(slot, page, hash);
  }

  /** Adds an entry for a key that is not there. */
  insert(slot: number, hash: number, record: Address): void {
    let page = this.pageOf(slot, hash);
    if (page === 0) {
      page = this.pages.create(PAGE_CAPACITY_MIN, 0, Infinity);
      this.pointDirectory(slot, hash, 0, page);
    }
    while (this.pages.isFull(page)) page = this.makeRoom(slot, page, hash);
    this.pages.add(page, hash, record);
    this.counts[slot]++;
  }

  /** Tells the key's page and table that one of its keys expires at `expiryAtMs`. */
  noteExpiry(slot: number, hash: number, expiryAtMs: number): void {
    if (expiryAtMs < this.soonest[slot]) this.soonest[slot] = expiryAtMs;
    if (expiryAtMs < this.soonestNoted) this.soonestNoted = expiryAtMs;
    const page = this.pageOf(slot, hash);
    if (expiryAtMs < this.pages.soonest(page)) this.pages.setSoonest(page, expiryAtMs);
  }

  // ── walking, in order of hash ────────────────────────────────────────────────────────────────────────────────

  /** The page that holds `hash`; 0 where the slot's table is empty. */
  pageOf(slot: number, hash: number): Address {
    const root = this.roots[slot];
    const depth = this.depths[slot];
    if (depth === 0) return root;
    return this.arena.u32s[root >>> SEGMENT_SHIFT][((root & SEGMENT_MASK) << 1) + ((hash >>> (32 - depth)) << 1)];
  }

  /** The first hash after those of `page`, which holds `hash`; 2^32 after the last page. */
  pageEnd(page: Address, hash: number): number {
    const span = 2 ** (32 - this.pages.localDepth(page));
    return Math.floor(hash / span) * span + span;
  }

  /** A record at a random place of the page that holds `hash`; 0 where chance hit an empty entry. */
  sample(slot: number, hash: number, fraction: number): Address {
    return this.pages.sample(this.pageOf(slot, hash), fraction);
  }

  /** Frees one slot's pages and directory; the records they point to must have been freed. */
  dropTable(slot: number): void {
    const root = this.roots[slot];
    if (root === 0) return;
    for (let hash = 0; hash < 4294967296;) {
      const page = this.pageOf(slot, hash);
      hash = this.pageEnd(page, hash);
      this.pages.free(page);
    }
    if (this.depths[slot] > 0) this.arena.free(root, DIRECTORY_ENTRY_BYTES << this.depths[slot]);
    this.roots[slot] = 0;
    this.depths[slot] = 0;
    this.counts[slot] = 0;
    this.soonest[slot] = Infinity;
  }

  // ── growing and shrinking, a page at a time ─────────────────────────────────────────────────────────────────

  /** Makes the full page larger or splits it; returns the page where `hash` belongs now. */
  private makeRoom(slot: number, page: Address, hash: number): Address {
    const capacity = this.pages.capacity(page);
    if (capacity < PAGE_CAPACITY_MAX) return this.resizePage(slot, page, hash, largerCapacity(capacity));
    if (this.pages.localDepth(page) >= DEPTH_MAX) {
      assert(capacity * 2 <= 0xffff, 'keys of one slot share more hash bits than chance allows');
      return this.resizePage(slot, page, hash, capacity * 2);
    }
    this.splitPage(slot, page, hash);
    return this.pageOf(slot, hash);
  }

  private resizePage(slot: number, page: Address, hash: number, capacity: number): Address {
    const localDepth = this.pages.localDepth(page);
    const resized = this.pages.create(capacity, localDepth, this.pages.soonest(page));
    this.pages.copyEntries(page, resized, resized, 0);
    this.pointDirectory(slot, hash, localDepth, resized);
    this.pages.free(page);
    return resized;
  }

  private splitPage(slot: number, page: Address, hash: number): void {
    const localDepth = this.pages.localDepth(page);
    if (localDepth === this.depths[slot]) this.doubleDirectory(slot);
    const bit = 2 ** (31 - localDepth);
    const upperCount = this.pages.countWith(page, bit);
    const lowerCount = this.pages.count(page) - upperCount;
    const soonest = this.pages.soonest(page);
    const lower = this.pages.create(capacityFor(lowerCount + 1), localDepth + 1, soonest);
    const upper = this.pages.create(capacityFor(upperCount + 1), localDepth + 1, soonest);
    this.pages.copyEntries(page, lower, upper, bit);
    const lowerHash = (hash & ~bit) >>> 0;
    this.pointDirectory(slot, lowerHash, localDepth + 1, lower);
    this.pointDirectory(slot, (lowerHash | bit) >>> 0, localDepth + 1, upper);
    this.pages.free(page);
  }

  private doubleDirectory(slot: number): void {
    const depth = this.depths[slot];
    const old = this.roots[slot];
    const directory = this.arena.allocate(DIRECTORY_ENTRY_BYTES << (depth + 1));
    const to = this.arena.u32s[directory >>> SEGMENT_SHIFT];
    let at = (directory & SEGMENT_MASK) << 1;
    if (depth === 0) {
      to[at] = to[at + 2] = old;
      to[at + 1] = to[at + 3] = this.capacities[slot];
    } else {
      const from = this.arena.u32s[old >>> SEGMENT_SHIFT];
      const start = (old & SEGMENT_MASK) << 1;
      const end = start + (2 << depth);
      for (let entry = start; entry < end; entry += 2, at += 4) {
        to[at] = to[at + 2] = from[entry];
        to[at + 1] = to[at + 3] = from[entry + 1];
      }
      this.arena.free(old, DIRECTORY_ENTRY_BYTES << depth);
    }
    this.roots[slot] = directory;
    this.depths[slot] = depth + 1;
  }

  /** After a removal: joins a nearly empty page with its neighbour, or halves it. */
  private mergeOrShrink(slot: number, page: Address, hash: number): void {
    const { pages } = this;
    const localDepth = pages.localDepth(page);
    const count = pages.count(page);
    if (localDepth > 0) {
      const bit = 2 ** (32 - localDepth);
      const buddy = this.pageOf(slot, (hash ^ bit) >>> 0);
      const total = count + pages.count(buddy);
      if (pages.localDepth(buddy) === localDepth && total <= MERGE_MAX) {
        const soonest = Math.min(pages.soonest(page), pages.soonest(buddy));
        const joined = pages.create(capacityFor(total), localDepth - 1, soonest);
        pages.copyEntries(page, joined, joined, 0);
        pages.copyEntries(buddy, joined, joined, 0);
        this.pointDirectory(slot, hash, localDepth - 1, joined);
        pages.free(page);
        pages.free(buddy);
        return;
      }
    }
    const capacity = pages.capacity(page);
    const smaller = capacityFor(count * 2);
    if (smaller < capacity && count * 4 <= capacity) this.resizePage(slot, page, hash, smaller);
  }

  /** Makes every directory entry for hashes that share `hash`'s upper `localDepth` bits point at `page`. */
  private pointDirectory(slot: number, hash: number, localDepth: number, page: Address): void {
    const depth = this.depths[slot];
    const capacity = this.pages.capacity(page);
    if (depth === 0) {
      this.roots[slot] = page;
      this.capacities[slot] = capacity;
      return;
    }
    const root = this.roots[slot];
    const words = this.arena.u32s[root >>> SEGMENT_SHIFT];
    const span = 2 << (depth - localDepth);
    const prefix = localDepth === 0 ? 0 : hash >>> (32 - localDepth);
    const first = ((root & SEGMENT_MASK) << 1) + prefix * span;
    for (let at = first; at < first + span; at += 2) {
      words[at] = page;
      words[at + 1] = capacity;
    }
  }
}
