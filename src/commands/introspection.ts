/**
 * COMMAND: the table of commands, told to clients. All of it is derived from the declarations.
 *
 * Lists show what this node offers (`call.offers`): a data node everything, a proxy what passes through it. Who asks about
 * a command by name is told about any.
 */
import { ascii, globMatch } from '../base';
import type { CommandCall, CommonHandler } from './call';
import { commands } from './catalogue';
import type { Handlers } from './declaration';
import { INVALID_ARGUMENTS } from './errors';
import { FLAG_NO_MANDATORY_KEYS, categoryBit } from './flags';
import { containerHelp } from './help';
import { KeyPositions, type CommandArguments } from './keys';
import { commandDocs, commandInfo, keyFlags, replyName } from './replies';
import { writeReplyTree } from './reply-tree';
import type { server } from './server';
import { findKeys, resolve, type CommandSpec } from './table';

const BAD_COMMAND = 'ERR Invalid command specified';
const NO_KEY_ARGUMENTS = 'ERR The command has no key arguments';
const BAD_ARGUMENT_COUNT = 'ERR Invalid number of arguments specified for command';

/** Where the words of the command that GETKEYS is asked about begin. */
const ASKED_AT = 2;

type ServerHandlers = Handlers<typeof server, CommonHandler>;

export const introspectionHandlers: Pick<
  ServerHandlers,
  Extract<keyof ServerHandlers, 'COMMAND' | `COMMAND ${string}`>
> = {
  COMMAND: describeAll,

  'COMMAND COUNT'(call) {
    call.reply.integer(offeredRoots(call).length);
  },

  'COMMAND DOCS'(call) {
    const asked = call.argc === 2 ? offeredRoots(call) : namedFrom(call, 2).filter((spec) => spec !== undefined);
    call.reply.map(asked.length);
    for (const spec of asked) {
      call.reply.text(replyName(spec));
      writeReplyTree(call.reply, commandDocs(spec));
    }
  },

  'COMMAND GETKEYS'(call) {
    const asked = findAsked(call);
    if (asked === null) return;
    call.reply.array(keys.count);
    for (let i = 0; i < keys.count; i++) call.reply.bulk(call.arg(ASKED_AT + keys.positions[i]));
  },

  'COMMAND GETKEYSANDFLAGS'(call) {
    const asked = findAsked(call);
    if (asked === null) return;
    call.reply.array(keys.count);
    for (let i = 0; i < keys.count; i++) {
      call.reply.array(2);
      call.reply.bulk(call.arg(ASKED_AT + keys.positions[i]));
      writeReplyTree(call.reply, keyFlags(asked.spec, keys.specs[i], asked.args));
    }
  },

  'COMMAND HELP': containerHelp,

  'COMMAND INFO'(call) {
    if (call.argc === 2) return describeAll(call);
    const asked = namedFrom(call, 2);
    call.reply.array(asked.length);
    for (const spec of asked) writeReplyTree(call.reply, spec === undefined ? null : commandInfo(spec));
  },

  'COMMAND LIST'(call) {
    const filter = listFilter(call);
    if (filter === null) return call.syntaxError();
    const listed = offeredRoots(call).flatMap(shownWith(call)).filter(filter);
    call.reply.array(listed.length);
    for (const spec of listed) call.reply.text(replyName(spec));
  },
};

/** The keys that were found last. */
const keys = new KeyPositions();

function describeAll(call: CommandCall): void {
  const specs = offeredRoots(call);
  call.reply.array(specs.length);
  for (const spec of specs) writeReplyTree(call.reply, commandInfo(spec));
}

/** Commands that are offered, and containers of some that are. */
function offeredRoots(call: CommandCall): CommandSpec[] {
  const isOffered = (spec: CommandSpec): boolean => call.offers(spec);
  return commands.roots.filter((spec) => isOffered(spec) || spec.subcommands?.roots.some(isOffered) === true);
}

/** A command with those of its subcommands that Redis would show and that are offered. */
function shownWith(call: CommandCall): (spec: CommandSpec) => CommandSpec[] {
  return (spec) =>
    spec.subcommands === null || spec.container?.hidesSubcommands === true
      ? [spec]
      : [spec, ...spec.subcommands.all.filter((each) => call.offers(each))];
}

/** The commands that the arguments from `first` on name: 'get', 'client|id'. */
function namedFrom(call: CommandCall, first: number): (CommandSpec | undefined)[] {
  const specs: (CommandSpec | undefined)[] = [];
  for (let i = first; i < call.argc; i++) {
    const name = call.arg(i).toLatin1();
    specs.push(name.includes(' ') ? undefined : commands.byName(name));
  }
  return specs;
}

/** Which commands COMMAND LIST is to name; null for a syntax error. */
function listFilter(call: CommandCall): ((spec: CommandSpec) => boolean) | null {
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

/** The command that GETKEYS is asked about, its keys in `keys`; null after the error reply. */
function findAsked(call: CommandCall): { spec: CommandSpec; args: CommandArguments } | null {
  const { buffer, starts, ends, argc } = call.args;
  const args: CommandArguments = {
    buffer,
    starts: Array.prototype.slice.call(starts, ASKED_AT, argc),
    ends: Array.prototype.slice.call(ends, ASKED_AT, argc),
    argc: argc - ASKED_AT,
  };
  const spec = resolve(commands, args);
  const error = spec === null ? BAD_COMMAND : reasonAgainst(spec, args);
  if (spec !== null && error === null) return { spec, args };
  call.reply.error(error ?? BAD_COMMAND);
  return null;
}

/** Why the keys of `args` cannot be told; null where they are now in `keys`. */
function reasonAgainst(spec: CommandSpec, args: CommandArguments): string | null {
  if (spec.subcommands !== null && args.argc > 1) return BAD_COMMAND;
  if (spec.firstKey === 0 && !spec.movableKeys) return NO_KEY_ARGUMENTS;
  if (args.argc < spec.argcMin || args.argc > spec.argcMax) return BAD_ARGUMENT_COUNT;
  const count = findKeys(spec, args, keys);
  const isEnough = count > 0 || (count === 0 && (spec.flags & FLAG_NO_MANDATORY_KEYS) !== 0);
  return isEnough ? null : INVALID_ARGUMENTS;
}
