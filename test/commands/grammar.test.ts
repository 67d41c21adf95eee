/**
 * The grammar of usage lines: what each construct becomes, what is refused, and for random trees written as text, that
 * they come back as they were and that no sentence is shorter or longer than the widths say.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arityOf, families, parseUsage, widthMax, widthMin, type Argument } from '../../src/commands';

/** An argument in one short line, so that expectations read like the usage itself. */
function sketch(argument: Argument): string {
  let text = argument.token !== null && argument.kind !== 'token' ? `${argument.token}=` : '';
  if (argument.kind === 'value')
    text += argument.type === 'string' ? argument.name : `${argument.name}:${argument.type}`;
  else if (argument.kind === 'token') text += argument.token;
  else text += `${argument.kind === 'choice' ? 'one' : 'all'}(${argument.parts.map(sketch).join(' ')})`;
  if (argument.repeated) text += argument.repeatsToken ? '**' : '*';
  return argument.optional ? `${text}?` : text;
}

function sketches(usage: string): string {
  return parseUsage(usage).map(sketch).join(' ');
}

describe('usage lines', () => {
  it.each([
    ['', ''],
    ['key value', 'key:key value'],
    ['key...', 'key:key*'],
    ['(key value)...', 'all(key:key value)*'],
    ['[NX | XX] [GET]', 'one(NX XX)? GET?'],
    ['[EX seconds | KEEPTTL]', 'one(EX=seconds:integer KEEPTTL)?'],
    ['[AUTH username password]', 'AUTH=all(username password)?'],
    ['[FILTERBY <MODULE name | PATTERN pattern>]', 'FILTERBY=one(MODULE=name PATTERN=pattern:pattern)?'],
    ['[ID client-id...]', 'ID=client-id:integer*?'],
    ['[ID client-id]...', 'ID=client-id:integer**?'],
    ['STREAMS key... id...', 'STREAMS=all(key:key* id*)'],
    ['ip:port | (ID client-id | USER username)...', 'one(ip:port one(ID=client-id:integer USER=username)*)'],
    ['[= | ~] threshold', 'one(= ~)? threshold'],
  ])('"%s" is %s', (usage, expected) => {
    expect(sketches(usage)).toBe(expected);
  });

  it.each(['[a', 'a]', '()', '[ | a]', '...', 'a | ', '<a', '(a))'])('"%s" is refused', (usage) => {
    expect(() => parseUsage(usage)).toThrow('usage');
  });

  it('takes the types of words from the declaration first', () => {
    expect(parseUsage('increment', { increment: 'double' })[0].type).toBe('double');
  });

  it.each([
    ['', 1],
    ['key', 2],
    ['key value [NX]', -3],
    ['key... timeout', -3],
    ['<ON | OFF>', 2],
    ['<A x | B y>', 3],
    ['<A | B y>', -2],
    ['(parameter value)...', -3],
    ['ip:port | (ID client-id)...', -2],
  ])('the arity of "%s" is %i', (usage, arity) => {
    expect(arityOf(1, parseUsage(usage))).toBe(arity);
  });
});

interface Tree {
  readonly usage: string;
  readonly sketch: string;
  readonly sentences: readonly number[];
}

const word = fc.constantFrom('alpha', 'beta-2', 'gamma_x', 'ip:port');
const token = fc.constantFrom('NX', 'LEN', 'NO-EVICT', '=');

/** Random usage lines with what they must parse to and the lengths of some of their sentences (repeats once or twice). */
const line = fc.letrec<{ item: Tree; line: Tree }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'usage' },
    word.map((name): Tree => ({ usage: name, sketch: name, sentences: [1] })),
    word.map((name): Tree => ({ usage: `${name}...`, sketch: `${name}*`, sentences: [1, 2] })),
    fc.tuple(token, word).map(([text, name]): Tree => ({
      usage: `[${text} ${name}]`,
      sketch: `${text}=${name}?`,
      sentences: [0, 2],
    })),
    token.map((text): Tree => ({ usage: `[${text}]`, sketch: `${text}?`, sentences: [0, 1] })),
    fc.tuple(tie('item'), tie('item')).map(([a, b]): Tree => ({
      usage: `<${a.usage} | ${b.usage}>`,
      sketch: `one(${a.sketch} ${b.sketch})`,
      sentences: [...a.sentences, ...b.sentences],
    })),
    fc.tuple(tie('item'), tie('item')).map(([a, b]): Tree => {
      const once = sums(a, b);
      return {
        usage: `(${a.usage} ${b.usage})...`,
        sketch: `all(${a.sketch} ${b.sketch})*`,
        sentences: [...once, ...once.map((length) => 2 * length)],
      };
    }),
  ),
  line: fc.tuple(tie('item'), tie('item'), tie('item')).map(([a, b, c]): Tree => {
    const ab: Tree = { usage: `${a.usage} ${b.usage}`, sketch: `${a.sketch} ${b.sketch}`, sentences: sums(a, b) };
    return { usage: `${ab.usage} ${c.usage}`, sketch: `${ab.sketch} ${c.sketch}`, sentences: sums(ab, c) };
  }),
})).line;

function sums(a: Tree, b: Tree): number[] {
  const all = a.sentences.flatMap((first) => b.sentences.map((second) => first + second));
  return [Math.min(...all), Math.max(...all)];
}

describe('any usage line', () => {
  it('comes back as the tree that it was written from', () => {
    fc.assert(
      fc.property(line, ({ usage, sketch: expected }) => {
        expect(sketches(usage)).toBe(expected);
      }),
    );
  });

  it('has widths that bound its sentences, the lower one exactly', () => {
    fc.assert(
      fc.property(line, ({ usage, sentences }) => {
        const items = parseUsage(usage);
        const min = items.reduce((sum, item) => sum + widthMin(item), 0);
        const max = items.reduce((sum, item) => sum + widthMax(item), 0);
        expect(min).toBe(Math.min(...sentences));
        expect(max).toBeGreaterThanOrEqual(Math.max(...sentences));
        expect(arityOf(1, items)).toBe(min === max ? 1 + min : -1 - min);
      }),
    );
  });

  it('is never parsed by luck: random text is refused or gives a tree', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab[]<>()|. XY'.split('')) }), (text) => {
        try {
          parseUsage(text);
        } catch (error) {
          expect(String(error)).toContain('usage');
        }
      }),
    );
  });
});

describe('our declarations', () => {
  it('are written as the grammar would write them: single blanks, none at the ends', () => {
    for (const { commands } of families) {
      for (const [name, { usage }] of Object.entries(commands)) {
        expect(usage, name).toBe(usage.trim().replaceAll(/\s+/g, ' '));
      }
    }
  });
});
