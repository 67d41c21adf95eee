/**
 * Looking up commands by bytes and by name, and what the table promises about itself and its declarations.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ARGC_UNLIMITED,
  FLAG_WRITE,
  NameIndex,
  commands,
  compile,
  families,
  family,
  resolve,
  type CommandSpec,
  type Handlers,
} from '../../src/commands';

function find(text: string): CommandSpec | null {
  const buffer = Buffer.from(`*1\r\n${text}\r\n`, 'latin1');
  return commands.find(buffer, 4, 4 + text.length);
}

function resolved(...words: string[]): string | undefined {
  const buffer = Buffer.from(words.join(' '), 'latin1');
  const ends = words.map((_, i) => words.slice(0, i + 1).join(' ').length);
  const starts = ends.map((end, i) => end - words[i].length);
  return resolve(commands, { buffer, starts, ends, argc: words.length })?.name;
}

/** A word with the case of each letter chosen by the bits of `bits`. */
function recase(word: string, bits: number): string {
  return word.replaceAll(/./g, (c, i: number) => ((bits >> (i % 31)) & 1 ? c.toUpperCase() : c.toLowerCase()));
}

/** Short words of letters that our names have, and any bytes. */
const nearly = fc.oneof(
  fc.string({ unit: fc.constantFrom('g', 'G', 'e', 't', 'T', 's', '\r', '-', '|'), maxLength: 5 }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

const roots = commands.roots.map((spec) => spec.name);

describe('lookup', () => {
  it('finds every command in any case', () => {
    fc.assert(
      fc.property(fc.constantFrom(...roots), fc.nat(), (name, bits) => {
        expect(find(recase(name, bits))?.name).toBe(name);
      }),
    );
  });

  it('finds nothing else', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        expect(find(text)?.name).toBe(roots.find((name) => name === text.toUpperCase()));
      }),
    );
  });

  it('is not fooled by bytes that differ from a letter only in the bit of case', () => {
    const index = new NameIndex(['no-evict', 'a[b']);
    for (const text of ['NO\rEVICT', 'a{b', 'no-evic4', 'no-evic']) {
      expect(index.find(Buffer.from(text), 0, text.length), JSON.stringify(text)).toBe(-1);
    }
    expect(index.find(Buffer.from('xNo-Evictx'), 1, 9)).toBe(0);
    expect(index.find(Buffer.from('A[B'), 0, 3)).toBe(1);
  });

  it('refuses a name that occurs twice', () => {
    expect(() => new NameIndex(['get', 'GET'])).toThrow('occurs twice');
  });

  it('resolves subcommands, and an unknown one to its container', () => {
    expect(resolved('client', 'Id')).toBe('CLIENT ID');
    expect(resolved('CLIENT', 'no-evict', 'on')).toBe('CLIENT NO-EVICT');
    expect(resolved('CLIENT', 'nosuch')).toBe('CLIENT');
    expect(resolved('CLIENT')).toBe('CLIENT');
    expect(resolved('COMMAND')).toBe('COMMAND');
    expect(resolved('GET', 'ID')).toBe('GET');
    expect(resolved('ID')).toBeUndefined();
  });

  it('knows names as people write them', () => {
    for (const name of ['config get', 'CONFIG GET', 'config|get']) {
      expect(commands.byName(name)?.name).toBe('CONFIG GET');
    }
    expect(commands.byName('get')?.name).toBe('GET');
    for (const name of ['', 'nosuch', 'config|nosuch', 'get|x', 'config|get|x']) {
      expect(commands.byName(name), name).toBeUndefined();
    }
  });
});

describe('the table', () => {
  it('numbers all commands without gaps', () => {
    expect(commands.all.map((spec) => spec.id)).toEqual([...commands.all.keys()]);
    expect(new Set(commands.all.map((spec) => spec.name)).size).toBe(commands.all.length);
  });

  it('bounds argc by the arity', () => {
    expect(commands.byName('GET')).toMatchObject({ arity: 2, argcMin: 2, argcMax: 2 });
    expect(commands.byName('SET')).toMatchObject({ arity: -3, argcMin: 3, argcMax: ARGC_UNLIMITED });
  });

  it('marks writes, journals them, and nothing else', () => {
    for (const spec of commands.all) {
      expect(spec.isWrite, spec.name).toBe((spec.flags & FLAG_WRITE) !== 0);
      expect(spec.effect !== 'never', spec.name).toBe(spec.isWrite || spec.name === 'PFCOUNT');
    }
  });

  it('spreads only what can be merged', () => {
    for (const spec of commands.all) {
      expect(spec.fanout === null, spec.name).toBe(spec.merge === null);
      if (spec.fanout === 'by key') expect(spec.lastKey, spec.name).toBe(-1);
      if (spec.fanout === 'all groups') expect(spec.firstKey, spec.name).toBe(0);
    }
  });

  it('refuses a subcommand without a container', () => {
    const declaration = { usage: '', flags: '', reply: 'OK', does: 'Is a test.', since: '1.0.0', cost: 'O(1)' };
    expect(() => compile([family('server', { 'A B': declaration })])).toThrow('without "A"');
    expect(() => compile([family('server', {}, { A: { does: 'Is empty.', since: '1.0.0' } })])).toThrow('empty');
    expect(() => compile([family('server', { A: { ...declaration, flags: 'fats' } })])).toThrow('unknown flag');
  });
});

describe('declarations', () => {
  const declared = families.flatMap((each) => Object.entries(each.commands));

  it('override what the usage says only where listed here', () => {
    const using = (field: 'arity' | 'keysBy' | 'types' | 'categories'): string[] =>
      declared.filter(([, declaration]) => declaration[field] !== undefined).map(([name]) => name);
    expect(using('arity')).toEqual(['QUIT', 'COMMAND', 'PSYNC', 'REPLCONF']);
    const others = (field: Parameters<typeof using>[0], ...names: string[]): string[] =>
      using(field).filter((name) => !name.startsWith('COMMAND') && !names.includes(name));
    expect(others('keysBy', 'SORT', 'SORT_RO', 'GEORADIUS', 'GEORADIUSBYMEMBER')).toEqual([]);
    const scores = ['ZCOUNT', 'ZRANGEBYSCORE', 'ZREMRANGEBYSCORE', 'ZREVRANGEBYSCORE'];
    const ids = ['XAUTOCLAIM', 'XPENDING', 'XRANGE', 'XREVRANGE'];
    const milliseconds = ['CLIENT PAUSE', 'WAIT', 'WAITAOF', 'PSYNC', 'FAILOVER', 'REPLICAOF', 'SLAVEOF'];
    const numbers = ['INCRBYFLOAT', 'HINCRBYFLOAT', 'BITFIELD', 'BITPOS', 'SETBIT', 'DEBUG SLEEP'];
    expect(others('types', ...numbers, ...scores, 'ZRANGE', ...ids, ...milliseconds)).toEqual([]);
    const spread = ['KEYS', 'LASTSAVE', 'DBSIZE', 'FLUSHALL', 'FLUSHDB', 'INFO', 'SWAPDB'];
    expect(others('categories', ...spread, 'SORT', 'SORT_RO', 'RESTORE', 'WAIT', 'WAITAOF', 'ROLE')).toEqual([]);
  });

  it('say in one sentence what a command does, and since when', () => {
    for (const [name, { does, since, cost }] of declared) {
      expect(does, name).toMatch(/^[A-Z].*[^.]\.$/);
      expect(since, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(cost, name).toMatch(/^O\(/);
    }
  });

  it('describe replies in known words', () => {
    const word = /^(OK|PONG|RESET|status|bulk|verbatim|integer|double|null|map|set|any|nothing)$/;
    for (const [name, { reply }] of declared) {
      for (const alternative of reply.replaceAll(/[()]|\[\]/g, '').split(' | ')) {
        expect(alternative, name).toMatch(word);
      }
    }
  });

  it('do not compile without a handler for each command', () => {
    const declaration = { usage: '', flags: '', reply: 'OK', does: 'Is a test.', since: '1.0.0', cost: 'O(1)' };
    const test = family(
      'server',
      { ONE: declaration, 'TWO A': declaration },
      { TWO: { does: 'Is a test.', since: '1' } },
    );
    type TestHandlers = Handlers<typeof test, () => number>;
    const all: TestHandlers = { ONE: () => 1, 'TWO A': () => 2 };
    // @ts-expect-error 'TWO A' has no handler
    const some: TestHandlers = { ONE: () => 1 };
    expect(Object.keys(all)).toEqual(Object.keys(test.commands));
    expect(Object.keys(some)).toEqual(['ONE']);
  });
});
