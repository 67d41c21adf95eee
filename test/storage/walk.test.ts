import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/base';
import { forEachKey, scan } from '../../src/storage';
import { BORN_MS, checkDatabase, Store } from './store';

afterEach(() => void vi.restoreAllMocks());

/** A whole SCAN with `meanwhile` between its calls; the keys in the order seen. */
function scanAll(store: Store, count: () => number, meanwhile: () => void = () => {}): string[] {
  const seen: string[] = [];
  let cursor = 0;
  do {
    cursor = scan(store.database(), cursor, count(), (record) => seen.push(store.keyOf(record)));
    meanwhile();
  } while (cursor !== 0);
  return seen;
}

describe.each([
  ['keys of many slots', (n: number) => `key:${n}`],
  ['keys of one slot', (n: number) => `{tag}${n}`],
  ['both', (n: number) => (n % 3 === 0 ? `key:${n}` : `{tag:${n % 2}}${n}`)],
])('SCAN of %s', (_, nameOf) => {
  test('sees each key once, in calls of any COUNT', () => {
    const store = new Store();
    const keys = Array.from({ length: 1500 }, (__, n) => nameOf(n));
    for (const key of keys) store.set(key, 'value');
    for (const count of [1, 2, 10, 64, 1499, 1500, 1e9]) {
      expect(scanAll(store, () => count).sort()).toEqual([...keys].sort());
    }
  });

  test('sees what is there throughout exactly once, whatever comes and goes, and the rest at most once', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom(3, 60, 2000),
        (seed, countMax, churn) => {
          const store = new Store(seed);
          const random = new Random(seed);
          const stable = Array.from({ length: 300 }, (__, n) => nameOf(n));
          const fleeting = Array.from({ length: 2 * churn }, (__, n) => nameOf(1000 + n));
          for (const key of [...stable, ...fleeting.slice(0, churn)]) store.set(key, 'value');
          let calls = 0;
          const seen = scanAll(
            store,
            () => 1 + random.below(countMax),
            () => {
              // In turns: random comings and goings, growth by thousands, shrinking by thousands.
              const phase = random.below(3);
              if (calls++ > 12) return;
              for (const key of fleeting) {
                if (phase === 1 || (phase === 0 && random.below(2) === 0)) store.set(key, 'other');
                else if (phase === 2 || random.below(2) === 0) store.delete(key);
              }
            },
          );
          const times = new Map<string, number>();
          for (const key of seen) times.set(key, (times.get(key) ?? 0) + 1);
          expect(stable.filter((key) => times.get(key) !== 1)).toEqual([]);
          expect([...times].filter(([, number]) => number > 1)).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });
});

test('a call visits as many keys as COUNT says', () => {
  const store = new Store();
  for (let n = 0; n < 1000; n++) store.set(`{tag}${n}`, 'value');
  let calls = 0;
  expect(
    scanAll(
      store,
      () => 10,
      () => void calls++,
    ).length,
  ).toBe(1000);
  expect(calls).toBe(100);
});

test('keys of one hash are seen together, and once, whatever COUNT is', () => {
  const store = new Store();
  const { hash } = store.keyspace;
  const of = hash.of.bind(hash);
  vi.spyOn(hash, 'of').mockImplementation((buffer, start, end) => (of(buffer, start, end) & 0xf8000000) >>> 0);
  const keys = Array.from({ length: 800 }, (_, n) => `{tag}${n}`).sort();
  for (const key of keys) store.set(key, 'value');
  for (const count of [1, 7, 100]) expect(scanAll(store, () => count).sort()).toEqual(keys);
  checkDatabase(store);
});

test('an empty database, and any cursor that nobody handed out, end the scan', () => {
  const store = new Store();
  const none = (): void => expect.fail('there is no key');
  expect(scan(store.database(), 0, 10, none)).toBe(0);
  for (const cursor of [1, 2 ** 32 - 1, 2 ** 42 - 1, 2 ** 42, 2 ** 53 - 1]) {
    expect(scan(store.database(), cursor, 10, none)).toBe(0);
  }
  store.set('key', 'value');
  for (const cursor of [2 ** 42, 2 ** 53 - 1]) expect(scan(store.database(), cursor, 10, none)).toBe(0);
});

test('a flush in the middle ends the scan with what comes after', () => {
  const store = new Store();
  for (let n = 0; n < 1000; n++) store.set(`key:${n}`, 'value');
  const cursor = scan(store.database(), 0, 100, () => {});
  store.keyspace.flush(0);
  expect(scan(store.database(), cursor, 100, () => expect.fail('there is no key'))).toBe(0);
});

test('keys past their expiry are not shown, and are removed', () => {
  const store = new Store();
  for (let n = 0; n < 600; n++) store.set(`{tag}${n}`, 'value', n % 3 === 0 ? BORN_MS + 10 : BORN_MS + 1000);
  store.advance(11);
  const seen = scanAll(store, () => 25);
  expect(seen.length).toBe(400);
  expect(seen.filter((key) => Number(key.slice(5)) % 3 === 0)).toEqual([]);
  expect([store.database().size, store.keyspace.expiredKeys]).toEqual([400, 200]);
  checkDatabase(store);
});

test('forEachKey shows every key once, and may remove each', () => {
  const store = new Store();
  for (let n = 0; n < 5000; n++) store.set(n % 2 === 0 ? `key:${n}` : `{tag}${n}`, 'value');
  let shown = 0;
  forEachKey(store.database(), (record) => {
    shown++;
    expect(store.delete(store.keyOf(record))).toBe(true);
  });
  expect([shown, store.database().size, store.usedBytes]).toEqual([5000, 0, 0]);
});
