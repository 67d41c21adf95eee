/**
 * The cluster described: answers of the commands that list and show, as plain values with names.
 *
 * Names are those of the settings' manner, words with hyphens; moments end in `at-ms` (Unix time), durations in `ms`. What is not known
 * is '' or null.
 */
import type { Group } from '../slots';
import type { FailoverReport, RunningFailover } from './records';
import type { ReplyValue, Scene } from './scene';
import type { ConfigState } from './state';
import { ALL_GROUPS } from './state-parts';

export function describeGroups(state: ConfigState): ReplyValue {
  return state.view.groups.map((group) => ({
    id: group.id,
    engine: group.engine,
    state: group.state,
    epoch: group.epoch,
    slots: state.view.slotsOf(group.id).length,
    'automatic-failover': onOff(!state.isPaused(group.id)),
    members: group.members.map(({ id, role, zone }) => ({ id, role, zone })),
  }));
}

export function describeNodes(state: ConfigState, scene: Scene): ReplyValue {
  return state.view.groups.flatMap((group) => group.members.map((member) => describeNode(state, scene, group, member)));
}

function describeNode(state: ConfigState, scene: Scene, group: Group, member: Group['members'][number]): ReplyValue {
  const { id, role, zone } = member;
  const runId = state.members.get(id)?.runId ?? '';
  return {
    id,
    group: group.id,
    role,
    zone,
    engine: group.engine,
    'run-id': runId,
    ...scene.health(id),
    ...(runId !== '' && scene.lease(runId)),
  };
}

export function describeProxies(state: ConfigState, scene: Scene): ReplyValue {
  return Array.from(state.proxies.values(), ({ runId, address, zone }) => ({
    id: address,
    zone,
    'run-id': runId,
    ...scene.lease(runId),
  }));
}

export function describeFailovers(state: ConfigState, scene: Scene): ReplyValue {
  return Array.from(state.failovers.values(), (running) => ({
    ...describeRunning(running),
    phase: scene.phase(running.group),
  }));
}

export function describeReports(reports: readonly FailoverReport[]): ReplyValue {
  return reports.map((report) => ({
    ...describeRunning(report),
    outcome: report.outcome,
    'new-master': report.newMaster,
    'ended-at-ms': report.endedAtMs,
    'bytes-lost-at-most': report.bytesLostAtMost,
    phases: report.phases.map(({ phase, ms }) => ({ phase, ms })),
    offsets: report.offsets,
  }));
}

function describeRunning(running: RunningFailover): { readonly [name: string]: ReplyValue } {
  return {
    group: running.group,
    kind: running.kind,
    epoch: running.epoch,
    'former-master': running.formerMaster,
    target: running.target,
    reason: running.reason,
    votes: running.votes,
    'began-at-ms': running.beganAtMs,
    'detected-after-ms': Math.round(running.detectedAfterMs),
  };
}

export function describeConfigs(state: ConfigState, { leader, voters, learners }: Scene): ReplyValue {
  return state.configs.map(({ id, peerAddress, address, zone }) => ({
    id,
    role: id === leader ? 'leader' : voters.includes(id) ? 'voter' : learners.includes(id) ? 'learner' : 'outsider',
    address,
    'peer-address': peerAddress,
    zone,
  }));
}

export function describeStatus(state: ConfigState, scene: Scene): ReplyValue {
  const { view } = state;
  const groupsIn = (each: Group['state']): number => view.groups.filter((group) => group.state === each).length;
  return {
    'cluster-id': state.clusterId,
    id: scene.id,
    leader: scene.leader,
    term: scene.term,
    voters: scene.voters,
    learners: scene.learners,
    version: view.version,
    groups: view.groups.length,
    serving: groupsIn('serving'),
    switching: groupsIn('switching'),
    'failing-over': groupsIn('failing-over'),
    members: view.groups.reduce((count, { members }) => count + members.length, 0),
    slots: view.ranges().reduce((count, [from, to]) => count + to - from + 1, 0),
    proxies: state.proxies.size,
    'automatic-failover': onOff(!state.isPaused(ALL_GROUPS)),
    followers: Array.from(scene.followers, ({ name, version }) => [name, version]),
  };
}

function onOff(isOn: boolean): string {
  return isOn ? 'on' : 'off';
}
