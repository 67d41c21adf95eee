import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClusterView, planRebalance, SLOT_COUNT, spread } from '../../src/slots';
import { member, views } from './views';

function carriedOut(view: ClusterView): ClusterView {
  return view.withRanges(planRebalance(view).map(({ slot, target }) => [slot, slot, target]));
}

/** Slot counts of the groups that can own slots. */
function counts(view: ClusterView): number[] {
  return view.groups.filter(({ master }) => master !== null).map(({ id }) => view.slotsOf(id).length);
}

/** The least number of slots that must leave their owners: the best of all ways to hand out the larger shares. */
function leastMoves(owned: number[]): number {
  const fair = Math.floor(SLOT_COUNT / owned.length);
  const choose = (index: number, larger: number): number => {
    if (index === owned.length) return larger === 0 ? 0 : Infinity;
    const small = Math.max(0, owned[index] - fair) + choose(index + 1, larger);
    if (larger === 0) return small;
    return Math.min(small, Math.max(0, owned[index] - fair - 1) + choose(index + 1, larger - 1));
  };
  return choose(0, SLOT_COUNT % owned.length);
}

describe('planRebalance', () => {
  test('ends with equal shares, all slots owned, and the fewest moves', () => {
    fc.assert(
      fc.property(views, (view) => {
        const moves = planRebalance(view);
        const before = counts(view);
        if (before.length === 0) {
          expect(moves).toEqual([]);
          return;
        }
        const after = carriedOut(view);
        expect(Math.max(...counts(after)) - Math.min(...counts(after))).toBeLessThanOrEqual(1);
        expect(counts(after).reduce((sum, count) => sum + count, 0)).toBe(SLOT_COUNT);
        expect(moves.filter(({ source }) => source !== null).length).toBe(leastMoves(before));
        for (const { slot, source, target } of moves) {
          expect(view.ownerOf(slot)?.id ?? null).toBe(source);
          expect(after.ownerOf(slot)?.id).toBe(target);
          expect(source).not.toBe(target);
        }
        expect(planRebalance(after)).toEqual([]);
        expect(planRebalance(ClusterView.parse(view.toJSON()))).toEqual(moves);
      }),
    );
  });

  test('fills a new group from the ends of the others', () => {
    const view = ClusterView.empty
      .withGroup(1)
      .withGroup(2)
      .withMember(1, member(1, 'master'))
      .withMember(2, member(2, 'master'))
      .withRanges(spread([1, 2]))
      .withGroup(3)
      .withMember(3, member(3, 'master'));
    expect(carriedOut(view).ranges()).toEqual([
      [0, 341, 1],
      [342, 511, 3],
      [512, 852, 2],
      [853, 1023, 3],
    ]);
  });
});

describe('spread', () => {
  test('covers all slots once, in equal ranges', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(9999), { minLength: 1, maxLength: SLOT_COUNT }), (groups) => {
        const ranges = spread(groups);
        expect(ranges.map(([, , group]) => group)).toEqual(groups);
        const lengths = ranges.map(([from, to]) => to - from + 1);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
        ranges.forEach(([from], index) => expect(from).toBe(index === 0 ? 0 : ranges[index - 1][1] + 1));
        expect(ranges.at(-1)?.[1]).toBe(SLOT_COUNT - 1);
      }),
    );
  });

  test('refuses no group and the same group twice', () => {
    expect(() => spread([])).toThrow('1 to 1024 groups');
    expect(() => spread([1, 1])).toThrow('each group once');
  });
});
