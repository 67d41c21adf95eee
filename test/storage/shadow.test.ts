/**
 * Databases that are filled beside those that clients use: until they are adopted nobody sees them, afterwards nobody sees
 * anything else, and a snapshot that is under way is of what there was when it began.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import {
  Digests,
  ExpiryCycle,
  forEachKey,
  NO_EXPIRY,
  RdbFeed,
  RdbFormat,
  RdbLoader,
  ShadowDatabases,
  SnapshotWalk,
  type Database,
  type Keyspace,
} from '../../src/storage';
import { JournaledNode } from '../server/journaled';
import { load, save } from './rdb/rdb-files';
import { Values } from './rdb/values';
import { Recorder } from './snapshot/recorder';
import { bytes, checkDatabase, Store } from './store';

const NEVER = (): boolean => false;
const ALWAYS = (): boolean => true;

const values = new Values();
values.makeAll();
values.store.set('in database 3', 'yes', values.store.keyspace.nowMs + 5, 3);
const file = save(values.store.keyspace, 11);
const loaded = digestOf(values.store.keyspace);

/** Of what is not due: whether what is due has been removed already is nobody's business. */
function digestOf(keyspace: Keyspace): string {
  new ExpiryCycle(keyspace).run(NEVER);
  return new Digests(keyspace).ofAll();
}

function like(limits: Keyspace['limits'], seed: number): Store {
  const store = new Store(seed, 6);
  Object.assign(store.keyspace.limits, limits);
  return store;
}

/** All memory comes back when all keys are gone; flushing would hide what was lost. */
function expectNothingLost({ keyspace }: Store): void {
  for (const database of keyspace.usedDatabases()) forEachKey(database, (record) => database.evict(record));
  keyspace.reclaim(NEVER);
  expect(keyspace.arena.usedBytes).toBe(0);
}

/** What clients do meanwhile. */
type Deed = (store: Store) => void;

const index = fc.nat(4);
const key = fc.nat(30).map((i) => `string ${i}`);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 20, arbitrary: fc.tuple(index, key, fc.string(), fc.nat(50)).map(setDeed) },
  {
    weight: 10,
    arbitrary: fc.tuple(index, key).map(
      ([at, name]): Deed =>
        (store) =>
          void store.delete(name, at),
    ),
  },
  {
    weight: 1,
    arbitrary: index.map(
      (at): Deed =>
        ({ keyspace }) =>
          keyspace.flush(at),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Deed>(({ keyspace }) => keyspace.flushAll()) },
  {
    weight: 2,
    arbitrary: fc.tuple(index, index).map(
      ([a, b]): Deed =>
        ({ keyspace }) =>
          keyspace.swap(a, b),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.nat(9).map(
      (ms): Deed =>
        (store) =>
          store.advance(ms),
    ),
  },
  { weight: 3, arbitrary: fc.constant<Deed>(({ keyspace }) => new ExpiryCycle(keyspace).run(NEVER)) },
  { weight: 3, arbitrary: fc.constant<Deed>(({ keyspace }) => keyspace.reclaim(ALWAYS)) },
);

function setDeed([at, name, value, ttlMs]: [number, string, string, number]): Deed {
  return (store) => store.set(name, value, ttlMs === 0 ? NO_EXPIRY : store.keyspace.nowMs + ttlMs, at);
}

/** A snapshot, and what it must be of. */
class Snapshot {
  private readonly walk: SnapshotWalk;
  private readonly digest: string;
  private readonly chunks: Buffer[] = [];
  private isOver = false;

  constructor(private readonly store: Store) {
    const { keyspace } = store;
    this.digest = digestOf(keyspace);
    const options = { compresses: false, version: 11, aux: [], functions: [] } as const;
    this.walk = new SnapshotWalk(keyspace, new RdbFormat(keyspace, options), { elements: 4, nodes: 2 });
  }

  step(): void {
    if (this.isOver) return;
    this.isOver = this.walk.run(ALWAYS);
    this.chunks.push(this.walk.out.take());
  }

  /** Goes on to its end, and is what it must be. */
  check(): void {
    while (!this.isOver) this.step();
    const restored = like(this.store.keyspace.limits, 3);
    // Saved without its checksum, as a snapshot's bytes are before they are written to a file.
    load(restored.keyspace, Buffer.concat([...this.chunks, Buffer.alloc(8)]), { keepsExpired: true });
    expect(digestOf(restored.keyspace)).toBe(this.digest);
  }
}

test('whatever clients do meanwhile, they see their own until they see what was loaded', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.array(deed, { maxLength: 4 })), {
    minLength: 1,
    maxLength: 25,
  });
  const whether = fc.boolean();
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 40 }), steps, fc.nat(25), whether, (before, rounds, walkAt, adopts) => {
      const store = like(values.store.keyspace.limits, 1);
      const model = like(values.store.keyspace.limits, 2);
      const { keyspace } = store;
      const doBoth = (each: Deed): void => [store, model].forEach(each);
      load(keyspace, file);
      load(model.keyspace, file);
      before.forEach(doBoth);

      const shadows = new ShadowDatabases(keyspace);
      const feed = new RdbFeed();
      const loader = new RdbLoader(keyspace, feed, { keepsExpired: true, into: shadows.database });
      let snapshot: Snapshot | null = null;
      let at = 0;
      rounds.forEach(([length, deeds], i) => {
        if (i === walkAt) snapshot = new Snapshot(store);
        const end = Math.min(file.length, at + length);
        feed.feed(file, at, end);
        at = end;
        loader.step(NEVER);
        deeds.forEach(doBoth);
        if (i % 4 === 0) expect(digestOf(keyspace)).toBe(digestOf(model.keyspace));
        if (i % 3 === 0) snapshot?.step();
      });
      if (adopts) {
        feed.feed(file, at, file.length);
        expect(loader.step(NEVER)).toBe(true);
        shadows.adopt();
        keyspace.dueKeys = 'stay';
        expect(digestOf(keyspace)).toBe(loaded);
        for (const i of [0, 1, 2, 3, 4, 5]) checkDatabase(store, i);
      } else {
        shadows.discard();
        expect(digestOf(keyspace)).toBe(digestOf(model.keyspace));
      }
      (snapshot as Snapshot | null)?.check();
      keyspace.dueKeys = 'go';
      expectNothingLost(store);
    }),
    { numRuns: 50 },
  );
});

describe('shadows', () => {
  function begin(store: Store): ShadowDatabases {
    const shadows = new ShadowDatabases(store.keyspace);
    load(store.keyspace, file, { keepsExpired: true, into: shadows.database });
    return shadows;
  }

  test('are seen by nobody, and what replaced is freed in slices', () => {
    const store = like(values.store.keyspace.limits, 1);
    for (let i = 0; i < 5000; i++) store.set(`key ${i}`, 'value');
    const usedBytes = store.usedBytes;
    const shadows = begin(store);
    expect(store.usedBytes).toBeGreaterThan(usedBytes);
    expect(store.database().size).toBe(5000);
    expect(store.keyspace.hasDatabase(3)).toBe(false);
    expect(store.get('string 1')).toBeNull();
    shadows.adopt();
    expect(store.keyspace.needsReclaim).toBe(true);
    expect(store.database().size).toBe(values.store.database().size);
    expect(store.database(3).expiring).toBe(1);
    expect(store.get('string 1')).toBe('0');
    expect(() => shadows.discard()).toThrow('once');
    expectNothingLost(store);
  });

  test('outlive the flushing of all that is seen', () => {
    const store = like(values.store.keyspace.limits, 1);
    store.set('key', 'value');
    const shadows = begin(store);
    store.keyspace.flushAll();
    store.keyspace.flush(0);
    store.set('key', 'value');
    shadows.adopt();
    expect(digestOf(store.keyspace)).toBe(loaded);
    expectNothingLost(store);
  });

  test('give all memory back when they are given up', () => {
    const store = like(values.store.keyspace.limits, 1);
    begin(store).discard();
    store.keyspace.reclaim(NEVER);
    expect(store.usedBytes).toBe(0);
    store.set('key', 'value');
    store.keyspace.flushAll();
    expect(store.keyspace.needsReclaim).toBe(false);
  });

  test('let a snapshot that is under way go on with what they replace', () => {
    const store = like(values.store.keyspace.limits, 1);
    for (let i = 0; i < 3000; i++) store.set(`key ${i}`, 'old');
    const shadows = begin(store);
    const recorder = new Recorder(store.keyspace);
    const walk = new SnapshotWalk(store.keyspace, recorder);
    for (let i = 0; i < 10; i++) expect(walk.run(ALWAYS)).toBe(false);
    shadows.adopt();
    for (let i = 0; i < 3000; i++) store.set(`key ${i}`, 'new');
    while (!walk.run(ALWAYS)) store.keyspace.reclaim(ALWAYS);
    expect(recorder.strings.size).toBe(3000);
    expect(new Set(recorder.strings.values())).toEqual(new Set(['old']));
    expectNothingLost(store);
  });

  test('are told to observers when they take the place of what these observe', () => {
    const store = like(values.store.keyspace.limits, 1);
    store.set('string 1', 'old');
    store.set('only old', 'old', 0, 5);
    const shadows = begin(store);
    const told: string[] = [];
    const has = (database: Database, name: string): boolean => database.peek(bytes(name)) !== 0;
    store.keyspace.observe({
      keyChanging: (_database, name: Bytes) => told.push(`changing ${name.toLatin1()}`),
      emptying: (database) => told.push(`emptying ${database.index}`),
      swapping: (a, b) => {
        if (a.size + b.size > 0)
          told.push(`${a.index} ${b.index}: ${[a, b].map((each) => has(each, 'string 2')).join()}`);
      },
    });
    shadows.adopt();
    expect(told).toEqual(['0 0: false,true', '3 3: false,false', '5 5: false,false']);
    expect(store.get('only old', 5)).toBeNull();
  });

  test('are found by clients who wait for their keys, and end transactions that watched keys of either', () => {
    const subject = new JournaledNode();
    const { node } = subject;
    const waiting = subject.client();
    const watching = ['old', 'set', 'neither'].map(() => subject.client());
    subject.client().say('SET', 'old', 'value');
    ['old', 'set', 'neither'].forEach((name, i) => watching[i].say('WATCH', name));
    expect(waiting.say('BLPOP', 'list', '0')).toBe('');
    const shadows = new ShadowDatabases(node.keyspace);
    load(node.keyspace, file, { keepsExpired: true, into: shadows.database });
    expect(waiting.waits).toBe(true);
    shadows.adopt();
    node.blocking.serve();
    expect(waiting.waits).toBe(false);
    const replies = watching.map((each) => [each.say('MULTI'), each.say('PING'), each.say('EXEC')][2]);
    expect(replies).toEqual(['*-1\r\n', '*-1\r\n', '*1\r\n+PONG\r\n']);
  });
});
