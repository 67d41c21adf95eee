/**
 * Damaged RDB files, most with a CRC that was mended afterwards: whatever a stranger made of one is refused or loads as values
 * that can be used, in memory that fits its size, and every byte of it comes back when the keys are gone.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../../src/base';
import { Digests, forEachKey, type Keyspace } from '../../../src/storage';
import { disturbed } from '../packed';
import { bytes, Store } from '../store';
import { rdbString, streamOf, ziplistOf, zipmapOf } from './old-forms';
import { emptyKeyspace, expiryAt, load, mended, rdbFile, save } from './rdb-files';
import { range, Values } from './values';

/** Far above what any of these files may need: a few kilobytes each. */
const MEMORY_MAX = 64 * 1024 * 1024;

const values = new Values();
values.makeAll();
values.store.set('in database 3', 'yes', values.store.keyspace.nowMs + 5, 3);

const named = (type: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type]), rdbString(Buffer.from(`type ${type}`)), value]);
const texts = range(30).map((i) => (i % 3 === 0 ? String(i * i * 999) : `text ${i}`));
const pairs = texts.flatMap((text, i) => [text, String(i)]);

/** Files with everything that is written, and everything that only older versions wrote. */
const files: Buffer[] = [
  save(values.store.keyspace, 10),
  save(values.store.keyspace, 11, false),
  rdbFile(
    9,
    [0xfa, 1, 97, 1, 98, 0xfe, 0, 0xfb, 5, 1],
    named(13, rdbString(ziplistOf(pairs))),
    named(9, rdbString(zipmapOf(pairs))),
    named(12, rdbString(ziplistOf(pairs))),
    named(10, rdbString(ziplistOf(texts))),
    named(14, Buffer.concat([Buffer.from([2]), rdbString(ziplistOf(texts)), rdbString(ziplistOf(['one']))])),
    expiryAt(values.store.keyspace.nowMs + 77),
    named(1, Buffer.concat([Buffer.from([2]), rdbString(Buffer.from('a')), rdbString(Buffer.from('b'))])),
    [0xf8, 7],
    named(3, Buffer.concat([Buffer.from([1]), rdbString(Buffer.from('m')), Buffer.from([3, 49, 46, 53])])),
    named(15, streamOf(15).subarray(1)),
  ),
];

/** Used again and again, as a new one costs more than most of these files. */
const keyspace = emptyKeyspace();
const again = emptyKeyspace();
for (const { limits } of [keyspace, again]) Object.assign(limits, values.store.keyspace.limits);

/** Whether a file loads; if not, for which reason. */
function tryLoad(keyspace: Keyspace, file: Buffer): string | null {
  try {
    load(keyspace, file);
    return null;
  } catch (error) {
    if (!(error instanceof CacheError) || error.code !== 'BAD_RDB') throw error;
    expect(error.message).toMatch(/\(byte \d+\)$/);
    return error.message;
  }
}

/** What was loaded, all of a file or a part, can be digested, saved and loaded again; and nothing of it stays. */
function useAndForget(): void {
  expect(keyspace.arena.committedBytes).toBeLessThan(MEMORY_MAX);
  expect(tryLoad(again, save(keyspace, 11))).toBe(null);
  expect(new Digests(again).ofAll()).toBe(new Digests(keyspace).ofAll());
  forget(again);
  forget(keyspace);
}

/** Removes all keys one by one: flushing would hide what was lost. */
function forget(keyspace: Keyspace): void {
  for (const database of keyspace.usedDatabases()) forEachKey(database, (record) => database.evict(record));
  keyspace.reclaim(() => false);
  expect(keyspace.arena.usedBytes).toBe(0);
}

test('files before they are damaged load', () => {
  for (const file of files) {
    expect(tryLoad(keyspace, file)).toBe(null);
    useAndForget();
  }
});

describe.each(files.map((file, i) => ({ i, file })))('file $i', ({ file }) => {
  test('is refused wherever it is cut', () => {
    // Every byte of a small file, and every eleventh of a larger one.
    const step = file.length < 2000 ? 1 : 11;
    for (let length = 0; length < file.length; length += step) {
      expect(tryLoad(keyspace, file.subarray(0, length))).not.toBe(null);
      if (length % 77 === 0) useAndForget();
      else forget(keyspace);
    }
  });

  test('does no harm when it was changed by somebody who knows how to compute its CRC', () => {
    fc.assert(
      fc.property(fc.array(disturbed, { minLength: 1, maxLength: 3 }), (disturbs) => {
        const damaged = mended(disturbs.reduce<Buffer>((bytes, disturb) => disturb(bytes), Buffer.from(file)));
        tryLoad(keyspace, damaged);
        useAndForget();
      }),
      { numRuns: 300 },
    );
  });

  test('takes no memory for lengths that cannot be', () => {
    const bits = fc.integer({ min: 31, max: 63 });
    fc.assert(
      fc.property(
        fc.nat(file.length - 10),
        bits,
        fc.integer({ min: -2, max: 2 }),
        fc.nat(9),
        (at, power, more, gone) => {
          const length = Buffer.alloc(9, 0x81);
          length.writeBigUInt64BE(BigInt.asUintN(64, 2n ** BigInt(power) + BigInt(more)), 1);
          const short = Buffer.concat([Buffer.from([0x80]), length.subarray(5)]);
          for (const each of [length, short, Buffer.concat([Buffer.from([0xc3]), short, length])]) {
            tryLoad(keyspace, mended(Buffer.concat([file.subarray(0, at), each, file.subarray(at + gone)])));
            useAndForget();
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('parts of files one after another do no harm', () => {
  const file = fc.constantFrom(...files);
  fc.assert(
    fc.property(file, file, fc.nat(), fc.nat(), fc.nat(26), (first, second, to, from, type) => {
      const head = first.subarray(0, to % first.length);
      const tail = second.subarray(from % second.length);
      tryLoad(keyspace, mended(Buffer.concat([head, Buffer.from([type]), tail])));
      useAndForget();
    }),
    { numRuns: 250 },
  );
});

test('a keyspace of which a part was loaded can be used', () => {
  const store = new Store();
  const file = files[0];
  expect(tryLoad(store.keyspace, file.subarray(0, file.length / 2))).not.toBe(null);
  const keys = store.keys();
  expect(keys.length).toBeGreaterThan(3);
  store.set(keys[0], 'another value');
  expect(store.get(keys[0])).toBe('another value');
  store.keyspace.flushAll();
  expect(tryLoad(store.keyspace, file)).toBe(null);
  expect(store.database().peek(bytes('string 1'))).not.toBe(0);
});
