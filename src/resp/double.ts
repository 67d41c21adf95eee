/**
 * Doubles as Redis 7.2 prints them: the shortest digits that read back as the same number, laid out by rules that
 * differ from JavaScript's. Whole numbers within ±2^52 are printed whole. Otherwise, with `scale` the power of ten of
 * the last digit: zeroes are appended up to seven places, a point is set as long as that takes few zeroes, and the
 * rest is scientific with a signed exponent. (Redis: d2string and its dtoa.)
 *
 * Redis 7.0 prints 17 significant digits instead: 0.1 is there 0.10000000000000001.
 */

const WHOLE_MAX = 2 ** 52;

/** Whether the text of a double is that of an integer: most scores. */
export function isPlainInteger(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < WHOLE_MAX && !Object.is(value, -0);
}

/** The text of a double in replies: ZSCORE, ZINCRBY, GEODIST … */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (isPlainInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e4) return String(value); // where both spell alike: most scores and distances
  const text = size.toExponential();
  const mark = text.indexOf('e');
  const exponent = Number(text.slice(mark + 1));
  const digits = text[0] + text.slice(2, mark);
  return (value < 0 ? '-' : '') + layOut(digits, exponent);
}

/** `digits` with the point after the first one, times 10^exponent. */
function layOut(digits: string, exponent: number): string {
  const scale = exponent - (digits.length - 1);
  const size = Math.abs(exponent);
  if (scale >= 0 && size < digits.length + 7) return digits + '0'.repeat(scale);
  if (scale < 0 && (scale > -7 || size < 4)) {
    const whole = digits.length + scale;
    if (whole <= 0) return '0.' + '0'.repeat(-whole) + digits;
    return digits.slice(0, whole) + '.' + digits.slice(whole);
  }
  const fraction = digits.length > 1 ? '.' + digits.slice(1) : '';
  return digits[0] + fraction + 'e' + (exponent < 0 ? '-' : '+') + size;
}
