/**
 * CRC-64 against its check value, and against one bit at a time in BigInts.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc64 } from '../../../src/storage/rdb/crc64';

const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

function referenceCrc(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  }
  return crc;
}

/** The CRC of parts that end at these places. */
function crcInParts(bytes: Uint8Array, ends: readonly number[]): bigint {
  const remainder = new Uint32Array(2);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    crc64(bytes, start, end, remainder);
    start = end;
  }
  return (BigInt(remainder[1]) << 32n) | BigInt(remainder[0]);
}

test('gives the check value', () => {
  expect(crcInParts(Buffer.from('123456789'), [])).toBe(0xe9c6d914c4b8d9can);
});

test('is that of single bits, in any parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(100), { maxLength: 3 }), (bytes, cuts) => {
      const ends = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
      expect(crcInParts(bytes, ends)).toBe(referenceCrc(bytes));
    }),
  );
});
