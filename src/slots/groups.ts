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

/**
 * What the members of a group are: our data nodes that follow the config servers (they hold leases and know their place), or any
 * server that speaks Redis' protocol and is told its role by commands.
 */
export type Engine = 'slotcache' | 'redis';

/**
 * Whether commands may be sent to the master. `switching`: a planned change of master is under way, so proxies hold commands back and let
 * those in flight finish; `failing-over`: the master is given up, and so is what is in flight to it.
 */
export type GroupState = 'serving' | 'switching' | 'failing-over';

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
  /** `redis` where nothing is said. */
  readonly engine?: Engine;
  /** `serving` where nothing is said. */
  readonly state?: GroupState;
  readonly members: readonly MemberParts[];
}

export interface Group extends GroupParts {
  readonly id: GroupId;
  readonly epoch: Epoch;
  readonly engine: Engine;
  readonly state: GroupState;
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
export function makeGroup({ id, epoch, engine = 'redis', state = 'serving', members }: GroupParts): Group {
  const checkedId = groupId(id);
  if (!Number.isSafeInteger(epoch) || epoch < 0) refuse(`group ${id} has the epoch ${epoch}`);
  if (engine !== 'slotcache' && engine !== 'redis') refuse(`an engine is slotcache or redis, not ${String(engine)}`);
  if (!isGroupState(state)) refuse(`a group is serving, switching or failing-over, not ${String(state)}`);
  if (members.length > GROUP_MEMBERS_MAX) refuse(`group ${id} has more than ${GROUP_MEMBERS_MAX} members`);
  const checked = members.map(makeMember);
  const masters = checked.filter((member) => member.role === 'master');
  if (masters.length > 1) refuse(`group ${id} has two masters, ${masters[0].id} and ${masters[1].id}`);
  if (masters.length === 0 && checked.length > 0) refuse(`group ${id} has members but no master`);
  if (state !== 'serving' && checked.length === 0) refuse(`group ${id} has no members, so it cannot be ${state}`);
  return Object.freeze({
    id: checkedId,
    epoch: epoch as Epoch,
    engine,
    state,
    members: Object.freeze(checked),
    master: masters[0] ?? null,
  });
}

function isGroupState(state: unknown): state is GroupState {
  return state === 'serving' || state === 'switching' || state === 'failing-over';
}
