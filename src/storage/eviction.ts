/**
 * Eviction: which keys make room when memory is full, by Redis' policies.
 *
 * As in Redis nothing is kept sorted: of a few keys drawn at random the best victim goes, again and again until there is
 * room. Tables are pages of hashes, so a random key costs no more than a lookup. Where only keys with an expiry may go and
 * few have one, pages know whether they hold any (their soonest expiry), so that drawing does not wander.
 *
 * Access stamps (24 bits of a record) are seconds of the last use, or under an LFU policy what Redis keeps there: 16 bits
 * of minutes since the counter was last looked at, and a counter of 8 bits that grows logarithmically and decays with time
 * (Redis documentation, "The new LFU mode").
 */
import type { Random } from '../base';
import { SLOT_COUNT } from '../slots';
import type { Address } from './arena';
import type { Database } from './database';
import type { Keyspace } from './keyspace';
import { NO_EXPIRY } from './records';

export const EVICTION_POLICIES = [
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'noeviction',
] as const;
export type EvictionPolicy = (typeof EVICTION_POLICIES)[number];

/** The counter of a new key: so that it is not the first to go. */
const LFU_INITIAL = 5;
const LFU_COUNTER_MAX = 255;
const MINUTE_MS = 60_000;
/** Access clocks are below this. */
const ACCESS_CLOCK_LIMIT = 2 ** 24;
/** Draws that may hit nothing before a key with an expiry is looked for page by page. */
const BLIND_DRAWS_MAX = 32;

export class Eviction {
  private policy: EvictionPolicy = 'noeviction';
  /** Only keys with an expiry may go. */
  private isVolatile = false;
  /** Whether stamps count uses (LFU) instead of telling the time of the last one. */
  countsUses = false;
  /** Whether the policy asks for the time of the last use (LRU). */
  timesUses = false;
  /** Keys that are drawn for one that goes (maxmemory-samples). */
  samples = 5;
  /** How slowly the LFU counter grows, and after how many minutes it shrinks by one (0: never). */
  lfuLogFactor = 10;
  lfuDecayMinutes = 1;
  /** Keys that have gone, since the start. */
  evictedKeys = 0;

  private readonly random: Random;
  private readonly hashes: number[] = [];
  private readonly records: Address[] = [];

  constructor(private readonly keyspace: Keyspace) {
    this.random = keyspace.random;
  }

  /** Chooses the policy. Stamps keep the meaning that they had until their keys are used again, as in Redis. */
  choose(policy: EvictionPolicy): void {
    this.policy = policy;
    this.isVolatile = policy.startsWith('volatile');
    this.countsUses = policy.endsWith('lfu');
    this.timesUses = policy.endsWith('lru');
  }

  /**
   * Evicts keys until the arena uses no more than `limitBytes`; false where nothing (more) may go. Stops early, with true,
   * when `isTimeUp`: the next call goes on.
   */
  makeRoom(limitBytes: number, isTimeUp: () => boolean): boolean {
    const { arena } = this.keyspace;
    while (arena.usedBytes > limitBytes) {
      if (this.policy === 'noeviction') return false;
      // Looking for a victim removes keys whose time has come: there may be room though none was found.
      if (!this.evictOne()) return arena.usedBytes <= limitBytes;
      if (isTimeUp()) return true;
    }
    return true;
  }

  // ── stamps under LFU ─────────────────────────────────────────────────────────────────────────────────────────

  /** The stamp of a new key. */
  newStamp(): number {
    return (this.minutes() << 8) | LFU_INITIAL;
  }

  /** The stamp of a key that is used once more. */
  usedStamp(stamp: number): number {
    let counter = this.frequency(stamp);
    if (counter < LFU_COUNTER_MAX) {
      const base = Math.max(0, counter - LFU_INITIAL);
      if (this.random.fraction() < 1 / (base * this.lfuLogFactor + 1)) counter++;
    }
    return (this.minutes() << 8) | counter;
  }

  /** The counter of a stamp as it is now, 0 … 255: what OBJECT FREQ tells. */
  frequency(stamp: number): number {
    const counter = stamp & 0xff;
    if (this.lfuDecayMinutes === 0) return counter;
    const elapsed = (this.minutes() - (stamp >>> 8)) & 0xffff;
    return Math.max(0, counter - Math.floor(elapsed / this.lfuDecayMinutes));
  }

  /**
   * Says of a record when or how often it was used, where the policy asks for what is known: seconds since its last use, or
   * the counter from 0 to 255; −1 for what is not known.
   */
  setUse(record: Address, idleSeconds: number, frequency: number): void {
    const { records, accessClock } = this.keyspace;
    if (this.countsUses) {
      if (frequency >= 0) records.setAccess(record, (this.minutes() << 8) | frequency);
    } else if (idleSeconds >= 0) {
      // Longer ago than the clock goes back: half of its range.
      const far = (accessClock + ACCESS_CLOCK_LIMIT / 2) % ACCESS_CLOCK_LIMIT;
      records.setAccess(record, idleSeconds <= accessClock ? accessClock - idleSeconds : far);
    }
  }

  private minutes(): number {
    return Math.floor(this.keyspace.nowMs / MINUTE_MS) & 0xffff;
  }

  // ── victims ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Removes the best victim of a few; false where there is none. */
  private evictOne(): boolean {
    const databases = this.keyspace.usedDatabases();
    let victim: Address = 0;
    let home: Database | null = null;
    let best = -Infinity;
    for (let i = 0; i < this.samples; i++) {
      const database = this.drawDatabase(databases);
      if (database === null) return false;
      const record = this.isVolatile ? this.drawExpiring(database) : database.randomRecord();
      if (record === 0) continue;
      const worth = this.worthOfLosing(record);
      if (worth > best) {
        best = worth;
        victim = record;
        home = database;
      }
    }
    // Where there is no victim, or it is gone, keys whose time had come have made room instead.
    if (home !== null && home.evict(victim)) this.evictedKeys++;
    return true;
  }

  /** A database, each as likely as it has keys that may go. */
  private drawDatabase(databases: readonly Database[]): Database | null {
    let total = 0;
    for (const database of databases) total += this.isVolatile ? database.expiring : database.size;
    if (total === 0) return null;
    let skip = this.random.below(total);
    for (const database of databases) {
      skip -= this.isVolatile ? database.expiring : database.size;
      if (skip < 0) return database;
    }
    return null;
  }

  /** A random key that has an expiry; 0 where chance or its end found none. */
  private drawExpiring(database: Database): Address {
    const { records } = this.keyspace;
    for (let draw = 0; draw < BLIND_DRAWS_MAX; draw++) {
      const record = database.randomRecord();
      if (record === 0 || records.expiry(record) !== NO_EXPIRY) return record;
    }
    return this.searchExpiring(database);
  }

  /** Goes through pages that hold keys with an expiry, from a random slot on. */
  private searchExpiring(database: Database): Address {
    const { keys } = database;
    const first = this.random.below(SLOT_COUNT);
    for (let i = 0; i < SLOT_COUNT; i++) {
      const slot = (first + i) % SLOT_COUNT;
      if (keys.soonest[slot] === Infinity || keys.count(slot) === 0) continue;
      for (let hash = 0; hash < 2 ** 32;) {
        const page = keys.pageOf(slot, hash);
        if (keys.pages.soonest(page) !== Infinity) {
          const count = keys.pages.read(page, this.hashes, this.records);
          const from = this.random.below(count);
          for (let j = 0; j < count; j++) {
            const record = this.records[(from + j) % count];
            if (this.keyspace.records.expiry(record) !== NO_EXPIRY) return record;
          }
        }
        hash = keys.pageEnd(page, hash);
      }
    }
    return 0;
  }

  /** How good it would be to lose a key: the highest goes. */
  private worthOfLosing(record: Address): number {
    const { records } = this.keyspace;
    switch (this.policy) {
      case 'allkeys-random':
      case 'volatile-random':
        return 0;
      case 'volatile-ttl':
        return -records.expiry(record);
      case 'allkeys-lfu':
      case 'volatile-lfu':
        return -this.frequency(records.access(record));
      default:
        return this.keyspace.idleSeconds(record);
    }
  }
}
