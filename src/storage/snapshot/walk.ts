/**
 * SnapshotWalk: writes the keyspace as it was at one moment, while it goes on being changed. No fork, no pause, no copy.
 *
 * To begin is O(1): the walk notes which tables there are and becomes an observer of the keyspace. Then it goes through the
 * keys in order of (database, slot, hash), a slice at a time. What it has passed may change as it likes. What it has not
 * passed is written at the moment when it is about to change for the first time, as it is then, and marked, so that it is
 * neither written again nor, if it was not there at the beginning, written at all. Keys stand in a snapshot in any order, so
 * a *pre-image* is simply a key that is written early: it goes to the same output and costs no memory of its own; what stays
 * is the mark, until the walk has passed its slot. (Copy-on-write, as fork has it, with a key in the place of a page.)
 *
 * Keys of one slot with one hash are one to the walk: they are marked together and written together.
 *
 * Values with many elements are frozen instead and written element by element (frozen.ts). While such a value is being
 * written, pre-images of other keys must wait: they are kept `aside`.
 *
 * What a flush removes is kept until the walk has passed it; what SWAPDB exchanges is known by its tables.
 *
 * A walk may be narrowed to some slots, and keys may be named that it takes besides (`include`).
 *
 * Always: the output, when `run` has answered true, is the keyspace, or those slots of it, at the moment when the walk was made.
 */
import { Output, type Bytes } from '../../base';
import { SLOT_COUNT, slotOfBytes } from '../../slots';
import type { Address } from '../arena';
import type { Database } from '../database';
import type { KeyIndex } from '../key-index';
import type { Keyspace, KeyspaceObserver } from '../keyspace';
import { Marks } from '../marks';
import { HASHES } from '../tables';
import type { SnapshotFormat } from './format';
import { Freezer, LARGE_LIMITS } from './freezer';
import type { Frozen } from './frozen';
import type { Walk } from './walks';

/** A database as it was at the beginning. */
interface WalkedDatabase {
  readonly database: Database;
  readonly index: number;
  readonly keys: KeyIndex;
  /** Unknown where only some slots are walked. */
  readonly sizes: { readonly keys: number; readonly expiring: number } | null;
  /** By slot: hashes of keys ahead that are written, or were not there. */
  readonly marks: Marks;
  isPassed: boolean;
}

/** A page's keys are written without a look at the clock, unless they come to more bytes than this. */
const PAGE_BYTES_MAX = 128 * 1024;
/** What a mark takes, about. */
const MARK_BYTES = 8;
const NO_DATABASE = -1;

export class SnapshotWalk implements KeyspaceObserver, Walk {
  /** What has been written and not been taken from here. */
  readonly out = new Output();
  /** Keys that are written, and that there were at the beginning. */
  keysDone = 0;
  readonly keysTotal: number;

  /** Pre-images of keys while a large value is being written. */
  private readonly aside = new Output();
  /** The database that the last key of `out`, and of `aside`, lies in. */
  private outDatabase = NO_DATABASE;
  private asideDatabase = NO_DATABASE;
  private readonly databases: readonly WalkedDatabase[];
  /** Where the walk stands: slots and hashes below are passed. */
  private at = 0;
  private slot = 0;
  private hash = 0;
  /** The large value that is being written. */
  private current: Frozen | null = null;
  /** Large values that are to be written, in this order. */
  private readonly waiting: Frozen[] = [];
  private readonly frozen = new Map<Address, Frozen>();
  /** Made with the first key: to begin must not take long. */
  private freezer: Freezer | null = null;
  private failure: Error | null = null;
  private readonly hashes: number[] = [];
  private readonly records: Address[] = [];
  private readonly found: Address[] = [];
  /** What was read ahead adds up to this, so that reading it is not optimized away. */
  private fetched = 0;

  /** `chosen`: by slot, 1 where the slot is walked; null for all slots. */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly format: SnapshotFormat,
    private readonly limits = LARGE_LIMITS,
    private readonly chosen: Uint8Array | null = null,
  ) {
    this.databases = keyspace
      .usedDatabases()
      .filter((database) => database.size > 0)
      .map((database) => ({
        database,
        index: database.index,
        keys: database.keys,
        sizes: chosen === null ? { keys: database.size, expiring: database.expiring } : null,
        marks: new Marks(),
        isPassed: false,
      }));
    this.keysTotal = this.databases.reduce((sum, { database }) => sum + countKeys(database, chosen), 0);
    format.begin(this.out);
    keyspace.observe(this);
    keyspace.walks.add(this);
  }

  /** Bytes of what had to be written before its turn and waits to be taken over. */
  get asideBytes(): number {
    let bytes = this.aside.length;
    for (const frozen of this.frozen.values()) bytes += frozen.asideBytes;
    return bytes;
  }

  /** Memory of all that was written before its turn and not taken from here, and of the marks. */
  get earlyBytes(): number {
    const marks = this.databases.reduce((sum, walked) => sum + walked.marks.count, 0);
    return this.out.length + this.asideBytes + marks * MARK_BYTES;
  }

  /** Goes on until `isTimeUp`; whether all is written. Throws what made it fail; it is to be abandoned then. */
  run(isTimeUp: () => boolean): boolean {
    if (this.failure !== null) throw this.failure;
    for (;;) {
      if (this.current === null && this.waiting.length > 0) this.openLarge(this.waiting.shift()!);
      if (this.current !== null) {
        if (!this.current.step(this.out, isTimeUp)) return false;
        this.closeLarge(this.current);
      } else if (this.at === this.databases.length) {
        break;
      } else {
        this.walkPage(this.databases[this.at]);
      }
      if (isTimeUp()) return false;
    }
    this.format.end(this.out);
    this.leave();
    return true;
  }

  /** Ends the walk half-way. What it has written is good for nothing. */
  abandon(): void {
    this.current = null;
    this.waiting.length = 0;
    this.out.clear();
    this.aside.clear();
    const roots = [...this.frozen.keys()];
    this.frozen.clear();
    for (const root of roots) this.keyspace.walks.released(root);
    this.leave();
  }

  private leave(): void {
    this.keyspace.unobserve(this);
    this.keyspace.walks.remove(this);
  }

  /**
   * Takes a key of a slot that was not chosen, as it is now; false where there is none. Not while a command runs, not after `run`, and
   * once for a key.
   */
  include(database: Database, key: Bytes): boolean {
    const slot = slotOfBytes(key.buffer, key.start, key.end);
    const record = database.keys.find(slot, this.keyspace.hash.of(key.buffer, key.start, key.end), key);
    if (record === 0) return false;
    if (this.outDatabase !== database.index) this.format.database(this.out, database.index, null);
    this.outDatabase = database.index;
    this.write(this.out, database, database.index, record);
    return true;
  }

  // ── in order ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes a page of keys; the page is passed then, unless its keys are large. */
  private walkPage(walked: WalkedDatabase): void {
    const { keys, marks } = walked;
    while (keys.count(this.slot) === 0 || !this.isChosen(this.slot)) {
      this.passSlot(walked);
      if (walked.isPassed) return;
    }
    const { slot, hashes, records, out } = this;
    if (this.outDatabase !== walked.index) this.selectIn(out, walked);
    const page = keys.pageOf(slot, this.hash);
    const count = keys.pages.read(page, hashes, records);
    // Waits for main memory overlap: one after the other they are a quarter of a walk (measured).
    this.fetched = (this.fetched + this.keyspace.records.fetch(records, count)) | 0;
    const hasMarks = !marks.isEmpty(slot);
    const bytesBefore = out.length;
    for (let i = 0; i < count; i++) {
      if (hashes[i] < this.hash || (hasMarks && marks.has(slot, hashes[i]))) continue;
      this.write(out, walked.database, walked.index, records[i]);
      if (out.length - bytesBefore > PAGE_BYTES_MAX && this.stopWithin(walked, i + 1, count)) return;
    }
    this.hash = keys.pageEnd(page, this.hash);
    if (this.hash >= HASHES) this.passSlot(walked);
  }

  /** Marks the keys of the page that are written, so that the walk can come back for the others; false if that is not worth it. */
  private stopWithin(walked: WalkedDatabase, done: number, count: number): boolean {
    if (done === count) return false;
    const { hashes, slot, hash } = this;
    for (let i = done; i < count; i++) {
      // Marked together, they must be written together.
      if (hashes.indexOf(hashes[i]) < done) this.writeUnlessMarked(walked, i);
    }
    for (let i = 0; i < done; i++) if (hashes[i] >= hash) walked.marks.add(slot, hashes[i]);
    return true;
  }

  private writeUnlessMarked(walked: WalkedDatabase, i: number): void {
    if (this.hashes[i] >= this.hash && !walked.marks.has(this.slot, this.hashes[i])) {
      this.write(this.out, walked.database, walked.index, this.records[i]);
    }
  }

  private isChosen(slot: number): boolean {
    return this.chosen === null || this.chosen[slot] === 1;
  }

  private passSlot(walked: WalkedDatabase): void {
    walked.marks.clear(this.slot);
    this.hash = 0;
    if (++this.slot < SLOT_COUNT) return;
    this.slot = 0;
    this.at++;
    walked.isPassed = true;
  }

  /** Writes a key, or freezes its value if that is large. */
  private write(out: Output, database: Database, index: number, record: Address): void {
    this.keysDone++;
    const freezer = (this.freezer ??= new Freezer(this.keyspace, this.format, this.limits));
    const frozen = freezer.freeze(database, index, record);
    if (frozen === null) {
      this.format.whole(out, database, record);
    } else {
      this.frozen.set(frozen.root, frozen);
      this.waiting.push(frozen);
    }
  }

  private selectIn(out: Output, walked: WalkedDatabase): void {
    const { index, sizes } = walked;
    const isAtBeginning = out === this.out && this.slot === 0 && this.hash === 0 && this.databases[this.at] === walked;
    this.format.database(out, index, isAtBeginning ? sizes : null);
    if (out === this.out) this.outDatabase = index;
    else this.asideDatabase = index;
  }

  // ── large values ─────────────────────────────────────────────────────────────────────────────────────────────

  frozenOf(root: Address): Frozen | undefined {
    return this.frozen.get(root);
  }

  private openLarge(value: Frozen): void {
    this.current = value;
    if (this.outDatabase !== value.databaseIndex) {
      this.format.database(this.out, value.databaseIndex, null);
      this.outDatabase = value.databaseIndex;
    }
    this.format.open(this.out, value);
  }

  private closeLarge(value: Frozen): void {
    this.format.close(this.out, value);
    this.current = null;
    this.frozen.delete(value.root);
    this.keyspace.walks.released(value.root);
    if (this.aside.length === 0) return;
    this.out.append(this.aside);
    this.outDatabase = this.asideDatabase;
    this.asideDatabase = NO_DATABASE;
  }

  // ── ahead of the walk ────────────────────────────────────────────────────────────────────────────────────────

  keyChanging(database: Database, key: Bytes): void {
    const walked = this.walkedOf(database);
    if (walked === null) return;
    const slot = slotOfBytes(key.buffer, key.start, key.end);
    if (!this.isChosen(slot)) return;
    const isHere = walked === this.databases[this.at];
    if (isHere && slot < this.slot) return;
    const hash = this.keyspace.hash.of(key.buffer, key.start, key.end);
    if (isHere && slot === this.slot && hash < this.hash) return;
    if (!walked.marks.add(slot, hash)) return;
    const count = walked.keys.collectHash(slot, hash, this.found);
    if (count === 0) return;
    try {
      this.writeEarly(walked, count);
    } catch (error) {
      this.failed(error as Error);
    }
  }

  failed(error: Error): void {
    this.failure ??= error;
  }

  /** Writes the keys in `found`. */
  private writeEarly(walked: WalkedDatabase, count: number): void {
    const isFree = this.current === null;
    const out = isFree ? this.out : this.aside;
    if ((isFree ? this.outDatabase : this.asideDatabase) !== walked.index) this.selectIn(out, walked);
    for (let i = 0; i < count; i++) this.write(out, walked.database, walked.index, this.found[i]);
  }

  /** What is in it stays until the walk has ended: the keyspace sees to that. */
  emptying(_database: Database): void {}

  /** Databases are known by their tables, and keep the numbers that they had. */
  swapping(_a: Database, _b: Database): void {}

  /** The database as it was, where it still has keys that the walk has not passed. */
  private walkedOf(database: Database): WalkedDatabase | null {
    for (const walked of this.databases) {
      if (walked.database === database) return walked.isPassed || walked.keys !== database.keys ? null : walked;
    }
    return null;
  }
}

/** Keys of a database in these slots. */
function countKeys({ keys, size }: Database, chosen: Uint8Array | null): number {
  if (chosen === null) return size;
  let count = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) if (chosen[slot] === 1) count += keys.count(slot);
  return count;
}
