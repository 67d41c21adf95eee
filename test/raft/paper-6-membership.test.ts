/** Raft paper §6 and dissertation §4 (cluster membership changes). */
import { expect, test } from 'vitest';
import { membershipOf, NO_MEMBERS, type MembershipStep } from '../../src/raft';
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, Network } from './network';

const add = (node: number): MembershipStep => ({ does: 'add-voter', node });
const learn = (node: number): MembershipStep => ({ does: 'add-learner', node });
const remove = (node: number): MembershipStep => ({ does: 'remove', node });

/** Three voters, the first of which leads, and others that wait to be added. */
function networkOf(others: readonly number[] = []): Network {
  const network = new Network([1, 2, 3, ...others], {}, membershipOf([1, 2, 3]));
  for (const id of others) network.start(id, NO_MEMBERS);
  network.elect(1);
  return network;
}

function change(network: Network, ...steps: MembershipStep[]): number | null {
  const index = network.leader?.proposeMembership(steps, network.nowMs) ?? null;
  network.settle();
  return index;
}

test('a node is added with the whole log, and votes from then on', () => {
  const network = networkOf([4]);
  network.propose('a');
  change(network, add(4));
  network.pass(2 * HEARTBEAT_MS);
  expect(network.applied(4)).toEqual(['a']);
  for (const id of [1, 2, 3, 4]) expect(network.core(id).membership).toEqual(membershipOf([1, 2, 3, 4]));
  network.cutOff(1, 2);
  network.propose('b', 1);
  expect(network.core(1).commit).toBeLessThan(network.core(1).lastIndex);
});

test('§6: several at once go through a joint configuration, which is left by itself', () => {
  const network = networkOf([4, 5]);
  const index = change(network, add(4), add(5), remove(3)) ?? 0;
  network.pass(4 * HEARTBEAT_MS);
  for (const id of [1, 2, 4, 5]) expect(network.core(id).membership).toEqual(membershipOf([1, 2, 4, 5]));
  expect(network.core(1).applied).toBe(index + 1);
});

test('§6: while it is joint, both majorities are needed', () => {
  const network = networkOf([4, 5]);
  network.drop = ({ to }) => to === 4 || to === 5;
  change(network, add(4), add(5), remove(2), remove(3));
  expect(network.core(1).membership).toMatchObject({ voters: [1, 4, 5], votersOutgoing: [1, 2, 3] });
  const { commit } = network.core(1);
  network.propose('a', 1);
  expect(network.core(1).commit).toBe(commit);
  network.heal();
  network.pass(4 * HEARTBEAT_MS);
  expect(network.core(4)).toMatchObject({ membership: membershipOf([1, 4, 5]), commit: network.core(1).lastIndex });
});

test('§6: a new leader finishes what was joint', () => {
  const network = networkOf([4, 5]);
  network.drop = ({ to }) => to === 4 || to === 5;
  change(network, add(4), add(5));
  network.cutOff(1);
  network.pass(10 * ELECTION_TIMEOUT_MS);
  network.heal();
  network.pass(10 * ELECTION_TIMEOUT_MS);
  for (const id of [1, 2, 3, 4, 5]) expect(network.core(id).membership).toEqual(membershipOf([1, 2, 3, 4, 5]));
});

test('one change at a time, and none before an entry of the leader’s own term is applied', () => {
  const network = networkOf([4, 5]);
  network.cutOff(1);
  expect(change(network, add(4))).not.toBeNull();
  expect(change(network, add(5))).toBeNull();
  network.heal();
  network.elect(2);
  network.drop = ({ type }) => type === 'append-reply';
  const leader = network.elect(3);
  expect(leader.proposeMembership([add(5)], network.nowMs)).toBeNull();
  network.heal();
  network.pass(4 * HEARTBEAT_MS);
  expect(change(network, add(5))).not.toBeNull();
});

test('a change that would leave no voters, or that nobody can make, is not taken', () => {
  const network = networkOf();
  expect(change(network, remove(1), remove(2), remove(3))).toBeNull();
  expect(network.core(2).proposeMembership([add(4)], network.nowMs)).toBeNull();
});

test('§4.2.1: a learner receives all and counts for nothing', () => {
  const network = networkOf([4]);
  change(network, learn(4));
  network.cutOff(2, 3);
  network.propose('a', 1);
  expect(network.core(4).lastIndex).toBe(network.core(1).lastIndex);
  expect(network.core(1).commit).toBeLessThan(network.core(1).lastIndex);
  network.heal();
  network.pass(2 * HEARTBEAT_MS);
  expect(network.applied(4)).toEqual(['a']);
  expect(network.core(4).wakeAtMs).toBe(Infinity);
  change(network, add(4));
  expect(network.core(4).wakeAtMs).toBeLessThan(Infinity);
});

test('§4.2.2: a leader that is removed goes when the others know, and another is there at once', () => {
  const network = networkOf();
  const index = change(network, remove(1)) ?? 0;
  network.pass(2 * HEARTBEAT_MS);
  expect(network.core(1)).toMatchObject({ role: 'follower', commit: index });
  expect(network.leader?.membership).toEqual(membershipOf([2, 3]));
  expect(network.propose('without it')).not.toBeNull();
  expect(network.applied(2)).toEqual(['without it']);
});

test('§4.2.2: who is left without the last word gets it from who was removed', () => {
  const network = new Network([1, 2], { entryBytesPerMessageMax: 0 });
  const leader = network.elect(1);
  const { lastIndex: before } = leader;
  // What tells the second node that the change is committed is lost, and an entry after it; only the second has a vote now.
  network.drop = (message) =>
    ('commit' in message && message.commit > before) ||
    (message.type === 'append' && message.entries.some(({ index }) => index > before + 1));
  leader.proposeMembership([learn(1)], network.nowMs);
  network.propose('more', 1);
  expect(leader.membership).toMatchObject({ voters: [2], learners: [1] });
  network.pass(4 * ELECTION_TIMEOUT_MS);
  expect(network.core(2).membership).toEqual(membershipOf([1, 2]));
  network.start(1);
  network.heal();
  network.pass(20 * ELECTION_TIMEOUT_MS);
  expect(network.leader).toMatchObject({ id: 2, membership: { voters: [2], learners: [1] } });
});

test('§4.2.3: a node that was removed and does not know it disturbs nobody', () => {
  const network = networkOf([4]);
  change(network, add(4));
  network.cutOff(4);
  change(network, remove(4));
  network.heal();
  const { term, id } = network.core(1);
  network.pass(20 * ELECTION_TIMEOUT_MS);
  expect(network.leader).toMatchObject({ id, term });
});

test('a node that is restarted goes on with the membership that it had', () => {
  const network = networkOf([4]);
  change(network, add(4));
  network.propose('a');
  network.start(2);
  network.pass(4 * HEARTBEAT_MS);
  expect(network.core(2).membership).toEqual(membershipOf([1, 2, 3, 4]));
});
