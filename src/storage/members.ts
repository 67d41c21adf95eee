/**
 * Members: how one element of a large collection lies in the arena: a block of its own, pointed at by a hash table (see
 * tables.ts), by an ordered tree (ordered-tree.ts), or by both.
 *
 *   [prefix]    fixed bytes of the collection's own: the score of a sorted set
 *   1 or 5 B    name length (see lengths.ts), name bytes: the field, the member, an ID
 *   [tail]      what belongs to the name: the value of a hash's field, with a length of its own
 *
 * A collection's kind says how long the prefix is and what tail there is; so blocks carry no header.
 */
import { asBuffer, copyBytes, sameBytes, type Bytes } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { lengthBytes, lengthBytesAt, readLength, writeLength } from './lengths';

/** What follows a member's name. */
export type Tail =
  /** Nothing. */
  | 'none'
  /** A value: its length, its bytes. */
  | 'value'
  /** This many bytes. */
  | number;

export class Members {
  private readonly hasValue: boolean;
  private readonly tailBytes: number;

  constructor(
    readonly arena: Arena,
    /** Bytes before the name's length: a multiple of 8. */
    private readonly prefixBytes: number,
    tail: Tail,
  ) {
    this.hasValue = tail === 'value';
    this.tailBytes = typeof tail === 'number' ? tail : 0;
  }

  /** A new block with this name; prefix and tail are yet to be written. `valueLength` counts where the tail is a value. */
  create(name: Bytes, valueLength: number): Address {
    const length = name.end - name.start;
    const address = this.arena.allocate(this.size(length, valueLength));
    const u8 = this.arena.u8s[address >>> SEGMENT_SHIFT];
    const at = writeLength(u8, ((address & SEGMENT_MASK) << 3) + this.prefixBytes, length);
    const end = copyBytes(name.buffer, name.start, name.end, u8, at);
    if (this.hasValue) writeLength(u8, end, valueLength);
    return address;
  }

  free(address: Address): void {
    this.arena.free(address, this.sizeOf(address));
  }

  sizeOf(address: Address): number {
    const u8 = this.arena.u8s[address >>> SEGMENT_SHIFT];
    const at = ((address & SEGMENT_MASK) << 3) + this.prefixBytes;
    const length = readLength(u8, at);
    return this.size(length, this.hasValue ? readLength(u8, at + lengthBytes(length) + length) : 0);
  }

  /** Points `into` at the name. */
  key(address: Address, into: Bytes): Bytes {
    const u8 = this.arena.u8s[address >>> SEGMENT_SHIFT];
    const at = ((address & SEGMENT_MASK) << 3) + this.prefixBytes;
    const start = at + lengthBytesAt(u8, at);
    return into.set(u8, start, start + readLength(u8, at));
  }

  hasKey(address: Address, name: Bytes): boolean {
    const u8 = this.arena.u8s[address >>> SEGMENT_SHIFT];
    const at = ((address & SEGMENT_MASK) << 3) + this.prefixBytes;
    const length = readLength(u8, at);
    if (length !== name.end - name.start) return false;
    return sameBytes(u8, at + lengthBytes(length), name.buffer, name.start, length);
  }

  /** Below 0, 0 or above 0: whether the name sorts before, as or after `name`, byte by byte. */
  compareKey(address: Address, name: Bytes): number {
    const u8 = this.arena.u8s[address >>> SEGMENT_SHIFT];
    const at = ((address & SEGMENT_MASK) << 3) + this.prefixBytes;
    const start = at + lengthBytesAt(u8, at);
    return compareBytes(u8, start, start + readLength(u8, at), name.buffer, name.start, name.end);
  }

  /** Position in the segment's bytes of what follows the name: where the tail is a value, of its length. */
  tailAt(address: Address): number {
    const at = ((address & SEGMENT_MASK) << 3) + this.prefixBytes;
    const u8 = this.arena.u8s[address >>> SEGMENT_SHIFT];
    return at + lengthBytesAt(u8, at) + readLength(u8, at);
  }

  /** Points `into` at the value. */
  value(address: Address, into: Bytes): Bytes {
    const u8 = this.arena.u8s[address >>> SEGMENT_SHIFT];
    const at = this.tailAt(address);
    const start = at + lengthBytesAt(u8, at);
    return into.set(u8, start, start + readLength(u8, at));
  }

  /** The number in the first 8 bytes of the prefix. */
  score(address: Address): number {
    return this.arena.f64s[address >>> SEGMENT_SHIFT][address & SEGMENT_MASK];
  }

  setScore(address: Address, score: number): void {
    this.arena.f64s[address >>> SEGMENT_SHIFT][address & SEGMENT_MASK] = score;
  }

  private size(nameLength: number, valueLength: number): number {
    const tail = this.hasValue ? lengthBytes(valueLength) + valueLength : this.tailBytes;
    return this.prefixBytes + lengthBytes(nameLength) + nameLength + tail;
  }
}

/** Below this length two names are compared byte by byte here; above, by memcmp. */
const LOOP_COMPARE_MAX = 64;

/** Below 0, 0 or above 0, as memcmp and then the shorter first. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  if (length > LOOP_COMPARE_MAX) return asBuffer(a).compare(b, bStart, bEnd, aStart, aEnd);
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
