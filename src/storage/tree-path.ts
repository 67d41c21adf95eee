/**
 * TreePath: a way from the root of an ordered tree (see OrderedTree) to a place in a leaf, and the upkeep of the tree
 * along that way: what inner nodes say goes up it, splits and joins happen on it.
 *
 * There is one path, used again for every operation on every tree. By level (0 = leaf) it has the node and the place in
 * it: of the child that the way takes, in the leaf of the element.
 *
 * Upkeep goes in steps of which each leaves a whole tree and takes its memory before it changes anything, so that running
 * out of memory harms nothing: a leaf gets room before an element is put in, with as many steps and walks as that takes;
 * it is joined or shared after one was taken out. Inner nodes below the root have their full capacity from the start, so
 * that joining and sharing them needs no memory at all.
 */
import { assert, type Bytes } from '../base';
import type { Address } from './arena';
import type { Members } from './members';
import { capacityFor, capacityMax, type TreeNodes } from './tree-nodes';

/** Words of a tree's header. */
export const TREE_WORDS = 4;
export const ROOT = 0;
export const HEIGHT = 1;
export const COUNT = 2;

/** More levels than 2^32 elements can need. */
const HEIGHT_MAX = 16;
/** Children that a split at the end of a level moves to the new node: a node's children need a neighbour. */
const CHILDREN_MIN = 2;

export class TreePath {
  /** The tree's header. */
  private words: Uint32Array = new Uint32Array(TREE_WORDS);
  private at = 0;
  private readonly path = new Uint32Array(HEIGHT_MAX);
  private readonly places = new Int32Array(HEIGHT_MAX);

  constructor(
    private readonly nodes: TreeNodes,
    private readonly members: Members,
  ) {}

  get leaf(): Address {
    return this.path[0];
  }

  /** The place in the leaf. */
  get place(): number {
    return this.places[0];
  }

  /** The member at the place in the leaf. */
  get member(): Address {
    return this.nodes.member(this.path[0], this.places[0]);
  }

  // ── walking ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** To the place in a leaf behind all elements that lie before a bound (see TreeNodes.countBefore). */
  toBound(words: Uint32Array, at: number, score: number, name: Bytes | null, isAfter: boolean): void {
    this.enter(words, at);
    let node = words[at + ROOT];
    for (let level = words[at + HEIGHT] - 1; level > 0; level--) {
      const before = this.nodes.countBefore(node, score, name, isAfter);
      const place = before === 0 ? 0 : before - 1;
      this.path[level] = node;
      this.places[level] = place;
      node = this.nodes.child(node, place);
    }
    this.path[0] = node;
    this.places[0] = this.nodes.countBefore(node, score, name, isAfter);
  }

  /** To an element; returns whether it is there. */
  toElement(words: Uint32Array, at: number, score: number, name: Bytes): boolean {
    if (words[at + ROOT] === 0) return false;
    this.toBound(words, at, score, name, true);
    const place = --this.places[0];
    if (place < 0 || this.nodes.score(this.path[0], place) !== score) return false;
    return this.members.hasKey(this.member, name);
  }

  /** To the element of a rank, which must be there. */
  toRank(words: Uint32Array, at: number, rank: number): void {
    this.enter(words, at);
    let size = words[at + COUNT];
    assert(rank >= 0 && rank < size, 'there is no element of this rank');
    let node = words[at + ROOT];
    for (let level = words[at + HEIGHT] - 1; level > 0; level--) {
      const place = this.nodes.childOfRank(node, rank, size);
      this.path[level] = node;
      this.places[level] = place;
      rank -= this.nodes.rankOfChild;
      size = this.nodes.size(node, place);
      node = this.nodes.child(node, place);
    }
    this.path[0] = node;
    this.places[0] = rank;
  }

  /** Elements before this place. */
  rank(): number {
    let rank = this.places[0];
    for (let level = this.height - 1; level > 0; level--) {
      rank += this.nodes.sizeBefore(this.path[level], this.places[level]);
    }
    return rank;
  }

  // ── changing the leaf ────────────────────────────────────────────────────────────────────────────────────────

  /** Puts an element at the place in the leaf, which has room. */
  insert(score: number, member: Address): void {
    this.nodes.insertElement(this.path[0], this.places[0], score, member);
    this.words[this.at + COUNT]++;
    this.noteAbove(1);
  }

  /** Takes out the element at the place in the leaf; the path is good for nothing then. */
  remove(): void {
    this.nodes.removeAt(this.path[0], this.places[0]);
    this.words[this.at + COUNT]--;
    this.noteAbove(-1);
    this.settle(0);
  }

  /** Tells the nodes above the leaf how its size has changed, and what its smallest element is now. */
  noteAbove(sizeDifference: number): void {
    const { nodes, path, places, height } = this;
    let isSmallest = nodes.count(path[0]) > 0;
    for (let level = 1; level < height; level++) {
      nodes.addSize(path[level], places[level], sizeDifference);
      if (isSmallest) nodes.setElement(path[level], places[level], nodes.score(path[0], 0), nodes.member(path[0], 0));
      isSmallest = isSmallest && places[level] === 0;
    }
  }

  // ── growing ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * One step towards room in the full leaf: makes a node larger, or splits one, or adds a level. Then the path must be
   * walked anew, and there may still be no room. Throws OUT_OF_MEMORY.
   */
  makeRoom(): void {
    const { nodes, path } = this;
    const isAtEnd = nodes.next(path[0]) === 0 && this.places[0] === nodes.count(path[0]);
    for (let level = 0; ; level++) {
      const capacity = nodes.capacity(path[level]);
      if (capacity < capacityMax(level))
        return this.replace(level, nodes.resize(path[level], capacityFor(capacity + 1)));
      if (level === this.height - 1) return this.addLevel();
      if (!nodes.isFull(path[level + 1])) return this.split(level, isAtEnd);
    }
  }

  /** A new root above the old one, which is its only child and about to be split. */
  private addLevel(): void {
    const root = this.nodes.create(this.height, capacityFor(CHILDREN_MIN));
    this.nodes.insertChild(root, 0, this.words[this.at + ROOT]);
    this.words[this.at + ROOT] = root;
    this.words[this.at + HEIGHT]++;
  }

  /** Splits a full node, whose parent has room. */
  private split(level: number, isAtEnd: boolean): void {
    const { nodes } = this;
    const left = this.path[level];
    const moved = !isAtEnd ? nodes.count(left) >>> 1 : level === 0 ? 1 : CHILDREN_MIN;
    const right = nodes.create(level, level === 0 ? capacityFor(moved + 1) : capacityMax(level));
    if (level === 0) {
      nodes.link(right, nodes.next(left));
      nodes.link(left, right);
    }
    nodes.moveRight(left, right, moved);
    const parent = this.path[level + 1];
    const place = this.places[level + 1];
    nodes.insertChild(parent, place + 1, right);
    nodes.addSize(parent, place, -nodes.size(parent, place + 1));
    if (level === 0) this.shrink(level);
  }

  // ── shrinking ────────────────────────────────────────────────────────────────────────────────────────────────

  /** After the node of this level has lost an entry: makes it smaller, or fuller, or removes it. */
  private settle(level: number): void {
    const { nodes } = this;
    const node = this.path[level];
    const count = nodes.count(node);
    if (level < this.height - 1) {
      if (count * 3 < capacityMax(level)) this.refill(level);
      else if (level === 0) this.shrink(level);
    } else if (count === 0) {
      nodes.free(node);
      this.words.fill(0, this.at, this.at + TREE_WORDS);
    } else if (count === 1 && level > 0) {
      this.dropLevel();
    } else {
      this.shrink(level);
    }
  }

  /** Makes a root's only child the root. */
  private dropLevel(): void {
    const root = this.words[this.at + ROOT];
    this.words[this.at + ROOT] = this.nodes.child(root, 0);
    this.words[this.at + HEIGHT]--;
    this.nodes.free(root);
  }

  /** Gives back the room of a node that is no more than half full. */
  private shrink(level: number): void {
    const node = this.path[level];
    const capacity = this.nodes.capacity(node);
    const count = this.nodes.count(node);
    if (count * 2 > capacity) return;
    const smaller = capacityFor(count + (count >>> 2));
    if (smaller < capacity) this.replace(level, this.nodes.resize(node, smaller));
  }

  /** Joins a node that has become too empty with its neighbour, or shares with it. */
  private refill(level: number): void {
    const { nodes } = this;
    const parent = this.path[level + 1];
    if (nodes.count(parent) === 1) {
      // Memory ran out after the root had been added and before this node was split.
      this.dropLevel();
      this.settle(level);
      return;
    }
    if (nodes.count(this.path[level]) === 0) {
      this.dropLeaf();
      return;
    }
    const place = Math.max(0, this.places[level + 1] - 1);
    const leftCount = nodes.count(nodes.child(parent, place));
    const total = leftCount + nodes.count(nodes.child(parent, place + 1));
    // Joined only where that leaves room to grow.
    if (total * 4 <= capacityMax(level) * 3) {
      this.join(parent, place, total);
      this.settle(level + 1);
    } else {
      this.share(parent, place, leftCount, total >>> 1);
    }
  }

  /**
   * Takes the empty leaf out of the tree; this needs no memory. It comes to this only where sharing found none: and never
   * for a parent's first child, whose room, half a leaf at least, takes its share once a single element is left.
   */
  private dropLeaf(): void {
    const { nodes, path, places } = this;
    assert(places[1] > 0, 'the first leaf of a node is never empty');
    const leaf = path[0];
    nodes.link(nodes.previous(leaf), nodes.next(leaf));
    nodes.removeAt(path[1], places[1]);
    nodes.free(leaf);
    this.settle(1);
  }

  /** Moves all `total` entries of a parent's child at `place` and the next one to the first of them. */
  private join(parent: Address, place: number, total: number): void {
    const { nodes } = this;
    const left = this.reserve(parent, place, total);
    const right = nodes.child(parent, place + 1);
    nodes.moveLeft(left, right, nodes.count(right));
    if (nodes.level(right) === 0) nodes.link(left, nodes.next(right));
    nodes.free(right);
    nodes.addSize(parent, place, nodes.size(parent, place + 1));
    nodes.removeAt(parent, place + 1);
  }

  /** Moves entries between a parent's child at `place` and the next one until the first has `leftAfter`. */
  private share(parent: Address, place: number, leftBefore: number, leftAfter: number): void {
    const { nodes } = this;
    let left = nodes.child(parent, place);
    let right = nodes.child(parent, place + 1);
    const size = nodes.size(parent, place) + nodes.size(parent, place + 1);
    if (leftBefore < leftAfter) {
      left = this.reserve(parent, place, leftAfter);
      nodes.moveLeft(left, right, leftAfter - leftBefore);
    } else {
      right = this.reserve(parent, place + 1, nodes.count(right) + leftBefore - leftAfter);
      nodes.moveRight(left, right, leftBefore - leftAfter);
    }
    const leftSize = nodes.sizeBefore(left, leftAfter);
    nodes.setSize(parent, place, leftSize);
    nodes.setSize(parent, place + 1, size - leftSize);
    nodes.setElement(parent, place + 1, nodes.score(right, 0), nodes.member(right, 0));
  }

  /** Makes room for `count` entries in a parent's child; returns the child. */
  private reserve(parent: Address, place: number, count: number): Address {
    const child = this.nodes.child(parent, place);
    if (this.nodes.capacity(child) >= count) return child;
    const larger = this.nodes.resize(child, capacityFor(count));
    this.nodes.setChild(parent, place, larger);
    return larger;
  }

  private enter(words: Uint32Array, at: number): void {
    if (this.words !== words) this.words = words;
    this.at = at;
  }

  private get height(): number {
    return this.words[this.at + HEIGHT];
  }

  /** Puts another node in the stead of the one of this level. */
  private replace(level: number, node: Address): void {
    this.path[level] = node;
    if (level === this.height - 1) this.words[this.at + ROOT] = node;
    else this.nodes.setChild(this.path[level + 1], this.places[level + 1], node);
  }
}
