/**
 * Groups and members: the nouns of a cluster view, and the rules each of them keeps by itself.
 *
 * A group is one master and any number of replicas, or still empty. A member is a server at an address; the address
 * is its identity (`host:port`), since that is what every other party sees of it. What concerns several groups (a
 * member in two of them, who owns which slot) is the business of `ClusterView`.
 *
 * Two shapes of everything: the *parts* (plain numbers and strings, as they stand in JSON or as a caller writes
 * them) and the checked, frozen thing with branded numbers. Only the functions here make the second from the first,
 * so whoever holds a `Group` need not check it again.
 */
import { CacheError } from '../base';

declare const brand: unique symbol;
/** The number of a group, 0 … {@link GROUP_ID_MAX}. */
export type GroupId = number & { readonly [brand]: 'GroupId' };
/** How often the master of a group has changed. Grows by one per change; a higher epoch outranks a lower one. */
export type Epoch = number & { readonly [brand]: 'Epoch' };

export type Role = 'master' | 'replica';

export interface MemberParts {
  /** Name or IP address. */
  readonly host: string;
  /** 1 … 65535. */
  readonly port: number;
  /** Where the member stands, for reading nearby; '' where nobody said. */
  readonly zone: string;
  readonly role: Role;
}

export interface Member extends MemberParts {
  /** `host:port`; unique in a view. */
  readonly id: string;
}

export interface GroupParts {
  readonly id: number;
  readonly epoch: number;
  readonly members: readonly MemberParts[];
}

export interface Group extends GroupParts {
  readonly id: GroupId;
  readonly epoch: Epoch;
  readonly members: readonly Member[];
  /** The one member with that role; null exactly where the group is empty. */
  readonly master: Member | null;
}

export const GROUP_ID_MAX = 9999;
export const GROUP_MEMBERS_MAX = 64;

const HOST_CHARS_MAX = 253;
const ZONE_CHARS_MAX = 64;

/** Refuses with BAD_VIEW. */
export function refuse(message: string, cause?: unknown): never {
  throw new CacheError('BAD_VIEW', message, cause === undefined ? undefined : { cause });
}

/** Checks that `id` can number a group. @throws CacheError BAD_VIEW */
export function groupId(id: number): GroupId {
  if (!Number.isInteger(id) || id < 0 || id > GROUP_ID_MAX) {
    refuse(`a group is numbered 0 to ${GROUP_ID_MAX}, not ${id}`);
  }
  return id as GroupId;
}

/** Checks one member by itself. @throws CacheError BAD_VIEW */
export function makeMember({ host, port, zone, role }: MemberParts): Member {
  if (!/^[A-Za-z0-9._:%-]+$/.test(host) || host.length > HOST_CHARS_MAX) {
    refuse(`${JSON.stringify(host)} is no host name and no IP address`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) refuse(`a port is 1 to 65535, not ${port}`);
  if (!/^[A-Za-z0-9._-]*$/.test(zone) || zone.length > ZONE_CHARS_MAX) {
    refuse(`a zone is named with at most ${ZONE_CHARS_MAX} letters, digits, '.', '_' and '-'`);
  }
  if (role !== 'master' && role !== 'replica') refuse(`a role is master or replica, not ${String(role)}`);
  return Object.freeze({ id: `${host}:${port}`, host, port, zone, role });
}

/** Checks one group by itself: its numbers, its members, and that it has one master or is empty. @throws CacheError BAD_VIEW */
export function makeGroup({ id, epoch, members }: GroupParts): Group {
  const checkedId = groupId(id);
  if (!Number.isSafeInteger(epoch) || epoch < 0) refuse(`group ${id} has the epoch ${epoch}`);
  if (members.length > GROUP_MEMBERS_MAX) refuse(`group ${id} has more than ${GROUP_MEMBERS_MAX} members`);
  const checked = members.map(makeMember);
  const masters = checked.filter((member) => member.role === 'master');
  if (masters.length > 1) refuse(`group ${id} has two masters, ${masters[0].id} and ${masters[1].id}`);
  if (masters.length === 0 && checked.length > 0) refuse(`group ${id} has members but no master`);
  return Object.freeze({
    id: checkedId,
    epoch: epoch as Epoch,
    members: Object.freeze(checked),
    master: masters[0] ?? null,
  });
}
