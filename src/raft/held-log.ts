/**
 * HeldLog: what a log storage has been given, in memory: the hard state, where the snapshot ends, and the entries after it.
 *
 * The one place that knows how entries take the place of others and what a snapshot leaves of them; the log in memory is not more
 * than this, and the one on the disk replays its records into it and asks it what still counts. Entries are the caller's objects
 * and not copied: the core holds the same ones.
 *
 * Always: entries have indexes `firstIndex`, `firstIndex` + 1, … without a gap, all of them past `base.index`.
 */
import { assert } from '../base';
import { NOBODY, type Entry, type HardState } from './types';

/** An entry's place in history: no two entries with the same differ (log matching, §5.3). */
export interface LogPlace {
  readonly index: number;
  readonly term: number;
}

/** The state of a node that has promised nothing yet. */
export const NO_PROMISES: HardState = { term: 0, vote: NOBODY, commit: 0 };

export class HeldLog {
  hardState: HardState = NO_PROMISES;
  /** The last entry that the snapshot stands for; 0 where there is none. */
  base: LogPlace = { index: 0, term: 0 };
  entries: Entry[] = [];
  private first = 1;

  /** Index of the first entry that is held, or would be. */
  get firstIndex(): number {
    return this.first;
  }

  get lastIndex(): number {
    return this.first + this.entries.length - 1;
  }

  /** Whether no entry is missing between the snapshot and the last one. */
  get isComplete(): boolean {
    return this.first === this.base.index + 1;
  }

  /** Whether these follow on what is held, or take the place of some of it. */
  fits(entries: readonly Entry[]): boolean {
    const [first] = entries;
    if (first === undefined) return true;
    if (first.index <= this.base.index || first.index > this.lastIndex + 1) return false;
    return entries.every(({ index }, i) => index === first.index + i);
  }

  /** Takes entries that fit, in the place of all from the index of the first on. */
  append(entries: readonly Entry[]): void {
    assert(this.fits(entries), 'entries follow on the log that they are for');
    if (entries.length === 0) return;
    const [{ index }] = entries;
    this.entries.length = Math.max(0, index - this.first);
    if (this.entries.length === 0) this.first = index;
    for (const entry of entries) this.entries.push(entry);
  }

  /** A snapshot takes the place of entries up to its last one; those after it stay if they follow on it, else they go (§7). */
  rebase(base: LogPlace): void {
    assert(base.index >= this.base.index, 'a snapshot is not older than the one before');
    const follows = base.index < this.first || this.termAt(base.index) === base.term;
    this.restate(base, follows ? Math.max(base.index, this.lastIndex) : base.index);
  }

  /** The log is from `base` to `lastIndex`, neither more nor less; entries before that which are not held stay unknown. */
  restate(base: LogPlace, lastIndex: number): void {
    const first = Math.min(Math.max(this.first, base.index + 1), lastIndex + 1);
    this.entries = this.entries.slice(Math.max(0, first - this.first), Math.max(0, lastIndex + 1 - this.first));
    this.first = first;
    this.base = base;
  }

  /** Begins in the middle: entries up to `lastIndex` are somewhere else, or nowhere. */
  beginAfter(lastIndex: number): void {
    this.entries = [];
    this.first = lastIndex + 1;
  }

  private termAt(index: number): number | null {
    return this.entries[index - this.first]?.term ?? null;
  }
}
