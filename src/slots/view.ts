/**
 * ClusterView: who is where and who owns what, at one moment. The one thing that the control plane publishes and that
 * proxies and servers route by.
 *
 * A view never changes; a change is a new view with the next version ("with…" and "without…" below). So a view can
 * be shared, kept and compared, and "newer" is one comparison. Every view, wherever it comes from, passes the
 * constructor, which checks all of it; whoever holds a view may therefore rely on this:
 *
 * - groups are in ascending order, and a member is in one group only;
 * - a group has exactly one master, or no members at all; what owns a slot has a master, so an assigned slot always
 *   has somewhere to go;
 * - a slot has one owner or none;
 * - while a change of master is under way its group is not `serving`; the epoch grew when it began, so what the former
 *   master was allowed to do ended there;
 * - no epoch is greater than the version. A new group starts with the version as its epoch, so a number that is used
 *   again for another group never repeats an epoch of the former, and old masters stay fenced.
 *
 * What the caller wants and these rules forbid is refused with a CacheError BAD_VIEW that says why.
 */
import {
  groupId,
  makeGroup,
  refuse,
  type Group,
  type GroupId,
  type Engine,
  type GroupParts,
  type GroupState,
  type Member,
  type MemberParts,
} from './groups';
import { SLOT_COUNT, type SlotId } from './slot-of';
import { GROUPS_MAX, readViewParts, type SlotRange, type ViewParts } from './view-text';

/** In place of a group: the slot has no owner. */
export const GROUP_NONE = -1;

export class ClusterView {
  /** The view before any: version 0, no groups, no owners. */
  static readonly empty = new ClusterView({ version: 0, groups: [], slots: [] });

  /** Grows by one per change; 0 … 2^53 − 1. */
  readonly version: number;
  /** In ascending order of their numbers. */
  readonly groups: readonly Group[];
  private readonly groupsById = new Map<number, Group>();
  private readonly owners = new Int16Array(SLOT_COUNT).fill(GROUP_NONE);

  /** @throws CacheError BAD_VIEW where the parts contradict themselves or each other. */
  constructor({ version, groups, slots }: ViewParts) {
    if (!Number.isSafeInteger(version) || version < 0) refuse(`a view cannot have the version ${version}`);
    if (groups.length > GROUPS_MAX) refuse(`a view has at most ${GROUPS_MAX} groups`);
    this.version = version;
    this.groups = Object.freeze(groups.map(makeGroup).sort((a, b) => a.id - b.id));
    const homes = new Map<string, GroupId>();
    for (const group of this.groups) {
      if (this.groupsById.has(group.id)) refuse(`group ${group.id} exists already`);
      if (group.epoch > version) refuse(`group ${group.id} has the epoch ${group.epoch}, but the view is ${version}`);
      this.groupsById.set(group.id, group);
      for (const member of group.members) {
        if (homes.has(member.id)) refuse(`${member.id} is in group ${homes.get(member.id)} already`);
        homes.set(member.id, group.id);
      }
    }
    for (const range of slots) this.own(range);
  }

  /** A view from its JSON text or from what `JSON.parse` made of that; safe with hostile input. @throws CacheError BAD_VIEW */
  static parse(source: unknown): ClusterView {
    return new ClusterView(readViewParts(source));
  }

  /** Its parts, in one canonical form: equal views give equal JSON text. */
  toJSON(): ViewParts {
    return {
      version: this.version,
      groups: this.groups.map(({ id, epoch, engine, state, members }) => ({
        id,
        epoch,
        engine,
        state,
        members: members.map(({ host, port, zone, role }) => ({ host, port, zone, role })),
      })),
      slots: this.ranges(),
    };
  }

  /** The group with that number, or null. */
  group(id: number): Group | null {
    return this.groupsById.get(id) ?? null;
  }

  /** The group that owns the slot, or null. */
  ownerOf(slot: SlotId): Group | null {
    return this.group(this.owners[slot]);
  }

  /** Who owns what, as the fewest ranges in ascending order; slots without an owner are left out. */
  ranges(): SlotRange[] {
    return rangesOf(this.owners);
  }

  /** The slots of a group in ascending order; of {@link GROUP_NONE}, those without an owner. */
  slotsOf(group: number): SlotId[] {
    const slots: SlotId[] = [];
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.owners[slot] === group) slots.push(slot as SlotId);
    return slots;
  }

  /** With a new, empty group. */
  withGroup(id: number, engine: Engine = 'redis'): ClusterView {
    return this.next([...this.groups, { id, epoch: this.version, engine, members: [] }]);
  }

  /** With another engine, of a group that has no members yet. */
  withEngine(id: number, engine: Engine): ClusterView {
    const group = this.demand(id);
    if (group.members.length > 0) refuse(`group ${id} has members; its engine is ${group.engine}`);
    return this.replace(group, { engine });
  }

  /** With the group in another state. Who leaves `serving` begins a change of master: the epoch grows by one. */
  withState(id: number, state: GroupState): ClusterView {
    const group = this.demand(id);
    if (state === group.state) refuse(`group ${id} is ${state} already`);
    if (state !== 'serving' && group.state !== 'serving') refuse(`group ${id} is ${group.state}`);
    return this.replace(group, { state, epoch: state === 'serving' ? group.epoch : group.epoch + 1 });
  }

  /** Without a group, which must not own slots. */
  withoutGroup(id: number): ClusterView {
    const group = this.demand(id);
    const slotCount = this.slotsOf(group.id).length;
    if (slotCount > 0) refuse(`group ${id} still owns ${slotCount} slots; give them to another group first`);
    return this.next(this.groups.filter((other) => other !== group));
  }

  /** With one more member. The first of a group must be its master, which counts as a change of master. */
  withMember(id: number, member: MemberParts): ClusterView {
    const group = this.demand(id);
    if (group.master !== null && member.role === 'master') refuse(`group ${id} has a master, ${group.master.id}`);
    if (group.master === null && member.role === 'replica') refuse(`group ${id} has no master to replicate from`);
    return this.replaceMembers(group, [...group.members, member]);
  }

  /** Without a member. A master goes last, and not while its group owns slots. */
  withoutMember(id: number, memberId: string): ClusterView {
    const group = this.demand(id);
    const gone = demandMember(group, memberId);
    if (group.state !== 'serving') refuse(`group ${id} is ${group.state}; its members stay until that is over`);
    if (gone === group.master) {
      if (group.members.length > 1) refuse(`${memberId} is the master of group ${id}, which still has replicas`);
      if (this.slotsOf(group.id).length > 0) refuse(`${memberId} is the only member of group ${id}, which owns slots`);
    }
    return this.replaceMembers(
      group,
      group.members.filter((member) => member !== gone),
    );
  }

  /**
   * With that member as the master of its group, which serves; the former master becomes a replica. The epoch grows by one, unless it
   * did when the change began.
   */
  withMaster(id: number, memberId: string): ClusterView {
    const group = this.demand(id);
    const master = demandMember(group, memberId);
    if (master === group.master) refuse(`${memberId} is the master of group ${id} already`);
    const members = group.members.map((member): MemberParts => ({
      ...member,
      role: member === master ? 'master' : 'replica',
    }));
    const epoch = group.state === 'serving' ? group.epoch + 1 : group.epoch;
    return this.replace(group, { members, epoch, state: 'serving' });
  }

  /** With the slots from … to owned by the group, whoever owned them; {@link GROUP_NONE} takes them from everybody. */
  withSlots(from: number, to: number, group: number): ClusterView {
    return this.withRanges([[from, to, group]]);
  }

  /** {@link withSlots} for several ranges that do not overlap, as one change. */
  withRanges(ranges: readonly SlotRange[]): ClusterView {
    const owners = this.owners.slice();
    const isNamed = new Uint8Array(SLOT_COUNT);
    for (const [from, to, group] of ranges) {
      checkBounds(from, to);
      for (let slot = from; slot <= to; slot++) {
        if (isNamed[slot] === 1) refuse(`slot ${slot} is named twice`);
        isNamed[slot] = 1;
      }
      if (group !== GROUP_NONE) this.demand(group);
      owners.fill(group, from, to + 1);
    }
    return new ClusterView({ version: this.version + 1, groups: this.groups, slots: rangesOf(owners) });
  }

  private next(groups: readonly GroupParts[]): ClusterView {
    return new ClusterView({ version: this.version + 1, groups, slots: this.ranges() });
  }

  private replaceMembers(group: Group, members: readonly MemberParts[]): ClusterView {
    const master = members.find((member) => member.role === 'master');
    const isSameMaster = master?.host === group.master?.host && master?.port === group.master?.port;
    return this.replace(group, { members, epoch: isSameMaster ? group.epoch : group.epoch + 1 });
  }

  private replace(group: Group, changes: Partial<GroupParts>): ClusterView {
    return this.next(this.groups.map((other) => (other === group ? { ...group, ...changes } : other)));
  }

  private demand(id: number): Group {
    return this.groupsById.get(groupId(id)) ?? refuse(`there is no group ${id}`);
  }

  private own([from, to, id]: SlotRange): void {
    checkBounds(from, to);
    if (this.demand(id).master === null) refuse(`group ${id} cannot own slots before it has a master`);
    for (let slot = from; slot <= to; slot++) {
      if (this.owners[slot] !== GROUP_NONE) refuse(`slot ${slot} has two owners, ${this.owners[slot]} and ${id}`);
      this.owners[slot] = id;
    }
  }
}

function rangesOf(owners: Int16Array): SlotRange[] {
  const ranges: SlotRange[] = [];
  for (let from = 0, to = 0; from < SLOT_COUNT; from = to) {
    const owner = owners[from];
    while (to < SLOT_COUNT && owners[to] === owner) to++;
    if (owner !== GROUP_NONE) ranges.push([from, to - 1, owner]);
  }
  return ranges;
}

function checkBounds(from: number, to: number): void {
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to >= SLOT_COUNT || from > to) {
    refuse(`slots are 0 to ${SLOT_COUNT - 1} in ascending order, not ${from} to ${to}`);
  }
}

function demandMember(group: Group, memberId: string): Member {
  const member = group.members.find(({ id }) => id === memberId);
  return member ?? refuse(`${memberId} is not a member of group ${group.id}`);
}
