/**
 * OrderedTree: elements in order of (score, name), with ranks: a counted B+ tree (Knuth, The Art of Computer Programming
 * 3, sections 6.2.3 and 6.2.4) in the arena. Sorted sets are such trees, and so is whatever else has an order: a
 * stream's entries, pending entries, groups by name.
 *
 * The tree holds scores and addresses of members; the members' blocks are the caller's, who makes them before they are
 * put in and frees them after they were taken out. Names order bytewise, 0 and −0 are one score, NaN must not come.
 * What a tree is to its owner are four words (root, height, count, spare) that lie wherever the owner says; four zeros
 * are an empty tree, and a tree that has lost its last element is four zeros again and has no blocks.
 *
 * A node that is split gives half to the new one, but where a tree grows at its end (scores that are times, streams) almost
 * nothing, which leaves full nodes behind instead of half-full ones. At 5 million members that came in random order the
 * tree takes 15.4 bytes for each, in ascending order 12.8 (measured).
 *
 * Always: an inner node knows the true size and the true smallest element of each child (never one that was removed,
 * whose block may be gone). A node is at least a third full, except the root and the last node of each level; none is
 * empty. (Where memory runs out, removals may leave emptier ones and growth a root with one child; all else holds.)
 */
import { Bytes, CacheError } from '../base';
import type { Address, Arena } from './arena';
import type { Members } from './members';
import type { TreeCursor } from './tree-cursor';
import { capacityFor, TreeNodes } from './tree-nodes';
import { COUNT, HEIGHT, ROOT, TREE_WORDS, TreePath } from './tree-path';

export class OrderedTree {
  readonly nodes: TreeNodes;
  private readonly path: TreePath;
  private readonly name = new Bytes();

  constructor(
    arena: Arena,
    private readonly members: Members,
  ) {
    this.nodes = new TreeNodes(arena, members);
    this.path = new TreePath(this.nodes, members);
  }

  /** Elements of the tree whose header lies at `words[at]`; so everywhere below. */
  count(words: Uint32Array, at: number): number {
    return words[at + COUNT];
  }

  /** Puts in an element that is not there. Throws OUT_OF_MEMORY, and has not put it in then. */
  insert(words: Uint32Array, at: number, score: number, member: Address): void {
    if (words[at + ROOT] === 0) {
      words[at + ROOT] = this.nodes.create(0, capacityFor(1));
      words[at + HEIGHT] = 1;
    }
    const name = this.members.key(member, this.name);
    this.path.toBound(words, at, score, name, true);
    while (this.nodes.isFull(this.path.leaf)) {
      this.path.makeRoom();
      this.path.toBound(words, at, score, name, true);
    }
    this.path.insert(score, member);
  }

  /** Takes out an element; returns its member, which is the caller's to free, or 0 where there is no such element. */
  remove(words: Uint32Array, at: number, score: number, name: Bytes): Address {
    return this.path.toElement(words, at, score, name) ? this.removeOnPath() : 0;
  }

  /** Takes out the element of a rank, 0 … count − 1; returns its member. */
  removeAtRank(words: Uint32Array, at: number, rank: number): Address {
    this.path.toRank(words, at, rank);
    return this.removeOnPath();
  }

  /**
   * Gives an element another score, in its leaf where it stays among its neighbours there; returns its member, or 0 where
   * there is no such element. Throws OUT_OF_MEMORY, and has not moved it then.
   */
  move(words: Uint32Array, at: number, score: number, name: Bytes, newScore: number): Address {
    if (!this.path.toElement(words, at, score, name)) return 0;
    const { nodes } = this;
    const { leaf, place, member } = this.path;
    const before = score === newScore ? place : nodes.countBefore(leaf, newScore, name, false);
    const isBehindPrevious = before > 0 || nodes.previous(leaf) === 0;
    if (isBehindPrevious && (before < nodes.count(leaf) || nodes.next(leaf) === 0)) {
      nodes.moveWithin(leaf, place, before > place ? before - 1 : before, newScore);
      this.path.noteAbove(0);
    } else {
      this.insert(words, at, newScore, member);
      this.remove(words, at, score, name);
    }
    return member;
  }

  /**
   * Points an element at another block of the same name; returns the block that it pointed at, or 0 where there is no
   * such element. The old block must be whole until then.
   */
  replaceMember(words: Uint32Array, at: number, score: number, name: Bytes, newMember: Address): Address {
    if (!this.path.toElement(words, at, score, name)) return 0;
    const { leaf, place, member } = this.path;
    this.nodes.setElement(leaf, place, this.nodes.score(leaf, place), newMember);
    this.path.noteAbove(0);
    return member;
  }

  /** How many elements sort before this one; −1 where there is no such element. */
  rankOf(words: Uint32Array, at: number, score: number, name: Bytes): number {
    return this.path.toElement(words, at, score, name) ? this.path.rank() : -1;
  }

  /**
   * Sets the cursor to the first element at or behind (`isAfter`: only behind) the bound (score, name), or behind the last
   * element; returns its rank, which is how many elements lie before it. Where `name` is null the bound is all elements
   * of that score.
   */
  seek(
    words: Uint32Array,
    at: number,
    score: number,
    name: Bytes | null,
    isAfter: boolean,
    cursor: TreeCursor,
  ): number {
    if (words[at + ROOT] === 0) {
      cursor.setEmpty();
      return 0;
    }
    this.path.toBound(words, at, score, name, isAfter);
    cursor.set(this.path.leaf, this.path.place);
    return this.path.rank();
  }

  /** Sets the cursor to the element of a rank, 0 … count − 1. */
  seekRank(words: Uint32Array, at: number, rank: number, cursor: TreeCursor): void {
    this.path.toRank(words, at, rank);
    cursor.set(this.path.leaf, this.path.place);
  }

  /** Sets the cursor to the smallest element; returns whether there is one. */
  seekFirst(words: Uint32Array, at: number, cursor: TreeCursor): boolean {
    if (words[at + ROOT] === 0) cursor.setEmpty();
    else this.seekRank(words, at, 0, cursor);
    return cursor.isAtElement;
  }

  /** Sets the cursor to the largest element; returns whether there is one. */
  seekLast(words: Uint32Array, at: number, cursor: TreeCursor): boolean {
    if (words[at + ROOT] === 0) cursor.setEmpty();
    else this.seekRank(words, at, words[at + COUNT] - 1, cursor);
    return cursor.isAtElement;
  }

  /**
   * Takes everything out, a leaf at a time from the end, until `isTimeUp` says so; `onMember` is told each member, to
   * free it. Returns whether nothing is left; else the tree is good for its count and for being freed further, no more.
   */
  free(words: Uint32Array, at: number, onMember: (member: Address) => void, isTimeUp?: () => boolean): boolean {
    while (words[at + ROOT] !== 0) {
      this.freeLastLeaf(words, at, words[at + ROOT], words[at + HEIGHT] - 1, onMember);
      if (words[at + COUNT] === 0) words.fill(0, at, at + TREE_WORDS);
      else if (isTimeUp !== undefined && isTimeUp()) return false;
    }
    return true;
  }

  /** Frees the last leaf below a node, and whatever has no other child; returns whether the node is gone. */
  private freeLastLeaf(
    words: Uint32Array,
    at: number,
    node: Address,
    level: number,
    onMember: (member: Address) => void,
  ): boolean {
    const { nodes } = this;
    const last = nodes.count(node) - 1;
    if (level > 0) {
      if (!this.freeLastLeaf(words, at, nodes.child(node, last), level - 1, onMember)) return false;
      nodes.dropLast(node);
      if (last > 0) return false;
    } else {
      for (let i = 0; i <= last; i++) onMember(nodes.member(node, i));
      words[at + COUNT] -= last + 1;
    }
    nodes.free(node);
    return true;
  }

  private removeOnPath(): Address {
    const { member } = this.path;
    try {
      this.path.remove();
    } catch (error) {
      // The element is out; the nodes it left have only kept more room than they need.
      if (!(error instanceof CacheError && error.code === 'OUT_OF_MEMORY')) throw error;
    }
    return member;
  }
}
