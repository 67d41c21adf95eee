/**
 * The table: declarations compiled to numbers, made once at the start.
 *
 * What the dispatch of the data node and the routing of a gateway need per command is a field of `CommandSpec`: masks,
 * bounds, positions. `id` counts all commands and subcommands from 0 without gaps, so that handlers and counters can be
 * arrays. A container ('CLIENT') is a spec too; its subcommands are a table of their own that knows their second word.
 */
import { ascii, assert } from '../base';
import type { Container, Declaration, Effect, Family, FamilyName, Fanout, Merge } from './declaration';
import { FLAG_MOVABLEKEYS, FLAG_WRITE, categoriesImpliedBy, categoriesOf, flagsOf } from './flags';
import { arityOf, parseUsage, type Argument } from './grammar';
import {
  KEYS_INVALID,
  findKeysBySpecs,
  keyLayoutOf,
  keyRangeOf,
  type CommandArguments,
  type KeyLayout,
  type KeyPositions,
} from './keys';
import { NAME_UNKNOWN, NameIndex } from './names';

/** "Without limit" for argcMax. */
export const ARGC_UNLIMITED = 2 ** 31 - 1;

/** The category that a family gives its commands; server commands have none in common. */
const FAMILY_CATEGORIES: Readonly<Record<FamilyName, string>> = {
  string: 'string',
  hash: 'hash',
  list: 'list',
  set: 'set',
  'sorted-set': 'sortedset',
  stream: 'stream',
  geo: 'geo',
  hyperloglog: 'hyperloglog',
  bitmap: 'bitmap',
  generic: 'keyspace',
  connection: 'connection',
  server: '',
  transactions: 'transaction',
};

export class CommandSpec {
  /** What COMMAND DOCS calls the group. */
  readonly family: FamilyName;
  /** As Redis reports it: negative for "at least". */
  readonly arity: number;
  /** Bounds of argc that follow from the arity, the name's words included; what lies outside is a wrong number. */
  readonly argcMin: number;
  readonly argcMax: number;
  /** FLAG_… */
  readonly flags: number;
  /** CATEGORY_… */
  readonly categories: number;
  /** Position of the first key; 0 where there is none. Where keys are movable, this is about those at fixed places. */
  readonly firstKey: number;
  /** Position of the last key; negative counts from the end: -1 is the last argument. */
  readonly lastKey: number;
  readonly keyStep: number;
  /** Not all keys are at fixed places; they must be searched by `findKeys`. */
  readonly movableKeys: boolean;
  readonly isWrite: boolean;
  /** With up to this many arguments it takes but a moment, whatever it finds: it need not be timed alone. */
  readonly briefArgcMax: number;
  readonly effect: Effect;
  readonly fanout: Fanout | null;
  readonly merge: Merge | null;
  readonly items: readonly Argument[];
  readonly keyLayout: KeyLayout;

  constructor(
    readonly id: number,
    /** In capitals; 'CLIENT ID' for a subcommand. */
    readonly name: string,
    readonly declaration: Declaration,
    family: FamilyName,
    /** Of a word that has subcommands, else null. */
    readonly subcommands: CommandTable | null,
    /** Of a word that does nothing without a subcommand, and so has no handler, else null. */
    readonly container: Container | null,
  ) {
    const words = name.split(' ').length;
    this.family = family;
    this.items = parseUsage(declaration.usage, declaration.types);
    this.arity = declaration.arity ?? arityOf(words, this.items);
    this.argcMin = Math.abs(this.arity);
    this.argcMax = this.arity < 0 ? ARGC_UNLIMITED : this.arity;
    const isSearched = declaration.keysBy !== undefined;
    const hasUnknownPlaces = isSearched && declaration.tellsKeyPlaces !== true;
    this.keyLayout = keyLayoutOf(name, words, this.items, declaration.keys ?? '', hasUnknownPlaces);
    const range = keyRangeOf(this.keyLayout.specs);
    this.movableKeys = isSearched || !range.isAll;
    this.firstKey = range.first;
    this.lastKey = range.last;
    this.keyStep = range.step;
    this.flags = flagsOf(declaration.flags) | (this.movableKeys ? FLAG_MOVABLEKEYS : 0);
    this.categories =
      categoriesImpliedBy(this.flags) | categoriesOf(declaration.categories ?? FAMILY_CATEGORIES[family]);
    this.isWrite = (this.flags & FLAG_WRITE) !== 0;
    this.briefArgcMax = briefArgcMaxOf(declaration.cost);
    this.effect = declaration.effect ?? (this.isWrite ? 'verbatim' : 'never');
    this.fanout = declaration.fanout ?? null;
    this.merge = declaration.merge ?? null;
  }
}

export class CommandTable {
  /** Commands, containers and subcommands; of the table of all commands `all[id].id === id`. */
  readonly all: readonly CommandSpec[];
  private readonly index: NameIndex;

  constructor(
    /** What `find` finds; subcommands are in their container's table. */
    readonly roots: readonly CommandSpec[],
  ) {
    this.all = roots.flatMap((spec) => [spec, ...(spec.subcommands?.all ?? [])]).sort((a, b) => a.id - b.id);
    this.index = new NameIndex(roots.map((spec) => spec.name.slice(spec.name.indexOf(' ') + 1)));
  }

  /** The command whose name `buffer[start, end)` spells in any case; in the table of a container, the subcommand. */
  find(buffer: Uint8Array, start: number, end: number): CommandSpec | null {
    const number = this.index.find(buffer, start, end);
    return number === NAME_UNKNOWN ? null : this.roots[number];
  }

  /** The command of a name as people write it: 'get', 'CLIENT ID', 'client|id'. Allocates. */
  byName(name: string): CommandSpec | undefined {
    const [first, second, ...more] = name.split(/[ |]/);
    const bytes = ascii(first);
    const spec = this.find(bytes, 0, bytes.length) ?? undefined;
    if (second === undefined) return spec;
    return more.length === 0 ? spec?.subcommands?.byName(second) : undefined;
  }
}

/**
 * The spec of a whole command: the subcommand where there is one. For an unknown subcommand it is the container; so
 * `spec.subcommands !== null && args.argc > 1` says "unknown subcommand". Null: there is no such command.
 */
export function resolve(table: CommandTable, args: CommandArguments): CommandSpec | null {
  const spec = table.find(args.buffer, args.starts[0], args.ends[0]);
  if (spec === null || spec.subcommands === null || args.argc < 2) return spec;
  return spec.subcommands.find(args.buffer, args.starts[1], args.ends[1]) ?? spec;
}

/**
 * Writes the positions of all keys of a command with a valid arity to `into`, in the order of the arguments.
 * @returns how many keys, or KEYS_INVALID where the arguments make no sense (a number of keys that are not there)
 */
export function findKeys(spec: CommandSpec, args: CommandArguments, into: KeyPositions): number {
  into.clear();
  if (spec.movableKeys) {
    const { keysBy } = spec.declaration;
    return keysBy === undefined ? findKeysBySpecs(spec.keyLayout.specs, args, into) : keysBy(args, into);
  }
  if (spec.firstKey === 0) return 0;
  const last = spec.lastKey < 0 ? args.argc + spec.lastKey : spec.lastKey;
  if (last >= args.argc) return KEYS_INVALID;
  const lastSpec = spec.keyLayout.specs.length - 1;
  for (let at = spec.firstKey, i = 0; at <= last; at += spec.keyStep, i++) into.add(at, i < lastSpec ? i : lastSpec);
  return into.count;
}

/** Compiles families to the table that the server and the gateway ask. */
export function compile(families: readonly Family[]): CommandTable {
  const roots: CommandSpec[] = [];
  let id = 0;
  for (const { name: family, commands, containers } of families) {
    const names = Object.keys(commands);
    const containerOf = (name: string): string => name.slice(0, name.indexOf(' '));
    const subcommandsOf = (word: string): CommandTable | null => {
      const own = names.filter((name) => name.includes(' ') && containerOf(name) === word);
      if (own.length === 0) return null;
      return new CommandTable(own.map((name) => new CommandSpec(id++, name, commands[name], family, null, null)));
    };
    for (const name of names) {
      if (name.includes(' ')) {
        const word = containerOf(name);
        assert(word in commands || word in containers, `"${name}" is declared without "${word}"`);
      } else {
        roots.push(new CommandSpec(id++, name, commands[name], family, subcommandsOf(name), null));
      }
    }
    for (const [name, container] of Object.entries(containers)) {
      const declaration: Declaration = {
        usage: '',
        flags: container.flags ?? '',
        reply: 'nothing',
        does: container.does,
        since: container.since,
        cost: 'that of the subcommand',
        arity: -2,
        categories: '',
      };
      const subcommands = subcommandsOf(name);
      assert(subcommands !== null, `the container "${name}" is empty`);
      roots.push(new CommandSpec(id++, name, declaration, family, subcommands, container));
    }
  }
  return new CommandTable(roots);
}

/** Arguments that a command may name, at so much for each, and still be brief. */
const BRIEF_NAMES_MAX = 16;

/** What follows for `briefArgcMax` from how a command's cost grows. Commands that remove take a count as third argument. */
function briefArgcMaxOf(cost: string): number {
  if (cost === 'O(1)' || cost.startsWith('O(log(N)),')) return Infinity;
  if (/ = \w+ named\b(?! and)/.test(cost)) return BRIEF_NAMES_MAX;
  return / = \w+ removed\b/.test(cost) ? 2 : 0;
}
