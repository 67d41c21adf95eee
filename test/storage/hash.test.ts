/**
 * Hashes against a plain map, while they are packed, outgrow that, and shrink to nothing.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { ENCODING_NAMES, Hash } from '../../src/storage';
import { bytes, checkDatabase, Store } from './store';

const KEY = 'a hash';

class Subject {
  readonly store = new Store();
  readonly hash = new Hash(this.store.keyspace);
  readonly model = new Map<string, string>();

  open(key = KEY): Hash {
    const name = bytes(key);
    this.hash.open(this.store.database(), name, this.store.database().find(name));
    return this.hash;
  }

  set(field: string, value: string): void {
    expect(this.open().set(bytes(field), bytes(value))).toBe(!this.model.has(field));
    this.model.set(field, value);
  }

  delete(field: string): void {
    expect(this.open().delete(bytes(field))).toBe(this.model.delete(field));
  }

  content(key = KEY): Map<string, string> {
    const hash = this.open(key);
    const content = new Map<string, string>();
    for (hash.start(); hash.next();) content.set(hash.name(new Bytes()).toLatin1(), hash.value(new Bytes()).toLatin1());
    expect(content.size).toBe(hash.length);
    return content;
  }

  check(): void {
    expect(this.content()).toEqual(this.model);
    const hash = this.open();
    const view = new Bytes();
    for (const [field, value] of this.model) {
      expect(hash.get(bytes(field), view)).toBe(true);
      expect(view.toLatin1()).toBe(value);
    }
    expect(hash.has(bytes('no such field'))).toBe(false);
    expect(this.store.database().size).toBe(this.model.size === 0 ? 0 : 1);
    checkDatabase(this.store);
  }
}

const text = fc.oneof(
  fc.constantFrom('', '0', '-1', '127', '128', '4095', '-4096', '65536', '9223372036854775807', '00', '1.5'),
  fc.string({ unit: 'binary-ascii', maxLength: 70 }),
  fc.integer({ min: 0, max: 40 }).map((n) => `field ${n}`),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ field: text, value: text }) },
  { weight: 3, arbitrary: fc.record({ field: text, value: fc.constant(null) }) },
);

describe('is a map from fields to values', () => {
  test.each([2, 16, 512])('packed up to %i fields', (entries) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const subject = new Subject();
        subject.store.keyspace.limits['hash-max-listpack-entries'] = entries;
        for (const { field, value } of steps) {
          if (value === null) subject.delete(field);
          else subject.set(field, value);
        }
        subject.check();
        for (const field of subject.model.keys()) subject.delete(field);
        subject.check();
        expect(subject.store.usedBytes).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('of thousands of fields', () => {
    const subject = new Subject();
    for (let i = 0; i < 20_000; i++) subject.set(`field:${(i * 7919) % 5000}`, `value ${i}`.repeat(1 + (i % 9)));
    subject.check();
    for (let i = 0; i < 4900; i++) subject.delete(`field:${i}`);
    subject.check();
    for (let i = 4900; i < 5000; i++) subject.delete(`field:${i}`);
    expect(subject.store.usedBytes).toBe(0);
  });
});

test('is packed until a field is long or there are many', () => {
  const subject = new Subject();
  const encoding = (): string => ENCODING_NAMES[subject.store.keyspace.records.encoding(subject.store.record(KEY))];
  for (let i = 0; i < 512; i++) subject.set(`${i}`, 'x'.repeat(64));
  expect(encoding()).toBe('listpack');
  subject.set('one more', '');
  expect(encoding()).toBe('hashtable');
  subject.store.delete(KEY);
  subject.model.clear();
  subject.set('field', 'short');
  subject.set('field', 'x'.repeat(65));
  expect(encoding()).toBe('hashtable');
  subject.check();
});

describe('a key of many fields', () => {
  function filled(count: number): Subject {
    const subject = new Subject();
    for (let i = 0; i < count; i++) subject.set(`field:${i}`, `${i}`);
    return subject;
  }

  test('is freed in pieces', () => {
    const subject = filled(20_000);
    const { keyspace, usedBytes } = subject.store;
    subject.store.delete(KEY);
    expect(subject.store.usedBytes).toBeGreaterThan(usedBytes * 0.9);
    let pieces = 0;
    for (; keyspace.needsReclaim; pieces++) keyspace.reclaim(() => true);
    expect(pieces).toBeGreaterThan(100);
    expect(subject.store.usedBytes).toBe(0);
  });

  test('is freed when something else takes its place', () => {
    const subject = filled(5000);
    subject.store.set(KEY, 'a string');
    subject.store.keyspace.reclaim(() => false);
    subject.store.delete(KEY);
    expect(subject.store.usedBytes).toBe(0);
  });

  test('has a life of its own after a copy, and keeps its fields under another name', () => {
    const subject = filled(3000);
    const database = subject.store.database();
    database.putCopy(bytes('copy'), subject.store.record(KEY));
    const copy = subject.content('copy');
    expect(copy).toEqual(subject.model);
    subject.set('field:7', 'changed');
    expect(subject.content('copy')).toEqual(copy);
    database.putMoved(bytes('moved'), database, bytes('copy'), subject.store.record('copy'));
    expect(subject.content('moved')).toEqual(copy);
    expect(subject.store.get('copy')).toBe(null);
    subject.store.delete('moved');
    subject.check();
  });

  test('is walked in pieces that return what stays', () => {
    const subject = filled(3000);
    const seen = new Map<string, number>();
    let cursor = 0;
    let round = 0;
    do {
      const hash = subject.open();
      cursor = hash.scan(cursor, 10, () => {
        const name = hash.name(new Bytes()).toLatin1();
        seen.set(name, (seen.get(name) ?? 0) + 1);
      });
      for (let i = 0; i < 20; i++) subject.set(`new:${round}:${i}`, '');
      if (round < 100) subject.delete(`field:${2999 - round}`);
      round++;
    } while (cursor !== 0);
    for (let i = 0; i < 2900; i++) expect(seen.get(`field:${i}`)).toBe(1);
  });

  test('gives every field the same chance', () => {
    const subject = filled(700);
    for (let i = 100; i < 700; i++) subject.delete(`field:${i}`);
    const hash = subject.open();
    const hits = new Map<string, number>();
    for (let i = 0; i < 50_000; i++) {
      hash.pick(subject.store.keyspace.random);
      const name = hash.name(new Bytes()).toLatin1();
      hits.set(name, (hits.get(name) ?? 0) + 1);
    }
    expect(hits.size).toBe(100);
    // Chi squared with 99 degrees of freedom: beyond 180 once in a million.
    const chiSquared = [...hits.values()].reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
    expect(chiSquared).toBeLessThan(180);
  });
});
