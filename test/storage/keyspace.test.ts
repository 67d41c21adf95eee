import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { Keyspace } from '../../src/storage';
import { BORN_MS, checkDatabase, Store } from './store';

const COUNT = 3000;

/** A store with keys in three databases, some in one table, some large, some with an expiry. */
function filled(): Store {
  const store = new Store();
  for (const index of [0, 1, 9]) {
    for (let n = 0; n < COUNT; n++) {
      const key = n % 2 === 0 ? `key:${n}` : `{tag}${n}`;
      store.set(key, `${index} ${'x'.repeat(n % 300)}`, n % 5 === 0 ? BORN_MS + 1000 + n : 0, index);
    }
    store.set('large', 'x'.repeat(3_000_000), 0, index);
  }
  return store;
}

/** A keyspace of only what `index` has in a filled one: what must be left after all else is reclaimed. */
function usedBytesAlone(index: number): number {
  const store = filled();
  for (const other of [0, 1, 9]) {
    if (other !== index) for (const key of store.keys(other)) store.delete(key, other);
  }
  return store.usedBytes;
}

function reclaimAll({ keyspace }: Store): number {
  let pieces = 0;
  for (; keyspace.needsReclaim; pieces++) keyspace.reclaim(() => true);
  return pieces;
}

describe('flush', () => {
  test('empties one database at once and gives its memory back in pieces', () => {
    const store = filled();
    const { usedBytes } = store;
    store.keyspace.flush(1);
    expect([store.database(1).size, store.database(1).expiring, store.keys(1)]).toEqual([0, 0, []]);
    expect(store.keyspace.needsReclaim).toBe(true);
    expect(store.usedBytes).toBeGreaterThan(usedBytes * 0.95);
    for (let n = 0; n < 100; n++) store.set(`key:${n}`, 'new', 0, 1);
    expect(reclaimAll(store)).toBeGreaterThan(500);
    for (const index of [0, 1, 9]) checkDatabase(store, index);
    expect([store.database(0).size, store.database(1).size, store.database(9).size]).toEqual([
      COUNT + 1,
      100,
      COUNT + 1,
    ]);
    expect(store.get('key:2', 1)).toBe('new');
    expect(store.get('key:2', 9)).toBe('9 xx');
    store.keyspace.flush(1);
    store.keyspace.flush(0);
    reclaimAll(store);
    expect(store.usedBytes).toBe(usedBytesAlone(9));
  });

  test('of the same database again, before the first is reclaimed', () => {
    const store = filled();
    for (let round = 0; round < 3; round++) {
      store.keyspace.flush(0);
      store.keyspace.reclaim(() => true);
      for (let n = 0; n < 50; n++) store.set(`{tag}${n}`, `round ${round}`);
    }
    reclaimAll(store);
    expect(store.get('{tag}7')).toBe('round 2');
    checkDatabase(store);
    for (let n = 0; n < 50; n++) store.delete(`{tag}${n}`);
    for (const index of [1, 9]) for (const key of store.keys(index)) store.delete(key, index);
    expect(store.usedBytes).toBe(0);
  });

  test('of the last database with keys gives all memory back at once', () => {
    const store = filled();
    store.keyspace.flush(0);
    store.keyspace.flush(9);
    store.keyspace.reclaim(() => true);
    store.keyspace.flush(1);
    expect(store.keyspace.needsReclaim).toBe(false);
    expect([store.usedBytes, store.keyspace.arena.committedBytes]).toEqual([0, 0]);
    store.set('key', 'value', 0, 9);
    expect([store.get('key', 9), store.get('key', 0)]).toEqual(['value', null]);
  });

  test('of an empty database does nothing', () => {
    const store = filled();
    const { usedBytes } = store;
    store.keyspace.flush(5);
    expect([store.keyspace.needsReclaim, store.usedBytes]).toEqual([false, usedBytes]);
    new Store().keyspace.flush(0);
  });
});

test('flushAll empties everything at once, also what waits to be reclaimed', () => {
  const store = filled();
  store.keyspace.flush(0);
  store.keyspace.reclaim(() => true);
  store.keyspace.flushAll();
  expect([store.usedBytes, store.keyspace.arena.committedBytes, store.keyspace.needsReclaim]).toEqual([0, 0, false]);
  for (const index of [0, 1, 9]) {
    expect([store.database(index).size, store.database(index).expiring, store.keys(index)]).toEqual([0, 0, []]);
    store.set('key', `of ${index}`, 0, index);
  }
  for (const index of [0, 1, 9]) {
    expect(store.get('key', index)).toBe(`of ${index}`);
    checkDatabase(store, index);
  }
});

describe('swap', () => {
  test('exchanges what two numbers mean, expiries and counts included', () => {
    const store = filled();
    const [first, second] = [store.database(1), store.database(4)];
    store.set('key', 'of four', BORN_MS + 77, 4);
    store.keyspace.swap(1, 4);
    expect([store.database(1), store.database(4)]).toEqual([second, first]);
    expect([first.index, second.index]).toEqual([4, 1]);
    expect([store.database(1).size, store.database(1).expiring, store.expiryOf('key', 1)]).toEqual([
      1,
      1,
      BORN_MS + 77,
    ]);
    expect([store.database(4).size, store.get('key:2', 4)]).toEqual([COUNT + 1, '1 xx']);
    store.keyspace.flush(4);
    reclaimAll(store);
    expect(store.get('key', 1)).toBe('of four');
    for (const index of [0, 1, 4, 9]) checkDatabase(store, index);
  });

  test('with itself changes nothing', () => {
    const store = filled();
    store.keyspace.swap(1, 1);
    expect([store.database(1).index, store.database(1).size, store.get('key:2', 1)]).toEqual([1, COUNT + 1, '1 xx']);
  });
});

test('has sixteen databases unless told, and makes them when they are used', () => {
  expect(new Keyspace({ random: new Random(1) }).databaseCount).toBe(16);
  const { keyspace } = new Store(1, 3);
  expect(keyspace.databaseCount).toBe(3);
  expect([keyspace.hasDatabase(2), keyspace.database(2).index, keyspace.hasDatabase(2)]).toEqual([false, 2, true]);
});
