/**
 * Long doubles: against a real Redis, which has them in hardware; and the cases that show why they exist, for machines
 * without one.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addLongDoubles, Bytes, formatLongDouble, isFiniteLongDouble, parseLongDouble } from '../../src/base';
import { OracleStage } from '../oracle/oracle-stage';
import { command, type StageSession } from '../transcripts/session';

const NO_FLOAT = '(error) ERR value is not a valid float';
const NOT_FINITE = '(error) ERR increment would produce NaN or Infinity';

/** What INCRBYFLOAT says. */
function sum(a: string, b: string): string {
  const [first, second] = [parseLongDouble(Bytes.of(a)), parseLongDouble(Bytes.of(b))];
  if (first === null || second === null) return NO_FLOAT;
  const result = addLongDoubles(first, second);
  return isFiniteLongDouble(result) ? `"${formatLongDouble(result)}"` : NOT_FINITE;
}

test.each([
  ['0.1', '0.2', '"0.3"'],
  ['9223372036854775807', '1', '"9223372036854775808"'],
  ['18446744073709551615', '0', '"18446744073709551615"'],
  // Ties go to even: 2^64 + 1 down, 2^64 + 3 up.
  ['18446744073709551617', '0', '"18446744073709551616"'],
  ['18446744073709551619', '0', '"18446744073709551620"'],
  ['-1.5', '1.5', '"0"'],
  ['-1e-18', '0', '"0"'],
  ['0x1.8p1', '.5', '"3.5"'],
  ['1e4932', '-1e4932', '"0"'],
  ['1.1e4932', '1.1e4932', NOT_FINITE],
  ['inf', '-inf', NOT_FINITE],
  ['1e4933', '0', NO_FLOAT],
  // The smallest number is 2^-16445; half of it is none.
  ['0x1p-16445', '0', '"0"'],
  ['0x1p-16446', '0', NO_FLOAT],
  ['0x1.8p-16446', '0', '"0"'],
  ['0e99999999999', '0', '"0"'],
  ['1e99999999999', '0', NO_FLOAT],
  ['nan', '0', NO_FLOAT],
  ['0x', '0', NO_FLOAT],
  ['.', '0', NO_FLOAT],
  [' 1', '0', NO_FLOAT],
  ['1'.repeat(5120), '0', NO_FLOAT],
])('%s + %s = %s', (a, b, expected) => {
  expect(sum(a, b)).toBe(expected);
});

const digits = (max: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9]{0,${max}}$`));
const sign = fc.constantFrom('', '-', '+');
const exponent = fc.oneof(
  fc.constant(''),
  fc.integer({ min: -30, max: 30 }).map((power) => `e${power}`),
  fc.constantFrom(-4970, -4951, -4950, -4933, 4900, 4931, 4932, 4933).map((power) => `E${power}`),
);
const decimal = fc
  .tuple(sign, digits(25), fc.constantFrom('', '.'), digits(25), exponent)
  .map((parts) => parts.join(''));
const hexadecimal = fc
  .tuple(
    sign,
    fc.stringMatching(/^[0-9a-fA-F]{0,20}$/),
    fc.stringMatching(/^(\.[0-9a-f]{0,18})?$/),
    fc.integer({ min: -100, max: 100 }),
  )
  .map(([minus, whole, fraction, power]) => `${minus}0x${whole}${fraction}p${power}`);
const nearDenormal = fc
  .tuple(sign, fc.stringMatching(/^[1-9a-f][0-9a-f]{0,20}$/), fc.integer({ min: -16540, max: -16380 }))
  .map(([minus, whole, power]) => `${minus}0x${whole}p${power}`);
/** A number of 64 bits with a tail of few bits beyond, so that ties are frequent. */
const nearTie = fc
  .tuple(
    sign,
    fc.bigInt({ min: 1n << 63n, max: (1n << 64n) - 1n }),
    fc.integer({ min: 1, max: 6 }),
    fc.nat({ max: 63 }),
  )
  .map(([minus, mantissa, bits, tail]) => `${minus}${(mantissa << BigInt(bits)) + BigInt(tail & ((1 << bits) - 1))}`);
const double = fc.double({ noNaN: true }).map((value) => String(value).replace('Infinity', 'inf'));
const oddity = fc.constantFrom(
  '',
  '.',
  '-',
  'e5',
  '1e',
  '0x',
  '0x.',
  '0xp1',
  'nan',
  'inf',
  '-Infinity',
  '1 ',
  '\t1',
  '1_0',
  '0x1p',
);

const number = fc.oneof(
  { weight: 10, arbitrary: fc.oneof(decimal, hexadecimal, nearDenormal, nearTie, double) },
  { weight: 1, arbitrary: oddity },
);

describe('against the long doubles of redis-server', () => {
  const stage = new OracleStage(2);
  let oracle: StageSession;

  beforeAll(async () => {
    if (stage.skipped === null) oracle = await stage.open();
  });

  afterAll(async () => {
    if (stage.skipped === null) await oracle.close();
    await stage.close();
  });

  test.skipIf(stage.skipped !== null)('reads, adds and prints as it does', { timeout: 60_000 }, async () => {
    const pairs = fc.array(fc.tuple(number, number), { minLength: 50, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(pairs, async (sample) => {
        const replies = await Promise.all(
          sample.map(async ([a, b]) => {
            const [, reply] = await Promise.all([
              oracle.send(command('SET', 'k', a)),
              oracle.send(command('INCRBYFLOAT', 'k', b)),
            ]);
            return `${a} + ${b} = ${reply}`;
          }),
        );
        expect(sample.map(([a, b]) => `${a} + ${b} = ${sum(a, b)}`)).toEqual(replies);
      }),
      { numRuns: 60 },
    );
  });
});
