/** Globs: a table of corner cases that a Redis 7.0.15 answered (through KEYS), and a naive matcher as the model. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatch, isGlob } from '../../src/base';

function matches(pattern: string, text: string, ignoreCase = false): boolean {
  // Foreign bytes around both, so that whoever reads past an end is caught.
  const p = Buffer.from(`]*${pattern}*]`, 'latin1');
  const t = Buffer.from(`x${text}x`, 'latin1');
  return globMatch(p, 2, p.length - 2, t, 1, t.length - 1, ignoreCase);
}

const KEYS = ['', 'a', ']', '-', 'b', '\\', 'A'];

describe('globMatch', () => {
  it.each([
    ['', ['']],
    ['**', ['a', ']', '-', 'b', '\\', 'A']],
    ['*[', []],
    ['[', []],
    ['[^', ['a', ']', '-', 'b', '\\', 'A']],
    ['[]', []],
    ['[^]', ['a', ']', '-', 'b', '\\', 'A']],
    ['[a-]', ['a', ']']],
    ['[]a]', []],
    ['[\\]]', [']']],
    ['\\', ['\\']],
    ['[\\', ['\\']],
    ['[^\\', ['a', ']', '-', 'b', 'A']],
    ['[b-a]', ['a', 'b']],
    ['[b-a', ['a', 'b']],
  ])('%j matches what it does in Redis', (pattern, expected) => {
    expect(KEYS.filter((key) => matches(pattern, key))).toEqual(expected);
  });

  it('folds case where asked to, but not of an escaped byte within brackets', () => {
    expect(matches('MAX*', 'maxclients', true)).toBe(true);
    expect(matches('MAX*', 'maxclients')).toBe(false);
    expect(matches('[A-C]x', 'bX', true)).toBe(true);
    expect(matches('[\\A]', 'a', true)).toBe(false);
    expect(matches('\\A', 'a', true)).toBe(true);
  });

  it('agrees with a naive matcher', () => {
    const alphabet = fc.constantFrom('a', 'b', 'A', '*', '?', '[', ']', '^', '-', '\\');
    const word = fc.array(alphabet, { maxLength: 9 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(word, word, (pattern, text) => {
        expect(matches(pattern, text)).toBe(text === '' ? pattern === '' : naive(elements(pattern), text));
      }),
      { numRuns: 20000 },
    );
  });

  it('needs no exponential time', () => {
    expect(matches(`${'a*'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false);
  });

  it('tells patterns from names', () => {
    expect(['a*', 'a?', '[a]', 'a-b', 'a\\b', ''].map((text) => isGlob(Buffer.from(text)))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

type Element = '*' | ((byte: string) => boolean);

/** A pattern as a list of elements, written for clarity: the model. */
function elements(pattern: string): Element[] {
  const list: Element[] = [];
  let rest = pattern;
  while (rest !== '') {
    const first = rest[0];
    if (first === '*') {
      list.push('*');
      rest = rest.slice(1);
    } else if (first === '?') {
      list.push(() => true);
      rest = rest.slice(1);
    } else if (first === '[') {
      const inside = /^\[(\^?)((?:\\[^]|[^\]]-[^]|[^\]])*)\]?/.exec(rest);
      const [whole, caret, members] = inside ?? ['', '', ''];
      list.push((byte) => (caret === '^') !== isMember(members, byte));
      rest = rest.slice(whole.length);
    } else {
      const literal = first === '\\' && rest.length > 1 ? rest[1] : first;
      list.push((byte) => byte === literal);
      rest = rest.slice(first === '\\' && rest.length > 1 ? 2 : 1);
    }
  }
  return list;
}

function isMember(members: string, byte: string): boolean {
  for (const [member] of members.matchAll(/\\[^]|[^]-[^]|[^]/g)) {
    if (member.length === 3) {
      const [low, , high] = member;
      if ((low <= byte && byte <= high) || (high <= byte && byte <= low)) return true;
    } else if (member.at(-1) === byte) return true;
  }
  return false;
}

function naive(list: readonly Element[], text: string): boolean {
  if (list.length === 0) return text === '';
  const [first, ...others] = list;
  if (first === '*') return naive(others, text) || (text !== '' && naive(list, text.slice(1)));
  return text !== '' && first(text[0]) && naive(others, text.slice(1));
}
