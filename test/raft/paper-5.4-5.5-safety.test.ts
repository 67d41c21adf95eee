/** Raft paper §5.4 (safety), §5.5 (crashes), §5.6 (timing and availability): by hand, and under chaos. */
import { describe, expect, test } from 'vitest';
import { type Message } from '../../src/raft';
import { Chaos } from './chaos';
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, Network, networkWith } from './network';

test('§5.4.1: nobody votes for a log that is less up to date than its own', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.cutOff(3);
  network.propose('a');
  network.heal();
  const { term } = network.core(1);
  const ask = (lastIndex: number, lastTerm: number): Message | undefined => {
    const next = network.core(2).term + 1;
    network.deliver({ type: 'vote', from: 3, to: 2, term: next, lastIndex, lastTerm, isTransfer: true });
    const messages = network.core(2).ready()?.messages;
    network.core(2).advance();
    return messages?.[0];
  };
  expect(ask(1, term)).toMatchObject({ isGranted: false });
  expect(ask(5, term - 1)).toMatchObject({ isGranted: false });
  expect(ask(2, term)).toMatchObject({ isGranted: true });
  expect(ask(1, term + 1)).toMatchObject({ isGranted: true });
});

test('§5.4.2, Figure 8: an entry of an earlier term is committed only with one of the present', () => {
  const network = networkWith([[1, 2], [1, 2], [1], [1], [1, 3]], 3);
  network.drop = ({ type, from, to }) => type === 'append' || from === 5 || to === 5;
  const { term, id: to } = network.elect(1);
  expect(term).toBe(4);
  const acknowledge = (from: number, index: number): void => {
    network.deliver({ type: 'append-reply', from, to, term, index, isRejected: false, hintIndex: 0, hintTerm: 0 });
    network.settle();
  };
  // (c): the first leads again, and has spread the entry of term 2 to a majority.
  for (const from of [2, 3, 4]) acknowledge(from, 2);
  expect(network.core(1).commit).toBe(0);
  // (e): once one of its own is on a majority as well, both are committed.
  for (const from of [2, 3]) acknowledge(from, 3);
  expect(network.core(1).commit).toBe(3);
});

test('§5.4: a leader counts itself only for what is on its disk', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.slowDisks.add(1);
  network.drop = ({ to }) => to === 3;
  network.propose('a');
  expect([1, 2].map((id) => network.core(id).lastIndex)).toEqual([2, 2]);
  expect(network.core(1).commit).toBe(1);
  network.finishSave(1);
  expect(network.core(1).commit).toBe(2);
});

test('§5.4: others may commit what the leader has not saved yet', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.slowDisks.add(1);
  network.propose('a');
  expect(network.core(1).commit).toBe(2);
  expect(network.applied(1)).toEqual([]);
  network.finishSave(1);
  expect(network.applied(1)).toEqual(['a']);
});

test('§5.5: a node goes on from its disk', () => {
  const network = new Network([1, 2, 3]);
  const { term } = network.elect(1);
  network.propose('a');
  network.start(2);
  expect(network.core(2)).toMatchObject({ term, vote: 1, lastIndex: 2, role: 'follower' });
  network.propose('b');
  network.pass(2 * HEARTBEAT_MS);
  expect(network.applied(2)).toEqual(['a', 'b']);
});

test('§5.5: a slow disk costs no leader its place', () => {
  const network = new Network([1, 2, 3]);
  const { term } = network.elect(1);
  network.slowDisks.add(1);
  network.propose('a');
  network.pass(10 * ELECTION_TIMEOUT_MS);
  expect(network.leader).toMatchObject({ id: 1, term });
});

test('§5.6: after all has gone down there is a leader again, with all that was committed', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.propose('a');
  for (const id of network.ids) network.start(id);
  network.pass(10 * ELECTION_TIMEOUT_MS);
  expect(network.leader).not.toBeNull();
  for (const id of network.ids) expect(network.applied(id)).toEqual(['a']);
});

describe('under chaos nothing happens that must not, and all is well after', () => {
  const runs = Array.from({ length: 6 }, (_, i) => ({ from: 1 + 10 * i, readsByLease: i === 5 }));
  test.each(runs)('ten seeds from $from', ({ from, readsByLease }) => {
    const seen = { leaders: 0, commits: 0, reads: 0, snapshots: 0, membershipChanges: 0, crashes: 0, truncations: 0 };
    for (let seed = from; seed < from + 10; seed++) {
      const chaos = new Chaos(seed, { readsByLease });
      chaos.run(1500);
      expect(chaos.heals(), `seed ${seed}`).toBe(true);
      for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += chaos.seen[key];
    }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(0);
  });
});
