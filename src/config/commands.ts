/**
 * The language of the config server: what `redis-cli`, `cachectl`, proxies and servers can ask of it, as one table.
 *
 * Nothing here touches a socket, a clock or a file. `perform` reads the words of one request and answers with what should happen: a value to
 * send, an error, a change to propose, an operation that takes more than one deed, or a standing of the connection (it subscribed,
 * it acknowledged). Who carries that out is elsewhere: control-plane.ts, operations.ts, config-session.ts.
 *
 * Values are strings, integers, null, lists, and maps by name, which RESP3 shows as maps and RESP2 as lists of names and values in turn.
 */
import type { ClusterView, Engine, MemberParts, Role } from '../slots';
import { error, operate, printable, propose, value, type ConfigReply } from './config-reply';
import {
  describeConfigs,
  describeFailovers,
  describeGroups,
  describeNodes,
  describeProxies,
  describeReports,
  describeStatus,
} from './descriptions';
import type { ClusterSettings } from './records';
import { NO_SCENE, type ReplyValue, type Scene } from './scene';
import type { ConfigState } from './state';
import { ALL_GROUPS, type ConfigEvent } from './state-parts';
import { matchWords, signatureOf, type Signature, type Typed } from './usage';

/**
 * Where a command is carried out: `here` by whoever is asked, as it is about the connection, or the same everywhere; by the `leader` after
 * a quorum has confirmed that it is one.
 */
export type Place = 'here' | 'leader';

interface Declaration {
  readonly usage: string;
  readonly does: string;
  /** `leader` unless said. */
  readonly place?: Place;
  /** Nothing changes: it may be done twice. */
  readonly isRead?: boolean;
  /** Milliseconds in which it must be answered; {@link PATIENCE_MS} unless said. */
  readonly patienceMs?: number;
  readonly run: (call: Call) => ConfigReply;
}

interface Call extends Typed {
  readonly state: ConfigState;
  readonly scene: Scene;
}

/** How long a request is tried, through changes of leader, ms. */
const PATIENCE_MS = 3000;
/** The same for what awaits an end, ms. */
const LONG_PATIENCE_MS = 60_000;
/** A renewal that takes longer is better asked of another config server, ms. */
const LEASE_PATIENCE_MS = 250;
/** How many events and reports are shown to who names no number. */
const EVENTS_SHOWN = 20;
const REPORTS_SHOWN = 10;

/** The table. Two words name a command, or one. */
const DECLARATIONS: Readonly<Record<string, Declaration>> = {
  'VIEW GET': {
    usage: '',
    does: 'The current view as JSON.',
    isRead: true,
    run: ({ state }) => value(viewText(state.view)),
  },
  'VIEW SUBSCRIBE': {
    usage: 'version',
    does: 'Sends [view, version, JSON] now if the view is newer than the version (-1: in any case), and at every change.',
    place: 'here',
    run: ({ args }) => withInteger(args[0], -1, (version) => ({ kind: 'subscribe', version })),
  },
  'VIEW ACK': {
    usage: 'version',
    does: 'Says that the sender routes by this version now. Has no reply.',
    place: 'here',
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
    usage: 'id host port [ZONE zone] [ROLE master|replica] [ENGINE slotcache|redis] [FORCE] [NOCHECK]',
    does:
      'Adds a server, having asked it what it is. Without a role, the first of a group is its master and the others are replicas. ' +
      'FORCE: although its data will be replaced. NOCHECK: without asking it.',
    run: addMember,
  },
  'GROUP REMOVE': {
    usage: 'id host:port',
    does: 'Removes a server; the master goes last, and not while the group owns slots.',
    run: ({ args }) => withInteger(args[0], 0, (group) => propose({ does: 'remove-member', group, memberId: args[1] })),
  },
  'GROUP LIST': {
    usage: '',
    does: 'All groups: id, engine, state, epoch, number of slots, members.',
    isRead: true,
    run: ({ state }) => value(describeGroups(state)),
  },
  'GROUP SWITCH': {
    usage: 'id [TO host:port]',
    does: 'Changes the master of a group that is well, and loses nothing. Answered when it is over.',
    patienceMs: LONG_PATIENCE_MS,
    run: (call) => changeMaster(call, 'planned'),
  },
  'GROUP FAILOVER': {
    usage: 'id [TO host:port] [FORCE]',
    does: 'Changes the master of a group whether or not it lives; may lose what no replica has. Answered when it is over.',
    patienceMs: LONG_PATIENCE_MS,
    run: (call) => changeMaster(call, 'forced'),
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
    does: 'Ranges of slots: from, to, group. Slots without an owner are left out.',
    isRead: true,
    run: ({ state }) => value(state.view.ranges().map(([from, to, group]) => ({ from, to, group }))),
  },
  'NODE LIST': {
    usage: '',
    does: 'All servers, and their health as the leader sees it.',
    isRead: true,
    run: ({ state, scene }) => value(describeNodes(state, scene)),
  },
  'PROXY REGISTER': {
    usage: 'run-id host:port [ZONE zone]',
    does: 'Makes a proxy known, so that it gets leases. The same again changes nothing.',
    run: registerProxy,
  },
  'PROXY DEREGISTER': {
    usage: 'host:port',
    does: 'Forgets a proxy, which must not serve any more.',
    run: ({ args }) => propose({ does: 'deregister-proxy', address: args[0] }),
  },
  'PROXY LIST': {
    usage: '',
    does: 'All proxies, with their leases and the versions by which they route.',
    isRead: true,
    run: ({ state, scene }) => value(describeProxies(state, scene)),
  },
  'LEASE RENEW': {
    usage: 'PROXY|SERVER run-id version',
    does: 'Asks for the right to go on. For proxies: [lease ms, version]; for servers also what they are to be.',
    isRead: true,
    patienceMs: LEASE_PATIENCE_MS,
    run: renewLease,
  },
  'FAILOVER PAUSE': {
    usage: '[group]',
    does: 'No master is replaced automatically from now on, of one group or of all.',
    run: ({ args }) => withGroup(args[0], (group) => propose({ does: 'pause-failover', group })),
  },
  'FAILOVER RESUME': {
    usage: '[group]',
    does: 'Masters are replaced automatically again.',
    run: ({ args }) => withGroup(args[0], (group) => propose({ does: 'resume-failover', group })),
  },
  'FAILOVER LIST': {
    usage: '',
    does: 'Changes of master that are under way.',
    isRead: true,
    run: ({ state, scene }) => value(describeFailovers(state, scene)),
  },
  'FAILOVER REPORTS': {
    usage: '[count]',
    does: `What the last changes of master (${REPORTS_SHOWN}) were like, newest first.`,
    isRead: true,
    run: ({ state, args }) =>
      withInteger(args[0] ?? String(REPORTS_SHOWN), 0, (count) => value(describeReports(lastOf(state.reports, count)))),
  },
  'EVENTS SUBSCRIBE': {
    usage: '',
    does: 'Sends [event, its description] at every change from now on.',
    place: 'here',
    run: () => ({ kind: 'subscribe-events' }),
  },
  EVENTS: {
    usage: '[count]',
    does: `The last changes (${EVENTS_SHOWN}), newest first: version, Unix time in milliseconds, who, what.`,
    isRead: true,
    run: ({ state, args }) =>
      withInteger(args[0] ?? String(EVENTS_SHOWN), 0, (count) => value(lastOf(state.events, count).map(describeEvent))),
  },
  SET: {
    usage: 'name value',
    does: 'Changes a setting of the cluster.',
    run: ({ args }) =>
      // Which names there are is for the state to say.
      withInteger(args[1], 0, (number) =>
        propose({ does: 'set', name: args[0].toLowerCase() as keyof ClusterSettings, value: number }),
      ),
  },
  SETTINGS: {
    usage: '',
    does: 'The settings of the cluster.',
    isRead: true,
    run: ({ state }) => value({ ...state.settings }),
  },
  'CONFIG ADD': {
    usage: 'id peer-host:port host:port [ZONE zone]',
    does: 'Adds a config server that was started with `join yes`: it learns the log, then it votes. Answered when it does.',
    patienceMs: LONG_PATIENCE_MS,
    run: ({ args: [id, peerAddress, address], options }) =>
      withInteger(id, 1, (number) =>
        operate({
          does: 'add-config',
          member: { id: number, peerAddress, address, zone: options.get('ZONE') ?? '', incarnation: '' },
        }),
      ),
  },
  'CONFIG REMOVE': {
    usage: 'id',
    does: 'Removes a config server; one that leads gives its place away before.',
    patienceMs: LONG_PATIENCE_MS,
    run: ({ args }) => withInteger(args[0], 1, (id) => operate({ does: 'remove-config', id })),
  },
  'CONFIG LIST': {
    usage: '',
    does: 'The config servers: addresses, zones, who votes, who leads.',
    isRead: true,
    run: ({ state, scene }) => value(describeConfigs(state, scene)),
  },
  'CONFIG LEADER': {
    usage: 'id',
    does: 'Lets that config server lead.',
    run: ({ args }) => withInteger(args[0], 1, (id) => operate({ does: 'lead', id })),
  },
  ONCE: {
    usage: 'request-id command [argument ...]',
    does: 'The command, under a name of at most 64 characters: however often it is sent, it is carried out once.',
    run: () => error('ERR a request has one name'),
  },
  STATUS: {
    usage: '',
    does: 'Who leads, version, how the groups are, who follows.',
    isRead: true,
    run: ({ state, scene }) => value(describeStatus(state, scene)),
  },
  HELP: {
    usage: '',
    does: 'This.',
    place: 'here',
    run: () => value(Object.entries(DECLARATIONS).map(([name, { usage, does }]) => [`${name} ${usage}`.trim(), does])),
  },
};

const SIGNATURES: ReadonlyMap<string, Signature> = new Map(
  Object.entries(DECLARATIONS).map(([name, { usage }]) => [name, signatureOf(usage)]),
);

/** How a request is to be treated. */
export interface Treatment {
  readonly place: Place;
  readonly isRead: boolean;
  readonly patienceMs: number;
}

/** How these words are to be treated; what nobody knows is answered here, with an error. */
export function treatmentOf(words: readonly string[]): Treatment {
  const name = commandOf(words);
  if (name === null) return { place: 'here', isRead: true, patienceMs: 0 };
  const { place = 'leader', isRead = false, patienceMs = PATIENCE_MS } = DECLARATIONS[name];
  return { place, isRead, patienceMs };
}

/**
 * What one request asks for. Never throws; what is not understood is an error reply.
 * @param words the arguments of the request, the name of the command first
 * @param scene what is observed, and decided by nobody
 */
export function perform(state: ConfigState, words: readonly string[], scene: Scene = NO_SCENE): ConfigReply {
  const name = commandOf(words);
  if (name === null) return error(`ERR unknown command '${printable(words.slice(0, 2).join(' '))}', try HELP`);
  const { usage, run } = DECLARATIONS[name];
  const typed = matchWords(words.slice(name.split(' ').length), SIGNATURES.get(name)!);
  if (typed === null) return error(`ERR syntax error, usage: ${name} ${usage}`.trimEnd());
  return run({ ...typed, state, scene });
}

/** What a subscriber is sent: an array in RESP2, a push in RESP3. */
export function viewMessage(view: ClusterView): readonly ReplyValue[] {
  return ['view', view.version, viewText(view)];
}

/** Views as JSON: a hundred subscribers are sent the same one in one turn. */
const viewTexts = new WeakMap<ClusterView, string>();

function viewText(view: ClusterView): string {
  const text = viewTexts.get(view) ?? JSON.stringify(view);
  viewTexts.set(view, text);
  return text;
}

/** What a subscriber to events is sent. */
export function eventMessage(event: ConfigEvent): readonly ReplyValue[] {
  return ['event', describeEvent(event)];
}

function commandOf(words: readonly string[]): string | null {
  const pair = words.slice(0, 2).join(' ').toUpperCase();
  if (words.length > 1 && SIGNATURES.has(pair)) return pair;
  const single = (words[0] ?? '').toUpperCase();
  return SIGNATURES.has(single) && !single.includes(' ') ? single : null;
}

function addMember({ state, args, options }: Call): ConfigReply {
  const [id, host, portText] = args;
  return withInteger(id, 0, (group) =>
    withInteger(portText, 1, (port) => {
      const present = state.view.group(group);
      const isFirst = (present?.members.length ?? 0) === 0;
      // Which words are roles and engines, and what a host and a zone may look like, is for the view to say.
      const role = (options.get('ROLE')?.toLowerCase() ?? (isFirst ? 'master' : 'replica')) as Role;
      const member: MemberParts = { host, port, zone: options.get('ZONE') ?? '', role };
      const engine = (options.get('ENGINE')?.toLowerCase() ?? null) as Engine | null;
      const [isForced, isChecked] = [options.has('FORCE'), !options.has('NOCHECK')];
      return operate({ does: 'add-member', group, member, engine, isForced, isChecked });
    }),
  );
}

function changeMaster({ args, options }: Call, kind: 'planned' | 'forced'): ConfigReply {
  return withInteger(args[0], 0, (group) =>
    operate({ does: 'change-master', kind, group, target: options.get('TO') ?? '' }),
  );
}

function registerProxy({ state, args: [runId, address], options }: Call): ConfigReply {
  const zone = options.get('ZONE') ?? '';
  const known = state.proxies.get(address);
  if (known?.runId === runId && known.zone === zone) return value(state.view.version);
  return propose({ does: 'register-proxy', proxy: { runId, address, zone } });
}

function renewLease({ args: [kind, runId, versionText] }: Call): ConfigReply {
  const holder = kind.toUpperCase();
  if (holder !== 'PROXY' && holder !== 'SERVER') return error('ERR leases are for a PROXY or a SERVER');
  return withInteger(versionText, -1, (version) => operate({ does: 'renew', holder, runId, version }));
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

function describeEvent({ version, atMs, by, text }: ConfigEvent): ReplyValue {
  return { version, 'at-ms': atMs, by, text };
}

/** The last ones, newest first. */
function lastOf<Item>(list: readonly Item[], count: number): Item[] {
  return count === 0 ? [] : list.slice(-count).reverse();
}

function withInteger(text: string, least: number, then: (value: number) => ConfigReply): ConfigReply {
  const number = integer(text);
  return number >= least ? then(number) : notAnInteger();
}

function withGroup(text: string | undefined, then: (group: number) => ConfigReply): ConfigReply {
  return text === undefined ? then(ALL_GROUPS) : withInteger(text, 0, then);
}

function integer(text: string): number {
  return /^(0|-?[1-9][0-9]{0,14})$/.test(text) ? Number(text) : NaN;
}

function notAnInteger(): ConfigReply {
  return error('ERR value is not an integer or out of range');
}
