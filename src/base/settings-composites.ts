/**
 * Kinds of settings with a shape of their own: save points, output buffer limits, percentiles, sets of flags.
 *
 * Each takes several words and is one value to the program. Two of them read what was there before: repeated `save` lines
 * of a file add up (the first one replaces the defaults, an empty one clears), and `client-output-buffer-limit` changes
 * only the classes it names.
 */
import {
  decimal,
  formatMemory,
  isEmptyList,
  notOneOf,
  parseMemory,
  Refusal,
  type Setting,
  type Traits,
} from './settings-kinds';

/** Save the data after `seconds` if at least `changes` keys changed. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/** `save 900 1 300 10`: pairs of seconds and changes; `save ""` for none. */
export function savePoints(initial: readonly SavePoint[], traits: Traits): Setting<readonly SavePoint[]> {
  const pair = (point: SavePoint): string => `${point.seconds} ${point.changes}`;
  const format = (value: readonly SavePoint[]): string => value.map(pair).join(' ');
  return {
    initial,
    traits,
    takesWords: true,
    parse: (words, before, repeated) => {
      if (isEmptyList(words)) return [];
      const numbers = words.map(parseSigned);
      const points: SavePoint[] = [];
      for (let i = 0; i < numbers.length; i += 2) points.push({ seconds: numbers[i], changes: numbers[i + 1] });
      const valid = words.length % 2 === 0 && points.every((point) => point.seconds >= 1 && point.changes >= 0);
      if (!valid) return new Refusal('Invalid save parameters');
      return repeated ? [...before, ...points] : points;
    },
    format,
    lines: (value, first) => {
      const forced = format(value) !== format(first);
      return value.length === 0 ? [{ words: '""', forced }] : value.map((point) => ({ words: pair(point), forced }));
    },
  };
}

/** A client is closed when `hardBytes` of replies wait for it, or `softBytes` for `softSeconds`; 0 is no limit. */
export interface OutputLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

export interface OutputLimits {
  readonly normal: OutputLimit;
  readonly replica: OutputLimit;
  readonly pubsub: OutputLimit;
}

/** Classes of clients, in the order and by the words that CONFIG GET uses. */
const CLASSES: readonly (readonly [keyof OutputLimits, string])[] = [
  ['normal', 'normal'],
  ['replica', 'slave'],
  ['pubsub', 'pubsub'],
];

/** `client-output-buffer-limit`: any number of `class hard soft soft-seconds`. */
export function outputLimits(initial: OutputLimits, traits: Traits): Setting<OutputLimits> {
  return {
    initial,
    traits,
    takesWords: true,
    parse: (words, before) => {
      if (words.length % 4 !== 0) return new Refusal('Wrong number of arguments in buffer limit configuration.');
      const limits = { ...before };
      for (let i = 0; i < words.length; i += 4) {
        const word = words[i].toLowerCase();
        const known = CLASSES.find((names) => names.includes(word));
        if (known === undefined) return new Refusal('Invalid client class specified in buffer limit configuration.');
        const hard = parseMemory(words[i + 1]);
        const soft = parseMemory(words[i + 2]);
        const softSeconds = parseSigned(words[i + 3]);
        if (hard === null || soft === null || !(softSeconds >= 0)) {
          return new Refusal('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
        }
        limits[known[0]] = { hardBytes: Number(hard), softBytes: Number(soft), softSeconds };
      }
      return limits;
    },
    format: (value) =>
      CLASSES.map(([name, shown]) => {
        const { hardBytes, softBytes, softSeconds } = value[name];
        return `${shown} ${decimal(hardBytes)} ${decimal(softBytes)} ${softSeconds}`;
      }).join(' '),
    lines: (value, first) =>
      CLASSES.map(([name]) => {
        const limit = value[name];
        const usual = first[name];
        return {
          words: `${name} ${formatMemory(limit.hardBytes)} ${formatMemory(limit.softBytes)} ${limit.softSeconds}`,
          forced:
            limit.hardBytes !== usual.hardBytes ||
            limit.softBytes !== usual.softBytes ||
            limit.softSeconds !== usual.softSeconds,
        };
      }),
  };
}

/** Percentiles between 0 and 100, such as 50 99 99.9; one empty word for none. */
export function percentiles(initial: readonly number[], traits: Traits): Setting<readonly number[]> {
  // Six digits after the point, like Redis' %f, without the zeros at the end.
  const format = (value: readonly number[]): string => value.map((one) => String(Number(one.toFixed(6)))).join(' ');
  const name = 'latency-tracking-info-percentiles';
  return {
    initial,
    traits,
    takesWords: true,
    parse: (words) => {
      if (isEmptyList(words)) return [];
      const value = words.map((word) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : NaN));
      if (value.some(Number.isNaN)) return new Refusal(`Invalid ${name} parameters`);
      if (value.some((one) => one < 0 || one > 100)) {
        return new Refusal(`${name} parameters should sit between [0.0,100.0]`);
      }
      return value;
    },
    format,
    lines: (value, first) => [{ words: format(value) || '""', forced: format(value) !== format(first) }],
  };
}

/** Any of some names together. The first name stands for "none of the others", and is what an empty set shows as. */
export function someOf<const Name extends string>(
  names: readonly [Name, ...Name[]],
  traits: Traits & { readonly check?: (value: readonly Name[]) => string | null },
): Setting<readonly Name[]> {
  const { check } = traits;
  const [none, ...others] = names;
  const format = (value: readonly Name[]): string => (value.length === 0 ? none : value.join(' '));
  return {
    initial: [],
    traits,
    takesWords: true,
    parse: (words) => {
      const given = words.map((word) => word.toLowerCase());
      if (given.length === 0 || given.some((word) => !names.some((name) => name === word))) return notOneOf(names);
      const value = others.filter((name) => given.includes(name));
      const reason = check === undefined ? null : check(value);
      return reason === null ? value : new Refusal(reason);
    },
    format,
    lines: (value, first) => [{ words: format(value), forced: format(value) !== format(first) }],
  };
}

function parseSigned(word: string): number {
  return /^[+-]?[0-9]{1,15}$/.test(word) ? Number(word) : NaN;
}
