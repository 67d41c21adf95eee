/**
 * ConfigState: what the control plane knows, and the only way to change it.
 *
 * A state machine without deeds: `apply(command, stamp)` answers with the next state or with a refusal, and depends
 * on nothing but its arguments. So any number of nodes that apply the same commands in the same order hold the same
 * state, which is what a replicated log needs, and a change can be made durable before anybody hears of it.
 *
 * What holds: a state never changes; each accepted command makes exactly one new view and one event; the events are
 * the last {@link EVENTS_MAX} changes, oldest first, in the words in which they could be typed again.
 *
 * Giving slots away moves no data. Slots that another group owns are therefore only given to a new owner with
 * `force`; Codis' slots-assign does it unasked, and its users reach for it when a migration is stuck.
 */
import { CacheError } from '../base';
import { ClusterView, SLOT_COUNT, spread, type MemberParts, type SlotId } from '../slots';

/** What can be asked of the control plane. Plain data: it will be what the replicated log carries. */
export type ConfigCommand =
  | { readonly does: 'create-group'; readonly group: number }
  | { readonly does: 'delete-group'; readonly group: number }
  | { readonly does: 'add-member'; readonly group: number; readonly member: MemberParts }
  | { readonly does: 'remove-member'; readonly group: number; readonly memberId: string }
  | {
      readonly does: 'assign-slots';
      readonly from: number;
      readonly to: number;
      readonly group: number;
      readonly force: boolean;
    }
  | { readonly does: 'spread-slots'; readonly groups: readonly number[]; readonly force: boolean };

/** When something was asked, and by whom; given from outside, because the state has no clock. */
export interface Stamp {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The asker, as people would look for it: an address or a name. */
  readonly by: string;
}

/** A change that happened. */
export interface ConfigEvent extends Stamp {
  /** The version of the view that it made. */
  readonly version: number;
  /** The command, as it could be typed. */
  readonly text: string;
}

/** Why a command was not carried out. Nothing has changed. */
export interface Refusal {
  readonly accepted: false;
  /** REFUSED: the view would contradict itself. UNSAFE: it would lose data, and can be forced. */
  readonly code: 'REFUSED' | 'UNSAFE';
  readonly message: string;
}

export interface Acceptance {
  readonly accepted: true;
  readonly state: ConfigState;
  readonly event: ConfigEvent;
}

/** How many events are remembered. */
export const EVENTS_MAX = 1000;

export class ConfigState {
  /** The state of a cluster that nobody has set up yet. */
  static readonly empty = new ConfigState(ClusterView.empty, []);

  constructor(
    readonly view: ClusterView,
    /** The last changes, oldest first. */
    readonly events: readonly ConfigEvent[],
  ) {}

  /** A state from its JSON text. @throws CacheError BAD_VIEW where it is cut or contradicts itself. */
  static parse(text: string): ConfigState {
    let source: { view?: unknown; events?: unknown } | null;
    try {
      source = JSON.parse(text) as typeof source;
    } catch (cause) {
      throw new CacheError('BAD_VIEW', 'the state is not JSON', { cause });
    }
    return new ConfigState(ClusterView.parse(source?.view), readEvents(source?.events));
  }

  toJSON(): { view: ClusterView; events: readonly ConfigEvent[] } {
    return { view: this.view, events: this.events };
  }

  /** The state after `command`, or why it cannot be. Changes nothing. */
  apply(command: ConfigCommand, { atMs, by }: Stamp): Acceptance | Refusal {
    let view: ClusterView;
    try {
      view = viewAfter(this.view, command);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      return { accepted: false, code: 'REFUSED', message: error.message };
    }
    const strandedCount = countStranded(this.view, view);
    if (strandedCount > 0 && !('force' in command && command.force)) {
      const message = `${strandedCount} slots would change owner but their data would stay behind; FORCE does it anyway`;
      return { accepted: false, code: 'UNSAFE', message };
    }
    const event: ConfigEvent = { version: view.version, atMs, by, text: commandText(command) };
    const events = [...this.events.slice(-EVENTS_MAX + 1), event];
    return { accepted: true, state: new ConfigState(view, events), event };
  }
}

function viewAfter(view: ClusterView, command: ConfigCommand): ClusterView {
  switch (command.does) {
    case 'create-group':
      return view.withGroup(command.group);
    case 'delete-group':
      return view.withoutGroup(command.group);
    case 'add-member':
      return view.withMember(command.group, command.member);
    case 'remove-member':
      return view.withoutMember(command.group, command.memberId);
    case 'assign-slots':
      return view.withSlots(command.from, command.to, command.group);
    case 'spread-slots':
      return view.withRanges(spread(command.groups));
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

/** The command as it would be typed. */
function commandText(command: ConfigCommand): string {
  switch (command.does) {
    case 'create-group':
      return `GROUP CREATE ${command.group}`;
    case 'delete-group':
      return `GROUP DELETE ${command.group}`;
    case 'add-member': {
      const { host, port, zone, role } = command.member;
      return `GROUP ADD ${command.group} ${host} ${port}${zone === '' ? '' : ` ZONE ${zone}`} ROLE ${role}`;
    }
    case 'remove-member':
      return `GROUP REMOVE ${command.group} ${command.memberId}`;
    case 'assign-slots':
      return `SLOTS ASSIGN ${command.from}-${command.to} ${command.group}${command.force ? ' FORCE' : ''}`;
    case 'spread-slots':
      return `SLOTS SPREAD ${command.groups.join(' ')}${command.force ? ' FORCE' : ''}`;
  }
}

function readEvents(source: unknown): ConfigEvent[] {
  if (!Array.isArray(source) || !source.every(isEvent)) throw new CacheError('BAD_VIEW', 'the events are damaged');
  return source;
}

function isEvent(value: unknown): value is ConfigEvent {
  if (typeof value !== 'object' || value === null) return false;
  const event = value as Record<keyof ConfigEvent, unknown>;
  return (
    typeof event.version === 'number' &&
    typeof event.atMs === 'number' &&
    typeof event.by === 'string' &&
    typeof event.text === 'string'
  );
}
