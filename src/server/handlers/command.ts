/**
 * COMMAND: the table of commands, told to clients. All of it is derived from the declarations.
 */
import {
  categoryBit,
  commandDocs,
  commandInfo,
  commands,
  findKeys,
  KEYS_INVALID,
  keyFlags,
  KeyPositions,
  replyName,
  resolve,
  type CommandArguments,
  type CommandSpec,
  type Handlers,
  type server,
} from '../../commands';
import { ascii, globMatch } from '../../base';
import type { Call, Handler } from '../call';
import { writeReplyTree } from '../reply-tree';
import { containerHelp } from './help';

const BAD_COMMAND = 'ERR Invalid command specified';
const NO_KEY_ARGUMENTS = 'ERR The command has no key arguments';
const BAD_ARGUMENT_COUNT = 'ERR Invalid number of arguments specified for command';
const BAD_ARGUMENTS = 'ERR Invalid arguments specified for command';

/** Where the words of the command that GETKEYS is asked about begin. */
const ASKED_AT = 2;

type ServerHandlers = Handlers<typeof server, Handler>;

export const commandHandlers: Pick<ServerHandlers, Extract<keyof ServerHandlers, 'COMMAND' | `COMMAND ${string}`>> = {
  COMMAND: describeAll,

  'COMMAND COUNT'({ reply }) {
    reply.integer(commands.roots.length);
  },

  'COMMAND DOCS'(call) {
    const asked = call.argc === 2 ? commands.roots : specsFrom(call, 2).filter((spec) => spec !== undefined);
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
    const asked = specsFrom(call, 2);
    call.reply.array(asked.length);
    for (const spec of asked) writeReplyTree(call.reply, spec === undefined ? null : commandInfo(spec));
  },

  'COMMAND LIST'(call) {
    const filter = listFilter(call);
    if (filter === null) return call.syntaxError();
    const listed = shownSpecs().filter(filter);
    call.reply.array(listed.length);
    for (const spec of listed) call.reply.text(replyName(spec));
  },
};

/** The keys that were found last. */
const keys = new KeyPositions();

function describeAll({ reply }: Call): void {
  reply.array(commands.roots.length);
  for (const spec of commands.roots) writeReplyTree(reply, commandInfo(spec));
}

/** The commands that the arguments from `first` on name: 'get', 'client|id'. */
function specsFrom(call: Call, first: number): (CommandSpec | undefined)[] {
  const specs: (CommandSpec | undefined)[] = [];
  for (let i = first; i < call.argc; i++) {
    const name = call.arg(i).toLatin1();
    specs.push(name.includes(' ') ? undefined : commands.byName(name));
  }
  return specs;
}

/** Every command and subcommand that Redis would show. */
function shownSpecs(): CommandSpec[] {
  return commands.roots.flatMap((spec) =>
    spec.container?.hidesSubcommands === true ? [spec] : [spec, ...(spec.subcommands?.all ?? [])],
  );
}

/** Which commands COMMAND LIST is to name; null for a syntax error. */
function listFilter(call: Call): ((spec: CommandSpec) => boolean) | null {
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
function findAsked(call: Call): { spec: CommandSpec; args: CommandArguments } | null {
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
  return findKeys(spec, args, keys) === KEYS_INVALID ? BAD_ARGUMENTS : null;
}
