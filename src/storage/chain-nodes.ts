/**
 * Nodes of a chain: blocks of the arena that hold one listpack each (see chain.ts).
 *
 *   word 0   bits 0–15 where the listpack begins, in bytes from the block's beginning; bits 16–30 capacity of the block in
 *            units of 8 bytes; with bit 31: bits 0–30 capacity, the listpack begins after this word
 *   listpack, with free room before and behind it
 *
 * The room before it makes a list a queue: what is taken from or put at the head moves the beginning and rewrites six bytes of
 * header, where a listpack alone would have to be moved as a whole. An insertion or removal in the middle moves the shorter side.
 * A block grows by a quarter, as realloc would in its size classes, and not beyond the power of two that nodes are limited to;
 * it shrinks when less than half of it is used. So a deed costs at most one copy of a node, and rarely that.
 *
 * Large blocks (one large element, as a rule) have no room before the listpack.
 */
import { copyBytes, type Bytes } from '../base';
import { blockBytes, SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { Listpack, LISTPACK_EMPTY_BYTES, LISTPACK_HEADER_BYTES } from './listpack';

const WORD_BYTES = 4;
const START_MASK = 0xffff;
const CAPACITY_SHIFT = 16;
const LARGE_FLAG = 0x80000000;
const LARGE_CAPACITY_MASK = 0x7fffffff;
/** Blocks above this are large. Below it at least half is used, so the listpack begins within 2^16 bytes. */
const SMALL_BYTES_MAX = 96 * 1024;
/** Blocks up to this are never made smaller. */
const SHRINK_FROM_BYTES = 128;
/** Room that a growing block gets at least. */
const GROWTH_BYTES_MIN = 32;
/** Limits of nodes are powers of two from here on: growth stops there. */
const NODE_LIMIT_BYTES_MIN = 4096;

export class ChainNodes {
  private readonly pack = new Listpack();
  private readonly other = new Listpack();

  constructor(private readonly arena: Arena) {}

  /** Points `pack` at a node's listpack; returns it. */
  open(node: Address, pack: Listpack): Listpack {
    const u8 = this.arena.u8s[node >>> SEGMENT_SHIFT];
    if (pack.u8 !== u8) pack.u8 = u8;
    pack.base = ((node & SEGMENT_MASK) << 3) + startOf(this.header(node));
    return pack;
  }

  /** A node without elements, with room for a listpack of `bytes` bytes. */
  create(bytes: number): Address {
    const node = this.allocate(blockBytes(WORD_BYTES + bytes), WORD_BYTES);
    this.open(node, this.pack).writeFrame(LISTPACK_EMPTY_BYTES, 0);
    return node;
  }

  /** A node with `count` elements, those that lie in `buffer[start, end)`. */
  createOf(buffer: Uint8Array, start: number, end: number, count: number): Address {
    const bytes = LISTPACK_EMPTY_BYTES + end - start;
    const node = this.allocate(blockBytes(WORD_BYTES + bytes), WORD_BYTES);
    const pack = this.open(node, this.pack);
    copyBytes(buffer, start, end, pack.u8, pack.base + LISTPACK_HEADER_BYTES);
    pack.writeFrame(bytes, count);
    return node;
  }

  free(node: Address): void {
    this.arena.free(node, capacityOf(this.header(node)));
  }

  /** Bytes of the node's block. */
  sizeOf(node: Address): number {
    return capacityOf(this.header(node));
  }

  /**
   * Inserts an element of `size` bytes before position `at`; `count` is the new count. `pack` is open at the node before and
   * afterwards. Returns the node, which may have moved.
   */
  insert(node: Address, pack: Listpack, at: number, text: Bytes, size: number, count: number): Address {
    const bytes = pack.length + size;
    const placed = this.widen(node, pack, at, size);
    pack.writeFrame(bytes, count);
    pack.write(at, text);
    return placed;
  }

  /** Removes `size` bytes of elements from position `at` on; otherwise as `insert`. */
  remove(node: Address, pack: Listpack, at: number, size: number, count: number): Address {
    const bytes = pack.length - size;
    const placed = this.narrow(node, pack, at, size);
    pack.writeFrame(bytes, count);
    return placed;
  }

  /** Appends the elements of `from` to those of `node` and frees `from`; returns the node, which may have moved. */
  join(node: Address, from: Address, count: number): Address {
    const source = this.open(from, this.other);
    const start = source.base + LISTPACK_HEADER_BYTES;
    const added = source.length - LISTPACK_EMPTY_BYTES;
    const pack = this.open(node, this.pack);
    const bytes = pack.length;
    const placed = this.widen(node, pack, bytes - 1, added);
    copyBytes(source.u8, start, start + added, pack.u8, pack.base + bytes - 1);
    pack.writeFrame(bytes + added, count);
    this.free(from);
    return placed;
  }

  /** A copy of a node, without its free room. */
  copyOf(node: Address): Address {
    const pack = this.open(node, this.other);
    const start = pack.base + LISTPACK_HEADER_BYTES;
    const count = pack.u8[pack.base + 4] | (pack.u8[pack.base + 5] << 8);
    return this.createOf(pack.u8, start, pack.base + pack.length - 1, count);
  }

  /** Opens a gap of `size` bytes at `at`; header and end are yet to be written. Keeps `pack` open. */
  private widen(node: Address, pack: Listpack, at: number, size: number): Address {
    const header = this.header(node);
    const { u8, base, length } = pack;
    const start = startOf(header);
    const back = capacityOf(header) - start - length;
    if (start - WORD_BYTES >= size && (at * 2 < length || back < size)) {
      if (at > LISTPACK_HEADER_BYTES) u8.copyWithin(base - size, base, base + at);
      this.setHeader(node, header - size);
      pack.base = base - size;
      return node;
    }
    if (back >= size) {
      if (at < length - 1) u8.copyWithin(base + at + size, base + at, base + length);
      return node;
    }
    return this.moveApart(node, pack, at, size);
  }

  /** The same in a new block, whose free room lies on the side of the gap. */
  private moveApart(node: Address, pack: Listpack, at: number, size: number): Address {
    const { u8, base, length } = pack;
    const needed = WORD_BYTES + length + size;
    const capacity = needed <= this.sizeOf(node) ? this.sizeOf(node) : grownBytes(needed);
    const isRoomBefore = capacity <= SMALL_BYTES_MAX && at * 2 < length;
    const fresh = this.allocate(capacity, isRoomBefore ? capacity - length - size : WORD_BYTES);
    this.open(fresh, pack);
    copyBytes(u8, base, base + at, pack.u8, pack.base);
    copyBytes(u8, base + at, base + length, pack.u8, pack.base + at + size);
    this.free(node);
    return fresh;
  }

  /** Takes out `size` bytes at `at`; header and end are yet to be written. Keeps `pack` open. */
  private narrow(node: Address, pack: Listpack, at: number, size: number): Address {
    const header = this.header(node);
    const { u8, base, length } = pack;
    const needed = WORD_BYTES + length - size;
    const capacity = capacityOf(header);
    if (capacity > SHRINK_FROM_BYTES && needed * 2 < capacity) {
      const fresh = this.allocate(blockBytes(needed + (needed >>> 2)), WORD_BYTES);
      this.open(fresh, pack);
      copyBytes(u8, base, base + at, pack.u8, pack.base);
      copyBytes(u8, base + at + size, base + length, pack.u8, pack.base + at);
      this.free(node);
      return fresh;
    }
    if (at * 2 < length && capacity <= SMALL_BYTES_MAX) {
      if (at > LISTPACK_HEADER_BYTES) u8.copyWithin(base + size, base, base + at);
      this.setHeader(node, header + size);
      pack.base = base + size;
    } else if (at + size < length - 1) {
      u8.copyWithin(base + at, base + at + size, base + length);
    }
    return node;
  }

  private allocate(capacity: number, start: number): Address {
    const node = this.arena.allocate(capacity);
    const units = capacity >>> 3;
    this.setHeader(node, capacity > SMALL_BYTES_MAX ? LARGE_FLAG + units : (units << CAPACITY_SHIFT) | start);
    return node;
  }

  private header(node: Address): number {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][(node & SEGMENT_MASK) << 1];
  }

  private setHeader(node: Address, header: number): void {
    this.arena.u32s[node >>> SEGMENT_SHIFT][(node & SEGMENT_MASK) << 1] = header;
  }
}

function startOf(header: number): number {
  return header < LARGE_FLAG ? header & START_MASK : WORD_BYTES;
}

/** Bytes of the block. */
function capacityOf(header: number): number {
  return (header < LARGE_FLAG ? header >>> CAPACITY_SHIFT : header & LARGE_CAPACITY_MASK) * 8;
}

/** The block for a node that has to grow to `needed` bytes. */
function grownBytes(needed: number): number {
  if (needed > SMALL_BYTES_MAX) return blockBytes(needed);
  const limit = Math.max(NODE_LIMIT_BYTES_MIN, 1 << (32 - Math.clz32(needed - 1)));
  return blockBytes(Math.min(limit, needed + Math.max(GROWTH_BYTES_MIN, needed >>> 2)));
}
