/**
 * MemberSet: members without order, each at most once. (`Set` is JavaScript's.)
 *
 * Small: an intset while all members are integers, else a listpack; large: a table of blocks, one per member (told as
 * "hashtable"). A set changes its encoding where Redis 7.2 does. It grows from intset to listpack with the first member that
 * is no integer, from either to a table with the one that is too many or too long; a command that announces many members
 * (`expect`) makes it a table at once. Nothing that is removed brings it back; only a result that is made anew may be packed again.
 *
 * The root of a large set is its table's words.
 *
 * A name that is added must not have been spelled by this set itself: whoever walks it meanwhile would overwrite it.
 */
import { Bytes, copyBytes, isInt64, widen, type Output, type Random } from '../base';
import { writeBulk } from '../resp';
import type { Address } from './arena';
import { Collection } from './collection';
import { Intset, INTSET_HEADER_BYTES } from './intset';
import { writeIntegerBulks } from './intset-bulks';
import type { Keyspace } from './keyspace';
import { elementSize, LISTPACK_EMPTY_BYTES, LISTPACK_HEADER_BYTES, NOWHERE } from './listpack';
import { writeBulks } from './listpack-bulks';
import { Members } from './members';
import type { ReclaimJob } from './reclaimer';
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK, TYPE_SET } from './records';
import { TableRoots } from './table-roots';
import { TableWalk } from './table-walk';
import { Tables } from './tables';

export class MemberSet extends Collection {
  private readonly members: Members;
  private readonly tables: Tables;
  private readonly roots: TableRoots;
  private readonly walk: TableWalk;
  private readonly intset = new Intset();
  /**
   * Where the walk stands: an index in the intset, a place in the listpack, or a block. May be noted and set again until the
   * next write.
   */
  position = 0;
  /** The hash of the member that was looked for last. */
  private hash = 0;
  private readonly scratch = new Bytes();

  constructor(keyspace: Keyspace) {
    super(keyspace, TYPE_SET);
    this.members = new Members(keyspace.arena, 0, 'none');
    this.tables = new Tables(keyspace.arena, this.members);
    this.roots = new TableRoots(keyspace.arena, this.tables, this.members);
    this.walk = new TableWalk(this.tables);
  }

  get length(): number {
    if (this.root !== 0) return this.tables.count(this.words, this.at);
    if (this.record === 0) return 0;
    return this.encoding === ENCODING_INTSET ? this.integers().length : this.unpack().count;
  }

  get isIntset(): boolean {
    return this.encoding === ENCODING_INTSET;
  }

  has(member: Bytes): boolean {
    return this.root !== 0 ? this.find(member) !== 0 : this.findPacked(member) !== NOWHERE;
  }

  /** Whether this set has the member to which the last step of the walk of `other` led. Faster than `has` of its name. */
  hasMemberOf(other: MemberSet): boolean {
    if (this.root !== 0 && other.root !== 0) {
      const name = this.members.key(other.position, this.scratch);
      return this.tables.find(this.words, this.at, other.walk.hash, name) !== 0;
    }
    if (this.record !== 0 && this.isIntset && other.isIntset) {
      return this.integers().hasElementOf(other.intset, other.position);
    }
    return this.has(other.name(this.scratch));
  }

  /** Adds a member, which must not lie in this set; whether it is new. */
  add(member: Bytes): boolean {
    if (this.root !== 0) return this.addToTable(member);
    if (this.encoding === ENCODING_INTSET) return this.addToIntset(member);
    if (this.encoding === ENCODING_LISTPACK && this.findPacked(member) !== NOWHERE) return false;
    this.addNew(member);
    return true;
  }

  /** Adds a member that is known to be new, without looking. */
  addNew(member: Bytes): void {
    if (this.root !== 0) {
      this.insertMissing(this.keyspace.hash.of(member.buffer, member.start, member.end), member);
    } else if (this.encoding === ENCODING_INTSET) {
      this.addToIntset(member);
    } else if (this.encoding === ENCODING_LISTPACK) {
      this.append(member);
    } else {
      this.enlarge(member);
    }
  }

  /** Makes a set that is not there yet a copy of one that is an intset. */
  copyIntset(other: MemberSet): void {
    this.placePacked(ENCODING_INTSET, other.bytes());
    if (this.length > this.keyspace.limits['set-max-intset-entries']) this.enlarge(null);
  }

  /** Removes a member; whether it was there. The key goes with its last member. */
  delete(member: Bytes): boolean {
    if (this.root !== 0) {
      const block = this.find(member);
      if (block === 0) return false;
      this.removeFound(block);
    } else {
      const position = this.findPacked(member);
      if (position === NOWHERE) return false;
      this.removePacked(position);
    }
    if (this.length === 0) this.removeKey();
    return true;
  }

  // ── encodings ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Says that about `count` members are coming, `first` before the others: a set that is not there yet begins with the encoding
   * that suits these, a packed one becomes a table if they alone are too many for it.
   */
  expect(first: Bytes, count: number): void {
    const { limits } = this.keyspace;
    const fitsIntset = count <= limits['set-max-intset-entries'];
    const fitsListpack = count <= limits['set-max-listpack-entries'];
    if (this.record === 0) {
      if (fitsIntset && isInt64(first.buffer, first.start, first.end)) this.encoding = ENCODING_INTSET;
      else this.encoding = fitsListpack ? ENCODING_LISTPACK : ENCODING_HASHTABLE;
    } else if (this.root === 0) {
      if (!(this.encoding === ENCODING_INTSET ? fitsIntset : fitsListpack)) this.enlarge(null);
    }
  }

  /**
   * Says how a set that is not there yet begins: ENCODING_INTSET (even if its first member is no integer) or ENCODING_LISTPACK;
   * but where it gets `least` members at least, which would make it a table in any case, as a table.
   */
  startAs(encoding: number, least: number): void {
    const { limits } = this.keyspace;
    const isLarge =
      least > limits['set-max-listpack-entries'] &&
      (encoding === ENCODING_LISTPACK || least > limits['set-max-intset-entries']);
    if (this.record === 0) this.encoding = isLarge ? ENCODING_HASHTABLE : encoding;
  }

  // ── walking ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a walk over all members; nothing may be written to the set until its end. */
  start(): void {
    if (this.root !== 0) this.walk.start(this.words, this.at);
    else this.position = NOWHERE;
  }

  /** Goes on to the next member; false after the last. */
  next(): boolean {
    if (this.root !== 0) {
      this.position = this.walk.step();
      return this.position !== 0;
    }
    if (this.record === 0) return false;
    const isFirst = this.position === NOWHERE;
    if (this.encoding === ENCODING_INTSET) {
      if (isFirst) this.integers();
      return ++this.position < this.intset.length;
    }
    this.position = isFirst ? this.unpack().first() : this.listpack.next(this.position);
    return this.position !== NOWHERE;
  }

  /** Points `into` at the member where the walk stands. What spells an integer is good for one more `name` only. */
  name(into: Bytes): Bytes {
    if (this.root !== 0) return this.members.key(this.position, into);
    if (this.encoding === ENCODING_INTSET) return this.intset.at(this.position, into);
    return this.listpack.read(this.position, into);
  }

  /** Appends all members to `out`, as bulk strings. */
  writeMembers(out: Output): void {
    if (this.root !== 0) {
      const { walk, members, scratch } = this;
      walk.start(this.words, this.at);
      for (let block = walk.step(); block !== 0; block = walk.step()) {
        const { buffer, start, end } = members.key(block, scratch);
        writeBulk(out, buffer, start, end);
      }
    } else if (this.record !== 0) {
      if (this.encoding === ENCODING_INTSET) return writeIntegerBulks(out, this.integers());
      const { u8, base, count } = this.unpack();
      writeBulks(out, u8, base, LISTPACK_HEADER_BYTES, count);
    }
  }

  /** Lets the walk stand at a random member of a set that has some, every member as likely as any other. */
  pick(random: Random): void {
    if (this.root !== 0) this.position = this.tables.random(this.words, this.at, random);
    else if (this.encoding === ENCODING_INTSET) this.position = random.below(this.integers().length);
    else this.position = this.unpack().seek(random.below(this.listpack.count));
  }

  /** Removes the member where the walk stands, which ends there. */
  deleteHere(): void {
    if (this.root !== 0) {
      this.find(this.members.key(this.position, this.scratch));
      this.removeFound(this.position);
    } else {
      this.removePacked(this.position);
    }
    if (this.length === 0) this.removeKey();
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
    return this.tables.scan(this.words, this.at, cursor, count, (address) => {
      this.position = address;
      visit();
    });
  }

  // ── roots ───────────────────────────────────────────────────────────────────────────────────────────────────

  override reclaimJob(root: Address): ReclaimJob {
    return this.roots.reclaimJob(root);
  }

  override duplicate(root: Address): Address {
    const copy = this.roots.create();
    const words = this.roots.words(copy);
    const at = this.roots.at(copy);
    this.walk.start(this.roots.words(root), this.roots.at(root));
    for (let block = this.walk.step(); block !== 0; block = this.walk.step()) {
      this.insert(words, at, this.members.key(block, this.scratch));
    }
    return copy;
  }

  // ── packed ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Points `intset` at the packed set. */
  private integers(): Intset {
    return this.intset.over(this.bytes());
  }

  /** The index or place of a member, or NOWHERE. */
  private findPacked(member: Bytes): number {
    if (this.record === 0) return NOWHERE;
    if (this.encoding === ENCODING_INTSET) return Math.max(this.integers().find(member), NOWHERE);
    const listpack = this.unpack();
    return listpack.find(member, listpack.first(), 1);
  }

  private removePacked(position: number): void {
    if (this.encoding === ENCODING_INTSET) {
      this.touch();
      const intset = this.integers();
      intset.removeAt(position);
      this.place(ENCODING_INTSET, intset.byteLength, true);
    } else {
      this.splice(position, this.unpack().sizeAt(position), 0, -1);
    }
  }

  private addToIntset(member: Bytes): boolean {
    const isNew = this.record === 0;
    const intset = isNew ? this.intset.over(NO_INTEGERS) : this.integers();
    const size = intset.sizeWith(member);
    if (size === 0) {
      this.addText(member);
      return true;
    }
    if (size === intset.byteLength) return false;
    intset.over(this.place(ENCODING_INTSET, size, !isNew));
    if (isNew) intset.clear();
    intset.insert(member);
    if (intset.length > this.keyspace.limits['set-max-intset-entries']) this.enlarge(null);
    return true;
  }

  /** Adds what is no integer to an intset, which is none any more then. */
  private addText(member: Bytes): void {
    const { intset, scratch } = this;
    const { length } = intset;
    const valueMax = this.keyspace.limits['set-max-listpack-value'];
    // The longest spelling is that of the greatest or of the least.
    const isShort =
      member.end - member.start <= valueMax &&
      (length === 0 || Math.max(intset.at(0, scratch).length, intset.at(length - 1, scratch).length) <= valueMax);
    if (!isShort || length >= this.keyspace.limits['set-max-listpack-entries']) return this.enlarge(member);
    let size = LISTPACK_EMPTY_BYTES + elementSize(member);
    for (let i = 0; i < length; i++) size += elementSize(intset.at(i, scratch));
    const bytes = new Bytes(widen(new Uint8Array(size)));
    const listpack = this.listpack.over(bytes);
    listpack.writeFrame(size, length + 1);
    let at = LISTPACK_HEADER_BYTES;
    for (let i = 0; i < length; i++) at = listpack.write(at, intset.at(i, scratch));
    listpack.write(at, member);
    this.placePacked(ENCODING_LISTPACK, bytes);
  }

  /** Adds a member that it does not have to a listpack. */
  private append(member: Bytes): void {
    const { limits } = this.keyspace;
    const listpack = this.record === 0 ? null : this.unpack();
    const count = listpack === null ? 0 : listpack.count;
    if (count >= limits['set-max-listpack-entries'] || member.end - member.start > limits['set-max-listpack-value']) {
      this.enlarge(member);
    } else {
      const end = listpack === null ? LISTPACK_HEADER_BYTES : listpack.length - 1;
      this.splice(end, 0, elementSize(member), 1).write(end, member);
    }
  }

  /** Makes these bytes the value of a set that is no table. */
  private placePacked(encoding: number, bytes: Bytes): void {
    const to = this.place(encoding, bytes.end - bytes.start, false);
    copyBytes(bytes.buffer, bytes.start, bytes.end, to.buffer, to.start);
  }

  /** Makes a packed or missing set a large one, with one more member if that is not null. */
  private enlarge(member: Bytes | null): void {
    const root = this.roots.create();
    const words = this.roots.words(root);
    const at = this.roots.at(root);
    if (member !== null) this.insert(words, at, member);
    for (this.start(); this.next();) this.insert(words, at, this.name(this.scratch));
    this.placeRoot(ENCODING_HASHTABLE, root);
  }

  // ── large ───────────────────────────────────────────────────────────────────────────────────────────────────

  private find(member: Bytes): Address {
    this.hash = this.keyspace.hash.of(member.buffer, member.start, member.end);
    return this.tables.find(this.words, this.at, this.hash, member);
  }

  private addToTable(member: Bytes): boolean {
    if (this.find(member) !== 0) return false;
    this.insertMissing(this.hash, member);
    return true;
  }

  /** Adds a member that a large set does not have. */
  private insertMissing(hash: number, member: Bytes): void {
    this.touchMember(hash);
    this.tables.insert(this.words, this.at, hash, this.members.create(member, 0));
  }

  /** Adds a member to the table at `words[at]`, which does not have it. */
  private insert(words: Uint32Array, at: number, member: Bytes): void {
    const hash = this.keyspace.hash.of(member.buffer, member.start, member.end);
    this.tables.insert(words, at, hash, this.members.create(member, 0));
  }

  /** Removes the block that was found last. */
  private removeFound(block: Address): void {
    this.touchMember(this.hash);
    this.tables.removeFound(this.words, this.at);
    this.members.free(block);
  }
}

/** An intset without elements. */
const NO_INTEGERS = new Bytes(new Uint8Array(INTSET_HEADER_BYTES));
new Intset().over(NO_INTEGERS).clear();
