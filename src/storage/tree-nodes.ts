/**
 * TreeNodes: the nodes of ordered trees (see OrderedTree), each a block of the arena.
 *
 *   word 0 = count | capacity << 16, words 1–2 = previous and next leaf (0 = none), word 3 = level (0 = leaf),
 *   then `capacity` scores (doubles), `capacity` members (words); above the leaves also `capacity` children and
 *   `capacity` sizes (words)
 *
 * An entry of a leaf is an element: score and member. An entry of an inner node is a child, the number of elements
 * below it (its size), and the smallest of them, which stands where a leaf has the element itself. So one search serves
 * both, and it runs over doubles that lie side by side: names are only read where scores are equal.
 *
 * Nodes grow by steps as they fill (12 bytes per element in a leaf): a collection of five has a node of eight, and
 * leaves that were split have little spare room. A leaf of 64 has 784 bytes, an inner node of 48 has 976.
 *
 * Always: entries are in ascending order; leaves are chained both ways. Nothing here looks after the fill of nodes or
 * the truth of what inner nodes say about their children; that is the tree's.
 */
import type { Bytes } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import type { Members } from './members';

const LEAF_CAPACITY_MAX = 64;
const INNER_CAPACITY_MAX = 48;
const CAPACITY_MIN = 4;
const CAPACITY_STEP = 16;

const HEADER_WORDS = 4;
const HEADER_DOUBLES = 2;
const LEAF_ENTRY_BYTES = 12;
const INNER_ENTRY_BYTES = 20;
/** Arrays of words, in order of their place behind the scores. */
const MEMBERS = 0;
const CHILDREN = 1;
const SIZES = 2;

export class TreeNodes {
  /** Elements before the child that `childOfRank` has found. */
  rankOfChild = 0;

  constructor(
    readonly arena: Arena,
    private readonly members: Members,
  ) {}

  /** An empty node that is in no chain. */
  create(level: number, capacity: number): Address {
    const node = this.arena.allocate(bytesOf(level, capacity));
    const words = this.arena.u32s[node >>> SEGMENT_SHIFT];
    const base = (node & SEGMENT_MASK) << 1;
    words[base] = capacity << 16;
    words[base + 1] = 0;
    words[base + 2] = 0;
    words[base + 3] = level;
    return node;
  }

  free(node: Address): void {
    this.arena.free(node, bytesOf(this.level(node), this.capacity(node)));
  }

  /** Replaces a node by one of another capacity, which must hold its entries: here and in the chain of leaves. */
  resize(node: Address, capacity: number): Address {
    const resized = this.create(this.level(node), capacity);
    this.copyEntries(node, 0, resized, 0, this.count(node));
    this.setCount(resized, this.count(node));
    this.link(this.previous(node), resized);
    this.link(resized, this.next(node));
    this.free(node);
    return resized;
  }

  /** Entries. */
  count(node: Address): number {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][(node & SEGMENT_MASK) << 1] & 0xffff;
  }

  capacity(node: Address): number {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][(node & SEGMENT_MASK) << 1] >>> 16;
  }

  isFull(node: Address): boolean {
    return this.count(node) === this.capacity(node);
  }

  previous(leaf: Address): Address {
    return this.arena.u32s[leaf >>> SEGMENT_SHIFT][((leaf & SEGMENT_MASK) << 1) + 1];
  }

  next(leaf: Address): Address {
    return this.arena.u32s[leaf >>> SEGMENT_SHIFT][((leaf & SEGMENT_MASK) << 1) + 2];
  }

  /** 0 for leaves; the level of its children and one for inner nodes. */
  level(node: Address): number {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][((node & SEGMENT_MASK) << 1) + 3];
  }

  /** Makes two leaves neighbours; either may be 0. */
  link(left: Address, right: Address): void {
    if (left !== 0) this.arena.u32s[left >>> SEGMENT_SHIFT][((left & SEGMENT_MASK) << 1) + 2] = right;
    if (right !== 0) this.arena.u32s[right >>> SEGMENT_SHIFT][((right & SEGMENT_MASK) << 1) + 1] = left;
  }

  /** Position of a node's scores in the doubles of its segment. */
  scoresAt(node: Address): number {
    return (node & SEGMENT_MASK) + HEADER_DOUBLES;
  }

  /** Position of a node's members in the words of its segment. */
  membersAt(node: Address): number {
    return this.wordsAt(node, MEMBERS);
  }

  score(node: Address, index: number): number {
    return this.arena.f64s[node >>> SEGMENT_SHIFT][this.scoresAt(node) + index];
  }

  member(node: Address, index: number): Address {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][this.membersAt(node) + index];
  }

  child(node: Address, index: number): Address {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][this.wordsAt(node, CHILDREN) + index];
  }

  /** Elements below a child. */
  size(node: Address, index: number): number {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][this.wordsAt(node, SIZES) + index];
  }

  setElement(node: Address, index: number, score: number, member: Address): void {
    this.arena.f64s[node >>> SEGMENT_SHIFT][this.scoresAt(node) + index] = score;
    this.arena.u32s[node >>> SEGMENT_SHIFT][this.membersAt(node) + index] = member;
  }

  setChild(node: Address, index: number, child: Address): void {
    this.arena.u32s[node >>> SEGMENT_SHIFT][this.wordsAt(node, CHILDREN) + index] = child;
  }

  setSize(node: Address, index: number, size: number): void {
    this.arena.u32s[node >>> SEGMENT_SHIFT][this.wordsAt(node, SIZES) + index] = size;
  }

  addSize(node: Address, index: number, difference: number): void {
    this.arena.u32s[node >>> SEGMENT_SHIFT][this.wordsAt(node, SIZES) + index] += difference;
  }

  /** Elements in a leaf, or below the first `count` children of an inner node. */
  sizeBefore(node: Address, count: number): number {
    if (this.level(node) === 0) return count;
    const words = this.arena.u32s[node >>> SEGMENT_SHIFT];
    const sizes = this.wordsAt(node, SIZES);
    let size = 0;
    for (let at = sizes; at < sizes + count; at++) size += words[at];
    return size;
  }

  /** The child of an inner node, with `size` elements below it, where the element of a rank is; see `rankOfChild`. */
  childOfRank(node: Address, rank: number, size: number): number {
    const words = this.arena.u32s[node >>> SEGMENT_SHIFT];
    const sizes = this.wordsAt(node, SIZES);
    let place: number;
    let before: number;
    // From the nearer end: the first and the last element are asked for most.
    if (rank * 2 < size) {
      place = 0;
      before = 0;
      while (before + words[sizes + place] <= rank) before += words[sizes + place++];
    } else {
      place = this.count(node) - 1;
      before = size - words[sizes + place];
      while (before > rank) before -= words[sizes + --place];
    }
    this.rankOfChild = before;
    return place;
  }

  /**
   * How many entries sort before a bound: those below (score, name), and that one too where `isAfter`. Where `name` is
   * null the bound lies before all elements of that score, or after them.
   */
  countBefore(node: Address, score: number, name: Bytes | null, isAfter: boolean): number {
    const doubles = this.arena.f64s[node >>> SEGMENT_SHIFT];
    const scores = this.scoresAt(node);
    let low = 0;
    let high = this.count(node);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = doubles[scores + middle];
      if (other < score || (other === score && this.isNameBefore(node, middle, name, isAfter))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts an element into a leaf, or the smallest element of a child into an inner node, that has room. */
  insertElement(node: Address, index: number, score: number, member: Address): void {
    const count = this.count(node);
    this.copyEntries(node, index, node, index + 1, count - index);
    this.setElement(node, index, score, member);
    this.setCount(node, count + 1);
  }

  /** Puts a child that is not empty into an inner node that has room. */
  insertChild(node: Address, index: number, child: Address): void {
    this.insertElement(node, index, this.score(child, 0), this.member(child, 0));
    this.setChild(node, index, child);
    this.setSize(node, index, this.sizeBefore(child, this.count(child)));
  }

  removeAt(node: Address, index: number): void {
    const count = this.count(node) - 1;
    this.copyEntries(node, index + 1, node, index, count - index);
    this.setCount(node, count);
  }

  /** Moves a leaf's entry from one place to another and gives it a new score. */
  moveWithin(leaf: Address, from: number, to: number, score: number): void {
    const member = this.member(leaf, from);
    if (from < to) this.copyEntries(leaf, from + 1, leaf, from, to - from);
    else this.copyEntries(leaf, to, leaf, to + 1, from - to);
    this.setElement(leaf, to, score, member);
  }

  /** Moves the first `count` entries of `right` to the end of `left`, its neighbour, which has room. */
  moveLeft(left: Address, right: Address, count: number): void {
    const remaining = this.count(right) - count;
    this.copyEntries(right, 0, left, this.count(left), count);
    this.copyEntries(right, count, right, 0, remaining);
    this.setCount(left, this.count(left) + count);
    this.setCount(right, remaining);
  }

  /** Moves the last `count` entries of `left` before those of `right`, its neighbour, which has room. */
  moveRight(left: Address, right: Address, count: number): void {
    const remaining = this.count(left) - count;
    this.copyEntries(right, 0, right, count, this.count(right));
    this.copyEntries(left, remaining, right, 0, count);
    this.setCount(right, this.count(right) + count);
    this.setCount(left, remaining);
  }

  /** Forgets the last entry. */
  dropLast(node: Address): void {
    this.setCount(node, this.count(node) - 1);
  }

  private setCount(node: Address, count: number): void {
    const words = this.arena.u32s[node >>> SEGMENT_SHIFT];
    const base = (node & SEGMENT_MASK) << 1;
    words[base] = (words[base] & 0xffff0000) | count;
  }

  /** Position in the segment's words of one of a node's arrays of words. */
  private wordsAt(node: Address, array: number): number {
    return ((node & SEGMENT_MASK) << 1) + HEADER_WORDS + (2 + array) * this.capacity(node);
  }

  private isNameBefore(node: Address, index: number, name: Bytes | null, isAfter: boolean): boolean {
    if (name === null) return isAfter;
    const order = this.members.compareKey(this.member(node, index), name);
    return order < 0 || (isAfter && order === 0);
  }

  /** Copies entries between nodes of a level, or within one, where ranges may overlap. Counts stay. */
  private copyEntries(from: Address, start: number, to: Address, at: number, count: number): void {
    if (count === 0) return;
    copyDoubles(
      this.arena.f64s[from >>> SEGMENT_SHIFT],
      this.scoresAt(from) + start,
      this.arena.f64s[to >>> SEGMENT_SHIFT],
      this.scoresAt(to) + at,
      count,
    );
    const source = this.arena.u32s[from >>> SEGMENT_SHIFT];
    const target = this.arena.u32s[to >>> SEGMENT_SHIFT];
    const last = this.level(from) === 0 ? MEMBERS : SIZES;
    for (let array = MEMBERS; array <= last; array++) {
      copyWords(source, this.wordsAt(from, array) + start, target, this.wordsAt(to, array) + at, count);
    }
  }
}

/** The most entries that a node of this level ever holds. */
export function capacityMax(level: number): number {
  return level === 0 ? LEAF_CAPACITY_MAX : INNER_CAPACITY_MAX;
}

/** The smallest capacity for at least `count` entries: 4, 8, 16, then steps of 16. */
export function capacityFor(count: number): number {
  if (count <= CAPACITY_MIN) return CAPACITY_MIN;
  if (count <= CAPACITY_STEP / 2) return CAPACITY_STEP / 2;
  return Math.ceil(count / CAPACITY_STEP) * CAPACITY_STEP;
}

function bytesOf(level: number, capacity: number): number {
  return HEADER_WORDS * 4 + capacity * (level === 0 ? LEAF_ENTRY_BYTES : INNER_ENTRY_BYTES);
}

/** As `copyWithin` and `set`; a loop, because it is few that are copied (see copyBytes). */
function copyDoubles(from: Float64Array, start: number, to: Float64Array, at: number, count: number): void {
  if (from === to && at > start) for (let i = count - 1; i >= 0; i--) to[at + i] = from[start + i];
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i];
}

function copyWords(from: Uint32Array, start: number, to: Uint32Array, at: number, count: number): void {
  if (from === to && at > start) for (let i = count - 1; i >= 0; i--) to[at + i] = from[start + i];
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i];
}
