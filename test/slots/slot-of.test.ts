import crc from 'crc-32';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT_COUNT, slotOf, slotOfBytes } from '../../src/slots';

/** Bytes in which braces are frequent. */
const keys = fc
  .array(fc.oneof(fc.constantFrom(0x7b, 0x7d), fc.integer({ min: 0, max: 255 })), { maxLength: 60 })
  .map((bytes) => Uint8Array.from(bytes));

/** The key somewhere inside a larger buffer whose other bytes are braces, which must not matter. */
function slotInside(key: Uint8Array, before: number): number {
  const buffer = new Uint8Array(before + key.length + 9).fill(0x7b);
  buffer.fill(0x7d, before + key.length);
  buffer.set(key, before);
  return slotOfBytes(buffer, before, before + key.length);
}

describe('slotOf', () => {
  test('is crc32 of the key modulo 1024', () => {
    expect(slotOf('123456789')).toBe(0xcbf43926 % SLOT_COUNT);
    expect(slotOf('')).toBe(0);
  });

  test('hashes only the tag', () => {
    for (const key of ['{a}', '{a}b', 'x{a}y', '{a}{b}', 'x{a}}', 'a-key-longer-than-eight-bytes{a}and-its-tail']) {
      expect(slotOf(key), key).toBe(slotOf('a'));
      expect(slotInside(Buffer.from(key), 3), key).toBe(slotOf('a'));
    }
    expect(slotOf('{{a}b}')).toBe(slotOf('{a'));
  });

  test('hashes all of the key where the tag is empty or open', () => {
    for (const key of ['{}x', 'x{}', '{', 'x{a', '}{', '}a{', 'a}b']) {
      expect(slotOf(key), key).toBe((crc.str(key) >>> 0) % SLOT_COUNT);
      expect(slotInside(Buffer.from(key), 3), key).toBe(slotOf(key));
    }
  });

  test('agrees with slotOfBytes wherever the key lies', () => {
    fc.assert(
      fc.property(keys, fc.nat(9), (key, before) => {
        expect(slotInside(key, before)).toBe(slotOf(key));
      }),
      { numRuns: 1000 },
    );
  });

  test('takes a string as UTF-8, lone surrogates included', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
        (key) => {
          const bytes = Buffer.from(key);
          expect(slotOf(key)).toBe(slotOfBytes(bytes, 0, bytes.length));
        },
      ),
    );
  });
});
