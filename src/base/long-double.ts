/**
 * Long doubles: the 80-bit floating-point numbers in which Redis on x86 does INCRBYFLOAT.
 *
 * A JavaScript number has 53 bits of mantissa, a long double 64 and a far larger range, and clients see the difference:
 * 9223372036854775807 plus 1 must be 9223372036854775808, and 0.1 plus 0.2 must be 0.3. So a value here is an exact
 * `mantissa × 2^exponent` with a BigInt mantissa. Reading and adding compute exactly and then round once, to the nearest
 * of what 80 bits can hold, ties to even, as the processor and glibc do; printing rounds to seventeen places.
 *
 * Spellings are those of C's `strtold` (decimal, hexadecimal, infinity) less those that Redis refuses: surrounding
 * blanks, NaN, and what overflows or vanishes to zero. Zero has no sign: no reply shows it.
 */
import type { Bytes } from './bytes';

export interface LongDouble {
  /** At most 64 bits and a sign; 0 for infinity too. */
  readonly mantissa: bigint;
  /** `Infinity` for both infinities: nobody needs to know which, because no sum with one is ever kept. */
  readonly exponent: number;
}

const MANTISSA_BITS = 64;
/** Exponent of the smallest denormal number, 2^-16445. */
const EXPONENT_MIN = -16445;
/** Numbers must be below 2^16384. */
const MAGNITUDE_BITS_MAX = 16384;

/** Longest text that Redis reads as a number. */
const TEXT_BYTES_MAX = 5 * 1024 - 1;
/** Exponents beyond this are out of range whatever digits they go with: those are too few to make up for it. */
const WRITTEN_EXPONENT_MAX = 100_000;
/** Numbers with their first digit outside these powers of ten overflow or vanish, and need not be computed. */
const DECIMAL_POWER_MAX = 4934;
const DECIMAL_POWER_MIN = -4953;

/** Digits after the point that are printed. */
const PLACES = 17;
const PLACES_SCALE = 10n ** BigInt(PLACES);

const DECIMAL = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]+))?$/i;
const INFINITE_WORD = /^[+-]?inf(?:inity)?$/i;

const ZERO: LongDouble = { mantissa: 0n, exponent: 0 };
const INFINITE: LongDouble = { mantissa: 0n, exponent: Infinity };

/** The number that the bytes spell, rounded to 80 bits; null where Redis says that they are not a valid float. */
export function parseLongDouble(bytes: Bytes): LongDouble | null {
  if (bytes.length === 0 || bytes.length > TEXT_BYTES_MAX) return null;
  const text = bytes.toLatin1();
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return fromDigits(decimal, nearestDecimal);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return fromDigits(hexadecimal, nearestHexadecimal);
  return INFINITE_WORD.test(text) ? INFINITE : null;
}

/** The nearest long double to the sum; not finite where it overflows or one of the two is not. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble {
  if (!isFiniteLongDouble(a) || !isFiniteLongDouble(b)) return INFINITE;
  const exponent = Math.min(a.exponent, b.exponent);
  const aligned = (each: LongDouble): bigint => each.mantissa << BigInt(each.exponent - exponent);
  return rounded(aligned(a) + aligned(b), exponent);
}

export function isFiniteLongDouble(value: LongDouble): boolean {
  return value.exponent !== Infinity;
}

/** A finite number in plain decimal notation: seventeen places after the point, less the zeros at the end. */
export function formatLongDouble(value: LongDouble): string {
  const { mantissa, exponent } = value;
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  const scaled =
    exponent >= 0 ? (magnitude << BigInt(exponent)) * PLACES_SCALE : shiftedRight(magnitude * PLACES_SCALE, -exponent);
  if (scaled === 0n) return '0';
  const digits = scaled.toString().padStart(PLACES + 1, '0');
  const whole = digits.slice(0, -PLACES);
  const fraction = digits.slice(-PLACES).replace(/0+$/, '');
  return `${mantissa < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

type Nearest = (digits: string, fractionDigits: number, exponent: number) => LongDouble;

/** From sign, whole digits, digits after the point and exponent; null where there are no digits or no finite nonzero. */
function fromDigits(match: RegExpExecArray, nearest: Nearest): LongDouble | null {
  const [, sign, whole, fraction = '', exponentText = '0'] = match;
  const digits = whole + fraction;
  if (digits === '') return null;
  const significant = digits.replace(/^0+/, '');
  if (significant === '') return ZERO;
  const exponent = Math.max(-WRITTEN_EXPONENT_MAX, Math.min(WRITTEN_EXPONENT_MAX, Number(exponentText)));
  const { mantissa, exponent: power } = nearest(significant, fraction.length, exponent);
  if (mantissa === 0n) return null;
  return { mantissa: sign === '-' ? -mantissa : mantissa, exponent: power };
}

function nearestDecimal(digits: string, fractionDigits: number, exponent: number): LongDouble {
  const power = exponent - fractionDigits;
  const firstDigitPower = digits.length + power;
  if (firstDigitPower > DECIMAL_POWER_MAX) return INFINITE;
  if (firstDigitPower < DECIMAL_POWER_MIN) return ZERO;
  const numerator = BigInt(digits);
  if (power >= 0) return rounded(numerator * 10n ** BigInt(power), 0);
  const denominator = 10n ** BigInt(-power);
  // Two bits more than are kept, and a last one that stands for all the rest, round like the exact quotient.
  const shift = Math.max(0, MANTISSA_BITS + 2 - (bitLength(numerator) - bitLength(denominator)));
  const shifted = numerator << BigInt(shift);
  const quotient = shifted / denominator;
  const sticky = quotient * denominator === shifted ? 0n : 1n;
  return rounded((quotient << 1n) | sticky, -shift - 1);
}

function nearestHexadecimal(digits: string, fractionDigits: number, exponent: number): LongDouble {
  return rounded(BigInt(`0x${digits}`), exponent - 4 * fractionDigits);
}

/** The long double that is nearest to `value × 2^exponent`. */
function rounded(value: bigint, exponent: number): LongDouble {
  const magnitude = value < 0n ? -value : value;
  const surplus = Math.max(0, bitLength(magnitude) - MANTISSA_BITS, EXPONENT_MIN - exponent);
  const kept = shiftedRight(magnitude, surplus);
  if (kept === 0n) return ZERO;
  const power = exponent + surplus;
  if (bitLength(kept) + power > MAGNITUDE_BITS_MAX) return INFINITE;
  return { mantissa: value < 0n ? -kept : kept, exponent: power };
}

/** `value / 2^count`, rounded to the nearest integer, ties to even. */
function shiftedRight(value: bigint, count: number): bigint {
  if (count === 0) return value;
  const shift = BigInt(count);
  const quotient = value >> shift;
  const rest = value - (quotient << shift);
  const half = 1n << (shift - 1n);
  return rest > half || (rest === half && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

function bitLength(magnitude: bigint): number {
  if (magnitude === 0n) return 0;
  const text = magnitude.toString(16);
  return text.length * 4 - (Math.clz32(parseInt(text[0], 16)) - 28);
}
