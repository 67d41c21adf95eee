/**
 * The language of the config server: what `redis-cli` can ask of it, as one table.
 *
 * Nothing here touches a socket, a clock or a file. `perform` reads the words of one request and answers with what
 * should happen: a value to send, an error, a change to propose, or a standing of the connection (it subscribed, it
 * acknowledged). The network part writes values and keeps connections; `ConfigAuthority` carries proposals out.
 *
 * Values are strings, integers, null and lists of them, which every RESP client can show. Numbers in answers keep the
 * order that the `does` line of the command names.
 */
import type { ClusterView, Group, MemberParts, Role } from '../slots';
import { matchWords, signatureOf, type Signature, type Typed } from './usage';
import type { ConfigCommand, ConfigState, Refusal } from './state';

/** What RESP can carry: bulk string, integer, null, array. */
export type ReplyValue = string | number | null | readonly ReplyValue[];

export type ConfigReply =
  | { readonly kind: 'value'; readonly value: ReplyValue }
  /** An error reply: text without the leading '-' and without a line end. */
  | { readonly kind: 'error'; readonly text: string }
  /** A change; when it is durable the reply is the new version as an integer. */
  | { readonly kind: 'propose'; readonly command: ConfigCommand }
  /** Push {@link viewMessage} of the current view if it is newer than `version`, and of every view from now on. */
  | { readonly kind: 'subscribe'; readonly version: number }
  /** The connection routes by that version now. No reply. */
  | { readonly kind: 'acknowledge'; readonly version: number };

/** A connection that follows the view. */
export interface Follower {
  /** As STATUS shows it. */
  readonly name: string;
  /** The version that it acknowledged last; -1 before the first. */
  readonly version: number;
}

interface Declaration {
  readonly usage: string;
  readonly does: string;
  readonly run: (call: Call) => ConfigReply;
}

interface Call extends Typed {
  readonly state: ConfigState;
  readonly followers: Iterable<Follower>;
}

/** How many events are shown to who names no number. */
const EVENTS_SHOWN = 20;
const ERROR_CHARS_MAX = 256;

/** The table. Two words name a command, or one. */
const DECLARATIONS: Readonly<Record<string, Declaration>> = {
  'VIEW GET': {
    usage: '',
    does: 'The current view as JSON.',
    run: ({ state }) => value(JSON.stringify(state.view)),
  },
  'VIEW SUBSCRIBE': {
    usage: 'version',
    does: 'Sends [view, version, JSON] now if the view is newer than the version (-1: in any case), and at every change.',
    run: ({ args }) => withInteger(args[0], -1, (version) => ({ kind: 'subscribe', version })),
  },
  'VIEW ACK': {
    usage: 'version',
    does: 'Says that the sender routes by this version now. Has no reply.',
    run: ({ args }) => withInteger(args[0], 0, (version) => ({ kind: 'acknowledge', version })),
  },
  'GROUP CREATE': {
    usage: 'id',
    does: 'Makes an empty group. Changes are answered with the new version.',
    run: ({ args }) => withInteger(args[0], 0, (group) => propose({ does: 'create-group', group })),
  },
  'GROUP DELETE': {
    usage: 'id',
    does: 'Deletes a group that owns no slots.',
    run: ({ args }) => withInteger(args[0], 0, (group) => propose({ does: 'delete-group', group })),
  },
  'GROUP ADD': {
    usage: 'id host port [ZONE zone] [ROLE master|replica]',
    does: 'Adds a server. Without a role, the first of a group is its master and the others are replicas.',
    run: addMember,
  },
  'GROUP REMOVE': {
    usage: 'id host:port',
    does: 'Removes a server; the master goes last, and not while the group owns slots.',
    run: ({ args }) => withInteger(args[0], 0, (group) => propose({ does: 'remove-member', group, memberId: args[1] })),
  },
  'GROUP LIST': {
    usage: '',
    does: 'For each group: id, epoch, number of slots, [address, role, zone] of each member.',
    run: ({ state }) => value(state.view.groups.map((group) => describeGroup(state.view, group))),
  },
  'SLOTS ASSIGN': {
    usage: 'from-to group [FORCE]',
    does: 'Gives slots to a group. Moves no data, so slots of another group are only given away with FORCE.',
    run: assignSlots,
  },
  'SLOTS SPREAD': {
    usage: 'group [group ...] [FORCE]',
    does: 'Gives all slots to the groups, in equal ranges. Moves no data either.',
    run: spreadSlots,
  },
  'SLOTS LIST': {
    usage: '',
    does: 'For each range of slots: first, last, group. Slots without an owner are left out.',
    run: ({ state }) => value(state.view.ranges()),
  },
  EVENTS: {
    usage: '[count]',
    does: `The last changes (${EVENTS_SHOWN}), newest first: version, Unix time in milliseconds, who, what.`,
    run: ({ state, args }) => withInteger(args[0] ?? String(EVENTS_SHOWN), 0, (count) => listEvents(state, count)),
  },
  STATUS: {
    usage: '',
    does: 'Names and values: version, groups, members, slots that have an owner, [name, version] of each follower.',
    run: describeStatus,
  },
  HELP: {
    usage: '',
    does: 'This.',
    run: () => value(Object.entries(DECLARATIONS).map(([name, { usage, does }]) => [`${name} ${usage}`.trim(), does])),
  },
};

const SIGNATURES: ReadonlyMap<string, Signature> = new Map(
  Object.entries(DECLARATIONS).map(([name, { usage }]) => [name, signatureOf(usage)]),
);

/**
 * What one request asks for. Never throws; what is not understood is an error reply.
 * @param words the arguments of the request, the name of the command first
 * @param followers who STATUS names
 */
export function perform(state: ConfigState, words: readonly string[], followers: Iterable<Follower> = []): ConfigReply {
  const nameLength = SIGNATURES.has(nameOf(words, 2)) ? 2 : 1;
  const name = nameOf(words, nameLength);
  const signature = SIGNATURES.get(name);
  if (signature === undefined)
    return error(`ERR unknown command '${printable(words.slice(0, 2).join(' '))}', try HELP`);
  const typed = matchWords(words.slice(nameLength), signature);
  const { usage, run } = DECLARATIONS[name];
  if (typed === null) return error(`ERR syntax error, usage: ${name} ${usage}`.trimEnd());
  return run({ ...typed, state, followers });
}

/** The error reply for a proposal that was refused. */
export function refusalText({ code, message }: Refusal): string {
  return `${code} ${printable(message)}`;
}

/** What a subscriber is sent: an array in RESP2, a push in RESP3. */
export function viewMessage(view: ClusterView): ReplyValue {
  return ['view', view.version, JSON.stringify(view)];
}

function addMember({ state, args, options }: Call): ConfigReply {
  const [id, host, portText] = args;
  return withInteger(id, 0, (group) =>
    withInteger(portText, 1, (port) => {
      const isFirst = (state.view.group(group)?.members.length ?? 0) === 0;
      // Which words are roles, and what a host and a zone may look like, is for the view to say.
      const role = (options.get('ROLE')?.toLowerCase() ?? (isFirst ? 'master' : 'replica')) as Role;
      const member: MemberParts = { host, port, zone: options.get('ZONE') ?? '', role };
      return propose({ does: 'add-member', group, member });
    }),
  );
}

function assignSlots({ args, options }: Call): ConfigReply {
  const range = /^([0-9]{1,4})(?:-([0-9]{1,4}))?$/.exec(args[0]);
  if (range === null) return error('ERR slots are written as one number or as from-to');
  const from = Number(range[1]);
  const to = Number(range[2] ?? range[1]);
  const force = options.has('FORCE');
  return withInteger(args[1], 0, (group) => propose({ does: 'assign-slots', from, to, group, force }));
}

function spreadSlots({ args, options }: Call): ConfigReply {
  const groups: number[] = [];
  for (const text of args) {
    const group = integer(text);
    if (!(group >= 0)) return notAnInteger();
    groups.push(group);
  }
  return propose({ does: 'spread-slots', groups, force: options.has('FORCE') });
}

function listEvents({ events }: ConfigState, count: number): ConfigReply {
  const last = count === 0 ? [] : events.slice(-count).reverse();
  return value(last.map(({ version, atMs, by, text }) => [version, atMs, by, text]));
}

function describeGroup(view: ClusterView, group: Group): ReplyValue {
  const members = group.members.map(({ id, role, zone }) => [id, role, zone]);
  return [group.id, group.epoch, view.slotsOf(group.id).length, members];
}

function describeStatus({ state: { view }, followers }: Call): ConfigReply {
  let memberCount = 0;
  let slotCount = 0;
  for (const group of view.groups) memberCount += group.members.length;
  for (const [from, to] of view.ranges()) slotCount += to - from + 1;
  const following = Array.from(followers, ({ name, version }) => [name, version]);
  const figures = { version: view.version, groups: view.groups.length, members: memberCount, slots: slotCount };
  return value([...Object.entries(figures).flat(), 'followers', following]);
}

function nameOf(words: readonly string[], length: number): string {
  return words.slice(0, length).join(' ').toUpperCase();
}

/** Text that may hold a client's words, fit for an error line: printable ASCII of bounded length. */
function printable(text: string): string {
  return text.slice(0, ERROR_CHARS_MAX).replaceAll(/[^ -~]/g, '.');
}

function withInteger(text: string, least: number, then: (value: number) => ConfigReply): ConfigReply {
  const number = integer(text);
  return number >= least ? then(number) : notAnInteger();
}

function integer(text: string): number {
  return /^(0|-?[1-9][0-9]{0,14})$/.test(text) ? Number(text) : NaN;
}

function notAnInteger(): ConfigReply {
  return error('ERR value is not an integer or out of range');
}

function value(value: ReplyValue): ConfigReply {
  return { kind: 'value', value };
}

function error(text: string): ConfigReply {
  return { kind: 'error', text };
}

function propose(command: ConfigCommand): ConfigReply {
  return { kind: 'propose', command };
}
