/**
 * List: a sequence of elements with two ends. Small: one listpack; large: a chain of them (told as "quicklist").
 *
 * As in Redis 7.2 a list is packed while one listpack holds it within `list-max-listpack-size`: whoever pushes elements announces
 * them (`expect`), and the estimate of that moment decides. It is packed again when only one node is left, of at most half the
 * limit (`repack`, after a command that removes), so that a list at the limit does not go to and fro.
 *
 * A List stands on an element (`seek`, `first`, `last`, `next`, `previous`); `read`, `isAt`, `insert`, `replace` and `remove` are
 * about that element. Texts that are given to it must not lie in this list.
 */
import { Bytes, copyBytes, type Output } from '../base';
import type { Address } from './arena';
import { Chain, exceedsNode, exceedsPacked } from './chain';
import { Collection } from './collection';
import type { Database } from './database';
import type { Keyspace } from './keyspace';
import { writeBulks } from './listpack-bulks';
import { elementSize, LISTPACK_EMPTY_BYTES, LISTPACK_HEADER_BYTES, NOWHERE, type Listpack } from './listpack';
import type { ReclaimJob } from './reclaimer';
import { ENCODING_LISTPACK, ENCODING_QUICKLIST, TYPE_LIST } from './records';

export class List extends Collection {
  private readonly chain: Chain;
  /** Where a packed list stands. */
  private position = NOWHERE;

  constructor(keyspace: Keyspace) {
    super(keyspace, TYPE_LIST);
    this.chain = new Chain(keyspace.arena, keyspace.limits, keyspace.walks);
  }

  override open(database: Database, key: Bytes, record: Address): void {
    super.open(database, key, record);
    this.position = NOWHERE;
    if (this.root !== 0) this.chain.over(this.root);
  }

  get length(): number {
    if (this.root !== 0) return this.chain.count;
    return this.record === 0 ? 0 : this.unpack().count;
  }

  // ── standing on an element ──────────────────────────────────────────────────────────────────────────────────

  /** Stands on an element, counted from the end if negative; whether there is one. */
  seek(index: number): boolean {
    if (this.root !== 0) return this.chain.seek(index);
    return this.stand(this.record === 0 ? NOWHERE : this.unpack().seek(index));
  }

  first(): boolean {
    return this.root !== 0 ? this.chain.first() : this.seek(0);
  }

  last(): boolean {
    return this.root !== 0 ? this.chain.last() : this.seek(-1);
  }

  /** Steps to the element after this one; whether there is one. */
  next(): boolean {
    return this.root !== 0 ? this.chain.next() : this.stand(this.listpack.next(this.position));
  }

  previous(): boolean {
    return this.root !== 0 ? this.chain.previous() : this.stand(this.listpack.previous(this.position));
  }

  /** Points `into` at this element's text; an integer's text is good for one more `read` only. */
  read(into: Bytes): Bytes {
    return this.root !== 0 ? this.chain.read(into) : this.listpack.read(this.position, into);
  }

  isAt(text: Bytes): boolean {
    return this.root !== 0 ? this.chain.isAt(text) : this.listpack.isAt(this.position, text);
  }

  /** Appends `count` elements to `out` as bulk strings: this one and those after it, of which there are so many; stands on none then. */
  writeBulks(out: Output, count: number): void {
    if (this.root !== 0) {
      this.chain.writeBulks(out, count);
    } else {
      writeBulks(out, this.listpack.u8, this.listpack.base, this.position, count);
      this.position = NOWHERE;
    }
  }

  // ── adding ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Announces that `elements` elements of `bytes` bytes of text are going to be pushed. */
  expect(bytes: number, elements: number): void {
    if (this.root !== 0) return;
    let listpackBytes = LISTPACK_EMPTY_BYTES;
    let count = 0;
    if (this.record !== 0) {
      const listpack = this.unpack();
      listpackBytes = listpack.length;
      count = listpack.count;
    }
    if (exceedsNode(this.sizeLimit, listpackBytes + bytes, count + elements)) this.enlarge(count);
  }

  pushHead(text: Bytes): void {
    if (this.root !== 0) {
      this.touch();
      this.chain.pushHead(text);
    } else {
      this.insertPacked(LISTPACK_HEADER_BYTES, text);
    }
  }

  pushTail(text: Bytes): void {
    if (this.root !== 0) {
      this.touch();
      this.chain.pushTail(text);
    } else {
      this.insertPacked(this.record === 0 ? LISTPACK_HEADER_BYTES : this.unpack().length - 1, text);
    }
  }

  /** Inserts an element before or after this one, which need not be announced; stands on none then. */
  insert(text: Bytes, after: boolean): void {
    this.enlargeFor(text);
    if (this.root !== 0) {
      this.touch();
      this.chain.insert(text, after);
    } else {
      const { position } = this;
      this.insertPacked(after ? position + this.listpack.sizeAt(position) : position, text);
    }
  }

  /** Replaces this element by one that need not be announced; stands on none then. */
  replace(text: Bytes): void {
    this.enlargeFor(text);
    if (this.root !== 0) {
      this.touch();
      this.chain.replace(text);
    } else {
      const { position } = this;
      this.splice(position, this.listpack.sizeAt(position), elementSize(text), 0).write(position, text);
      this.position = NOWHERE;
    }
  }

  // ── removing ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Removes this element and stands on the one after it (before it if not `forward`); whether there is one. The key goes with
   * its last element.
   */
  remove(forward: boolean): boolean {
    if (this.length === 1) {
      this.removeKey();
      return false;
    }
    if (this.root !== 0) {
      this.touch();
      return this.chain.remove(forward);
    }
    const { position, listpack } = this;
    const before = forward ? NOWHERE : listpack.previous(position);
    this.splice(position, listpack.sizeAt(position), 0, -1);
    return this.stand(!forward ? before : position < listpack.length - 1 ? position : NOWHERE);
  }

  /** Removes `count` elements from `index` on, all of which there are; stands on none then. */
  removeRange(index: number, count: number): void {
    if (count === 0) return;
    if (count === this.length) {
      this.removeKey();
    } else if (this.root !== 0) {
      this.touch();
      this.chain.removeRange(index, count);
    } else {
      const listpack = this.unpack();
      const start = listpack.seek(index);
      let end = start;
      for (let i = 0; i < count; i++) end += listpack.sizeAt(end);
      this.splice(start, end - start, 0, -count);
      this.position = NOWHERE;
    }
  }

  /** Removes so many elements from each end, not all there are; counts as a change even where that is none. */
  trim(fromHead: number, fromTail: number): void {
    if (fromHead === 0 && fromTail === 0) this.touch();
    this.removeRange(this.length - fromTail, fromTail);
    this.removeRange(0, fromHead);
  }

  /**
   * To be called after elements were removed or replaced, or without `shrinks` after all nodes were appended: packs what is small;
   * stands on none then.
   */
  repack(shrinks = true): void {
    if (this.root === 0 || this.chain.nodeCount !== 1) return;
    const { chain, root } = this;
    const pack = chain.openNode(0);
    const { u8, base, length } = pack;
    if (exceedsPacked(this.sizeLimit, length, chain.count, shrinks)) return;
    // The node must outlive the root's place in the record: its bytes go there.
    this.records.forgetRoot(this.record);
    this.root = 0;
    const to = this.place(ENCODING_LISTPACK, length, false);
    copyBytes(u8, base, base + length, to.buffer, to.start);
    this.keyspace.discardRoot(this.type, root);
    this.position = NOWHERE;
  }

  // ── roots ───────────────────────────────────────────────────────────────────────────────────────────────────

  override reclaimJob(root: Address): ReclaimJob {
    return (isTimeUp) => this.chain.over(root).free(isTimeUp);
  }

  override duplicate(root: Address): Address {
    return this.chain.over(root).copy();
  }

  /** How many listpacks hold the list: 1 where it is packed. */
  get nodeCount(): number {
    return this.root !== 0 ? this.chain.nodeCount : 1;
  }

  /** The addresses of the nodes of a large list, in order, for snapshots; allocates. */
  nodeAddresses(): Uint32Array {
    return this.chain.nodeAddresses();
  }

  /** One of them, 0 … nodeCount − 1, of a list that is there; borrowed until the next call. */
  node(index: number): Listpack {
    return this.root !== 0 ? this.chain.openNode(index) : this.unpack();
  }

  /** Appends a listpack of `count` elements, at least one, as a node of a list that is large from now on. */
  appendNode(bytes: Bytes, count: number): void {
    if (this.root === 0) this.enlarge(this.length);
    this.touch();
    this.chain.appendNode(bytes, count);
  }

  // ── packed ──────────────────────────────────────────────────────────────────────────────────────────────────

  private stand(position: number): boolean {
    this.position = position;
    return position !== NOWHERE;
  }

  private insertPacked(at: number, text: Bytes): void {
    this.splice(at, 0, elementSize(text), 1).write(at, text);
    this.position = NOWHERE;
  }

  /** Makes a packed list of `count` elements, or a missing one, a large one. */
  private enlarge(count: number): void {
    const root = this.chain.create();
    if (count > 0) this.chain.appendNode(this.bytes(), count);
    this.placeRoot(ENCODING_QUICKLIST, root);
  }

  /** Makes a packed list a large one, standing on the same element, where one more of this text would be too many. */
  private enlargeFor(text: Bytes): void {
    if (this.root !== 0) return;
    const { listpack, position } = this;
    const { count } = listpack;
    if (!exceedsNode(this.sizeLimit, listpack.length + text.length, count + 1)) return;
    let index = 0;
    for (let at = LISTPACK_HEADER_BYTES; at < position; at = listpack.next(at)) index++;
    this.enlarge(count);
    this.chain.seek(index);
  }

  private get sizeLimit(): number {
    return this.keyspace.limits['list-max-listpack-size'];
  }
}
