import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { ENCODING_NAMES, KEEP_EXPIRY, NO_EXPIRY } from '../../src/storage';
import { BORN_MS, bytes, checkDatabase, Store } from './store';

const KIB = 1024;
const MIB = 1024 * KIB;
const SOON_MS = BORN_MS + 60_000;

/** Text of a length, different for every seed, with every byte value in it. */
function sample(length: number, seed = 0): string {
  const buffer = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) buffer[i] = i * 7 + (i >>> 8) + seed * 31;
  return buffer.toString('latin1');
}

const encodingOf = (store: Store, key: string): string =>
  ENCODING_NAMES[store.keyspace.records.encoding(store.record(key))];

const append = (store: Store, key: string, tail: string): number =>
  store.strings.append(store.database(), store.record(key), bytes(tail));

const writeRange = (store: Store, key: string, offset: number, text: string): number =>
  store.strings.writeRange(store.database(), store.record(key), offset, bytes(text));

describe('encodings', () => {
  test.each([
    ['0', 'int'],
    ['7', 'int'],
    ['-1', 'int'],
    ['123456789012345678', 'int'],
    ['9223372036854775807', 'int'],
    ['-9223372036854775808', 'int'],
    ['9223372036854775808', 'embstr'],
    ['-9223372036854775809', 'embstr'],
    ['10000000000000000000', 'embstr'],
    ['-0', 'embstr'],
    ['007', 'embstr'],
    ['-', 'embstr'],
    ['+1', 'embstr'],
    [' 1', 'embstr'],
    ['1 ', 'embstr'],
    ['1.0', 'embstr'],
    ['1e3', 'embstr'],
    ['', 'embstr'],
    ['text', 'embstr'],
    ['x'.repeat(44), 'embstr'],
    ['1'.repeat(44), 'embstr'],
    ['x'.repeat(45), 'raw'],
    ['1'.repeat(45), 'raw'],
  ])('%j is %s', (value, encoding) => {
    const store = new Store();
    store.set('key', value);
    expect(encodingOf(store, 'key')).toBe(encoding);
    store.set('key', 'y'.repeat(100));
    store.set('key', value);
    expect(encodingOf(store, 'key')).toBe(encoding);
  });

  test('what was changed in place is raw until it is stored whole again', () => {
    const store = new Store();
    store.set('key', '12');
    append(store, 'key', '3');
    expect([store.get('key'), encodingOf(store, 'key')]).toEqual(['123', 'raw']);
    store.set('key', '12');
    writeRange(store, 'key', 0, '9');
    expect([store.get('key'), encodingOf(store, 'key')]).toEqual(['92', 'raw']);
    store.set('key', '92');
    expect(encodingOf(store, 'key')).toBe('int');
  });

  test('an expiry leaves the encoding as it is, and so does a copy', () => {
    const store = new Store();
    for (const value of ['42', 'text', sample(5000)]) {
      store.set('key', value);
      const encoding = encodingOf(store, 'key');
      store.database().setExpiry(store.record('key'), SOON_MS);
      expect(encodingOf(store, 'key')).toBe(encoding);
      store.database().putCopy(bytes('copy'), store.record('key'));
      expect(encodingOf(store, 'copy')).toBe(encoding);
    }
  });
});

describe('every length', () => {
  const lengths = [0, 1, 7, 44, 45, 252, 253, 254, 255, 1023, 1024, 1025, 4095, 4096, 4097, 64 * KIB];

  test.each([
    ['a short key', 'key'],
    ['no key to speak of', ''],
    ['a key of 253 bytes', 'k'.repeat(253)],
    ['a key of 254 bytes', 'k'.repeat(254)],
    ['a key of 5,000 bytes', sample(5000)],
  ])('after every other length, with %s', (_, key) => {
    const store = new Store();
    store.set('before', 'stays');
    const { usedBytes } = store;
    for (const first of lengths) {
      for (const second of lengths) {
        for (const expiries of [
          [NO_EXPIRY, SOON_MS],
          [SOON_MS, KEEP_EXPIRY],
        ]) {
          store.set(key, sample(first, 1), expiries[0]);
          store.set(key, sample(second, 2), expiries[1]);
          if (store.get(key) !== sample(second, 2)) expect.fail(`${second} bytes after ${first}`);
          if (store.expiryOf(key) !== SOON_MS) expect.fail(`expiry of ${second} bytes after ${first}`);
          store.delete(key);
        }
      }
    }
    expect(store.get('before')).toBe('stays');
    expect(store.usedBytes).toBe(usedBytes);
    checkDatabase(store);
  });

  test('megabytes, beside small ones, growing and shrinking', () => {
    const store = new Store();
    store.set('first', sample(4 * MIB));
    store.set('small', 'stays');
    for (const length of [3 * MIB, 20 * MIB, 100, 2 * MIB, 2 * MIB + 1]) {
      store.set('large', sample(length, length));
      expect(store.get('large') === sample(length, length)).toBe(true);
      expect(append(store, 'large', 'tail')).toBe(length + 4);
      expect(store.get('large') === sample(length, length) + 'tail').toBe(true);
    }
    expect(store.get('first') === sample(4 * MIB)).toBe(true);
    expect(store.get('small')).toBe('stays');
    for (const key of ['large', 'first', 'small']) expect(store.delete(key)).toBe(true);
    expect(store.usedBytes).toBe(0);
    expect(store.keyspace.arena.committedBytes).toBeLessThan(20 * MIB);
  });
});

describe('place', () => {
  const moves = (first: string, deed: (store: Store) => void, expiryAtMs = NO_EXPIRY): boolean => {
    const store = new Store();
    store.set('key', first, expiryAtMs);
    const record = store.record('key');
    deed(store);
    return store.record('key') !== record;
  };

  test('stays for a value of the same size class', () => {
    // Header, lengths and key take 9 bytes: a value of 9 … 15 bytes has a block of 24.
    expect(moves('x'.repeat(9), (store) => store.set('key', 'y'.repeat(15)))).toBe(false);
    expect(moves('x'.repeat(15), (store) => store.set('key', '12'.repeat(5)))).toBe(false);
    expect(moves('x'.repeat(9), (store) => append(store, 'key', 'abcdef'))).toBe(false);
    expect(moves(sample(2000), (store) => append(store, 'key', 'abc'))).toBe(false);
  });

  test('changes with the size class or the form of the length', () => {
    expect(moves('x'.repeat(15), (store) => store.set('key', 'y'.repeat(16)))).toBe(true);
    expect(moves('x'.repeat(15), (store) => append(store, 'key', 'y'))).toBe(true);
    expect(moves('x'.repeat(253), (store) => append(store, 'key', 'y'))).toBe(true);
  });

  test('changes for the first expiry of a small value only', () => {
    const expire = (store: Store): number => store.database().setExpiry(store.record('key'), SOON_MS);
    const persist = (store: Store): number => store.database().setExpiry(store.record('key'), NO_EXPIRY);
    expect(moves('small', expire)).toBe(true);
    expect(moves('small', expire, SOON_MS + 1)).toBe(false);
    expect(moves('small', persist, SOON_MS)).toBe(false);
    expect(moves(sample(4095), expire)).toBe(true);
    expect(moves(sample(4096), expire)).toBe(false);
  });
});

describe('expiry', () => {
  test('is replaced, removed or kept by a write', () => {
    const store = new Store();
    const expiries = (): number[] => [store.expiryOf('key'), store.database().expiring];
    store.set('key', 'value', SOON_MS);
    expect(expiries()).toEqual([SOON_MS, 1]);
    store.set('key', 'longer '.repeat(50), KEEP_EXPIRY);
    expect(expiries()).toEqual([SOON_MS, 1]);
    store.set('key', 'value', SOON_MS + 1);
    expect(expiries()).toEqual([SOON_MS + 1, 1]);
    append(store, 'key', ' and more of it'.repeat(20));
    expect(expiries()).toEqual([SOON_MS + 1, 1]);
    store.set('key', 'value');
    expect(expiries()).toEqual([NO_EXPIRY, 0]);
    store.set('key', 'value', KEEP_EXPIRY);
    expect(expiries()).toEqual([NO_EXPIRY, 0]);
  });

  test('of a key that is not there cannot be kept', () => {
    const store = new Store();
    store.set('key', 'value', KEEP_EXPIRY);
    expect(store.expiryOf('key')).toBe(NO_EXPIRY);
    store.set('gone', 'value', BORN_MS + 10);
    store.advance(11);
    store.set('gone', 'value', KEEP_EXPIRY);
    expect(store.expiryOf('gone')).toBe(NO_EXPIRY);
  });

  test.each([1, 2 ** 32 - 1, 2 ** 32, 2 ** 41 + 12345, Number.MAX_SAFE_INTEGER])(
    'holds %d ms exactly',
    (expiryAtMs) => {
      const store = new Store();
      store.keyspace.setTime(1);
      store.set('key', 'value', expiryAtMs);
      expect(store.expiryOf('key')).toBe(expiryAtMs);
    },
  );
});

describe('ranges', () => {
  test('equal those of a buffer, with gaps of zeros', () => {
    const write = fc.record({
      offset: fc.oneof(fc.nat(80), fc.nat(6000)),
      length: fc.oneof(fc.nat(20), fc.nat(700)),
    });
    fc.assert(
      fc.property(fc.nat(300), fc.array(write, { maxLength: 25 }), (first, writes) => {
        const store = new Store();
        // Memory that was used before: gaps must be zeros, not what lay there.
        for (const length of [300, 700, 3000, 7000]) store.set(`old:${length}`, '#'.repeat(length));
        for (const length of [300, 700, 3000, 7000]) store.delete(`old:${length}`);
        let model = Buffer.from(sample(first), 'latin1');
        store.set('other', 'stays');
        store.set('key', sample(first));
        for (const [number, { offset, length }] of writes.entries()) {
          const text = sample(length, number);
          const grown = Buffer.alloc(Math.max(model.length, offset + length));
          model.copy(grown);
          grown.write(text, offset, 'latin1');
          model = grown;
          expect(writeRange(store, 'key', offset, text)).toBe(model.length);
          expect(store.get('key')).toBe(model.toString('latin1'));
        }
        expect(store.get('other')).toBe('stays');
      }),
      { numRuns: 60 },
    );
  });

  test('megabytes beyond the end', () => {
    const store = new Store();
    store.set('key', 'head');
    expect(writeRange(store, 'key', 5 * MIB, 'tail')).toBe(5 * MIB + 4);
    expect(store.get('key') === 'head' + '\0'.repeat(5 * MIB - 4) + 'tail').toBe(true);
  });
});

describe('bytes that lie in the arena themselves', () => {
  const lengths = [3, 60, 250, 2000, 70 * KIB, 3 * MIB];
  const valueIn = (store: Store, key: string): Bytes => store.keyspace.records.value(store.record(key), new Bytes());

  test.each(lengths)('a value of %i bytes becomes another key’s', (length) => {
    const store = new Store();
    store.set('from', sample(length));
    store.strings.set(store.database(), bytes('to'), valueIn(store, 'from'), NO_EXPIRY);
    store.set('from', 'changed');
    expect(store.get('to') === sample(length)).toBe(true);
  });

  test.each(lengths)('a part of a value of %i bytes becomes its own value', (length) => {
    const store = new Store();
    store.set('key', sample(length));
    const part = valueIn(store, 'key');
    part.set(part.buffer, part.start + 1, part.end - 1);
    store.strings.set(store.database(), bytes('key'), part, NO_EXPIRY);
    expect(store.get('key') === sample(length).slice(1, -1)).toBe(true);
  });

  test.each(lengths)('a value of %i bytes is appended to itself', (length) => {
    const store = new Store();
    store.set('key', sample(length));
    store.strings.append(store.database(), store.record('key'), valueIn(store, 'key'));
    expect(store.get('key') === sample(length).repeat(2)).toBe(true);
  });

  test.each(lengths)('a copy of %i bytes, to another database and over another key', (length) => {
    const store = new Store();
    store.set('key', sample(length), SOON_MS);
    store.set('other', 'of another length');
    store.database(3).putCopy(bytes('key'), store.record('key'));
    store.database().putCopy(bytes('other'), store.record('key'));
    store.delete('key');
    expect(store.get('key', 3) === sample(length)).toBe(true);
    expect(store.get('other') === sample(length)).toBe(true);
    expect([store.expiryOf('key', 3), store.expiryOf('other')]).toEqual([SOON_MS, SOON_MS]);
    checkDatabase(store, 3);
    checkDatabase(store);
  });
});

describe('stretching', () => {
  const stretch = (store: Store, key: string, length: number): Bytes =>
    store.strings.stretch(store.database(), bytes(key), store.database().peek(bytes(key)), length);

  test('makes a missing key a string of zeros', () => {
    const store = new Store();
    expect(stretch(store, 'key', 300).copy()).toEqual(Buffer.alloc(300));
    expect(encodingOf(store, 'key')).toBe('raw');
  });

  test.each([0, 3, 8, 100, 5000, 3 * MIB])('keeps bytes and expiry, and fills up to %i with zeros', (length) => {
    const store = new Store();
    store.set('key', '12345', SOON_MS);
    const value = stretch(store, 'key', length).copy();
    expect(value.toString('latin1')).toBe('12345'.padEnd(length, '\0'));
    expect(encodingOf(store, 'key')).toBe('raw');
    expect(store.keyspace.records.expiry(store.record('key'))).toBe(SOON_MS);
  });
});
