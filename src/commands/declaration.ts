/**
 * Declarations: what is said about a command, once; everything else in this room is derived from it.
 *
 * `usage` is the heart: arity, the argument tree of COMMAND DOCS and the positions of the keys follow from it (see
 * grammar.ts and keys.ts). A family is a set of declarations with one name; the names of its commands are part of its
 * type, so that `Handlers<typeof family, Handler>` lacks nothing: a declared command without a handler does not compile.
 *
 * A subcommand is an entry whose name has a blank ('CLIENT ID'). The word before the blank is a container, and is
 * declared among the family's containers, unless it also does something alone (COMMAND): then it is a command like
 * any other. Facts (arity, flags, since) are those of Redis 7.2; the sentences are our own.
 */
import type { CommandArguments, KeyPositions } from './keys';

export type FamilyName =
  | 'string'
  | 'hash'
  | 'list'
  | 'set'
  | 'sorted-set'
  | 'stream'
  | 'geo'
  | 'hyperloglog'
  | 'bitmap'
  | 'generic'
  | 'connection'
  | 'server'
  | 'transactions';

/** What a write leaves in the journal: its own bytes, another command that a handler chooses, or nothing. */
export type Effect = 'verbatim' | 'rewritten' | 'never';

/** How a gateway spreads a command over groups: one part per key (or group of arguments of a key), or one per group. */
export type Fanout = 'by key' | 'all groups';

/** How the replies of a spread command become one: element by element, added up, OK if all are OK, or appended. */
export type Merge = 'in order' | 'sum' | 'all ok' | 'concatenate';

export type ArgumentType = 'string' | 'integer' | 'double' | 'key' | 'pattern' | 'unix-time';

export interface Declaration {
  /** What follows the name: see grammar.ts. */
  readonly usage: string;
  /** Redis' command flags, separated by blanks. */
  readonly flags: string;
  /**
   * What happens to the keys, in the words of Redis' key specs: ro | rw | ow | rm, then access, update, insert, delete,
   * variable. One set for all keys, or one per key argument, separated by semicolons.
   */
  readonly keys?: string;
  /** What a given call does to its keys, in the words of `keys`, where that is `variable`: depends on the arguments. */
  readonly keysOf?: (args: CommandArguments) => string;
  /**
   * What it replies: alternatives separated by `|`. Words in capitals are that simple string, `status` is any; bulk,
   * verbatim, integer, double, null, map, set (of bulks), any; `x[]` is an array; `nothing` is silence.
   */
  readonly reply: string;
  /** One sentence. */
  readonly does: string;
  /** Version of Redis that had it first. */
  readonly since: string;
  /** Time, in O notation; exactly "O(1)" where no input makes it slower. */
  readonly cost: string;
  /** What later versions added. */
  readonly history?: Readonly<Record<string, string>>;
  /** For what is still understood and no longer advised. */
  readonly deprecated?: { readonly since: string; readonly instead: string };
  /** Default: verbatim for writes, never for the rest. */
  readonly effect?: Effect;
  readonly fanout?: Fanout;
  readonly merge?: Merge;
  /** Tips of COMMAND INFO that do not follow from fanout and merge. */
  readonly tips?: string;
  /** Overrides the family's ACL category; those that follow from flags are added in any case. */
  readonly categories?: string;
  /** Overrides the arity that follows from the usage. */
  readonly arity?: number;
  /** Types of words in the usage that the dictionary of the grammar does not know or knows otherwise. */
  readonly types?: Readonly<Record<string, ArgumentType>>;
  /**
   * Finds the keys where no key spec can: writes them to `into`, returns how many, or -1 for invalid arguments. The
   * specs that follow from the usage still say what is done to the keys; those after a token are of unknown place.
   */
  readonly keysBy?: (args: CommandArguments, into: KeyPositions) => number;
  /** With `keysBy`: specs name the places after tokens nevertheless, because Redis' do, though they may be wrong there. */
  readonly tellsKeyPlaces?: true;
}

/** A word that does nothing without a subcommand. */
export interface Container {
  readonly does: string;
  readonly since: string;
  readonly flags?: string;
  /** COMMAND does not show its subcommands (Redis parses them by hand in one function: DEBUG). */
  readonly hidesSubcommands?: true;
}

export interface Family<Name extends string = string> {
  readonly name: FamilyName;
  readonly commands: Readonly<Record<Name, Declaration>>;
  readonly containers: Readonly<Record<string, Container>>;
}

/** A function for each command of a family: `Handlers<typeof string, Handler>`. */
export type Handlers<F extends Family, Handler> =
  F extends Family<infer Name> ? { readonly [command in Name]: Handler } : never;

/** Declares a family; `containers` has an entry for each word that needs a subcommand. */
export function family<Name extends string>(
  name: FamilyName,
  commands: Readonly<Record<Name, Declaration>>,
  containers: Readonly<Record<string, Container>> = {},
): Family<Name> {
  return { name, commands, containers };
}
