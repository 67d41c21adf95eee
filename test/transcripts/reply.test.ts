/**
 * The judge's own reading of replies: every type, cut at any byte, and what patterns and sorting make of the text.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readReply, resolvePatterns, sortReply, type ReadReply } from './reply';

const read = (wire: string): ReadReply | null => readReply(Buffer.from(wire, 'latin1'), 0);

const examples: [wire: string, text: string, protocol: 0 | 2 | 3][] = [
  ['+OK\r\n', 'OK', 0],
  ['-ERR no\r\n', '(error) ERR no', 0],
  [':-7\r\n', '(integer) -7', 0],
  ['$3\r\na\r\n\r\n', '"a\\r\\n"', 0],
  ['$0\r\n\r\n', '""', 0],
  ['$-1\r\n', '(nil)', 2],
  ['*-1\r\n', '(nil array)', 2],
  ['_\r\n', '(nil)', 3],
  ['*0\r\n', '(empty array)', 0],
  ['~0\r\n', '(empty set)', 3],
  ['%0\r\n', '(empty map)', 3],
  ['*2\r\n*2\r\n:1\r\n:2\r\n$1\r\na\r\n', '1) 1) (integer) 1\n   2) (integer) 2\n2) "a"', 0],
  ['%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n#t\r\n', '1# a => (integer) 1\n2# b => 1~ (true)', 3],
  ['%1\r\n+b\r\n~2\r\n#t\r\n#f\r\n', '1# b =>\n   1~ (true)\n   2~ (false)', 3],
  [',1.5\r\n', '(double) 1.5', 3],
  ['(123\r\n', '(big number) 123', 3],
  ['=5\r\ntxt:a\r\n', '(verbatim txt) "a"', 3],
  ['!3\r\nERR\r\n', '(blob error) ERR', 3],
  ['>1\r\n+a\r\n', '(push)\n1) a', 3],
  ['|1\r\n+a\r\n:1\r\n+OK\r\n', '(attribute)\n1# a => (integer) 1\nOK', 3],
];

test.each(examples)('%j', (wire, text, protocol) => {
  expect(read(wire)).toEqual({ text, next: wire.length, isPush: wire.startsWith('>'), protocol });
});

test('a reply that has not arrived wholly is none yet', () => {
  fc.assert(
    fc.property(fc.constantFrom(...examples), fc.nat(), ([wire], cut) => {
      expect(read(wire.slice(0, cut % wire.length))).toBeNull();
    }),
  );
});

test('what is no RESP throws', () => {
  expect(() => read('hello\r\n')).toThrow('no RESP type');
  expect(() => read('$1\r\nabc\r\n')).toThrow('CRLF');
});

describe('sortReply', () => {
  const scan = '1) "0"\n2) 1) "b"\n   2) "a"';

  test('by elements, by pairs, and at every level', () => {
    expect(sortReply('1) "b"\n2) "a"', 'elements')).toBe('1) "a"\n2) "b"');
    expect(sortReply('1) "b"\n2) "1"\n3) "a"\n4) "2"', 'pairs')).toBe('1) "a"\n2) "2"\n3) "b"\n4) "1"');
    expect(sortReply('1# "b" => "1"\n2# "a" => "2"', 'pairs')).toBe('1# "a" => "2"\n2# "b" => "1"');
    expect(sortReply(scan, 'elements')).toBe(scan);
    expect(sortReply(scan, 'deep')).toBe('1) "0"\n2) 1) "a"\n   2) "b"');
  });

  test('leaves alone what has no elements', () => {
    expect(sortReply('(empty array)', 'deep')).toBe('(empty array)');
    expect(sortReply('"1) b"', 'deep')).toBe('"1) b"');
  });

  test('elements past the ninth keep their lines', () => {
    const nested = Array.from({ length: 11 }, (_, i) => `${i + 1}) 1) "x"\n${i < 9 ? '   ' : '    '}2) "y"`).join('\n');
    expect(sortReply(nested, 'deep')).toBe(nested);
  });
});

test('patterns give way to what they fit, and to nothing else', () => {
  expect(resolvePatterns(['~ \\(integer\\) \\d+'], '(integer) 17')).toBe('(integer) 17');
  expect(resolvePatterns(['~ \\(integer\\) \\d+'], '"17"')).toBe('~ \\(integer\\) \\d+');
  expect(resolvePatterns(['1) "a"', '...'], '1) "a"\n2) "b"\n3) "c"')).toBe('1) "a"\n2) "b"\n3) "c"');
  expect(resolvePatterns(['OK', '~ .*'], 'OK')).not.toBe('OK');
});
