/**
 * TreeCursor: a place in an ordered tree: at an element, before the first or behind the last.
 *
 * It is a leaf and an index in it, so a step costs no search (and where the leaf's arrays lie is looked up once per leaf);
 * it may go either way at any time, back from behind the last element too. Any number of cursors may be used at a time,
 * and one for all trees of an arena; whoever walks keeps one and uses it again. A cursor is true until its tree
 * changes; then it must be set by a `seek…` of the tree.
 */
import { SEGMENT_SHIFT, type Address } from './arena';
import type { OrderedTree } from './ordered-tree';
import type { TreeNodes } from './tree-nodes';

export class TreeCursor {
  private readonly nodes: TreeNodes;
  /** 0 in an empty tree. */
  private leaf: Address = 0;
  /** −1 before the first element, `count` behind the last. */
  private index = 0;
  /** Elements in the leaf. */
  private count = 0;
  /** The leaf's segment, and where its scores and members lie there. */
  private doubles: Float64Array = new Float64Array(0);
  private words: Uint32Array = new Uint32Array(0);
  private scoresAt = 0;
  private membersAt = 0;

  constructor(tree: OrderedTree) {
    this.nodes = tree.nodes;
  }

  /** Whether there is an element at this place. */
  get isAtElement(): boolean {
    return this.index >= 0 && this.index < this.count;
  }

  /** The score of the element, which must be there. */
  get score(): number {
    return this.doubles[this.scoresAt + this.index];
  }

  /** The element's member; 0 where there is no element. */
  get member(): Address {
    return this.isAtElement ? this.words[this.membersAt + this.index] : 0;
  }

  /** Goes to the next element; returns whether there is one. */
  next(): boolean {
    if (this.index >= this.count) return false;
    if (++this.index === this.count) this.enterNext();
    return this.index < this.count;
  }

  /** Goes to the element before; returns whether there is one. */
  previous(): boolean {
    if (this.index < 0) return false;
    if (--this.index < 0 && this.leaf !== 0) {
      const leaf = this.nodes.previous(this.leaf);
      if (leaf !== 0) {
        this.enter(leaf);
        this.index = this.count - 1;
      }
    }
    return this.index >= 0;
  }

  /** For the tree: goes to an index of a leaf, 0 … its count. */
  set(leaf: Address, index: number): void {
    this.enter(leaf);
    this.index = index;
    if (index === this.count) this.enterNext();
  }

  /** For the tree: goes to the only place of an empty tree. */
  setEmpty(): void {
    this.leaf = 0;
    this.index = 0;
    this.count = 0;
  }

  /** From behind a leaf's last element to the next leaf's first, if there is one. */
  private enterNext(): void {
    const leaf = this.leaf === 0 ? 0 : this.nodes.next(this.leaf);
    if (leaf === 0) return;
    this.enter(leaf);
    this.index = 0;
  }

  private enter(leaf: Address): void {
    const { nodes } = this;
    const { f64s, u32s } = nodes.arena;
    this.leaf = leaf;
    this.count = nodes.count(leaf);
    this.doubles = f64s[leaf >>> SEGMENT_SHIFT];
    this.words = u32s[leaf >>> SEGMENT_SHIFT];
    this.scoresAt = nodes.scoresAt(leaf);
    this.membersAt = nodes.membersAt(leaf);
  }
}
