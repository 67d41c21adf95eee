/**
 * Usage lines: the one declaration of what a command of the config server takes.
 *
 * `id host port [ZONE zone] [FORCE]` is read once into a signature; arity, options and the help text follow from it
 * and are stated nowhere else. The grammar is as small as the commands need: lower-case words are arguments in order;
 * `[word]` may be missing and `[word ...]` may come any number of times; `[NAME value]` is an option,
 * `[NAME]` a flag, both in any order after the arguments. Names are compared without regard to case.
 */

export interface Signature {
  /** Arguments that must be there. */
  readonly required: number;
  /** Most arguments that may be there; Infinity after `...`. */
  readonly most: number;
  /** Names of options; true: a value follows. */
  readonly options: ReadonlyMap<string, boolean>;
}

/** What somebody typed, matched with a signature. */
export interface Typed {
  readonly args: readonly string[];
  /** Values of the options that were given; '' for a flag. */
  readonly options: ReadonlyMap<string, string>;
}

/** Reads a usage line of ours. */
export function signatureOf(usage: string): Signature {
  const options = new Map<string, boolean>();
  let required = 0;
  let most = 0;
  for (const [word] of usage.matchAll(/\[[^\]]*\]|\S+/g)) {
    const option = /^\[([A-Z]+)( [^\]]+)?\]$/.exec(word);
    if (option !== null) {
      options.set(option[1], option[2] !== undefined);
    } else {
      if (!word.startsWith('[')) required++;
      most = word.endsWith(' ...]') ? Infinity : most + 1;
    }
  }
  return { required, most, options };
}

/** Matches words with a signature; null where they do not fit it. */
export function matchWords(words: readonly string[], { required, most, options }: Signature): Typed | null {
  const found = new Map<string, string>();
  const isOption = (word: string): boolean => options.has(word.toUpperCase());
  let at = 0;
  while (at < words.length && at < most && (at < required || !isOption(words[at]))) at++;
  const args = words.slice(0, at);
  while (at < words.length) {
    const name = words[at++].toUpperCase();
    const hasValue = options.get(name);
    if (hasValue === undefined || found.has(name) || (hasValue && at === words.length)) return null;
    found.set(name, hasValue ? words[at++] : '');
  }
  return args.length < required ? null : { args, options: found };
}
