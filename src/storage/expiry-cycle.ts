/**
 * The expiry cycle: removes keys whose time has come although nobody asks for them.
 *
 * Redis draws random keys from a second table of all keys with an expiry. Here tables and pages know a lower bound of
 * their expiries, so the cycle visits just the pages where something is due, needs no memory per key, and finds every
 * due key instead of most. A run stops when its time is up and goes on at the same place.
 *
 * Between two pieces of a table's walk anything may happen: keys come to the part that was walked, the table vanishes,
 * the database is flushed or swapped. So a table's bound is replaced only at the end of its walk, by one that also
 * counts what was noted meanwhile; and a walk goes on only in the tables in which it began.
 */
import { SLOT_COUNT } from '../slots';
import type { Database } from './database';
import type { KeyIndex } from './key-index';
import type { Keyspace } from './keyspace';
import { NO_EXPIRY } from './records';

export class ExpiryCycle {
  private databaseIndex = 0;
  private slot = 0;
  private hash = 0;
  /** The tables that `slot` and `hash` are a place in. */
  private keys: KeyIndex | null = null;
  /** Soonest expiry seen so far in the table that is being walked. */
  private tableSoonest = Infinity;
  private readonly hashes: number[] = [];
  private readonly records: number[] = [];

  constructor(private readonly keyspace: Keyspace) {}

  /** Goes once round all databases, or until `isTimeUp`, which is asked after each page. */
  run(isTimeUp: () => boolean): void {
    const { keyspace } = this;
    if (keyspace.dueKeys !== 'go') return;
    for (let left = keyspace.databaseCount; left > 0; left--) {
      if (keyspace.hasDatabase(this.databaseIndex)) {
        const database = keyspace.database(this.databaseIndex);
        if (database.expiring > 0 && !this.runDatabase(database, isTimeUp)) return;
      }
      this.databaseIndex = (this.databaseIndex + 1) % keyspace.databaseCount;
      this.slot = 0;
      this.hash = 0;
    }
  }

  /** False when time was up first. */
  private runDatabase(database: Database, isTimeUp: () => boolean): boolean {
    const { keys } = database;
    if (keys !== this.keys) {
      this.keys = keys;
      this.hash = 0;
    }
    for (; this.slot < SLOT_COUNT; this.slot++) {
      if (this.keyspace.isArriving(this.slot)) {
        this.hash = 0;
        continue;
      }
      if (this.hash === 0) {
        if (keys.soonest[this.slot] >= this.keyspace.nowMs || keys.count(this.slot) === 0) continue;
        this.tableSoonest = Infinity;
        keys.soonestNoted = Infinity;
      }
      while (this.hash < 2 ** 32) {
        this.visitPage(database, this.slot);
        if (isTimeUp()) return false;
      }
      keys.soonest[this.slot] = Math.min(this.tableSoonest, keys.soonestNoted);
      this.hash = 0;
    }
    return true;
  }

  private visitPage(database: Database, slot: number): void {
    const { keys } = database;
    const { nowMs, records } = this.keyspace;
    let page = keys.pageOf(slot, this.hash);
    // Removals may join the page with its neighbour, which has keys due of its own, or drop the table: hence the loop.
    while (page !== 0 && keys.pages.soonest(page) < nowMs) {
      const before = keys.pages.read(page, this.hashes, this.records);
      for (let i = 0; i < before; i++) database.removeIfDue(this.records[i]);
      page = keys.pageOf(slot, this.hash);
      if (page !== 0) {
        const after = keys.pages.read(page, this.hashes, this.records);
        let soonest = Infinity;
        for (let i = 0; i < after; i++) {
          const expiry = records.expiry(this.records[i]);
          if (expiry !== NO_EXPIRY && expiry < soonest) soonest = expiry;
        }
        keys.pages.setSoonest(page, soonest);
      }
    }
    if (page === 0) {
      this.hash = 2 ** 32;
      return;
    }
    this.tableSoonest = Math.min(this.tableSoonest, keys.pages.soonest(page));
    this.hash = keys.pageEnd(page, this.hash);
  }
}
