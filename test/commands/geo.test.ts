import { expect, test } from 'vitest';
import { commands, findKeys, KeyPositions } from '../../src/commands';

/** The keys of a command line, by the specs that they belong to. */
function keysOf(line: string): string[] {
  const words = line.split(' ');
  const buffer = Buffer.from(words.join(''));
  const ends = words.map((_, i) => words.slice(0, i + 1).join('').length);
  const args = { buffer, starts: [0, ...ends], ends, argc: words.length };
  const keys = new KeyPositions();
  findKeys(commands.byName(words[0])!, args, keys);
  return Array.from({ length: keys.count }, (_, i) => `${keys.specs[i]}:${words[keys.positions[i]]}`);
}

test('GEORADIUS stores to the key that it is found to have', () => {
  expect(keysOf('GEORADIUS k 1 2 3 m')).toEqual(['0:k']);
  expect(keysOf('GEORADIUS k 1 2 3 m COUNT 1 store a ASC')).toEqual(['0:k', '1:a']);
  expect(keysOf('GEORADIUS k 1 2 3 m STORE a STORE b')).toEqual(['0:k', '1:b']);
  expect(keysOf('GEORADIUS k 1 2 3 m STORE a STOREDIST b')).toEqual(['0:k', '2:b']);
  expect(keysOf('GEORADIUS k 1 2 3 m STOREDIST STORE STORE b')).toEqual(['0:k', '1:b']);
  expect(keysOf('GEORADIUS k 1 2 3 m STORE STORE')).toEqual(['0:k', '1:STORE']);
  expect(keysOf('GEORADIUS k 1 2 3 m STORE a STORE')).toEqual(['0:k', '1:a']);
  expect(keysOf('GEORADIUSBYMEMBER k STORE 3 m STOREDIST a')).toEqual(['0:k', '2:a']);
  expect(keysOf('GEORADIUS_RO k 1 2 3 m STORE a')).toEqual(['0:k']);
});
