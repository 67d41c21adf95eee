/** Who is down, for one observer and for the majority. */
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { Detector } from '../../src/failover';

const RULES = { downAfterMs: 1000, freshMs: 300 };
const NODE = 'a:1';
const VOTERS = [1, 2, 3];

afterEach(() => plant(null));

/** An observer that listens all the time until `untilMs`. */
function observer(untilMs = 0): Detector {
  const detector = new Detector(1, RULES, 0);
  detector.watch(NODE, 0);
  listen(detector, 0, untilMs);
  return detector;
}

function listen(detector: Detector, fromMs: number, untilMs: number): void {
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 50) detector.tick(nowMs);
}

const down = (why: 'silent' | 'refused' = 'silent') => ({
  isWithdrawn: false,
  down: [{ memberId: NODE, forMs: 1, why }],
});

describe('one observer', () => {
  test('silence is down after the time, and any answer ends it', () => {
    const detector = observer(1000);
    expect(detector.opinion(NODE, 999)).toBeNull();
    expect(detector.opinion(NODE, 1000)).toEqual({ memberId: NODE, forMs: 1000, why: 'silent' });
    detector.answered(NODE, 1010);
    expect(detector.opinion(NODE, 1010)).toBeNull();
  });

  test('refusal is down at once, until it answers', () => {
    const detector = observer();
    detector.refused(NODE, 10);
    expect(detector.opinion(NODE, 10)).toMatchObject({ why: 'refused' });
    detector.answered(NODE, 20);
    expect(detector.opinion(NODE, 20)).toBeNull();
  });

  test('a fresh master has twice the time, unless it refuses', () => {
    const detector = observer(500);
    detector.promoted(NODE, 500);
    listen(detector, 550, 2500);
    expect(detector.opinion(NODE, 2499)).toBeNull();
    expect(detector.opinion(NODE, 2500)).toMatchObject({ why: 'silent' });
    detector.promoted(NODE, 2500);
    detector.refused(NODE, 2501);
    expect(detector.opinion(NODE, 2501)).toMatchObject({ why: 'refused' });
  });

  test('what others said of a fresh master before it was one does not count, nor their impatience', () => {
    const detector = observer(500);
    const down = (why: 'silent' | 'refused') => ({ isWithdrawn: false, down: [{ memberId: NODE, forMs: 2000, why }] });
    for (const voter of [2, 3]) detector.heard(voter, down('refused'), 500);
    expect(detector.isObjectivelyDown(NODE, [1, 2, 3], 500)).toBe(true);
    detector.promoted(NODE, 501);
    expect(detector.isObjectivelyDown(NODE, [1, 2, 3], 502)).toBe(false);
    for (const voter of [2, 3]) detector.heard(voter, down('silent'), 503);
    expect(detector.isObjectivelyDown(NODE, [1, 2, 3], 504)).toBe(false);
    for (const voter of [2, 3]) detector.heard(voter, down('refused'), 505);
    expect(detector.isObjectivelyDown(NODE, [1, 2, 3], 506)).toBe(true);
  });

  test('who did not listen has heard nothing: all starts anew, and its voice is withdrawn', () => {
    const detector = observer(400);
    expect(detector.tick(5000)).toBe(true);
    expect(detector.opinions(5000)).toEqual({ isWithdrawn: true, down: [] });
    listen(detector, 5050, 6000);
    expect(detector.opinions(5999).isWithdrawn).toBe(true);
    expect(detector.opinions(6000)).toMatchObject({ isWithdrawn: false, down: [{ memberId: NODE }] });
  });

  test('who did not listen does not believe what has waited to be heard', () => {
    const detector = observer(400);
    for (const from of [2, 3]) detector.heard(from, down(), 5000);
    listen(detector, 5000, 5250);
    for (const from of [2, 3]) detector.heard(from, down(), 5250);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 5250)).toBe(false);
    listen(detector, 5300, 5300);
    for (const from of [2, 3]) detector.heard(from, down(), 5300);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 5300)).toBe(true);
  });

  test('a refusal that comes right after a stall starts nothing', () => {
    const detector = observer(400);
    detector.refused(NODE, 5000);
    expect(detector.votes(NODE, VOTERS, 5000)).toEqual([]);
  });
});

describe('the majority', () => {
  test('of all voters, not of those who speak', () => {
    const detector = observer(1000);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 1000)).toBe(false);
    detector.heard(2, down(), 1000);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 1000)).toBe(true);
    expect(detector.isObjectivelyDown(NODE, [1, 2, 3, 4], 1000)).toBe(false);
    expect(detector.votes(NODE, VOTERS, 1000)).toEqual([
      { voter: 1, why: 'silent' },
      { voter: 2, why: 'silent' },
    ]);
  });

  test('can overrule this observer, but strangers have no vote', () => {
    const detector = observer();
    detector.heard(2, down(), 0);
    detector.heard(9, down(), 0);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 0)).toBe(false);
    detector.heard(3, down('refused'), 0);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 0)).toBe(true);
  });

  test('opinions fade, are replaced, and are withdrawn', () => {
    const detector = observer(1000);
    detector.heard(2, down(), 1000);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 1300)).toBe(true);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 1301)).toBe(false);
    detector.heard(2, down(), 1301);
    detector.heard(2, { isWithdrawn: false, down: [] }, 1302);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 1302)).toBe(false);
    detector.heard(2, { ...down(), isWithdrawn: true }, 1303);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 1303)).toBe(false);
  });

  test.each(['stale-opinions-count', 'minority-is-enough'])('the planted bug %s shows', (bug) => {
    const detector = observer(1000);
    detector.heard(2, down(), 600);
    plant(bug);
    expect(detector.isObjectivelyDown(NODE, VOTERS, 1000)).toBe(true);
  });
});
