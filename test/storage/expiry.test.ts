import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { ExpiryCycle, NO_EXPIRY } from '../../src/storage';
import { BORN_MS, bytes, checkDatabase, Store } from './store';

const never = (): boolean => false;

/** A budget of pages: true when they are used up. */
function after(pages: number): () => boolean {
  return () => --pages <= 0;
}

describe('a key', () => {
  test('is there until its expiry, that millisecond included', () => {
    const store = new Store();
    store.set('key', 'value', BORN_MS + 10);
    store.advance(10);
    expect(store.get('key')).toBe('value');
    store.advance(1);
    expect(store.get('key')).toBeNull();
  });

  test('that is past its expiry counts until somebody notices', () => {
    const store = new Store();
    for (const key of ['a', 'b', 'c', 'd']) store.set(key, 'value', BORN_MS + 10);
    store.advance(11);
    expect([store.database().size, store.keyspace.expiredKeys]).toEqual([4, 0]);
    expect(store.database().peek(bytes('a'))).toBe(0);
    expect(store.delete('b')).toBe(false);
    store.set('c', 'anew');
    expect([store.database().size, store.database().expiring, store.keyspace.expiredKeys]).toEqual([2, 1, 3]);
    expect(store.expiryOf('c')).toBe(NO_EXPIRY);
    expect(store.keys()).toEqual(['c']);
    expect([store.database().size, store.keyspace.expiredKeys]).toEqual([1, 4]);
  });

  test('that expired in the past already is gone at the next look', () => {
    const store = new Store();
    store.set('key', 'value', 1);
    expect(store.get('key')).toBeNull();
    expect(store.usedBytes).toBe(0);
  });

  test('is copied over a key that is past its expiry', () => {
    const store = new Store();
    store.set('old', 'value', BORN_MS + 10);
    store.set('key', 'copied', BORN_MS + 1000);
    store.advance(11);
    store.database().putCopy(bytes('old'), store.record('key'));
    expect([store.get('old'), store.expiryOf('old'), store.keyspace.expiredKeys]).toEqual([
      'copied',
      BORN_MS + 1000,
      1,
    ]);
  });
});

describe('the average TTL', () => {
  test('is the mean of the keys that have one', () => {
    const store = new Store();
    expect(store.database().averageTtlMs()).toBe(0);
    store.set('forever', 'value');
    expect(store.database().averageTtlMs()).toBe(0);
    store.set('a', 'value', BORN_MS + 1000);
    store.set('b', 'value', BORN_MS + 4000);
    expect(store.database().averageTtlMs()).toBe(2500);
    store.advance(500);
    expect(store.database().averageTtlMs()).toBe(2000);
    store.database().setExpiry(store.record('b'), NO_EXPIRY);
    expect(store.database().averageTtlMs()).toBe(500);
    store.advance(600);
    expect(store.database().averageTtlMs()).toBe(0);
  });
});

describe('a run of the cycle', () => {
  test.each([
    ['many slots', (n: number) => `key:${n}`],
    ['one slot', (n: number) => `{tag}${n}`],
  ])('removes what is due and nothing else: %s', (_, nameOf) => {
    const store = new Store();
    const cycle = new ExpiryCycle(store.keyspace);
    for (let n = 0; n < 6000; n++) {
      store.set(nameOf(n), 'value', n % 4 === 0 ? NO_EXPIRY : BORN_MS + 1 + (n % 4) * 100, n % 3 === 0 ? 0 : 7);
    }
    for (const [advance, left] of [
      [100, 6000],
      [1, 6000],
      [1, 4500],
      [100, 3000],
      [100, 1500],
      [1e9, 1500],
    ]) {
      store.advance(advance);
      cycle.run(never);
      expect(store.database(0).size + store.database(7).size).toBe(left);
      checkDatabase(store, 0);
      checkDatabase(store, 7);
    }
    expect(store.keyspace.expiredKeys).toBe(4500);
  });

  test('leaves databases alone that were never used', () => {
    const store = new Store();
    store.set('key', 'value', BORN_MS + 1, 2);
    store.advance(2);
    new ExpiryCycle(store.keyspace).run(never);
    expect([0, 1, 2, 3].map((index) => store.keyspace.hasDatabase(index))).toEqual([false, false, true, false]);
    expect(store.usedBytes).toBe(0);
  });

  test('stops when time is up and goes on at the same place', () => {
    const store = new Store();
    const cycle = new ExpiryCycle(store.keyspace);
    for (let n = 0; n < 5000; n++) store.set(`{tag}${n}`, 'value', BORN_MS + 1);
    store.advance(2);
    let left = 5000;
    let runs = 0;
    while (left > 0) {
      cycle.run(after(1));
      const { size } = store.database();
      // A page has at most 126 keys, and one that is joined with its neighbour some more.
      expect(left - size).toBeGreaterThan(0);
      expect(left - size).toBeLessThan(400);
      left = size;
      runs++;
      checkDatabase(store);
    }
    expect(runs).toBeGreaterThan(5000 / 400);
    expect(store.usedBytes).toBe(0);
  });

  test('that was interrupted in a table does not forget a key that came to the part behind it', () => {
    const store = new Store();
    const cycle = new ExpiryCycle(store.keyspace);
    for (let n = 0; n < 1000; n++) store.set(`{tag}${n}`, 'value', BORN_MS + 1);
    store.advance(2);
    cycle.run(after(3));
    for (let n = 1000; n < 4000; n++) {
      const { buffer, start, end } = bytes(`{tag}${n}`);
      const isBehind = store.keyspace.hash.of(buffer, start, end) < 2 ** 27;
      if (isBehind) store.set(`{tag}${n}`, 'value', BORN_MS + 50);
    }
    cycle.run(never);
    expect(store.database().size).toBeGreaterThan(50);
    checkDatabase(store);
    store.advance(100);
    cycle.run(never);
    expect(store.database().size).toBe(0);
  });

  test('that was interrupted in a table which vanished begins the next one at its beginning', () => {
    const store = new Store();
    const cycle = new ExpiryCycle(store.keyspace);
    // The slot of {a} comes before that of {c}.
    for (const tag of ['{a}', '{c}']) for (let n = 0; n < 1000; n++) store.set(tag + n, 'value', BORN_MS + 1);
    store.advance(2);
    cycle.run(after(4));
    for (let n = 0; n < 1000; n++) store.delete(`{a}${n}`);
    expect(store.database().size).toBe(1000);
    cycle.run(never);
    expect(store.database().size).toBe(0);
  });

  test('that was interrupted in a table goes on truthfully after SWAPDB', () => {
    const store = new Store();
    const cycle = new ExpiryCycle(store.keyspace);
    for (let n = 0; n < 1000; n++) {
      store.set(`{tag}${n}`, 'value', BORN_MS + 1, 0);
      store.set(`{tag}${n}`, 'value', BORN_MS + 1 + (n % 2), 1);
    }
    store.advance(2);
    cycle.run(after(3));
    store.keyspace.swap(0, 1);
    cycle.run(never);
    for (const index of [0, 1]) checkDatabase(store, index);
    cycle.run(never);
    expect([store.database(0).size, store.database(1).size]).toEqual([500, 0]);
  });
});

/** A store with two databases and, for each of them, a Map from key to expiry. */
class TimedStore {
  readonly store = new Store();
  readonly cycle = new ExpiryCycle(this.store.keyspace);
  private models = [new Map<string, number>(), new Map<string, number>()];

  constructor(private readonly random: Random) {}

  step(): void {
    const { store, cycle, models, random } = this;
    const deed = random.below(100);
    const index = random.below(2);
    if (deed < 40) {
      for (let left = random.below(300); left > 0; left--) this.set(index, this.key(), this.expiry());
    } else if (deed < 50) {
      for (let left = random.below(1000); left > 0; left--) this.delete(index, this.key());
    } else if (deed < 53) {
      for (const key of models[index].keys()) this.delete(index, key);
    } else if (deed < 70) {
      store.advance(random.below(40));
    } else if (deed < 72) {
      // Who is due must be gone before the clock goes back, or nobody can say what is left.
      this.checkAfterFullRuns();
      store.advance(-random.below(30));
    } else if (deed < 74) {
      store.keyspace.flush(index);
      models[index].clear();
    } else if (deed < 77) {
      store.keyspace.swap(0, 1);
      models.reverse();
    } else {
      cycle.run(after(1 + random.below(25)));
    }
  }

  check(): void {
    for (const index of [0, 1]) checkDatabase(this.store, index);
  }

  /** After whole runs no due key remains, and what remains is counted right. */
  checkAfterFullRuns(): void {
    const { store, cycle } = this;
    // The first run ends what was interrupted: it may have begun in the middle of a database.
    cycle.run(never);
    cycle.run(never);
    this.check();
    for (const [index, model] of this.models.entries()) {
      const database = store.database(index);
      for (const [key, expiryAtMs] of model) if (this.isDue(expiryAtMs)) model.delete(key);
      const expiries = [...model.values()].filter((expiryAtMs) => expiryAtMs !== NO_EXPIRY);
      expect([database.size, database.expiring]).toEqual([model.size, expiries.length]);
      const sum = expiries.reduce((total, expiryAtMs) => total + (expiryAtMs - store.keyspace.nowMs), 0);
      const mean = expiries.length === 0 ? 0 : sum / expiries.length;
      expect(Math.abs(database.averageTtlMs() - mean)).toBeLessThanOrEqual(1);
      expect(store.keys(index).sort()).toEqual([...model.keys()].sort());
    }
  }

  private set(index: number, key: string, expiryAtMs: number): void {
    const { store, models, random } = this;
    if (random.below(3) > 0) {
      store.set(key, 'value', expiryAtMs, index);
      models[index].set(key, expiryAtMs);
      return;
    }
    const database = store.database(index);
    const record = database.peek(bytes(key));
    if (record === 0) return;
    database.setExpiry(record, expiryAtMs);
    models[index].set(key, expiryAtMs);
  }

  private delete(index: number, key: string): void {
    this.store.delete(key, index);
    this.models[index].delete(key);
  }

  /** Some hundred keys in each of three large tables, and some alone. */
  private key(): string {
    const number = this.random.below(900);
    return `{${number % 4 === 0 ? number : number % 4}}${number}`;
  }

  private expiry(): number {
    const { nowMs } = this.store.keyspace;
    const draw = this.random.below(10);
    return draw < 3 ? NO_EXPIRY : draw < 4 ? nowMs + this.random.below(1e7) : nowMs + this.random.below(150);
  }

  private isDue(expiryAtMs: number): boolean {
    return expiryAtMs !== NO_EXPIRY && this.store.keyspace.nowMs > expiryAtMs;
  }
}

test('whatever happens between interrupted runs, bounds stay bounds and whole runs leave nothing that is due', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const timed = new TimedStore(new Random(seed));
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 25; i++) timed.step();
        timed.check();
      }
      timed.checkAfterFullRuns();
      timed.store.advance(1e8);
      timed.checkAfterFullRuns();
    }),
    { numRuns: 15 },
  );
});
