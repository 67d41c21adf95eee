/**
 * What the tests of views share: an arbitrary view, grown by random changes from the empty one, and the rules that
 * every view must keep, stated a second time and independently of the constructor.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { CacheError } from '../../src/base';
import { ClusterView, SLOT_COUNT, type MemberParts, type Role, type SlotId } from '../../src/slots';

/** One change, as a function of the view before it. */
export type Change = (view: ClusterView) => ClusterView;

export function member(port: number, role: Role, zone = ''): MemberParts {
  return { host: '10.0.0.1', port, zone, role };
}

const ids = fc.integer({ min: 0, max: 4 });
const ports = fc.integer({ min: 1, max: 8 });
const slots = fc.integer({ min: 0, max: SLOT_COUNT - 1 });

export const changes: fc.Arbitrary<Change> = fc.oneof(
  ids.map(
    (id): Change =>
      (view) =>
        view.withGroup(id),
  ),
  fc.tuple(ids, ports, fc.constantFrom<Role>('master', 'replica'), fc.constantFrom('', 'a', 'b')).map(
    ([id, port, role, zone]): Change =>
      (view) =>
        view.withMember(id, member(port, role, zone)),
  ),
  fc.tuple(ids, slots, slots).map(
    ([id, from, to]): Change =>
      (view) =>
        view.withSlots(Math.min(from, to), Math.max(from, to), id),
  ),
  fc.tuple(slots, slots).map(
    ([from, to]): Change =>
      (view) =>
        view.withSlots(Math.min(from, to), Math.max(from, to), -1),
  ),
  fc.tuple(ids, ports).map(
    ([id, port]): Change =>
      (view) =>
        view.withMaster(id, `10.0.0.1:${port}`),
  ),
  fc.tuple(ids, ports).map(
    ([id, port]): Change =>
      (view) =>
        view.withoutMember(id, `10.0.0.1:${port}`),
  ),
  ids.map(
    (id): Change =>
      (view) =>
        view.withoutGroup(id),
  ),
);

/** The view after a change; the same view where the change was refused. */
export function attempt(view: ClusterView, change: Change): ClusterView {
  try {
    return change(view);
  } catch (error) {
    expect(error).toBeInstanceOf(CacheError);
    expect(error).toHaveProperty('code', 'BAD_VIEW');
    return view;
  }
}

export const views: fc.Arbitrary<ClusterView> = fc
  .array(changes, { minLength: 10, maxLength: 60 })
  .map((list) => list.reduce(attempt, ClusterView.empty));

export function checkInvariants(view: ClusterView): void {
  const members = view.groups.flatMap((group) => group.members.map(({ id }) => id));
  expect(new Set(members).size).toBe(members.length);
  for (const group of view.groups) {
    const masters = group.members.filter(({ role }) => role === 'master');
    expect(masters).toEqual(group.master === null ? [] : [group.master]);
    expect(group.members.length === 0).toBe(group.master === null);
    expect(group.epoch).toBeLessThanOrEqual(view.version);
    expect(view.group(group.id)).toBe(group);
  }
  expect(view.groups.map(({ id }) => id)).toEqual(view.groups.map(({ id }) => id).sort((a, b) => a - b));
  let owned = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const owner = view.ownerOf(slot as SlotId);
    if (owner === null) continue;
    owned++;
    expect(owner.master).not.toBeNull();
  }
  expect(view.ranges().reduce((sum, [from, to]) => sum + to - from + 1, 0)).toBe(owned);
}
