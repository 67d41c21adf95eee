/** Raft paper §8 and dissertation §6.4 (linearizable reads without log entries), §6.2 (a leader that lost its quorum). */
import { expect, test } from 'vitest';
import { READ_FAILED } from '../../src/raft';
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, Network } from './network';

test('§6.4: a read is confirmed by a round of heartbeats, at the commit of when it was asked for', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  const index = network.propose('a');
  expect(network.read(1)).toBe(index);
  expect(network.read(2)).toBeNull();
});

test('§6.4: reads of one turn share a round', () => {
  const network = new Network([1, 2, 3]);
  const core = network.elect(1);
  const before = network.delivered.length;
  for (let i = 0; i < 10; i++) core.requestRead(network.nowMs);
  network.settle();
  const heartbeats = network.delivered.slice(before).filter(({ type }) => type === 'heartbeat');
  expect(heartbeats).toHaveLength(2);
});

test('§6.4: a leader that is cut off answers no read, and in the end says so', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.cutOff(1);
  const number = network.core(1).requestRead(network.nowMs) ?? 0;
  network.settle();
  expect(network.members.get(1)?.reads.has(number)).toBe(false);
  network.pass(3 * ELECTION_TIMEOUT_MS);
  expect(network.members.get(1)?.reads.get(number)).toBe(READ_FAILED);
});

test('§8: a new leader answers no read before an entry of its own is committed', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.propose('a');
  network.drop = ({ type }) => type === 'append-reply';
  const leader = network.elect(2);
  const number = leader.requestRead(network.nowMs) ?? 0;
  network.settle();
  expect(network.members.get(2)?.reads.has(number)).toBe(false);
  network.heal();
  network.pass(2 * HEARTBEAT_MS);
  expect(network.members.get(2)?.reads.get(number)).toBe(leader.commit);
});

test('one voter alone answers by itself', () => {
  const network = new Network([1]);
  network.elect(1);
  expect(network.read(1)).toBe(1);
});

test('§6.4.1: with a lease a read asks nobody, until the lease is over', () => {
  const network = new Network([1, 2, 3], { readsByLease: true });
  network.pass(4 * ELECTION_TIMEOUT_MS);
  const leader = network.leader?.id ?? 0;
  network.pass(2 * HEARTBEAT_MS);
  network.cutOff(leader);
  expect(network.read(leader)).toBe(1);
  network.nowMs += ELECTION_TIMEOUT_MS;
  expect(network.read(leader)).toBeNull();
});

test('§6.4.1: a leader that has told another to begin an election has no lease', () => {
  const network = new Network([1, 2, 3], { readsByLease: true });
  network.pass(4 * ELECTION_TIMEOUT_MS);
  const leader = network.leader?.id ?? 0;
  network.drop = ({ type }) => type === 'timeout-now';
  network.core(leader).transferTo(leader === 1 ? 2 : 1, network.nowMs);
  network.pass(2 * ELECTION_TIMEOUT_MS);
  expect(network.leader?.id).toBe(leader);
  network.cutOff(leader);
  expect(network.read(leader)).toBeNull();
});

test('§6.4.1: with leases, who has just been started helps nobody to replace a leader', () => {
  const network = new Network([1, 2, 3], { readsByLease: true });
  network.pass(4 * ELECTION_TIMEOUT_MS);
  const { id: leader, term } = network.leader ?? { id: 0, term: 0 };
  const [follower, other] = [1, 2, 3].filter((id) => id !== leader);
  const restarted = network.start(follower);
  const ask = { type: 'vote', from: other, to: follower, term: term + 1, lastIndex: 9, lastTerm: term } as const;
  network.deliver({ ...ask, isTransfer: false });
  expect(restarted).toMatchObject({ term, vote: leader });
});

test('§6.2: a leader that hears from no quorum gives up', () => {
  const network = new Network([1, 2, 3, 4, 5]);
  network.elect(1);
  network.cutOff(1, 2);
  network.pass(3 * ELECTION_TIMEOUT_MS);
  expect(network.core(1)).toMatchObject({ role: 'follower', leader: 0 });
  expect(network.propose('a', 1)).toBeNull();
});
