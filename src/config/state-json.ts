/**
 * The state as JSON: what snapshots of the log hold, and what a file of an older version held.
 *
 * What is read may be cut, or of another version. Every field is read by name and built anew; one that is missing or of another type is
 * refused, and a form that is newer than this program too: to go on without what it does not understand, a config server would have
 * to disagree with the others. `view.json` of the first version, which had a view and events only, has no number of a form.
 */
import { CacheError } from '../base';
import { ClusterView } from '../slots';
import { JsonFields } from './json-fields';
import type { ClusterSettings, FailoverKind, FailoverReport, RunningFailover } from './records';
import type { ConfigEvent, StateParts } from './state-parts';
import { CLUSTER_SETTINGS } from './state-changes';

const FORM = 1;
const KINDS: readonly string[] = ['automatic', 'forced', 'planned'] satisfies readonly FailoverKind[];
const OUTCOMES: readonly string[] = ['promoted', 'abandoned'];

/** What `JSON.stringify` is to be given. */
export function stateJson(state: StateParts): object {
  return {
    v: FORM,
    view: state.view,
    events: state.events,
    clusterId: state.clusterId,
    settings: state.settings,
    proxies: [...state.proxies.values()],
    members: [...state.members.values()],
    failovers: [...state.failovers.values()],
    partings: Array.from(state.partings, ([group, parting]) => ({ group, ...parting })),
    lineages: Array.from(state.lineages, ([group, eras]) => ({ group, eras })),
    reports: state.reports,
    paused: [...state.paused],
    configs: state.configs,
    requests: Array.from(state.requests, ([id, outcome]) => ({ id, outcome })),
  };
}

/** The parts from the text. @param nothing the state in which nothing was decided. @throws CacheError BAD_VIEW, BAD_MESSAGE */
export function readState(text: string, nothing: StateParts): StateParts {
  const fields = JsonFields.parse(text, 'the state');
  const view = ClusterView.parse(fields.any('view'));
  const events = fields.items('events').map(readEvent);
  if (!fields.has('v')) return { ...nothing, view, events, members: membersOf(view) };
  if (fields.number('v') !== FORM) {
    throw new CacheError('BAD_MESSAGE', `the state has the form ${fields.number('v')}; this version knows ${FORM}`);
  }
  return {
    view,
    events,
    clusterId: fields.text('clusterId'),
    settings: readSettings(fields.fields('settings'), nothing.settings),
    proxies: mapBy(fields.items('proxies'), (each) => each.text('address'), readProxy),
    members: mapBy(fields.items('members'), (each) => each.text('id'), readMember),
    failovers: mapBy(fields.items('failovers'), (each) => each.number('group'), readRunning),
    partings: mapBy(fields.items('partings'), (each) => each.number('group'), readParting),
    lineages: mapBy(
      fields.items('lineages'),
      (each) => each.number('group'),
      (each) => each.items('eras').map((era) => ({ stream: era.text('stream'), since: era.number('since') })),
    ),
    reports: fields.items('reports').map(readReport),
    paused: new Set(fields.numbers('paused')),
    configs: fields.items('configs').map((each) => ({
      id: each.number('id'),
      peerAddress: each.text('peerAddress'),
      address: each.text('address'),
      zone: each.text('zone'),
      incarnation: each.text('incarnation'),
    })),
    requests: mapBy(
      fields.items('requests'),
      (each) => each.text('id'),
      (each) => each.text('outcome'),
    ),
  };
}

function membersOf(view: ClusterView): StateParts['members'] {
  const ids = view.groups.flatMap(({ members }) => members.map(({ id }) => id));
  return new Map(ids.map((id) => [id, { id, runId: '' }]));
}

function readEvent(fields: JsonFields): ConfigEvent {
  return {
    version: fields.number('version'),
    atMs: fields.number('atMs'),
    by: fields.text('by'),
    text: fields.text('text'),
  };
}

function readSettings(fields: JsonFields, defaults: ClusterSettings): ClusterSettings {
  const settings: Record<string, number> = { ...defaults };
  for (const name of CLUSTER_SETTINGS) if (fields.has(name)) settings[name] = fields.number(name);
  return settings as unknown as ClusterSettings;
}

function readProxy(fields: JsonFields): { runId: string; address: string; zone: string } {
  return { runId: fields.text('runId'), address: fields.text('address'), zone: fields.text('zone') };
}

function readMember(fields: JsonFields): { id: string; runId: string } {
  return { id: fields.text('id'), runId: fields.text('runId') };
}

function readParting(fields: JsonFields): { stream: string; offset: number } {
  return { stream: fields.text('stream'), offset: fields.number('offset') };
}

function readRunning(fields: JsonFields): RunningFailover {
  return {
    group: fields.number('group'),
    kind: fields.word('kind', KINDS) as FailoverKind,
    epoch: fields.number('epoch'),
    target: fields.text('target'),
    formerMaster: fields.text('formerMaster'),
    reason: fields.text('reason'),
    votes: fields.texts('votes'),
    beganAtMs: fields.number('beganAtMs'),
    detectedAfterMs: fields.number('detectedAfterMs'),
  };
}

function readReport(fields: JsonFields): FailoverReport {
  return {
    ...readRunning(fields),
    newMaster: fields.text('newMaster'),
    phases: fields.items('phases').map((each) => ({ phase: each.text('phase'), ms: each.number('ms') })),
    offsets: fields.texts('offsets'),
    bytesLostAtMost: fields.number('bytesLostAtMost'),
    outcome: fields.word('outcome', OUTCOMES) as FailoverReport['outcome'],
    endedAtMs: fields.number('endedAtMs'),
  };
}

function mapBy<Key, Value>(
  items: readonly JsonFields[],
  keyOf: (item: JsonFields) => Key,
  read: (item: JsonFields) => Value,
): Map<Key, Value> {
  return new Map(items.map((item) => [keyOf(item), read(item)]));
}
