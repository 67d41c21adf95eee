/**
 * Payloads: every value comes back from its own, and nothing comes of those that were damaged but the memory they took.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Digests, Dumps, ENCODING_LISTPACK, ENCODING_NAMES, NO_EXPIRY } from '../../../src/storage';
import { crc64 } from '../../../src/storage/rdb/crc64';
import { ListpackBuilder } from '../../../src/storage/rdb/listpack-builder';
import { disturbed } from '../packed';
import { bytes, checkDatabase } from '../store';
import { rdbString, streamOf } from './old-forms';
import { range, Values, viewOf } from './values';

const STRING_BYTES_MAX = 2 ** 29;
const VERSION_AT = -10;
const CRC_AT = -8;

const values = new Values();
const keys = values.makeAll();
const { store } = values;
const { keyspace } = store;
const dumps = new Dumps(keyspace);
const digests = new Digests(keyspace);

function payloadOf(key: string, compresses = true): Buffer {
  return Buffer.from(dumps.dump(store.database(), values.record(key), compresses));
}

/** Type and value as a payload of a version, with the right CRC. */
function sealed(body: Buffer, version = 10): Buffer {
  const payload = Buffer.concat([body, Buffer.from([version, version >> 8])]);
  const remainder = new Uint32Array(2);
  crc64(payload, 0, payload.length, remainder);
  return Buffer.concat([payload, Buffer.from(remainder.buffer)]);
}

/** Whether a payload is taken for a value, which is under `copy` then. */
function restore(payload: Buffer): boolean {
  expect(dumps.open(viewOf(payload))).toBe(true);
  try {
    if (!dumps.restore(STRING_BYTES_MAX)) return false;
    dumps.moveTo(store.database(), bytes('copy'), NO_EXPIRY);
    return true;
  } finally {
    dumps.discard();
  }
}

function listpackOf(texts: readonly string[]): Buffer {
  const builder = new ListpackBuilder(0);
  for (const text of texts) builder.append(bytes(text));
  return builder.finish().copy();
}

function forget(key: string): void {
  store.delete(key);
  keyspace.reclaim(() => false);
}

describe('a payload', () => {
  test.each(keys)('of "%s" makes an equal value', (key) => {
    const before = store.usedBytes;
    const encoding = keyspace.records.encoding(values.record(key));
    for (const compresses of [true, false]) {
      const payload = payloadOf(key, compresses);
      expect(payload.length).toBe(dumps.valueBytes(store.database(), values.record(key), compresses) + 11);
      expect(restore(payload)).toBe(true);
      const copy = values.record('copy');
      expect(ENCODING_NAMES[keyspace.records.encoding(copy)]).toBe(ENCODING_NAMES[encoding]);
      const isExact = !['hash', 'set', 'packed set'].includes(key);
      if (isExact) expect(payloadOf('copy', compresses).toString('hex')).toBe(payload.toString('hex'));
      if (key !== 'expiring') {
        const digest = digests.ofValue(store.database(), values.record(key));
        expect(digests.ofValue(store.database(), copy)).toBe(digest);
      }
      checkDatabase(store);
      forget('copy');
    }
    expect(store.usedBytes).toBe(before);
  });

  test('of another version or CRC is not opened', () => {
    const payload = payloadOf('string 0');
    for (let i = 0; i < payload.length; i++) {
      const damaged = Buffer.from(payload);
      damaged[i] ^= 1;
      expect(dumps.open(viewOf(damaged))).toBe(false);
    }
    for (let length = 0; length < payload.length; length++) {
      expect(dumps.open(viewOf(payload.subarray(0, length)))).toBe(false);
    }
    const body = payload.subarray(0, VERSION_AT);
    expect([1, 10, 11, 12, 0x100].map((version) => dumps.open(viewOf(sealed(body, version))))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  test('must end where its value ends', () => {
    for (const key of keys) {
      const body = payloadOf(key).subarray(0, VERSION_AT);
      expect(restore(sealed(Buffer.concat([body, Buffer.from([0])])))).toBe(false);
      expect(restore(sealed(body.subarray(0, -1)))).toBe(false);
      expect(store.get('copy')).toBe(null);
    }
  });

  test('that promises more than it has takes no memory', () => {
    const huge = Buffer.from([0x81, 0, 0, 0, 0x10, 0, 0, 0, 0]);
    const long = Buffer.from([0x80, 0x7f, 0xff, 0xff, 0xff]);
    const before = store.usedBytes;
    for (const type of Array.from({ length: 256 }, (_, i) => i)) {
      for (const rest of [huge, long, Buffer.concat([Buffer.from([0xc3, 1]), long, Buffer.from([0])])]) {
        expect(restore(sealed(Buffer.concat([Buffer.from([type]), rest])))).toBe(false);
        expect(restore(sealed(Buffer.concat([Buffer.from([type]), rest, rest, rest])))).toBe(false);
      }
    }
    keyspace.reclaim(() => false);
    expect(store.usedBytes).toBe(before);
  });
});

describe('a packed collection that has a name twice', () => {
  const names = range(300).map((i) => (i % 3 === 0 ? String(i) : `name ${i}`));
  const withScores = names.flatMap((name, i) => [name, String(i)]);
  const forms = [
    { name: 'hash', type: 16, step: 2, elements: withScores },
    { name: 'sorted set', type: 17, step: 2, elements: withScores },
    { name: 'set', type: 20, step: 1, elements: names },
  ];

  test.each(forms)('is refused: a $name, whatever the limits', ({ type, step, elements }) => {
    const before = store.usedBytes;
    const limits = { ...keyspace.limits };
    for (const limit of [10, 1000]) {
      for (const name of ['hash', 'set', 'zset'] as const) keyspace.limits[`${name}-max-listpack-entries`] = limit;
      for (const count of [3, 40, 300]) {
        const some = elements.slice(0, count * step);
        for (const [first, second] of [
          [0, count - 1],
          [1, 2],
          [count - 2, count - 1],
        ]) {
          const twice = [...some];
          twice[second * step] = twice[first * step];
          expect(restore(sealed(Buffer.concat([Buffer.from([type]), rdbString(listpackOf(twice))]), 11))).toBe(false);
        }
        expect(restore(sealed(Buffer.concat([Buffer.from([type]), rdbString(listpackOf(some))]), 11))).toBe(true);
        const isPacked = keyspace.records.encoding(values.record('copy')) === ENCODING_LISTPACK;
        expect(isPacked).toBe(count <= limit);
        forget('copy');
        expect(store.usedBytes).toBe(before);
      }
    }
    Object.assign(keyspace.limits, limits);
  });
});

test.each(keys)('a copy of "%s" has a life of its own', (key) => {
  const before = store.usedBytes;
  const payload = payloadOf(key);
  const digest = digests.ofValue(store.database(), values.record(key));
  store.database().putCopy(bytes('copy'), values.record(key));
  expect(digests.ofValue(store.database(), values.record('copy'))).toBe(digest);
  expect(payloadOf('copy').length).toBe(payload.length);
  values.use('copy');
  expect(payloadOf(key)).toEqual(payload);
  forget('copy');
  expect(store.usedBytes).toBe(before);
});

test('streams of three versions of Redis are read', () => {
  for (const type of [15, 19, 21] as const) {
    const body = streamOf(type);
    expect(restore(sealed(body, 11))).toBe(true);
    expect(payloadOf('copy').subarray(0, VERSION_AT)).toEqual(streamOf(19));
    for (let length = 0; length < body.length; length++)
      expect(restore(sealed(body.subarray(0, length), 11))).toBe(false);
    forget('copy');
  }
});

test('a stream whose groups contradict themselves is refused', () => {
  const body = streamOf(19);
  const idAt = body.length - 16;
  const consumer = body.subarray(idAt - 1 - 8 - 2);
  const changed = (at: number, byte: number): Buffer =>
    Buffer.concat([body.subarray(0, at), Buffer.from([byte]), body.subarray(at + 1)]);
  const wrong = [
    // An entry is pending for nobody, for a consumer alone, for two.
    changed(idAt - 1, 0).subarray(0, idAt),
    changed(body.length - 1, 9),
    Buffer.concat([changed(idAt - 1, 2), body.subarray(idAt)]),
    Buffer.concat([
      changed(body.length - consumer.length - 1, 2),
      consumer.subarray(0, 1),
      Buffer.from('d'),
      consumer.subarray(2),
    ]),
    // A consumer of the same name twice.
    Buffer.concat([changed(body.length - consumer.length - 1, 2), consumer.subarray(0, 10), Buffer.from([0])]),
  ];
  for (const each of wrong) expect(restore(sealed(each))).toBe(false);
  const another = [consumer.subarray(0, 1), Buffer.from('d'), consumer.subarray(2, 10), Buffer.from([0])];
  expect(restore(sealed(Buffer.concat([changed(body.length - consumer.length - 1, 2), ...another])))).toBe(true);
  forget('copy');
});

describe('a damaged payload', () => {
  const isWhole = (payload: Buffer): boolean => payload.length > -VERSION_AT;

  test.each(keys)('of "%s" is refused, or makes a value that can be used', (key) => {
    const before = store.usedBytes;
    const bodies = [true, false].map((compresses) => payloadOf(key, compresses).subarray(0, VERSION_AT));
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.array(disturbed, { minLength: 1, maxLength: 3 }), (body, disturbs) => {
        const payload = sealed(
          disturbs.reduce<Buffer>((damaged, disturb) => disturb(damaged), Buffer.from(body)),
          11,
        );
        if (!isWhole(payload)) return;
        if (restore(payload)) {
          digests.ofValue(store.database(), values.record('copy'));
          const again = payloadOf('copy');
          expect(restore(again)).toBe(true);
          values.use('copy');
          forget('copy');
        }
        expect(store.get('copy')).toBe(null);
        keyspace.reclaim(() => false);
        expect(store.usedBytes).toBe(before);
      }),
      { numRuns: 400 },
    );
  });

  test('made of parts of two is refused, or makes a value that can be used', () => {
    const before = store.usedBytes;
    const bodies = keys.map((key) => payloadOf(key, false).subarray(0, VERSION_AT));
    const body = fc.constantFrom(...bodies);
    fc.assert(
      fc.property(body, body, fc.nat(), fc.nat(), fc.nat(21), (first, second, from, to, type) => {
        const head = first.subarray(0, from % (first.length + 1));
        const tail = second.subarray(to % (second.length + 1));
        const spliced = Buffer.concat([head, tail]);
        for (const each of [spliced, Buffer.concat([Buffer.from([type]), spliced.subarray(1)])]) {
          if (restore(sealed(each, 11))) {
            payloadOf('copy');
            values.use('copy');
            forget('copy');
          }
          const forged = sealed(each);
          expect(dumps.open(viewOf(forged.fill(0, forged.length + CRC_AT)))).toBe(false);
        }
        keyspace.reclaim(() => false);
        expect(store.usedBytes).toBe(before);
      }),
      { numRuns: 5000 },
    );
  });
});
