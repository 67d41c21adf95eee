/**
 * Reading a view that somebody else wrote: JSON text from a file or a socket, possibly cut, stale or hostile.
 *
 * Only the shape is checked here: that lists are lists, numbers numbers, and that nothing is absurdly long. What the
 * numbers may be and whether they agree is checked once, by the constructor of `ClusterView`, which every view
 * passes. Unknown properties are ignored, so that an older proxy can follow a newer control plane.
 * Whatever is wrong ends in a CacheError BAD_VIEW that names the place.
 */
import { SLOT_COUNT } from './slot-of';
import {
  GROUP_MEMBERS_MAX,
  refuse,
  type Engine,
  type GroupParts,
  type GroupState,
  type MemberParts,
  type Role,
} from './groups';

/** `[from, to, group]`: the slots from … to, both included, belong to the group. */
export type SlotRange = readonly [from: number, to: number, group: number];

/** A view as it stands in JSON; slots that no range names have no owner. */
export interface ViewParts {
  readonly version: number;
  readonly groups: readonly GroupParts[];
  readonly slots: readonly SlotRange[];
}

/** Owners need slots, so more groups than slots make no sense. */
export const GROUPS_MAX = SLOT_COUNT;
/** Longest JSON text of a view that is looked at: {@link GROUPS_MAX} full groups fit twice. */
export const VIEW_CHARS_MAX = 64 * 1024 * 1024;

/** The parts of a view from its JSON text, or from what `JSON.parse` made of it. @throws CacheError BAD_VIEW */
export function readViewParts(source: unknown): ViewParts {
  const view = record(typeof source === 'string' ? parseJson(source) : source, 'the view');
  return {
    version: number(view['version'], 'version'),
    groups: list(view['groups'], 'groups', GROUPS_MAX).map(readGroup),
    slots: list(view['slots'], 'slots', SLOT_COUNT).map(readRange),
  };
}

function readGroup(value: unknown, index: number): GroupParts {
  const place = `groups[${index}]`;
  const group = record(value, place);
  return {
    id: number(group['id'], `${place}.id`),
    epoch: number(group['epoch'], `${place}.epoch`),
    // What the words may be is checked with the group; a view of an older control plane has none.
    engine: text(group['engine'] ?? 'redis', `${place}.engine`) as Engine,
    state: text(group['state'] ?? 'serving', `${place}.state`) as GroupState,
    members: list(group['members'], `${place}.members`, GROUP_MEMBERS_MAX).map((member, at) =>
      readMember(member, `${place}.members[${at}]`),
    ),
  };
}

function readMember(value: unknown, place: string): MemberParts {
  const member = record(value, place);
  return {
    host: text(member['host'], `${place}.host`),
    port: number(member['port'], `${place}.port`),
    zone: text(member['zone'], `${place}.zone`),
    // Which words are roles is for `makeMember` to say.
    role: text(member['role'], `${place}.role`) as Role,
  };
}

function readRange(value: unknown, index: number): SlotRange {
  const place = `slots[${index}]`;
  const range = list(value, place, 3);
  return [number(range[0], `${place}[0]`), number(range[1], `${place}[1]`), number(range[2], `${place}[2]`)];
}

function parseJson(source: string): unknown {
  if (source.length > VIEW_CHARS_MAX) refuse(`the view is longer than ${VIEW_CHARS_MAX} characters`);
  try {
    return JSON.parse(source);
  } catch (cause) {
    return refuse('the view is not JSON', cause);
  }
}

function record(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${place} is not an object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, place: string, lengthMax: number): unknown[] {
  if (!Array.isArray(value)) refuse(`${place} is not a list`);
  if (value.length > lengthMax) refuse(`${place} has more than ${lengthMax} entries`);
  return value;
}

function number(value: unknown, place: string): number {
  return typeof value === 'number' ? value : refuse(`${place} is not a number`);
}

function text(value: unknown, place: string): string {
  return typeof value === 'string' ? value : refuse(`${place} is not a string`);
}
