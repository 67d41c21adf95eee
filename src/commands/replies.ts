/**
 * Replies of COMMAND INFO and COMMAND DOCS, derived from the table as plain trees.
 *
 * These replies are rare, and deep; so they are built, not streamed, and whoever writes RESP walks the tree. The shapes
 * are those of Redis 7.2: sets and maps stay sets and maps in RESP3 and become arrays in RESP2; names are in small
 * letters, with a bar between container and subcommand.
 */
import { flagNames, categoryNames, wordsOf } from './flags';
import type { Argument } from './grammar';
import { keyFlagsOf, type CommandArguments, type KeySpec } from './keys';
import type { CommandSpec } from './table';

/** A reply as data. Strings are bulk strings, numbers are integers. */
export type ReplyTree =
  | string
  | number
  | null
  | { readonly kind: 'status'; readonly text: string }
  | { readonly kind: 'array' | 'set'; readonly items: readonly ReplyTree[] }
  | { readonly kind: 'map'; readonly pairs: readonly ReplyPair[] };

export type ReplyPair = readonly [ReplyTree, ReplyTree];

/** 'get', 'client|id': the name as replies and error texts have it. */
export function replyName(spec: CommandSpec): string {
  return spec.name.toLowerCase().replace(' ', '|');
}

/** The entry of COMMAND INFO: ten elements; the last is an array that is a set when empty. (Redis documentation, COMMAND.) */
export function commandInfo(spec: CommandSpec): ReplyTree {
  const subcommands = shownSubcommands(spec);
  return array([
    replyName(spec),
    spec.arity,
    statuses(flagNames(spec.flags)),
    spec.firstKey,
    spec.lastKey,
    spec.keyStep,
    statuses(categoryNames(spec.categories).map((name) => '@' + name)),
    { kind: 'set', items: tipsOf(spec) },
    { kind: 'set', items: spec.keyLayout.specs.map(keySpecReply) },
    subcommands.length === 0 ? { kind: 'set', items: [] } : array(subcommands.map(commandInfo)),
  ]);
}

/** The value of one command in the map that COMMAND DOCS replies. */
export function commandDocs(spec: CommandSpec): ReplyTree {
  const { does, since, cost, history, deprecated } = spec.declaration;
  const pairs: ReplyPair[] = [
    ['summary', does],
    ['since', since],
    ['group', spec.family],
    ['complexity', cost],
  ];
  if (deprecated !== undefined) {
    pairs.push(['doc_flags', statuses(['deprecated'])]);
    pairs.push(['deprecated_since', deprecated.since], ['replaced_by', deprecated.instead]);
  }
  if (history !== undefined) {
    pairs.push(['history', { kind: 'set', items: Object.entries(history).map(array) }]);
  }
  if (spec.items.length > 0) pairs.push(['arguments', argumentsReply(spec, spec.items)]);
  const subcommands = shownSubcommands(spec);
  if (subcommands.length > 0)
    pairs.push(['subcommands', map(subcommands.map((each) => [replyName(each), commandDocs(each)]))]);
  return map(pairs);
}

/** What `args` do to the keys that key spec `spec` found, as COMMAND GETKEYSANDFLAGS replies it. */
export function keyFlags(command: CommandSpec, spec: number, args: CommandArguments): ReplyTree {
  const words = command.declaration.keysOf?.(args);
  return statuses(words === undefined ? (command.keyLayout.specs[spec]?.flags ?? []) : keyFlagsOf(words));
}

/** What COMMAND INFO calls tips: what fanout and merge mean to a gateway, and what the declaration adds. */
export function tipsOf(spec: CommandSpec): string[] {
  const tips: string[] = [];
  if (spec.fanout === 'by key') tips.push('request_policy:multi_shard');
  if (spec.fanout === 'all groups') tips.push('request_policy:all_shards');
  if (spec.merge === 'sum') tips.push('response_policy:agg_sum');
  if (spec.merge === 'all ok') tips.push('response_policy:all_succeeded');
  return tips.concat(wordsOf(spec.declaration.tips ?? ''));
}

function shownSubcommands(spec: CommandSpec): readonly CommandSpec[] {
  return spec.subcommands === null || spec.container?.hidesSubcommands === true ? [] : spec.subcommands.roots;
}

function keySpecReply({ begin, find, flags }: KeySpec): ReplyTree {
  const beginSpec: ReplyPair[] = [];
  if (begin.kind === 'index') beginSpec.push(['index', begin.index]);
  if (begin.kind === 'keyword') beginSpec.push(['keyword', begin.keyword], ['startfrom', begin.startFrom]);
  const findSpec: ReplyPair[] = [];
  if (find.kind === 'range') findSpec.push(['lastkey', find.lastKey], ['keystep', find.step], ['limit', find.limit]);
  if (find.kind === 'keynum')
    findSpec.push(['keynumidx', find.countAt], ['firstkey', find.firstKey], ['keystep', find.step]);
  const typed = (type: string, spec: ReplyPair[]): ReplyTree =>
    map([
      ['type', type],
      ['spec', map(spec)],
    ]);
  return map([
    ['flags', statuses(flags)],
    ['begin_search', typed(begin.kind, beginSpec)],
    ['find_keys', typed(find.kind, findSpec)],
  ]);
}

const ARGUMENT_TYPES = { token: 'pure-token', choice: 'oneof', block: 'block' } as const;

function argumentsReply(spec: CommandSpec, items: readonly Argument[]): ReplyTree {
  return array(
    items.map((item) => {
      const pairs: ReplyPair[] = [
        ['name', item.name],
        ['type', item.kind === 'value' ? item.type : ARGUMENT_TYPES[item.kind]],
      ];
      const keySpec = spec.keyLayout.specOf.get(item);
      if (keySpec !== undefined) pairs.push(['key_spec_index', keySpec]);
      if (item.token !== null) pairs.push(['token', item.token]);
      const flags: string[] = [];
      if (item.optional) flags.push('optional');
      if (item.repeated) flags.push('multiple');
      if (item.repeatsToken) flags.push('multiple_token');
      if (flags.length > 0) pairs.push(['flags', statuses(flags)]);
      if (item.parts.length > 0) pairs.push(['arguments', argumentsReply(spec, item.parts)]);
      return map(pairs);
    }),
  );
}

function array(items: readonly ReplyTree[]): ReplyTree {
  return { kind: 'array', items };
}

function map(pairs: readonly ReplyPair[]): ReplyTree {
  return { kind: 'map', pairs };
}

function statuses(words: readonly string[]): ReplyTree {
  return { kind: 'set', items: words.map((text) => ({ kind: 'status', text })) };
}
