/**
 * PendingEntries: which entries of a stream a group has handed out and nobody has acknowledged: to whom, when, how often.
 *
 * A pending entry is one block that two ordered trees point at, that of its group and that of its consumer; both by id. The
 * entry itself may be gone from the stream. Whoever calls says where a tree's words lie (`words`, `at`).
 *
 *   double 0 when it was handed out (ms since the epoch)    double 1 how often
 *   word 4   its consumer                                   word 5   –         then the id as a name
 *
 * Always: each entry is in the tree of its group and in that of the consumer it names. The stream's owner hears (`changing`)
 * before anything in an entry is changed.
 */
import { Bytes } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { Members } from './members';
import { OrderedTree } from './ordered-tree';
import { StreamId } from './stream-id';
import { TreeCursor } from './tree-cursor';

const PREFIX_BYTES = 24;
const DELIVERED = 0;
const DELIVERIES = 1;
const CONSUMER = 4;

export class PendingEntries {
  readonly tree: OrderedTree;
  private readonly members: Members;
  private readonly cursor: TreeCursor;
  private readonly scratch = new Bytes();

  constructor(
    private readonly arena: Arena,
    private readonly changing: () => void,
  ) {
    this.members = new Members(arena, PREFIX_BYTES, 'none');
    this.tree = new OrderedTree(arena, this.members);
    this.cursor = new TreeCursor(this.tree);
  }

  /** A new block, yet to be put into trees. */
  create(id: StreamId, consumer: Address, deliveredMs: number, deliveries: number): Address {
    const pending = this.members.create(id.name(), 0);
    this.setConsumer(pending, consumer);
    this.putDouble(pending, DELIVERED, deliveredMs);
    this.putDouble(pending, DELIVERIES, deliveries);
    return pending;
  }

  free(pending: Address): void {
    this.members.free(pending);
  }

  /** The entry with this id in a tree, or 0. */
  find(words: Uint32Array, at: number, id: StreamId): Address {
    const name = id.name();
    this.tree.seek(words, at, id.score, name, false, this.cursor);
    const { member } = this.cursor;
    return member !== 0 && this.members.hasKey(member, name) ? member : 0;
  }

  /** The largest id in a tree that is not empty. */
  lastId(words: Uint32Array, at: number, into: StreamId): StreamId {
    this.tree.seekLast(words, at, this.cursor);
    return this.id(this.cursor.member, into);
  }

  insert(words: Uint32Array, at: number, id: StreamId, pending: Address): void {
    this.tree.insert(words, at, id.score, pending);
  }

  remove(words: Uint32Array, at: number, id: StreamId): void {
    this.tree.remove(words, at, id.score, id.name());
  }

  id(pending: Address, into: StreamId): StreamId {
    const name = this.members.key(pending, this.scratch);
    return into.readName(name.buffer, name.start);
  }

  consumer(pending: Address): Address {
    return this.arena.u32s[pending >>> SEGMENT_SHIFT][((pending & SEGMENT_MASK) << 1) + CONSUMER];
  }

  setConsumer(pending: Address, consumer: Address): void {
    this.arena.u32s[pending >>> SEGMENT_SHIFT][((pending & SEGMENT_MASK) << 1) + CONSUMER] = consumer;
  }

  /** When it was handed out last: ms since the epoch. */
  delivered(pending: Address): number {
    return this.arena.f64s[pending >>> SEGMENT_SHIFT][(pending & SEGMENT_MASK) + DELIVERED];
  }

  setDelivered(pending: Address, deliveredMs: number): void {
    this.changing();
    this.putDouble(pending, DELIVERED, deliveredMs);
  }

  /** How often it was handed out. */
  deliveries(pending: Address): number {
    return this.arena.f64s[pending >>> SEGMENT_SHIFT][(pending & SEGMENT_MASK) + DELIVERIES];
  }

  setDeliveries(pending: Address, deliveries: number): void {
    this.changing();
    this.putDouble(pending, DELIVERIES, deliveries);
  }

  private putDouble(pending: Address, double: number, value: number): void {
    this.arena.f64s[pending >>> SEGMENT_SHIFT][(pending & SEGMENT_MASK) + double] = value;
  }
}

/** A walk over the entries of a tree, in order of their ids. It is good until one is added or removed. */
export class PendingWalk {
  /** The entry where the walk stands, and its id. */
  entry: Address = 0;
  readonly id = new StreamId();
  private readonly cursor: TreeCursor;

  constructor(private readonly pending: PendingEntries) {
    this.cursor = new TreeCursor(pending.tree);
  }

  /** Begins at the first entry with this or a larger id. */
  start(words: Uint32Array, at: number, first: StreamId): this {
    this.pending.tree.seek(words, at, first.score, first.name(), false, this.cursor);
    this.entry = 0;
    return this;
  }

  /** Goes on to the next entry; false after the last. */
  next(): boolean {
    if (this.entry !== 0) this.cursor.next();
    this.entry = this.cursor.member;
    if (this.entry === 0) return false;
    this.pending.id(this.entry, this.id);
    return true;
  }
}
