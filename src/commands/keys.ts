/**
 * Keys: where the keys of a command are, derived from its usage and found without allocation.
 *
 * From the tree of arguments follow key specs as COMMAND INFO reports them: where the search begins (a fixed index, or
 * the place after a keyword) and how it goes on (a range, or as many as a number says). Where every spec is a plain
 * range and they join up, which is the case for nearly all commands, a key search is three numbers: first, last, step.
 * Where no spec can say it, a function of the declaration searches (`keysBy`), and the specs admit that much.
 *
 * Positions count the arguments from the command's name (0). The words of a subcommand count too: the key of
 * OBJECT ENCODING is at 2. Whoever asks has checked the arity before.
 */
import { assert, parseIntegerAt } from '../base';
import type { Argument } from './grammar';
import { widthMax, widthMin } from './grammar';
import { wordsOf } from './flags';

/** The arguments of a command as the parser leaves them: argument i is `buffer[starts[i], ends[i])`. */
export interface CommandArguments {
  readonly buffer: Uint8Array;
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  readonly argc: number;
}

export interface KeySpec {
  readonly begin:
    | { readonly kind: 'index'; readonly index: number }
    | { readonly kind: 'keyword'; readonly keyword: string; readonly startFrom: number }
    | { readonly kind: 'unknown' };
  readonly find:
    /**
     * `lastKey` counts from the first key, or if negative from the end of the arguments (-1 is the last one). `limit`
     * of 2 or more: only the first of so many equal parts of what remains are keys (XREAD: keys, then as many ids).
     */
    | { readonly kind: 'range'; readonly lastKey: number; readonly step: number; readonly limit: number }
    /** The number of keys is `countAt` arguments after the beginning, the first key `firstKey` after it. */
    | { readonly kind: 'keynum'; readonly countAt: number; readonly firstKey: number; readonly step: number }
    | { readonly kind: 'unknown' };
  /** As COMMAND INFO shows them: RO RW OW RM first, then in small letters. */
  readonly flags: readonly string[];
}

/** The specs of a command, and which of them each key argument belongs to. */
export interface KeyLayout {
  readonly specs: readonly KeySpec[];
  readonly specOf: ReadonlyMap<Argument, number>;
}

/** The places of the keys of one command; made once, written again for each. */
export class KeyPositions {
  /** Only the first `count` are valid. */
  positions = new Int32Array(64);
  /** For each position the key spec that found it. */
  specs = new Int32Array(64);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  add(position: number, spec: number): void {
    if (this.count === this.positions.length) this.grow();
    this.positions[this.count] = position;
    this.specs[this.count++] = spec;
  }

  private grow(): void {
    const { positions, specs } = this;
    this.positions = new Int32Array(positions.length * 2);
    this.positions.set(positions);
    this.specs = new Int32Array(specs.length * 2);
    this.specs.set(specs);
  }
}

const UNKNOWN = { kind: 'unknown' } as const;

/**
 * The key specs that follow from a command's arguments.
 * @param words how many words the name has
 * @param flags the declaration's `keys`
 * @param isSearched a function finds the keys: those after tokens, and patterns that stand for keys, have no known place
 * @throws Error (assertion) where a key has no place that a spec can express; such a command declares `keysBy`
 */
export function keyLayoutOf(
  name: string,
  words: number,
  items: readonly Argument[],
  flags: string,
  isSearched = false,
): KeyLayout {
  const flagSets = flags === '' ? [] : flags.split(';').map(keyFlagsOf);
  const found: { spec: KeySpec; keys: Argument[] }[] = [];
  const add = (begin: KeySpec['begin'], find: KeySpec['find'], keys: Argument[]): void => {
    assert(flagSets.length > 0, `${name} has keys and says nothing about them`);
    found.push({ spec: { begin, find, flags: flagSets[Math.min(found.length, flagSets.length - 1)] }, keys });
  };
  /** The position of the item, or where it depends on what precedes, the first that it can have. */
  let at = words;
  let fixed = true;

  const place = (holder: Argument, keys: Argument[], following: readonly Argument[]): void => {
    const last = found.at(-1);
    if (isSearched && (holder.token !== null || !fixed)) {
      if (keys[0].type === 'pattern' && last?.keys[0].type === 'pattern') last.keys.push(...keys);
      else add(UNKNOWN, UNKNOWN, keys);
      return;
    }
    const find = rangeOf(name, holder, following);
    if (holder.token !== null) {
      add({ kind: 'keyword', keyword: holder.token, startFrom: at }, find, keys);
    } else if (last !== undefined && flagSets.length === 1 && joins(last.spec, at, find)) {
      last.spec = { ...last.spec, find: { kind: 'range', lastKey: at - indexOf(last.spec), step: 1, limit: 0 } };
      last.keys.push(...keys);
    } else {
      assert(fixed, `${name}: the place of "${keys[0].name}" depends on what precedes it`);
      add({ kind: 'index', index: at }, find, keys);
    }
  };

  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    const next = items.at(i + 1);
    if (item.name === 'numkeys' && next?.type === 'key') {
      assert(fixed, `${name}: numkeys must come at a fixed position`);
      add({ kind: 'index', index: at }, { kind: 'keynum', countAt: 0, firstKey: 1, step: 1 }, [next]);
      fixed = false;
      at += widthMin(item) + widthMin(next);
      i++;
      continue;
    }
    const isChoice = item.kind === 'choice' && item.token === null;
    for (const holder of isChoice ? item.parts : [item]) {
      const keys = keysIn(holder, isSearched);
      if (keys.length === 0) continue;
      assert(!isChoice || holder.token !== null, `${name}: keys to choose from have tokens`);
      place(holder, keys, items.slice(i + 1));
    }
    fixed &&= widthMin(item) === widthMax(item);
    at += widthMin(item);
  }

  assert(flagSets.length <= Math.max(found.length, 1), `${name} says more about keys than it has`);
  const specOf = new Map<Argument, number>();
  found.forEach((each, spec) => each.keys.forEach((key) => specOf.set(key, spec)));
  return { specs: found.map((each) => each.spec), specOf };
}

/** How the keys of `item` are found from its beginning on. */
function rangeOf(name: string, item: Argument, following: readonly Argument[]): KeySpec['find'] {
  if (item.kind === 'value' && !item.repeated) return { kind: 'range', lastKey: 0, step: 1, limit: 0 };
  const rest = following.reduce((sum, each) => sum + widthMin(each), 0);
  const restMax = following.reduce((sum, each) => sum + widthMax(each), 0);
  assert(rest === restMax, `${name}: what follows the keys has no fixed width`);
  if (item.kind === 'value') return { kind: 'range', lastKey: -1 - rest, step: 1, limit: 0 };
  assert(item.kind === 'block' && item.parts[0].type === 'key', `${name}: keys stand first in their group`);
  if (item.repeated) return { kind: 'range', lastKey: -1 - rest, step: item.parts.length, limit: 0 };
  const repeated = item.parts.filter((part) => part.repeated).length;
  assert(repeated === item.parts.length, `${name}: a group of keys and values repeats all its parts`);
  return { kind: 'range', lastKey: -1 - rest, step: 1, limit: repeated };
}

/** Whether a single key at `at` can extend `spec`: one key directly after another one of the same kind. */
function joins(spec: KeySpec, at: number, find: KeySpec['find']): boolean {
  if (spec.begin.kind !== 'index' || spec.find.kind !== 'range' || find.kind !== 'range') return false;
  return find.lastKey === 0 && spec.find.step === 1 && spec.find.lastKey >= 0 && lastOf(spec) + 1 === at;
}

function indexOf(spec: KeySpec): number {
  return spec.begin.kind === 'index' ? spec.begin.index : -1;
}

function lastOf(spec: KeySpec): number {
  return spec.find.kind === 'range' ? indexOf(spec) + spec.find.lastKey : -1;
}

function keysIn(argument: Argument, orPatterns: boolean): Argument[] {
  if (argument.kind !== 'value') return argument.parts.flatMap((part) => keysIn(part, orPatterns));
  return argument.type === 'key' || (orPatterns && argument.type === 'pattern') ? [argument] : [];
}

const KEY_FLAGS = new Map([
  ['ro', 'RO'],
  ['rw', 'RW'],
  ['ow', 'OW'],
  ['rm', 'RM'],
  ['access', 'access'],
  ['update', 'update'],
  ['insert', 'insert'],
  ['delete', 'delete'],
  ['variable', 'variable_flags'],
]);

/** The flags of key specs as COMMAND INFO shows them, from the words of a declaration. */
export function keyFlagsOf(text: string): readonly string[] {
  return wordsOf(text).map((word) => {
    const flag = KEY_FLAGS.get(word);
    assert(flag !== undefined, `unknown key flag "${word}" in a command declaration`);
    return flag;
  });
}

/** Keys at fixed places: the first, the last (negative: from the end of the arguments), the distance; zeros for none. */
export interface KeyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  /** There are no keys but these. */
  readonly isAll: boolean;
}

/** The keys of those specs that are plain ranges and join up. */
export function keyRangeOf(specs: readonly KeySpec[]): KeyRange {
  let first = 0;
  let last = 0;
  let step = 0;
  let isAll = true;
  for (const { begin, find } of specs) {
    if (begin.kind !== 'index' || find.kind !== 'range' || find.limit > 1) {
      isAll = false;
    } else if (first === 0) {
      ({ step } = find);
      first = begin.index;
      last = endOf(begin.index, find.lastKey);
    } else if (last + 1 === begin.index && step === 1 && find.step === 1) {
      last = endOf(begin.index, find.lastKey);
    } else {
      isAll = false;
    }
  }
  return { first, last, step, isAll };
}

function endOf(first: number, lastKey: number): number {
  return lastKey < 0 ? lastKey : first + lastKey;
}

/** What findKeys answers when the arguments contradict the specs: "Invalid arguments specified for command". */
export const KEYS_INVALID = -1;

/** Adds the keys that `specs` find in `args`; {@link KEYS_INVALID} where numbers or places make no sense. */
export function findKeysBySpecs(specs: readonly KeySpec[], args: CommandArguments, into: KeyPositions): number {
  for (let i = 0; i < specs.length; i++) {
    const { begin, find } = specs[i];
    assert(begin.kind !== 'unknown' && find.kind !== 'unknown', 'keys of unknown place are found by keysBy');
    const first = begin.kind === 'index' ? begin.index : afterKeyword(begin.keyword, begin.startFrom, args);
    // A keyword that ends the command has no keys after it; Redis passes over it too.
    if (first === 0 || (begin.kind === 'keyword' && first === args.argc)) continue;
    if (first >= args.argc) return KEYS_INVALID;
    if (find.kind === 'range') {
      let end = find.lastKey < 0 ? args.argc + find.lastKey : first + find.lastKey;
      if (find.limit > 1) end = first + Math.floor((end - first + 1) / find.limit) - 1;
      if (end >= args.argc) return KEYS_INVALID;
      for (let at = first; at <= end; at += find.step) into.add(at, i);
      continue;
    }
    const countAt = first + find.countAt;
    const count = countAt < args.argc ? parseIntegerAt(args.buffer, args.starts[countAt], args.ends[countAt]) : NaN;
    const firstKey = first + find.firstKey;
    if (!(count >= 0) || firstKey + (count - 1) * find.step >= args.argc) return KEYS_INVALID;
    for (let k = 0; k < count; k++) into.add(firstKey + k * find.step, i);
  }
  return into.count;
}

/** The position after `keyword`, an upper-case word, or 0 where it does not occur from `startFrom` on. */
export function afterKeyword(keyword: string, startFrom: number, args: CommandArguments): number {
  for (let at = startFrom; at < args.argc; at++) {
    const start = args.starts[at];
    if (args.ends[at] - start !== keyword.length) continue;
    let i = 0;
    while (i < keyword.length && upper(args.buffer[start + i]) === keyword.charCodeAt(i)) i++;
    if (i === keyword.length) return at + 1;
  }
  return 0;
}

function upper(byte: number): number {
  return byte >= 97 && byte <= 122 ? byte - 32 : byte;
}
