/**
 * RDB files into keyspaces: what was saved is what is loaded, by whatever pieces it is read; what is no file, or no whole one,
 * is refused with its place. (What real servers save and load: test/oracle/rdb-files.test.ts.)
 */
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../../src/base';
import { Digests, RdbLoader, Strings, type Keyspace } from '../../../src/storage';
import { bytes, checkDatabase, Store } from '../store';
import { rdbString } from './old-forms';
import { emptyKeyspace, expiryAt, fileOf, load, rdbFile, save } from './rdb-files';
import { range, Values } from './values';

const text = (value: string): Buffer => rdbString(Buffer.from(value, 'latin1'));
const stringKey = (key: string, value = 'v'): Buffer => Buffer.concat([Buffer.from([0]), text(key), text(value)]);

function refusal(file: Uint8Array, keyspace = emptyKeyspace()): string {
  try {
    load(keyspace, file);
  } catch (error) {
    expect(error).toBeInstanceOf(CacheError);
    expect((error as CacheError).code).toBe('BAD_RDB');
    return (error as CacheError).message;
  }
  return 'loaded';
}

function get(keyspace: Keyspace, key: string, database = 0): string | null {
  const record = keyspace.database(database).peek(bytes(key));
  return record === 0 ? null : keyspace.records.value(record, bytes('')).toLatin1();
}

describe('what was saved is loaded', () => {
  const values = new Values();
  values.makeAll();
  values.store.set('in database 3', 'yes', 0, 3);
  const { keyspace } = values.store;
  const digest = new Digests(keyspace).ofAll();
  const count = keyspace.database(0).size + 1;

  test.each([
    [10, true],
    [10, false],
    [11, true],
    [11, false],
  ] as const)('in version %d, compressed: %s', (version, compresses) => {
    const file = save(keyspace, version, compresses);
    for (const mostBytes of [1, 7, Infinity]) {
      const loaded = new Store();
      Object.assign(loaded.keyspace.limits, keyspace.limits);
      const loader = load(loaded.keyspace, file, {}, mostBytes);
      expect(new Digests(loaded.keyspace).ofAll()).toBe(digest);
      expect([loader.keysLoaded, loader.position]).toEqual([count, file.length]);
      checkDatabase(loaded);
      checkDatabase(loaded, 3);
    }
  });

  test('in version 11 with the encodings of sets and the times of consumers', () => {
    const file = save(keyspace, 11);
    const loaded = emptyKeyspace();
    Object.assign(loaded.limits, keyspace.limits);
    load(loaded, file);
    // Elements of tables come in an order of their own; all others are the same bytes again.
    for (const name of ['packed set', 'stream', 'packed hash', 'list', 'sorted set']) {
      const encoding = keyspace.records.encoding(values.record(name));
      expect(loaded.records.encoding(loaded.database(0).peek(bytes(name)))).toBe(encoding);
    }
    expect(save(loaded, 11).length).toBe(file.length);
  });
});

describe('strings of all lengths', () => {
  const lengths = [
    0, 63, 64, 16383, 16384, 65535, 65536, 262143, 262144, 262145, 300_000, 1_048_575, 1_048_577, 3_000_000,
  ];

  test('lie where they please in the file', { timeout: 60_000 }, () => {
    const store = new Store();
    for (const [i, length] of lengths.entries()) {
      store.set(`plain ${i}`, Buffer.alloc(length, 'one two three four').toString('latin1'));
      store.set(`long key ${i} ${'k'.repeat(length % 300_000)}`, String(i));
    }
    const digest = new Digests(store.keyspace).ofAll();
    for (const compresses of [true, false]) {
      const file = save(store.keyspace, 10, compresses);
      for (const shift of range(9).map((i) => i * 131_071)) {
        // What comes before moves everything across the chunks' borders.
        const moved = rdbFile(10, stringKey('shift', 's'.repeat(shift)), file.subarray(9, -9));
        const loaded = emptyKeyspace();
        load(loaded, moved);
        expect(get(loaded, 'shift')?.length).toBe(shift);
        loaded.database(0).delete(bytes('shift'));
        expect(new Digests(loaded).ofAll()).toBe(digest);
      }
    }
  });

  test('as names and values of a hash across many chunks', () => {
    const pairs = range(200).map((i) => {
      const long = 'x'.repeat((i * 7919) % 200_000);
      return [text(`${i}${long}`), text(`${long}${i}`)] as const;
    });
    const body = Buffer.concat([Buffer.from([4]), text('hash'), Buffer.from([0x40, 200]), ...pairs.flat()]);
    const loaded = emptyKeyspace();
    load(loaded, rdbFile(10, body));
    const again = emptyKeyspace();
    load(again, save(loaded, 10));
    expect(new Digests(again).ofAll()).toBe(new Digests(loaded).ofAll());
    expect(loaded.arena.usedBytes).toBeGreaterThan(30_000_000);
  });

  test('are no longer than is allowed', () => {
    const file = rdbFile(10, stringKey('long', 'x'.repeat(2_000_000)));
    expect(() => load(emptyKeyspace(), file, { stringBytesMax: 1_999_999 })).toThrow('too long');
    expect(load(emptyKeyspace(), file, { stringBytesMax: 2_000_000 }).keysLoaded).toBe(1);
  });
});

describe('a file is read in steps', () => {
  const keys = range(1000).map((i) => stringKey(`key ${i}`));
  const file = rdbFile(10, ...keys);

  test('between which everything loaded is there', () => {
    const keyspace = emptyKeyspace();
    const loader = new RdbLoader(keyspace, fileOf(file), { keepsExpired: false });
    let steps = 0;
    let before = 0;
    while (!loader.step(() => true)) {
      steps++;
      expect(loader.position).toBeGreaterThan(before);
      before = loader.position;
      expect(keyspace.database(0).size).toBe(loader.keysLoaded);
    }
    expect(steps).toBeGreaterThan(10);
    expect(loader.keysLoaded).toBe(1000);
    expect(loader.step(() => true)).toBe(true);
  });

  test('and replaces keys that are there already where it may', () => {
    const store = new Store();
    store.set('key 5', 'old');
    expect(refusal(file, store.keyspace)).toContain('key "key 5" is there twice');
    store.set('key 7', 'old');
    expect(load(store.keyspace, file, { replaces: true }).keysLoaded).toBe(1000);
    expect([store.get('key 5'), store.get('key 7'), store.database().size]).toEqual(['v', 'v', 1000]);
    checkDatabase(store);
  });

  test('from where it begins to where something else does', () => {
    const before = Buffer.from('before');
    const loader = load(emptyKeyspace(), Buffer.concat([before, file, Buffer.from('*1\r\n')]), { from: before.length });
    expect([loader.keysLoaded, loader.position]).toEqual([1000, before.length + file.length]);
  });
});

describe('what a file says besides', () => {
  test('about itself, its functions and its databases', () => {
    const aux = (name: string, value: Buffer): Buffer => Buffer.concat([Buffer.from([0xfa]), text(name), value]);
    const file = rdbFile(
      12,
      aux('redis-ver', text('7.4.0')),
      aux('aof-base', Buffer.from([0xc0, 1])),
      aux('long', text('x'.repeat(5000))),
      Buffer.concat([Buffer.from([0xf5]), text('#!lua name=f')]),
      [0xfe, 9, 0xfb, 1, 0, 0xf4, 0x41, 1, 1, 0],
      stringKey('k'),
    );
    const keyspace = emptyKeyspace();
    const loader = load(keyspace, file);
    expect([...loader.aux]).toEqual([
      ['redis-ver', '7.4.0'],
      ['aof-base', '1'],
    ]);
    expect(loader.functions.map((code) => Buffer.from(code).toString())).toEqual(['#!lua name=f']);
    expect(get(keyspace, 'k', 9)).toBe('v');
  });

  test('about when keys expire', () => {
    const { nowMs } = emptyKeyspace();
    const seconds = Buffer.alloc(5, 0xfd);
    seconds.writeInt32LE(nowMs / 1000 + 9, 1);
    const hash = (key: string): Buffer =>
      Buffer.concat([Buffer.from([4]), text(key), Buffer.from([1]), text('f'), text('v')]);
    const keys: [number, Buffer][] = [
      [nowMs - 1, stringKey('past')],
      [nowMs, stringKey('now')],
      [nowMs + 1, stringKey('later')],
      [-5, hash('past hash')],
      [nowMs + 7, hash('living hash')],
    ];
    const inMs = keys.flatMap(([expiry, key]) => [expiryAt(expiry), key]);
    const file = rdbFile(10, ...inMs, seconds, stringKey('seconds'), stringKey('never'));
    const store = new Store();
    const loader = load(store.keyspace, file);
    expect([loader.keysLoaded, loader.keysExpired]).toEqual([5, 2]);
    expect(['now', 'later', 'living hash', 'seconds', 'never'].map((key) => store.expiryOf(key))).toEqual([
      nowMs,
      nowMs + 1,
      nowMs + 7,
      nowMs + 9000,
      0,
    ]);
    checkDatabase(store);
    const keeping = new Store();
    expect(load(keeping.keyspace, file, { keepsExpired: true }).keysLoaded).toBe(7);
    checkDatabase(keeping);
    expect(keeping.database().size).toBe(7);
    expect(keeping.keys()).toHaveLength(5);
  });

  test('about when and how often keys were used', () => {
    const file = rdbFile(10, [0xf8, 0x41, 0], stringKey('idle'), [0xf9, 99], stringKey('used'), stringKey('plain'));
    const lru = emptyKeyspace();
    load(lru, file);
    const idle = (key: string): number => lru.idleSeconds(lru.database(0).peek(bytes(key)));
    expect(['idle', 'used', 'plain'].map(idle)).toEqual([256, 0, 0]);
    const lfu = emptyKeyspace();
    lfu.eviction.choose('allkeys-lfu');
    load(lfu, file);
    const uses = (key: string): number => lfu.eviction.frequency(lfu.records.access(lfu.database(0).peek(bytes(key))));
    expect(['idle', 'used', 'plain'].map(uses)).toEqual([5, 99, 5]);
  });

  test('but collections without elements are left out', () => {
    const empty = [1, 2, 3, 4, 5, 14, 18].map((type) =>
      Buffer.concat([Buffer.from([type]), text(`e${type}`), Buffer.from([0])]),
    );
    const listpack = rdbString(Buffer.from([7, 0, 0, 0, 0, 0, 0xff]));
    const packed = [16, 17, 20].map((type) => Buffer.concat([Buffer.from([type]), text(`p${type}`), listpack]));
    const keyspace = emptyKeyspace();
    expect(load(keyspace, rdbFile(11, ...empty, ...packed, stringKey('k'))).keysLoaded).toBe(1);
    expect(keyspace.database(0).size).toBe(1);
  });
});

describe('hashes of version 12', () => {
  const plain = (expiry: number): Buffer =>
    Buffer.concat([Buffer.from([2, expiry]), text('f'), text('v'), Buffer.from([0]), text('g'), text('7')]);
  const packed = (expiry: number): Buffer => {
    const elements = [0x81, 102, 2, 0x81, 118, 2, expiry, 1, 0x81, 103, 2, 7, 1, 0, 1];
    return rdbString(Buffer.from([7 + elements.length, 0, 0, 0, 6, 0, ...elements, 0xff]));
  };
  const soonest = Buffer.alloc(8);

  test.each([
    [22, plain],
    [23, packed],
    [24, (expiry: number) => Buffer.concat([soonest, plain(expiry)])],
    [25, (expiry: number) => Buffer.concat([soonest, packed(expiry)])],
  ])('of type %d load where no field expires', (type, body) => {
    const file = (expiry: number): Buffer => rdbFile(12, [type], text('h'), body(expiry));
    const keyspace = emptyKeyspace();
    load(keyspace, file(0));
    const expected = emptyKeyspace();
    load(expected, rdbFile(10, [4], text('h'), [2], text('f'), text('v'), text('g'), text('7')));
    expect(new Digests(keyspace).ofAll()).toBe(new Digests(expected).ofAll());
    expect(refusal(file(9))).toContain('key "h" in database 0');
    expect(refusal(file(9))).toContain('a field of the hash has an expiry of its own');
  });
});

describe('refused is', () => {
  const moduleId = [0x81, 0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x01];

  test.each([
    ['what is empty', Buffer.alloc(0), 'no RDB file'],
    ['what is something else', Buffer.from('{"version":1,"keys":[]}'), 'no RDB file'],
    ['version 0', rdbFile(0), "version '0000'"],
    ['version 13', rdbFile(13), "version '0013'"],
    ['no version', Buffer.from('REDISxxxx'), "version 'xxxx'"],
    ['an unknown type', rdbFile(12, [99], text('k'), text('v')), 'key "k" in database 0, of RDB type 99'],
    ["a module's value", rdbFile(10, [7], text('m'), moduleId), "key \"m\" is of a module's type, 'ABCDEFGHI'"],
    ["a module's data", rdbFile(10, [0xf7], moduleId, [2, 1]), "data of a module, 'ABCDEFGHI'"],
    ['a function of a release candidate', rdbFile(10, [0xf6]), 'release candidate'],
    ['a database too many', rdbFile(10, [0xfe, 16], stringKey('k')), 'database 16'],
    ['a string that is there twice', rdbFile(10, stringKey('k'), stringKey('k', 'w')), 'key "k" is there twice'],
    ['a key that is there twice', rdbFile(10, stringKey('k'), [4], text('k'), [1], text('f'), text('v')), 'twice'],
    ['a hash with a name twice', rdbFile(10, [4], text('h'), [2], text('f'), text('v'), text('f'), text('v')), 'twice'],
  ])('%s', (_, file, message) => {
    expect(refusal(file)).toContain(message);
    expect(refusal(file)).toMatch(/\(byte \d+\)$/);
  });

  test('a file whose CRC is wrong, but not one that has none', () => {
    const file = rdbFile(10, stringKey('k'));
    for (let i = 0; i < file.length; i++) {
      const damaged = Buffer.from(file);
      damaged[i] ^= 0x20;
      expect(refusal(damaged)).not.toBe('loaded');
    }
    expect(refusal(Buffer.from(file).fill(0, file.length - 8))).toBe('loaded');
    const old = rdbFile(4, stringKey('k'));
    expect(refusal(old.subarray(0, -8))).toBe('loaded');
  });

  test('a file that has become shorter since it was opened', () => {
    const file = rdbFile(10, stringKey('k'), stringKey('long', 'x'.repeat(400_000)));
    for (const length of [5, 12, 20, 300_000, file.length - 4]) {
      const shorter = { ...fileOf(file.subarray(0, length)), size: file.length };
      const loader = new RdbLoader(emptyKeyspace(), shorter, { keepsExpired: false });
      expect(() => loader.step(() => false)).toThrow(CacheError);
    }
  });

  test('again what was refused once, and what was loaded before stays', () => {
    const keyspace = emptyKeyspace();
    const file = rdbFile(10, ...range(20).map((i) => stringKey(`key ${i}`)), [99], text('k'));
    const loader = new RdbLoader(keyspace, fileOf(file), { keepsExpired: false });
    expect(() => loader.step(() => false)).toThrow('type 99');
    expect(() => loader.step(() => false)).toThrow('no such type');
    expect([loader.keysLoaded, keyspace.database(0).size]).toEqual([20, 20]);
    new Strings(keyspace).set(keyspace.database(0), bytes('key 3'), bytes('usable'), 0);
    expect(get(keyspace, 'key 3')).toBe('usable');
  });
});
