/**
 * Ziplists and zipmaps are read whole, and what is none is refused without a look outside of it.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bytes } from '../../../src/base';
import { isValidListpack, Listpack, NOWHERE } from '../../../src/storage/listpack';
import { listpackOfZiplist, listpackOfZipmap } from '../../../src/storage/rdb/legacy';
import { disturbed, textOfMember } from '../packed';
import { zipmapOf, ziplistOf } from './old-forms';

const FORMS = [
  { name: 'a ziplist', make: ziplistOf, read: listpackOfZiplist },
  { name: 'a zipmap', make: zipmapOf, read: listpackOfZipmap },
];

const texts = fc
  .array(fc.oneof({ weight: 9, arbitrary: textOfMember }, fc.constant('z'.repeat(20_000))), { maxLength: 30 })
  .map((all) => (all.length % 2 === 0 ? all : all.slice(1)));

/** A view of these bytes with others around them. */
function amid(bytes: Buffer): Bytes {
  return new Bytes(Buffer.concat([Buffer.alloc(3, 0xfe), bytes, Buffer.alloc(3, 0xff)]), 3, 3 + bytes.length);
}

function elements(bytes: Bytes): string[] {
  expect(isValidListpack(bytes.buffer, bytes.start, bytes.end, true)).toBe(true);
  const listpack = new Listpack().over(bytes);
  const found: string[] = [];
  for (let at = listpack.first(); at !== NOWHERE; at = listpack.next(at)) {
    found.push(listpack.read(at, new Bytes()).toLatin1());
  }
  return found;
}

test.each(FORMS)('$name becomes a listpack', ({ make, read }) => {
  fc.assert(
    fc.property(texts, (all) => {
      expect(elements(read(amid(make(all)))!)).toEqual(all);
    }),
    { numRuns: 300 },
  );
});

test.each(FORMS)('$name that is damaged is refused, or becomes a listpack of something else', ({ make, read }) => {
  fc.assert(
    fc.property(texts, fc.array(disturbed, { minLength: 1, maxLength: 2 }), (all, disturbs) => {
      const damaged = disturbs.reduce((bytes, disturb) => disturb(bytes), make(all));
      const bytes = read(amid(damaged));
      if (bytes !== null) elements(bytes);
    }),
    { numRuns: 1500 },
  );
});

test.each(FORMS)('$name that is cut is refused', ({ make, read }) => {
  const whole = make(['name', '1', 'other name', '300', 'y'.repeat(300), '-70000']);
  for (let length = 0; length < whole.length; length++) expect(read(amid(whole.subarray(0, length)))).toBe(null);
});
