/**
 * RDBs that arrive in pieces: whatever the pieces are, what is loaded is what a file would give, no key is ever there by half,
 * and no more memory is taken than the largest key needs. Damaged ones are refused where files are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, CacheError } from '../../../src/base';
import { Digests, forEachKey, Keyspace, RdbFeed, RdbLoader } from '../../../src/storage';
import { testData } from '../../data';
import { disturbed } from '../packed';
import { bytes, Store } from '../store';
import { rdbString, streamOf, ziplistOf, zipmapOf } from './old-forms';
import { emptyKeyspace, expiryAt, load, loadFed, mended, rdbFile, save } from './rdb-files';
import { range, Values } from './values';

const MEGABYTE = 1024 * 1024;

const values = new Values();
values.makeAll();
values.store.set('in database 3', 'yes', values.store.keyspace.nowMs + 5, 3);

const named = (type: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type]), rdbString(Buffer.from(`type ${type}`)), value]);
const text = (value: string): Buffer => rdbString(Buffer.from(value));
const texts = range(30).map((i) => (i % 3 === 0 ? String(i * i * 999) : `text ${i}`));
const pairs = texts.flatMap((each, i) => [each, String(i)]);

/** Everything that only other versions wrote, and every opcode. */
const otherForms = rdbFile(
  12,
  [0xfa, 1, 97, 1, 98, 0xf5, 3, 35, 33, 10, 0xfe, 0, 0xfb, 0x40, 200, 0x80, 0, 0, 0, 1, 0xf4, 1, 2, 3],
  named(13, rdbString(ziplistOf(pairs))),
  named(9, rdbString(zipmapOf(pairs))),
  named(12, rdbString(ziplistOf(pairs))),
  named(10, rdbString(ziplistOf(texts))),
  named(14, Buffer.concat([Buffer.from([2]), rdbString(ziplistOf(texts)), rdbString(ziplistOf(['one']))])),
  expiryAt(values.store.keyspace.nowMs + 77),
  named(1, Buffer.concat([Buffer.from([2]), text('a'), text('b')])),
  [0xfd, 0xff, 0xff, 0xff, 0x7f, 0xf8, 7],
  named(3, Buffer.concat([Buffer.from([2]), text('m'), Buffer.from([3, 49, 46, 53]), text('n'), Buffer.from([254])])),
  [0xf9, 7],
  named(15, streamOf(15).subarray(1)),
  named(21, streamOf(21).subarray(1)),
  named(22, Buffer.concat([Buffer.from([1, 0]), text('field'), text('value')])),
  named(24, Buffer.concat([Buffer.alloc(8), Buffer.from([1, 0]), text('field'), text('value')])),
);

/** Values that are larger than a chunk, of those kinds that come in parts, and how large the largest is. */
function largeFile(): { file: Buffer; largest: number } {
  const parts = range(3000).map((i) => text(`${i} ${'x'.repeat(400 + i)}`));
  const count = Buffer.from([0x80, 0, 0, parts.length >> 8, parts.length & 255]);
  const of = (type: number, behind: Buffer, before = Buffer.alloc(0)): Buffer =>
    named(type, Buffer.concat([count, ...parts.map((part) => Buffer.concat([before, part, behind]))]));
  const large = new Values();
  large.makeStream('stream', 4000, 3);
  large.store.set('string', 'not compressible: ' + 'x'.repeat(3 * MEGABYTE));
  const values = [
    of(4, text('v')),
    of(2, Buffer.alloc(0)),
    of(18, Buffer.alloc(0), Buffer.from([1])),
    of(5, Buffer.alloc(8)),
  ];
  const small = Buffer.concat([Buffer.from([0]), text('small'), text('value')]);
  const rest = save(large.store.keyspace, 11, false).subarray(9, -9);
  return { file: rdbFile(11, ...values, small, rest), largest: Math.max(...values.map((value) => value.length)) };
}

const files: Record<string, Buffer> = {
  'version 10': save(values.store.keyspace, 10),
  'version 11, not compressed': save(values.store.keyspace, 11, false),
  'other forms': otherForms,
};
const folder = testData('rdb');
if (folder !== null) {
  for (const name of readdirSync(folder)) files[name] = readFileSync(`${folder}/${name}`);
}

/** Lengths of pieces: some of a byte, some of many. */
const lengths = fc.array(
  fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100_000 })),
  {
    minLength: 1,
    maxLength: 60,
  },
);

function likeValues(): Keyspace {
  const keyspace = emptyKeyspace();
  Object.assign(keyspace.limits, values.store.keyspace.limits);
  return keyspace;
}

/** What comes out of an attempt: a refusal, or what was loaded and what the loader tells of it. */
function outcome(keyspace: Keyspace, attempt: () => RdbLoader): string {
  try {
    const { keysLoaded, keysExpired, position, aux, functions } = attempt();
    return JSON.stringify([keysLoaded, keysExpired, position, [...aux], functions, new Digests(keyspace).ofAll()]);
  } catch (error) {
    if (!(error instanceof CacheError) || error.code !== 'BAD_RDB') throw error;
    return error.code;
  }
}

/** Removes all keys one by one: flushing would hide what was lost. */
function forget(keyspace: Keyspace): void {
  for (const database of keyspace.usedDatabases()) forEachKey(database, (record) => database.evict(record));
  keyspace.reclaim(() => false);
  expect(keyspace.arena.usedBytes).toBe(0);
}

describe.each(Object.keys(files))('%s', (name) => {
  const file = files[name];
  const keyspace = likeValues();
  const whole = outcome(keyspace, () => load(keyspace, file));
  const digests = new Digests(keyspace);
  const digestOf = (within: Keyspace, of: Digests): Map<string, string> => {
    const all = new Map<string, string>();
    for (const database of within.usedDatabases()) {
      forEachKey(database, (record) => {
        const key = within.records.key(record, new Bytes()).toLatin1();
        all.set(`${database.index} ${key}`, of.ofValue(database, record));
      });
    }
    return all;
  };
  const all = digestOf(keyspace, digests);

  test('byte by byte, is complete with the last byte, and each key when all of it is there', () => {
    const fed = likeValues();
    const fedDigests = new Digests(fed);
    const bytewise = range(file.length).map(() => 1);
    // Only small files are looked at after each byte.
    const step = file.length < 500 ? 1 : 131;
    const got = outcome(fed, () =>
      loadFed(fed, file, bytewise, {}, (loader, feed, fedBytes) => {
        expect(loader.position + feed.bufferedBytes).toBe(fedBytes);
        if (fedBytes % step !== 0 || whole === 'BAD_RDB') return;
        for (const [key, digest] of digestOf(fed, fedDigests)) expect([key, digest]).toEqual([key, all.get(key)]);
      }),
    );
    expect(got).toBe(whole);
  });

  test('in any pieces, is what the file is', () => {
    const fed = likeValues();
    fc.assert(
      fc.property(lengths, (pieces) => {
        expect(outcome(fed, () => loadFed(fed, file, pieces))).toBe(whole);
        forget(fed);
      }),
      { numRuns: 10 },
    );
  });
});

describe.each(['version 10', 'other forms'])('%s, damaged,', (name) => {
  const file = files[name];
  const keyspace = likeValues();
  const fed = likeValues();
  const pieces = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 20 });

  function expectTheSame(damaged: Buffer, lengthsOf: readonly number[]): void {
    const whole = outcome(keyspace, () => load(keyspace, damaged));
    expect(outcome(fed, () => loadFed(fed, damaged, lengthsOf))).toBe(whole);
    forget(keyspace);
    forget(fed);
  }

  test('is refused wherever it is cut', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), pieces, (length, lengthsOf) => {
        expect(outcome(fed, () => loadFed(fed, file.subarray(0, length), lengthsOf))).toBe('BAD_RDB');
        forget(fed);
      }),
      { numRuns: 150 },
    );
  });

  test('loads as the file does or is refused as it is', () => {
    fc.assert(
      fc.property(fc.array(disturbed, { minLength: 1, maxLength: 3 }), pieces, (disturbs, lengthsOf) => {
        expectTheSame(mended(disturbs.reduce<Buffer>((each, disturb) => disturb(each), Buffer.from(file))), lengthsOf);
      }),
      { numRuns: 200 },
    );
  });

  test('does so as well where parts of two follow each other', () => {
    const other = files['version 11, not compressed'];
    fc.assert(
      fc.property(fc.nat(file.length), fc.nat(other.length), fc.nat(255), pieces, (to, from, type, lengthsOf) => {
        const spliced = [file.subarray(0, to), Buffer.from([type]), other.subarray(from)];
        expectTheSame(mended(Buffer.concat(spliced)), lengthsOf);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a feed', () => {
  test('holds a large key while it arrives, and hardly anything otherwise', () => {
    const { file, largest } = largeFile();
    expect(largest).toBeGreaterThan(2 * MEGABYTE);
    const whole = likeValues();
    const loadedKeys = load(whole, file).keysLoaded;
    const digest = new Digests(whole).ofAll();
    for (const length of [1000, 65_536, 999_983]) {
      const fed = likeValues();
      const pieces = range(Math.floor(file.length / length)).map(() => length);
      const { keysLoaded } = loadFed(fed, file, pieces, {}, (_, feed) => {
        expect(feed.bufferedBytes).toBeLessThan(largest);
        expect(feed.window.length).toBeLessThan(2 * largest + 2 * length);
        if (feed.neededBytes === 0) expect(feed.bufferedBytes).toBe(0);
      });
      expect([keysLoaded, new Digests(fed).ofAll()]).toEqual([loadedKeys, digest]);
    }
  });

  test('gives back the memory that a large key needed', () => {
    const feed = new RdbFeed();
    const loader = new RdbLoader(emptyKeyspace(), feed, { keepsExpired: true });
    const size = feed.window.length;
    const large = new Store();
    large.set('large', 'x'.repeat(9 * MEGABYTE));
    const file = save(large.keyspace, 10, false);
    feed.feed(file, 0, file.length - 1);
    expect(loader.step(() => false)).toBe(false);
    expect([loader.isStarved, loader.keysLoaded]).toEqual([true, 1]);
    expect(feed.window.length).toBeGreaterThan(size);
    feed.feed(file, file.length - 1, file.length);
    expect(feed.window.length).toBe(size);
    expect(loader.step(() => false)).toBe(true);
  });

  test('leaves what comes behind the end as it is', () => {
    const file = files['version 10'];
    const behind = Buffer.from('*1\r\n$4\r\nPING\r\n');
    const feed = new RdbFeed();
    const loader = new RdbLoader(likeValues(), feed, { keepsExpired: true });
    feed.feed(Buffer.concat([Buffer.from('+ before'), file, behind]), 8, 8 + file.length + behind.length);
    while (!loader.step(() => true)) expect(loader.isStarved).toBe(false);
    expect([loader.position, feed.position, feed.bufferedBytes]).toEqual([file.length, file.length, behind.length]);
    expect(feed.rest(new Bytes()).copy()).toEqual(behind);
    feed.feed(behind, 0, 4);
    expect(feed.rest(new Bytes()).toString()).toBe('*1\r\n$4\r\nPING\r\n*1\r\n');
  });

  test('keeps what is said of a key until that key arrives', () => {
    const keyspace = emptyKeyspace();
    const feed = new RdbFeed();
    const loader = new RdbLoader(keyspace, feed, { keepsExpired: true });
    const at = keyspace.nowMs + 1000;
    const file = rdbFile(10, expiryAt(at), Buffer.concat([Buffer.from([0]), text('key'), text('value')]));
    feed.feed(file, 0, 9 + 9 + 6);
    expect([loader.step(() => false), loader.isStarved, loader.keysLoaded]).toEqual([false, true, 0]);
    expect(loader.step(() => false)).toBe(false);
    feed.feed(file, 9 + 9 + 6, file.length);
    expect(loader.step(() => false)).toBe(true);
    expect(keyspace.records.expiry(keyspace.database(0).peek(bytes('key')))).toBe(at);
  });

  test('does not wait for strings that nobody may have, nor take memory for them', () => {
    const feed = new RdbFeed();
    const loader = new RdbLoader(emptyKeyspace(), feed, { keepsExpired: true });
    const file = rdbFile(10, [0, 1, 97, 0x81, 0, 0, 0, 1, 0, 0, 0, 0], Buffer.alloc(100));
    feed.feed(file, 0, file.length);
    const size = feed.window.length;
    expect(() => loader.step(() => false)).toThrow('the data end too soon, or a length is wrong');
    expect(feed.window.length).toBe(size);
  });

  test('with a key twice is refused, though the time of the first one has come meanwhile', () => {
    const keyspace = emptyKeyspace();
    const feed = new RdbFeed();
    const loader = new RdbLoader(keyspace, feed, { keepsExpired: false });
    const value = named(10, rdbString(ziplistOf(texts)));
    const file = rdbFile(10, expiryAt(keyspace.nowMs + 1), value, value);
    const half = file.length - value.length - 9;
    feed.feed(file, 0, half);
    expect([loader.step(() => false), loader.keysLoaded]).toEqual([false, 1]);
    keyspace.setTime(keyspace.nowMs + 2);
    feed.feed(file, half, file.length);
    expect(() => loader.step(() => false)).toThrow('key "type 10" is there twice in database 0');
    expect([keyspace.dueKeys, loader.keysLoaded, keyspace.expiredKeys]).toEqual(['go', 1, 0]);
  });

  test('lets the keyspace treat due keys as before, also where a batch of strings is refused', () => {
    const keyspace = emptyKeyspace();
    const feed = new RdbFeed();
    const key = Buffer.concat([Buffer.from([0]), text('key'), text('value')]);
    const file = rdbFile(10, key, key);
    feed.feed(file, 0, file.length);
    expect(() => new RdbLoader(keyspace, feed, { keepsExpired: true }).step(() => false)).toThrow('twice');
    expect(keyspace.dueKeys).toBe('go');
  });

  test('that ends without a word is no RDB', () => {
    const feed = new RdbFeed();
    const loader = new RdbLoader(emptyKeyspace(), feed, { keepsExpired: true });
    expect([loader.step(() => false), loader.isStarved]).toEqual([false, true]);
    feed.end();
    expect(() => loader.step(() => false)).toThrow('this is no RDB file');
  });
});
