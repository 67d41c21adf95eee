/**
 * Chain: a large list off-heap: a row of nodes (chain-row.ts), each a listpack in Redis' bytes (chain-nodes.ts), so that DUMP
 * and RDB copy them as they are. What Redis calls a quicklist.
 *
 * A node takes elements up to a limit, Redis' `list-max-listpack-size`: 4 to 64 KiB for −1 to −5 (8 KiB for −2, the default),
 * or a number of elements, and then 8 KiB at most. Where an element goes, when a node is split and when two are joined follows
 * quicklist.c of 7.2; an element above the limit has a node of its own. One deed touches a few nodes at most, whatever the
 * list's length; an index is found by running over counts.
 *
 * A `Chain` is a reusable cursor. It stands on an element (`seek`, `first`, `last`, `next`, `previous`), which `read`, `isAt`,
 * `insert`, `replace` and `remove` are about. Texts that are given to it must not lie in it. Nothing allocates V8 memory.
 *
 * Always: no node is empty; a chain may be (its list is about to be filled, or removed). Snapshot walks hear of a node before
 * it is changed or freed (`changing`).
 */
import type { Bytes, Output } from '../base';
import { ChainNodes } from './chain-nodes';
import { ChainRow } from './chain-row';
import type { Address, Arena } from './arena';
import type { PackingLimits } from './limits';
import { writeBulks } from './listpack-bulks';
import { elementSize, Listpack, LISTPACK_EMPTY_BYTES, LISTPACK_HEADER_BYTES, NOWHERE } from './listpack';
import type { Walks } from './snapshot/walks';

/** Bytes of nodes for −1 to −5. */
const NODE_BYTES = [4096, 8192, 16384, 32768, 65536];
/** Bytes of a node whose elements are limited. */
const COUNTED_NODE_BYTES_MAX = 8192;
/** The most elements that a limit can allow. */
const NODE_ELEMENTS_MAX = 32767;
/** What Redis adds to a string's length when it asks whether a node takes it. */
const ELEMENT_OVERHEAD_BYTES = 8;
/** How many nodes are freed between two looks at the clock. */
const FREE_NODES = 64;

/** Whether a listpack of so many bytes and elements is more than `limit` (`list-max-listpack-size`) allows. */
export function exceedsNode(limit: number, bytes: number, elements: number): boolean {
  if (limit < 0) return bytes > nodeBytes(limit);
  return bytes > COUNTED_NODE_BYTES_MAX || elements > Math.min(Math.max(limit, 1), NODE_ELEMENTS_MAX);
}

/** Whether it is more than a chain of one node may have to be packed again: as much as that, half of it if it `shrinks`. */
export function exceedsPacked(limit: number, bytes: number, elements: number, shrinks: boolean): boolean {
  const shift = shrinks ? 1 : 0;
  if (limit < 0) return bytes > nodeBytes(limit) >>> shift;
  return elements > Math.min(Math.max(limit, 1), NODE_ELEMENTS_MAX) >>> shift;
}

function nodeBytes(limit: number): number {
  return NODE_BYTES[Math.min(-limit, NODE_BYTES.length) - 1];
}

/** The limit of nodes; it may change at any time, for what is added then. */
type NodeLimit = Readonly<Pick<PackingLimits, 'list-max-listpack-size'>>;

export class Chain {
  /** The listpack of the node that the cursor stands in. */
  private readonly pack = new Listpack();
  /** The element's position in it; NOWHERE where the cursor stands on none. */
  private at = NOWHERE;
  /** Which node that is. */
  private index = 0;

  private readonly row: ChainRow;
  private readonly nodes: ChainNodes;

  constructor(
    arena: Arena,
    private readonly limits: NodeLimit,
    private readonly walks: Walks,
  ) {
    this.row = new ChainRow(arena);
    this.nodes = new ChainNodes(arena);
  }

  /** A new chain without elements; returns its root and points the cursor at it. */
  create(): Address {
    const root = this.row.create();
    this.over(root);
    return root;
  }

  /** Points the cursor at a chain, on no element; returns itself. */
  over(root: Address): this {
    this.row.over(root);
    this.at = NOWHERE;
    return this;
  }

  /** Number of elements. */
  get count(): number {
    return this.row.elements;
  }

  get nodeCount(): number {
    return this.row.length;
  }

  /** Bytes of all blocks. O(nodes). */
  get bytes(): number {
    let { bytes } = this.row;
    for (let i = 0; i < this.row.length; i++) bytes += this.nodes.sizeOf(this.row.node(i));
    return bytes;
  }

  /** The addresses of the nodes, in order; allocates. */
  nodeAddresses(): Uint32Array {
    return this.row.nodes();
  }

  /** Points `pack` at the listpack of a node, 0 … nodeCount − 1; returns it. */
  openNode(index: number): Listpack {
    this.index = index;
    return this.nodes.open(this.row.node(index), this.pack);
  }

  /** Appends the `count` elements, at least one, of the listpack `bytes`, as a node. */
  appendNode(bytes: Bytes, count: number): void {
    const { buffer, start, end } = bytes;
    const node = this.nodes.createOf(buffer, start + LISTPACK_HEADER_BYTES, end - 1, count);
    this.row.insert(this.row.length, node, count);
  }

  pushHead(text: Bytes): void {
    this.addBefore(0, text, elementSize(text));
  }

  pushTail(text: Bytes): void {
    this.addBehind(this.row.length - 1, text, elementSize(text));
  }

  /** Stands on the first element; whether there is one. */
  first(): boolean {
    return this.enter(0, true);
  }

  last(): boolean {
    return this.enter(this.row.length - 1, false);
  }

  /** Stands on an element, counted from the end if negative; whether there is one. */
  seek(index: number): boolean {
    const { elements } = this.row;
    if (index < 0) index += elements;
    if (index < 0 || index >= elements) {
      this.at = NOWHERE;
      return false;
    }
    this.row.locate(index);
    const { foundNode, foundRest } = this.row;
    const count = this.row.count(foundNode);
    this.openNode(foundNode);
    this.at = this.pack.seek(foundRest * 2 < count ? foundRest : foundRest - count);
    return true;
  }

  /** Steps to the element after this one; whether there is one. */
  next(): boolean {
    this.at = this.pack.next(this.at);
    return this.at !== NOWHERE || this.enter(this.index + 1, true);
  }

  previous(): boolean {
    this.at = this.pack.previous(this.at);
    return this.at !== NOWHERE || this.enter(this.index - 1, false);
  }

  /** Points `into` at this element's text, borrowed as that of `Listpack.read`. */
  read(into: Bytes): Bytes {
    return this.pack.read(this.at, into);
  }

  /** Whether this element is `text`. */
  isAt(text: Bytes): boolean {
    return this.pack.isAt(this.at, text);
  }

  /**
   * Appends `count` elements to `out` as bulk strings: this one and those after it, of which there are so many. The cursor stands
   * on none then.
   */
  writeBulks(out: Output, count: number): void {
    const { pack } = this;
    let left = count;
    do left -= writeBulks(out, pack.u8, pack.base, this.at, left);
    while (left > 0 && this.enter(this.index + 1, true));
    this.at = NOWHERE;
  }

  /** Inserts an element before or after this one; the cursor stands on none then. */
  insert(text: Bytes, after: boolean): void {
    const { pack, index } = this;
    const size = elementSize(text);
    const next = after ? this.at + pack.sizeAt(this.at) : this.at;
    const isAtEdge = after ? next === pack.length - 1 : next === LISTPACK_HEADER_BYTES;
    this.at = NOWHERE;
    if (this.takes(index, text)) {
      this.insertInto(index, next, text, size);
    } else if (isAtEdge) {
      if (after) this.addBefore(index + 1, text, size);
      else this.addBehind(index - 1, text, size);
    } else {
      this.split(index, next);
      const half = after ? index + 1 : index;
      if (!this.takes(half, text)) this.insertNode(index + 1, text, size);
      else this.insertInto(half, after ? LISTPACK_HEADER_BYTES : pack.length - 1, text, size);
      this.joinAround(after ? index : index + 1);
    }
  }

  /** Replaces this element; the cursor stands on none then. */
  replace(text: Bytes): void {
    const { row, pack, index, at } = this;
    const oldSize = pack.sizeAt(at);
    const size = elementSize(text);
    const count = row.count(index);
    this.at = NOWHERE;
    this.changing(index);
    if (size === oldSize) {
      pack.write(at, text);
    } else if (
      size < oldSize ||
      count === 1 ||
      !exceedsNode(this.limits['list-max-listpack-size'], pack.length - oldSize + size, count)
    ) {
      const node = this.nodes.remove(row.node(index), pack, at, oldSize, count - 1);
      row.set(index, this.nodes.insert(node, pack, at, text, size, count), count);
    } else {
      this.replaceByNode(at, oldSize, text, size);
    }
  }

  /** Removes this element and stands on the one after it (before it if not `forward`); whether there is one. */
  remove(forward: boolean): boolean {
    const { row, pack, index, at } = this;
    const count = row.count(index) - 1;
    if (count === 0) {
      this.dropNodes(index, 1);
      return forward ? this.enter(index, true) : this.enter(index - 1, false);
    }
    this.changing(index);
    const size = pack.sizeAt(at);
    const before = forward ? NOWHERE : pack.previous(at);
    row.set(index, this.nodes.remove(row.node(index), pack, at, size, count), count);
    if (!forward) {
      this.at = before;
      return before !== NOWHERE || this.enter(index - 1, false);
    }
    this.at = at;
    return at < pack.length - 1 || this.enter(index + 1, true);
  }

  /** Removes `count` elements from `index` on, all of which there are. */
  removeRange(index: number, count: number): void {
    const { row } = this;
    this.at = NOWHERE;
    if (count === 0) return;
    row.locate(index);
    let node = row.foundNode;
    if (row.foundRest > 0) count -= this.removeWithin(node++, row.foundRest, count);
    let whole = 0;
    while (count > 0 && row.count(node + whole) <= count) count -= row.count(node + whole++);
    if (whole > 0) this.dropNodes(node, whole);
    if (count > 0) this.removeWithin(node, 0, count);
  }

  /** A copy of this chain; returns its root. O(N). */
  copy(): Address {
    const { root, length } = this.row;
    const fresh = this.row.create();
    for (let i = 0; i < length; i++) {
      this.row.over(root);
      const count = this.row.count(i);
      const node = this.nodes.copyOf(this.row.node(i));
      this.row.over(fresh);
      this.row.insert(i, node, count);
    }
    this.over(root);
    return fresh;
  }

  /** Frees nodes from the end until `isTimeUp`, and at last the chain itself; whether that is done. */
  free(isTimeUp: () => boolean): boolean {
    while (this.row.length > 0) {
      const count = Math.min(FREE_NODES, this.row.length);
      this.dropNodes(this.row.length - count, count);
      if (this.row.length > 0 && isTimeUp()) return false;
    }
    this.row.free();
    return true;
  }

  /** Stands on the first or last element of a node; whether there is such a node. */
  private enter(index: number, atFirst: boolean): boolean {
    if (index < 0 || index >= this.row.length) {
      this.at = NOWHERE;
      return false;
    }
    const pack = this.openNode(index);
    this.at = atFirst ? LISTPACK_HEADER_BYTES : pack.last();
    return true;
  }

  /** Whether a node is there and takes one more element; opens it. */
  private takes(index: number, text: Bytes): boolean {
    if (index < 0 || index >= this.row.length) return false;
    const bytes = this.openNode(index).length + (text.end - text.start) + ELEMENT_OVERHEAD_BYTES;
    return !exceedsNode(this.limits['list-max-listpack-size'], bytes, this.row.count(index) + 1);
  }

  /** Adds an element as the first of a node, or in a node of its own before it if that takes no more, or is not there. */
  private addBefore(index: number, text: Bytes, size: number): void {
    if (this.takes(index, text)) this.insertInto(index, LISTPACK_HEADER_BYTES, text, size);
    else this.insertNode(index, text, size);
  }

  /** The same as the last of a node, or behind it. */
  private addBehind(index: number, text: Bytes, size: number): void {
    if (this.takes(index, text)) this.insertInto(index, this.pack.length - 1, text, size);
    else this.insertNode(index + 1, text, size);
  }

  /** Inserts an element into a node that is open. */
  private insertInto(index: number, at: number, text: Bytes, size: number): void {
    const { row } = this;
    this.changing(index);
    const count = row.count(index) + 1;
    row.set(index, this.nodes.insert(row.node(index), this.pack, at, text, size, count), count);
  }

  /** Inserts a node with one element before the one at `index`. */
  private insertNode(index: number, text: Bytes, size: number): void {
    const node = this.nodes.create(LISTPACK_EMPTY_BYTES + size);
    this.nodes.open(node, this.pack);
    this.row.insert(index, this.nodes.insert(node, this.pack, LISTPACK_HEADER_BYTES, text, size, 1), 1);
  }

  /**
   * Replaces this element by a node of its own, as its node would become too large. (Redis lets it: a node of 8 KiB can
   * become one of megabytes by LSET there.)
   */
  private replaceByNode(at: number, oldSize: number, text: Bytes, size: number): void {
    const { row, index } = this;
    if (at + oldSize < this.pack.length - 1) this.split(index, at + oldSize);
    this.insertNode(index + 1, text, size);
    const kept = row.count(index) - 1;
    if (kept === 0) this.dropNodes(index, 1);
    else row.set(index, this.nodes.remove(row.node(index), this.openNode(index), at, oldSize, kept), kept);
    this.joinAround(kept === 0 ? index : index + 1);
  }

  /** Moves the elements from `at` on, at least one, out of a node that keeps some into a new one after it. */
  private split(index: number, at: number): void {
    this.changing(index);
    const pack = this.openNode(index);
    const count = this.row.count(index);
    let kept = 0;
    for (let i = LISTPACK_HEADER_BYTES; i < at; i = pack.next(i)) kept++;
    const end = pack.length - 1;
    const tail = this.nodes.createOf(pack.u8, pack.base + at, pack.base + end, count - kept);
    this.row.set(index, this.nodes.remove(this.row.node(index), pack, at, end - at, kept), kept);
    this.row.insert(index + 1, tail, count - kept);
  }

  /** Around the place of a split: joins neighbours that have become small enough. */
  private joinAround(index: number): void {
    if (index > 1 && this.join(index - 2)) index--;
    this.join(index + 1);
    if (this.join(index - 1)) index--;
    this.join(index);
  }

  /** Joins a node with the next one, if there are both and the limit allows it. */
  private join(index: number): boolean {
    const { row, nodes } = this;
    if (index < 0 || index + 1 >= row.length) return false;
    const count = row.count(index) + row.count(index + 1);
    const bytes = this.openNode(index).length + this.openNode(index + 1).length - LISTPACK_EMPTY_BYTES;
    if (exceedsNode(this.limits['list-max-listpack-size'], bytes, count)) return false;
    this.changing(index);
    this.changing(index + 1);
    const joined = nodes.join(row.node(index), row.node(index + 1), count);
    row.remove(index + 1, 1);
    row.set(index, joined, count);
    return true;
  }

  /** Removes up to `count` elements of a node from its element `from` on, never all of them; returns how many. */
  private removeWithin(index: number, from: number, count: number): number {
    const { row, nodes } = this;
    this.changing(index);
    const pack = this.openNode(index);
    const all = row.count(index);
    const removed = Math.min(count, all - from);
    const start = pack.seek(from);
    let end = start;
    if (from + removed === all) end = pack.length - 1;
    else for (let i = 0; i < removed; i++) end += pack.sizeAt(end);
    row.set(index, nodes.remove(row.node(index), pack, start, end - start, all - removed), all - removed);
    return removed;
  }

  private dropNodes(index: number, count: number): void {
    for (let i = index; i < index + count; i++) {
      this.changing(i);
      this.nodes.free(this.row.node(i));
    }
    this.row.remove(index, count);
  }

  /** Tells snapshot walks that a node is about to be changed or freed. */
  private changing(index: number): void {
    if (this.walks.isAny) this.walks.nodeChanging(this.row.root, this.row.node(index));
  }
}
