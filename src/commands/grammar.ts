/**
 * Grammar: a usage line becomes a tree of arguments.
 *
 *   word          a value                        TOKEN         itself, in any case
 *   [ x ]         optional                       a | b         one of them
 *   < a | b >     groups a choice                ( a b )...    a group, repeated
 *   x...          once or more                   TOKEN a b     values that directly follow a token belong to it
 *
 * Words in small letters are values, anything else is a token. Some words have a meaning: those in KEY_WORDS are keys,
 * `numkeys` counts the keys that follow it, and others have a type (TYPES_OF_WORDS). The nodes have the shape of
 * COMMAND DOCS' arguments, so that reply is a walk over the tree. Every node knows how many arguments it takes at least
 * and at most; from that follows the arity. A line that does not parse is a bug of ours and stops the start.
 */
import { assert } from '../base';
import type { ArgumentType } from './declaration';

export interface Argument {
  readonly kind: 'value' | 'token' | 'choice' | 'block';
  readonly name: string;
  /** Of values; 'string' for the others. */
  readonly type: ArgumentType;
  /** The token itself, or the one that precedes a value, choice or block. */
  readonly token: string | null;
  readonly optional: boolean;
  readonly repeated: boolean;
  /** Whether the token comes again with each repetition: `(ID client-id)...`, unlike `ID client-id...`. */
  readonly repeatsToken: boolean;
  /** Of choices and blocks. */
  readonly parts: readonly Argument[];
}

/** The words that name a key. */
export const KEY_WORDS: ReadonlySet<string> = new Set(
  'key key1 key2 newkey source destination src dst sourcekey destkey storekey storedistkey'.split(' '),
);

const TYPES_OF_WORDS = new Map<string, ArgumentType>(
  Object.entries({
    'by-pattern': 'pattern',
    'client-id': 'integer',
    count: 'integer',
    cursor: 'integer',
    db: 'integer',
    decrement: 'integer',
    'destination-db': 'integer',
    end: 'integer',
    'entries-added': 'integer',
    'entries-read': 'integer',
    frequency: 'integer',
    'get-pattern': 'pattern',
    height: 'double',
    increment: 'integer',
    index: 'integer',
    index1: 'integer',
    index2: 'integer',
    latitude: 'double',
    len: 'integer',
    limit: 'integer',
    longitude: 'double',
    maxage: 'integer',
    milliseconds: 'integer',
    'min-match-len': 'integer',
    ms: 'integer',
    'num-matches': 'integer',
    numkeys: 'integer',
    numreplicas: 'integer',
    offset: 'integer',
    pattern: 'pattern',
    protover: 'integer',
    radius: 'double',
    rank: 'integer',
    score: 'double',
    seconds: 'integer',
    start: 'integer',
    stop: 'integer',
    timeout: 'double',
    ttl: 'integer',
    'unix-time-milliseconds': 'unix-time',
    'unix-time-seconds': 'unix-time',
    version: 'integer',
    weight: 'integer',
    width: 'double',
  } satisfies Record<string, ArgumentType>),
);

const LEXEME = /\s*(\.\.\.|[[\]<>()|]|[^\s[\]<>()|.]+)/y;
const WORD = /^[a-z][a-z0-9:_-]*$/;
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '<': '>', '(': ')' };

/**
 * The arguments that `usage` describes, in order.
 * @param types overrides of the types of words
 * @throws Error (assertion) where the line does not follow the grammar
 */
export function parseUsage(usage: string, types: Readonly<Record<string, ArgumentType>> = {}): readonly Argument[] {
  const lexemes = lexemesOf(usage);
  let at = 0;

  function choice(): Argument[] {
    const arms = [sequence()];
    while (lexemes[at] === '|') {
      at++;
      arms.push(sequence());
    }
    if (arms.length === 1) return arms[0];
    const parts = arms.map((arm) => {
      assert(arm.length > 0, `empty alternative in usage "${usage}"`);
      return asOne(arm);
    });
    return [node('choice', joinedName(parts), { parts })];
  }

  function sequence(): Argument[] {
    const items: Argument[] = [];
    /** The token that a directly following value joins, and where in `items` its values begin. */
    let owner: string | null = null;
    let ownerAt = 0;
    const settle = (): void => {
      if (owner === null) return;
      const values = items.splice(ownerAt);
      items.push(values.length === 0 ? node('token', owner.toLowerCase(), { token: owner }) : withToken(owner, values));
      owner = null;
    };
    while (at < lexemes.length) {
      const lexeme = lexemes[at];
      if (lexeme === '|' || lexeme === ']' || lexeme === '>' || lexeme === ')') break;
      assert(lexeme !== '...', `nothing to repeat in usage "${usage}"`);
      if (CLOSING[lexeme] === undefined && !WORD.test(lexeme)) {
        settle();
        owner = lexeme;
        ownerAt = items.length;
        at++;
        continue;
      }
      if (lexeme === '[' || lexeme === '(') settle();
      items.push(item());
    }
    settle();
    return items;
  }

  function item(): Argument {
    const lexeme = lexemes[at++];
    const closing = CLOSING[lexeme];
    let argument: Argument;
    if (closing === undefined) {
      argument = node('value', lexeme, { type: types[lexeme] ?? typeOf(lexeme) });
    } else {
      const inner = choice();
      assert(lexemes[at++] === closing, `"${closing}" is missing in usage "${usage}"`);
      assert(inner.length > 0, `empty group in usage "${usage}"`);
      argument = asOne(inner);
      if (lexeme === '[') argument = { ...argument, optional: true };
    }
    if (lexemes[at] !== '...') return argument;
    at++;
    return { ...argument, repeated: true, repeatsToken: argument.token !== null };
  }

  const items = choice();
  assert(at === lexemes.length, `"${lexemes[at]}" is too much in usage "${usage}"`);
  return items;
}

function lexemesOf(usage: string): string[] {
  const text = usage.trimEnd();
  const lexemes: string[] = [];
  LEXEME.lastIndex = 0;
  while (LEXEME.lastIndex < text.length) {
    const at = LEXEME.lastIndex;
    const match = LEXEME.exec(text);
    assert(match !== null, `"${text.slice(at)}" does not belong in a usage`);
    lexemes.push(match[1]);
  }
  return lexemes;
}

function node(kind: Argument['kind'], name: string, more: Partial<Argument>): Argument {
  return {
    kind,
    name,
    type: 'string',
    token: null,
    optional: false,
    repeated: false,
    repeatsToken: false,
    parts: [],
    ...more,
  };
}

/** Several arguments as one block; one stays as it is. */
function asOne(items: readonly Argument[]): Argument {
  return items.length === 1 ? items[0] : node('block', joinedName(items), { parts: items });
}

function withToken(token: string, values: readonly Argument[]): Argument {
  const only = values[0];
  if (values.length === 1 && only.token === null) return { ...only, token };
  return node('block', token.toLowerCase(), { token, parts: values });
}

function joinedName(parts: readonly Argument[]): string {
  return parts.map((part) => part.name).join('_');
}

function typeOf(word: string): ArgumentType {
  return KEY_WORDS.has(word) ? 'key' : (TYPES_OF_WORDS.get(word) ?? 'string');
}

/** The fewest arguments that satisfy `argument`. */
export function widthMin(argument: Argument): number {
  return argument.optional ? 0 : widthOnce(argument, widthMin, Math.min);
}

/** The most arguments that `argument` can take; Infinity where it repeats. */
export function widthMax(argument: Argument): number {
  return argument.repeated ? Infinity : widthOnce(argument, widthMax, Math.max);
}

function widthOnce(
  argument: Argument,
  width: (part: Argument) => number,
  pick: (...widths: number[]) => number,
): number {
  const own = argument.token === null ? 0 : 1;
  if (argument.kind === 'token') return 1;
  if (argument.kind === 'value') return own + 1;
  const widths = argument.parts.map(width);
  return own + (argument.kind === 'choice' ? pick(...widths) : widths.reduce((sum, each) => sum + each, 0));
}

/** Redis' arity: how many arguments, the `words` of the name included; negative for "at least". */
export function arityOf(words: number, items: readonly Argument[]): number {
  const min = items.reduce((sum, item) => sum + widthMin(item), words);
  const max = items.reduce((sum, item) => sum + widthMax(item), words);
  return min === max ? min : -min;
}
