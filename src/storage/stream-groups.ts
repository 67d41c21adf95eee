/**
 * StreamGroups: the groups that share out a stream's entries among consumers.
 *
 * Groups are in an ordered tree by name, which is the stream's; the consumers of a group in one of the group's. A group and
 * a consumer are blocks that stay where they are, so their addresses name them until they are deleted.
 *
 *   group     words 0–3 last id handed out, double 2 entries read (−1: unknown), words 6–9 tree of pending entries,
 *             words 10–13 tree of consumers, name
 *   consumer  double 0 when it was last seen, double 1 when it last got something (−1: never), words 4–7 tree of pending
 *             entries, name
 *
 * Pending entries are told in stream-pending.ts.
 *
 * Always: the stream hears (`changing`) before anything in its groups is changed; so a snapshot can keep what they were.
 */
import { Bytes } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import { Members } from './members';
import { OrderedTree } from './ordered-tree';
import { StreamId } from './stream-id';
import { PendingEntries, PendingWalk } from './stream-pending';
import { TreeCursor } from './tree-cursor';
import { TREE_WORDS } from './tree-path';

/** Entries read, where nobody knows; and when a consumer last got something, where it never did. */
export const UNKNOWN = -1;

const LAST_ID = 0;
const ENTRIES_READ = 2;
const GROUP_PENDING = 6;
const CONSUMERS = 10;
const GROUP_PREFIX_BYTES = 56;

const SEEN = 0;
const ACTIVE = 1;
const CONSUMER_PENDING = 4;
const CONSUMER_PREFIX_BYTES = 32;

export class StreamGroups {
  readonly pending: PendingEntries;
  private readonly walk: PendingWalk;
  private readonly groups: Members;
  private readonly groupTree: OrderedTree;
  private readonly consumers: Members;
  private readonly consumerTree: OrderedTree;
  private readonly cursor: TreeCursor;
  private readonly consumerCursor: TreeCursor;
  private readonly scratch = new Bytes();
  private readonly id = new StreamId();

  constructor(
    private readonly arena: Arena,
    private readonly changing: () => void,
  ) {
    this.pending = new PendingEntries(arena, changing);
    this.walk = new PendingWalk(this.pending);
    this.groups = new Members(arena, GROUP_PREFIX_BYTES, 'none');
    this.groupTree = new OrderedTree(arena, this.groups);
    this.consumers = new Members(arena, CONSUMER_PREFIX_BYTES, 'none');
    this.consumerTree = new OrderedTree(arena, this.consumers);
    this.cursor = new TreeCursor(this.groupTree);
    this.consumerCursor = new TreeCursor(this.consumerTree);
  }

  // ── groups of the stream whose tree's words are at `words[at]` ─────────────────────────────────────────────────

  count(words: Uint32Array, at: number): number {
    return this.groupTree.count(words, at);
  }

  /** The group of this name, or 0. */
  find(words: Uint32Array, at: number, name: Bytes): Address {
    this.groupTree.seek(words, at, 0, name, false, this.cursor);
    const { member } = this.cursor;
    return member !== 0 && this.groups.hasKey(member, name) ? member : 0;
  }

  /** Makes a group that is not there. */
  create(words: Uint32Array, at: number, name: Bytes, lastId: StreamId, entriesRead: number): Address {
    this.changing();
    const group = this.groups.create(name, 0);
    const start = wordOf(group);
    this.wordsOf(group).fill(0, start + GROUP_PENDING, start + CONSUMERS + TREE_WORDS);
    this.setLastId(group, lastId);
    this.setEntriesRead(group, entriesRead);
    this.groupTree.insert(words, at, 0, group);
    return group;
  }

  /** Removes a group with everything in it. */
  destroy(words: Uint32Array, at: number, group: Address): void {
    this.changing();
    this.groupTree.remove(words, at, 0, this.groups.key(group, this.scratch));
    this.freeGroup(group);
  }

  /** All groups, in order of their names. */
  all(words: Uint32Array, at: number): Address[] {
    return members(this.groupTree, words, at, this.cursor);
  }

  /** Removes groups until none is left or `isTimeUp`; whether none is. */
  dismantle(words: Uint32Array, at: number, isTimeUp: () => boolean): boolean {
    while (this.groupTree.seekFirst(words, at, this.cursor)) {
      const group = this.cursor.member;
      if (!this.emptyGroup(group, isTimeUp)) return false;
      this.groupTree.removeAtRank(words, at, 0);
      this.groups.free(group);
    }
    return true;
  }

  /** Copies all groups of one stream to another, which has none. */
  duplicate(fromWords: Uint32Array, fromAt: number, words: Uint32Array, at: number): void {
    for (const group of this.all(fromWords, fromAt)) {
      const lastId = this.lastId(group, this.id);
      const copy = this.create(words, at, this.name(group, new Bytes()), lastId, this.entriesRead(group));
      for (const consumer of this.consumersOf(group)) this.duplicateConsumer(consumer, copy);
    }
  }

  name(group: Address, into: Bytes): Bytes {
    return this.groups.key(group, into);
  }

  /** The last id that was handed out. */
  lastId(group: Address, into: StreamId): StreamId {
    return into.read(this.wordsOf(group), wordOf(group) + LAST_ID);
  }

  setLastId(group: Address, id: StreamId): void {
    this.changing();
    id.write(this.wordsOf(group), wordOf(group) + LAST_ID);
  }

  /** How many entries, of all that were ever added, are up to the last id; UNKNOWN where nobody knows. */
  entriesRead(group: Address): number {
    return this.doublesOf(group)[doubleOf(group) + ENTRIES_READ];
  }

  setEntriesRead(group: Address, count: number): void {
    this.changing();
    this.doublesOf(group)[doubleOf(group) + ENTRIES_READ] = count;
  }

  // ── consumers ────────────────────────────────────────────────────────────────────────────────────────────────

  consumerCount(group: Address): number {
    return this.consumerTree.count(this.wordsOf(group), wordOf(group) + CONSUMERS);
  }

  /** The consumer of this name, or 0. */
  findConsumer(group: Address, name: Bytes): Address {
    const { consumerCursor } = this;
    this.consumerTree.seek(this.wordsOf(group), wordOf(group) + CONSUMERS, 0, name, false, consumerCursor);
    const { member } = consumerCursor;
    return member !== 0 && this.consumers.hasKey(member, name) ? member : 0;
  }

  /** Makes a consumer that is not there. */
  createConsumer(group: Address, name: Bytes, nowMs: number): Address {
    this.changing();
    const consumer = this.consumers.create(name, 0);
    const start = wordOf(consumer) + CONSUMER_PENDING;
    this.wordsOf(consumer).fill(0, start, start + TREE_WORDS);
    this.setSeen(consumer, nowMs);
    this.setActive(consumer, UNKNOWN);
    this.consumerTree.insert(this.wordsOf(group), wordOf(group) + CONSUMERS, 0, consumer);
    return consumer;
  }

  /** Removes a consumer and what is pending for it. */
  deleteConsumer(group: Address, consumer: Address): void {
    this.changing();
    const { pending, id } = this;
    const words = this.wordsOf(group);
    const at = wordOf(group);
    pending.tree.free(this.wordsOf(consumer), wordOf(consumer) + CONSUMER_PENDING, (entry) => {
      pending.remove(words, at + GROUP_PENDING, pending.id(entry, id));
      pending.free(entry);
    });
    this.consumerTree.remove(words, at + CONSUMERS, 0, this.consumers.key(consumer, this.scratch));
    this.consumers.free(consumer);
  }

  /** All consumers of a group, in order of their names. */
  consumersOf(group: Address): Address[] {
    return members(this.consumerTree, this.wordsOf(group), wordOf(group) + CONSUMERS, this.consumerCursor);
  }

  consumerName(consumer: Address, into: Bytes): Bytes {
    return this.consumers.key(consumer, into);
  }

  /** When the consumer last tried to get something: ms since the epoch. */
  seen(consumer: Address): number {
    return this.doublesOf(consumer)[doubleOf(consumer) + SEEN];
  }

  setSeen(consumer: Address, nowMs: number): void {
    this.changing();
    this.doublesOf(consumer)[doubleOf(consumer) + SEEN] = nowMs;
  }

  /** When the consumer last got something: ms since the epoch; UNKNOWN where it never did. */
  active(consumer: Address): number {
    return this.doublesOf(consumer)[doubleOf(consumer) + ACTIVE];
  }

  setActive(consumer: Address, nowMs: number): void {
    this.changing();
    this.doublesOf(consumer)[doubleOf(consumer) + ACTIVE] = nowMs;
  }

  // ── pending entries ──────────────────────────────────────────────────────────────────────────────────────────

  pendingOfGroup(group: Address): number {
    return this.pending.tree.count(this.wordsOf(group), wordOf(group) + GROUP_PENDING);
  }

  pendingOfConsumer(consumer: Address): number {
    return this.pending.tree.count(this.wordsOf(consumer), wordOf(consumer) + CONSUMER_PENDING);
  }

  /** The largest id that is pending in a group; something must be. */
  lastPendingId(group: Address, into: StreamId): StreamId {
    return this.pending.lastId(this.wordsOf(group), wordOf(group) + GROUP_PENDING, into);
  }

  /** The group's pending entry with this id, or 0. */
  findPending(group: Address, id: StreamId): Address {
    return this.pending.find(this.wordsOf(group), wordOf(group) + GROUP_PENDING, id);
  }

  /** A walk over the group's pending entries from an id on. There is one walk at a time. */
  pendingFrom(group: Address, first: StreamId): PendingWalk {
    return this.walk.start(this.wordsOf(group), wordOf(group) + GROUP_PENDING, first);
  }

  /** The same over what is pending for a consumer. */
  pendingOfConsumerFrom(consumer: Address, first: StreamId): PendingWalk {
    return this.walk.start(this.wordsOf(consumer), wordOf(consumer) + CONSUMER_PENDING, first);
  }

  /** Hands an entry out to a consumer for the first time, whoever may have had it before the group was set back; what is pending. */
  handOut(group: Address, consumer: Address, id: StreamId, nowMs: number): Address {
    const entry = this.findPending(group, id);
    if (entry === 0) return this.addPending(group, consumer, id, nowMs, 1);
    this.givePending(entry, id, consumer);
    this.pending.setDelivered(entry, nowMs);
    this.pending.setDeliveries(entry, 1);
    return entry;
  }

  /** Makes an entry pending that is not. */
  addPending(group: Address, consumer: Address, id: StreamId, deliveredMs: number, deliveries: number): Address {
    this.changing();
    const entry = this.pending.create(id, consumer, deliveredMs, deliveries);
    this.pending.insert(this.wordsOf(group), wordOf(group) + GROUP_PENDING, id, entry);
    this.pending.insert(this.wordsOf(consumer), wordOf(consumer) + CONSUMER_PENDING, id, entry);
    return entry;
  }

  /** Makes an entry pending whose consumer will be told by `assignPending`; false where it is pending already. */
  addUnassigned(group: Address, id: StreamId, deliveredMs: number, deliveries: number): boolean {
    if (this.findPending(group, id) !== 0) return false;
    this.changing();
    const entry = this.pending.create(id, 0, deliveredMs, deliveries);
    this.pending.insert(this.wordsOf(group), wordOf(group) + GROUP_PENDING, id, entry);
    return true;
  }

  /** Tells the consumer of such an entry; false where there is none, or it has one. */
  assignPending(group: Address, consumer: Address, id: StreamId): boolean {
    const entry = this.findPending(group, id);
    if (entry === 0 || this.pending.consumer(entry) !== 0) return false;
    this.changing();
    this.pending.insert(this.wordsOf(consumer), wordOf(consumer) + CONSUMER_PENDING, id, entry);
    this.pending.setConsumer(entry, consumer);
    return true;
  }

  /** Lets a pending entry be another consumer's. */
  givePending(entry: Address, id: StreamId, consumer: Address): void {
    const before = this.pending.consumer(entry);
    if (before === consumer) return;
    this.changing();
    this.pending.insert(this.wordsOf(consumer), wordOf(consumer) + CONSUMER_PENDING, id, entry);
    this.pending.remove(this.wordsOf(before), wordOf(before) + CONSUMER_PENDING, id);
    this.pending.setConsumer(entry, consumer);
  }

  /** An entry is not pending any more. */
  removePending(group: Address, entry: Address, id: StreamId): void {
    this.changing();
    const consumer = this.pending.consumer(entry);
    this.pending.remove(this.wordsOf(group), wordOf(group) + GROUP_PENDING, id);
    this.pending.remove(this.wordsOf(consumer), wordOf(consumer) + CONSUMER_PENDING, id);
    this.pending.free(entry);
  }

  // ── removing and copying ─────────────────────────────────────────────────────────────────────────────────────

  private freeGroup(group: Address): void {
    this.emptyGroup(group, never);
    this.groups.free(group);
  }

  /** Frees a group's consumers and pending entries until `isTimeUp`; whether that was all. */
  private emptyGroup(group: Address, isTimeUp: () => boolean): boolean {
    const { pending, consumers } = this;
    const words = this.wordsOf(group);
    const at = wordOf(group);
    while (this.consumerTree.seekFirst(words, at + CONSUMERS, this.consumerCursor)) {
      const consumer = this.consumerCursor.member;
      const tree = wordOf(consumer) + CONSUMER_PENDING;
      if (!pending.tree.free(this.wordsOf(consumer), tree, ignore, isTimeUp)) return false;
      this.consumerTree.removeAtRank(words, at + CONSUMERS, 0);
      consumers.free(consumer);
    }
    return pending.tree.free(words, at + GROUP_PENDING, (entry) => pending.free(entry), isTimeUp);
  }

  private duplicateConsumer(consumer: Address, group: Address): void {
    const { pending, id } = this;
    const copy = this.createConsumer(group, this.consumerName(consumer, new Bytes()), this.seen(consumer));
    this.setActive(copy, this.active(consumer));
    const walk = this.pendingOfConsumerFrom(consumer, id.setZero());
    while (walk.next()) {
      this.addPending(group, copy, walk.id, pending.delivered(walk.entry), pending.deliveries(walk.entry));
    }
  }

  private wordsOf(block: Address): Uint32Array {
    return this.arena.u32s[block >>> SEGMENT_SHIFT];
  }

  private doublesOf(block: Address): Float64Array {
    return this.arena.f64s[block >>> SEGMENT_SHIFT];
  }
}

/** The place of a block's first word among its segment's words. */
function wordOf(block: Address): number {
  return (block & SEGMENT_MASK) << 1;
}

/** The place of a block's first double. */
function doubleOf(block: Address): number {
  return block & SEGMENT_MASK;
}

function members(tree: OrderedTree, words: Uint32Array, at: number, cursor: TreeCursor): Address[] {
  const found: Address[] = [];
  for (tree.seekFirst(words, at, cursor); cursor.isAtElement; cursor.next()) found.push(cursor.member);
  return found;
}

function ignore(): void {}

function never(): boolean {
  return false;
}
