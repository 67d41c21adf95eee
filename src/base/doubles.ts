/**
 * Doubles from text, as C's `strtod` reads them and Redis with it: decimals, hexadecimals ("0x1.8p3"), "inf" and "infinity".
 *
 * A JavaScript number is such a double, but `Number` spells and reads by rules of its own, and needs a string first. Most
 * scores, bounds and weights are short decimals: up to 15 digits are an exact integer divided by an exact power of ten,
 * which rounds once and so rightly (Clinger, How to read floating point numbers accurately, 1990), and allocates nothing.
 */
import { asBuffer, type Bytes } from './bytes';

/** Characters of a number without its sign, up to which digits and the power of ten are exact. */
const SHORT_MAX = 15;
const POWERS_OF_TEN = Array.from({ length: SHORT_MAX + 1 }, (_, i) => 10 ** i);

const ZERO = 48;
const MINUS = 45;
const POINT = 46;

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?[0-9]+))?$/i;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;
/** A number with a digit that is not 0 before its exponent. */
const NOT_ZERO = /^[+-]?(?:[0.]*[1-9]|0x[0.]*[1-9a-f])/i;

/** The double that the bytes spell; NaN where they spell none, and where it is too large or too small for one, as Redis has it. */
export function parseDouble({ buffer, start, end }: Bytes): number {
  const short = readShortDecimal(buffer, start, end);
  if (!Number.isNaN(short)) return short;
  const text = latin1(buffer, start, end);
  const value = readText(text);
  if (value === 0) return NOT_ZERO.test(text) ? NaN : value;
  return Number.isFinite(value) || INFINITY.test(text) ? value : NaN;
}

/** The double that `buffer[start, end)` spells, be it rounded to 0 or infinity; NaN where it spells none. */
export function readDouble(buffer: Uint8Array, start: number, end: number): number {
  const short = readShortDecimal(buffer, start, end);
  return Number.isNaN(short) ? readText(latin1(buffer, start, end)) : short;
}

/** NaN also for what is not short, or has an exponent. */
function readShortDecimal(buffer: Uint8Array, start: number, end: number): number {
  const isNegative = buffer[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end - first > SHORT_MAX) return NaN;
  let digits = 0;
  let pointAt = end;
  for (let at = first; at < end; at++) {
    const digit = buffer[at] - ZERO;
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit;
    else if (buffer[at] === POINT && pointAt === end) pointAt = at;
    else return NaN;
  }
  const hasPoint = pointAt < end;
  if (end - first === (hasPoint ? 1 : 0)) return NaN;
  const value = hasPoint ? digits / POWERS_OF_TEN[end - pointAt - 1] : digits;
  return isNegative ? -value : value;
}

function readText(text: string): number {
  if (DECIMAL.test(text)) return Number(text);
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity;
  const [, sign, whole, fraction, power] = HEXADECIMAL.exec(text) ?? [];
  if (whole === undefined || whole + fraction === '') return NaN;
  const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(power ?? 0) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

function latin1(buffer: Uint8Array, start: number, end: number): string {
  return asBuffer(buffer).toString('latin1', start, end);
}
