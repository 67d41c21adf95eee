/**
 * SortedSet: members with scores, in the order of the scores, and where these are equal of the members' bytes. Small: a listpack
 * of members and scores in turn, in that order (told as "listpack"); large: a table and a tree (see SortedRoots).
 *
 * Every range, be it of ranks, of scores or of names, is one of ranks in the end: `countBelow` and `countBelowName` say where a
 * bound lies, `seek` goes there, and `next` and `previous` walk on. A large set does each of these in O(log N), a packed one
 * by going through its few members.
 *
 * A set that outgrows the limits becomes a large one with the write that does it, and stays one, however little is left. Only
 * what a command stores as a whole is packed where it fits (`packIfSmall`).
 */
import { Bytes, copyBytes, widen, type Random } from '../base';
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address } from './arena';
import { Collection } from './collection';
import type { Keyspace } from './keyspace';
import { INT64_SPELLING_BYTES } from './int64';
import { elementSize, LISTPACK_EMPTY_BYTES, LISTPACK_HEADER_BYTES, NOWHERE } from './listpack';
import { isString, spellIntegerAt } from './listpack-elements';
import { compareBytes } from './members';
import type { ReclaimJob } from './reclaimer';
import { ENCODING_LISTPACK, ENCODING_SKIPLIST, TYPE_SORTED_SET } from './records';
import { preciseScoreText, readScore, spellScore } from './score-text';
import { SortedRoots } from './sorted-roots';
import type { TreeCursor } from './tree-cursor';

/** Conditions of `add`, to be combined. */
export const ADD_IF_MISSING = 1;
export const ADD_IF_PRESENT = 2;
/** Only where the member is missing or its new score would be greater, or less. */
export const ADD_IF_GREATER = 4;
export const ADD_IF_LESS = 8;
/** The score is added to the one that is there. */
export const ADD_INCREMENT = 16;

/** What `add` has done: nothing, because a condition did not hold; */
export const NOT_ADDED = 0;
/** nothing, because the sum of scores is no number; */
export const NOT_A_NUMBER = 1;
/** nothing, because the member has that score already; */
export const UNCHANGED = 2;
/** given a member another score; */
export const UPDATED = 3;
/** or added a member. */
export const ADDED = 4;

export class SortedSet extends Collection {
  /** Where the walk stands: a place in the listpack, or a member. May be noted and set again until the next write. */
  position = 0;
  /** The member's score after the last `add`. */
  newScore = 0;
  private readonly roots: SortedRoots;
  private readonly cursor: TreeCursor;
  private readonly scratch = new Bytes();
  private readonly spelling = new Bytes(widen(new Uint8Array(INT64_SPELLING_BYTES)));

  constructor(keyspace: Keyspace) {
    super(keyspace, TYPE_SORTED_SET);
    this.roots = new SortedRoots(keyspace);
    this.cursor = this.roots.makeCursor();
  }

  get length(): number {
    if (this.root !== 0) return this.roots.count(this.root);
    return this.record === 0 ? 0 : this.unpack().count / 2;
  }

  // ── by name ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** The score of a member; NaN where it is not there. */
  scoreOf(name: Bytes): number {
    if (this.root !== 0) {
      const member = this.roots.find(this.root, name);
      return member === 0 ? NaN : this.roots.score(member);
    }
    const at = this.findPacked(name);
    return at === NOWHERE ? NaN : this.packedScore(this.listpack.next(at));
  }

  has(name: Bytes): boolean {
    return this.root !== 0 ? this.roots.find(this.root, name) !== 0 : this.findPacked(name) !== NOWHERE;
  }

  /** How many members come before this one; −1 where it is not there. */
  rankOf(name: Bytes): number {
    if (this.root !== 0) {
      const member = this.roots.find(this.root, name);
      return member === 0 ? -1 : this.roots.rankOf(this.root, member);
    }
    const found = this.findPacked(name);
    if (found === NOWHERE) return -1;
    const { listpack } = this;
    let rank = 0;
    for (let at = listpack.first(); at !== found; at = listpack.next(listpack.next(at))) rank++;
    return rank;
  }

  /**
   * Gives a member a score, under conditions: `flags` are ADD_… combined. Returns what it did; `newScore` is the member's score
   * unless that was nothing for a condition. The score must not be NaN, the name not lie in this set.
   */
  add(score: number, name: Bytes, flags = 0): number {
    if (this.root !== 0) return this.addLarge(score, name, flags);
    const at = this.findPacked(name);
    if (at !== NOWHERE) {
      const scoreAt = this.listpack.next(at);
      const outcome = this.decide(this.packedScore(scoreAt), score, flags);
      if (outcome === UPDATED) this.setPackedScore(at, scoreAt, name, this.newScore);
      return outcome;
    }
    if ((flags & ADD_IF_PRESENT) !== 0) return NOT_ADDED;
    this.newScore = score;
    const { limits } = this.keyspace;
    if (this.length >= limits['zset-max-listpack-entries'] || name.length > limits['zset-max-listpack-value']) {
      this.enlarge();
      this.roots.insert(this.root, name, score);
    } else {
      const place = this.record === 0 ? LISTPACK_HEADER_BYTES : this.placeOf(score, name);
      this.insertPair(place, name, spellScore(score));
    }
    return ADDED;
  }

  /** Says that so many members are about to be added, the same ones twice included: a set that would not fit is enlarged now. */
  expect(count: number): void {
    if (this.root === 0 && count > this.keyspace.limits['zset-max-listpack-entries']) this.enlarge();
  }

  /** Makes a large set a packed one if it is within the limits: for what a command stores as a whole, whatever it was before. */
  packIfSmall(): void {
    const { limits } = this.keyspace;
    const { length, scratch, listpack, arena } = this;
    if (this.root === 0 || length === 0 || length > limits['zset-max-listpack-entries']) return;
    let bytes = LISTPACK_EMPTY_BYTES;
    for (this.start(); this.next();) {
      const name = this.name(scratch);
      if (name.length > limits['zset-max-listpack-value']) return;
      bytes += elementSize(name) + elementSize(spellScore(this.score));
    }
    const block = arena.allocate(bytes);
    const first = (block & SEGMENT_MASK) << 3;
    const packed = new Bytes(arena.u8s[block >>> SEGMENT_SHIFT], first, first + bytes);
    listpack.over(packed).writeFrame(bytes, length * 2);
    let at = LISTPACK_HEADER_BYTES;
    for (this.start(); this.next();)
      at = listpack.write(listpack.write(at, this.name(scratch)), spellScore(this.score));
    const value = this.place(ENCODING_LISTPACK, bytes, false);
    this.root = 0;
    copyBytes(packed.buffer, packed.start, packed.end, value.buffer, value.start);
    arena.free(block, bytes);
  }

  /** Removes a member; whether it was there. The key goes with its last member. */
  delete(name: Bytes): boolean {
    if (this.root !== 0) {
      const member = this.roots.find(this.root, name);
      if (member === 0) return false;
      this.touchMember(this.roots.hash);
      this.roots.removeFound(this.root, member);
    } else {
      const at = this.findPacked(name);
      if (at === NOWHERE) return false;
      this.removePairs(at, 1);
    }
    if (this.length === 0) this.removeKey();
    return true;
  }

  // ── in order ────────────────────────────────────────────────────────────────────────────────────────────────

  /** How many members have a score below this one, or up to it where `isAfter`: the rank of the first behind the bound. */
  countBelow(score: number, isAfter: boolean): number {
    if (this.root !== 0) return this.roots.countBelow(this.root, score, isAfter);
    if (this.record === 0) return 0;
    const listpack = this.unpack();
    let count = 0;
    for (let at = listpack.first(); at !== NOWHERE; count++) {
      const scoreAt = listpack.next(at);
      const other = this.packedScore(scoreAt);
      if (other > score || (other === score && !isAfter)) break;
      at = listpack.next(scoreAt);
    }
    return count;
  }

  /** The same for names, of a set whose scores are all equal; of another it says nothing of use. */
  countBelowName(name: Bytes, isAfter: boolean): number {
    if (this.root !== 0) return this.roots.countBelowName(this.root, name, isAfter);
    let count = 0;
    for (this.start(); this.next(); count++) {
      const order = this.compareName(this.position, name);
      if (order > 0 || (order === 0 && !isAfter)) break;
    }
    return count;
  }

  /** Lets the walk stand at the member of a rank, 0 … length − 1. */
  seek(rank: number): void {
    if (this.root === 0) {
      this.position = this.unpack().seek(rank * 2);
      return;
    }
    this.roots.seek(this.root, rank, this.cursor);
    this.position = this.cursor.member;
  }

  /** Lets the walk stand at the first member of at least this score; false where there is none. */
  seekScore(score: number): boolean {
    if (this.root !== 0) {
      const isThere = this.roots.seekScore(this.root, score, this.cursor);
      this.position = this.cursor.member;
      return isThere;
    }
    this.start();
    while (this.next()) if (this.score >= score) return true;
    return false;
  }

  /** Begins a walk over all members, in order; nothing may be written until its end. */
  start(): void {
    if (this.root === 0) {
      this.position = NOWHERE;
      return;
    }
    this.seek(0);
    this.cursor.previous();
  }

  /** Goes on to the next member; false after the last. */
  next(): boolean {
    if (this.root !== 0) {
      const isThere = this.cursor.next();
      this.position = this.cursor.member;
      return isThere;
    }
    if (this.record === 0) return false;
    if (this.position === NOWHERE) this.position = this.unpack().first();
    else this.position = this.listpack.next(this.listpack.next(this.position));
    return this.position !== NOWHERE;
  }

  /** Goes back to the member before; false before the first. */
  previous(): boolean {
    if (this.root !== 0) {
      const isThere = this.cursor.previous();
      this.position = this.cursor.member;
      return isThere;
    }
    const scoreAt = this.listpack.previous(this.position);
    this.position = scoreAt === NOWHERE ? NOWHERE : this.listpack.previous(scoreAt);
    return this.position !== NOWHERE;
  }

  /** Points `into` at the member where the walk stands. */
  name(into: Bytes): Bytes {
    return this.root !== 0 ? this.roots.name(this.position, into) : this.listpack.read(this.position, into);
  }

  /** The score where the walk stands. */
  get score(): number {
    return this.root !== 0 ? this.roots.score(this.position) : this.packedScore(this.listpack.next(this.position));
  }

  /** The same in a walk by `seek`, `next` and `previous`, which in a large set need not look at the member for it. */
  get walkScore(): number {
    return this.root !== 0 ? this.cursor.score : this.score;
  }

  /** The score where the walk stands as ZSCAN shows it: as it is packed, or with 17 digits. Allocates. */
  get scoreText(): string {
    if (this.root !== 0) return preciseScoreText(this.roots.score(this.position));
    return this.listpack.read(this.listpack.next(this.position), this.scratch).toLatin1();
  }

  /** Removes `count` members from a rank on. */
  removeRange(from: number, count: number): void {
    if (count === this.length) {
      this.removeKey();
    } else if (this.root === 0) {
      this.removePairs(this.unpack().seek(from * 2), count);
    } else {
      this.touch();
      const { walks } = this.keyspace;
      for (let left = count; left > 0; left--) {
        if (walks.isAny) walks.memberChanging(this.root, this.roots.hashAtRank(this.root, from));
        this.roots.removeAtRank(this.root, from);
      }
    }
  }

  // ── in no order ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets the walk stand at a random member of a set that has some, every member as likely as any other. */
  pick(random: Random): void {
    if (this.root !== 0) this.position = this.roots.random(this.root, random);
    else this.position = this.unpack().seek(random.below(this.length) * 2);
  }

  /**
   * Visits about `count` members from `cursor` on (0 to begin) and returns the cursor to go on from, 0 at the end. `visit` finds
   * the walk standing at the member. A packed set is visited whole.
   */
  scan(cursor: number, count: number, visit: () => void): number {
    if (this.root === 0) {
      for (this.start(); this.next();) visit();
      return 0;
    }
    return this.roots.scan(this.root, cursor, count, (member) => {
      this.position = member;
      visit();
    });
  }

  override reclaimJob(root: Address): ReclaimJob {
    return this.roots.reclaimJob(root);
  }

  override duplicate(root: Address): Address {
    return this.roots.duplicate(root);
  }

  // ── packed ──────────────────────────────────────────────────────────────────────────────────────────────────

  private findPacked(name: Bytes): number {
    if (this.record === 0) return NOWHERE;
    const listpack = this.unpack();
    return listpack.find(name, listpack.first(), 2);
  }

  private packedScore(scoreAt: number): number {
    const score = this.listpack.integerAt(scoreAt);
    return Number.isNaN(score) ? readScore(this.textAt(scoreAt)) : score;
  }

  /**
   * The text of an element, good until the next call. An integer is spelled into memory of our own: a name that came from
   * another packed collection may lie where `Listpack.read` would spell it.
   */
  private textAt(at: number): Bytes {
    const { listpack, spelling } = this;
    const place = listpack.base + at;
    if (isString(listpack.u8[place])) return listpack.read(at, this.scratch);
    spelling.end = spellIntegerAt(listpack.u8, place, spelling.buffer);
    return spelling;
  }

  /** Below 0, 0 or above 0: whether the name at `at` sorts before, as or after `name`. */
  private compareName(at: number, name: Bytes): number {
    const other = this.textAt(at);
    return compareBytes(other.buffer, other.start, other.end, name.buffer, name.start, name.end);
  }

  /** Whether the member at `at` sorts before another. */
  private isBefore(at: number, score: number, name: Bytes): boolean {
    const other = this.packedScore(this.listpack.next(at));
    return other < score || (other === score && this.compareName(at, name) < 0);
  }

  /** Where a member with this score belongs. */
  private placeOf(score: number, name: Bytes): number {
    const { listpack } = this;
    let at = listpack.first();
    while (at !== NOWHERE && this.isBefore(at, score, name)) at = listpack.next(listpack.next(at));
    return at === NOWHERE ? listpack.length - 1 : at;
  }

  private setPackedScore(at: number, scoreAt: number, name: Bytes, score: number): void {
    const { listpack } = this;
    const text = spellScore(score);
    const nextAt = listpack.next(scoreAt);
    const isBehindPrevious = at === LISTPACK_HEADER_BYTES || this.isBefore(this.pairBefore(at), score, name);
    if (isBehindPrevious && (nextAt === NOWHERE || !this.isBefore(nextAt, score, name))) {
      this.splice(scoreAt, listpack.sizeAt(scoreAt), elementSize(text), 0).write(scoreAt, text);
      return;
    }
    const place = this.placeOf(score, name);
    const added = this.insertPair(place, name, text);
    this.removePairs(place <= at ? at + added : at, 1);
  }

  private pairBefore(at: number): number {
    return this.listpack.previous(this.listpack.previous(at));
  }

  /** Puts a member and its score at a place; returns how many bytes they take. */
  private insertPair(at: number, name: Bytes, scoreText: Bytes): number {
    const bytes = elementSize(name) + elementSize(scoreText);
    const listpack = this.splice(at, 0, bytes, 2);
    listpack.write(listpack.write(at, name), scoreText);
    return bytes;
  }

  private removePairs(at: number, count: number): void {
    const listpack = this.unpack();
    let bytes = 0;
    for (let left = count * 2; left > 0; left--) bytes += listpack.sizeAt(at + bytes);
    this.splice(at, bytes, 0, -2 * count);
  }

  /** Makes a packed or missing set a large one. */
  private enlarge(): void {
    const { roots } = this;
    const name = new Bytes();
    const root = roots.create();
    for (this.start(); this.next();) roots.insert(root, this.name(name), this.score);
    this.placeRoot(ENCODING_SKIPLIST, root);
  }

  // ── large ───────────────────────────────────────────────────────────────────────────────────────────────────

  private addLarge(score: number, name: Bytes, flags: number): number {
    const { roots, root } = this;
    const member = roots.find(root, name);
    if (member !== 0) {
      const outcome = this.decide(roots.score(member), score, flags);
      if (outcome === UPDATED) {
        this.touchMember(roots.hash);
        roots.setScore(root, member, this.newScore);
      }
      return outcome;
    }
    if ((flags & ADD_IF_PRESENT) !== 0) return NOT_ADDED;
    this.newScore = score;
    this.touchMember(roots.hash);
    roots.insertMissing(root, name, score);
    return ADDED;
  }

  // ── both ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is to be done with a member that has the score `old`; `newScore` is what it is to have. */
  private decide(old: number, score: number, flags: number): number {
    if ((flags & ADD_IF_MISSING) !== 0) return NOT_ADDED;
    const wanted = (flags & ADD_INCREMENT) !== 0 ? old + score : score;
    if (Number.isNaN(wanted)) return NOT_A_NUMBER;
    this.newScore = wanted;
    if ((flags & ADD_IF_GREATER) !== 0 && wanted <= old) return NOT_ADDED;
    if ((flags & ADD_IF_LESS) !== 0 && wanted >= old) return NOT_ADDED;
    return wanted === old ? UNCHANGED : UPDATED;
  }
}
