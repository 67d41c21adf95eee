/**
 * Keyspace: the numbered databases of one data node, over one arena. The library's door to storage without a network:
 *
 *   const keyspace = new Keyspace({ random: new Random(1) });
 *   keyspace.setTime(Date.now());
 *   const strings = new Strings(keyspace);
 *   strings.set(keyspace.database(0), Bytes.of('greeting'), Bytes.of('hello'), NO_EXPIRY);
 *
 * It has no clock: whoever drives it says what time it is (`setTime`), so that all commands of a turn, a replayed
 * journal and a simulation see the time they should. It never waits and starts nothing by itself: `ExpiryCycle` and
 * `reclaim` do a bounded piece of the background work and are called by whoever has a turn to spend.
 */
import { Random, type Bytes } from '../base';
import { SLOT_COUNT } from '../slots';
import { Arena, type Address } from './arena';
import { Database, UNSEEN } from './database';
import { Eviction } from './eviction';
import { KeyHash } from './key-hash';
import type { Collection } from './collection';
import { Hash } from './hash';
import type { KeyIndex } from './key-index';
import { DEFAULT_LIMITS, type PackingLimits } from './limits';
import { List } from './list';
import { Lookahead } from './lookahead';
import { withObserver, withoutObserver } from './observers';
import { Reclaimer, type ReclaimJob } from './reclaimer';
import { Records } from './records';
import { SortedSet } from './sorted-set';
import { MemberSet } from './set';
import { Walks } from './snapshot/walks';
import { Stream } from './stream';

export interface KeyspaceOptions {
  /** How many databases SELECT can choose from; 16 unless said. */
  databases?: number;
  /** Chance: seeds the hash of keys and draws random keys. */
  random: Random;
}

/**
 * Who wants to know that keys change: WATCH and blocked clients; client tracking and keyspace events have their place here.
 * It is told while the change is being made, and may only note it: a new value may not have been written yet. It may look keys
 * up where nothing else is said, and must not write. What is told is borrowed.
 */
export interface KeyspaceObserver {
  /** A key is being added, changed, given another expiry or removed (also because its time has come). Must not look up. */
  keyChanging(database: Database, key: Bytes): void;
  /** A database is about to lose all keys. */
  emptying(database: Database): void;
  /**
   * Two databases are about to exchange their contents. Where both have the same number, clients see only the first one, before
   * and afterwards.
   */
  swapping(a: Database, b: Database): void;
}

/** Who wants to know which keys went though nobody asked for it: they reached their expiry, or made room. */
export interface RemovalListener {
  /** A key is being removed. May only note it; the key is borrowed. */
  keyRemoved(database: Database, key: Bytes): void;
}

/**
 * What becomes of a key whose time has come, when somebody comes upon it. It goes; or, on a replica, it stays and is not found, as its
 * master says when it goes; or it is found, by who replays a journal that says so.
 */
export type DueKeys = 'go' | 'hide' | 'stay';

/** Access clocks count seconds in 24 bits, as Redis' LRU clock. */
const ACCESS_CLOCK_MASK = 0xffffff;

export class Keyspace {
  readonly arena = new Arena();
  readonly records = new Records(this.arena);
  readonly hash: KeyHash;
  readonly random: Random;
  readonly databaseCount: number;
  /** Which keys make room when memory is full. */
  readonly eviction: Eviction;
  /** What the commands that come next will need. */
  readonly lookahead: Lookahead;
  /** Up to where collections are packed. May be changed at any time. */
  readonly limits: PackingLimits = { ...DEFAULT_LIMITS };

  /** The time of this turn: milliseconds since the epoch. */
  nowMs = 0;
  /** The same for access stamps: seconds in 24 bits. */
  accessClock = 0;
  /** The time when it was made: sums of expiries are kept relative to it, to stay exact. */
  bornMs = 0;
  /** Keys removed because their time had come, since the start. */
  expiredKeys = 0;
  /** Told of every change; null while nobody wants to know. Set by `observe` and `unobserve`. */
  observer: KeyspaceObserver | null = null;
  /** Told of removals that no command asked for. */
  removals: RemovalListener | null = null;
  /** What becomes of keys whose time has come. */
  dueKeys: DueKeys = 'go';
  /**
   * By slot: 1 where it is on its way to us from another node, which says when its keys go: until then they stay, and are found.
   * Null where there is none.
   */
  arriving: Uint8Array | null = null;

  private readonly databases: (Database | undefined)[] = [];
  /** What was deleted and is still to be freed. */
  private readonly reclaimer = new Reclaimer();
  /** The snapshot walks that are under way. */
  readonly walks = new Walks(this.reclaimer);
  /** How many sets of databases are being filled that no client sees (shadow.ts). */
  shadows = 0;
  /** By type: who knows what its roots hold. */
  private readonly collections: readonly (Collection | undefined)[];

  constructor(options: KeyspaceOptions) {
    this.random = options.random;
    this.hash = new KeyHash(options.random);
    this.lookahead = new Lookahead(this);
    this.eviction = new Eviction(this);
    this.databaseCount = options.databases ?? 16;
    const collections: Collection[] = [];
    for (const collection of [
      new Hash(this),
      new List(this),
      new MemberSet(this),
      new SortedSet(this),
      new Stream(this),
    ]) {
      collections[collection.type] = collection;
    }
    this.collections = collections;
  }

  /** Says what time it is; to be called before each turn's commands. */
  setTime(nowMs: number): void {
    this.nowMs = nowMs;
    this.accessClock = Math.floor(nowMs / 1000) & ACCESS_CLOCK_MASK;
    if (this.bornMs === 0) this.bornMs = nowMs;
  }

  /** Lets `observer` know of all changes from now on, after those who do already. */
  observe(observer: KeyspaceObserver): void {
    this.observer = withObserver(this.observer, observer);
  }

  /** Ends that; nothing happens where it does not observe. */
  unobserve(observer: KeyspaceObserver): void {
    this.observer = withoutObserver(this.observer, observer);
  }

  /** Whether there is a database of this number. */
  isDatabaseIndex(index: number): boolean {
    return index >= 0 && index < this.databaseCount;
  }

  /** The database with this number, 0 … databaseCount − 1; made on first use. */
  database(index: number): Database {
    return (this.databases[index] ??= new Database(this, index));
  }

  /** Whether the database was ever used; asking does not make it. */
  hasDatabase(index: number): boolean {
    return this.databases[index] !== undefined;
  }

  /** Exchanges the contents of two databases. O(1). */
  swap(a: number, b: number): void {
    const first = this.database(a);
    const second = this.database(b);
    if (a !== b) this.observer?.swapping(first, second);
    this.databases[a] = second;
    this.databases[b] = first;
    first.index = b;
    second.index = a;
  }

  /** Exchanges the contents of a database and of one that nobody sees. Who uses the first one may go on with it. O(1). */
  exchange(index: number, unseen: Database): void {
    const seen = this.database(index);
    unseen.index = index;
    this.observer?.swapping(seen, unseen);
    unseen.index = UNSEEN;
    seen.exchange(unseen);
  }

  /** Removes all keys of a database in O(1); their memory is freed by `reclaim`, or at once if nothing else is left. */
  flush(index: number): void {
    this.empty(this.database(index));
    if (this.ownsArena && this.isEmpty()) this.startOver();
  }

  /**
   * Removes all keys of all databases in O(1) and gives the memory back, or lets `reclaim` do so where a snapshot or unseen
   * databases are in it too.
   */
  flushAll(): void {
    if (!this.ownsArena) {
      for (const database of this.usedDatabases()) this.empty(database);
      return;
    }
    for (const database of this.usedDatabases()) this.observer?.emptying(database);
    this.startOver();
  }

  /** Removes all keys of a database, be it seen or not, in O(1); their memory is freed by `reclaim`. */
  empty(database: Database): void {
    if (database.index !== UNSEEN) this.observer?.emptying(database);
    const { keys, size } = database;
    database.reset();
    if (size === 0) return;
    const job = this.reclaimTables(keys);
    if (this.walks.isAny) this.walks.postpone(job);
    else this.reclaimer.add(job);
  }

  /** Whether something that was deleted still waits to be freed. */
  get needsReclaim(): boolean {
    return this.reclaimer.isPending;
  }

  /** Frees what was deleted until `isTimeUp`. */
  reclaim(isTimeUp: () => boolean): void {
    this.reclaimer.run(isTimeUp);
  }

  /** Frees what lies outside of a record that is about to go or to get another value: at once if it is little. */
  discardValue(record: Address): void {
    const root = this.records.root(record);
    if (root !== 0) this.discardRoot(this.records.type(record), root);
  }

  /** Frees a root of this type that no record has any more, and all that it holds: at once if it is little. */
  discardRoot(type: number, root: Address): void {
    const job = this.collections[type]!.reclaimJob(root);
    if (!this.walks.isAny || !this.walks.retain(root, job)) this.reclaimer.add(job);
  }

  /** Gives a record that shares its root with another a root of its own. */
  duplicateValue(record: Address): void {
    const root = this.records.root(record);
    if (root !== 0) this.records.setRoot(record, this.collections[this.records.type(record)]!.duplicate(root));
  }

  /** The access stamp of a new key. */
  newStamp(): number {
    return this.eviction.countsUses ? this.eviction.newStamp() : this.accessClock;
  }

  /** The access stamp of a key that is used. */
  usedStamp(record: number): number {
    return this.eviction.countsUses ? this.eviction.usedStamp(this.records.access(record)) : this.accessClock;
  }

  /** The access stamp of a key whose value is replaced. */
  writtenStamp(record: number): number {
    return this.eviction.countsUses ? this.records.access(record) : this.accessClock;
  }

  /** Whether a slot is on its way to us from another node. */
  isArriving(slot: number): boolean {
    return this.arriving !== null && this.arriving[slot] === 1;
  }

  /** What becomes of keys of a slot whose time has come. */
  dueKeysOf(slot: number): DueKeys {
    return this.isArriving(slot) ? 'stay' : this.dueKeys;
  }

  /** The databases that were ever used. */
  usedDatabases(): readonly Database[] {
    return this.databases.filter((database) => database !== undefined);
  }

  /** Seconds since a record was last accessed. */
  idleSeconds(record: number): number {
    return this.secondsSince(this.records.access(record));
  }

  /** Seconds since the time that an access stamp tells. */
  secondsSince(stamp: number): number {
    return (this.accessClock - stamp) & ACCESS_CLOCK_MASK;
  }

  /** Whether nothing is in the arena but what clients see, and what they do not see any more. */
  private get ownsArena(): boolean {
    return !this.walks.isAny && this.shadows === 0;
  }

  private isEmpty(): boolean {
    return this.usedDatabases().every((database) => database.size === 0);
  }

  private startOver(): void {
    this.reclaimer.clear();
    this.arena.reset();
    for (const database of this.databases) database?.reset();
  }

  /** Frees the keys of a flushed database. */
  private reclaimTables(tables: KeyIndex): ReclaimJob {
    let slot = 0;
    const free = (record: Address): void => {
      this.discardValue(record);
      this.records.free(record);
    };
    return (isTimeUp) => {
      while (slot < SLOT_COUNT) {
        const hasKeys = tables.count(slot) > 0;
        if (hasKeys && !tables.dismantle(slot, free, isTimeUp)) return false;
        slot++;
        if (hasKeys && isTimeUp()) return slot === SLOT_COUNT;
      }
      return true;
    };
  }
}
