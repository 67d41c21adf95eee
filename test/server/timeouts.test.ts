/**
 * Times to wait. Where Redis 7.0 is at hand it says the same, but for what is too long: 7.2 refuses it, where 7.0 counted
 * beyond the end of an int64.
 */
import { expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { timeoutMsOf, timeoutMsOfSeconds } from '../../src/server/timeouts';

const NOW_MS = 1_700_000_000_000;

function ofSeconds(text: string): number | string {
  return timeoutMsOfSeconds(Bytes.of(text), NOW_MS);
}

function ofMilliseconds(text: string): number | string {
  return timeoutMsOf(Bytes.of(text), NOW_MS);
}

test('seconds become whole milliseconds, never too few', () => {
  const texts = [
    '0',
    '1',
    '0.5',
    '.5',
    '5.',
    '1e3',
    '0x10',
    '0x1p3',
    '1.0001',
    '1e-400',
    '1e-4950',
    '9221000000000000',
  ];
  const times = [0, 1000, 500, 500, 5000, 1_000_000, 16_000, 8000, 1001, 1, 1, 9_221_000_000_000_000_000];
  expect(texts.map(ofSeconds)).toEqual(times);
});

test('what is negative by less than a millisecond is 0', () => {
  for (const text of ['-0', '-0.0001', '-0.001']) expect(ofSeconds(text), text).toBe(0);
  for (const text of ['-0.0019', '-1', '-inf', '-1e300', '-1e400', '-9223372036854775808']) {
    expect(ofSeconds(text), text).toBe('ERR timeout is negative');
  }
});

test('what no int64 of milliseconds can hold, or not after now, is refused', () => {
  for (const text of ['inf', '+inf', 'infinity', '1e300', '1e400', '9223372036854775.807', '9223372036854775808']) {
    expect(ofSeconds(text), text).toBe('ERR timeout is out of range');
  }
  for (const text of ['nan', ' 1', '1 ', '', 'x', '1x', '1e-5000', '1e5000']) {
    expect(ofSeconds(text), text).toBe('ERR timeout is not a float or out of range');
  }
  expect(ofSeconds(String((2 ** 63 - NOW_MS - 10_000_000) / 1000))).toBeTypeOf('number');
});

test('milliseconds are integers', () => {
  expect(['0', '1', '9221000000000000000'].map(ofMilliseconds)).toEqual([0, 1, 9_221_000_000_000_000_000]);
  expect(ofMilliseconds('-1')).toBe('ERR timeout is negative');
  expect(ofMilliseconds('9223372036854775807')).toBe('ERR timeout is out of range');
  for (const text of ['1.5', '', 'x', '9223372036854775808']) {
    expect(ofMilliseconds(text), text).toBe('ERR timeout is not an integer or out of range');
  }
});
