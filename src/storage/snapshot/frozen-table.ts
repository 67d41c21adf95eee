/**
 * FrozenTable: a large hash or set as it was when a walk began (see frozen.ts). It is walked in order of hash, page by page:
 * growth, splits and merges of the table do not disturb that order.
 */
import { Bytes, type Output } from '../../base';
import type { Address } from '../arena';
import type { Keyspace } from '../keyspace';
import { MARK_PART_SHIFT, Marks } from '../marks';
import { Members } from '../members';
import { TYPE_HASH } from '../records';
import { TableRoots } from '../table-roots';
import { HASHES, Tables } from '../tables';
import type { SnapshotFormat } from './format';
import { Frozen } from './frozen';

export class FrozenTable extends Frozen {
  override readonly length: number;
  private readonly isHash: boolean;
  private readonly members: Members;
  private readonly tables: Tables;
  private readonly roots: TableRoots;
  /** Hashes below this are written. */
  private position = 0;
  /** Hashes above that, of which all members that there were are written. */
  private readonly marks = new Marks();
  private readonly hashes: number[] = [];
  private readonly found: Address[] = [];
  private readonly name = new Bytes();
  private readonly text = new Bytes();

  constructor(keyspace: Keyspace, format: SnapshotFormat, databaseIndex: number, record: Address, root: Address) {
    super(keyspace, format, databaseIndex, record, root);
    const { arena } = keyspace;
    this.isHash = this.type === TYPE_HASH;
    this.members = new Members(arena, 0, this.isHash ? 'value' : 'none');
    this.tables = new Tables(arena, this.members);
    this.roots = new TableRoots(arena, this.tables, this.members);
    this.length = this.tables.count(this.roots.words(root), this.roots.at(root));
  }

  override memberChanging(hash: number): void {
    if (hash < this.position || !this.marks.add(hash >>> MARK_PART_SHIFT, hash)) return;
    const count = this.tables.collectHash(this.roots.words(this.root), this.roots.at(this.root), hash, this.found);
    for (let i = 0; i < count; i++) this.write(this.aside, this.found[i]);
  }

  protected override writeRest(out: Output, isTimeUp: () => boolean): boolean {
    const { tables, roots, root, marks, hashes, found } = this;
    const words = roots.words(root);
    const at = roots.at(root);
    if (words[at] === 0) return true;
    while (this.position < HASHES) {
      const page = tables.pageOf(words, at, this.position);
      const count = tables.pages.read(page, hashes, found);
      for (let i = 0; i < count; i++) {
        const hash = hashes[i];
        if (hash < this.position) continue;
        if (marks.count > 0 && marks.has(hash >>> MARK_PART_SHIFT, hash)) continue;
        this.write(out, found[i]);
      }
      this.position = tables.pageEnd(page, this.position);
      if (this.position < HASHES && isTimeUp()) return false;
    }
    return true;
  }

  private write(out: Output, member: Address): void {
    const name = this.members.key(member, this.name);
    if (this.isHash) this.format.field(out, this, name, this.members.value(member, this.text));
    else this.format.member(out, this, name);
    this.written++;
  }
}
