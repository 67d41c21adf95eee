/**
 * FrozenTree: a large sorted set as it was when a walk began (see frozen.ts). It is walked from the last member to the first:
 * read in that order, each member is added before all others.
 *
 * A member that changes is marked by its hash, whether it was passed or not: with its new score it may lie ahead, where it must
 * not be written again.
 */
import { Bytes, copyBytes, widen, type Output } from '../../base';
import type { Address } from '../arena';
import type { Keyspace } from '../keyspace';
import { MARK_PART_SHIFT, Marks } from '../marks';
import { compareBytes } from '../members';
import { SortedRoots } from '../sorted-roots';
import type { TreeCursor } from '../tree-cursor';
import type { SnapshotFormat } from './format';
import { Frozen } from './frozen';

/** Members that are written before the clock is looked at. */
const MEMBERS_AT_ONCE = 64;
const NAME_BYTES_MIN = 64;

export class FrozenTree extends Frozen {
  override readonly length: number;
  private readonly roots: SortedRoots;
  private readonly cursor: TreeCursor;
  /** Whether a member was written in its turn: the last one was that of this score and name. */
  private hasBegun = false;
  private score = 0;
  private readonly name = new Bytes(widen(new Uint8Array(NAME_BYTES_MIN)), 0, 0);
  /** Hashes of members that have changed: what they were is written. */
  private readonly marks = new Marks();
  private readonly found: Address[] = [];
  private readonly view = new Bytes();

  constructor(keyspace: Keyspace, format: SnapshotFormat, databaseIndex: number, record: Address, root: Address) {
    super(keyspace, format, databaseIndex, record, root);
    this.roots = new SortedRoots(keyspace);
    this.cursor = this.roots.makeCursor();
    this.length = this.roots.count(root);
  }

  override memberChanging(hash: number): void {
    if (!this.marks.add(hash >>> MARK_PART_SHIFT, hash)) return;
    const count = this.roots.collectHash(this.root, hash, this.found);
    for (let i = 0; i < count; i++) if (this.isAhead(this.found[i])) this.write(this.aside, this.found[i]);
  }

  protected override writeRest(out: Output, isTimeUp: () => boolean): boolean {
    const { roots, cursor, marks, view, keyspace } = this;
    if (roots.count(this.root) === 0) return true;
    if (this.hasBegun) roots.seekMember(this.root, this.score, this.name, cursor);
    else roots.seekEnd(this.root, cursor);
    let left = MEMBERS_AT_ONCE;
    while (cursor.previous()) {
      const { member } = cursor;
      const name = roots.name(member, view);
      const isMarked = marks.count > 0 && this.isMarked(keyspace.hash.of(name.buffer, name.start, name.end));
      if (!isMarked) this.write(out, member);
      if (--left > 0) continue;
      left = MEMBERS_AT_ONCE;
      this.remember(member);
      if (isTimeUp()) return false;
    }
    return true;
  }

  private isMarked(hash: number): boolean {
    return this.marks.has(hash >>> MARK_PART_SHIFT, hash);
  }

  private write(out: Output, member: Address): void {
    this.format.scored(out, this, this.roots.name(member, this.view), this.roots.score(member));
    this.written++;
  }

  /** Whether the walk has still to come to a member. */
  private isAhead(member: Address): boolean {
    if (!this.hasBegun) return true;
    const score = this.roots.score(member);
    if (score !== this.score) return score < this.score;
    const { buffer, start, end } = this.roots.name(member, this.view);
    return compareBytes(buffer, start, end, this.name.buffer, this.name.start, this.name.end) < 0;
  }

  private remember(member: Address): void {
    const { buffer, start, end } = this.roots.name(member, this.view);
    if (end - start > this.name.buffer.length) this.name.buffer = widen(new Uint8Array((end - start) * 2));
    this.name.end = copyBytes(buffer, start, end, this.name.buffer, 0);
    this.score = this.roots.score(member);
    this.hasBegun = true;
  }
}
