/**
 * Tables: hash tables in the arena, which grow and shrink a page at a time. Keys, fields and members are found in them.
 *
 * A table is an *extendible hash table* (Fagin et al., 1979): a directory of pages, chosen by the upper bits of the
 * name's hash; a page holds up to 126 entries (hash, address) in 1 KiB, open addressed. When a page is full only that
 * page is split, so no growth ever takes longer than a page's, whatever the table's size: there is no rehashing to
 * spread over time and no moment with two tables. Small pages start at 6 entries and grow by 16, which keeps them
 * about four fifths full: 10 bytes per entry.
 *
 * Because pages are ranges of hashes, "in order of hash" is a position that growth does not disturb. SCAN cursors,
 * the expiry cycle and the snapshot walk are such positions.
 *
 * A table itself is TABLE_WORDS words that lie where its owner wants them, at `words[at]`:
 *
 *   word 0   depth 0: the address of the only page, or 0; else of the directory: 2^depth pairs of page and its capacity
 *   word 1   depth, and from bit 8 on the capacity of the only page
 *   word 2   number of entries
 *
 * A table of zeros is empty. Whoever points at a page knows its capacity too: a search then touches the one line of the
 * page where the entry is and not its header, and cache misses are what a search costs.
 *
 * Always: 2^(depth − local depth) directory entries point at a page. What a page is, see pages.ts.
 */
import { assert, type Bytes, type Random } from '../base';
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

/** Words of a table. */
export const TABLE_WORDS = 3;
/** The first position after all hashes. */
export const HASHES = 2 ** 32;

const DIRECTORY_ENTRY_BYTES = 8;
/** Directories never use more than these bits of the hash; a page that cannot split any more grows beyond 1 KiB. */
const DEPTH_MAX = 22;
/** Two neighbours with no more than this many entries together become one page. */
const MERGE_MAX = 40;

/** What a table's entries point at: blocks that can tell whether they bear a name. */
export interface Named {
  hasKey(address: Address, name: Bytes): boolean;
}

export class Tables {
  readonly pages: Pages;
  /** Where `find` found: valid until the next call that is not a `…Found`. */
  private foundPage: Address = 0;
  private foundWord = 0;
  /** What a page held, where all of it is looked at. */
  private readonly hashes: number[] = [];
  private readonly found: Address[] = [];
  private readonly order: number[] = [];

  constructor(
    private readonly arena: Arena,
    private readonly named: Named,
  ) {
    this.pages = new Pages(arena);
  }

  count(words: Uint32Array, at: number): number {
    return words[at + 2];
  }

  /** The entry's address, or 0. */
  find(words: Uint32Array, at: number, hash: number, name: Bytes): Address {
    let page = words[at];
    const shape = words[at + 1];
    const depth = shape & 0xff;
    let capacity = shape >>> 8;
    if (depth > 0) {
      const directory = this.arena.u32s[page >>> SEGMENT_SHIFT];
      const entry = ((page & SEGMENT_MASK) << 1) + ((hash >>> (32 - depth)) << 1);
      page = directory[entry];
      capacity = directory[entry + 1];
    } else if (page === 0) {
      return 0;
    }
    const entries = this.arena.u32s[page >>> SEGMENT_SHIFT];
    const first = ((page & SEGMENT_MASK) << 1) + PAGE_HEADER_WORDS;
    const end = first + (capacity << 1);
    for (let entry = first + (homeOf(hash, capacity) << 1); ;) {
      const address = entries[entry + 1];
      if (address === 0) return 0;
      if (entries[entry] === hash && this.named.hasKey(address, name)) {
        this.foundPage = page;
        this.foundWord = entry;
        return address;
      }
      entry += 2;
      if (entry === end) entry = first;
    }
  }

  /** Points the entry that `find` found at another block of the same name. */
  replaceFound(address: Address): void {
    this.arena.u32s[this.foundPage >>> SEGMENT_SHIFT][this.foundWord + 1] = address;
  }

  /** Removes the entry that `find` found in this table. */
  removeFound(words: Uint32Array, at: number): void {
    const page = this.foundPage;
    const hash = this.pages.removeAt(page, this.foundWord);
    const count = --words[at + 2];
    if (count === 0) {
      this.drop(words, at);
      return;
    }
    if (this.pages.count(page) <= MERGE_MAX / 2) this.mergeOrShrink(words, at, page, hash);
    const depth = words[at + 1] & 0xff;
    if (depth > 0 && count === 1 << depth) this.halveDirectory(words, at);
  }

  /** Adds an entry for a name that is not there. */
  insert(words: Uint32Array, at: number, hash: number, address: Address): void {
    let page = this.pageOf(words, at, hash);
    if (page === 0) {
      page = this.pages.create(PAGE_CAPACITY_MIN, 0, Infinity);
      this.pointDirectory(words, at, hash, 0, page);
    }
    while (this.pages.isFull(page)) page = this.makeRoom(words, at, page, hash);
    this.pages.add(page, hash, address);
    words[at + 2]++;
  }

  // ── walking, in order of hash ────────────────────────────────────────────────────────────────────────────────

  /** The page that holds `hash`; 0 where the table is empty. */
  pageOf(words: Uint32Array, at: number, hash: number): Address {
    const root = words[at];
    const depth = words[at + 1] & 0xff;
    if (depth === 0) return root;
    return this.arena.u32s[root >>> SEGMENT_SHIFT][((root & SEGMENT_MASK) << 1) + ((hash >>> (32 - depth)) << 1)];
  }

  /** The first hash after those of `page`, which holds `hash`; HASHES after the last page. */
  pageEnd(page: Address, hash: number): number {
    const span = 2 ** (32 - this.pages.localDepth(page));
    return Math.floor(hash / span) * span + span;
  }

  /**
   * The address of a random entry of a table that has some, every entry as likely as any other: a place is drawn among
   * the directory's entries and the places of the largest page, and drawn again where there is nothing or where the
   * same page was to be had from an earlier directory entry.
   */
  random(words: Uint32Array, at: number, random: Random): Address {
    const depth = words[at + 1] & 0xff;
    const places = depth === 0 ? words[at + 1] >>> 8 : PAGE_CAPACITY_MAX;
    const root = words[at];
    const directory = this.arena.u32s[root >>> SEGMENT_SHIFT];
    for (;;) {
      const index = depth === 0 ? 0 : random.below(1 << depth);
      const page = depth === 0 ? root : directory[((root & SEGMENT_MASK) << 1) + (index << 1)];
      const place = random.below(places);
      const capacity = this.pages.capacity(page);
      if (place >= capacity && capacity <= PAGE_CAPACITY_MAX) continue;
      // The first of the entries that point at a page has zeros where they differ.
      if ((index & ((1 << (depth - this.pages.localDepth(page))) - 1)) !== 0) continue;
      const address = this.pages.at(page, capacity <= PAGE_CAPACITY_MAX ? place : random.below(capacity));
      if (address !== 0) return address;
    }
  }

  /**
   * Takes the entries of the page that holds `from` whose hash is not below it, in order of hash: about `limit` of them, all of
   * one hash together. Their addresses replace what `addresses` held. Returns the position to go on from, HASHES after the last.
   */
  collect(words: Uint32Array, at: number, from: number, limit: number, addresses: Address[]): number {
    const { order, hashes, found } = this;
    const page = this.pageOf(words, at, from);
    const count = this.pages.read(page, hashes, found);
    order.length = 0;
    for (let i = 0; i < count; i++) if (hashes[i] >= from) order.push(i);
    order.sort((a, b) => hashes[a] - hashes[b]);
    let taken = Math.min(limit, order.length);
    while (taken > 0 && taken < order.length && hashes[order[taken]] === hashes[order[taken - 1]]) taken++;
    addresses.length = taken;
    for (let i = 0; i < taken; i++) addresses[i] = found[order[i]];
    return taken < order.length ? hashes[order[taken]] : this.pageEnd(page, from);
  }

  /** Writes the addresses of all entries with exactly this hash to `addresses`; returns how many. What `find` found stays found. */
  collectHash(words: Uint32Array, at: number, hash: number, addresses: Address[]): number {
    const page = this.pageOf(words, at, hash);
    return page === 0 ? 0 : this.pages.withHash(page, hash, addresses);
  }

  /**
   * Visits about `count` entries of a table that has some, from `cursor` on (0 to begin), and returns the cursor to go on from, 0
   * at the end. `visit` may change nothing.
   */
  scan(words: Uint32Array, at: number, cursor: number, count: number, visit: (address: Address) => void): number {
    const addresses: Address[] = [];
    let position = cursor;
    for (let left = count; left > 0 && position < HASHES; left -= addresses.length) {
      position = this.collect(words, at, position, left, addresses);
      for (const address of addresses) visit(address);
    }
    return position >= HASHES ? 0 : position;
  }

  /** Frees the pages and the directory; what the entries point to is the caller's. The table is empty then. */
  drop(words: Uint32Array, at: number): void {
    this.dismantle(words, at, 0, null, NEVER);
  }

  /**
   * Frees pages from the one that begins at hash `from` on, after `free` has had the addresses in them, until `isTimeUp`.
   * Returns where to go on; nothing else may be done with the table meanwhile. HASHES at the end: the table is empty then.
   */
  dismantle(
    words: Uint32Array,
    at: number,
    from: number,
    free: ((address: Address) => void) | null,
    isTimeUp: () => boolean,
  ): number {
    if (words[at] === 0) return HASHES;
    const { hashes, found } = this;
    while (from < HASHES) {
      const page = this.pageOf(words, at, from);
      if (free !== null) {
        const count = this.pages.read(page, hashes, found);
        for (let i = 0; i < count; i++) free(found[i]);
      }
      from = this.pageEnd(page, from);
      this.pages.free(page);
      if (from < HASHES && isTimeUp()) return from;
    }
    const depth = words[at + 1] & 0xff;
    if (depth > 0) this.arena.free(words[at], DIRECTORY_ENTRY_BYTES << depth);
    words[at] = words[at + 1] = words[at + 2] = 0;
    return HASHES;
  }

  // ── growing and shrinking, a page at a time ─────────────────────────────────────────────────────────────────

  /** Makes the full page larger or splits it; returns the page where `hash` belongs now. */
  private makeRoom(words: Uint32Array, at: number, page: Address, hash: number): Address {
    const capacity = this.pages.capacity(page);
    if (capacity < PAGE_CAPACITY_MAX) return this.resizePage(words, at, page, hash, largerCapacity(capacity));
    if (this.pages.localDepth(page) >= DEPTH_MAX) {
      assert(capacity * 2 <= 0xffff, 'names of one table share more hash bits than chance allows');
      return this.resizePage(words, at, page, hash, capacity * 2);
    }
    this.splitPage(words, at, page, hash);
    return this.pageOf(words, at, hash);
  }

  private resizePage(words: Uint32Array, at: number, page: Address, hash: number, capacity: number): Address {
    const localDepth = this.pages.localDepth(page);
    const resized = this.pages.create(capacity, localDepth, this.pages.soonest(page));
    this.pages.copyEntries(page, resized, resized, 0);
    this.pointDirectory(words, at, hash, localDepth, resized);
    this.pages.free(page);
    return resized;
  }

  private splitPage(words: Uint32Array, at: number, page: Address, hash: number): void {
    const localDepth = this.pages.localDepth(page);
    if (localDepth === (words[at + 1] & 0xff)) this.doubleDirectory(words, at);
    const bit = 2 ** (31 - localDepth);
    const upperCount = this.pages.countWith(page, bit);
    const lowerCount = this.pages.count(page) - upperCount;
    const soonest = this.pages.soonest(page);
    const lower = this.pages.create(capacityFor(lowerCount + 1), localDepth + 1, soonest);
    const upper = this.pages.create(capacityFor(upperCount + 1), localDepth + 1, soonest);
    this.pages.copyEntries(page, lower, upper, bit);
    const lowerHash = (hash & ~bit) >>> 0;
    this.pointDirectory(words, at, lowerHash, localDepth + 1, lower);
    this.pointDirectory(words, at, (lowerHash | bit) >>> 0, localDepth + 1, upper);
    this.pages.free(page);
  }

  private doubleDirectory(words: Uint32Array, at: number): void {
    const depth = words[at + 1] & 0xff;
    const old = words[at];
    const directory = this.arena.allocate(DIRECTORY_ENTRY_BYTES << (depth + 1));
    const to = this.arena.u32s[directory >>> SEGMENT_SHIFT];
    let entry = (directory & SEGMENT_MASK) << 1;
    if (depth === 0) {
      to[entry] = to[entry + 2] = old;
      to[entry + 1] = to[entry + 3] = words[at + 1] >>> 8;
    } else {
      const from = this.arena.u32s[old >>> SEGMENT_SHIFT];
      const start = (old & SEGMENT_MASK) << 1;
      const end = start + (2 << depth);
      for (let source = start; source < end; source += 2, entry += 4) {
        to[entry] = to[entry + 2] = from[source];
        to[entry + 1] = to[entry + 3] = from[source + 1];
      }
      this.arena.free(old, DIRECTORY_ENTRY_BYTES << depth);
    }
    words[at] = directory;
    words[at + 1] = depth + 1;
  }

  /** Makes the directory half as long, and again, while every page has two entries of it at least. */
  private halveDirectory(words: Uint32Array, at: number): void {
    for (;;) {
      const depth = words[at + 1] & 0xff;
      if (depth === 0) return;
      const old = words[at];
      const from = this.arena.u32s[old >>> SEGMENT_SHIFT];
      const start = (old & SEGMENT_MASK) << 1;
      const end = start + (2 << depth);
      for (let entry = start; entry < end; entry += 4) if (from[entry] !== from[entry + 2]) return;
      if (depth === 1) {
        words[at] = from[start];
        words[at + 1] = from[start + 1] << 8;
      } else {
        const directory = this.arena.allocate(DIRECTORY_ENTRY_BYTES << (depth - 1));
        const to = this.arena.u32s[directory >>> SEGMENT_SHIFT];
        let entry = (directory & SEGMENT_MASK) << 1;
        for (let source = start; source < end; source += 4, entry += 2) {
          to[entry] = from[source];
          to[entry + 1] = from[source + 1];
        }
        words[at] = directory;
        words[at + 1] = depth - 1;
      }
      this.arena.free(old, DIRECTORY_ENTRY_BYTES << depth);
    }
  }

  /** After a removal: joins a nearly empty page with its neighbour, or halves it. */
  private mergeOrShrink(words: Uint32Array, at: number, page: Address, hash: number): void {
    const { pages } = this;
    const localDepth = pages.localDepth(page);
    const count = pages.count(page);
    if (localDepth > 0) {
      const bit = 2 ** (32 - localDepth);
      const buddy = this.pageOf(words, at, (hash ^ bit) >>> 0);
      const total = count + pages.count(buddy);
      if (pages.localDepth(buddy) === localDepth && total <= MERGE_MAX) {
        const soonest = Math.min(pages.soonest(page), pages.soonest(buddy));
        const joined = pages.create(capacityFor(total), localDepth - 1, soonest);
        pages.copyEntries(page, joined, joined, 0);
        pages.copyEntries(buddy, joined, joined, 0);
        this.pointDirectory(words, at, hash, localDepth - 1, joined);
        pages.free(page);
        pages.free(buddy);
        return;
      }
    }
    const capacity = pages.capacity(page);
    const smaller = capacityFor(count * 2);
    if (smaller < capacity && count * 4 <= capacity) this.resizePage(words, at, page, hash, smaller);
  }

  /** Makes every directory entry for hashes that share `hash`'s upper `localDepth` bits point at `page`. */
  private pointDirectory(words: Uint32Array, at: number, hash: number, localDepth: number, page: Address): void {
    const depth = words[at + 1] & 0xff;
    const capacity = this.pages.capacity(page);
    if (depth === 0) {
      words[at] = page;
      words[at + 1] = capacity << 8;
      return;
    }
    const root = words[at];
    const directory = this.arena.u32s[root >>> SEGMENT_SHIFT];
    const span = 2 << (depth - localDepth);
    const prefix = localDepth === 0 ? 0 : hash >>> (32 - localDepth);
    const first = ((root & SEGMENT_MASK) << 1) + prefix * span;
    for (let entry = first; entry < first + span; entry += 2) {
      directory[entry] = page;
      directory[entry + 1] = capacity;
    }
  }
}

const NEVER = (): boolean => false;
