/**
 * Listpacks against plain arrays, and against bytes that strangers made. That the bytes are Redis' own is shown by
 * test/oracle/packed-encodings.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, widen } from '../../src/base';
import {
  elementSize,
  isValidListpack,
  Listpack,
  LISTPACK_EMPTY_BYTES,
  LISTPACK_HEADER_BYTES,
  NOWHERE,
} from '../../src/storage/listpack';
import { disturbed, textOfMember } from './packed';
import { bytes } from './store';

const BEFORE = 5;

/** A listpack of these elements amid other bytes. */
function listpackOf(texts: readonly string[]): { listpack: Listpack; start: number; end: number } {
  const length = texts.reduce((sum, text) => sum + elementSize(bytes(text)), LISTPACK_EMPTY_BYTES);
  const buffer = widen(new Uint8Array(BEFORE + length + 3).fill(0xa5));
  const listpack = new Listpack().over(new Bytes(buffer, BEFORE, BEFORE + length));
  let at = LISTPACK_HEADER_BYTES;
  for (const text of texts) at = listpack.write(at, bytes(text));
  expect(at).toBe(length - 1);
  listpack.writeFrame(length, texts.length);
  return { listpack, start: BEFORE, end: BEFORE + length };
}

function forward(listpack: Listpack): number[] {
  const places = [];
  for (let at = listpack.first(); at !== NOWHERE; at = listpack.next(at)) places.push(at);
  return places;
}

function backward(listpack: Listpack): number[] {
  const places = [];
  for (let at = listpack.last(); at !== NOWHERE; at = listpack.previous(at)) places.push(at);
  return places.reverse();
}

const textAt = (listpack: Listpack, at: number): string => listpack.read(at, new Bytes()).toLatin1();

const texts = fc.array(textOfMember, { maxLength: 30 });

describe('a listpack', () => {
  test('has the elements that were written, both ways, by index and by text', () => {
    fc.assert(
      fc.property(texts, textOfMember, (all, other) => {
        const { listpack, start, end } = listpackOf(all);
        expect(isValidListpack(listpack.u8, start, end, true)).toBe(true);
        expect([listpack.length, listpack.count]).toEqual([end - start, all.length]);
        const places = forward(listpack);
        expect(places.map((at) => textAt(listpack, at))).toEqual(all);
        expect(backward(listpack)).toEqual(places);
        for (let index = -all.length - 2; index < all.length + 2; index++) {
          expect(listpack.seek(index)).toBe(
            places.at(index) !== undefined && inside(index, all) ? places.at(index) : -1,
          );
        }
        for (const text of [...all, other]) {
          expect(places.map((at) => listpack.isAt(at, bytes(text)))).toEqual(all.map((each) => each === text));
          const found = all.indexOf(text);
          expect(listpack.find(bytes(text), listpack.first(), 1)).toBe(found < 0 ? NOWHERE : places[found]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is searched in steps, from anywhere', () => {
    fc.assert(
      fc.property(texts, fc.nat(30), fc.integer({ min: 1, max: 4 }), (all, from, step) => {
        const { listpack } = listpackOf(all);
        const places = forward(listpack);
        const begin = places[from] ?? NOWHERE;
        for (const text of all) {
          const found = all.findIndex((each, i) => each === text && i >= from && (i - from) % step === 0);
          expect(listpack.find(bytes(text), begin, step)).toBe(found < 0 ? NOWHERE : places[found]);
        }
      }),
    );
  });

  test('keeps canonical integers as such, in their shortest form', () => {
    const sizes: [string, number][] = [
      ...['0', '127'].map((text): [string, number] => [text, 2]),
      ...['128', '-1', '4095', '-4096'].map((text): [string, number] => [text, 3]),
      ...['4096', '-4097', '32767', '-32768'].map((text): [string, number] => [text, 4]),
      ...['32768', '-32769', '8388607', '-8388608'].map((text): [string, number] => [text, 5]),
      ...['8388608', '-8388609', '2147483647', '-2147483648'].map((text): [string, number] => [text, 6]),
      ...['2147483648', '-2147483649', '9007199254740991', '9223372036854775807', '-9223372036854775808'].map(
        (text): [string, number] => [text, 10],
      ),
      ...['', '-', '+1', '-0', '00', '01', ' 1', '1.0', '9223372036854775808', '-9223372036854775809'].map(
        (text): [string, number] => [text, text.length + 2],
      ),
    ];
    for (const [text, size] of sizes) {
      const { listpack } = listpackOf([text]);
      expect([text, elementSize(bytes(text)), listpack.sizeAt(listpack.first())]).toEqual([text, size, size]);
      const isKept = size !== text.length + 2 || text === '-1';
      const expected = isKept && Number.isSafeInteger(Number(text)) ? Number(text) : NaN;
      expect(listpack.integerAt(listpack.first())).toBe(expected);
    }
  });

  test.each([63, 64, 126, 127, 4095, 4096, 16_377, 16_378, 16_379, 2_097_146, 2_097_147])(
    'has strings of %i bytes',
    (length) => {
      const long = 'x'.repeat(length);
      const { listpack, start, end } = listpackOf(['a', long, 'b']);
      expect(isValidListpack(listpack.u8, start, end, true)).toBe(true);
      expect(backward(listpack)).toEqual(forward(listpack));
      expect(listpack.find(bytes(long), listpack.first(), 1)).toBe(listpack.seek(1));
      expect(listpack.find(bytes('b'), listpack.first(), 2)).toBe(listpack.seek(2));
      expect(textAt(listpack, listpack.seek(1)) === long).toBe(true);
    },
  );

  test('counts by walking where the header cannot say', () => {
    const all = Array.from({ length: 65_540 }, (_, i) => String(i));
    const { listpack, start, end } = listpackOf(all);
    expect([listpack.u8[start + 4], listpack.u8[start + 5]]).toEqual([0xff, 0xff]);
    expect(listpack.count).toBe(all.length);
    expect(isValidListpack(listpack.u8, start, end, true)).toBe(true);
    expect([textAt(listpack, listpack.seek(65_536)), textAt(listpack, listpack.seek(-1))]).toEqual(['65536', '65539']);
    expect([listpack.seek(65_540), listpack.seek(-65_541)]).toEqual([NOWHERE, NOWHERE]);
  });

  test('finds what others wrote in longer forms than needed', () => {
    const long = (length: number, data: string): number[] => [0xf0, length, 0, 0, 0, ...Buffer.from(data)];
    const foreign: [bare: number[], text: string][] = [
      [[0xf1, 7, 0], '7'],
      [[0xf4, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], '-16'],
      [[0x82, 0x34, 0x32], '42'],
      [[0xe0, 3, 0x61, 0x62, 0x63], 'abc'],
      [long(2, '99'), '99'],
    ];
    for (const [bare, text] of foreign) {
      const body = [...bare, bare.length, 0xff];
      const all = new Uint8Array([LISTPACK_HEADER_BYTES + body.length, 0, 0, 0, 1, 0, ...body]);
      expect(isValidListpack(all, 0, all.length, true)).toBe(true);
      const listpack = new Listpack().over(new Bytes(all));
      expect(textAt(listpack, listpack.first())).toBe(text);
      expect(listpack.find(bytes(text), listpack.first(), 1)).toBe(listpack.first());
      expect(listpack.isAt(listpack.first(), bytes(text))).toBe(true);
    }
  });
});

describe('the check', () => {
  test('lets nothing pass that a walk would leave', () => {
    fc.assert(
      fc.property(texts, disturbed, (all, disturb) => {
        const { listpack, start, end } = listpackOf(all);
        const hostile = disturb(Buffer.from(listpack.u8.subarray(start, end)));
        const guarded = Buffer.alloc(hostile.length + 2 * BEFORE, 0x7f);
        guarded.set(hostile, BEFORE);
        const hostileEnd = BEFORE + hostile.length;
        isValidListpack(guarded, BEFORE, hostileEnd, false);
        if (!isValidListpack(guarded, BEFORE, hostileEnd, true)) return;
        const walked = new Listpack().over(new Bytes(guarded, BEFORE, hostileEnd));
        const places = forward(walked);
        expect(backward(walked)).toEqual(places);
        for (const at of places) {
          const view = walked.read(at, new Bytes());
          if (view.buffer === guarded) expect(view.start > BEFORE && view.end < hostileEnd).toBe(true);
          expect(at + walked.sizeAt(at)).toBeLessThan(hostile.length);
          expect(walked.isAt(at, bytes(view.toLatin1()))).toBe(true);
        }
        if (all.length > 0) walked.find(bytes(all[0]), walked.first(), 2);
      }),
      { numRuns: 3000 },
    );
  });

  test('wants the length, the end, the count and each backlen', () => {
    const { listpack, start, end } = listpackOf(['abc', '5']);
    const sound = Buffer.from(listpack.u8.subarray(start, end));
    const isSound = (change: (bytes: Buffer) => void, isDeep = true): boolean => {
      const changed = Buffer.from(sound);
      change(changed);
      return isValidListpack(changed, 0, changed.length, isDeep);
    };
    expect(isSound(() => {})).toBe(true);
    expect(isSound((all) => all[0]++)).toBe(false);
    expect(isSound((all) => all[all.length - 1]--, false)).toBe(false);
    expect(isSound((all) => all[4]++)).toBe(false);
    expect(isSound((all) => all.fill(0xff, 4, 6))).toBe(true);
    expect(isSound((all) => all[10]++)).toBe(false);
    expect(isSound((all) => all[10]++, false)).toBe(true);
    expect(isSound((all) => (all[6] = 0xff))).toBe(false);
    expect(isSound((all) => (all[6] = 0xf7))).toBe(false);
    expect(isValidListpack(sound, 0, 3, true)).toBe(false);
  });
});

function inside(index: number, all: readonly string[]): boolean {
  return index >= -all.length && index < all.length;
}
