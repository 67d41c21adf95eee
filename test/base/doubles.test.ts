/**
 * Doubles from text: what C's strtod reads, and what Redis takes of that.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, parseDouble, readDouble } from '../../src/base';

const read = (text: string): number => {
  const buffer = Buffer.from(`<${text}>`, 'latin1');
  return readDouble(buffer, 1, buffer.length - 1);
};
const parse = (text: string): number => parseDouble(Bytes.of(text));

describe('text of a double', () => {
  test.each([
    ['0', 0],
    ['-0', -0],
    ['5', 5],
    ['+5', 5],
    ['-12.5', -12.5],
    ['.5', 0.5],
    ['5.', 5],
    ['-.25', -0.25],
    ['000012.500', 12.5],
    ['999999999999999', 999999999999999],
    ['0.000000000000001', 1e-15],
    ['9007199254740993', 9007199254740992],
    ['1e3', 1000],
    ['1E-3', 0.001],
    ['5e-324', 5e-324],
    ['0x10', 16],
    ['-0X.8', -0.5],
    ['0x1.8p1', 3],
    ['0x10P-2', 4],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['+INF', Infinity],
    ['0e999', 0],
    ['0x0p-9999', 0],
  ])('%s is %d', (text, value) => {
    expect([read(text), parse(text)]).toEqual([value, value]);
  });

  test.each([
    '',
    ' 1',
    '1 ',
    '.',
    '-',
    '+',
    '--1',
    '1.2.3',
    '1e',
    'e1',
    '0x',
    '0x.',
    '1_0',
    'nan',
    'one',
    '1\0',
    'infinit',
  ])('%j is none', (text) => {
    expect([read(text), parse(text)]).toEqual([NaN, NaN]);
  });

  test.each([
    ['1e400', Infinity],
    ['-1e400', -Infinity],
    ['0x1p2000', Infinity],
    ['1e-400', 0],
    ['-0.1e-500', -0],
    ['0x1p-2000', 0],
  ])('%s is rounded to %d where that is wanted', (text, value) => {
    expect([read(text), parse(text)]).toEqual([value, NaN]);
  });

  test('of any length is read as Number reads it', () => {
    const digits = fc.stringMatching(/^[0-9]{1,20}$/);
    fc.assert(
      fc.property(fc.constantFrom('', '-'), digits, fc.option(digits), (sign, whole, fraction) => {
        const text = `${sign}${whole}${fraction === null ? '' : `.${fraction}`}`;
        expect(parse(text)).toBe(Number(text));
      }),
    );
  });

  test('of every double is read as that double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(read(String(value))).toBe(value + 0);
      }),
    );
  });
});
