/**
 * Pages: the buckets of extendible hash tables (see tables.ts), each a block of the arena.
 *
 *   word 0 = count | capacity << 16, word 1 = local depth, words 2–3 = soonest expiry (double, ms; ∞ for none),
 *   then `capacity` entries of two words: hash, address (0 = empty)
 *
 * Entries are open addressed from a home position that the lower bits of the hash give. Always: at least one entry of a
 * page is empty, so probes end; an entry is reachable from its home without crossing an empty one (deletion shifts back
 * instead of leaving tombstones).
 */
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';

/** Words before the first entry. */
export const PAGE_HEADER_WORDS = 4;
/** A page of 126 entries and its header are 1 KiB; above this, pages split instead of growing. */
export const PAGE_CAPACITY_MAX = 126;
export const PAGE_CAPACITY_MIN = 6;

const HEADER_BYTES = 16;
const ENTRY_BYTES = 8;
const CAPACITY_FIRST_STEP = 14;
const CAPACITY_STEP = 16;

export class Pages {
  constructor(private readonly arena: Arena) {}

  create(capacity: number, localDepth: number, soonest: number): Address {
    const page = this.arena.allocate(HEADER_BYTES + capacity * ENTRY_BYTES);
    const words = this.arena.u32s[page >>> SEGMENT_SHIFT];
    const base = (page & SEGMENT_MASK) << 1;
    words.fill(0, base, base + PAGE_HEADER_WORDS + (capacity << 1));
    words[base] = capacity << 16;
    words[base + 1] = localDepth;
    this.setSoonest(page, soonest);
    return page;
  }

  free(page: Address): void {
    this.arena.free(page, HEADER_BYTES + this.capacity(page) * ENTRY_BYTES);
  }

  count(page: Address): number {
    return this.arena.u32s[page >>> SEGMENT_SHIFT][(page & SEGMENT_MASK) << 1] & 0xffff;
  }

  capacity(page: Address): number {
    return this.arena.u32s[page >>> SEGMENT_SHIFT][(page & SEGMENT_MASK) << 1] >>> 16;
  }

  /** How many upper bits of the hash all entries share. */
  localDepth(page: Address): number {
    return this.arena.u32s[page >>> SEGMENT_SHIFT][((page & SEGMENT_MASK) << 1) + 1];
  }

  /** Lower bound of the expiries of the keys in a page. */
  soonest(page: Address): number {
    return this.arena.f64s[page >>> SEGMENT_SHIFT][(page & SEGMENT_MASK) + 1];
  }

  setSoonest(page: Address, expiryAtMs: number): void {
    this.arena.f64s[page >>> SEGMENT_SHIFT][(page & SEGMENT_MASK) + 1] = expiryAtMs;
  }

  isFull(page: Address): boolean {
    return this.count(page) >= fillMax(this.capacity(page));
  }

  /** Adds an entry to a page that has room. */
  add(page: Address, hash: number, record: Address): void {
    put(this.arena.u32s[page >>> SEGMENT_SHIFT], (page & SEGMENT_MASK) << 1, hash, record);
  }

  /** Removes the entry at `word` of the page's segment; returns its hash. */
  removeAt(page: Address, word: number): number {
    const words = this.arena.u32s[page >>> SEGMENT_SHIFT];
    const base = (page & SEGMENT_MASK) << 1;
    const capacity = words[base] >>> 16;
    const hash = words[word];
    const first = base + PAGE_HEADER_WORDS;
    let hole = (word - first) >>> 1;
    for (let next = hole; ;) {
      if (++next === capacity) next = 0;
      const at = first + (next << 1);
      if (words[at + 1] === 0) break;
      // An entry may fill the hole if its home lies at or before the hole, going round.
      const distance = next - homeOf(words[at], capacity);
      const toHole = next - hole;
      if ((distance < 0 ? distance + capacity : distance) >= (toHole < 0 ? toHole + capacity : toHole)) {
        words[first + (hole << 1)] = words[at];
        words[first + (hole << 1) + 1] = words[at + 1];
        hole = next;
      }
    }
    words[first + (hole << 1) + 1] = 0;
    words[base]--;
    return hash;
  }

  /** Copies the entries to `hashes` and `addresses`; returns how many. */
  read(page: Address, hashes: number[], addresses: number[]): number {
    const words = this.arena.u32s[page >>> SEGMENT_SHIFT];
    const base = (page & SEGMENT_MASK) << 1;
    const end = base + PAGE_HEADER_WORDS + ((words[base] >>> 16) << 1);
    let count = 0;
    for (let at = base + PAGE_HEADER_WORDS; at < end; at += 2) {
      if (words[at + 1] === 0) continue;
      hashes[count] = words[at];
      addresses[count++] = words[at + 1];
    }
    return count;
  }

  /** Copies the addresses of the entries with this hash to `addresses`; returns how many. */
  withHash(page: Address, hash: number, addresses: Address[]): number {
    const words = this.arena.u32s[page >>> SEGMENT_SHIFT];
    const base = (page & SEGMENT_MASK) << 1;
    const capacity = words[base] >>> 16;
    const first = base + PAGE_HEADER_WORDS;
    const end = first + (capacity << 1);
    let count = 0;
    for (let at = first + (homeOf(hash, capacity) << 1); words[at + 1] !== 0;) {
      if (words[at] === hash) addresses[count++] = words[at + 1];
      at += 2;
      if (at === end) at = first;
    }
    return count;
  }

  /** The address at one of the places for entries, 0 … capacity − 1; 0 where it is empty. */
  at(page: Address, place: number): Address {
    const first = ((page & SEGMENT_MASK) << 1) + PAGE_HEADER_WORDS;
    return this.arena.u32s[page >>> SEGMENT_SHIFT][first + (place << 1) + 1];
  }

  /** How many entries have `bit` in their hash. */
  countWith(page: Address, bit: number): number {
    const words = this.arena.u32s[page >>> SEGMENT_SHIFT];
    const base = (page & SEGMENT_MASK) << 1;
    const end = base + PAGE_HEADER_WORDS + ((words[base] >>> 16) << 1);
    let count = 0;
    for (let at = base + PAGE_HEADER_WORDS; at < end; at += 2) {
      if (words[at + 1] !== 0 && (words[at] & bit) !== 0) count++;
    }
    return count;
  }

  /** Copies all entries of `from` to `upper` where the hash has `bit`, else to `lower`. */
  copyEntries(from: Address, lower: Address, upper: Address, bit: number): void {
    const words = this.arena.u32s[from >>> SEGMENT_SHIFT];
    const base = (from & SEGMENT_MASK) << 1;
    const lowerWords = this.arena.u32s[lower >>> SEGMENT_SHIFT];
    const lowerBase = (lower & SEGMENT_MASK) << 1;
    const upperWords = this.arena.u32s[upper >>> SEGMENT_SHIFT];
    const upperBase = (upper & SEGMENT_MASK) << 1;
    const end = base + PAGE_HEADER_WORDS + ((words[base] >>> 16) << 1);
    for (let at = base + PAGE_HEADER_WORDS; at < end; at += 2) {
      const record = words[at + 1];
      if (record === 0) continue;
      const hash = words[at];
      if ((hash & bit) !== 0) put(upperWords, upperBase, hash, record);
      else put(lowerWords, lowerBase, hash, record);
    }
  }
}

/** Writes an entry into a page that has room, and counts it. */
function put(words: Uint32Array, base: number, hash: number, record: Address): void {
  const capacity = words[base] >>> 16;
  const first = base + PAGE_HEADER_WORDS;
  const end = first + (capacity << 1);
  let at = first + (homeOf(hash, capacity) << 1);
  while (words[at + 1] !== 0) {
    at += 2;
    if (at === end) at = first;
  }
  words[at] = hash;
  words[at + 1] = record;
  words[base]++;
}

/** The entry at which the search for a hash begins: its lower 16 bits, scaled to the page. */
export function homeOf(hash: number, capacity: number): number {
  return ((hash & 0xffff) * capacity) >>> 16;
}

/** The next larger capacity below the largest. */
export function largerCapacity(capacity: number): number {
  return capacity === PAGE_CAPACITY_MIN ? CAPACITY_FIRST_STEP : capacity + CAPACITY_STEP;
}

/** The smallest capacity that takes `count` entries, or the largest there is. */
export function capacityFor(count: number): number {
  let capacity = PAGE_CAPACITY_MIN;
  while (capacity < PAGE_CAPACITY_MAX && fillMax(capacity) < count) capacity = largerCapacity(capacity);
  return capacity;
}

/** How many entries a page of this capacity takes before it must grow: seven eighths, and never all. */
function fillMax(capacity: number): number {
  return capacity - (capacity < 16 ? 1 : capacity >>> 3);
}
