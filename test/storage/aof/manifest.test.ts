/**
 * Manifests: what is read, and that what Redis refuses is refused.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../../src/base';
import { EMPTY_MANIFEST, formatManifest, parseManifest, type Manifest } from '../../../src/storage/aof/manifest';

const parse = (text: string | Uint8Array): Manifest => parseManifest(Buffer.from(text as string), 'm');
const entry = (name: string, sequence: number): { name: string; sequence: number } => ({ name, sequence });

const FULL: Manifest = {
  base: entry('appendonly.aof.2.base.rdb', 2),
  history: [entry('appendonly.aof.1.base.rdb', 1), entry('appendonly.aof.1.incr.aof', 1)],
  increments: [entry('appendonly.aof.2.incr.aof', 2), entry('appendonly.aof.10.incr.aof', 10)],
};

test("a manifest is Redis' own but for its last line", () => {
  expect(
    Buffer.from(formatManifest(FULL))
      .toString()
      .replace(/#CRC:[0-9a-f]{16} 222\r\n$/, ''),
  ).toBe(
    'file appendonly.aof.2.base.rdb seq 2 type b\n' +
      'file appendonly.aof.1.base.rdb seq 1 type h\n' +
      'file appendonly.aof.1.incr.aof seq 1 type h\n' +
      'file appendonly.aof.2.incr.aof seq 2 type i\n' +
      'file appendonly.aof.10.incr.aof seq 10 type i\n',
  );
  expect(parse(formatManifest(FULL))).toEqual(FULL);
  expect(parse(formatManifest(EMPTY_MANIFEST))).toEqual(EMPTY_MANIFEST);
});

test('names of any characters come back', () => {
  const unit = fc.constantFrom('a', '.', 'b', ' ', '0', '"', "'", '#', '\n', '\r', '\x07', '\x7f', 'é', '漢', '😀');
  const name = fc.string({ unit, minLength: 1, maxLength: 40 }).filter((text) => !/^\.\.?$/.test(text));
  fc.assert(
    fc.property(name, fc.integer({ min: 1 }), (text, sequence) => {
      const manifest = { ...EMPTY_MANIFEST, base: entry(text, sequence) };
      expect(parse(formatManifest(manifest))).toEqual(manifest);
    }),
  );
});

describe('read as Redis reads them', () => {
  test.each([
    ['# a comment\nfile a seq 1 type b\n#', { ...EMPTY_MANIFEST, base: entry('a', 1) }],
    ['FILE a SEQ 1 Type base\n', { ...EMPTY_MANIFEST, base: entry('a', 1) }],
    ['seq 1 type b file a\n', { ...EMPTY_MANIFEST, base: entry('a', 1) }],
    ['  file "a b" seq 7 type i new field\r\n', { ...EMPTY_MANIFEST, increments: [entry('a b', 7)] }],
  ])('%j', (text, manifest) => {
    expect(parse(text)).toEqual(manifest);
  });
});

describe('refused with the line', () => {
  test.each([
    ['', 'line 1: the manifest is empty'],
    ['file a seq 1 type b', 'line 1: the line has no end'],
    ['file a seq 1 type b\n\n', 'line 2: the line is malformed'],
    ['file a seq 1\n', 'line 1: the line is malformed'],
    ['file a seq 1 type b more\n', 'line 1: the line is malformed'],
    ['file "a seq 1 type b\n', 'line 1: the line is malformed'],
    ['file a seq 0 type b\n', 'line 1: the line is malformed'],
    ['file a seq 1x type b\n', 'line 1: the line is malformed'],
    ['file a seq 99999999999999999999 type b\n', 'line 1: the line is malformed'],
    ['file a\0b seq 1 type b\n', 'line 1: the line is malformed'],
    ['file "" seq 1 type b\n', 'line 1: the line is malformed'],
    ['file .. seq 1 type b\n', 'line 1: the line is malformed'],
    ['file ../a seq 1 type b\n', 'is a path'],
    ['file a seq 1 type b type i\n', "'type' is said twice"],
    ['file a seq 1 type b\n#CRC:0000000000000000 20\r\n', 'line 2: the checksum is wrong'],
    ['file a seq 1 type x\n', "there is no type 'x'"],
    ['file a seq 1 type b\nfile b seq 2 type b\n', 'line 2: there is a second base file'],
    ['file a seq 2 type i\nfile b seq 2 type i\n', 'line 2: the sequence number does not grow'],
    ['file a seq 1 type h\nfile a seq 2 type i\n', "line 2: the file 'a' is named twice"],
    [`file ${'a'.repeat(1100)} seq 1 type b\n`, 'line 1: the line is too long'],
  ])('%j', (text, reason) => {
    expect(() => parse(text)).toThrow(reason);
  });
});

test('a bit that has changed is refused, or changes nothing', () => {
  const text = Buffer.from(formatManifest(FULL));
  for (let bit = 0; bit < text.length * 8; bit++) {
    const flipped = Buffer.from(text);
    flipped[bit >> 3] ^= 1 << (bit & 7);
    try {
      expect(parseManifest(flipped, 'm')).toEqual(FULL);
    } catch (error) {
      expect(error).toMatchObject({ code: 'BAD_AOF' });
    }
  }
});

test('edited at random they are read or refused', () => {
  const text = Buffer.from(formatManifest(FULL));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(20), fc.uint8Array({ maxLength: 20 }), (at, count, bytes) => {
      const edited = Buffer.concat([text.subarray(0, at), bytes, text.subarray(at + count)]);
      try {
        parseManifest(edited, 'm');
      } catch (error) {
        expect(error).toBeInstanceOf(CacheError);
      }
    }),
    { numRuns: 500 },
  );
});
