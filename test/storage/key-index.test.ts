/**
 * The tables by themselves, with hashes of the test's choice: collisions and crowded pages that no real hash gives.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { Arena, type Address } from '../../src/storage/arena';
import { KeyIndex } from '../../src/storage/key-index';
import { NO_EXPIRY, Records } from '../../src/storage/records';
import { bytes } from './store';

const SLOT = 5;

class Table {
  readonly arena = new Arena();
  readonly records = new Records(this.arena);
  readonly keys = new KeyIndex(this.arena, this.records);
  /** What must be in it: name, hash and record. */
  readonly model = new Map<string, { hash: number; record: Address }>();

  insert(name: string, hash: number): void {
    expect(this.keys.find(SLOT, hash, bytes(name))).toBe(0);
    const record = this.records.create(bytes(name), 0, 0, 1, NO_EXPIRY, 0);
    this.keys.insert(SLOT, hash, record);
    this.model.set(name, { hash, record });
  }

  remove(name: string): void {
    const { hash, record } = this.model.get(name) ?? expect.fail(`${name} was never inserted`);
    expect(this.keys.find(SLOT, hash, bytes(name))).toBe(record);
    this.keys.removeFound();
    this.records.free(record);
    this.model.delete(name);
  }

  check(): void {
    expect(this.keys.count(SLOT)).toBe(this.model.size);
    for (const [name, { hash, record }] of this.model) expect(this.keys.find(SLOT, hash, bytes(name))).toBe(record);
    expect(this.walk().sort((a, b) => a - b)).toEqual(
      [...this.model.values()].map(({ record }) => record).sort((a, b) => a - b),
    );
  }

  /** All records, in order of pages. */
  walk(): Address[] {
    const records: Address[] = [];
    if (this.keys.pageOf(SLOT, 0) === 0) return records;
    for (let hash = 0; hash < 2 ** 32;) {
      const page = this.keys.pageOf(SLOT, hash);
      const entries: Address[] = [];
      this.keys.pages.read(page, [], entries);
      records.push(...entries);
      hash = this.keys.pageEnd(page, hash);
    }
    return records;
  }
}

/** Hashes that differ by a whole number of `step`: large steps share lower bits (home), small ones upper (page). */
const hashesOf = (step: number, variety: number): fc.Arbitrary<number> =>
  fc.nat(variety - 1).map((n) => (n * step) % 2 ** 32);

describe.each([
  ['any hashes', fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ['hashes of one home', hashesOf(2 ** 16, 2 ** 16)],
  ['hashes of neighbouring homes', hashesOf(1, 40)],
  ['homes that wrap around the end of the page', hashesOf(1, 0x200).map((n) => n + 0xff00)],
  ['few hashes', hashesOf(0x20000001, 8)],
])('%s', (_, hashes) => {
  test('every key is found, and nothing else, whatever is inserted and removed', () => {
    fc.assert(
      fc.property(fc.array(hashes, { maxLength: 90 }), fc.integer(), (list, seed) => {
        const table = new Table();
        const random = new Random(seed);
        for (const [number, hash] of list.entries()) {
          table.insert(`key:${number}`, hash);
          if (random.below(3) === 0) table.remove([...table.model.keys()][random.below(table.model.size)]);
        }
        table.check();
        expect(table.keys.find(SLOT, list[0] ?? 0, bytes('another'))).toBe(0);
        for (const name of table.model.keys()) table.remove(name);
        table.check();
        expect(table.arena.usedBytes).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test('hundreds of keys, then none', () => {
    const table = new Table();
    for (const [number, hash] of fc.sample(hashes, { numRuns: 600, seed: 11 }).entries()) {
      table.insert(`key:${number}`, hash);
    }
    table.check();
    const random = new Random(12);
    while (table.model.size > 0) {
      const names = [...table.model.keys()];
      for (let i = 0; i < names.length; i++) if (random.below(2) === 0) table.remove(names[i]);
      table.check();
    }
    expect(table.arena.usedBytes).toBe(0);
  });
});

test('a page that no bit can split grows beyond 1 KiB, and shrinks again', () => {
  const table = new Table();
  for (let number = 0; number < 1000; number++) table.insert(`key:${number}`, 0xabcdef01);
  table.check();
  for (let number = 3; number < 1000; number++) table.remove(`key:${number}`);
  table.check();
  for (let number = 0; number < 3; number++) table.remove(`key:${number}`);
  expect(table.arena.usedBytes).toBe(0);
});

test('slots are strangers to each other', () => {
  const table = new Table();
  table.insert('key', 77);
  expect(table.keys.find(SLOT + 1, 77, bytes('key'))).toBe(0);
  table.keys.dropTable(SLOT + 1);
  table.check();
});

test('no single insert moves more than a page and the directory', () => {
  const table = new Table();
  const random = new Random(2);
  let most = 0;
  for (let number = 0; number < 20_000; number++) {
    const hash = random.uint32();
    const before = table.arena.usedBytes;
    table.insert(`key:${number}`, hash);
    most = Math.max(most, table.arena.usedBytes - before);
  }
  table.check();
  // 20,000 keys make a directory of some 2^9 words; a table that rehashes would show 160 KB here.
  expect(most).toBeLessThan(8 * 1024);
});
