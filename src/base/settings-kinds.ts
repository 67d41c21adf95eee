/**
 * Kinds of settings: how a value is read from words, and how it is shown.
 *
 * A setting is declared once, `timeout: integer(0, { max: INT32_MAX, does: 'Seconds after which …' })`. The type of its
 * value, CONFIG GET and SET, the configuration file, command line flags, CONFIG REWRITE and the page of documentation
 * all follow from that. Error texts are Redis', word for word: programs match on them.
 *
 * A kind never throws for what a user wrote; it returns a `Refusal` with the reason. Text is UTF-8 throughout: a
 * password that is not valid UTF-8 cannot be a setting. Numbers beyond 2^53 are rounded to what a double holds.
 */
import { quote } from './quoting';

export const INT32_MAX = 2147483647;
export const UINT32_MAX = 4294967295;
/** Bounds of Redis' 64-bit settings, as it spells them in its replies. */
export const LONG_MAX = 2n ** 63n - 1n;
export const UNSIGNED_LONG_MAX = 2n ** 64n - 1n;

/** Why words are no value of a setting. */
export class Refusal {
  constructor(readonly reason: string) {}
}

/** A line of a rewritten configuration file, without the name; a forced one is written though the file had none. */
export interface SettingLine {
  readonly words: string;
  readonly forced: boolean;
}

/** What a declaration says beside its kind and default. */
export interface Traits {
  /** One sentence for people: what it does, with the unit. */
  readonly does: string;
  /** A second name with the same meaning, as `slave-priority` for `replica-priority`. */
  readonly alias?: string;
  /** Can be given at the start only. */
  readonly immutable?: boolean;
  /** Changed by clients only where `enable-protected-configs` lets them. */
  readonly protected?: boolean;
  /** Not to be shown in logs. */
  readonly sensitive?: boolean;
  /** Known, kept and reported, but nothing acts on it (yet). */
  readonly inert?: boolean;
}

/** A declared setting. `Value` is the type of `settings.values[name]`. */
export interface Setting<Value> {
  readonly initial: Value;
  readonly traits: Traits;
  /** Takes any number of words, not exactly one. */
  readonly takesWords: boolean;
  /** The value that `words` spell. `before` is the present one; `repeated`: an earlier line of the file gave it. */
  parse(words: readonly string[], before: Value, repeated: boolean): Value | Refusal;
  /** As CONFIG GET shows it. */
  format(value: Value): string;
  /** As a configuration file says it. */
  lines(value: Value, initial: Value): readonly SettingLine[];
}

/** A setting of exactly one word. */
export function single<Value>(
  initial: Value,
  traits: Traits,
  parse: (text: string) => Value | Refusal,
  format: (value: Value) => string,
  inFile: (value: Value) => string = format,
): Setting<Value> {
  return {
    initial,
    traits,
    takesWords: false,
    parse: (words) => parse(words[0]),
    format,
    lines: (value, first) => [{ words: inFile(value), forced: format(value) !== format(first) }],
  };
}

/** `yes` or `no`. */
export function yesNo(initial: boolean, traits: Traits): Setting<boolean> {
  return single(
    initial,
    traits,
    (text) => {
      const word = text.toLowerCase();
      return word === 'yes' ? true : word === 'no' ? false : new Refusal("argument must be 'yes' or 'no'");
    },
    (value) => (value ? 'yes' : 'no'),
  );
}

/** Bounds, both inclusive. */
export interface Bounds {
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  /** Moves a value that is allowed to one that works. */
  readonly adjust?: (value: number) => number;
}

/** A whole number in strict decimal. */
export function integer(initial: number, traits: Traits & Bounds): Setting<number> {
  const { min = 0, max = INT32_MAX, adjust } = traits;
  return single(
    initial,
    traits,
    (text) => {
      const parsed = /^(0|-?[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : null;
      if (parsed === null || parsed > LONG_MAX || parsed < -LONG_MAX - 1n) {
        return new Refusal("argument couldn't be parsed into an integer");
      }
      return within(parsed, min, max, 10, adjust);
    },
    decimal,
  );
}

/**
 * A number of bytes in Redis' units: 1k is 1000, 1kb is 1024; likewise m, mb, g, gb; case does not matter. With
 * `percent` also "5%" (of maxmemory, up to 100), which is kept as a negative number.
 */
export function memory(initial: number, traits: Traits & Bounds & { readonly percent?: boolean }): Setting<number> {
  const { min = 0, max = LONG_MAX, percent = false, adjust } = traits;
  return single(
    initial,
    traits,
    (text) => {
      const bytes = parseMemory(text);
      if (bytes !== null) return within(bytes, min, max, 10, adjust);
      if (!percent) return new Refusal('argument must be a memory value');
      const share = /^(0|[1-9][0-9]{0,17})%$/.exec(text);
      if (share === null) return new Refusal('argument must be a memory or percent value');
      if (Number(share[1]) > 100) return new Refusal('percentage argument must be less or equal to 100');
      return 0 - Number(share[1]);
    },
    (value) => (value < 0 ? `${-value}%` : decimal(value)),
    (value) => (value < 0 ? `${-value}%` : formatMemory(value)),
  );
}

/** A number in octal, such as the permissions of a file. */
export function octal(initial: number, traits: Traits & Bounds): Setting<number> {
  const { min = 0, max = 0o777, adjust } = traits;
  return single(
    initial,
    traits,
    (text) => {
      const digits = /^(-?)([0-7]{0,21})$/.exec(text);
      if (digits === null) return new Refusal("argument couldn't be parsed as an octal number");
      const magnitude = BigInt(`0o0${digits[2]}`);
      return within(digits[1] === '' ? magnitude : -magnitude, min, max, 8, adjust);
    },
    (value) => value.toString(8),
  );
}

/** One of some names; case does not matter to the reader. */
export function oneOf<const Name extends string>(
  initial: NoInfer<Name>,
  names: readonly Name[],
  traits: Traits,
): Setting<Name> {
  return single<Name>(
    initial,
    traits,
    (text) => names.find((name) => name === text.toLowerCase()) ?? notOneOf(names),
    (value) => value,
  );
}

/** Any text. `check` returns the reason why it will not do, or null. */
export function text(
  initial: string,
  traits: Traits & { readonly check?: (value: string) => string | null },
): Setting<string> {
  const { check } = traits;
  return {
    ...single<string>(
      initial,
      traits,
      (word) => {
        const reason = check === undefined ? null : check(word);
        return reason === null ? word : new Refusal(reason);
      },
      (value) => value,
    ),
    // What is empty by default and empty now needs no line: a file without it says the same.
    lines: (value, first) =>
      value === '' && first === '' ? [] : [{ words: quote(Buffer.from(value)), forced: value !== first }],
  };
}

/** A list of words. One empty word stands for the empty list. */
export function words(
  initial: readonly string[],
  traits: Traits & { readonly check?: (value: readonly string[]) => string | null },
): Setting<readonly string[]> {
  const { check } = traits;
  const format = (value: readonly string[]): string => value.join(' ');
  return {
    initial,
    traits,
    takesWords: true,
    parse: (given) => {
      const value = isEmptyList(given) ? [] : [...given];
      const reason = check === undefined ? null : check(value);
      return reason === null ? value : new Refusal(reason);
    },
    format,
    lines: (value, first) =>
      value.length === 0 && first.length === 0
        ? []
        : [
            {
              words: value.length === 0 ? '""' : value.map(wordInFile).join(' '),
              forced: format(value) !== format(first),
            },
          ],
  };
}

/** No words, or the one empty word by which a file says so. */
export function isEmptyList(given: readonly string[]): boolean {
  return given.length === 0 || (given.length === 1 && given[0] === '');
}

export function notOneOf(names: readonly string[]): Refusal {
  return new Refusal(`argument(s) must be one of the following: ${names.join(', ')}`);
}

/** The bytes that a text in Redis' memory units means, or null where it is none. No digits at all mean 0, as in Redis. */
export function parseMemory(given: string): bigint | null {
  const match = /^([0-9]{0,100})(|b|k|kb|m|mb|g|gb)$/i.exec(given);
  return match === null ? null : BigInt(`0${match[1]}`.replace(/^0+(?=.)/, '')) * UNITS[match[2].toLowerCase()];
}

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** Bytes in the largest unit that divides them, as configuration files have them. */
export function formatMemory(bytes: number): string {
  if (bytes === 0) return '0';
  if (bytes % 2 ** 30 === 0) return `${decimal(bytes / 2 ** 30)}gb`;
  if (bytes % 2 ** 20 === 0) return `${decimal(bytes / 2 ** 20)}mb`;
  if (bytes % 2 ** 10 === 0) return `${decimal(bytes / 2 ** 10)}kb`;
  return decimal(bytes);
}

/** All digits; no double prints as "1e+21", and Redis' largest numbers read as Redis prints them. */
export function decimal(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (value === 2 ** 63) return String(LONG_MAX);
  return value === 2 ** 64 ? String(UNSIGNED_LONG_MAX) : String(BigInt(value));
}

function within(
  value: bigint,
  min: number | bigint,
  max: number | bigint,
  radix: number,
  adjust: Bounds['adjust'],
): number | Refusal {
  if (value < min || value > max) {
    return new Refusal(`argument must be between ${min.toString(radix)} and ${max.toString(radix)} inclusive`);
  }
  return adjust === undefined ? Number(value) : adjust(Number(value));
}

/** A word as a configuration file needs it: in quotes only where it would not be read back as it is. */
function wordInFile(word: string): string {
  return /^[!#-&(-[\]-~]+$/.test(word) ? word : quote(Buffer.from(word));
}
