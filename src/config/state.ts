/**
 * ConfigState: what the control plane has decided, and the only way to change it.
 *
 * A state machine without deeds: `apply(command, stamp)` answers with the next state or with a refusal, and depends on nothing but
 * its arguments. So all config servers, which apply the same log, hold the same state; and the state can be shared and kept, as it
 * never changes.
 *
 * What holds: each accepted command makes exactly one view, whose version is the revision of the whole state, and one event with that
 * version, also where routing stays as it was; so whoever follows versions misses nothing. The events are the last
 * {@link EVENTS_MAX} changes, oldest first, in words in which they could be typed again. Requests that had a name are remembered with
 * their outcomes, accepted or not, so that one that comes again is answered instead of carried out (promise C2).
 *
 * What each command does stands in state-changes.ts, its words in state-words.ts, its form in snapshots in state-json.ts.
 */
import { CacheError, isPlanted } from '../base';
import { ClusterView, SLOT_COUNT, type SlotId } from '../slots';
import type { ConfigCommand } from './records';
import { changedBy } from './state-changes';
import { readState, stateJson } from './state-json';
import {
  ALL_GROUPS,
  EVENTS_MAX,
  NOTHING,
  REQUESTS_MAX,
  type ConfigEvent,
  type Stamp,
  type StateParts,
} from './state-parts';
import { commandText } from './state-words';

/** Why a command was not carried out. Nothing has changed. */
export interface Refusal {
  readonly accepted: false;
  /** REFUSED: the state would contradict itself. UNSAFE: it would lose data, and can be forced. */
  readonly code: 'REFUSED' | 'UNSAFE';
  readonly message: string;
}

export interface Acceptance {
  readonly accepted: true;
  readonly state: ConfigState;
  readonly event: ConfigEvent;
}

export class ConfigState implements StateParts {
  /** The state of a cluster that nobody has set up yet. */
  static readonly empty = new ConfigState(NOTHING);

  readonly view: StateParts['view'];
  readonly events: StateParts['events'];
  readonly clusterId: StateParts['clusterId'];
  readonly settings: StateParts['settings'];
  readonly proxies: StateParts['proxies'];
  readonly members: StateParts['members'];
  readonly failovers: StateParts['failovers'];
  readonly partings: StateParts['partings'];
  readonly lineages: StateParts['lineages'];
  readonly reports: StateParts['reports'];
  readonly paused: StateParts['paused'];
  readonly configs: StateParts['configs'];
  readonly requests: StateParts['requests'];

  constructor(parts: StateParts) {
    this.view = parts.view;
    this.events = parts.events;
    this.clusterId = parts.clusterId;
    this.settings = parts.settings;
    this.proxies = parts.proxies;
    this.members = parts.members;
    this.failovers = parts.failovers;
    this.partings = parts.partings;
    this.lineages = parts.lineages;
    this.reports = parts.reports;
    this.paused = parts.paused;
    this.configs = parts.configs;
    this.requests = parts.requests;
  }

  /** A state from its JSON text. @throws CacheError BAD_VIEW, BAD_MESSAGE where it is cut, of a newer form, or contradicts itself */
  static parse(text: string): ConfigState {
    return new ConfigState(readState(text, NOTHING));
  }

  toJSON(): object {
    return stateJson(this);
  }

  /** This state, but for some of its parts. */
  with(changes: Partial<StateParts>): ConfigState {
    return new ConfigState(Object.assign({}, this, changes));
  }

  /** Whether no master of that group is replaced automatically. */
  isPaused(group: number): boolean {
    return this.paused.has(ALL_GROUPS) || this.paused.has(group);
  }

  /** The state after `command`, or why it cannot be. Changes nothing. */
  apply(command: ConfigCommand, { atMs, by }: Stamp): Acceptance | Refusal {
    let changes: Partial<StateParts>;
    try {
      changes = changedBy(this, command, atMs);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      return { accepted: false, code: 'REFUSED', message: error.message };
    }
    // However many steps the change took, it is one version.
    const routing = changes.view ?? this.view;
    const version = this.view.version + 1;
    const view = routing.version === version ? routing : new ClusterView({ ...routing.toJSON(), version });
    const strandedCount = changes.view === undefined ? 0 : countStranded(this.view, view);
    if (strandedCount > 0 && !('force' in command && command.force)) {
      const message = `${strandedCount} slots would change owner but their data would stay behind; FORCE does it anyway`;
      return { accepted: false, code: 'UNSAFE', message };
    }
    const event: ConfigEvent = { version, atMs, by, text: commandText(command) };
    const events = [...this.events.slice(-EVENTS_MAX + 1), event];
    return { accepted: true, state: this.with({ ...changes, view, events }), event };
  }

  /** The outcome of a named request that was carried out, or refused, before; null for one that is new. */
  outcomeOf(requestId: string): string | null {
    if (requestId === '' || isPlanted('request-applied-twice')) return null;
    return this.requests.get(requestId) ?? null;
  }

  /** With the outcome of a named request, for when it comes again. */
  withOutcome(requestId: string, outcome: string): ConfigState {
    const requests = new Map(this.requests);
    requests.set(requestId, outcome);
    if (requests.size > REQUESTS_MAX) {
      const [oldest] = requests.keys();
      requests.delete(oldest);
    }
    return this.with({ requests });
  }
}

/** How many slots have an owner before and another one after. */
function countStranded(before: ClusterView, after: ClusterView): number {
  let count = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const owner = before.ownerOf(slot as SlotId);
    if (owner !== null && after.ownerOf(slot as SlotId)?.id !== owner.id) count++;
  }
  return count;
}
