/** Dissertation §3.10 (leadership transfer), §9.6 (pre-vote), and messages that no correct node sends. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Message } from '../../src/raft';
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, Network } from './network';

describe('§3.10: leadership transfer', () => {
  test('a leader gives its place to who has the whole log, without a wait', () => {
    const network = new Network([1, 2, 3]);
    const { term } = network.elect(1);
    const beforeMs = network.nowMs;
    expect(network.core(1).transferTo(2, network.nowMs)).toBe(true);
    network.settle();
    expect(network.leader).toMatchObject({ id: 2, term: term + 1 });
    expect(network.nowMs).toBe(beforeMs);
  });

  test('who is behind is brought up to date first; meanwhile nothing is taken', () => {
    const network = new Network([1, 2, 3]);
    network.elect(1);
    network.drop = ({ type, to }) => type === 'append' && to === 2;
    network.propose('a');
    network.core(1).transferTo(2, network.nowMs);
    network.settle();
    expect(network.propose('b', 1)).toBeNull();
    expect(network.leader?.id).toBe(1);
    network.heal();
    network.pass(4 * HEARTBEAT_MS);
    expect(network.leader?.id).toBe(2);
    expect(network.applied(2)).toEqual(['a']);
  });

  test('it is given up after an election timeout', () => {
    const network = new Network([1, 2, 3]);
    network.elect(1);
    network.cutOff(2);
    network.core(1).transferTo(2, network.nowMs);
    network.pass(ELECTION_TIMEOUT_MS + HEARTBEAT_MS);
    expect(network.propose('a', 1)).not.toBeNull();
  });

  test('to itself, to a stranger or by a follower there is none', () => {
    const network = new Network([1, 2, 3]);
    network.elect(1);
    expect([1, 9].map((id) => network.core(1).transferTo(id, network.nowMs))).toEqual([false, false]);
    expect(network.core(2).transferTo(3, network.nowMs)).toBe(false);
  });

  test('nobody but the leader can tell a follower to begin an election', () => {
    const network = new Network([1, 2, 3]);
    const { term } = network.elect(1);
    network.deliver({ type: 'timeout-now', from: 3, to: 2, term });
    expect(network.core(2)).toMatchObject({ role: 'follower', term });
  });
});

describe('§9.6: pre-vote', () => {
  test('a node that was cut off comes back without disturbing anybody', () => {
    const network = new Network([1, 2, 3]);
    const { term } = network.elect(1);
    network.cutOff(3);
    network.pass(20 * ELECTION_TIMEOUT_MS);
    expect(network.core(3).term).toBe(term);
    network.heal();
    network.pass(10 * ELECTION_TIMEOUT_MS);
    expect(network.leader).toMatchObject({ id: 1, term });
  });

  test('who hears its leader grants no pre-vote, and no vote', () => {
    const network = new Network([1, 2, 3]);
    const { term } = network.elect(1);
    const ask = { from: 3, to: 2, term: term + 1, lastIndex: 99, lastTerm: term, isTransfer: false } as const;
    for (const type of ['pre-vote', 'vote'] as const) network.deliver({ type, ...ask });
    expect(network.core(2).ready()).toBeNull();
    expect(network.core(2).term).toBe(term);
  });

  test('a granted pre-vote changes neither term nor vote of who grants it', () => {
    const network = new Network([1, 2, 3]);
    network.deliver({ type: 'pre-vote', from: 3, to: 2, term: 1, lastIndex: 0, lastTerm: 0, isTransfer: false });
    expect(network.core(2).takeUrgent()).toMatchObject([{ type: 'pre-vote-reply', isGranted: true, term: 1 }]);
    expect(network.core(2)).toMatchObject({ term: 0, vote: 0 });
  });

  test('a one-way link costs one election at most', () => {
    const network = new Network([1, 2, 3]);
    const { term } = network.elect(1);
    network.drop = ({ from, to }) => from === 1 && to === 3;
    network.pass(30 * ELECTION_TIMEOUT_MS);
    expect(network.leader?.term).toBeLessThanOrEqual(term + 1);
  });

  test('a node in a later term is taken back', () => {
    const network = new Network([1, 2, 3]);
    const { term } = network.elect(1);
    network.members.get(3)?.storage.append({ term: term + 5, vote: 3, commit: 0 }, [], () => {});
    network.start(3);
    network.pass(10 * ELECTION_TIMEOUT_MS);
    expect(network.leader?.term).toBeGreaterThan(term + 5);
    expect(network.core(3).leader).toBe(network.leader?.id);
  });
});

describe('messages that no correct node sends change nothing that is committed, and throw nothing', () => {
  const number = fc.oneof(fc.nat({ max: 9 }), fc.constantFrom(NaN, -1, 0.5, Infinity, 2 ** 52, 2 ** 60));
  const type = fc.constantFrom<Message['type']>(
    ...(['pre-vote', 'vote', 'pre-vote-reply', 'vote-reply', 'append', 'append-reply'] as const),
    ...(['heartbeat', 'heartbeat-reply', 'snapshot', 'snapshot-reply', 'timeout-now'] as const),
  );
  const entry = fc.record({
    index: number,
    term: number,
    kind: fc.constantFrom('empty', 'command', 'membership'),
    data: fc.uint8Array({ maxLength: 3 }),
  });
  const noise = fc.record({
    type,
    from: fc.constantFrom(2, 3, 9),
    to: fc.constant(1),
    term: fc.oneof(fc.constant(1), number),
    lastIndex: number,
    lastTerm: number,
    isTransfer: fc.boolean(),
    isGranted: fc.boolean(),
    previousIndex: number,
    previousTerm: number,
    entries: fc.array(entry, { maxLength: 3 }),
    commit: number,
    index: number,
    isRejected: fc.boolean(),
    hintIndex: number,
    hintTerm: number,
    round: number,
    indexTerm: number,
    totalBytes: number,
    offset: number,
    nextOffset: number,
    data: fc.uint8Array({ maxLength: 3 }),
    membership: fc.constant({ voters: [1, 2], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }),
  });

  test.each([1, 2])('where node %i leads', (leader) => {
    const run = (messages: readonly unknown[]): void => {
      const network = new Network([1, 2, 3]);
      network.elect(leader);
      network.propose('a', leader);
      network.propose('b', leader);
      const { commit, term } = network.core(1);
      for (const message of messages) {
        network.core(1).step(message as Message, network.nowMs);
        for (let ready = network.core(1).ready(); ready !== null; ready = network.core(1).ready())
          network.core(1).advance();
      }
      expect(network.core(1).commit).toBeGreaterThanOrEqual(commit);
      expect(network.core(1).term).toBeGreaterThanOrEqual(term);
      expect(network.core(1).lastIndex).toBeGreaterThanOrEqual(commit);
    };
    fc.assert(fc.property(fc.array(noise, { maxLength: 12 }), run), { numRuns: 300 });
  });
});
