/**
 * The parts of the RDB format: what the writer writes, the reader reads; the bytes are those of the format.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, Output } from '../../../src/base';
import { Int64 } from '../../../src/storage/int64';
import { RdbReader } from '../../../src/storage/rdb/reader';
import { RdbWriter } from '../../../src/storage/rdb/writer';
import { int64, textOfMember } from '../packed';
import { bytes } from '../store';
import { viewOf } from './values';

const reader = new RdbReader();

function written(write: (writer: RdbWriter) => void): Buffer {
  const out = new Output();
  write(new RdbWriter(out));
  return out.take();
}

describe('lengths', () => {
  test.each([
    [0, '00'],
    [63, '3f'],
    [64, '4040'],
    [16_383, '7fff'],
    [16_384, '8000004000'],
    [2 ** 32 - 1, '80ffffffff'],
    [2 ** 32, '810000000100000000'],
    [Number.MAX_SAFE_INTEGER, '81001fffffffffffff'],
  ])('of %i are %s', (length, hex) => {
    const all = written((writer) => writer.length(length));
    expect(all.toString('hex')).toBe(hex);
    expect(reader.over(viewOf(all)).length()).toBe(length);
    expect([reader.left, reader.isFailed]).toEqual([0, false]);
    for (let end = 0; end < all.length; end++) {
      expect(reader.over(viewOf(all.subarray(0, end))).length()).toBe(0);
      expect(reader.isFailed).toBe(true);
    }
  });

  test('may have all of 64 bits', () => {
    const value = new Int64();
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (low, high) => {
        reader.over(viewOf(written((writer) => writer.wideLength(low, high)))).wideLength(value);
        expect([value.low, value.high, reader.left, reader.isFailed]).toEqual([low, high, 0, false]);
      }),
    );
  });

  test('beyond safe integers fail where a number is wanted', () => {
    const all = written((writer) => writer.wideLength(0, 1 << 21));
    expect(reader.over(viewOf(all)).length()).toBe(0);
    expect(reader.isFailed).toBe(true);
  });
});

test('strings come back, two at a time', () => {
  fc.assert(
    fc.property(fc.array(textOfMember), fc.boolean(), (texts, compresses) => {
      const all = written((writer) => {
        writer.compresses = compresses;
        for (const text of texts) writer.string(bytes(text));
      });
      reader.over(viewOf(all));
      const found = [new Bytes(), new Bytes()];
      for (let i = 0; i < texts.length; i++) {
        expect(reader.string(found[i % 2]).toLatin1()).toBe(texts[i]);
        if (i > 0) expect(found[(i + 1) % 2].toLatin1()).toBe(texts[i - 1]);
      }
      expect([reader.left, reader.isFailed]).toEqual([0, false]);
    }),
  );
});

test('numbers come back', () => {
  const value = new Int64();
  fc.assert(
    fc.property(fc.double({ noNaN: true }), int64, (double, integer) => {
      const text = Buffer.from(integer.toString());
      value.parse(text, 0, text.length);
      const all = written((writer) => {
        writer.double(double);
        writer.int64(value);
      });
      expect(all.readDoubleLE()).toBe(double);
      expect(all.readBigInt64LE(8)).toBe(integer);
      expect(reader.over(viewOf(all)).double()).toBe(double);
      const back = new Int64();
      reader.int64(back);
      expect([back.low, back.high, reader.left]).toEqual([value.low, value.high, 0]);
    }),
  );
});

test('a reader that has failed has nothing left', () => {
  reader.over(bytes('abcdef'));
  expect(reader.raw(2, new Bytes()).toLatin1()).toBe('ab');
  reader.fail();
  expect([reader.left, reader.byte(), reader.length(), reader.double()]).toEqual([0, 0, 0, 0]);
  expect(reader.string(new Bytes()).length).toBe(0);
  expect(reader.raw(1, new Bytes()).length).toBe(0);
  expect(reader.isFailed).toBe(true);
});

test('a string is not decompressed beyond its limit', () => {
  const all = written((writer) => writer.string(bytes('a'.repeat(1000))));
  reader.stringBytesMax = 999;
  reader.over(viewOf(all)).string(new Bytes());
  expect(reader.isFailed).toBe(true);
  reader.stringBytesMax = 1000;
  expect(reader.over(viewOf(all)).string(new Bytes()).length).toBe(1000);
  expect(reader.isFailed).toBe(false);
});
