/**
 * Random sentences: commands that follow their usage lines, most of them; some with a word too few, too many or out of place.
 *
 * The grammar is the one from which arity, keys and documentation follow (commands/grammar.ts): a new command is spoken as soon
 * as it is declared.
 */
import type { Random } from '../../src/base';
import type { Argument, CommandSpec } from '../../src/commands';
import { one, randomKey, randomValue } from './words';

export type Sentence = readonly string[];

/** How often an optional part is there. */
const OPTION = 0.35;
const REPEATS_MAX = 4;
/** How often a sentence is spoilt. */
const SPOILT = 0.03;
/** How often a number of keys is not the number of keys. */
const MISCOUNTED = 0.05;

/** Words that make replies depend on the clock, or that want a setting, or that the oracle (7.0) does not know (WITHSCORE, the new parts of FULL). */
const AVOIDED_TOKENS: ReadonlySet<string> = new Set(['IDLETIME', 'FREQ', 'WITHSCORE', 'FULL', 'BYLEX', '*']);

/** What both servers would do and nobody has the memory to compare: billions of draws, strings of hundreds of megabytes. */
const MANY_DRAWS = /^-\d{4,}$/;
const FAR_OFFSET = /^(2147483647|2147483648|4294967295)$/;
const TOO_LARGE: Readonly<Record<string, RegExp | undefined>> = {
  SRANDMEMBER: MANY_DRAWS,
  HRANDFIELD: MANY_DRAWS,
  ZRANDMEMBER: MANY_DRAWS,
  SETBIT: FAR_OFFSET,
  BITFIELD: FAR_OFFSET,
};

/** A sentence for a command. */
export function randomSentence(random: Random, spec: CommandSpec): Sentence {
  const words = spec.name.split(' ');
  speakAll(random, familyOf(spec), spec.items, words);
  if (random.fraction() < SPOILT) spoil(random, words);
  const tooLarge = TOO_LARGE[spec.name];
  return tooLarge === undefined ? words : words.map((word) => (tooLarge.test(word) ? '-7' : word));
}

/** The family whose keys a command mostly takes. */
function familyOf(spec: CommandSpec): string {
  return spec.name === 'SORT' || spec.name === 'SORT_RO' ? 'list' : spec.family;
}

function isSpoken({ token }: Argument): boolean {
  return token === null || !AVOIDED_TOKENS.has(token);
}

function speak(random: Random, family: string, argument: Argument, words: string[]): void {
  if (argument.optional && random.fraction() >= OPTION) return;
  if (!isSpoken(argument)) return;
  const times = argument.repeated ? 1 + random.below(REPEATS_MAX) : 1;
  for (let i = 0; i < times; i++) {
    if (argument.token !== null && (i === 0 || argument.repeatsToken)) words.push(inSomeCase(random, argument.token));
    if (argument.kind === 'choice')
      speak(random, family, { ...one(random, argument.parts.filter(isSpoken)), optional: false }, words);
    else if (argument.kind === 'block') speakAll(random, family, argument.parts, words);
    else if (argument.kind === 'value') words.push(randomValue(random, family, argument));
  }
}

/** The parts of a block, or of a whole usage. A `numkeys` mostly says how many keys follow. */
function speakAll(random: Random, family: string, parts: readonly Argument[], words: string[]): void {
  for (let i = 0; i < parts.length; i++) {
    if (parts[i].name === 'numkeys' && parts[i + 1]?.type === 'key' && random.fraction() >= MISCOUNTED) {
      const count = 1 + random.below(3);
      words.push(String(count));
      for (let key = 0; key < count; key++) words.push(randomKey(random, family));
      i++;
    } else if (
      parts[i].type === 'key' &&
      parts[i].repeated &&
      parts[i + 1]?.repeated &&
      random.fraction() >= MISCOUNTED
    ) {
      // XREAD: as many IDs as keys.
      const count = 1 + random.below(2);
      for (let key = 0; key < count; key++) words.push(randomKey(random, family));
      for (let id = 0; id < count; id++) words.push(randomValue(random, family, parts[i + 1]));
      i++;
    } else {
      speak(random, family, parts[i], words);
    }
  }
}

function inSomeCase(random: Random, token: string): string {
  return random.fraction() < 0.2 ? token.toLowerCase() : token;
}

function spoil(random: Random, words: string[]): void {
  const at = 1 + random.below(Math.max(1, words.length - 1));
  const how = random.below(4);
  if (how === 0) words.splice(at, 1);
  else if (how === 1) words.splice(at, 0, words[at] ?? '');
  else if (how === 2) words.push(randomKey(random, ''));
  else if (at < words.length) words[at] = one(random, ['', 'NX', 'x', '-1', 'WITHSCORES', '\0']);
}
