/**
 * Stream: entries in the order of their ids, which only grow at the end, and groups of consumers.
 *
 * A stream is never packed; its root is a block with
 *
 *   word 0 entries   word 1 the last node   double 1 entries ever added   words 4–7 last id   words 8–11 first id
 *   words 12–15 largest id that was deleted   words 16–19 tree of nodes   words 20–23 tree of groups
 *
 * Nodes hold entries (stream-node.ts, stream-nodes.ts), a StreamWalk goes through them, StreamGroups has the groups.
 * Where nodes begin and end, and what is left of deleted entries, is as in Redis to the byte: a new node when the last one has
 * its bytes or entries; trimming "about" drops whole nodes, exactly it marks entries of one more; a node goes with its last.
 * A stream without entries is still a key: it remembers its last id, and its groups.
 *
 * What only changes groups, or ids and counts, does not pass `touch` but `touchSilently`: in Redis, too, WATCH does not see it.
 */
import { Bytes } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address } from './arena';
import { Collection } from './collection';
import type { Keyspace } from './keyspace';
import type { ReclaimJob } from './reclaimer';
import { ENCODING_STREAM, TYPE_STREAM } from './records';
import { StreamGroups, UNKNOWN } from './stream-groups';
import { StreamId } from './stream-id';
import type { StreamNode } from './stream-node';
import { STREAM_NODE_BYTES_MAX, StreamNodes, textBytes, type EntryFields } from './stream-nodes';
import { StreamWalk } from './stream-walk';
import { TreeCursor } from './tree-cursor';

const LENGTH = 0;
const TAIL = 1;
const ENTRIES_ADDED = 1;
const LAST_ID = 4;
const FIRST_ID = 8;
const MAX_DELETED_ID = 12;
const NODES = 16;
const GROUPS = 20;
const ROOT_WORDS = 24;
const ROOT_SIZE = ROOT_WORDS * 4;

/** Up to where a stream is trimmed. */
export interface Trim {
  /** How many entries are left; −1 where it goes by `firstId`. */
  readonly length: number;
  /** No entry with a smaller id is left. */
  readonly firstId: StreamId;
  /** Only whole nodes go. */
  readonly isAbout: boolean;
  /** How many entries go at most; 0 for any number. */
  readonly limit: number;
}

export class Stream extends Collection {
  readonly groups: StreamGroups;
  private readonly nodes: StreamNodes;
  /** For whoever reads the stream: see `range`. */
  private readonly walk: StreamWalk;
  /** For what the stream asks itself. */
  private readonly probe: StreamWalk;
  private readonly cursor: TreeCursor;
  private readonly id = new StreamId();
  private readonly edge = new StreamId();
  private readonly lastOfGroup = new StreamId();
  private readonly nodeBytes = new Bytes();

  constructor(keyspace: Keyspace) {
    super(keyspace, TYPE_STREAM);
    this.nodes = new StreamNodes(keyspace.arena);
    this.walk = new StreamWalk(keyspace.arena, this.nodes);
    this.probe = new StreamWalk(keyspace.arena, this.nodes);
    this.cursor = new TreeCursor(this.nodes.tree);
    this.groups = new StreamGroups(keyspace.arena, () => this.touchSilently());
  }

  override get length(): number {
    return this.root === 0 ? 0 : this.words[this.at + LENGTH];
  }

  /** Makes the key, without entries, where it is not there. */
  create(): void {
    if (this.root === 0) this.placeRoot(ENCODING_STREAM, this.createRoot());
  }

  // ── what a stream knows of itself; of one that is there ────────────────────────────────────────────────────────

  /** The last id that was given, which the entry may have been deleted of. */
  lastId(into: StreamId): StreamId {
    return into.read(this.words, this.at + LAST_ID);
  }

  setLastId(id: StreamId): void {
    this.touchSilently();
    id.write(this.words, this.at + LAST_ID);
  }

  /** The first entry's id; 0-0 where there is none. */
  firstId(into: StreamId): StreamId {
    return into.read(this.words, this.at + FIRST_ID);
  }

  /** The largest id of the entries that were deleted one by one. */
  maxDeletedId(into: StreamId): StreamId {
    return into.read(this.words, this.at + MAX_DELETED_ID);
  }

  setMaxDeletedId(id: StreamId): void {
    this.touchSilently();
    id.write(this.words, this.at + MAX_DELETED_ID);
  }

  /** How many entries were ever added. */
  get entriesAdded(): number {
    return this.arena.f64s[this.root >>> SEGMENT_SHIFT][(this.root & SEGMENT_MASK) + ENTRIES_ADDED];
  }

  set entriesAdded(count: number) {
    this.touchSilently();
    this.arena.f64s[this.root >>> SEGMENT_SHIFT][(this.root & SEGMENT_MASK) + ENTRIES_ADDED] = count;
  }

  get nodeCount(): number {
    return this.nodes.tree.count(this.words, this.at + NODES);
  }

  /** Reads the last entry's id; whether there is one. */
  lastEntryId(into: StreamId): boolean {
    const { probe } = this;
    probe.start(this.words, this.at + NODES, SMALLEST, LARGEST, true);
    if (!probe.next()) return false;
    into.set(probe.id);
    return true;
  }

  /** Whether there is an entry with a larger id than this. */
  hasAfter(id: StreamId): boolean {
    if (this.length === 0 || this.lastId(this.id).compare(id) <= 0) return false;
    // The entry of the last id may have been deleted.
    return this.lastEntryId(this.id) && this.id.compare(id) > 0;
  }

  /** Whether there is an entry with this id. */
  has(id: StreamId): boolean {
    if (this.root === 0) return false;
    this.probe.start(this.words, this.at + NODES, id, id, false);
    return this.probe.next();
  }

  /** Points `walk` at the entries from `first` to `last`, both included; nothing may be added or deleted until its end. */
  range(first: StreamId, last: StreamId, isBackwards: boolean): StreamWalk {
    this.walk.start(this.words, this.at + NODES, first, last, isBackwards);
    return this.walk;
  }

  /** Visits the nodes in order: what DUMP and RDB copy. Views are good until the next is visited. */
  eachNode(visit: (id: StreamId, listpack: Bytes) => void): void {
    const { nodes, cursor, id, nodeBytes } = this;
    if (this.root === 0) return;
    for (nodes.tree.seekFirst(this.words, this.at + NODES, cursor); cursor.isAtElement; cursor.next()) {
      visit(nodes.id(cursor.member, id), nodes.bytes(cursor.member, nodeBytes));
    }
  }

  /** The addresses of the nodes, in order, for snapshots; allocates. */
  nodeAddresses(): Uint32Array {
    const { nodes, cursor } = this;
    const addresses = new Uint32Array(this.nodeCount);
    let count = 0;
    for (nodes.tree.seekFirst(this.words, this.at + NODES, cursor); cursor.isAtElement; cursor.next()) {
      addresses[count++] = cursor.member;
    }
    return addresses;
  }

  /** Adds a node with `entries` living ones, all of whose ids are above those that are there, to a stream that is there. */
  appendNode(id: StreamId, listpack: Bytes, entries: number): void {
    const { nodes, words, at } = this;
    const length = words[at + LENGTH];
    words[at + TAIL] = nodes.put(words, at + NODES, id, listpack);
    words[at + LENGTH] = length + entries;
    if (length === 0 && entries > 0) this.findFirstId();
  }

  // ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Adds an entry under an id above the last one: `pairs` names and values, which are the ranges of `fields` from `from` on; makes
   * the key if there is none. False, and nothing done, where they are longer than any node may be.
   */
  append(id: StreamId, fields: EntryFields, from: number, pairs: number): boolean {
    const bytes = textBytes(fields, from, pairs);
    if (bytes > STREAM_NODE_BYTES_MAX) return false;
    if (this.root === 0) this.create();
    else this.touch();
    const { nodes, words, at, keyspace } = this;
    const bytesMax = keyspace.limits['stream-node-max-bytes'];
    const entriesMax = keyspace.limits['stream-node-max-entries'];
    const tail = words[at + TAIL];
    if (tail !== 0) this.nodeChanging(tail);
    if (tail !== 0 && !nodes.isFull(tail, bytes, bytesMax, entriesMax)) {
      words[at + TAIL] = nodes.append(words, at + NODES, tail, id, fields, from, pairs, bytes, bytesMax);
    } else {
      if (tail !== 0) words[at + TAIL] = nodes.shrink(words, at + NODES, tail);
      words[at + TAIL] = nodes.begin(words, at + NODES, id, fields, from, pairs, bytes);
    }
    id.write(words, at + LAST_ID);
    if (++words[at + LENGTH] === 1) id.write(words, at + FIRST_ID);
    this.entriesAdded++;
    return true;
  }

  /** Deletes an entry; whether it was there. The key stays. */
  delete(id: StreamId): boolean {
    if (!this.has(id)) return false;
    this.touch();
    const { nodes, words, at, probe } = this;
    const { node } = probe;
    if (node.count === 1) {
      this.removeNode(node.node);
    } else {
      this.nodeChanging(node.node);
      nodes.markDeleted(node.node, node.at);
      this.setCounts(node.node, node.count - 1, node.deletedCount + 1);
    }
    words[at + LENGTH]--;
    if (id.compare(this.maxDeletedId(this.id)) > 0) this.setMaxDeletedId(id);
    if (words[at + LENGTH] === 0 || id.compare(this.firstId(this.id)) === 0) this.findFirstId();
    return true;
  }

  /** Deletes entries from the beginning; returns how many. */
  trim(trim: Trim): number {
    if (this.root === 0) return 0;
    const { nodes, cursor, words, at, probe } = this;
    let deleted = 0;
    while (trim.length < 0 || words[at + LENGTH] > trim.length) {
      if (!nodes.tree.seekFirst(words, at + NODES, cursor)) break;
      const { node } = probe;
      node.open(cursor.member);
      const { count } = node;
      if (trim.limit > 0 && deleted + count > trim.limit) break;
      if (this.goesWhole(trim, node)) {
        if (deleted === 0) this.touch();
        this.removeNode(node.node);
        words[at + LENGTH] -= count;
        deleted += count;
        continue;
      }
      if (!trim.isAbout) deleted += this.trimNode(trim, deleted === 0);
      break;
    }
    if (deleted > 0) this.findFirstId();
    return deleted;
  }

  /** Whether none of a node's entries is left by trimming. */
  private goesWhole(trim: Trim, node: StreamNode): boolean {
    if (trim.length >= 0) return this.length - node.count >= trim.length;
    node.toEnd();
    node.previous();
    return node.id.compare(trim.firstId) < 0;
  }

  /** Marks entries of the node where `probe` stands, which does not go as a whole; returns how many. */
  private trimNode(trim: Trim, isFirstChange: boolean): number {
    const { nodes, words, at, probe } = this;
    const { node } = probe;
    const length = words[at + LENGTH];
    const { count, deletedCount } = node;
    let marked = 0;
    node.toStart();
    while (node.next()) {
      if (trim.length >= 0 ? length - marked <= trim.length : node.id.compare(trim.firstId) >= 0) break;
      if (node.isDeleted) continue;
      if (marked === 0 && isFirstChange) this.touch();
      if (marked === 0) this.nodeChanging(node.node);
      nodes.markDeleted(node.node, node.at);
      marked++;
    }
    if (marked === 0) return 0;
    this.setCounts(node.node, count - marked, deletedCount + marked);
    words[at + LENGTH] = length - marked;
    return marked;
  }

  private setCounts(node: Address, count: number, deletedCount: number): void {
    const { words, at } = this;
    const moved = this.nodes.setCounts(words, at + NODES, node, count, deletedCount);
    if (words[at + TAIL] === node) words[at + TAIL] = moved;
  }

  private removeNode(node: Address): void {
    const { nodes, cursor, words, at } = this;
    this.nodeChanging(node);
    nodes.remove(words, at + NODES, node);
    if (words[at + TAIL] !== node) return;
    nodes.tree.seekLast(words, at + NODES, cursor);
    words[at + TAIL] = cursor.member;
  }

  /** Tells snapshot walks that a node is about to be changed or freed. */
  private nodeChanging(node: Address): void {
    const { walks } = this.keyspace;
    if (walks.isAny) walks.nodeChanging(this.root, node);
  }

  private findFirstId(): void {
    const { probe, words, at } = this;
    probe.start(words, at + NODES, SMALLEST, LARGEST, false);
    (probe.next() ? probe.id : SMALLEST).write(words, at + FIRST_ID);
  }

  // ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────

  get groupCount(): number {
    return this.root === 0 ? 0 : this.groups.count(this.words, this.at + GROUPS);
  }

  /** The group of this name, or 0. */
  findGroup(name: Bytes): Address {
    return this.root === 0 ? 0 : this.groups.find(this.words, this.at + GROUPS, name);
  }

  /** Makes a group that is not there, of a stream that is. */
  createGroup(name: Bytes, lastId: StreamId, entriesRead: number): Address {
    return this.groups.create(this.words, this.at + GROUPS, name, lastId, entriesRead);
  }

  /** Removes a group with everything in it; who waits for it hears of that. */
  destroyGroup(group: Address): void {
    this.touch();
    this.groups.destroy(this.words, this.at + GROUPS, group);
  }

  /** All groups, in order of their names. */
  allGroups(): Address[] {
    return this.root === 0 ? [] : this.groups.all(this.words, this.at + GROUPS);
  }

  // ── how far a group is ───────────────────────────────────────────────────────────────────────────────────────

  /**
   * How many entries a group has yet to hand out; null where deleted ones lie between them. Negative where XGROUP was told that it
   * has read more than there ever were.
   */
  lag(group: Address): number | null {
    const { groups, entriesAdded } = this;
    if (entriesAdded === 0) return 0;
    const lastId = groups.lastId(group, this.lastOfGroup);
    const known = groups.entriesRead(group);
    if (known !== UNKNOWN && !this.hasDeletedFrom(lastId)) return entriesAdded - known;
    const read = this.countUpTo(lastId);
    return read === UNKNOWN ? null : entriesAdded - read;
  }

  /** Counts the next entry, `id`, as read by a group. */
  noteRead(group: Address, id: StreamId): void {
    const { groups } = this;
    const known = groups.entriesRead(group);
    if (known !== UNKNOWN && !this.hasDeletedFrom(id)) groups.setEntriesRead(group, known + 1);
    else if (this.entriesAdded > 0) groups.setEntriesRead(group, this.countUpTo(id));
    groups.setLastId(group, id);
  }

  /** Whether an entry from `id` on was deleted by its id, as far as is known: not of those before the first there is. */
  private hasDeletedFrom(id: StreamId): boolean {
    const deleted = this.maxDeletedId(this.id);
    if (this.length === 0 || deleted.isZero || this.firstId(this.edge).compare(deleted) > 0) return false;
    return id.compare(deleted) <= 0;
  }

  /** How many entries were ever added up to `id`; UNKNOWN where that cannot be told: see Redis' XINFO, "lag". */
  countUpTo(id: StreamId): number {
    const { entriesAdded, length } = this;
    const toLast = id.compare(this.lastId(this.id));
    if (entriesAdded === 0) return 0;
    if (toLast === 0 || (length === 0 && toLast < 0)) return entriesAdded;
    if (toLast > 0) return UNKNOWN;
    const firstId = this.firstId(this.edge);
    const deleted = this.maxDeletedId(this.id);
    const isUnbroken = deleted.isZero || deleted.compare(firstId) < 0;
    const toFirst = id.compare(firstId);
    if (!isUnbroken || toFirst > 0) return UNKNOWN;
    return entriesAdded - length + (toFirst === 0 ? 1 : 0);
  }

  // ── roots ────────────────────────────────────────────────────────────────────────────────────────────────────

  override reclaimJob(root: Address): ReclaimJob {
    const words = this.arena.u32s[root >>> SEGMENT_SHIFT];
    const at = (root & SEGMENT_MASK) << 1;
    const free = (node: Address): void => this.nodes.free(node);
    return (isTimeUp) => {
      if (!this.nodes.tree.free(words, at + NODES, free, isTimeUp)) return false;
      if (!this.groups.dismantle(words, at + GROUPS, isTimeUp)) return false;
      this.arena.free(root, ROOT_SIZE);
      return true;
    };
  }

  override duplicate(root: Address): Address {
    const { nodes, cursor, id } = this;
    const copy = this.createRoot();
    const words = this.arena.u32s[copy >>> SEGMENT_SHIFT];
    const at = (copy & SEGMENT_MASK) << 1;
    const fromWords = this.arena.u32s[root >>> SEGMENT_SHIFT];
    const fromAt = (root & SEGMENT_MASK) << 1;
    words.set(fromWords.subarray(fromAt, fromAt + NODES), at);
    words[at + TAIL] = 0;
    for (nodes.tree.seekFirst(fromWords, fromAt + NODES, cursor); cursor.isAtElement; cursor.next()) {
      const node = nodes.duplicate(cursor.member);
      nodes.tree.insert(words, at + NODES, nodes.id(node, id).score, node);
      words[at + TAIL] = node;
    }
    this.groups.duplicate(fromWords, fromAt + GROUPS, words, at + GROUPS);
    return copy;
  }

  private createRoot(): Address {
    const root = this.arena.allocate(ROOT_SIZE);
    const at = (root & SEGMENT_MASK) << 1;
    this.arena.u32s[root >>> SEGMENT_SHIFT].fill(0, at, at + ROOT_WORDS);
    return root;
  }
}

const SMALLEST = new StreamId();
const LARGEST = StreamId.max();
