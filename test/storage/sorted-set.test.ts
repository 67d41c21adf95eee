/**
 * Sorted sets against an array that is sorted after every change, with limits so small that both encodings come up all the time,
 * and few scores, so that names decide.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, Random } from '../../src/base';
import {
  ADD_IF_GREATER,
  ADD_IF_LESS,
  ADD_IF_MISSING,
  ADD_IF_PRESENT,
  ADD_INCREMENT,
  ADDED,
  Draft,
  ENCODING_NAMES,
  NO_EXPIRY,
  NOT_A_NUMBER,
  NOT_ADDED,
  SortedSet,
  UNCHANGED,
  UPDATED,
} from '../../src/storage';
import { bytes, checkDatabase, Store } from './store';

const ENTRIES = 8;
const VALUE_BYTES = 12;

type Pair = readonly [name: string, score: number];

/** Sorted sets under any names, and what is to be in them. */
class SortedSets {
  readonly store = new Store();
  readonly set = new SortedSet(this.store.keyspace);
  readonly models = new Map<string, Map<string, number>>();
  private readonly view = new Bytes();

  constructor() {
    const { limits } = this.store.keyspace;
    limits['zset-max-listpack-entries'] = ENTRIES;
    limits['zset-max-listpack-value'] = VALUE_BYTES;
  }

  open(key: string): SortedSet {
    const database = this.store.database();
    const name = bytes(key);
    this.set.open(database, name, database.find(name));
    return this.set;
  }

  model(key: string): Map<string, number> {
    let model = this.models.get(key);
    if (model === undefined) this.models.set(key, (model = new Map<string, number>()));
    return model;
  }

  sorted(key: string): Pair[] {
    return [...this.model(key)].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  }

  encoding(key: string): string {
    return ENCODING_NAMES[this.store.keyspace.records.encoding(this.store.record(key))];
  }

  here(): Pair {
    return [this.set.name(this.view).toLatin1(), this.set.score];
  }

  /** All of a key, as each way of walking shows it. */
  check(key: string): void {
    const set = this.open(key);
    const expected = this.sorted(key);
    expect(set.exists).toBe(expected.length > 0);
    expect(set.length).toBe(expected.length);
    const walked: Pair[] = [];
    for (set.start(); set.next();) walked.push(this.here());
    expect(walked).toEqual(expected);
    if (expected.length > 0) {
      const back: Pair[] = [];
      set.seek(expected.length - 1);
      do back.push(this.here());
      while (set.previous());
      expect(back.reverse()).toEqual(expected);
    }
    const scanned: Pair[] = [];
    let cursor = 0;
    do cursor = set.scan(cursor, 3, () => scanned.push(this.here()));
    while (cursor !== 0);
    expect(new Map(scanned)).toEqual(this.model(key));
    expect(scanned.length).toBe(expected.length);
    for (const [rank, [name, score]] of expected.entries()) {
      expect([set.rankOf(bytes(name)), set.scoreOf(bytes(name)), set.has(bytes(name))]).toEqual([rank, score, true]);
      set.seek(rank);
      expect(this.here()).toEqual([name, score]);
    }
  }
}

const key = fc.constantFrom('a', 'b');
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', 'a', 'b', 'ab', 'abc', '1', '10', '-5', '007', '9007199254740993') },
  { weight: 4, arbitrary: fc.integer({ min: -99, max: 99 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('exactly 12 B', 'not exactly 12') },
  fc.uint8Array({ maxLength: 4 }).map((all) => Buffer.from(all).toString('latin1')),
);
const score = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(0, 1, 2, -1, 0.5, 1e17, 2 ** 53 + 2, -(2 ** 62), 2 ** 63, Infinity, -Infinity),
  },
  fc.double({ noNaN: true }).map((value) => value + 0),
);
const flags = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  fc.constantFrom(ADD_IF_MISSING, ADD_IF_PRESENT, ADD_IF_GREATER, ADD_IF_LESS, ADD_IF_PRESENT | ADD_IF_GREATER),
  fc.constantFrom(ADD_INCREMENT, ADD_INCREMENT | ADD_IF_LESS, ADD_INCREMENT | ADD_IF_PRESENT),
);

type Deed = (sets: SortedSets) => void;

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(key, name, score, flags).map((args) => (sets: SortedSets) => add(sets, ...args)) },
  {
    weight: 3,
    arbitrary: fc.tuple(key, name).map(
      ([of, which]) =>
        (sets: SortedSets) =>
          remove(sets, of, which),
    ),
  },
  fc.tuple(key, fc.nat(20), fc.nat(20)).map(
    ([of, from, count]) =>
      (sets: SortedSets) =>
        cut(sets, of, from, count),
  ),
  fc.tuple(key, score).map(
    ([of, bound]) =>
      (sets: SortedSets) =>
        countBelow(sets, of, bound),
  ),
  fc.tuple(key, key).map(
    ([from, to]) =>
      (sets: SortedSets) =>
        copy(sets, from, to),
  ),
  fc.tuple(key, key).map(
    ([from, to]) =>
      (sets: SortedSets) =>
        draft(sets, from, to),
  ),
  key.map((of) => (sets: SortedSets) => drop(sets, of)),
);

function add(sets: SortedSets, of: string, which: string, value: number, how: number): void {
  const set = sets.open(of);
  const model = sets.model(of);
  const wasLarge = set.exists && sets.encoding(of) === 'skiplist';
  const old = model.get(which);
  const wanted = (how & ADD_INCREMENT) !== 0 ? (old ?? 0) + value : value;
  let expected = old === undefined ? ADDED : wanted === old ? UNCHANGED : UPDATED;
  if (old === undefined ? (how & ADD_IF_PRESENT) !== 0 : (how & ADD_IF_MISSING) !== 0) expected = NOT_ADDED;
  else if (Number.isNaN(wanted)) expected = NOT_A_NUMBER;
  else if (old !== undefined && (how & ADD_IF_GREATER) !== 0 && wanted <= old) expected = NOT_ADDED;
  else if (old !== undefined && (how & ADD_IF_LESS) !== 0 && wanted >= old) expected = NOT_ADDED;
  const outcome = set.add(value, bytes(which), how);
  expect(outcome).toBe(expected);
  if (outcome === UPDATED || outcome === ADDED) {
    expect(set.newScore).toBe(wanted);
    model.set(which, wanted);
  }
  if (!set.exists) return;
  const isLarge = wasLarge || (outcome === ADDED && (model.size > ENTRIES || which.length > VALUE_BYTES));
  expect(sets.encoding(of)).toBe(isLarge ? 'skiplist' : 'listpack');
}

function remove(sets: SortedSets, of: string, which: string): void {
  expect(sets.open(of).delete(bytes(which))).toBe(sets.model(of).delete(which));
}

function cut(sets: SortedSets, of: string, from: number, count: number): void {
  const gone = sets.sorted(of).slice(from, from + count);
  if (gone.length === 0) return;
  sets.open(of).removeRange(from, gone.length);
  for (const [which] of gone) sets.model(of).delete(which);
}

function countBelow(sets: SortedSets, of: string, bound: number): void {
  const scores = sets.sorted(of).map((pair) => pair[1]);
  const set = sets.open(of);
  expect(set.countBelow(bound, false)).toBe(scores.filter((one) => one < bound).length);
  expect(set.countBelow(bound, true)).toBe(scores.filter((one) => one <= bound).length);
  // A packed score has no -0.
  const walked: number[] = [];
  if (set.seekScore(bound))
    do walked.push(set.walkScore + 0);
    while (set.next());
  expect(walked).toEqual(scores.filter((one) => one >= bound).map((one) => one + 0));
}

function copy(sets: SortedSets, from: string, to: string): void {
  if (from === to || sets.model(from).size === 0) return;
  sets.store.database().putCopy(bytes(to), sets.store.record(from));
  sets.models.set(to, new Map(sets.model(from)));
  expect(sets.encoding(to)).toBe(sets.encoding(from));
}

/** Makes the union of both keys in a draft and moves it to the second. */
function draft(sets: SortedSets, from: string, to: string): void {
  const all = new Map([...sets.model(from), ...sets.model(to)]);
  if (all.size === 0) return;
  const { keyspace } = sets.store;
  const made = new Draft(keyspace, new SortedSet(keyspace));
  const result = made.begin();
  result.expect(Infinity);
  for (const [which, value] of all) result.add(value, bytes(which));
  result.packIfSmall();
  made.moveTo(sets.store.database(), bytes(to));
  made.discard();
  sets.models.set(to, all);
  const isLarge = all.size > ENTRIES || [...all.keys()].some((which) => which.length > VALUE_BYTES);
  expect(sets.encoding(to)).toBe(isLarge ? 'skiplist' : 'listpack');
}

function drop(sets: SortedSets, of: string): void {
  sets.open(of).removeKey();
  sets.model(of).clear();
}

describe('a sorted set', () => {
  test('is that of the model, whatever is done to it, and leaves no memory behind', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 80, size: 'max' }), (deeds) => {
        const sets = new SortedSets();
        for (const one of deeds) {
          one(sets);
          for (const of of ['a', 'b']) sets.check(of);
        }
        for (const of of ['a', 'b']) drop(sets, of);
        checkDatabase(sets.store);
        sets.store.keyspace.reclaim(() => false);
        expect(sets.store.usedBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('orders names where all scores are equal', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 20 }), name, (names, bound) => {
        const sets = new SortedSets();
        for (const which of names) add(sets, 'a', which, 7, 0);
        const set = sets.open('a');
        expect(set.countBelowName(bytes(bound), false)).toBe(names.filter((one) => one < bound).length);
        expect(set.countBelowName(bytes(bound), true)).toBe(names.filter((one) => one <= bound).length);
      }),
    );
  });

  test.each([5, 40])('of %i members is picked from evenly', (size) => {
    const sets = new SortedSets();
    for (let i = 0; i < size; i++) add(sets, 'a', `member ${i}`, i, 0);
    const set = sets.open('a');
    const random = new Random(7);
    const counts = new Map<string, number>();
    for (let i = 0; i < size * 1000; i++) {
      set.pick(random);
      const [which] = sets.here();
      counts.set(which, (counts.get(which) ?? 0) + 1);
    }
    expect(counts.size).toBe(size);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(200);
  });

  test('is enlarged for what is expected, and keeps its expiry', () => {
    const sets = new SortedSets();
    add(sets, 'a', 'member', 1, 0);
    const expiryAtMs = sets.store.keyspace.nowMs + 1000;
    sets.store.database().setExpiry(sets.store.record('a'), expiryAtMs);
    sets.open('a').expect(ENTRIES);
    expect(sets.encoding('a')).toBe('listpack');
    sets.open('a').expect(ENTRIES + 1);
    expect(sets.encoding('a')).toBe('skiplist');
    sets.check('a');
    expect(sets.store.expiryOf('a')).toBe(expiryAtMs);
    sets.open('b').expect(ENTRIES + 1);
    add(sets, 'b', 'member', 1, 0);
    expect([sets.encoding('b'), sets.store.expiryOf('b')]).toEqual(['skiplist', NO_EXPIRY]);
  });

  test.each([
    [0, '0'],
    [-0, '0'],
    [1.5, '1.5'],
    [0.1, '0.1'],
    [1e17, '100000000000000000'],
    [2 ** 62, '4611686018427387904'],
    [2 ** 63, '9223372036854776000'],
    [1e300, '1e+300'],
    [-Infinity, '-inf'],
  ])('packs %d as %s', (value, text) => {
    const sets = new SortedSets();
    const set = sets.open('a');
    set.add(value, bytes('member'));
    set.seek(0);
    expect(set.scoreText).toBe(text);
    expect(set.score).toBe(value + 0);
  });

  test.each([
    [3, '3'],
    [-0, '-0'],
    [0.1, '0.10000000000000001'],
    [1e15, '1000000000000000'],
    [4e15, '4000000000000000'],
    [100000000, '100000000'],
    [1e16, '10000000000000000'],
    [1e17, '1e+17'],
    [-2.5e-5, '-2.5000000000000001e-05'],
    [0.0001, '0.0001'],
    [1.25, '1.25'],
    [1000000000000001.25, '1000000000000001.2'],
    [1000000000000001.75, '1000000000000001.8'],
    [-1000000000000000.25, '-1000000000000000.2'],
    [123456789012345680, '1.2345678901234568e+17'],
    [Infinity, 'inf'],
  ])('shows %d as %s where it is large', (value, text) => {
    const sets = new SortedSets();
    const set = sets.open('a');
    set.expect(ENTRIES + 1);
    set.add(value, bytes('member'));
    set.seek(0);
    expect(set.scoreText).toBe(text);
  });
});
