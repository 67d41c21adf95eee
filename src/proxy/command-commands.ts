/**
 * COMMAND, and HELP of every command that has subcommands: told from the table of declarations.
 *
 * What a list shows is what passes through this proxy; who asks about a command by name is told about any.
 */
import { ascii, globMatch } from '../base';
import {
  categoryBit,
  commandDocs,
  commandInfo,
  commands,
  findKeys,
  KEYS_INVALID,
  KeyPositions,
  replyName,
  resolve,
  type CommandArguments,
  type CommandSpec,
  type ReplyTree,
} from '../commands';
import type { ReplyWriter } from '../resp';
import { INVALID_KEYS } from './error-replies';
import type { LocalCall, LocalCommand } from './local-call';

const BAD_COMMAND = 'ERR Invalid command specified';
const NO_KEY_ARGUMENTS = 'ERR The command has no key arguments';
const BAD_ARGUMENT_COUNT = 'ERR Invalid number of arguments specified for command';

/** Where the words of the command that GETKEYS is asked about begin. */
const ASKED_AT = 2;

export const commandCommands: Readonly<Record<string, LocalCommand>> = {
  COMMAND: describeAll,

  'COMMAND COUNT'(call) {
    call.reply.integer(offered(call).length);
  },

  'COMMAND DOCS'(call) {
    const asked = call.argc === 2 ? offered(call) : named(call).filter((spec) => spec !== undefined);
    call.reply.map(asked.length);
    for (const spec of asked) {
      call.reply.text(replyName(spec));
      writeTree(call.reply, commandDocs(spec));
    }
  },

  'COMMAND GETKEYS'(call) {
    const keys = new KeyPositions();
    const error = findAskedKeys(call, keys);
    if (error !== null) return call.reply.error(error);
    call.reply.array(keys.count);
    for (let i = 0; i < keys.count; i++) call.reply.bulk(call.arg(ASKED_AT + keys.positions[i]));
  },

  'COMMAND HELP': containerHelp,

  'COMMAND INFO'(call) {
    if (call.argc === 2) return describeAll(call);
    const asked = named(call);
    call.reply.array(asked.length);
    for (const spec of asked) writeTree(call.reply, spec === undefined ? null : commandInfo(spec));
  },

  'COMMAND LIST'(call) {
    const isListed = listFilter(call);
    if (isListed === null) return call.syntaxError();
    const listed = offered(call).filter(isListed);
    call.reply.array(listed.length);
    for (const spec of listed) call.reply.text(replyName(spec));
  },
};

/** HELP in Redis' form: a line per subcommand, what it does below it, HELP itself last. */
export function containerHelp({ reply, node, spec }: LocalCall): void {
  const [container] = spec.name.split(' ');
  const wordOf = ({ name }: CommandSpec): string => name.slice(container.length + 1);
  const subcommands = (commands.byName(container)?.subcommands?.roots ?? [])
    .filter((each) => node.route.passes(each))
    .sort((a, b) => (a === spec ? 1 : b === spec ? -1 : wordOf(a) < wordOf(b) ? -1 : 1));
  reply.array(1 + subcommands.length * 2);
  reply.simple(`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const each of subcommands) {
    reply.simple(`${wordOf(each)} ${each.declaration.usage}`.trimEnd());
    reply.simple(`    ${each.declaration.does}`);
  }
}

/** Commands that pass, and containers of some that do. */
function offered({ node }: LocalCall): CommandSpec[] {
  const passes = (spec: CommandSpec): boolean =>
    node.route.passes(spec) || (spec.subcommands?.roots.some(passes) ?? false);
  return commands.roots.filter(passes);
}

function describeAll(call: LocalCall): void {
  const specs = offered(call);
  call.reply.array(specs.length);
  for (const spec of specs) writeTree(call.reply, commandInfo(spec));
}

/** The commands that the arguments name: 'get', 'client|id'. */
function named(call: LocalCall): (CommandSpec | undefined)[] {
  return call.textsFrom(2).map((name) => (name.includes(' ') ? undefined : commands.byName(name)));
}

/** Which commands COMMAND LIST is to name; null for a syntax error. */
function listFilter(call: LocalCall): ((spec: CommandSpec) => boolean) | null {
  if (call.argc === 2) return () => true;
  if (call.argc !== 5 || !call.is(2, 'filterby')) return null;
  if (call.is(3, 'module')) return () => false;
  if (call.is(3, 'aclcat')) {
    const bit = categoryBit(call.text(4));
    return (spec) => (spec.categories & bit) !== 0;
  }
  if (!call.is(3, 'pattern')) return null;
  const { buffer, start, end } = call.arg(4);
  return (spec) => {
    const name = ascii(replyName(spec));
    return globMatch(buffer, start, end, name, 0, name.length, true);
  };
}

/** Finds the keys of the command that GETKEYS is asked about; returns the error where there are none to find. */
function findAskedKeys(call: LocalCall, keys: KeyPositions): string | null {
  const { buffer, starts, ends, argc } = call.args;
  const args: CommandArguments = {
    buffer,
    starts: starts.slice(ASKED_AT, argc),
    ends: ends.slice(ASKED_AT, argc),
    argc: argc - ASKED_AT,
  };
  const spec = resolve(commands, args);
  if (spec === null || (spec.subcommands !== null && args.argc > 1)) return BAD_COMMAND;
  if (spec.firstKey === 0 && !spec.movableKeys) return NO_KEY_ARGUMENTS;
  if (args.argc < spec.argcMin || args.argc > spec.argcMax) return BAD_ARGUMENT_COUNT;
  return findKeys(spec, args, keys) === KEYS_INVALID ? INVALID_KEYS : null;
}

function writeTree(reply: ReplyWriter, tree: ReplyTree): void {
  if (tree === null) reply.nullArray();
  else if (typeof tree === 'string') reply.text(tree);
  else if (typeof tree === 'number') reply.integer(tree);
  else if (tree.kind === 'status') reply.simple(tree.text);
  else if (tree.kind === 'map') {
    reply.map(tree.pairs.length);
    for (const pair of tree.pairs) for (const each of pair) writeTree(reply, each);
  } else {
    if (tree.kind === 'set') reply.set(tree.items.length);
    else reply.array(tree.items.length);
    for (const item of tree.items) writeTree(reply, item);
  }
}
