/**
 * Arena: all data of a keyspace, as bytes outside the V8 heap.
 *
 * Memory comes in segments of 4 MiB. An *address* is a 32-bit number in units of 8 bytes, the segment in its upper
 * bits; so the arena reaches 32 GiB, an index entry needs 4 bytes for a pointer, and the garbage collector sees a few
 * hundred buffers instead of millions of objects. Address 0 is "none".
 *
 * Blocks are cut from the current segment (bump) or taken from a free list of their size class. Classes are exact to
 * 8 bytes up to 1 KiB, then eight per doubling (≤ 12.5 % lost). A block does not know its size: who frees it says so,
 * because every structure here can tell its own size and four bytes per key are worth saving. Blocks of more than
 * 2 MiB get a segment of their own, of their class's size, which goes back to the operating system when freed.
 *
 * Small blocks, the records of most keys, are cut from a region; when it is used up, a larger block that lies free becomes
 * the next one. So what growing tables leave behind (pages of an outgrown size) is filled with new keys at once, and not
 * only when the segment ends: 4 bytes per key at 10 million (measured).
 *
 * Always: a block is in at most one free list; a freed block's first word is the next free address; `usedBytes` is
 * the sum of the class sizes of the blocks handed out.
 */
import { CacheError, widen } from '../base';

/** Low bits of an address that count units inside a segment: 2^19 units of 8 bytes = 4 MiB. */
export const SEGMENT_SHIFT = 19;
export const SEGMENT_MASK = (1 << SEGMENT_SHIFT) - 1;
const SEGMENT_UNITS = 1 << SEGMENT_SHIFT;
const SEGMENT_BYTES = SEGMENT_UNITS * 8;
/** What 32-bit addresses can reach: 8,192 segments. */
const SEGMENTS_MAX = 2 ** (32 - SEGMENT_SHIFT);

/** Classes are exact up to this many units (1 KiB). */
const EXACT_UNITS_MAX = 128;
/** The largest class: half a segment (2 MiB); above, a block has a segment of its own. */
const CLASS_UNITS_MAX = SEGMENT_UNITS / 2;
const CLASS_COUNT = classOf(CLASS_UNITS_MAX) + 1;
/** Blocks of up to this many units (128 bytes: most records) are cut from regions of their own. */
const SMALL_UNITS_MAX = 16;
/** A fresh region for small blocks: 4 KiB. */
const SMALL_REGION_UNITS = 512;
/** Larger free blocks are cut up only when this share of the arena lies free. */
const RECYCLE_WHEN_FREE_SHARE = 1 / 256;

/** An address: a block's place in the arena, in units of 8 bytes; 0 is none. */
export type Address = number;

export class Arena {
  /** Segments as bytes: byte b of the block at a is `u8s[a >>> SEGMENT_SHIFT][((a & SEGMENT_MASK) << 3) + b]`. */
  readonly u8s: Uint8Array[] = [];
  /** The same memory as 32-bit words: word w is `u32s[a >>> SEGMENT_SHIFT][((a & SEGMENT_MASK) << 1) + w]`. */
  readonly u32s: Uint32Array[] = [];
  /** The same memory as doubles: double d is `f64s[a >>> SEGMENT_SHIFT][(a & SEGMENT_MASK) + d]`. */
  readonly f64s: Float64Array[] = [];

  /** Bytes in blocks that are handed out. */
  usedBytes = 0;
  /** Bytes of all segments. */
  committedBytes = 0;

  private readonly freeHeads = new Uint32Array(CLASS_COUNT);
  private freeBytes = 0;
  /** What is left of the current segment. */
  private bump = 0;
  private bumpEnd = 0;
  /** What is left of the region that small blocks are cut from. */
  private small = 0;
  private smallEnd = 0;
  private readonly vacantSegments: number[] = [];

  /** A block of at least `bytes` bytes, with whatever was in it. Throws OUT_OF_MEMORY. */
  allocate(bytes: number): Address {
    const units = (bytes + 7) >>> 3;
    const sizeClass = classOf(units);
    if (units > CLASS_UNITS_MAX) return this.allocateHuge(unitsOf(sizeClass));
    const head = this.freeHeads[sizeClass];
    const size = units <= EXACT_UNITS_MAX ? units : unitsOf(sizeClass);
    let address: Address;
    if (head !== 0) {
      this.freeHeads[sizeClass] = this.u32s[head >>> SEGMENT_SHIFT][(head & SEGMENT_MASK) << 1];
      this.freeBytes -= size << 3;
      address = head;
    } else if (units <= SMALL_UNITS_MAX) {
      if (this.small + size > this.smallEnd) this.refillSmall();
      address = this.small;
      this.small += size;
    } else {
      address = this.allocateFresh(sizeClass, size);
    }
    this.usedBytes += size << 3;
    return address;
  }

  /** Gives back a block that was allocated with this many bytes. */
  free(address: Address, bytes: number): void {
    const units = (bytes + 7) >>> 3;
    const sizeClass = classOf(units);
    if (units > CLASS_UNITS_MAX) {
      this.freeHuge(address, unitsOf(sizeClass));
      return;
    }
    const size = units <= EXACT_UNITS_MAX ? units : unitsOf(sizeClass);
    this.usedBytes -= size << 3;
    this.pushFree(address, sizeClass, size);
  }

  /** Forgets everything at once, whatever it held. Invalidates every address. */
  reset(): void {
    this.u8s.length = 0;
    this.u32s.length = 0;
    this.f64s.length = 0;
    this.usedBytes = 0;
    this.committedBytes = 0;
    this.freeHeads.fill(0);
    this.freeBytes = 0;
    this.bump = this.bumpEnd = 0;
    this.small = this.smallEnd = 0;
    this.vacantSegments.length = 0;
  }

  private pushFree(address: Address, sizeClass: number, units: number): void {
    this.u32s[address >>> SEGMENT_SHIFT][(address & SEGMENT_MASK) << 1] = this.freeHeads[sizeClass];
    this.freeHeads[sizeClass] = address;
    this.freeBytes += units << 3;
  }

  /** Gives small blocks a new region: a larger block that lies free if much does, else a piece of the segment. */
  private refillSmall(): void {
    this.freeRange(this.small, this.smallEnd - this.small);
    this.small = this.smallEnd = 0;
    let region = 0;
    let units = SMALL_REGION_UNITS;
    if (this.freeBytes > this.committedBytes * RECYCLE_WHEN_FREE_SHARE) {
      const sizeClass = this.freeClassFrom(SMALL_UNITS_MAX * 2);
      if (sizeClass !== 0) {
        region = this.popFree(sizeClass);
        units = unitsOf(sizeClass);
      }
    }
    this.small = region === 0 ? this.allocateFresh(classOf(units), units) : region;
    this.smallEnd = this.small + units;
  }

  /** A block that no free list has: cut from the segment, or from a larger free block, or from a new segment. */
  private allocateFresh(sizeClass: number, units: number): Address {
    if (this.bump + units > this.bumpEnd) {
      if (this.freeBytes > this.committedBytes * RECYCLE_WHEN_FREE_SHARE) {
        const larger = this.freeClassFrom(sizeClass + 1);
        if (larger !== 0) {
          const block = this.popFree(larger);
          this.freeRange(block + units, unitsOf(larger) - units);
          return block;
        }
      }
      this.openSegment();
    }
    const address = this.bump;
    this.bump += units;
    return address;
  }

  /** The smallest class from this one on that has a free block; 0 for none. */
  private freeClassFrom(sizeClass: number): number {
    for (; sizeClass < CLASS_COUNT; sizeClass++) if (this.freeHeads[sizeClass] !== 0) return sizeClass;
    return 0;
  }

  private popFree(sizeClass: number): Address {
    const head = this.freeHeads[sizeClass];
    this.freeHeads[sizeClass] = this.u32s[head >>> SEGMENT_SHIFT][(head & SEGMENT_MASK) << 1];
    this.freeBytes -= unitsOf(sizeClass) << 3;
    return head;
  }

  private openSegment(): void {
    this.freeRange(this.bump, this.bumpEnd - this.bump);
    // It lies in the free lists now; it must not be handed out from here too if there is no memory for a segment.
    this.bump = this.bumpEnd;
    const segment = this.addSegment(SEGMENT_BYTES);
    this.bump = segment * SEGMENT_UNITS + (segment === 0 ? 1 : 0);
    this.bumpEnd = (segment + 1) * SEGMENT_UNITS;
  }

  /** Puts a range of any length into free lists, in pieces of class sizes. */
  private freeRange(address: Address, units: number): void {
    while (units > 0) {
      let sizeClass = classOf(Math.min(units, CLASS_UNITS_MAX));
      if (unitsOf(sizeClass) > units) sizeClass--;
      const size = unitsOf(sizeClass);
      this.pushFree(address, sizeClass, size);
      address += size;
      units -= size;
    }
  }

  private allocateHuge(units: number): Address {
    // Segment 0 holds address 0, which means "none": a block with a segment of its own must not start there.
    if (this.u8s.length === 0) this.startFirstSegment();
    const segment = this.addSegment(units * 8);
    this.usedBytes += units * 8;
    return segment * SEGMENT_UNITS;
  }

  private freeHuge(address: Address, units: number): void {
    const segment = address >>> SEGMENT_SHIFT;
    this.u8s[segment] = NO_BYTES;
    this.u32s[segment] = NO_WORDS;
    this.f64s[segment] = NO_DOUBLES;
    this.vacantSegments.push(segment);
    this.usedBytes -= units * 8;
    this.committedBytes -= units * 8;
  }

  private addSegment(bytes: number): number {
    const segment = this.vacantSegments.pop() ?? this.u8s.length;
    if (segment >= SEGMENTS_MAX) {
      throw new CacheError('OUT_OF_MEMORY', 'the keyspace has reached its address space of 32 GiB');
    }
    let memory: ArrayBuffer;
    try {
      memory = new ArrayBuffer(bytes);
    } catch (cause) {
      this.vacantSegments.push(segment);
      throw new CacheError('OUT_OF_MEMORY', `the machine has no ${bytes} bytes left for the keyspace`, { cause });
    }
    this.u8s[segment] = widen(new Uint8Array(memory));
    this.u32s[segment] = new Uint32Array(memory);
    this.f64s[segment] = new Float64Array(memory);
    this.committedBytes += bytes;
    return segment;
  }

  private startFirstSegment(): void {
    this.addSegment(SEGMENT_BYTES);
    this.bump = 1;
    this.bumpEnd = SEGMENT_UNITS;
  }
}

/** Whether blocks of these two sizes are of one class, so that a value can change its length in place. */
export function sameBlock(bytesA: number, bytesB: number): boolean {
  const a = (bytesA + 7) >>> 3;
  const b = (bytesB + 7) >>> 3;
  return a === b || classOf(a) === classOf(b);
}

/** Bytes of the block that is handed out where this many are asked for. */
export function blockBytes(bytes: number): number {
  return unitsOf(classOf((bytes + 7) >>> 3)) << 3;
}

/** The class of blocks of `units` units: the smallest whose size holds them. */
function classOf(units: number): number {
  if (units <= EXACT_UNITS_MAX) return units;
  const log = 31 - Math.clz32(units - 1);
  const base = 1 << log;
  const step = base >>> 3;
  return EXACT_UNITS_MAX + ((log - 7) << 3) + Math.floor((units - base + step - 1) / step);
}

/** The size of a class's blocks in units. */
function unitsOf(sizeClass: number): number {
  if (sizeClass <= EXACT_UNITS_MAX) return sizeClass;
  const above = sizeClass - EXACT_UNITS_MAX - 1;
  const base = EXACT_UNITS_MAX << (above >>> 3);
  return base + (base >>> 3) * ((above & 7) + 1);
}

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Uint32Array(0);
const NO_DOUBLES = new Float64Array(0);
