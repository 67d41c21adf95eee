/**
 * Rebalance: which slots should change hands so that all groups own equally many. Arithmetic only; who carries a plan
 * out moves the data first.
 *
 * Every group with a master gets ⌊1024/n⌋ slots, and 1024 mod n of them one more: those that own the most today, since
 * a slot that stays costs nothing. That makes the number of moves the least possible: each donor gives exactly its
 * surplus, each receiver takes exactly its need. Slots without an owner fill needs first. Ties go to lower numbers
 * and donors give their highest slots, so the plan depends on the view alone, and ranges stay long.
 */
import { refuse, type GroupId } from './groups';
import { SLOT_COUNT, type SlotId } from './slot-of';
import { GROUP_NONE, type ClusterView } from './view';
import type { SlotRange } from './view-text';

/** One slot changes hands. A source of null: it has no owner yet, so there are no data to move. */
export interface Move {
  readonly slot: SlotId;
  readonly source: GroupId | null;
  readonly target: GroupId;
}

/** The fewest moves after which slot counts differ by one at most, all slots are owned; none where no group has a master. */
export function planRebalance(view: ClusterView): Move[] {
  const shares = view.groups
    .filter((group) => group.master !== null)
    .map((group) => ({ id: group.id, slots: view.slotsOf(group.id) }));
  if (shares.length === 0) return [];
  const byWealth = shares.slice().sort((a, b) => b.slots.length - a.slots.length || a.id - b.id);
  const fair = Math.floor(SLOT_COUNT / shares.length);
  const richCount = SLOT_COUNT % shares.length;
  const given: { slot: SlotId; source: GroupId | null }[] = view
    .slotsOf(GROUP_NONE)
    .map((slot) => ({ slot, source: null }));
  const needs: { id: GroupId; count: number }[] = [];
  byWealth.forEach(({ id, slots }, rank) => {
    const target = rank < richCount ? fair + 1 : fair;
    for (const slot of slots.slice(target)) given.push({ slot, source: id });
    if (slots.length < target) needs.push({ id, count: target - slots.length });
  });
  const moves: Move[] = [];
  for (const { id, count } of needs) {
    for (const { slot, source } of given.splice(0, count)) moves.push({ slot, source, target: id });
  }
  return moves;
}

/** All slots in one range per group, of equal length as nearly as can be, in the order given. @throws CacheError BAD_VIEW */
export function spread(groups: readonly number[]): SlotRange[] {
  if (groups.length === 0 || groups.length > SLOT_COUNT) refuse(`slots spread over 1 to ${SLOT_COUNT} groups`);
  if (new Set(groups).size !== groups.length) refuse('slots spread over each group once');
  const bound = (index: number): number => Math.floor((index * SLOT_COUNT) / groups.length);
  return groups.map((group, index) => [bound(index), bound(index + 1) - 1, group]);
}
