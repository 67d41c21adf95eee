/**
 * What each command changes, and what it is refused for.
 *
 * The guards here are what makes "exactly one" true: a change of master begins only in a group that serves at the epoch that the
 * proposer saw, and ends only while the one of that epoch runs. So of two leaders who both believe in themselves, or of one proposal that
 * was made twice, one is carried out and the other refused, whatever their order in the log.
 */
import { CacheError, isPlanted } from '../base';
import { withEra, type Era, type Lineage } from '../failover';
import { spread, type ClusterView, type Group } from '../slots';
import {
  STREAM_CHARS_MAX,
  type ClusterSettings,
  type ConfigCommand,
  type ConfigMember,
  type FailoverReport,
  type RunningFailover,
} from './records';
import { ALL_GROUPS, REPORTS_MAX, type StateParts } from './state-parts';

type Changes = Partial<StateParts>;
type Command<Does extends ConfigCommand['does']> = Extract<ConfigCommand, { does: Does }>;

const PROXIES_MAX = 10_000;
const CONFIGS_MAX = 64;
const CONFIG_ID_MAX = 4294967295;
/** Of down-after-ms: a lease must have lapsed before a replica is promoted. */
const LEASE_SHARE_MAX = 0.8;
const BOUNDS: Readonly<Record<keyof ClusterSettings, readonly [least: number, most: number]>> = {
  'down-after-ms': [300, 600_000],
  'lease-ms': [100, 480_000],
  'lag-limit-bytes': [0, Number.MAX_SAFE_INTEGER],
  'failover-interval-ms': [0, 86_400_000],
  'failovers-at-once-percent': [1, 100],
  'switch-timeout-ms': [10, 60_000],
};

/** Names of the settings of the cluster. */
export const CLUSTER_SETTINGS = Object.keys(BOUNDS) as (keyof ClusterSettings)[];

/**
 * The parts of the state that are others after the command.
 * @param atMs milliseconds since the Unix epoch at which it was proposed
 * @throws CacheError BAD_VIEW: it cannot be; the message says why
 */
export function changedBy(state: StateParts, command: ConfigCommand, atMs: number): Changes {
  const { view } = state;
  switch (command.does) {
    case 'create-group':
      return { view: view.withGroup(command.group) };
    case 'delete-group':
      return deleteGroup(state, command.group);
    case 'add-member':
      return addMember(state, command);
    case 'remove-member':
      return {
        view: view.withoutMember(command.group, command.memberId),
        members: without(state.members, command.memberId),
      };
    case 'identify-member':
      return identifyMember(state, command);
    case 'note-stream':
      return noteStream(state, command);
    case 'assign-slots':
      return { view: view.withSlots(command.from, command.to, command.group) };
    case 'spread-slots':
      return { view: view.withRanges(spread(command.groups)) };
    case 'register-proxy':
      return registerProxy(state, command);
    case 'deregister-proxy':
      if (!state.proxies.has(command.address)) refuse(`there is no proxy ${command.address}`);
      return { proxies: without(state.proxies, command.address) };
    case 'begin-failover':
      return beginFailover(state, command);
    case 'end-failover':
      return endFailover(state, command, atMs);
    case 'abandon-failover':
      return abandonFailover(state, command, atMs);
    case 'pause-failover':
      if (command.group !== ALL_GROUPS) demand(view, command.group);
      return { paused: new Set([...state.paused, command.group]) };
    case 'resume-failover':
      if (command.group !== ALL_GROUPS) demand(view, command.group);
      return { paused: new Set([...state.paused].filter((group) => group !== command.group)) };
    case 'set':
      return { settings: settingsWith(state.settings, command.name, command.value) };
    case 'name-cluster':
      if (state.clusterId !== '') refuse(`the cluster is named ${state.clusterId}`);
      return { clusterId: command.clusterId };
    case 'add-config':
      return { configs: configsWith(state.configs, command.member) };
    case 'remove-config':
      return { configs: configsWithout(state.configs, command.id) };
  }
}

function deleteGroup(state: StateParts, group: number): Changes {
  demandCalm(state, group);
  const gone = demand(state.view, group).members.map(({ id }) => id);
  return {
    view: state.view.withoutGroup(group),
    members: without(state.members, ...gone),
    partings: without(state.partings, group),
    lineages: without(state.lineages, group),
    paused: new Set([...state.paused].filter((paused) => paused !== group)),
  };
}

function addMember(state: StateParts, { group, member, engine, runId }: Command<'add-member'>): Changes {
  const { members, engine: present } = demand(state.view, group);
  demandCalm(state, group);
  const isFirst = members.length === 0;
  if (!isFirst && engine !== present) {
    refuse(`group ${group} has members of the engine ${present}, and one of ${engine} does not go with them`);
  }
  const base = isFirst && engine !== present ? state.view.withEngine(group, engine) : state.view;
  const view = base.withMember(group, member);
  const id = `${member.host}:${member.port}`;
  const twin = runId === '' ? undefined : [...state.members.values()].find((other) => other.runId === runId);
  if (twin !== undefined) refuse(`${id} is the server that is a member as ${twin.id}`);
  return { view, members: new Map([...state.members, [id, { id, runId }]]) };
}

function identifyMember(state: StateParts, { group, memberId, runId }: Command<'identify-member'>): Changes {
  const { master, members } = demand(state.view, group);
  if (!members.some(({ id }) => id === memberId)) refuse(`${memberId} is not a member of group ${group}`);
  if (master?.id === memberId) demandCalm(state, group);
  return { members: new Map([...state.members, [memberId, { id: memberId, runId }]]) };
}

function noteStream({ view, lineages }: StateParts, { group, epoch, era }: Command<'note-stream'>): Changes {
  const { epoch: present, state } = demand(view, group);
  if (state !== 'serving' || epoch !== present) refuse(`group ${group} is ${state} at epoch ${present}, not ${epoch}`);
  if (era.stream.length > STREAM_CHARS_MAX) refuse(`the name of a stream has at most ${STREAM_CHARS_MAX} characters`);
  return { lineages: lineagesWith(lineages, group, era) };
}

function lineagesWith(
  lineages: StateParts['lineages'],
  group: number,
  ...eras: readonly Era[]
): StateParts['lineages'] {
  return new Map([...lineages, [group, eras.reduce<Lineage>(withEra, lineages.get(group) ?? [])]]);
}

function registerProxy({ proxies }: StateParts, { proxy }: Command<'register-proxy'>): Changes {
  demandAddress(proxy.address);
  if (!/^[A-Za-z0-9]{1,64}$/.test(proxy.runId)) refuse('a run of a proxy is named with at most 64 letters and digits');
  demandZone(proxy.zone);
  const others = [...proxies].filter(([address, { runId }]) => address !== proxy.address && runId !== proxy.runId);
  if (others.length >= PROXIES_MAX) refuse(`there are ${PROXIES_MAX} proxies, which is the most`);
  return { proxies: new Map([...others, [proxy.address, proxy]]) };
}

function beginFailover({ view, failovers }: StateParts, command: Command<'begin-failover'>): Changes {
  const { does: _, ...begun } = command;
  const { group, kind, target, epoch } = begun;
  const { master, members, epoch: present, state } = demand(view, group);
  if (master === null) refuse(`group ${group} has no members`);
  if (state !== 'serving') refuse(`group ${group} is ${state} already`);
  if (epoch !== present && !isPlanted('stale-epoch-accepted')) {
    refuse(`group ${group} is at epoch ${present}, not ${epoch}`);
  }
  if (target === master.id) refuse(`${target} is the master of group ${group} already`);
  if (target !== '' && !members.some(({ id }) => id === target)) refuse(`${target} is not a member of group ${group}`);
  const next = view.withState(group, kind === 'planned' ? 'switching' : 'failing-over');
  const running: RunningFailover = { ...begun, epoch: demand(next, group).epoch, formerMaster: master.id };
  return { view: next, failovers: new Map([...failovers, [group, running]]) };
}

function endFailover(state: StateParts, command: Command<'end-failover'>, atMs: number): Changes {
  const { group, epoch, newMaster, runId, stream, parting, report } = command;
  const running = demandRunning(state, group, epoch);
  const since = parting?.offset ?? 0;
  const ended: FailoverReport = { ...running, ...report, newMaster, outcome: 'promoted', endedAtMs: atMs };
  return {
    view: state.view.withMaster(group, newMaster),
    members: new Map([...state.members, [newMaster, { id: newMaster, runId }]]),
    failovers: without(state.failovers, group),
    partings: parting === null ? without(state.partings, group) : new Map([...state.partings, [group, parting]]),
    lineages: lineagesWith(state.lineages, group, { stream: parting?.stream ?? '', since }, { stream, since }),
    reports: [...state.reports.slice(-REPORTS_MAX + 1), ended],
  };
}

function abandonFailover(state: StateParts, command: Command<'abandon-failover'>, atMs: number): Changes {
  const { group, epoch, reason, runId } = command;
  const running = demandRunning(state, group, epoch);
  const { formerMaster } = running;
  const ended: FailoverReport = {
    ...running,
    reason: `${running.reason}; given up: ${reason}`,
    newMaster: '',
    phases: [],
    offsets: [],
    bytesLostAtMost: 0,
    outcome: 'abandoned',
    endedAtMs: atMs,
  };
  return {
    view: state.view.withState(group, 'serving'),
    members: new Map([...state.members, [formerMaster, { id: formerMaster, runId }]]),
    failovers: without(state.failovers, group),
    reports: [...state.reports.slice(-REPORTS_MAX + 1), ended],
  };
}

function settingsWith(settings: ClusterSettings, name: keyof ClusterSettings, value: number): ClusterSettings {
  if (!Object.hasOwn(BOUNDS, name)) refuse(`there is no setting '${String(name)}'`);
  const [least, most] = BOUNDS[name];
  if (!Number.isSafeInteger(value) || value < least || value > most) refuse(`${name} is ${least} to ${most}`);
  const leaseMsMax = Math.floor(LEASE_SHARE_MAX * (name === 'down-after-ms' ? value : settings['down-after-ms']));
  if (name === 'lease-ms' && value > leaseMsMax) refuse(`lease-ms is at most 0.8 × down-after-ms, ${leaseMsMax}`);
  // A lease that was as long as may be stays so.
  const wasLongest = settings['lease-ms'] === Math.floor(LEASE_SHARE_MAX * settings['down-after-ms']);
  const leaseMs = wasLongest ? leaseMsMax : Math.min(settings['lease-ms'], leaseMsMax);
  return name === 'down-after-ms'
    ? { ...settings, 'down-after-ms': value, 'lease-ms': leaseMs }
    : { ...settings, [name]: value };
}

function configsWith(configs: readonly ConfigMember[], member: ConfigMember): ConfigMember[] {
  const { id, address, peerAddress, zone, incarnation } = member;
  if (!Number.isInteger(id) || id < 1 || id > CONFIG_ID_MAX)
    refuse(`config servers are numbered 1 to ${CONFIG_ID_MAX}`);
  if (address !== '') demandAddress(address);
  if (peerAddress !== '') demandAddress(peerAddress);
  demandZone(zone);
  const others = configs.filter((other) => other.id !== id);
  if (others.length >= CONFIGS_MAX) refuse(`there are ${CONFIGS_MAX} config servers, which is the most`);
  const twin = others.find((other) => peerAddress !== '' && other.peerAddress === peerAddress);
  if (twin !== undefined) refuse(`config server ${twin.id} is at ${peerAddress}`);
  const known = configs.find((other) => other.id === id)?.incarnation ?? '';
  if (known !== '' && incarnation !== '' && known !== incarnation) {
    refuse(`config server ${id} has another disk than the one it is known by; give it another number`);
  }
  const told = { id, peerAddress, address, zone, incarnation: incarnation === '' ? known : incarnation };
  return [...others, told].sort((a, b) => a.id - b.id);
}

function configsWithout(configs: readonly ConfigMember[], id: number): ConfigMember[] {
  const left = configs.filter((member) => member.id !== id);
  if (left.length === configs.length) refuse(`there is no config server ${id}`);
  if (left.length === 0) refuse(`config server ${id} is the only one`);
  return left;
}

function demand(view: ClusterView, group: number): Group {
  return view.group(group) ?? refuse(`there is no group ${group}`);
}

/** Refuses while a change of master is under way. */
function demandCalm({ view }: StateParts, group: number): void {
  const { state } = demand(view, group);
  if (state !== 'serving') refuse(`group ${group} is ${state}; that must be over first`);
}

function demandRunning({ failovers }: StateParts, group: number, epoch: number): RunningFailover {
  const running = failovers.get(group);
  if (running === undefined) refuse(`no change of master is under way in group ${group}`);
  if (running.epoch !== epoch && !isPlanted('stale-epoch-accepted')) {
    refuse(`the change of master in group ${group} is that of epoch ${running.epoch}, not ${epoch}`);
  }
  return running;
}

function demandAddress(address: string): void {
  const parts = /^([A-Za-z0-9._:%-]{1,253}|\[[0-9A-Fa-f:.%]{2,64}\]):([0-9]{1,5})$/.exec(address);
  if (parts === null || Number(parts[2]) < 1 || Number(parts[2]) > 65535) {
    refuse(`${JSON.stringify(address.slice(0, 300))} is no address: host:port`);
  }
}

function demandZone(zone: string): void {
  if (!/^[A-Za-z0-9._-]{0,64}$/.test(zone)) {
    refuse("a zone is named with at most 64 letters, digits, '.', '_' and '-'");
  }
}

function without<Key, Value>(map: ReadonlyMap<Key, Value>, ...keys: readonly Key[]): Map<Key, Value> {
  const rest = new Map(map);
  for (const key of keys) rest.delete(key);
  return rest;
}

function refuse(message: string): never {
  throw new CacheError('BAD_VIEW', message);
}
