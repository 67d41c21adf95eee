/**
 * Packed encodings byte for byte: what a real Redis DUMPs is what our codecs write, LZF and CRC-64 included.
 *
 * A payload is: type byte, strings of RDB (lists: a count of them, each after its container's kind), version, CRC. Strings
 * may come compressed or as integers; this reader takes them apart without the help of src/.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bytes, splitArguments } from '../../src/base';
import { Intset, INTSET_HEADER_BYTES, isValidIntset } from '../../src/storage/intset';
import {
  elementSize,
  isValidListpack,
  Listpack,
  LISTPACK_EMPTY_BYTES,
  LISTPACK_HEADER_BYTES,
} from '../../src/storage/listpack';
import { crc64 } from '../../src/storage/rdb/crc64';
import { compress, decompress } from '../../src/storage/rdb/lzf';
import { int64, textOfMember } from '../storage/packed';
import { bytes } from '../storage/store';
import { command, type StageSession } from '../transcripts/session';
import { OracleStage, SEED } from './oracle-stage';

const RUNS = 150;

const RDB_STRING = 0;
const RDB_SET_INTSET = 11;
const RDB_HASH_LISTPACK = 16;
const RDB_LIST_QUICKLIST = 18;
const VERSION_BYTES = 2;
const CRC_BYTES = 8;
/** Shorter strings are never compressed, and compression must win four bytes. */
const COMPRESSED_FROM_BYTES = 21;
const GAIN_MIN_BYTES = 4;

/** Settings that keep each collection of these tests in one piece: lists in one of at most 64 KiB. */
const SETTINGS =
  'CONFIG SET hash-max-listpack-entries 1000 hash-max-listpack-value 20000 set-max-intset-entries 1000 list-max-listpack-size -5';

interface RdbString {
  readonly data: Buffer;
  /** The bytes as LZF; null where they came as they are. */
  readonly compressed: Buffer | null;
}

class PayloadReader {
  at = 1;

  constructor(readonly payload: Buffer) {}

  string(): RdbString {
    const head = this.payload[this.at];
    if (head === 0xc3) {
      this.at++;
      const [small, large] = [this.length(), this.length()];
      const compressed = this.take(small);
      const data = Buffer.alloc(large);
      expect(decompress(compressed, 0, small, data, 0, large)).toBe(true);
      return { data, compressed };
    }
    if (head >= 0xc0) {
      this.at++;
      const width = 1 << (head & 3);
      return { data: Buffer.from(String(this.take(width).readIntLE(0, width))), compressed: null };
    }
    return { data: this.take(this.length()), compressed: null };
  }

  length(): number {
    const head = this.payload[this.at++];
    if (head < 0x40) return head;
    if (head < 0x80) return ((head & 0x3f) << 8) | this.payload[this.at++];
    return this.take(4).readUInt32BE();
  }

  private take(length: number): Buffer {
    this.at += length;
    return this.payload.subarray(this.at - length, this.at);
  }
}

function listpackOf(texts: readonly string[]): Buffer {
  const length = texts.reduce((sum, text) => sum + elementSize(bytes(text)), LISTPACK_EMPTY_BYTES);
  const all = Buffer.alloc(length);
  const listpack = new Listpack().over(new Bytes(all));
  let at = LISTPACK_HEADER_BYTES;
  for (const text of texts) at = listpack.write(at, bytes(text));
  listpack.writeFrame(length, texts.length);
  expect(isValidListpack(all, 0, length, true)).toBe(true);
  return all;
}

function intsetOf(texts: readonly string[]): Buffer {
  const all = Buffer.alloc(INTSET_HEADER_BYTES + texts.length * 8);
  const set = new Intset().over(new Bytes(all));
  set.clear();
  for (const text of texts) set.insert(bytes(text));
  expect(isValidIntset(all, 0, set.byteLength)).toBe(true);
  return all.subarray(0, set.byteLength);
}

/** What our compressor makes of bytes that an RDB would store; null where it would store them as they are. */
function compressedAsRdb(data: Buffer): Buffer | null {
  if (data.length < COMPRESSED_FROM_BYTES) return null;
  const room = Buffer.alloc(data.length - GAIN_MIN_BYTES);
  const length = compress(data, 0, data.length, room, 0, room.length);
  return length === 0 ? null : room.subarray(0, length);
}

describe.skipIf(new OracleStage(2).skipped !== null)('the bytes of a real Redis', () => {
  const stage = new OracleStage(2);
  let session: StageSession;

  beforeAll(async () => {
    session = await stage.open();
    expect(await session.send(command(...SETTINGS.split(' ')))).toBe('OK');
  });

  afterAll(async () => {
    await session.close();
    await stage.close();
  });

  /** DUMPs what `words` make of the key `k`; the payload's type and CRC are right. */
  async function dump(type: number, name: string, texts: readonly string[]): Promise<PayloadReader> {
    await session.send(command('DEL', 'k'));
    const made = await session.send(command(name, 'k', ...texts.map((text) => Buffer.from(text, 'latin1'))));
    expect(made).not.toMatch(/error/);
    const payload = splitArguments(Buffer.from(await session.send(command('DUMP', 'k'))))?.[0] as Buffer;
    expect(payload[0]).toBe(type);
    const remainder = new Uint32Array(2);
    crc64(payload, 0, payload.length - CRC_BYTES, remainder);
    const end = payload.length - CRC_BYTES;
    expect([...remainder]).toEqual([payload.readUInt32LE(end), payload.readUInt32LE(end + 4)]);
    return new PayloadReader(payload);
  }

  /** That the next string of a payload is these bytes, compressed as we would, and that none follows. */
  function expectLast(reader: PayloadReader, expected: Buffer): void {
    const { data, compressed } = reader.string();
    expect(data.toString('hex')).toBe(expected.toString('hex'));
    expect(compressed?.toString('hex')).toBe(compressedAsRdb(expected)?.toString('hex'));
    expect(reader.at).toBe(reader.payload.length - VERSION_BYTES - CRC_BYTES);
  }

  /** Backlens need one byte more from these lengths on. */
  const atLimits = fc.constantFrom(63, 64, 125, 126, 127, 4095, 4096, 16_377, 16_378, 16_379).map((i) => 'y'.repeat(i));
  const member = fc.oneof({ weight: 9, arbitrary: textOfMember }, atLimits);

  test('hashes are our listpacks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(member, { minLength: 1, maxLength: 30 }), async (fields) => {
        const texts = fields.flatMap((field, i) => [field, fields[(i * 7) % fields.length]]);
        expectLast(await dump(RDB_HASH_LISTPACK, 'HSET', texts), listpackOf(texts));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('lists are our listpacks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(textOfMember, { minLength: 1, maxLength: 12 }), async (texts) => {
        const reader = await dump(RDB_LIST_QUICKLIST, 'RPUSH', texts);
        expect([reader.length(), reader.length()]).toEqual([1, 2]);
        expectLast(reader, listpackOf(texts));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('sets of integers are our intsets', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(int64.map(String), { minLength: 1, maxLength: 60 }), async (texts) => {
        expectLast(await dump(RDB_SET_INTSET, 'SADD', texts), intsetOf(texts));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('strings are compressed as we compress them', async () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((all) => Buffer.from(all).toString('latin1')),
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 200 }).map((letters) => letters.join('')),
      fc.nat(400).map((length) => 'z'.repeat(length)),
      fc.nat(99).map((i) => `{"id":${i},"name":"user ${i * 7}"}`),
      fc.tuple(fc.integer(), fc.nat(9000)).map(([seed, length]) => noise(seed, length)),
    );
    const text = fc.tuple(fc.array(part, { minLength: 1, maxLength: 12 }), fc.nat(3)).map(([parts, doublings]) => {
      return Array.from({ length: doublings + 1 }, () => parts.join('')).join('');
    });
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const reader = await dump(RDB_STRING, 'SET', [value]);
        // What spells a small integer is stored as one.
        if (value.length < COMPRESSED_FROM_BYTES) return;
        expectLast(reader, Buffer.from(value, 'latin1'));
      }),
      { numRuns: 2 * RUNS, seed: SEED },
    );
  });
});

/** Bytes without a pattern, the same for the same seed. */
function noise(seed: number, length: number): string {
  const all = Buffer.alloc(length);
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    all[i] = state >>> 16;
  }
  return all.toString('latin1');
}
