/**
 * Arbitraries for packed encodings: members of collections that meet every form an encoding has, and disturbances as
 * broken or hostile senders make them.
 */
import fc from 'fast-check';

/** An int64, mostly near a limit where encodings change. */
export const int64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: -300n, max: 300n }),
  fc
    .tuple(fc.constantFrom(7n, 12n, 15n, 23n, 31n, 32n, 52n, 53n), fc.bigInt({ min: -2n, max: 2n }), fc.boolean())
    .map(([bits, more, isNegative]) => (isNegative ? -1n : 1n) * 2n ** bits + more),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 10n ** 18n, -(10n ** 15n), 9_999_999_999_999_999n),
);

/** Text of one character per byte: integers, what nearly is one, and strings of all sizes' forms. */
export const textOfMember: fc.Arbitrary<string> = fc.oneof(
  int64.map(String),
  fc.constantFrom('', '-', '-0', '007', '+1', '1.5', ' 1', '9223372036854775808', 'field:1', 'field:2'),
  fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.tuple(fc.integer({ min: 60, max: 5000 }), fc.constantFrom('a', 'b')).map(([length, byte]) => byte.repeat(length)),
);

/** Flips a few bits or bytes, cuts, doubles or moves a part. */
export const disturbed: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc.oneof(
  fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }).map((flips) => {
    return (bytes: Buffer) => {
      for (const [place, mask] of flips) bytes[place % Math.max(bytes.length, 1)] ^= mask;
      return bytes;
    };
  }),
  fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xe0, 0xf0, 0xf4, 0xff)).map(([place, byte]) => {
    return (bytes: Buffer) => {
      bytes[place % Math.max(bytes.length, 1)] = byte;
      return bytes;
    };
  }),
  fc.nat().map((place) => (bytes: Buffer) => bytes.subarray(0, place % (bytes.length + 1))),
  fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => (bytes: Buffer) => {
    const [first, second] = [from % (bytes.length + 1), to % (bytes.length + 1)].sort((a, b) => a - b);
    return Buffer.concat([bytes.subarray(0, second), bytes.subarray(first)]);
  }),
);
