/**
 * TableRoots: the roots of large hashes and sets: the words of one table, whose entries are members (see members.ts).
 */
import { SEGMENT_MASK, SEGMENT_SHIFT, type Address, type Arena } from './arena';
import type { Members } from './members';
import type { ReclaimJob } from './reclaimer';
import { HASHES, TABLE_WORDS, type Tables } from './tables';

const ROOT_BYTES = TABLE_WORDS * 4;

export class TableRoots {
  constructor(
    private readonly arena: Arena,
    private readonly tables: Tables,
    private readonly members: Members,
  ) {}

  /** A root without members. */
  create(): Address {
    const root = this.arena.allocate(ROOT_BYTES);
    const at = this.at(root);
    this.words(root).fill(0, at, at + TABLE_WORDS);
    return root;
  }

  /** Where a root's table lies: at `words(root)[at(root)]`. */
  words(root: Address): Uint32Array {
    return this.arena.u32s[root >>> SEGMENT_SHIFT];
  }

  at(root: Address): number {
    return (root & SEGMENT_MASK) << 1;
  }

  /** A job that frees everything that the root holds, and the root. */
  reclaimJob(root: Address): ReclaimJob {
    const free = (member: Address): void => this.members.free(member);
    let position = 0;
    return (isTimeUp) => {
      position = this.tables.dismantle(this.words(root), this.at(root), position, free, isTimeUp);
      if (position < HASHES) return false;
      this.arena.free(root, ROOT_BYTES);
      return true;
    };
  }
}
