import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../src/base';
import { ClusterView, GROUP_NONE, GROUPS_MAX, type SlotId } from '../../src/slots';
import { attempt, changes, checkInvariants, member, views } from './views';

const slot = (number: number): SlotId => number as SlotId;

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(CacheError);
    expect(error).toHaveProperty('code', 'BAD_VIEW');
    return (error as CacheError).message;
  }
  return 'accepted';
};

const pair = ClusterView.empty
  .withGroup(1)
  .withGroup(2)
  .withMember(1, member(1, 'master', 'a'))
  .withMember(1, member(2, 'replica', 'b'))
  .withMember(2, member(3, 'master'))
  .withSlots(0, 511, 1)
  .withSlots(512, 1023, 2);

/** The JSON text of a view in which one of the values, counted through all levels, is another. */
function withPlaceReplaced(view: ClusterView, place: number, other: unknown): string {
  let count = 0;
  JSON.stringify(view, (_, value: unknown) => {
    count++;
    return value;
  });
  let at = 0;
  return JSON.stringify(view, (_, value: unknown) => (at++ === place % count ? other : value));
}

describe('a view', () => {
  test('is never changed by what is made from it', () => {
    fc.assert(
      fc.property(views, changes, (view, change) => {
        const before = JSON.stringify(view);
        const after = attempt(view, change);
        expect(JSON.stringify(view)).toBe(before);
        if (after !== view) expect(after.version).toBe(view.version + 1);
        checkInvariants(after);
      }),
    );
  });

  test('survives JSON', () => {
    fc.assert(
      fc.property(views, (view) => {
        const text = JSON.stringify(view);
        expect(ClusterView.parse(text)).toEqual(view);
        expect(ClusterView.parse(JSON.parse(text))).toEqual(view);
        expect(JSON.stringify(ClusterView.parse(text))).toBe(text);
      }),
    );
  });

  test('tells owners in one form', () => {
    expect(pair.ranges()).toEqual([
      [0, 511, 1],
      [512, 1023, 2],
    ]);
    expect(pair.withSlots(100, 100, 2).withSlots(7, 8, GROUP_NONE).ranges()).toEqual([
      [0, 6, 1],
      [9, 99, 1],
      [100, 100, 2],
      [101, 511, 1],
      [512, 1023, 2],
    ]);
    expect(pair.ownerOf(slot(511))?.id).toBe(1);
    expect(ClusterView.empty.ownerOf(slot(0))).toBeNull();
    expect(pair.withSlots(7, 8, GROUP_NONE).slotsOf(GROUP_NONE)).toEqual([7, 8]);
  });

  test('grows an epoch by one per change of master', () => {
    const before = pair.group(1)!.epoch;
    const after = pair.withMaster(1, '10.0.0.1:2');
    expect(after.group(1)?.epoch).toBe(before + 1);
    expect(after.group(1)?.members.map(({ id, role }) => [id, role])).toEqual([
      ['10.0.0.1:1', 'replica'],
      ['10.0.0.1:2', 'master'],
    ]);
    expect(after.withoutMember(1, '10.0.0.1:1').group(1)?.epoch).toBe(before + 1);
  });

  test('never repeats an epoch when the number of a group is used again', () => {
    const first = ClusterView.empty.withGroup(1).withMember(1, member(1, 'master'));
    const second = first.withoutMember(1, '10.0.0.1:1').withoutGroup(1).withGroup(1).withMember(1, member(2, 'master'));
    expect(second.group(1)!.epoch).toBeGreaterThan(first.group(1)!.epoch);
  });

  test('refuses what its rules forbid', () => {
    const said = [
      () => pair.withGroup(1),
      () => pair.withGroup(-1),
      () => pair.withGroup(10_000),
      () => pair.withoutGroup(3),
      () => pair.withoutGroup(1),
      () => pair.withMember(1, member(9, 'master')),
      () => pair.withMember(2, member(1, 'replica')),
      () => pair.withGroup(3).withMember(3, member(9, 'replica')),
      () => pair.withMember(1, { ...member(9, 'replica'), host: 'a b' }),
      () => pair.withMember(1, { ...member(9, 'replica'), zone: '?' }),
      () => pair.withMember(1, member(0, 'replica')),
      () => pair.withoutMember(1, '10.0.0.1:3'),
      () => pair.withoutMember(1, '10.0.0.1:1'),
      () => pair.withoutMember(2, '10.0.0.1:3'),
      () => pair.withMaster(1, '10.0.0.1:1'),
      () => pair.withSlots(5, 4, 1),
      () => pair.withSlots(0, 1024, 1),
      () => pair.withSlots(0, 1, 7),
      () => pair.withGroup(3).withSlots(0, 1, 3),
      () =>
        pair.withRanges([
          [0, 5, 1],
          [5, 6, 2],
        ]),
    ].map(refusal);
    expect(said).toMatchInlineSnapshot(`
      [
        "group 1 exists already",
        "a group is numbered 0 to 9999, not -1",
        "a group is numbered 0 to 9999, not 10000",
        "there is no group 3",
        "group 1 still owns 512 slots; give them to another group first",
        "group 1 has a master, 10.0.0.1:1",
        "10.0.0.1:1 is in group 1 already",
        "group 3 has no master to replicate from",
        ""a b" is no host name and no IP address",
        "a zone is named with at most 64 letters, digits, '.', '_' and '-'",
        "a port is 1 to 65535, not 0",
        "10.0.0.1:3 is not a member of group 1",
        "10.0.0.1:1 is the master of group 1, which still has replicas",
        "10.0.0.1:3 is the only member of group 2, which owns slots",
        "10.0.0.1:1 is the master of group 1 already",
        "slots are 0 to 1023 in ascending order, not 5 to 4",
        "slots are 0 to 1023 in ascending order, not 0 to 1024",
        "there is no group 7",
        "group 3 cannot own slots before it has a master",
        "slot 5 is named twice",
      ]
    `);
  });
});

describe('parse', () => {
  test('ends in a view or in BAD_VIEW, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.jsonValue(), fc.anything()), (source) => {
        refusal(() => ClusterView.parse(source));
      }),
      { numRuns: 500 },
    );
  });

  test('ends in a view or in BAD_VIEW where one place of a good view is replaced', () => {
    const spoils = fc.oneof(
      fc.constantFrom<unknown>(-1, 1.5, 1e300, '', 'x', null, true, [], {}, NaN, -0, [[]], 1024),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(views, fc.nat(), spoils, (view, place, spoil) => {
        const spoiled = withPlaceReplaced(view, place, spoil);
        refusal(() => checkInvariants(ClusterView.parse(spoiled)));
      }),
      { numRuns: 500 },
    );
  });

  test('names the place of what is wrong', () => {
    const good = pair.toJSON();
    const said = [
      '{"version":1',
      [],
      { ...good, version: '7' },
      { ...good, version: -1 },
      { ...good, version: 2 ** 53 },
      { ...good, groups: {} },
      { ...good, groups: [null] },
      { ...good, groups: Array.from({ length: GROUPS_MAX + 1 }, () => good.groups[0]) },
      { ...good, groups: [...good.groups, good.groups[0]] },
      { ...good, groups: [{ ...good.groups[0], epoch: 99 }], slots: [] },
      { ...good, groups: [{ id: 1, epoch: 0, members: [{ host: 'a', port: 1, zone: '', role: 'king' }] }] },
      { ...good, groups: [{ id: 1, epoch: 0, members: [{ host: 'a', port: '1', zone: '', role: 'master' }] }] },
      { ...good, slots: [[0, 1]] },
      { ...good, slots: [[0, 1, 1, 1]] },
      { ...good, slots: [[0, 0.5, 1]] },
      {
        ...good,
        slots: [
          [0, 9, 1],
          [9, 10, 2],
        ],
      },
      { ...good, slots: [[0, 9, GROUP_NONE]] },
    ].map((source) => refusal(() => ClusterView.parse(source)));
    expect(said).toMatchInlineSnapshot(`
      [
        "the view is not JSON",
        "the view is not an object",
        "version is not a number",
        "a view cannot have the version -1",
        "a view cannot have the version 9007199254740992",
        "groups is not a list",
        "groups[0] is not an object",
        "groups has more than 1024 entries",
        "group 1 exists already",
        "group 1 has the epoch 99, but the view is 7",
        "a role is master or replica, not king",
        "groups[0].members[0].port is not a number",
        "slots[0][2] is not a number",
        "slots[0] has more than 3 entries",
        "slots are 0 to 1023 in ascending order, not 0 to 0.5",
        "slot 9 has two owners, 1 and 2",
        "a group is numbered 0 to 9999, not -1",
      ]
    `);
  });

  test('ignores what a later version may add', () => {
    expect(ClusterView.parse({ ...pair.toJSON(), leases: [] })).toEqual(pair);
  });
});
