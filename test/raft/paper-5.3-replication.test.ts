/** Raft paper §5.3 (log replication). */
import { describe, expect, test } from 'vitest';
import { type Message } from '../../src/raft';
import { ELECTION_TIMEOUT_MS, entriesOf, HEARTBEAT_MS, Network, networkWith } from './network';

test('a command is appended, replicated, committed by a majority, applied everywhere in order', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  expect(network.propose('a')).toBe(2);
  expect(network.propose('b')).toBe(3);
  for (const id of [1, 2, 3]) expect(network.applied(id)).toEqual(['a', 'b']);
});

test('followers learn of a commit at once, not with the next heartbeat', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  const beforeMs = network.nowMs;
  network.propose('a');
  expect(network.nowMs).toBe(beforeMs);
  expect(network.applied(3)).toEqual(['a']);
});

test('only a leader takes commands', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  expect(network.propose('a', 2)).toBeNull();
});

test('a follower refuses entries that do not follow on what it has', () => {
  const network = networkWith([[1, 2, 2], [1], [1]]);
  const request = { type: 'append', from: 2, to: 1, term: 3, entries: [], commit: 0 } as const;
  const answer = (previousIndex: number, previousTerm: number): Message => {
    network.deliver({ ...request, previousIndex, previousTerm });
    const message = network.core(1).ready()?.messages[0];
    network.core(1).advance();
    return message as Message;
  };
  expect(answer(0, 0)).toMatchObject({ isRejected: false, index: 0 });
  expect(answer(1, 1)).toMatchObject({ isRejected: false, index: 1 });
  expect(answer(3, 3)).toMatchObject({ isRejected: true, index: 3, hintIndex: 3, hintTerm: 2 });
  expect(answer(3, 1)).toMatchObject({ isRejected: true, index: 3, hintIndex: 1, hintTerm: 1 });
  expect(answer(9, 2)).toMatchObject({ isRejected: true, index: 9, hintIndex: 3, hintTerm: 2 });
});

// Figure 7: what the log of a follower may look like when the leader at the top comes to power in term 8.
const LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
const FIGURE_7: Readonly<Record<string, readonly number[]>> = {
  'a: misses one': [1, 1, 1, 4, 4, 5, 5, 6, 6],
  'b: misses many': [1, 1, 1, 4],
  'c: has one more': [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
  'd: has a term more': [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
  'e: has others and misses some': [1, 1, 1, 4, 4, 4, 4],
  'f: has terms that nobody committed': [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
};

describe('Figure 7: a follower is brought to the log of its leader', () => {
  test.each(Object.entries(FIGURE_7))('%s', (_, terms) => {
    const network = networkWith([LEADER, terms, [1]]);
    // The third node's vote is enough, as in the figure.
    network.drop = ({ from, to }) => (from === 2) !== (to === 2);
    network.pass(4 * ELECTION_TIMEOUT_MS);
    expect(network.core(1).role).toBe('leader');
    network.heal();
    network.pass(4 * ELECTION_TIMEOUT_MS);
    const { term } = network.leader ?? { term: 0 };
    network.propose('more');
    network.pass(4 * HEARTBEAT_MS);
    for (const id of [1, 2, 3]) expect(network.terms(id).slice(0, LEADER.length)).toEqual(LEADER);
    expect(network.terms(2)).toEqual(network.terms(1));
    expect(network.terms(2).at(-1)).toBe(term);
  });
});

test('a rejection skips all entries of terms that cannot match', () => {
  const network = networkWith([[1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5], [1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4], [1]]);
  network.elect(1);
  network.pass(HEARTBEAT_MS);
  const refusals = network.delivered.filter((message) => message.type === 'append-reply' && message.from === 2);
  expect(refusals.filter((message) => message.type === 'append-reply' && message.isRejected).length).toBeLessThan(4);
  expect(network.terms(2)).toEqual(network.terms(1));
});

test('an append that was overtaken takes nothing away', () => {
  const network = new Network([1, 2, 3]);
  const { term } = network.elect(1);
  const held: Message[] = [];
  network.drop = (message) => message.type === 'append' && message.to === 2 && held.push(message) > 0;
  network.propose('a');
  network.propose('b');
  network.heal();
  const [first] = held;
  network.deliver({
    type: 'append',
    from: 1,
    to: 2,
    term,
    previousIndex: 1,
    previousTerm: term,
    entries: entriesOf(0, 1, 1).slice(1),
    commit: 1,
  });
  network.settle();
  expect(network.core(2).lastIndex).toBe(3);
  network.deliver(first);
  network.settle();
  expect(network.core(2).lastIndex).toBe(3);
});

test('the commit goes no further than the entries that the message proves', () => {
  const network = networkWith([[1, 1, 1], [1], [1]]);
  const matching = entriesOf(1).map((entry) => ({ ...entry }));
  network.deliver({
    type: 'append',
    from: 2,
    to: 1,
    term: 2,
    previousIndex: 0,
    previousTerm: 0,
    entries: matching,
    commit: 3,
  });
  expect(network.core(1).commit).toBe(1);
});

test('what is lost is sent again', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  let losses = 0;
  network.drop = ({ type, to }) => type === 'append' && to === 3 && losses++ < 4;
  for (const text of ['a', 'b', 'c']) network.propose(text);
  network.pass(10 * HEARTBEAT_MS);
  expect(network.applied(3)).toEqual(['a', 'b', 'c']);
});

test('a silent follower is sent at most one append per heartbeat, a slow one at most what may be in flight', () => {
  const network = new Network([1, 2, 3], { appendsInFlightMax: 4 });
  network.elect(1);
  network.slowDisks.add(3);
  let before = network.delivered.length;
  for (let i = 0; i < 50; i++) network.propose(`slow ${i}`);
  const withEntries = (message: Message): boolean =>
    message.type === 'append' && message.to === 3 && message.entries.length > 0;
  expect(network.delivered.slice(before).filter(withEntries).length).toBeLessThanOrEqual(4);
  network.finishSave(3);
  network.pass(2 * HEARTBEAT_MS);
  expect(network.applied(3)).toHaveLength(50);
  network.cutOff(3);
  network.propose('cut');
  network.heal();
  before = network.delivered.length;
  expect(network.core(1).takeUrgent().filter(withEntries)).toEqual([]);
});

test('an append has at most so many bytes, or one entry', () => {
  const network = new Network([1, 2, 3], { entryBytesPerMessageMax: 100 });
  network.elect(1);
  network.cutOff(3);
  for (let i = 0; i < 20; i++) network.propose('x'.repeat(30));
  network.propose('y'.repeat(300));
  network.heal();
  network.pass(4 * HEARTBEAT_MS);
  expect(network.applied(3)).toHaveLength(21);
  for (const message of network.delivered) {
    if (message.type !== 'append' || message.entries.length < 2) continue;
    expect(message.entries.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThanOrEqual(100);
  }
});

test('proposals of one turn travel together', () => {
  const network = new Network([1, 2, 3]);
  const core = network.elect(1);
  const before = network.delivered.length;
  for (let i = 0; i < 10; i++) core.propose(Buffer.from(`${i}`), network.nowMs);
  network.settle();
  const appends = network.delivered
    .slice(before)
    .filter((message) => message.type === 'append' && message.entries.length > 0);
  expect(appends).toHaveLength(2);
});

test('a leader that cannot commit takes no more than its limit', () => {
  const network = new Network([1, 2, 3], { uncommittedBytesMax: 100 });
  network.elect(1);
  network.cutOff(1);
  expect(network.propose('x'.repeat(90), 1)).not.toBeNull();
  expect(network.propose('x'.repeat(20), 1)).toBeNull();
  network.heal();
  network.pass(2 * HEARTBEAT_MS);
  expect(network.propose('x'.repeat(20), 1)).not.toBeNull();
});
