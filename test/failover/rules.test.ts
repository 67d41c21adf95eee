/** Leases in the leader's books, the choice of a master, and whether an automatic failover may begin. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import {
  chooseReplica,
  LeaseTable,
  mayReturn,
  whyNotNow,
  withEra,
  type Candidate,
  type ChoiceRules,
  type Lineage,
  type MemberReport,
} from '../../src/failover';

afterEach(() => plant(null));

/** Streams that began at 50. */
const eras = (...streams: readonly string[]): Lineage => streams.map((stream) => ({ stream, since: 50 }));

describe('LeaseTable', () => {
  test('counts from the last grant, and a twentieth longer', () => {
    const table = new LeaseTable();
    table.grant('a', 1000, 0);
    table.grant('a', 1000, 500);
    expect(table.mayHoldUntilMs('a')).toBe(1550);
    table.grant('a', 100, 600);
    expect(table.mayHoldUntilMs('a')).toBe(1550);
    expect(table.mayHoldUntilMs('b')).toBe(-Infinity);
  });

  test('a new leader takes everybody to hold one', () => {
    const table = new LeaseTable();
    table.acknowledge('a', 7);
    table.begin(10_000, 800);
    expect(table.mayHoldUntilMs('anybody')).toBe(10_840);
    expect(table.versionOf('a')).toBe(-1);
  });

  test('forgets who has gone, once nothing can be left of the lease', () => {
    const table = new LeaseTable();
    table.grant('gone', 1000, 0);
    table.forgetLapsed(1050, () => false);
    expect(table.known).toEqual(['gone']);
    table.forgetLapsed(1051, () => false);
    expect(table.known).toEqual([]);
  });

  test('a holder whose clock is slow by less than a twentieth has always stopped before', () => {
    const lateness = fc.double({ min: 0, max: 5000, noNaN: true });
    fc.assert(
      fc.property(lateness, lateness, fc.double({ min: 0.955, max: 1.05, noNaN: true }), (wayMs, waitMs, rate) => {
        const table = new LeaseTable();
        const sentMs = 1000;
        table.grant('a', 800, sentMs + wayMs);
        const holderStopsMs = sentMs + 800 / rate;
        expect(table.mayHoldUntilMs('a') + waitMs).toBeGreaterThanOrEqual(holderStopsMs);
      }),
    );
  });
});

describe('chooseReplica', () => {
  const rules: ChoiceRules = { stream: 's', lineage: [], masterOffset: -1, lagLimitBytes: 0, isForced: false };
  const one = (memberId: string, changes: Partial<Candidate> = {}): Candidate => ({
    memberId,
    isHealthy: true,
    priority: 100,
    stream: 's',
    offset: 50,
    runId: memberId,
    isFollower: false,
    isPromoted: false,
    ...changes,
  });
  const chosen = (candidates: Candidate[], changes: Partial<ChoiceRules> = {}): string | undefined =>
    chooseReplica(candidates, { ...rules, ...changes })?.memberId;

  test('priority, then offset, then who is promoted, then the run', () => {
    expect(chosen([one('a', { offset: 90 }), one('b', { priority: 10 })])).toBe('b');
    expect(chosen([one('a'), one('b', { offset: 51 })])).toBe('b');
    expect(chosen([one('a'), one('b', { isPromoted: true })])).toBe('b');
    expect(chosen([one('b'), one('a')])).toBe('a');
  });

  test('nobody who is ill, not to be promoted, or in another stream', () => {
    expect(
      chosen([one('a', { isHealthy: false }), one('b', { priority: 0 }), one('c', { stream: 't' })]),
    ).toBeUndefined();
  });

  test('nobody who lacks too much, or all, unless forced', () => {
    const limits = { masterOffset: 100, lagLimitBytes: 20 };
    expect(chosen([one('a', { offset: 79 })], limits)).toBeUndefined();
    expect(chosen([one('a', { offset: 80 })], limits)).toBe('a');
    expect(chosen([one('a', { offset: 1 })], { masterOffset: 100 })).toBeUndefined();
    expect(chosen([one('a', { offset: 1 })], { masterOffset: 100, isForced: true })).toBe('a');
  });

  test('where nobody knows the stream, that of most', () => {
    const candidates = [one('a', { stream: 'x', offset: 900 }), one('b', { stream: 'y' }), one('c', { stream: 'y' })];
    expect(chosen(candidates, { stream: '' })).toBe('b');
    expect(chosen(candidates, { stream: '', lineage: eras('y') })).toBe('a');
  });

  test('where the stream went on under another name, that of who followed to the end', () => {
    const [stale, follower] = [one('a', { stream: 'old', offset: 900 }), one('b', { stream: 'new', isFollower: true })];
    expect(chosen([stale, follower], { lineage: eras('s') })).toBe('b');
    expect(chosen([{ ...stale, isFollower: true }], { lineage: eras('old', 's') })).toBeUndefined();
    expect(chosen([stale], { lineage: eras('s') })).toBeUndefined();
    expect(chosen([follower, one('c', { isHealthy: false })])).toBeUndefined();
  });

  test('the planted bug lower-offset-chosen shows', () => {
    plant('lower-offset-chosen');
    expect(chosen([one('a'), one('b', { offset: 51 })])).toBe('a');
  });
});

describe('whyNotNow', () => {
  const policy = { intervalMs: 60_000, atOncePercent: 50 };
  const occasion = { sinceLastMs: Infinity, isProcessGone: false, isPaused: false, running: 0, groups: 4 };

  test.each([
    ['nothing speaks against it', {}, null],
    ['paused', { isPaused: true }, /paused/],
    ['too soon', { sinceLastMs: 59_999 }, /less than 60000 ms ago/],
    ['soon, but that process is gone', { sinceLastMs: 1, isProcessGone: true }, null],
    ['half of the groups run already', { running: 2 }, /2 groups/],
    ['one always may', { groups: 1 }, null],
  ])('%s', (_, changes, expected) => {
    const why = whyNotNow(policy, { ...occasion, ...changes });
    if (expected === null) expect(why).toBeNull();
    else expect(why).toMatch(expected);
  });
});

describe('mayReturn', () => {
  const at = (stream: string, offset: number, changes: Partial<MemberReport> = {}): MemberReport => ({
    runId: 'r',
    role: 'replica',
    stream,
    offset,
    formerStream: '',
    formerOffset: -1,
    priority: 100,
    masterHost: '',
    masterPort: 0,
    isLinkUp: false,
    linkDownSeconds: -1,
    isSyncing: false,
    isLoading: false,
    isPending: false,
    hasKeys: offset > 0,
    ...changes,
  });
  const former = at('s', 100, { role: 'master', isPending: true });

  test.each<[string, MemberReport, MemberReport[], boolean, boolean]>([
    ['who has as much as the others', former, [at('s', 100)], true, true],
    ['who has less', former, [at('s', 101)], true, false],
    ['who has more than those that missed the last change of master', former, [at('before', 900)], true, true],
    ['who lost something from before the last change of master', at('s', 40), [at('before', 60)], true, false],
    ['who missed the last change of master', at('before', 900), [at('s', 100)], true, false],
    ['who cannot be compared with somebody', former, [at('elsewhere', 5)], true, false],
    ['who has data, where nobody else has any', former, [at('elsewhere', 0)], false, true],
    ['who came back before the others have loaded', former, [at('s', 0, { isLoading: true })], true, false],
    ['who has nothing, where somebody has', at('new', 0), [at('s', 50)], true, false],
    ['who has nothing, where somebody may have', at('new', 0), [], false, false],
    ['who has nothing, where nobody has', at('new', 0), [at('s', 0)], true, true],
  ])('%s', (_, master, others, areAll, may) => {
    expect(mayReturn(master, others, areAll, eras('before', 's'))).toBe(may);
  });
});

test('a lineage has each stream once, the newest last, and not without end', () => {
  let lineage: Lineage = [];
  for (let i = 0; i < 20; i++) lineage = withEra(lineage, { stream: `s${i}`, since: i });
  expect(lineage).toHaveLength(16);
  expect(withEra(lineage, { stream: 's19', since: 99 })).toBe(lineage);
  expect(withEra(lineage, { stream: '', since: 99 })).toBe(lineage);
  const again = withEra(lineage, { stream: 's10', since: 3 });
  expect(again).toHaveLength(16);
  // What begins after another stream began no sooner than that.
  expect(again.at(-1)).toEqual({ stream: 's10', since: 19 });
});
