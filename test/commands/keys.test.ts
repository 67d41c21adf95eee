/**
 * Key specs derived from usage lines, also of commands that come later, and the keys that they find in arguments.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FLAG_MOVABLEKEYS,
  KEYS_INVALID,
  KeyPositions,
  commands,
  compile,
  family,
  findKeys,
  type CommandArguments,
  type CommandSpec,
  type Declaration,
} from '../../src/commands';
import { sortCommands } from '../../src/commands/sort';

/** Arguments as a parser would leave them: one buffer, with something between them. */
function argumentsOf(...words: string[]): CommandArguments {
  const starts: number[] = [];
  const ends: number[] = [];
  let text = '';
  for (const word of words) {
    text += '\r\n';
    starts.push(text.length);
    text += word;
    ends.push(text.length);
  }
  return { buffer: Buffer.from(text, 'latin1'), starts, ends, argc: words.length };
}

const found = new KeyPositions();

/** The keys of a command, or null for invalid arguments. */
function keysOf(spec: CommandSpec, ...words: string[]): string[] | null {
  const count = findKeys(spec, argumentsOf(...words), found);
  return count === KEYS_INVALID ? null : [...found.positions.subarray(0, count)].map((at) => words[at]);
}

function specOf(usage: string, keys: string, more: Partial<Declaration> = {}): CommandSpec {
  const declaration = { usage, keys, flags: 'write', reply: 'OK', does: 'Is a test.', since: '1.0.0', cost: 'O(1)' };
  return compile([family('generic', { TEST: { ...declaration, ...more } })]).all[0];
}

function rangeOf(spec: CommandSpec): number[] {
  return [spec.firstKey, spec.lastKey, spec.keyStep];
}

describe('key specs', () => {
  it.each([
    ['key value', 'rw', [1, 1, 1]],
    ['key...', 'ro', [1, -1, 1]],
    ['(key value)...', 'ow', [1, -1, 2]],
    ['key... timeout', 'rw', [1, -2, 1]],
    ['key1 key2 [LEN]', 'ro', [1, 2, 1]],
    ['source destination [REPLACE]', 'ro; ow', [1, 2, 1]],
    ['destination key...', 'ow; ro', [1, -1, 1]],
    ['<AND | OR> destkey key...', 'ow; ro', [2, -1, 1]],
    ['pattern', '', [0, 0, 0]],
  ])('of "%s" are a range', (usage, keys, range) => {
    const spec = specOf(usage, keys);
    expect(rangeOf(spec)).toEqual(range);
    expect(spec.flags & FLAG_MOVABLEKEYS).toBe(0);
  });

  it('of a counted list are found by the count', () => {
    const spec = specOf('destination numkeys key... [LIMIT count]', 'ow; ro');
    expect(spec.flags & FLAG_MOVABLEKEYS).not.toBe(0);
    expect(keysOf(spec, 'TEST', 'd', '2', 'a', 'b', 'LIMIT', '1')).toEqual(['d', 'a', 'b']);
    expect([...found.specs.subarray(0, 3)]).toEqual([0, 1, 1]);
    expect(keysOf(spec, 'TEST', 'd', '0', 'a')).toEqual(['d']);
    for (const wrong of ['3', '-1', 'x', '1e1', '99999999999999999999']) {
      expect(keysOf(spec, 'TEST', 'd', wrong, 'a', 'b'), wrong).toBeNull();
    }
  });

  it('after a token are found by the token, in any case', () => {
    const spec = specOf('[COUNT count] STREAMS key... id...', 'ro');
    expect(keysOf(spec, 'TEST', 'COUNT', '9', 'streams', 'a', 'b', '1', '2')).toEqual(['a', 'b']);
    expect(keysOf(spec, 'TEST', 'COUNT', '9')).toEqual([]);
    expect(keysOf(spec, 'TEST', 'COUNT', '9', 'STREAMS')).toEqual([]);
  });

  it('after a token are looked for where the token can be at the earliest', () => {
    const spec = specOf('GROUP group consumer STREAMS key... id...', 'ro');
    expect(spec.keyLayout.specs[0].begin).toEqual({ kind: 'keyword', keyword: 'STREAMS', startFrom: 4 });
    expect(keysOf(spec, 'TEST', 'GROUP', 'streams', 'streams', 'STREAMS', 'a', '1')).toEqual(['a']);
  });

  it('after one of several tokens have a spec for each token', () => {
    const spec = specOf('key radius [STORE storekey | STOREDIST storedistkey]', 'ro; ow; ow');
    expect(rangeOf(spec)).toEqual([1, 1, 1]);
    expect(spec.flags & FLAG_MOVABLEKEYS).not.toBe(0);
    expect(keysOf(spec, 'TEST', 'k', '1')).toEqual(['k']);
    expect(keysOf(spec, 'TEST', 'k', '1', 'storedist', 'd')).toEqual(['k', 'd']);
    expect([...found.specs.subarray(0, 2)]).toEqual([0, 2]);
    expect(keysOf(spec, 'TEST', 'store', '1')).toEqual(['store']);
  });

  it('can be replaced by a function', () => {
    const keysBy = (args: CommandArguments, into: KeyPositions): number => {
      into.add(args.argc - 1, 0);
      return into.count;
    };
    const spec = specOf('[option...] key', 'ro', { keysBy });
    expect(keysOf(spec, 'TEST', 'x', 'y', 'k')).toEqual(['k']);
    expect(spec.keyLayout.specs).toEqual([{ begin: { kind: 'unknown' }, find: { kind: 'unknown' }, flags: ['RO'] }]);
  });

  it('of SORT are the sorted one and the one of the last STORE, wherever that stands', () => {
    const spec = compile([family('generic', sortCommands)]).byName('SORT')!;
    expect(rangeOf(spec)).toEqual([1, 1, 1]);
    expect(spec.keyLayout.specs.map(({ begin }) => begin.kind)).toEqual(['index', 'unknown', 'unknown']);
    for (const [line, keys] of [
      ['SORT a', 'a'],
      ['SORT a BY w GET x store b', 'a b'],
      ['SORT a STORE b STORE c', 'a c'],
      ['SORT a LIMIT STORE b', 'a'],
      ['SORT a limit 1 2 STORE b', 'a b'],
      ['SORT a GET STORE b', 'a'],
      ['SORT a STORE', 'a'],
    ]) {
      expect(keysOf(spec, ...line.split(' '))?.join(' '), line).toBe(keys);
    }
    expect([...found.specs.subarray(0, 1)]).toEqual([0]);
  });

  it.each([
    ['[option] key', 'ro', 'depends on what precedes'],
    ['key... [NX]', 'ro', 'no fixed width'],
    ['(value key)...', 'ro', 'stand first'],
    ['key', '', 'says nothing'],
    ['key', 'ro; rw', 'more about keys'],
    ['key', 'readwrite', 'unknown key flag'],
    ['[key | NX key2]', 'ro', 'have tokens'],
  ])('of "%s" with "%s" stop the start', (usage, keys, message) => {
    expect(() => specOf(usage, keys)).toThrow(message);
  });
});

describe('findKeys', () => {
  const spec = (name: string): CommandSpec => {
    const known = commands.byName(name);
    if (known === undefined) throw new Error(`no command ${name}`);
    return known;
  };

  it('finds the keys of regular commands', () => {
    expect(keysOf(spec('GET'), 'GET', 'k')).toEqual(['k']);
    expect(keysOf(spec('MGET'), 'MGET', 'a', 'b', 'a')).toEqual(['a', 'b', 'a']);
    expect(keysOf(spec('MSET'), 'MSET', 'a', '1', 'b', '2')).toEqual(['a', 'b']);
    expect(keysOf(spec('COPY'), 'COPY', 'a', 'b', 'DB', '1')).toEqual(['a', 'b']);
    expect([...found.specs.subarray(0, 2)]).toEqual([0, 1]);
    expect(keysOf(spec('LCS'), 'LCS', 'a', 'b', 'IDX')).toEqual(['a', 'b']);
    expect([...found.specs.subarray(0, 2)]).toEqual([0, 0]);
    expect(keysOf(spec('OBJECT ENCODING'), 'OBJECT', 'ENCODING', 'k')).toEqual(['k']);
    expect(keysOf(spec('PING'), 'PING', 'x')).toEqual([]);
  });

  it('answers invalid where a key is not there', () => {
    expect(keysOf(spec('LCS'), 'LCS', 'a')).toBeNull();
  });

  it('finds any number of keys', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{0,5}$/), { minLength: 1, maxLength: 300 }), (names) => {
        expect(keysOf(spec('DEL'), 'DEL', ...names)).toEqual(names);
        expect(keysOf(spec('MSET'), 'MSET', ...names.flatMap((name) => [name, 'v']))).toEqual(names);
      }),
    );
  });
});
