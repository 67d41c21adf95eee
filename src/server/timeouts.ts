/**
 * How long a client is willing to wait, as the blocking commands write it: seconds with fractions, or milliseconds.
 *
 * Conditions and texts are those of Redis 7.2 (timeout.c), and so are two oddities: what is negative by less than a
 * millisecond counts as 0, for ever; and what would end after the last millisecond that an int64 can count is refused.
 */
import { INT64_MAX, parseInt64, parseInteger, parseLongDouble, type Bytes } from '../base';

const NOT_A_FLOAT = 'ERR timeout is not a float or out of range';
const NOT_AN_INTEGER = 'ERR timeout is not an integer or out of range';
const NEGATIVE = 'ERR timeout is negative';
const OUT_OF_RANGE = 'ERR timeout is out of range';

/** Up to so many whole seconds, nothing needs to be checked: centuries. */
const PLAIN_SECONDS_MAX = 10 ** 10;
const MINUS = 45;

/** Whole ms from seconds, fractions rounded up; or the error. `nowMs` is the wall clock's. */
export function timeoutMsOfSeconds(text: Bytes, nowMs: number): number | string {
  const plain = parseInteger(text);
  if (plain >= 0 && plain <= PLAIN_SECONDS_MAX) return plain * 1000;
  const seconds = parseLongDouble(text);
  if (seconds === null) return NOT_A_FLOAT;
  const { mantissa, exponent } = seconds;
  if (exponent === Infinity) return text.at(0) === MINUS ? NEGATIVE : OUT_OF_RANGE;
  const scaled = mantissa * 1000n;
  // A shift to the right rounds down; of the negative, up.
  return checked(exponent < 0 ? -(-scaled >> BigInt(-exponent)) : scaled << BigInt(exponent), nowMs);
}

/** Ms from an integer; or the error. `nowMs` is the wall clock's. */
export function timeoutMsOf(text: Bytes, nowMs: number): number | string {
  const timeoutMs = parseInt64(text);
  return timeoutMs === null ? NOT_AN_INTEGER : checked(timeoutMs, nowMs);
}

function checked(timeoutMs: bigint, nowMs: number): number | string {
  if (timeoutMs < 0n) return NEGATIVE;
  return timeoutMs > INT64_MAX - BigInt(Math.floor(nowMs)) ? OUT_OF_RANGE : Number(timeoutMs);
}
