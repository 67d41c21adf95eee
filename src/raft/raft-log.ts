/**
 * RaftLog: a node's log in memory, with the marks that move along it.
 *
 *     base      applied      commit      durable      last
 *      |—————————|————————————|———————————|————————————|
 *
 * Entries up to `base` are gone: the snapshot stands for them. It may stand for some after `base`, too, which are kept for
 * followers that are a little behind. `durable` is the last entry known to be on this node's own disk; a leader counts itself for
 * no more than that. It may be before or after `commit`, since others' disks count as well.
 *
 * Always: indexes have no gap; terms do not fall along the log; applied ≤ commit ≤ last; what is committed is never replaced; what
 * a replaced entry was is no longer durable.
 */
import { assert, isPlanted } from '../base';
import type { LogPlace } from './held-log';
import type { SavedLog } from './ports';
import type { Entry, Snapshot } from './types';

/** Entries that a snapshot stands for are kept up to so many bytes. */
const BYTES_KEPT_MAX = 1 << 20;

export class RaftLog {
  /** The last snapshot, of this node's own or received; null where there is none. */
  snapshot: Snapshot | null;
  commit: number;
  applied: number;
  private base: LogPlace;
  private entries: Entry[];
  private durable: number;
  /** The first entry that was not yet given out to be saved. */
  private unsaved: number;
  /** A snapshot that was received and not yet given out to be saved. */
  private unsavedSnapshot: Snapshot | null = null;

  constructor(
    { hardState, snapshot, entries }: SavedLog,
    private readonly entriesKeptMax: number,
  ) {
    this.snapshot = snapshot;
    this.base = { index: snapshot?.index ?? 0, term: snapshot?.term ?? 0 };
    assert(
      entries.every(({ index }, i) => index === this.base.index + 1 + i),
      'a saved log has no gap',
    );
    this.entries = [...entries];
    this.durable = this.lastIndex;
    this.unsaved = this.lastIndex + 1;
    this.applied = this.base.index;
    const known = Math.min(hardState.commit, this.lastIndex);
    this.commit = Math.max(this.base.index, known, committedByMembership(entries));
  }

  get firstIndex(): number {
    return this.base.index + 1;
  }

  get lastIndex(): number {
    return this.base.index + this.entries.length;
  }

  get lastTerm(): number {
    return this.entries.length === 0 ? this.base.term : this.entries[this.entries.length - 1].term;
  }

  get durableIndex(): number {
    return this.durable;
  }

  /** Null where it is not known any more, or not yet. */
  termAt(index: number): number | null {
    if (index === this.base.index) return this.base.term;
    if (index < this.base.index || index > this.lastIndex) return null;
    return this.entries[index - this.firstIndex].term;
  }

  /** Whether this log has that entry. */
  has(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** Whether a log that ends there has all that this one may have committed (§5.4.1). */
  isCoveredBy(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** Entries from one on that is still here, as many as have `bytesMax` bytes of data but at least one, if there is one. */
  from(index: number, bytesMax: number): Entry[] {
    const begin = index - this.firstIndex;
    let end = begin;
    let bytes = 0;
    while (end < this.entries.length) {
      bytes += this.entries[end].data.length;
      if (bytes > bytesMax && end > begin) break;
      end++;
    }
    return this.entries.slice(begin, end);
  }

  /** Entries from `first` to `last`, both included and both here. */
  between(first: number, last: number): Entry[] {
    return this.entries.slice(first - this.firstIndex, last + 1 - this.firstIndex);
  }

  /** Adds one at the end: only leaders do, and only at the end (leader append-only, §5.3). */
  push(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, 'an entry follows on the last one');
    this.entries.push(entry);
  }

  /**
   * What a leader sent, which follows on an entry that is here. Only what conflicts makes entries go: an append that was overtaken
   * by a later one has nothing new (§5.3). False where it contradicts what is committed, which no leader does.
   */
  merge(entries: readonly Entry[]): boolean {
    const conflict = isPlanted('truncate-on-stale-append')
      ? 0
      : entries.findIndex((entry) => !this.has(entry.index, entry.term));
    if (conflict < 0 || entries.length === 0) return true;
    const { index } = entries[conflict];
    if (index <= this.commit) return false;
    this.cut(index);
    for (let i = conflict; i < entries.length; i++) this.entries.push(entries[i]);
    return true;
  }

  /** The last entry up to `index` whose term is not above `term`: where a log that has `term` at `index` may agree with this one. */
  lastAgreeing(index: number, term: number): LogPlace {
    let at = Math.min(index, this.lastIndex);
    while (at > this.base.index && (this.termAt(at) ?? 0) > term) at--;
    return { index: at, term: this.termAt(at) ?? 0 };
  }

  /** The first entry that is to be applied, once it is committed; after a snapshot that was received. */
  get firstToApply(): number {
    return Math.max(this.applied, this.base.index) + 1;
  }

  /** Whether a change of membership is among entries that are committed and not yet applied. */
  hasMembershipToApply(): boolean {
    for (let index = this.firstToApply; index <= this.commit; index++) {
      if (this.entries[index - this.firstIndex].kind === 'membership') return true;
    }
    return false;
  }

  /** Moves the commit forward, never back. Whether it moved. */
  commitTo(index: number): boolean {
    assert(index <= this.lastIndex, 'what is committed is in the log');
    if (index <= this.commit) return false;
    this.commit = index;
    return true;
  }

  /** A snapshot received whole takes the place of all (§7); it is of an entry past the commit that is not here. */
  restore(snapshot: Snapshot): void {
    assert(snapshot.index > this.commit, 'a snapshot that is restored is news');
    const tail = isPlanted('snapshot-keeps-conflicting-tail') ? this.between(snapshot.index + 1, this.lastIndex) : [];
    this.durable = Math.min(this.durable, this.commit);
    this.unsaved = snapshot.index + 1;
    this.snapshot = snapshot;
    this.unsavedSnapshot = snapshot;
    this.base = { index: snapshot.index, term: snapshot.term };
    this.entries = tail;
    this.commit = snapshot.index;
  }

  /** A snapshot of this node's own: entries that it stands for go, but for the last of them. */
  compact(snapshot: Snapshot): void {
    assert(snapshot.index <= this.applied, 'only what is applied can be compacted');
    assert(snapshot.index > (this.snapshot?.index ?? 0), 'snapshots do not go back');
    this.snapshot = snapshot;
    let index = snapshot.index;
    const lowest = Math.max(this.base.index, index - this.entriesKeptMax);
    for (let bytes = 0; index > lowest; index--) {
      bytes += this.entries[index - this.firstIndex].data.length;
      if (bytes > BYTES_KEPT_MAX) break;
    }
    const base = { index, term: this.termAt(index) ?? 0 };
    this.entries = this.between(index + 1, this.lastIndex);
    this.base = base;
  }

  /** What is to be saved: entries and a snapshot that were not given out yet. They count as durable from {@link noteSaved} on. */
  takeUnsaved(): { entries: Entry[]; snapshot: Snapshot | null } {
    const unsaved = { entries: this.between(this.unsaved, this.lastIndex), snapshot: this.unsavedSnapshot };
    this.unsaved = this.lastIndex + 1;
    this.unsavedSnapshot = null;
    return unsaved;
  }

  get hasUnsaved(): boolean {
    return this.unsaved <= this.lastIndex || this.unsavedSnapshot !== null;
  }

  /** All that was given out is on the disk: of it counts what was not replaced since. */
  noteSaved(): void {
    if (this.unsavedSnapshot === null) this.durable = this.unsaved - 1;
  }

  /** The commit as it may be saved together with what {@link takeUnsaved} gave: true whatever of that a crash leaves. */
  get commitToSave(): number {
    return Math.min(this.commit, this.durable);
  }

  private cut(index: number): void {
    this.entries.length = index - this.firstIndex;
    this.unsaved = Math.min(this.unsaved, index);
    this.durable = Math.min(this.durable, index - 1);
  }
}

/**
 * A change of membership is begun only when the one before is applied: so who has two of them knows that all but the last are committed,
 * even if the commit that was saved lags. It must: elected by the voters of two changes ago, it could overlook those of today.
 */
function committedByMembership(entries: readonly Entry[]): number {
  const changes = entries.filter(({ kind }) => kind === 'membership');
  return changes[changes.length - 2]?.index ?? 0;
}
