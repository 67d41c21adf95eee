/**
 * The settings of the proxy. Where Redis has one of the same meaning it has Redis' name, default and bounds.
 *
 * Who the servers are comes from the config servers (`config-servers`), which push every change; or, for tests, benches
 * and clusters that never change, from `group` lines: `group 1 10.0.0.1:6379 10.0.0.2:6379` is group 1 with its master
 * and a replica, and the slots are spread evenly over the groups in the order of the lines.
 */
import { integer, memory, oneOf, Refusal, Settings, text, yesNo, type Setting, type Traits } from '../base';
import { addressOf, clientSettings, doorwaySettings } from '../net';
import { ClusterView, spread, type GroupParts } from '../slots';
import { followerSettings, isAddress } from '../views';

const MEBIBYTE = 1024 * 1024;

/** A group in the static view: its number, and `host:port` of its members, the master first. */
export interface StaticGroup {
  readonly id: number;
  readonly members: readonly string[];
}

export const PROXY_SETTINGS = {
  ...doorwaySettings(6380),
  ...clientSettings(),
  'client-output-limit': memory(256 * MEBIBYTE, {
    min: MEBIBYTE,
    does: 'Bytes of replies that may wait for a client before it is closed.',
  }),
  databases: integer(16, {
    min: 1,
    immutable: true,
    does: 'How many databases the servers have; one that has fewer is not used.',
  }),
  ...followerSettings(),
  announce: text('', {
    immutable: true,
    check: (address) => (address === '' || isAddress(address) ? null : 'argument must be host:port'),
    does: 'The host:port by which the config servers know this proxy; empty for its own side of the connection and `port`.',
  }),
  group: staticGroups({
    immutable: true,
    does: 'A group of servers that never changes: its number, then host:port of its master and replicas.',
  }),
  zone: text('', { immutable: true, does: 'Where this proxy stands.' }),
  'server-username': text('', { does: 'User to authenticate as at the servers; empty for the default user.' }),
  'server-password': text('', { sensitive: true, does: 'Password for the servers; empty for none.' }),
  'server-timeout': integer(5000, {
    does: 'Milliseconds of silence after which a server that owes replies is given up; 0 for never.',
  }),
  'in-flight-max': integer(1_000_000, {
    min: 1,
    does: 'How many replies one server connection may owe before further commands for it are refused.',
  }),
  'hold-timeout': integer(5000, {
    min: 1,
    does: 'Milliseconds that a command waits for a server that is not ready for commands, before it is refused.',
  }),
  'hold-bytes': memory(64 * MEBIBYTE, {
    does: 'Bytes of commands that may wait so, of all clients; further ones are refused.',
  }),
  'hold-when-broken': yesNo(true, {
    does: 'Whether commands for a server that cannot be reached wait for a new view, where config servers are followed.',
  }),
  loglevel: oneOf('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing'], {
    does: 'Least level that is logged.',
  }),
  dir: text('.', { immutable: true, does: 'Directory that files are relative to.' }),
  logfile: text('', { immutable: true, does: 'File that the log goes to; empty for standard output.' }),
};

export type ProxySettings = Settings<typeof PROXY_SETTINGS>;

/** Settings of a proxy, all at their defaults. */
export function proxySettings(): ProxySettings {
  return new Settings(PROXY_SETTINGS);
}

/** The view that `group` lines describe; null where there are none. @throws CacheError BAD_VIEW */
export function staticView(groups: readonly StaticGroup[], zone: string): ClusterView | null {
  if (groups.length === 0) return null;
  const parts = groups.map(({ id, members }): GroupParts => ({
    id,
    epoch: 1,
    members: members.map((address, i) => ({
      ...addressOf(address),
      zone,
      role: i === 0 ? ('master' as const) : ('replica' as const),
    })),
  }));
  return new ClusterView({ version: 1, groups: parts, slots: spread(groups.map(({ id }) => id)) });
}

/** Lines add up; each is one group or several: numbers begin a group, addresses follow. */
function staticGroups(traits: Traits): Setting<readonly StaticGroup[]> {
  const line = ({ id, members }: StaticGroup): string => `${id} ${members.join(' ')}`;
  const format = (groups: readonly StaticGroup[]): string => groups.map(line).join(' ');
  return {
    initial: [],
    traits,
    takesWords: true,
    parse: (given, before, repeated) => {
      const groups: { id: number; members: string[] }[] = [];
      for (const word of given.flatMap((text) => text.split(' ').filter((part) => part !== ''))) {
        const last = groups.at(-1);
        if (/^\d{1,4}$/.test(word)) groups.push({ id: Number(word), members: [] });
        else if (last !== undefined && isAddress(word)) last.members.push(word);
        else return new Refusal('argument must be the number of a group and then host:port of its members');
      }
      if (groups.some(({ members }) => members.length === 0)) return new Refusal('a group needs a master');
      return repeated ? [...before, ...groups] : groups;
    },
    format,
    lines: (groups) => groups.map((group) => ({ words: line(group), forced: true })),
  };
}
