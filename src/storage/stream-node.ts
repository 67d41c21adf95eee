/**
 * StreamNode: a cursor over the entries of one node of a stream.
 *
 * A node is a listpack in exactly Redis' format, so that DUMP and RDB copy memory. Its first elements are the *master*: how
 * many entries live, how many are deleted, and the names of the fields that its first entry has; a 0 ends them. Then
 * come the entries, the deleted ones too:
 *
 *   count | deleted | n | name … name | 0
 *   flags | ms | seq | value … value | elements                          an entry with the master's names
 *   flags | ms | seq | n | name | value | … name | value | elements      any other
 *
 * Ids are told by how far they are from the node's own, that of its first entry. The last element of an entry is the number of
 * elements before it, which leads a walk backwards to the entry's beginning; the master's 0 ends such a walk.
 *
 * Names and values are read one after the other, once; a step to the next entry begins where the reading has come to. The
 * cursor is good until the node changes.
 */
import type { Bytes } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { Int64 } from './int64';
import { Listpack, LISTPACK_HEADER_BYTES } from './listpack';
import { integerAt, SHORT_STRING } from './listpack-elements';
import { StreamId } from './stream-id';

/** Flags of entries. */
export const ENTRY_DELETED = 1;
export const ENTRY_HAS_MASTER_NAMES = 2;

/** Where things lie in a node's block: its size in bytes (word 0), the id as a name, the listpack. */
export const NODE_PREFIX_BYTES = 8;
const NODE_ID_AT = NODE_PREFIX_BYTES + 1;
export const NODE_LISTPACK_AT = NODE_ID_AT + 16;

/** Where the master's numbers are. */
export const COUNT_AT = LISTPACK_HEADER_BYTES;

/** A difference between ids that is being read. */
const difference = new Int64();

export class StreamNode {
  node: Address = 0;
  /** The node's id: that of its first entry. */
  readonly master = new StreamId();
  /** The node's bytes. */
  readonly listpack = new Listpack();

  /** The entry at hand: where it begins, its flags, its id, how many fields it has. */
  at = 0;
  flags = 0;
  readonly id = new StreamId();
  fieldCount = 0;

  /** The master's fields: how many, where their names begin, and where the entry after them does. */
  private masterFieldCount = 0;
  private masterNamesAt = 0;
  private firstAt = 0;
  /** The next name among the master's; the next element of the entry, and how many are left. */
  private nameAt = 0;
  private elementAt = 0;
  private elementsLeft = 0;

  constructor(private readonly arena: Arena) {}

  /** Goes to before the first entry of a node. */
  open(node: Address): void {
    const u8 = this.arena.u8s[node >>> SEGMENT_SHIFT];
    const start = (node & SEGMENT_MASK) << 3;
    this.node = node;
    this.master.readName(u8, start + NODE_ID_AT);
    this.over(u8, start + NODE_LISTPACK_AT);
  }

  /** The same of a node that lies elsewhere, as its id and listpack. */
  openBytes(id: StreamId, { buffer, start }: Bytes): void {
    this.node = 0;
    this.master.set(id);
    this.over(buffer, start);
  }

  private over(u8: Uint8Array, base: number): void {
    const { listpack } = this;
    listpack.u8 = u8;
    listpack.base = base;
    const deletedAt = COUNT_AT + listpack.sizeAt(COUNT_AT);
    const numberAt = deletedAt + listpack.sizeAt(deletedAt);
    const count = this.integer(numberAt);
    const namesAt = numberAt + listpack.sizeAt(numberAt);
    this.masterFieldCount = count;
    this.masterNamesAt = namesAt;
    this.firstAt = this.skip(namesAt, count + 1);
    this.toStart();
  }

  /** Entries that live. */
  get count(): number {
    return this.integer(COUNT_AT);
  }

  /** Entries that are deleted and still there. */
  get deletedCount(): number {
    return this.integer(COUNT_AT + this.listpack.sizeAt(COUNT_AT));
  }

  get isDeleted(): boolean {
    return (this.flags & ENTRY_DELETED) !== 0;
  }

  /** Goes to before the first entry. */
  toStart(): void {
    this.elementAt = this.firstAt;
    this.elementsLeft = 0;
  }

  /** Goes to behind the last entry. */
  toEnd(): void {
    this.at = this.listpack.length - 1;
  }

  /** Goes on to the next entry, deleted or not; false after the last. */
  next(): boolean {
    const at = this.skip(this.elementAt, this.elementsLeft);
    if (at >= this.listpack.length - 1) return false;
    this.enter(at);
    return true;
  }

  /** Goes back to the entry before, deleted or not; false before the first. */
  previous(): boolean {
    const { listpack } = this;
    let at = listpack.previous(this.at);
    const elements = this.integer(at);
    if (elements === 0) return false;
    for (let i = 0; i < elements; i++) at = listpack.previous(at);
    this.enter(at);
    return true;
  }

  /** Points `into` at the name of the next field. */
  name(into: Bytes): Bytes {
    const { listpack } = this;
    if ((this.flags & ENTRY_HAS_MASTER_NAMES) === 0) return this.element(into);
    listpack.read(this.nameAt, into);
    this.nameAt += listpack.sizeAt(this.nameAt);
    return into;
  }

  /** Points `into` at the value of the field whose name was read. */
  value(into: Bytes): Bytes {
    return this.element(into);
  }

  /** The position of the entry after the one at hand: that of the listpack's end after the last. */
  get nextAt(): number {
    return this.skip(this.elementAt, this.elementsLeft);
  }

  private element(into: Bytes): Bytes {
    const { elementAt } = this;
    this.listpack.read(elementAt, into);
    this.elementAt = elementAt + this.listpack.sizeAt(elementAt);
    this.elementsLeft--;
    return into;
  }

  private enter(start: number): void {
    const { listpack, id } = this;
    this.at = start;
    this.flags = this.integer(start);
    const msAt = start + listpack.sizeAt(start);
    const sequenceAt = msAt + listpack.sizeAt(msAt);
    let at = sequenceAt + listpack.sizeAt(sequenceAt);
    id.set(this.master);
    id.addMs(this.readDifference(msAt));
    id.addSequence(this.readDifference(sequenceAt));
    if ((this.flags & ENTRY_HAS_MASTER_NAMES) !== 0) {
      this.fieldCount = this.masterFieldCount;
      this.elementsLeft = this.masterFieldCount + 1;
      this.nameAt = this.masterNamesAt;
    } else {
      this.fieldCount = this.integer(at);
      this.elementsLeft = this.fieldCount * 2 + 1;
      at += listpack.sizeAt(at);
    }
    this.elementAt = at;
  }

  /** A number that is small: a count, flags. */
  private integer(at: number): number {
    const { u8, base } = this.listpack;
    const first = u8[base + at];
    return first < SHORT_STRING ? first : integerAt(u8, base + at);
  }

  private readDifference(at: number): Int64 {
    const { u8, base } = this.listpack;
    const value = this.integer(at);
    const low = value | 0;
    if (low === value) {
      // Nearly all are: no doubles for them.
      difference.low = low;
      difference.high = low >> 31;
    } else if (Number.isNaN(value)) {
      difference.read(u8, base + at + 1);
    } else {
      difference.set(value);
    }
    return difference;
  }

  private skip(at: number, elements: number): number {
    const { listpack } = this;
    for (; elements > 0; elements--) at += listpack.sizeAt(at);
    return at;
  }
}
