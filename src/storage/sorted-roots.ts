/**
 * SortedRoots: sorted sets too large to be packed (told as "skiplist"): each member a block with its score and name, found by
 * name in a table and in order in a tree that counts.
 *
 * A root is the words of the table, then those of the tree; both point at the same blocks. All functions take the root's
 * address; keys are not known here. The score stands in the block and again in the tree's leaf, so that neither a look by
 * name needs the tree nor a search by score the blocks.
 */
import { Bytes, type Random } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import type { KeyHash } from './key-hash';
import type { Keyspace } from './keyspace';
import { Members } from './members';
import { OrderedTree } from './ordered-tree';
import type { ReclaimJob } from './reclaimer';
import { HASHES, TABLE_WORDS, Tables } from './tables';
import { TreeCursor } from './tree-cursor';
import { TREE_WORDS } from './tree-path';

const ROOT_WORDS = TABLE_WORDS + TREE_WORDS;
const ROOT_BYTES = ROOT_WORDS * 4;
/** Bytes before a member's name: its score. */
const SCORE_BYTES = 8;

export class SortedRoots {
  private readonly arena: Arena;
  private readonly hashes: KeyHash;
  private readonly members: Members;
  private readonly tables: Tables;
  private readonly tree: OrderedTree;
  private readonly cursor: TreeCursor;
  private readonly scratch = new Bytes();
  /** Hash of the name that was looked for last. */
  hash = 0;

  constructor(keyspace: Keyspace) {
    this.arena = keyspace.arena;
    this.hashes = keyspace.hash;
    this.members = new Members(this.arena, SCORE_BYTES, 'none');
    this.tables = new Tables(this.arena, this.members);
    this.tree = new OrderedTree(this.arena, this.members);
    this.cursor = this.makeCursor();
  }

  /** A root without members. */
  create(): Address {
    const root = this.arena.allocate(ROOT_BYTES);
    const at = this.at(root);
    this.words(root).fill(0, at, at + ROOT_WORDS);
    return root;
  }

  /** Number of members. */
  count(root: Address): number {
    return this.tables.count(this.words(root), this.at(root));
  }

  /** Points `into` at a member's name. */
  name(member: Address, into: Bytes): Bytes {
    return this.members.key(member, into);
  }

  score(member: Address): number {
    return this.members.score(member);
  }

  // ── by name ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** The member of this name, or 0. */
  find(root: Address, name: Bytes): Address {
    this.hash = this.hashes.of(name.buffer, name.start, name.end);
    return this.tables.find(this.words(root), this.at(root), this.hash, name);
  }

  /** Adds a member whose name was just looked for in vain. Throws OUT_OF_MEMORY, and has not added it then. */
  insertMissing(root: Address, name: Bytes, score: number): void {
    const { members, tables, hash } = this;
    const words = this.words(root);
    const at = this.at(root);
    const member = members.create(name, 0);
    members.setScore(member, score);
    try {
      tables.insert(words, at, hash, member);
      this.tree.insert(words, at + TABLE_WORDS, score, member);
    } catch (error) {
      if (tables.find(words, at, hash, name) !== 0) tables.removeFound(words, at);
      members.free(member);
      throw error;
    }
  }

  /** Adds a member that is not there. */
  insert(root: Address, name: Bytes, score: number): void {
    this.hash = this.hashes.of(name.buffer, name.start, name.end);
    this.insertMissing(root, name, score);
  }

  setScore(root: Address, member: Address, score: number): void {
    const name = this.members.key(member, this.scratch);
    this.tree.move(this.words(root), this.at(root) + TABLE_WORDS, this.members.score(member), name, score);
    this.members.setScore(member, score);
  }

  /** Removes the member that `find` just found. */
  removeFound(root: Address, member: Address): void {
    const name = this.members.key(member, this.scratch);
    const words = this.words(root);
    const at = this.at(root);
    this.tree.remove(words, at + TABLE_WORDS, this.members.score(member), name);
    this.tables.removeFound(words, at);
    this.members.free(member);
  }

  // ── in order ────────────────────────────────────────────────────────────────────────────────────────────────

  /** A cursor for walks over any root. */
  makeCursor(): TreeCursor {
    return new TreeCursor(this.tree);
  }

  rankOf(root: Address, member: Address): number {
    const name = this.members.key(member, this.scratch);
    return this.tree.rankOf(this.words(root), this.at(root) + TABLE_WORDS, this.members.score(member), name);
  }

  /** Sets a cursor to the member of a rank, 0 … count − 1. */
  seek(root: Address, rank: number, cursor: TreeCursor): void {
    this.tree.seekRank(this.words(root), this.at(root) + TABLE_WORDS, rank, cursor);
  }

  /** Sets a cursor to the first member of at least this score; whether there is one. */
  seekScore(root: Address, score: number, cursor: TreeCursor): boolean {
    this.tree.seek(this.words(root), this.at(root) + TABLE_WORDS, score, null, false, cursor);
    return cursor.isAtElement;
  }

  /** Sets a cursor to the first member at or behind the place of (score, name). */
  seekMember(root: Address, score: number, name: Bytes, cursor: TreeCursor): void {
    this.tree.seek(this.words(root), this.at(root) + TABLE_WORDS, score, name, false, cursor);
  }

  /** Sets a cursor behind the last member. */
  seekEnd(root: Address, cursor: TreeCursor): void {
    this.tree.seek(this.words(root), this.at(root) + TABLE_WORDS, Infinity, null, true, cursor);
  }

  /** How many members have a score below this one, or up to it where `isAfter`. */
  countBelow(root: Address, score: number, isAfter: boolean): number {
    return this.tree.seek(this.words(root), this.at(root) + TABLE_WORDS, score, null, isAfter, this.cursor);
  }

  /**
   * How many members have a name before this one, or up to it where `isAfter`, in a root that has some. Where scores differ, and
   * names have no order therefore, a number as good as any.
   */
  countBelowName(root: Address, name: Bytes, isAfter: boolean): number {
    const { tree, cursor } = this;
    const words = this.words(root);
    const at = this.at(root) + TABLE_WORDS;
    tree.seekFirst(words, at, cursor);
    return tree.seek(words, at, cursor.score, name, isAfter, cursor);
  }

  /** The hash of the member of a rank, 0 … count − 1. */
  hashAtRank(root: Address, rank: number): number {
    this.seek(root, rank, this.cursor);
    const { buffer, start, end } = this.members.key(this.cursor.member, this.scratch);
    return this.hashes.of(buffer, start, end);
  }

  removeAtRank(root: Address, rank: number): void {
    const words = this.words(root);
    const at = this.at(root);
    const member = this.tree.removeAtRank(words, at + TABLE_WORDS, rank);
    this.find(root, this.members.key(member, this.scratch));
    this.tables.removeFound(words, at);
    this.members.free(member);
  }

  // ── in order of hash ────────────────────────────────────────────────────────────────────────────────────────

  /** A random member of a root that has some, every one as likely as any other. */
  random(root: Address, random: Random): Address {
    return this.tables.random(this.words(root), this.at(root), random);
  }

  /** As `Tables.collectHash`, over the members of a root. */
  collectHash(root: Address, hash: number, members: Address[]): number {
    return this.tables.collectHash(this.words(root), this.at(root), hash, members);
  }

  /** As `Tables.scan`, over the members of a root. */
  scan(root: Address, cursor: number, count: number, visit: (member: Address) => void): number {
    return this.tables.scan(this.words(root), this.at(root), cursor, count, visit);
  }

  // ── as a whole ──────────────────────────────────────────────────────────────────────────────────────────────

  duplicate(root: Address): Address {
    const copy = this.create();
    const cursor = this.makeCursor();
    const name = new Bytes();
    if (!this.tree.seekFirst(this.words(root), this.at(root) + TABLE_WORDS, cursor)) return copy;
    do this.insert(copy, this.members.key(cursor.member, name), cursor.score);
    while (cursor.next());
    return copy;
  }

  /** A job that frees everything that the root holds, and the root. */
  reclaimJob(root: Address): ReclaimJob {
    const words = this.words(root);
    const at = this.at(root);
    const free = (member: Address): void => this.members.free(member);
    let position = words[at] === 0 ? HASHES : 0;
    return (isTimeUp) => {
      if (!this.tree.free(words, at + TABLE_WORDS, free, isTimeUp)) return false;
      if (position < HASHES) position = this.tables.dismantle(words, at, position, null, isTimeUp);
      if (position < HASHES) return false;
      this.arena.free(root, ROOT_BYTES);
      return true;
    };
  }

  private words(root: Address): Uint32Array {
    return this.arena.u32s[root >>> SEGMENT_SHIFT];
  }

  private at(root: Address): number {
    return (root & SEGMENT_MASK) << 1;
  }
}
