/** Raft paper §5.1 (terms) and §5.2 (leader election). */
import { expect, test } from 'vitest';
import { membershipOf, type Message } from '../../src/raft';
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, Network } from './network';

test('§5.1: a server that sees a greater term takes it over and becomes a follower', () => {
  for (const role of ['follower', 'candidate', 'leader'] as const) {
    const network = new Network([1, 2, 3]);
    if (role === 'candidate') network.drop = ({ type }) => type === 'vote';
    if (role !== 'follower') network.elect(1);
    expect(network.core(1).role).toBe(role);
    const term = network.core(1).term + 3;
    network.deliver({ type: 'heartbeat', from: 2, to: 1, term, commit: 0, round: 1 });
    expect(network.core(1)).toMatchObject({ role: 'follower', term, leader: 2, vote: 0 });
  }
});

test('§5.1: a request of an older term changes nothing; its sender is told the newer one', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.elect(2);
  const { term } = network.core(2);
  const stale = { type: 'append', from: 1, to: 3, term: term - 1, previousIndex: 0, previousTerm: 0 } as const;
  network.deliver({ ...stale, entries: [], commit: 0 });
  expect(network.core(3).ready()?.messages).toMatchObject([{ type: 'append-reply', to: 1, term, isRejected: true }]);
  expect(network.core(3).leader).toBe(2);
});

test('§5.2: a follower remains one as long as heartbeats come', () => {
  const network = new Network([1, 2, 3]);
  const { term } = network.elect(1);
  network.pass(20 * ELECTION_TIMEOUT_MS);
  expect(network.core(1)).toMatchObject({ role: 'leader', term });
  expect([2, 3].map((id) => network.core(id).leader)).toEqual([1, 1]);
});

test('§5.2: a leader sends heartbeats to all, at the interval', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.pass(HEARTBEAT_MS);
  const before = network.delivered.length;
  network.pass(10 * HEARTBEAT_MS);
  const heartbeats = network.delivered.slice(before).filter(({ type }) => type === 'heartbeat');
  expect(heartbeats.filter(({ to }) => to === 2)).toHaveLength(10);
  expect(heartbeats.filter(({ to }) => to === 3)).toHaveLength(10);
});

test('§5.2: a candidate votes for itself, asks all others, and leads with the votes of a majority', () => {
  const network = new Network([1, 2, 3, 4, 5]);
  network.drop = ({ from, to }) => [4, 5].includes(from) || [4, 5].includes(to);
  network.elect(1);
  expect(network.core(1)).toMatchObject({ role: 'leader', term: 1, vote: 1 });
  expect([2, 3].map((id) => network.core(id).vote)).toEqual([1, 1]);
});

test('§5.2: without a majority nobody leads, and no term is used up', () => {
  const network = new Network([1, 2, 3]);
  network.cutOff(1);
  network.elect(1);
  network.pass(ELECTION_TIMEOUT_MS / 2);
  expect(network.core(1)).toMatchObject({ role: 'pre-candidate', term: 0, leader: 0 });
});

test('§5.2: a vote is given once per term, to who asks first', () => {
  const network = new Network([1, 2, 3]);
  const ask = (from: number): Message => {
    network.deliver({ type: 'vote', from, to: 1, term: 1, lastIndex: 0, lastTerm: 0, isTransfer: false });
    const ready = network.core(1).ready();
    network.core(1).advance();
    return ready?.messages[0] as Message;
  };
  expect(ask(2)).toMatchObject({ type: 'vote-reply', isGranted: true });
  expect(ask(3)).toMatchObject({ type: 'vote-reply', isGranted: false });
  expect(ask(2)).toMatchObject({ type: 'vote-reply', isGranted: true });
});

test('§5.2: a vote is on the disk before it is given', () => {
  const network = new Network([1, 2, 3]);
  network.deliver({ type: 'vote', from: 2, to: 1, term: 1, lastIndex: 0, lastTerm: 0, isTransfer: false });
  expect(network.core(1).takeUrgent()).toEqual([]);
  const ready = network.core(1).ready();
  expect(ready).toMatchObject({ hardState: { term: 1, vote: 2 }, messages: [{ type: 'vote-reply', isGranted: true }] });
});

test('§5.2: a candidate that hears the leader of its term gives up', () => {
  const network = new Network([1, 2, 3]);
  network.drop = ({ type }) => type === 'vote';
  const { term } = network.elect(1);
  network.deliver({ type: 'heartbeat', from: 2, to: 1, term, commit: 0, round: 1 });
  expect(network.core(1)).toMatchObject({ role: 'follower', leader: 2, term, vote: 1 });
});

test('§5.2: waits are drawn from the election timeout up to twice that', () => {
  const waits = Array.from({ length: 200 }, (_, i) => new Network([i + 1, 999]).core(i + 1).wakeAtMs);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(ELECTION_TIMEOUT_MS);
  expect(Math.max(...waits)).toBeLessThan(2 * ELECTION_TIMEOUT_MS);
  expect(new Set(waits).size).toBeGreaterThan(150);
});

test('§5.2: there is a leader soon after the last one is gone', () => {
  const network = new Network([1, 2, 3, 4, 5]);
  network.elect(1);
  network.cutOff(1);
  network.pass(10 * ELECTION_TIMEOUT_MS);
  expect(network.core(1).role).not.toBe('leader');
  expect(network.leader?.id).toBeGreaterThan(1);
});

test('§5.2: one voter alone leads at once and commits what is on its disk', () => {
  const network = new Network([1]);
  network.pass(0);
  expect(network.core(1).role).toBe('leader');
  network.slowDisks.add(1);
  const index = network.propose('alone', 1);
  expect(network.core(1).commit).toBe(1);
  network.finishSave(1);
  expect(network.core(1).commit).toBe(index);
  expect(network.applied(1)).toEqual(['alone']);
});

test('who has no vote never campaigns', () => {
  const network = new Network([1, 2, 3], {}, membershipOf([1, 2]));
  network.drop = () => true;
  network.pass(20 * ELECTION_TIMEOUT_MS);
  expect(network.core(3)).toMatchObject({ role: 'follower', term: 0, wakeAtMs: Infinity });
});

test('who is told that its leader is gone asks at once, and is refused where the leader is heard', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.core(2).suspectLeader(network.nowMs);
  expect(network.core(2).wakeAtMs).toBeLessThan(network.nowMs + ELECTION_TIMEOUT_MS / 4 + 1);
  network.pass(ELECTION_TIMEOUT_MS);
  expect(network.leader?.id).toBe(1);
  network.cutOff(1);
  for (const id of [2, 3]) network.core(id).suspectLeader(network.nowMs);
  network.pass(ELECTION_TIMEOUT_MS / 2);
  expect(network.leader?.term).toBeGreaterThan(1);
});
