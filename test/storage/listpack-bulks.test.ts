/**
 * Elements written as replies, against the same elements encoded one by one; with heads and tails of every length, across chunks of
 * the output, and into an output that cannot be written by words.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bytes, Output, widen } from '../../src/base';
import { elementSize, Listpack, LISTPACK_EMPTY_BYTES, LISTPACK_HEADER_BYTES } from '../../src/storage/listpack';
import { writeBulks } from '../../src/storage/listpack-bulks';
import { bytes } from './store';

/** A listpack of these elements, somewhere inside other memory. */
function pack(texts: readonly string[], isWide: boolean): Listpack {
  const size = texts.reduce((sum, text) => sum + elementSize(bytes(text)), LISTPACK_EMPTY_BYTES);
  const memory = new Uint8Array(size + 13);
  const listpack = new Listpack().over(new Bytes(isWide ? widen(memory) : memory, 13, memory.length));
  let at = LISTPACK_HEADER_BYTES;
  for (const text of texts) at = listpack.write(at, bytes(text));
  listpack.writeFrame(size, texts.length);
  return listpack;
}

function bulks(texts: readonly string[]): string {
  return texts.map((text) => `$${text.length}\r\n${text}\r\n`).join('');
}

const element = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 70 }).map((length) => 'abcdefg'.repeat(10).slice(0, length)) },
  fc.string({ unit: 'binary-ascii', maxLength: 80 }),
  fc.integer().map(String),
  fc.constantFrom('9223372036854775807', 'x'.repeat(600), 'y'.repeat(5000), 'z'.repeat(20000)),
);

test.each([true, false])('any run of elements, in memory with a view as words: %s', (isWide) => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 400, size: 'max' }), fc.nat(410), fc.nat(410), (texts, from, count) => {
      const first = Math.min(from, texts.length);
      const { u8, base, length } = pack(texts, isWide);
      const listpack = new Listpack();
      listpack.u8 = u8;
      listpack.base = base;
      const at = first === texts.length ? length - 1 : listpack.seek(first);
      const out = new Output();
      const expected = texts.slice(first, first + count);
      expect(writeBulks(out, u8, base, at, count)).toBe(expected.length);
      expect(out.take().toString('latin1')).toBe(bulks(expected));
    }),
    { numRuns: 60 },
  );
});

test('behind a large value, whose chunk has no view as words', () => {
  const out = new Output();
  const large = Buffer.alloc(100_000, 'x');
  out.bytes(large, 0, large.length - 10);
  const { u8, base } = pack(['a', '12', 'b'], true);
  expect(writeBulks(out, u8, base, LISTPACK_HEADER_BYTES, 10)).toBe(3);
  expect(out.take().subarray(-22).toString()).toBe(`${bulks(['a', '12', 'b'])}`);
});
