/**
 * Eviction: memory stays within its limit, the right kind of key goes, and what is used stays.
 */
import { describe, expect, test } from 'vitest';
import { NO_EXPIRY } from '../../src/storage';
import type { EvictionPolicy } from '../../src/storage';
import { BORN_MS, checkDatabase, Store } from './store';

const never = (): boolean => false;

/** A store with `count` keys, `expiring` of which have an expiry; key i expires after the key i + 1. */
function filled(policy: EvictionPolicy, count: number, expiring: number): Store {
  const store = new Store();
  store.keyspace.eviction.choose(policy);
  for (let i = 0; i < count; i++) {
    store.set(`key:${i}`, 'x'.repeat(50), i < expiring ? BORN_MS + 1_000_000 - i : NO_EXPIRY);
  }
  return store;
}

describe.each([
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
] as const)('%s', (policy) => {
  test('makes room down to the limit, and counts what went', () => {
    const store = filled(policy, 5000, 5000);
    const limit = store.usedBytes / 2;
    expect(store.keyspace.eviction.makeRoom(limit, never)).toBe(true);
    expect(store.usedBytes).toBeLessThanOrEqual(limit);
    expect(store.usedBytes).toBeGreaterThan(limit * 0.9);
    expect(store.keyspace.eviction.evictedKeys).toBe(5000 - store.database().size);
    checkDatabase(store);
  });

  test('ends when nothing is left that may go', () => {
    const store = filled(policy, 300, 100);
    const hasRoom = store.keyspace.eviction.makeRoom(0, never);
    const isVolatile = policy.startsWith('volatile');
    expect(hasRoom).toBe(!isVolatile);
    expect(store.database().size).toBe(isVolatile ? 200 : 0);
    expect(store.database().expiring).toBe(0);
    checkDatabase(store);
  });

  test('takes keys from every database', () => {
    const store = new Store();
    store.keyspace.eviction.choose(policy);
    for (const index of [0, 3, 9]) {
      for (let i = 0; i < 500; i++) store.set(`key:${i}`, 'value', BORN_MS + 10_000, index);
    }
    store.keyspace.eviction.makeRoom(store.usedBytes / 2, never);
    for (const index of [0, 3, 9]) expect(store.database(index).size).toBeLessThan(450);
  });

  test('stops when its time is up, and goes on later', () => {
    const store = filled(policy, 1000, 1000);
    let left = 10;
    expect(store.keyspace.eviction.makeRoom(0, () => --left === 0)).toBe(true);
    expect(store.keyspace.eviction.evictedKeys).toBe(10);
  });
});

test('noeviction lets nothing go', () => {
  const store = filled('noeviction', 100, 50);
  expect(store.keyspace.eviction.makeRoom(0, never)).toBe(false);
  expect(store.database().size).toBe(100);
});

test('a few keys with an expiry are found among many without', () => {
  const store = filled('volatile-lru', 20_000, 3);
  expect(store.keyspace.eviction.makeRoom(0, never)).toBe(false);
  expect([store.database().size, store.database().expiring]).toEqual([19_997, 0]);
});

test('lru: keys that were used lately stay', () => {
  const store = filled('allkeys-lru', 2000, 0);
  store.keyspace.eviction.samples = 10;
  store.advance(60_000);
  for (let i = 0; i < 500; i++) store.get(`key:${i}`);
  store.keyspace.eviction.makeRoom(store.usedBytes / 2, never);
  let kept = 0;
  for (let i = 0; i < 500; i++) if (store.get(`key:${i}`) !== null) kept++;
  expect(kept).toBeGreaterThan(480);
});

test('lfu: keys that are used often stay; counters grow slowly and decay', () => {
  const store = filled('allkeys-lfu', 2000, 0);
  const { eviction, records } = store.keyspace;
  eviction.samples = 10;
  for (let use = 0; use < 100; use++) for (let i = 0; i < 300; i++) store.get(`key:${i}`);
  const frequency = (key: string): number => eviction.frequency(records.access(store.record(key)));
  expect(frequency('key:1')).toBeGreaterThan(6);
  expect(frequency('key:1')).toBeLessThan(40);
  expect(frequency('key:1999')).toBe(5);
  eviction.makeRoom(store.usedBytes / 2, never);
  let kept = 0;
  for (let i = 0; i < 300; i++) if (store.get(`key:${i}`) !== null) kept++;
  expect(kept).toBeGreaterThan(290);
  const before = frequency('key:1');
  store.advance(3 * 60_000);
  expect(frequency('key:1')).toBe(Math.max(0, before - 3));
});

test('ttl: what would end soonest goes first', () => {
  const store = filled('volatile-ttl', 2000, 2000);
  store.keyspace.eviction.samples = 10;
  store.keyspace.eviction.makeRoom(store.usedBytes / 2, never);
  let kept = 0;
  for (let i = 0; i < 500; i++) if (store.get(`key:${i}`) !== null) kept++;
  expect(kept).toBeGreaterThan(480);
});

test('a victim whose time has come counts as room made, not as evicted', () => {
  const store = filled('volatile-ttl', 200, 200);
  store.advance(2_000_000);
  expect(store.keyspace.eviction.makeRoom(store.usedBytes - 1000, never)).toBe(true);
  expect(store.keyspace.eviction.evictedKeys).toBe(0);
  checkDatabase(store);
});
