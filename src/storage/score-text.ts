/**
 * Scores as text: how a packed sorted set keeps them, and how ZSCAN shows them.
 *
 * A listpack holds a score that is whole, up to 2^62, as an integer, also where its shortest text would be "1e+17"; any
 * other as the shortest text that reads back as the same double. (Redis 7.2: zzlInsertAt.) So -0 becomes 0 there.
 */
import { asBuffer, Bytes, readDouble, widen, writeInteger } from '../base';
import { doubleText } from '../resp';

/** More than the longest text of a double. */
const TEXT_BYTES_MAX = 40;
/** Up to here whole scores are integers. */
const WHOLE_MAX = 2 ** 62;

const text = new Bytes(widen(new Uint8Array(TEXT_BYTES_MAX)), 0, 0);

/** The text for a listpack; good until the next call. */
export function spellScore(score: number): Bytes {
  if (Number.isSafeInteger(score)) {
    text.end = writeInteger(text.buffer, 0, score);
  } else {
    const isWhole = Number.isInteger(score) && Math.abs(score) <= WHOLE_MAX;
    text.end = asBuffer(text.buffer).write(isWhole ? BigInt(score).toString() : doubleText(score), 'latin1');
  }
  return text;
}

/** What a listpack's text means. Text that is no number, which only strangers can have written, is 0. */
export function readScore({ buffer, start, end }: Bytes): number {
  const score = readDouble(buffer, start, end);
  return Number.isNaN(score) ? 0 : score;
}

/** The score with 17 digits, as C's "%.17g": how ZSCAN spells the scores of large sorted sets. */
export function preciseScoreText(score: number): string {
  if (Number.isSafeInteger(score)) return Object.is(score, -0) ? '-0' : String(score);
  if (!Number.isFinite(score)) return doubleText(score);
  const sign = score < 0 ? '-' : '';
  const { digits, exponent } = roundedDigits(Math.abs(score));
  if (exponent >= DIGITS || exponent < -4) {
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${withoutZeros(`${digits[0]}.${digits.slice(1)}`)}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return sign + withoutZeros(`0.${'0'.repeat(-exponent - 1)}${digits}`);
  return sign + withoutZeros(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

const DIGITS = 17;
/** So many that a half can be told from a little more. */
const DIGITS_TO_SEE_A_HALF = 60;

/** The first 17 digits of a positive number, and the power of ten of the first. Halves are rounded to even, as C does it, not up. */
function roundedDigits(value: number): { digits: string; exponent: number } {
  const [exact, exactPower] = value.toExponential(DIGITS_TO_SEE_A_HALF).replace('.', '').split('e');
  const kept = exact.slice(0, DIGITS);
  if (/^50*$/.test(exact.slice(DIGITS)) && Number(kept[DIGITS - 1]) % 2 === 0) {
    return { digits: kept, exponent: Number(exactPower) };
  }
  const [digits, power] = value
    .toExponential(DIGITS - 1)
    .replace('.', '')
    .split('e');
  return { digits, exponent: Number(power) };
}

/** Without the zeros that end a fraction, and without the point where nothing is left of it. */
function withoutZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0*$/, '') : digits;
}
