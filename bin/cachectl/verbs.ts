/**
 * The verbs of cachectl as one table: what each takes, and the words of the API that it becomes.
 *
 * The table makes the parser, the help, the completions and the calls; so a verb is stated once. Names are those of the API in the
 * order in which a shell user looks for them: the thing, then the deed. What words mean, and whether they may, is for the config
 * server to say; only what its language writes otherwise is turned here (an address into host and port).
 */

/** What the options of a verb are, by their long names; absent where not given. */
export type VerbOptions = Readonly<Record<string, string | boolean | undefined>>;

export interface Verb {
  /** One word or two. */
  readonly name: string;
  /** Arguments in the form of commander: `<needed> [optional] <several...>`. */
  readonly takes: string;
  readonly does: string;
  /** Flags in the form of commander, each with what it does. */
  readonly options?: readonly (readonly [flags: string, does: string])[];
  /** `read`: asked again anywhere. `change`: done once. `long`: a change that is awaited, with its progress. */
  readonly kind: 'read' | 'change' | 'long';
  /** The words of the API. */
  readonly words: (args: readonly string[], options: VerbOptions) => string[];
}

const FORCE = ['--force', 'although it may lose data'] as const;
const TARGET = ['--to <address>', 'the member that is to be master; the best one unless said'] as const;

export const VERBS: readonly Verb[] = [
  {
    name: 'status',
    takes: '',
    does: 'who leads, what version, and how the groups are',
    kind: 'read',
    words: () => ['STATUS'],
  },
  {
    name: 'groups list',
    takes: '',
    does: 'all groups with their members',
    kind: 'read',
    words: () => ['GROUP', 'LIST'],
  },
  {
    name: 'groups create',
    takes: '<group>',
    does: 'make an empty group',
    kind: 'change',
    words: ([group]) => ['GROUP', 'CREATE', group],
  },
  {
    name: 'groups delete',
    takes: '<group>',
    does: 'delete a group that owns no slots',
    kind: 'change',
    words: ([group]) => ['GROUP', 'DELETE', group],
  },
  {
    name: 'groups add',
    takes: '<group> <address>',
    does: 'add a server: the first of a group is its master',
    options: [
      ['--zone <zone>', 'where it stands'],
      ['--role <role>', 'master or replica'],
      ['--engine <engine>', 'slotcache or redis; what the server says unless given'],
      ['--force', 'although its data will be replaced'],
      ['--no-check', 'without asking the server what it is'],
    ],
    kind: 'change',
    words: ([group, address], { zone, role, engine, force, check }) => [
      'GROUP',
      'ADD',
      group,
      ...splitAddress(address),
      ...named('ZONE', zone),
      ...named('ROLE', role),
      ...named('ENGINE', engine),
      ...flag('FORCE', force),
      ...flag('NOCHECK', check === false),
    ],
  },
  {
    name: 'groups remove',
    takes: '<group> <address>',
    does: 'remove a server; the master goes last',
    kind: 'change',
    words: ([group, address]) => ['GROUP', 'REMOVE', group, address],
  },
  {
    name: 'groups switch',
    takes: '<group>',
    does: 'change the master of a group that is well: nothing is lost',
    options: [TARGET],
    kind: 'long',
    words: ([group], { to }) => ['GROUP', 'SWITCH', group, ...named('TO', to)],
  },
  {
    name: 'groups failover',
    takes: '<group>',
    does: 'change the master of a group whose master is lost',
    options: [TARGET, FORCE],
    kind: 'long',
    words: ([group], { to, force }) => ['GROUP', 'FAILOVER', group, ...named('TO', to), ...flag('FORCE', force)],
  },
  {
    name: 'slots list',
    takes: '',
    does: 'ranges of slots with their groups',
    kind: 'read',
    words: () => ['SLOTS', 'LIST'],
  },
  {
    name: 'slots assign',
    takes: '<range> <group>',
    does: 'give slots (17, or 0-511) to a group; moves no data',
    options: [FORCE],
    kind: 'change',
    words: ([range, group], { force }) => ['SLOTS', 'ASSIGN', range, group, ...flag('FORCE', force)],
  },
  {
    name: 'slots spread',
    takes: '<groups...>',
    does: 'give all slots to these groups in equal ranges; moves no data',
    options: [FORCE],
    kind: 'change',
    words: (groups, { force }) => ['SLOTS', 'SPREAD', ...groups, ...flag('FORCE', force)],
  },
  { name: 'nodes', takes: '', does: 'all servers and their health', kind: 'read', words: () => ['NODE', 'LIST'] },
  {
    name: 'proxies list',
    takes: '',
    does: 'all proxies and their leases',
    kind: 'read',
    words: () => ['PROXY', 'LIST'],
  },
  {
    name: 'proxies remove',
    takes: '<address>',
    does: 'forget a proxy that will not come back',
    kind: 'change',
    words: ([address]) => ['PROXY', 'DEREGISTER', address],
  },
  {
    name: 'failover list',
    takes: '',
    does: 'changes of master that are under way',
    kind: 'read',
    words: () => ['FAILOVER', 'LIST'],
  },
  {
    name: 'failover reports',
    takes: '[count]',
    does: 'what the last changes of master were like',
    kind: 'read',
    words: (args) => ['FAILOVER', 'REPORTS', ...args],
  },
  {
    name: 'failover pause',
    takes: '[group]',
    does: 'no automatic failover from now on, of one group or all',
    kind: 'change',
    words: (args) => ['FAILOVER', 'PAUSE', ...args],
  },
  {
    name: 'failover resume',
    takes: '[group]',
    does: 'automatic failover again',
    kind: 'change',
    words: (args) => ['FAILOVER', 'RESUME', ...args],
  },
  {
    name: 'events',
    takes: '[count]',
    does: 'the last changes, newest first',
    options: [['--follow', 'oldest first, and those to come until it is interrupted']],
    kind: 'read',
    words: (args) => ['EVENTS', ...args],
  },
  {
    name: 'settings get',
    takes: '[name]',
    does: 'settings of the cluster',
    kind: 'read',
    words: () => ['SETTINGS'],
  },
  {
    name: 'settings set',
    takes: '<name> <value>',
    does: 'change a setting of the cluster',
    kind: 'change',
    words: (args) => ['SET', ...args],
  },
  { name: 'configs list', takes: '', does: 'the config servers', kind: 'read', words: () => ['CONFIG', 'LIST'] },
  {
    name: 'configs add',
    takes: '<id> <peer-address> <address>',
    does: 'add a config server: it learns the log, then it votes',
    options: [['--zone <zone>', 'where it stands']],
    kind: 'long',
    words: (args, { zone }) => ['CONFIG', 'ADD', ...args, ...named('ZONE', zone)],
  },
  {
    name: 'configs remove',
    takes: '<id>',
    does: 'remove a config server',
    kind: 'change',
    words: (args) => ['CONFIG', 'REMOVE', ...args],
  },
  {
    name: 'configs leader',
    takes: '<id>',
    does: 'let that config server lead',
    kind: 'change',
    words: (args) => ['CONFIG', 'LEADER', ...args],
  },
  {
    name: 'view',
    takes: '',
    does: 'the view that proxies route by, as JSON',
    kind: 'read',
    words: () => ['VIEW', 'GET'],
  },
];

function named(name: string, value: string | boolean | undefined): string[] {
  return typeof value === 'string' ? [name, value] : [];
}

function flag(name: string, isGiven: string | boolean | undefined): string[] {
  return isGiven === true ? [name] : [];
}

/** `host:port`, `[host]:port` as host and port; what is neither goes as it is, for the config server to refuse. */
function splitAddress(address: string): string[] {
  const parts = /^(?:\[(.+)\]|(.+)):([^:]*)$/.exec(address);
  return parts === null ? [address] : [parts[1] ?? parts[2], parts[3]];
}
