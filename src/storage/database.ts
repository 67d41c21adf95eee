/**
 * Database: one of a keyspace's numbered sets of keys.
 *
 * Everything that finds, adds, changes or removes a key goes through this class, so it is the one place that keeps
 * counts and expiry bounds true, and where the keyspace's observer hears of each change (`changing`).
 * What a value's bytes mean is not known here: see strings.ts and collection.ts.
 *
 * A *record* (an address, 0 for none) is what a find returns. It is good until the next call that writes: writes may
 * move it. Keys that are past their expiry are never found; the find that notices removes them (lazy expiry). Who must know
 * of removals that nobody asked for is told by the keyspace's `removals`.
 */
import { Bytes, copyBytes } from '../base';
import { SLOT_COUNT, slotOfBytes } from '../slots';
import type { Address } from './arena';
import { KeyIndex } from './key-index';
import type { Keyspace } from './keyspace';
import { NO_EXPIRY, type Records } from './records';

/** So many keys that are due and cannot go are drawn in vain. */
const HIDDEN_TRIES = 100;

/** The number of a database that no client can select: nobody observes it. See draft.ts. */
export const UNSEEN = -1;

export class Database {
  /** Number of keys, those past their expiry but not yet removed included (as DBSIZE counts). */
  size = 0;
  /** Number of keys with an expiry. */
  expiring = 0;
  /** Sum over these of (expiry − the keyspace's birth), for the average TTL. */
  private expirySumMs = 0;

  /** The table of keys. Replaced by another when the database is flushed, or exchanges its contents. */
  keys: KeyIndex;
  private readonly records: Records;
  private readonly scratch = new Bytes();

  /** Counts lookups: who remembers the number knows whether `…Found` and `putMissing` still mean its own. */
  lookups = 0;
  /** Slot and hash of the key that was looked up last. */
  private slot = 0;
  private hash = 0;

  constructor(
    private readonly keyspace: Keyspace,
    /** The number that SELECT takes, or UNSEEN; changed by SWAPDB. */
    public index: number,
  ) {
    this.records = keyspace.records;
    this.keys = new KeyIndex(keyspace.arena, this.records);
  }

  /** The record of a key, or 0; counts as an access. */
  find(key: Bytes): Address {
    const record = this.peek(key);
    if (record !== 0) this.records.setAccess(record, this.keyspace.usedStamp(record));
    return record;
  }

  /** The record of a key, or 0; does not count as an access (TYPE, TTL, OBJECT …). */
  peek(key: Bytes): Address {
    const { lookahead } = this.keyspace;
    let slot: number;
    let hash: number;
    if (lookahead.isNext(key)) {
      slot = lookahead.slots[lookahead.at];
      hash = lookahead.hashes[lookahead.at];
    } else {
      slot = slotOfBytes(key.buffer, key.start, key.end);
      hash = this.keyspace.hash.of(key.buffer, key.start, key.end);
    }
    this.slot = slot;
    this.hash = hash;
    this.lookups++;
    const record = this.keys.find(slot, hash, key);
    if (record === 0) return 0;
    const expiry = this.records.expiry(record);
    if (expiry === NO_EXPIRY || this.keyspace.nowMs <= expiry) return record;
    // What nobody sees yet is not ours to remove.
    const fate = this.index === UNSEEN ? 'stay' : this.keyspace.dueKeysOf(slot);
    if (fate !== 'go') return fate === 'stay' ? record : 0;
    this.keyspace.removals?.keyRemoved(this, key);
    this.removeFound(record, expiry);
    this.keyspace.expiredKeys++;
    return 0;
  }

  /** Removes a key; whether it was there. */
  delete(key: Bytes): boolean {
    const record = this.peek(key);
    if (record === 0) return false;
    this.removeFound(record, this.records.expiry(record));
    return true;
  }

  /**
   * A record for a key that was just looked for in vain, with a value of `valueLength` bytes that the caller writes
   * next.
   */
  putMissing(key: Bytes, type: number, encoding: number, valueLength: number, expiryAtMs: number): Address {
    const { observer } = this.keyspace;
    if (observer !== null && this.index !== UNSEEN) observer.keyChanging(this, key);
    const record = this.records.create(key, type, encoding, valueLength, expiryAtMs, this.keyspace.newStamp());
    this.keys.insert(this.slot, this.hash, record);
    this.size++;
    if (expiryAtMs !== NO_EXPIRY) this.noteExpiry(NO_EXPIRY, expiryAtMs);
    return record;
  }

  /**
   * The same for a key whose record was just found: changes in place where there is room. The old value's first
   * bytes, as many as both have, are kept if `keepValue`. Returns the record, which may be a new one.
   */
  putFound(
    record: Address,
    type: number,
    encoding: number,
    valueLength: number,
    expiryAtMs: number,
    keepValue: boolean,
  ): Address {
    this.changing(record);
    const records = this.records;
    const oldExpiry = records.expiry(record);
    const stamp = this.keyspace.writtenStamp(record);
    if (!keepValue) this.keyspace.discardValue(record);
    if (records.type(record) === type && records.resizeInPlace(record, valueLength, expiryAtMs)) {
      records.stamp(record, encoding, expiryAtMs, stamp);
      if (oldExpiry !== expiryAtMs) this.noteExpiry(oldExpiry, expiryAtMs);
      return record;
    }
    const key = records.key(record, this.scratch);
    const fresh = records.create(key, type, encoding, valueLength, expiryAtMs, stamp);
    if (keepValue) {
      const from = records.value(record, this.scratch);
      const { buffer, start } = from;
      const end = Math.min(from.end, start + valueLength);
      const to = records.value(fresh, this.scratch);
      copyBytes(buffer, start, end, to.buffer, to.start);
    }
    this.keys.replaceFound(fresh);
    if (oldExpiry !== expiryAtMs) this.noteExpiry(oldExpiry, expiryAtMs);
    records.free(record);
    return fresh;
  }

  /**
   * Adds keys whose records were made before, several at a time: what their pages cost to fetch is paid once for all. `slots` and
   * `hashes` are those of the keys. Stops at a key that is there already; returns how many were added.
   */
  insertMade(made: readonly Address[], slots: Int32Array, hashes: Uint32Array, count: number): number {
    const { observer } = this.keyspace;
    this.lookups++;
    this.keys.fetchPages(slots, hashes, count);
    for (let i = 0; i < count; i++) {
      const key = this.records.key(made[i], this.scratch);
      if (this.keys.find(slots[i], hashes[i], key) !== 0) return i;
      if (observer !== null && this.index !== UNSEEN) observer.keyChanging(this, key);
      this.slot = slots[i];
      this.hash = hashes[i];
      this.keys.insert(this.slot, this.hash, made[i]);
      this.size++;
      const expiry = this.records.expiry(made[i]);
      if (expiry !== NO_EXPIRY) this.noteExpiry(NO_EXPIRY, expiry);
    }
    return count;
  }

  /** Sets when the key of a record that was just found expires; `NO_EXPIRY` for never. Returns the record, which may be a new one. */
  setExpiry(record: Address, expiryAtMs: number): Address {
    const records = this.records;
    const value = records.value(record, this.scratch);
    return this.putFound(record, records.type(record), records.encoding(record), value.length, expiryAtMs, true);
  }

  /**
   * Puts a copy of a record (of this database or another) under `key`, with its expiry; whatever was there is gone. Costs as
   * much as the value is large.
   */
  putCopy(key: Bytes, record: Address): void {
    const copy = this.putSame(key, record);
    this.keyspace.duplicateValue(copy);
  }

  /**
   * Gives the value of a key that was just found in `source` to `key` of this database, with its expiry; whatever was there is
   * gone, and so is the old key. Only a value that lies in its record is copied.
   */
  putMoved(key: Bytes, source: Database, sourceKey: Bytes, record: Address): void {
    this.putSame(key, record);
    const old = source.peek(sourceKey);
    // Observers must hear of it while it still is what it was.
    source.changing(old);
    this.records.forgetRoot(old);
    source.delete(sourceKey);
  }

  /** A record under `key` with the same bytes as value, be they a root's address. */
  private putSame(key: Bytes, record: Address): Address {
    const records = this.records;
    const value = records.value(record, new Bytes());
    const type = records.type(record);
    const encoding = records.encoding(record);
    const expiry = records.expiry(record);
    const old = this.peek(key);
    const copy =
      old === 0
        ? this.putMissing(key, type, encoding, value.length, expiry)
        : this.putFound(old, type, encoding, value.length, expiry, false);
    const to = records.value(copy, this.scratch);
    copyBytes(value.buffer, value.start, value.end, to.buffer, to.start);
    return copy;
  }

  /** To be called by who changes the value of a record in place, before; all other changes say so by themselves. */
  changing(record: Address): void {
    const { observer } = this.keyspace;
    if (observer === null || this.index === UNSEEN) return;
    observer.keyChanging(this, this.records.key(record, this.scratch));
  }

  /** The same for a change that only snapshots hear of; who calls has asked whether there is any. */
  changingSilently(record: Address): void {
    if (this.index !== UNSEEN) this.keyspace.walks.keyChanging(this, this.records.key(record, this.scratch));
  }

  /** A random key's record, every key about as likely as any other; 0 when the database is empty. */
  randomRecord(): Address {
    const { random } = this.keyspace;
    let hidden = 0;
    while (this.size > 0) {
      let skip = random.below(this.size);
      let slot = 0;
      while (slot < SLOT_COUNT - 1 && skip >= this.keys.count(slot)) skip -= this.keys.count(slot++);
      if (this.keys.count(slot) === 0) continue;
      const record = this.keys.random(slot, random);
      // On a replica there may be no others left than such as are due and stay: then one of them will do, as in Redis.
      const { size } = this;
      if (!this.removeIfDue(record) || (this.size === size && ++hidden === HIDDEN_TRIES)) return record;
    }
    return 0;
  }

  /** Whether the key of a record is as good as gone, because its time has come; then it goes, if it may. */
  removeIfDue(record: Address): boolean {
    const expiry = this.records.expiry(record);
    if (expiry === NO_EXPIRY || this.keyspace.nowMs <= expiry) return false;
    // Looked up again by its own key: only a find knows where the index holds it.
    const key = this.records.key(record, new Bytes());
    return this.peek(key) === 0;
  }

  /** Removes the key of a record to make room; whether it was there. */
  evict(record: Address): boolean {
    const key = this.records.key(record, new Bytes());
    // It may be past its expiry, and is gone then: counted and told as such.
    if (this.peek(key) === 0) return false;
    this.keyspace.removals?.keyRemoved(this, key);
    this.removeFound(record, this.records.expiry(record));
    return true;
  }

  /** Mean time to live of the keys that have one, in ms; 0 where none has. */
  averageTtlMs(): number {
    if (this.expiring === 0) return 0;
    const meanExpiry = this.expirySumMs / this.expiring + this.keyspace.bornMs;
    return Math.max(0, Math.floor(meanExpiry - this.keyspace.nowMs));
  }

  /** Exchanges contents with another database; the keyspace has told those who observe. */
  exchange(other: Database): void {
    const { keys, size, expiring, expirySumMs } = this;
    this.hold(other.keys, other.size, other.expiring, other.expirySumMs);
    other.hold(keys, size, expiring, expirySumMs);
  }

  /** Starts anew with empty tables. The keyspace decides what becomes of the old ones. */
  reset(): void {
    this.hold(new KeyIndex(this.keyspace.arena, this.records), 0, 0, 0);
  }

  private hold(keys: KeyIndex, size: number, expiring: number, expirySumMs: number): void {
    this.keys = keys;
    this.size = size;
    this.expiring = expiring;
    this.expirySumMs = expirySumMs;
    this.lookups++;
  }

  private removeFound(record: Address, expiry: number): void {
    this.changing(record);
    this.keys.removeFound();
    this.size--;
    if (expiry !== NO_EXPIRY) this.noteExpiry(expiry, NO_EXPIRY);
    this.keyspace.discardValue(record);
    this.records.free(record);
  }

  /** Keeps counts and bounds true when the expiry of the key that was looked up last changes. */
  private noteExpiry(from: number, to: number): void {
    if (from !== NO_EXPIRY) {
      this.expiring--;
      this.expirySumMs -= from - this.keyspace.bornMs;
    }
    if (to !== NO_EXPIRY) {
      this.expiring++;
      this.expirySumMs += to - this.keyspace.bornMs;
      this.keys.noteExpiry(this.slot, this.hash, to);
    }
  }
}
