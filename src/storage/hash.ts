/**
 * Hash: values by field. Small: a listpack of fields and values in turn (7.2: "listpack"); large: a table of blocks, each with
 * a field and its value (told as "hashtable").
 *
 * The root of a large hash is its table's words.
 */
import { Bytes, copyBytes, type Output, type Random } from '../base';
import { writeBulk } from '../resp';
import type { Address } from './arena';
import { Collection } from './collection';
import type { Keyspace } from './keyspace';
import { elementSize, LISTPACK_HEADER_BYTES, NOWHERE } from './listpack';
import { writeBulks } from './listpack-bulks';
import { Members } from './members';
import type { ReclaimJob } from './reclaimer';
import { ENCODING_HASHTABLE, TYPE_HASH } from './records';
import { TableRoots } from './table-roots';
import { TableWalk } from './table-walk';
import { Tables } from './tables';

export class Hash extends Collection {
  private readonly members: Members;
  private readonly tables: Tables;
  private readonly roots: TableRoots;
  private readonly walk: TableWalk;
  /**
   * Where the walk stands: a place in the listpack, or a block. May be noted and set again until the next write.
   */
  position = 0;
  /** The hash of the field that was looked for last. */
  private hash = 0;
  private readonly scratch = new Bytes();

  constructor(keyspace: Keyspace) {
    super(keyspace, TYPE_HASH);
    this.members = new Members(keyspace.arena, 0, 'value');
    this.tables = new Tables(keyspace.arena, this.members);
    this.roots = new TableRoots(keyspace.arena, this.tables, this.members);
    this.walk = new TableWalk(this.tables);
  }

  get length(): number {
    if (this.root !== 0) return this.tables.count(this.words, this.at);
    return this.record === 0 ? 0 : this.unpack().count / 2;
  }

  /** Points `into` at the value of a field; false where there is none. */
  get(field: Bytes, into: Bytes): boolean {
    if (this.root !== 0) {
      const member = this.find(field);
      if (member === 0) return false;
      this.members.value(member, into);
      return true;
    }
    const at = this.findPacked(field);
    if (at === NOWHERE) return false;
    this.listpack.read(this.listpack.next(at), into);
    return true;
  }

  has(field: Bytes): boolean {
    return this.root !== 0 ? this.find(field) !== 0 : this.findPacked(field) !== NOWHERE;
  }

  /** Sets a field's value; whether the field is new. Field and value must not lie in this hash. */
  set(field: Bytes, value: Bytes): boolean {
    if (this.root === 0) {
      const valueMax = this.keyspace.limits['hash-max-listpack-value'];
      if (field.end - field.start > valueMax || value.end - value.start > valueMax) this.enlarge();
      else return this.setPacked(field, value);
    }
    return this.setInTable(field, value);
  }

  /** Removes a field; whether it was there. The key goes with its last field. */
  delete(field: Bytes): boolean {
    if (this.root !== 0) {
      const member = this.find(field);
      if (member === 0) return false;
      this.touchMember(this.hash);
      this.tables.removeFound(this.words, this.at);
      this.members.free(member);
    } else {
      const at = this.findPacked(field);
      if (at === NOWHERE) return false;
      const fieldBytes = this.listpack.sizeAt(at);
      const valueBytes = this.listpack.sizeAt(at + fieldBytes);
      this.splice(at, fieldBytes + valueBytes, 0, -2);
    }
    if (this.length === 0) this.removeKey();
    return true;
  }

  // ── walking ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a walk over all fields; nothing may be written until its end. */
  start(): void {
    if (this.root !== 0) this.walk.start(this.words, this.at);
    else this.position = NOWHERE;
  }

  /** Goes on to the next field; false after the last. */
  next(): boolean {
    if (this.root !== 0) {
      this.position = this.walk.step();
      return this.position !== 0;
    }
    if (this.record === 0) return false;
    if (this.position === NOWHERE) this.position = this.unpack().first();
    else this.position = this.listpack.next(this.listpack.next(this.position));
    return this.position !== NOWHERE;
  }

  /** Points `into` at the field where the walk stands. */
  name(into: Bytes): Bytes {
    return this.root !== 0 ? this.members.key(this.position, into) : this.listpack.read(this.position, into);
  }

  /** Points `into` at the value where the walk stands. */
  value(into: Bytes): Bytes {
    if (this.root !== 0) return this.members.value(this.position, into);
    return this.listpack.read(this.listpack.next(this.position), into);
  }

  /** Appends all fields to `out`, as bulk strings, each before its value. */
  writePairs(out: Output): void {
    if (this.root === 0) {
      if (this.record === 0) return;
      const { u8, base, count } = this.unpack();
      writeBulks(out, u8, base, LISTPACK_HEADER_BYTES, count);
      return;
    }
    const { walk, members, scratch } = this;
    walk.start(this.words, this.at);
    for (let member = walk.step(); member !== 0; member = walk.step()) {
      const { buffer, start, end } = members.key(member, scratch);
      writeBulk(out, buffer, start, end);
      members.value(member, scratch);
      writeBulk(out, buffer, scratch.start, scratch.end);
    }
  }

  /** Lets the walk stand at a random field of a hash that has some, every field as likely as any other. */
  pick(random: Random): void {
    if (this.root !== 0) this.position = this.tables.random(this.words, this.at, random);
    else this.position = this.unpack().seek(random.below(this.length) * 2);
  }

  /**
   * Visits about `count` fields from `cursor` on (0 to begin) and returns the cursor to go on from, 0 at the end. `visit` finds
   * the walk standing at the field. A packed hash is visited whole.
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
    const { members, scratch } = this;
    const copy = this.roots.create();
    const words = this.roots.words(copy);
    const at = this.roots.at(copy);
    this.walk.start(this.roots.words(root), this.roots.at(root));
    for (let member = this.walk.step(); member !== 0; member = this.walk.step()) {
      const name = members.key(member, scratch);
      const hash = this.keyspace.hash.of(name.buffer, name.start, name.end);
      this.tables.insert(words, at, hash, this.createMember(name, members.value(member, otherScratch)));
    }
    return copy;
  }

  // ── packed ──────────────────────────────────────────────────────────────────────────────────────────────────

  private findPacked(field: Bytes): number {
    if (this.record === 0) return NOWHERE;
    const listpack = this.unpack();
    return listpack.find(field, listpack.first(), 2);
  }

  private setPacked(field: Bytes, value: Bytes): boolean {
    const at = this.findPacked(field);
    const valueSize = elementSize(value);
    if (at !== NOWHERE) {
      const valueAt = this.listpack.next(at);
      this.splice(valueAt, this.listpack.sizeAt(valueAt), valueSize, 0).write(valueAt, value);
      return false;
    }
    const end = this.record === 0 ? LISTPACK_HEADER_BYTES : this.listpack.length - 1;
    const listpack = this.splice(end, 0, elementSize(field) + valueSize, 2);
    listpack.write(listpack.write(end, field), value);
    if (listpack.count > this.keyspace.limits['hash-max-listpack-entries'] * 2) this.enlarge();
    return true;
  }

  /** Makes a packed hash a large one. */
  private enlarge(): void {
    const root = this.roots.create();
    const words = this.roots.words(root);
    const at = this.roots.at(root);
    for (this.start(); this.next();) {
      const name = this.name(this.scratch);
      const hash = this.keyspace.hash.of(name.buffer, name.start, name.end);
      this.tables.insert(words, at, hash, this.createMember(name, this.value(otherScratch)));
    }
    this.placeRoot(ENCODING_HASHTABLE, root);
  }

  // ── large ───────────────────────────────────────────────────────────────────────────────────────────────────

  private find(field: Bytes): Address {
    this.hash = this.keyspace.hash.of(field.buffer, field.start, field.end);
    return this.tables.find(this.words, this.at, this.hash, field);
  }

  private setInTable(field: Bytes, value: Bytes): boolean {
    const { members, tables } = this;
    const member = this.find(field);
    this.touchMember(this.hash);
    if (member === 0) {
      tables.insert(this.words, this.at, this.hash, this.createMember(field, value));
      return true;
    }
    const old = members.value(member, this.scratch);
    if (old.end - old.start === value.end - value.start) {
      copyBytes(value.buffer, value.start, value.end, old.buffer, old.start);
    } else {
      tables.replaceFound(this.createMember(field, value));
      members.free(member);
    }
    return false;
  }

  private createMember(field: Bytes, value: Bytes): Address {
    const member = this.members.create(field, value.end - value.start);
    const to = this.members.value(member, memberValue);
    copyBytes(value.buffer, value.start, value.end, to.buffer, to.start);
    return member;
  }
}

const otherScratch = new Bytes();
const memberValue = new Bytes();
