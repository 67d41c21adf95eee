/**
 * LCS against the textbook: the whole table, and the way back through it with Redis' choices.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bytes } from '../../../src/base';
import { align, commonLength } from '../../../src/server/handlers/lcs';

function textbook(a: string, b: string): string {
  const table = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i][j] = a[i - 1] === b[j - 1] ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
    }
  }
  let common = '';
  for (let i = a.length, j = b.length; i > 0 && j > 0;) {
    if (a[i - 1] === b[j - 1]) {
      common = a[i - 1] + common;
      i--;
      j--;
    } else if (table[i - 1][j] > table[i][j - 1]) i--;
    else j--;
  }
  return common;
}

const text = fc.stringMatching(/^[abcd]{0,40}$/);

test('finds what the textbook finds', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const { common, matches } = align(Bytes.of(a), Bytes.of(b));
      expect(common.toString()).toBe(textbook(a, b));
      expect(commonLength(Bytes.of(a), Bytes.of(b), null)).toBe(common.length);
      const pieces = matches.map(({ aStart, length }) => a.slice(aStart, aStart + length));
      expect(pieces.reduceRight((before, piece) => before + piece, '')).toBe(common.toString());
      expect(matches.map(({ bStart, length }) => b.slice(bStart, bStart + length))).toEqual(pieces);
    }),
    { numRuns: 1000 },
  );
});
