import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { NO_EXPIRY } from '../../src/storage';
import { BORN_MS, bytes, checkDatabase, Store } from './store';

interface Entry {
  value: string;
  expiryAtMs: number;
}

/** A store and the Map that it must equal. */
class Modelled {
  readonly store = new Store();
  readonly model = new Map<string, Entry>();

  constructor(private readonly random: Random) {}

  /** One random deed on one of the keys. */
  step(keys: readonly string[]): void {
    const { store, model, random } = this;
    const key = keys[random.below(keys.length)];
    const deed = random.below(10);
    if (deed < 4) {
      const entry = { value: this.value(), expiryAtMs: random.below(3) === 0 ? this.expiry() : NO_EXPIRY };
      store.set(key, entry.value, entry.expiryAtMs);
      model.set(key, entry);
    } else if (deed < 7) {
      expect(store.delete(key)).toBe(model.delete(key));
    } else if (model.has(key)) {
      if (deed === 7) this.expire(key);
      else if (deed === 8) this.append(key);
      else this.rename(key, keys[random.below(keys.length)]);
    }
  }

  check(keys: readonly string[]): void {
    const { store, model } = this;
    for (const key of keys) {
      const entry = model.get(key);
      const value = store.get(key);
      if (value !== (entry?.value ?? null)) expect.fail(`${key} is ${value}`);
      if (entry !== undefined && store.expiryOf(key) !== entry.expiryAtMs) expect.fail(`expiry of ${key}`);
    }
    const expiring = [...model.values()].filter(({ expiryAtMs }) => expiryAtMs !== NO_EXPIRY);
    expect([store.database().size, store.database().expiring]).toEqual([model.size, expiring.length]);
    checkDatabase(store);
  }

  private expire(key: string): void {
    const entry = this.model.get(key) ?? expect.fail();
    entry.expiryAtMs = this.random.below(4) === 0 ? NO_EXPIRY : this.expiry();
    this.store.database().setExpiry(this.store.record(key), entry.expiryAtMs);
  }

  private append(key: string): void {
    const entry = this.model.get(key) ?? expect.fail();
    const tail = this.value();
    entry.value += tail;
    this.store.strings.append(this.store.database(), this.store.record(key), bytes(tail));
  }

  private rename(from: string, to: string): void {
    if (from === to) return;
    const entry = this.model.get(from) ?? expect.fail();
    this.store.database().putCopy(bytes(to), this.store.record(from));
    this.store.delete(from);
    this.model.set(to, entry);
    this.model.delete(from);
  }

  private value(): string {
    const length = this.random.below(20) === 0 ? this.random.below(6000) : this.random.below(60);
    return 'abcdefghij'.repeat(Math.ceil(length / 10)).slice(0, length);
  }

  private expiry(): number {
    return BORN_MS + 1 + this.random.below(1_000_000);
  }
}

const numbered = (count: number, nameOf: (number: number) => string): string[] =>
  Array.from({ length: count }, (_, number) => nameOf(number));

test.each([
  ['a few keys', numbered(12, (n) => `key:${n}`)],
  ['keys in many slots', numbered(2000, (n) => `key:${n}`)],
  ['keys of one slot', numbered(700, (n) => `{tag}${n}`)],
  ['keys that are empty, long or binary', ['', ...numbered(40, (n) => '\x00\xff{}'.repeat(n) + 'k'.repeat(n * 16))]],
])('equals a Map after any deeds: %s', (_, keys) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const modelled = new Modelled(new Random(seed));
      for (let batch = 0; batch < 3; batch++) {
        for (let i = 0; i < 2 * keys.length; i++) modelled.step(keys);
        modelled.check(keys);
      }
      for (const key of modelled.model.keys()) expect(modelled.store.delete(key)).toBe(true);
      modelled.model.clear();
      modelled.check(keys);
      expect(modelled.store.usedBytes).toBe(0);
    }),
    { numRuns: 5 },
  );
});

test('one slot’s table grows to 20,000 keys, shrinks, grows and vanishes', () => {
  const store = new Store();
  const keys = numbered(20_000, (n) => `{tag}${n}`);
  const present = new Set<string>();
  const put = (key: string): void => {
    store.set(key, `value of ${key}`);
    present.add(key);
  };
  const drop = (key: string): void => {
    expect(store.delete(key)).toBe(present.delete(key));
  };
  const check = (): void => {
    checkDatabase(store);
    expect(store.database().size).toBe(present.size);
    const wrong = keys.filter((key) => store.get(key) !== (present.has(key) ? `value of ${key}` : null));
    expect(wrong).toEqual([]);
  };
  keys.forEach(put);
  check();
  const pagesWhenFull = store.pages();
  expect(pagesWhenFull).toBeGreaterThan(20_000 / 126);
  keys.slice(50).forEach(drop);
  check();
  expect(store.pages()).toBeLessThan(pagesWhenFull / 20);
  keys.slice(0, 10_000).forEach(put);
  check();
  keys.slice(0, 10_000).forEach(drop);
  check();
  expect(store.pages()).toBe(0);
  expect(store.usedBytes).toBe(0);
});

describe('memory', () => {
  test('an 11-byte key with a 32-byte value takes 56 bytes and some ten of index', () => {
    const store = new Store();
    const count = 100_000;
    for (let n = 0; n < count; n++) store.set(`k:${String(n).padStart(9, '0')}`, 'v'.repeat(32));
    expect(store.usedBytes / count).toBeLessThan(70);
  });

  test('a key that is written over and over takes what it takes once', () => {
    const store = new Store();
    store.set('key', 'x'.repeat(100));
    const { usedBytes } = store;
    for (const length of [0, 5000, 253, 254, 3_000_000, 1, 100]) store.set('key', 'x'.repeat(length));
    expect(store.usedBytes).toBe(usedBytes);
  });
});

describe('access', () => {
  test('is noted by find, by writes, and not by peek', () => {
    const store = new Store();
    store.set('key', 'value');
    store.advance(5000);
    store.record('key');
    expect(store.keyspace.idleSeconds(store.record('key'))).toBe(5);
    store.get('key');
    expect(store.keyspace.idleSeconds(store.record('key'))).toBe(0);
    store.advance(3000);
    expect(store.keyspace.idleSeconds(store.record('key'))).toBe(3);
    store.set('key', 'other');
    expect(store.keyspace.idleSeconds(store.record('key'))).toBe(0);
  });

  test('the clock of 24 bits goes round', () => {
    const store = new Store();
    store.set('key', 'value');
    store.advance((2 ** 24 + 7) * 1000);
    expect(store.keyspace.idleSeconds(store.record('key'))).toBe(7);
  });
});

describe('randomRecord', () => {
  const draw = (store: Store, times: number): Map<string, number> => {
    const drawn = new Map<string, number>();
    for (let i = 0; i < times; i++) {
      const key = store.keyOf(store.database().randomRecord());
      drawn.set(key, (drawn.get(key) ?? 0) + 1);
    }
    return drawn;
  };

  test('draws every key about as often, alone in its slot or not', () => {
    const store = new Store();
    const lonely = numbered(60, (n) => `key:${n}`);
    const crowd = numbered(60, (n) => `{tag}${n}`);
    for (const key of [...lonely, ...crowd]) store.set(key, 'value');
    const drawn = draw(store, 120 * 100);
    expect(drawn.size).toBe(120);
    // 100 per key on average; half and double are five deviations away.
    expect(Math.min(...drawn.values())).toBeGreaterThan(50);
    expect(Math.max(...drawn.values())).toBeLessThan(200);
  });

  test('reaches every key of a table of many pages', () => {
    const store = new Store();
    for (const key of numbered(1000, (n) => `{tag}${n}`)) store.set(key, 'value');
    expect(draw(store, 20_000).size).toBe(1000);
  });

  test('gives none of an empty database', () => {
    expect(new Store().database().randomRecord()).toBe(0);
  });

  test('ends, and removes them, when all keys are past their expiry', () => {
    const store = new Store();
    for (const key of numbered(3000, (n) => `key:${n % 2 === 0 ? n : `{tag}${n}`}`)) store.set(key, 'v', BORN_MS + 5);
    store.set('live', 'v', BORN_MS + 1000);
    store.advance(6);
    expect(store.keyOf(store.database().randomRecord())).toBe('live');
    store.advance(1000);
    expect(store.database().randomRecord()).toBe(0);
    expect([store.database().size, store.database().expiring, store.usedBytes]).toEqual([0, 0, 0]);
    expect(store.keyspace.expiredKeys).toBe(3001);
  });
});
