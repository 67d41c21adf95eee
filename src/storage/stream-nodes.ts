/**
 * StreamNodes: the nodes of streams as blocks, and how entries are written into them. What a node holds is told in
 * stream-node.ts; here are the same bytes from the writer's side, as Redis' streamAppendItem leaves them.
 *
 *   word 0    bytes of the block               25 …   the listpack, then room for more
 *   8 … 24    the id of the first entry, as a member's name: 16 as its length, then its bytes
 *
 * A node begins as large as its first entry, doubles its room up to the limit for nodes, and loses what it does not need when
 * the next node is begun; so a stream of one entry is small and a long one wastes nothing. A stream's nodes are in an ordered
 * tree, by id; whoever calls says where the tree's words lie. Each write may move the node and returns where it is.
 */
import { Bytes, copyBytes } from '../base';
import { blockBytes, SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { Int64 } from './int64';
import { Listpack, LISTPACK_HEADER_BYTES } from './listpack';
import {
  backlenBytes,
  integerAt,
  integerBytes,
  SHORT_STRING,
  writeBacklen,
  writeIntegerElement,
} from './listpack-elements';
import { Members } from './members';
import { OrderedTree } from './ordered-tree';
import { StreamId } from './stream-id';
import { COUNT_AT, ENTRY_DELETED, ENTRY_HAS_MASTER_NAMES, NODE_LISTPACK_AT, NODE_PREFIX_BYTES } from './stream-node';

/** Names and values in turn, as they stand among a command's arguments: range i is `buffer[starts[i], ends[i])`. */
export interface EntryFields {
  readonly buffer: Uint8Array;
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
}

/** Redis' limit for a node whose size is not limited, and for the texts of an entry. */
export const STREAM_NODE_BYTES_MAX = 2 ** 30;

/** More than an element takes besides its text. */
const ELEMENT_OVERHEAD_BYTES = 10;
/** More than an entry takes besides names and values, the listpack's frame and the growth of counts included. */
const ENTRY_OVERHEAD_BYTES = 80;
/** More than two counts grow by. */
const COUNTS_GROWTH_BYTES = 8;
/** Elements of an entry besides names and values: flags, two differences, their number; that of fields is one more. */
const ELEMENTS_FIXED = 3;
/** Elements of the master besides names: two counts, the number of names, the 0. */
const MASTER_ELEMENTS_FIXED = 4;
const COUNT_UNKNOWN = 0xffff;

const number = new Int64();

export class StreamNodes {
  readonly tree: OrderedTree;
  private readonly members: Members;
  private readonly listpack = new Listpack();
  private readonly text = new Bytes();
  private readonly master = new StreamId();

  constructor(private readonly arena: Arena) {
    this.members = new Members(arena, NODE_PREFIX_BYTES, 'none');
    this.tree = new OrderedTree(arena, this.members);
  }

  free(node: Address): void {
    this.arena.free(node, this.size(node));
  }

  /** A copy of a node, in a block of its own. */
  duplicate(node: Address): Address {
    return this.copy(node, NODE_LISTPACK_AT + this.over(node).length);
  }

  /** Puts in a node that is this listpack. */
  put(words: Uint32Array, at: number, id: StreamId, { buffer, start, end }: Bytes): Address {
    const node = this.create(id, NODE_LISTPACK_AT + end - start);
    const { u8, base } = this.over(node);
    copyBytes(buffer, start, end, u8, base);
    this.tree.insert(words, at, id.score, node);
    return node;
  }

  /** Points `into` at a node's listpack. */
  bytes(node: Address, into: Bytes): Bytes {
    const { u8, base, length } = this.over(node);
    return into.set(u8, base, base + length);
  }

  /** Reads a node's id. */
  id(node: Address, into: StreamId): StreamId {
    const name = this.members.key(node, this.text);
    return into.readName(name.buffer, name.start);
  }

  /** Takes a node out of the tree and frees it. */
  remove(words: Uint32Array, at: number, node: Address): void {
    const id = this.id(node, this.master);
    this.tree.remove(words, at, id.score, id.name());
    this.free(node);
  }

  /** Whether an entry with texts of so many bytes must go into a new node; limits as in stream-node-max-…, 0 for none. */
  isFull(node: Address, textBytes: number, bytesMax: number, entriesMax: number): boolean {
    const listpack = this.over(node);
    if (bytesMax === 0 || bytesMax > STREAM_NODE_BYTES_MAX) bytesMax = STREAM_NODE_BYTES_MAX;
    if (listpack.length + textBytes >= bytesMax) return true;
    if (entriesMax === 0) return false;
    const deletedAt = COUNT_AT + listpack.sizeAt(COUNT_AT);
    return this.integer(COUNT_AT) + this.integer(deletedAt) >= entriesMax;
  }

  /** Begins a node with an entry of `pairs` names and values of so many bytes, which are the ranges from `from` on. */
  begin(
    words: Uint32Array,
    at: number,
    id: StreamId,
    fields: EntryFields,
    from: number,
    pairs: number,
    bytes: number,
  ): Address {
    let room = bytes + 2 * ENTRY_OVERHEAD_BYTES + 3 * pairs * ELEMENT_OVERHEAD_BYTES;
    for (let i = from; i < from + 2 * pairs; i += 2) room += fields.ends[i] - fields.starts[i];
    const node = this.create(id, NODE_LISTPACK_AT + room);
    const listpack = this.over(node);
    let position = this.write(LISTPACK_HEADER_BYTES, 1);
    position = this.write(position, 0);
    position = this.write(position, pairs);
    for (let i = 0; i < pairs; i++) position = listpack.write(position, this.range(fields, from + 2 * i));
    position = this.write(position, 0);
    position = this.writeEntry(position, id, fields, from, pairs, true);
    listpack.writeFrame(position + 1, MASTER_ELEMENTS_FIXED + pairs + ELEMENTS_FIXED + pairs + 1);
    this.tree.insert(words, at, id.score, node);
    return node;
  }

  /** Adds an entry at the end of a node. `bytesMax` limits the room that is made for further ones. */
  append(
    words: Uint32Array,
    at: number,
    node: Address,
    id: StreamId,
    fields: EntryFields,
    from: number,
    pairs: number,
    bytes: number,
    bytesMax: number,
  ): Address {
    const added = bytes + 2 * pairs * ELEMENT_OVERHEAD_BYTES + ENTRY_OVERHEAD_BYTES;
    node = this.makeRoom(words, at, node, added, bytesMax);
    const listpack = this.over(node);
    const elements = this.shownElements();
    const end = listpack.length - 1;
    const hasMasterNames = this.hasMasterNames(fields, from, pairs);
    const position = end + this.replace(COUNT_AT, this.integer(COUNT_AT) + 1, end);
    const entryEnd = this.writeEntry(position, id, fields, from, pairs, hasMasterNames);
    const elementsAdded = ELEMENTS_FIXED + 1 + (hasMasterNames ? pairs : 2 * pairs + 1);
    listpack.writeFrame(entryEnd + 1, elements === COUNT_UNKNOWN ? COUNT_UNKNOWN : elements + elementsAdded);
    return node;
  }

  /** Gives back the room that a node does not need. */
  shrink(words: Uint32Array, at: number, node: Address): Address {
    const size = NODE_LISTPACK_AT + this.over(node).length;
    return blockBytes(size) < this.size(node) ? this.move(words, at, node, size) : node;
  }

  /** Marks the entry that begins at `position` as deleted, where it is not; counts are yet to be set. */
  markDeleted(node: Address, position: number): void {
    const { u8, base } = this.over(node);
    u8[base + position] |= ENTRY_DELETED;
  }

  /** Sets how many entries live and how many are deleted. */
  setCounts(words: Uint32Array, at: number, node: Address, count: number, deleted: number): Address {
    node = this.makeRoom(words, at, node, COUNTS_GROWTH_BYTES, 0);
    const listpack = this.over(node);
    const elements = this.shownElements();
    let end = listpack.length - 1;
    end += this.replace(COUNT_AT + listpack.sizeAt(COUNT_AT), deleted, end);
    end += this.replace(COUNT_AT, count, end);
    listpack.writeFrame(end + 1, elements);
    return node;
  }

  // ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────

  private writeEntry(
    at: number,
    id: StreamId,
    fields: EntryFields,
    from: number,
    pairs: number,
    hasMasterNames: boolean,
  ): number {
    const { listpack, master } = this;
    at = this.write(at, hasMasterNames ? ENTRY_HAS_MASTER_NAMES : 0);
    master.readName(listpack.u8, listpack.base - NODE_LISTPACK_AT + NODE_PREFIX_BYTES + 1);
    at = this.writeInt64(at, id.msSince(master, number));
    at = this.writeInt64(at, id.sequenceSince(master, number));
    if (hasMasterNames) {
      for (let i = 0; i < pairs; i++) at = listpack.write(at, this.range(fields, from + 2 * i + 1));
      return this.write(at, ELEMENTS_FIXED + pairs);
    }
    at = this.write(at, pairs);
    for (let i = 0; i < 2 * pairs; i++) at = listpack.write(at, this.range(fields, from + i));
    return this.write(at, ELEMENTS_FIXED + 2 * pairs + 1);
  }

  private hasMasterNames(fields: EntryFields, from: number, pairs: number): boolean {
    const { listpack } = this;
    let at = COUNT_AT + listpack.sizeAt(COUNT_AT);
    at += listpack.sizeAt(at);
    if (this.integer(at) !== pairs) return false;
    for (let i = 0; i < pairs; i++) {
      at += listpack.sizeAt(at);
      if (!listpack.isAt(at, this.range(fields, from + 2 * i))) return false;
    }
    return true;
  }

  private range(fields: EntryFields, i: number): Bytes {
    return this.text.set(fields.buffer, fields.starts[i], fields.ends[i]);
  }

  private integer(at: number): number {
    const { u8, base } = this.listpack;
    const first = u8[base + at];
    return first < SHORT_STRING ? first : integerAt(u8, base + at);
  }

  private write(at: number, value: number): number {
    const { u8, base } = this.listpack;
    if (value < SHORT_STRING) {
      u8[base + at] = value;
      u8[base + at + 1] = 1;
      return at + 2;
    }
    number.set(value);
    return this.writeInt64(at, number);
  }

  private writeInt64(at: number, value: Int64): number {
    const { u8, base } = this.listpack;
    const start = base + at;
    const end = writeIntegerElement(u8, start, value);
    return writeBacklen(u8, end, end - start) - base;
  }

  /** Replaces a number by another, moving what follows up to `end`; returns by how much that moved. */
  private replace(at: number, value: number, end: number): number {
    const { listpack } = this;
    const { u8, base } = listpack;
    const oldSize = listpack.sizeAt(at);
    number.set(value);
    const bare = integerBytes(number);
    const difference = bare + backlenBytes(bare) - oldSize;
    if (difference !== 0) u8.copyWithin(base + at + oldSize + difference, base + at + oldSize, base + end);
    this.writeInt64(at, number);
    return difference;
  }

  /** What the header says of the number of elements. */
  private shownElements(): number {
    const { u8, base } = this.listpack;
    return u8[base + 4] | (u8[base + 5] << 8);
  }

  // ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────

  private create(id: StreamId, bytes: number): Address {
    const size = blockBytes(bytes);
    const node = this.arena.allocate(size);
    this.setSize(node, size);
    const start = (node & SEGMENT_MASK) << 3;
    const u8 = this.arena.u8s[node >>> SEGMENT_SHIFT];
    const name = id.name();
    u8[start + NODE_PREFIX_BYTES] = name.length;
    u8.set(name.buffer, start + NODE_PREFIX_BYTES + 1);
    return node;
  }

  private over(node: Address): Listpack {
    const { listpack } = this;
    listpack.u8 = this.arena.u8s[node >>> SEGMENT_SHIFT];
    listpack.base = ((node & SEGMENT_MASK) << 3) + NODE_LISTPACK_AT;
    return listpack;
  }

  private size(node: Address): number {
    return this.arena.u32s[node >>> SEGMENT_SHIFT][(node & SEGMENT_MASK) << 1];
  }

  private setSize(node: Address, size: number): void {
    this.arena.u32s[node >>> SEGMENT_SHIFT][(node & SEGMENT_MASK) << 1] = size;
  }

  /** Lets the listpack of a node grow by `added` bytes; where it must move, with room for as much again up to `bytesMax`. */
  private makeRoom(words: Uint32Array, at: number, node: Address, added: number, bytesMax: number): Address {
    const size = this.size(node);
    const needed = NODE_LISTPACK_AT + this.over(node).length + added;
    return needed <= size ? node : this.move(words, at, node, Math.max(needed, Math.min(2 * size, bytesMax)));
  }

  /** Moves a node into a block of another size. */
  private move(words: Uint32Array, at: number, node: Address, bytes: number): Address {
    const moved = this.copy(node, bytes);
    const id = this.id(node, this.master);
    this.tree.replaceMember(words, at, id.score, id.name(), moved);
    this.free(node);
    return moved;
  }

  private copy(node: Address, bytes: number): Address {
    const size = blockBytes(bytes);
    const copy = this.arena.allocate(size);
    const start = (node & SEGMENT_MASK) << 3;
    const used = NODE_LISTPACK_AT + this.over(node).length;
    this.arena.u8s[copy >>> SEGMENT_SHIFT].set(
      this.arena.u8s[node >>> SEGMENT_SHIFT].subarray(start, start + used),
      (copy & SEGMENT_MASK) << 3,
    );
    this.setSize(copy, size);
    return copy;
  }
}

/** Bytes of `pairs` names and values. */
export function textBytes({ starts, ends }: EntryFields, from: number, pairs: number): number {
  let bytes = 0;
  for (let i = from; i < from + 2 * pairs; i++) bytes += ends[i] - starts[i];
  return bytes;
}
