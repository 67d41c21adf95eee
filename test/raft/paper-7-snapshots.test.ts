/** Raft paper §7 (log compaction). */
import { expect, test } from 'vitest';
import { membershipOf, NO_MEMBERS, type Message, type SnapshotChunk } from '../../src/raft';
import { ELECTION_TIMEOUT_MS, entriesOf, HEARTBEAT_MS, Network } from './network';

/** A leader whose log begins after a snapshot, and a third node that has missed all of it. */
function networkBehind(snapshotChunkBytes = 7): Network {
  const network = new Network([1, 2, 3], { entriesKeptMax: 0, snapshotChunkBytes });
  network.elect(1);
  network.cutOff(3);
  for (const text of ['a', 'b', 'c', 'd', 'e']) network.propose(text);
  for (const id of [1, 2]) network.compact(id);
  network.propose('f');
  return network;
}

function isChunk(message: Message): message is SnapshotChunk {
  return message.type === 'snapshot';
}

test('a follower whose entries are gone is sent the snapshot in chunks, and then the entries', () => {
  const network = networkBehind();
  expect(network.core(1).firstIndex).toBe(7);
  network.heal();
  network.pass(4 * HEARTBEAT_MS);
  expect(network.applied(3)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  const chunks = network.delivered.filter(isChunk);
  expect(chunks.length).toBeGreaterThan(2);
  for (const { data } of chunks) expect(data.length).toBeLessThanOrEqual(7);
  network.propose('g');
  expect(network.applied(3)).toContain('g');
});

test('chunks that are lost, repeated or overtaken do no harm', () => {
  const network = networkBehind(3);
  let count = 0;
  network.drop = (message) => isChunk(message) && count++ % 3 === 1;
  for (let i = 0; i < 40; i++) {
    network.pass(ELECTION_TIMEOUT_MS);
    const chunks = network.delivered.filter(isChunk);
    for (const chunk of chunks.slice(-3)) network.deliver(chunk);
  }
  expect(network.applied(3)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('a follower that restarts in the middle begins anew, and one that meets a newer snapshot takes that', () => {
  const network = networkBehind(3);
  network.drop = (message) => isChunk(message) && message.offset > 6;
  network.pass(2 * HEARTBEAT_MS);
  network.start(3);
  network.compact(1);
  network.heal();
  network.pass(6 * ELECTION_TIMEOUT_MS);
  expect(network.applied(3)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('who has the last entry of a snapshot keeps what follows it', () => {
  const network = new Network([1, 2, 3]);
  const { term } = network.elect(1);
  for (const text of ['a', 'b', 'c']) network.propose(text);
  const data = Buffer.from('[]');
  const chunk = {
    type: 'snapshot',
    from: 1,
    to: 2,
    term,
    index: 2,
    indexTerm: term,
    totalBytes: 2,
    offset: 0,
    data,
  } as const;
  network.deliver({ ...chunk, membership: membershipOf([1, 2, 3]) });
  network.settle();
  expect(network.core(2).lastIndex).toBe(4);
  expect(network.applied(2)).toEqual(['a', 'b', 'c']);
});

test('a log that contradicts the snapshot goes', () => {
  const network = networkBehind();
  const core = network.core(3);
  const entries = entriesOf(1, 2, 2, 2, 2, 2, 2, 2, 2).slice(1);
  const from = { from: 2, to: 3 } as const;
  core.step({ type: 'append', ...from, term: 2, previousIndex: 1, previousTerm: 1, entries, commit: 1 }, network.nowMs);
  network.settle();
  expect(core.lastIndex).toBe(9);
  const { snapshot } = network.members.get(1)?.storage.load() ?? { snapshot: null };
  const {
    index,
    term: indexTerm,
    membership,
    data,
  } = snapshot ?? { index: 0, term: 0, membership: NO_MEMBERS, data: Buffer.from('') };
  const whole = { index, indexTerm, membership, totalBytes: data.length, offset: 0, data };
  core.step({ type: 'snapshot', ...from, term: 3, ...whole }, network.nowMs);
  network.settle();
  expect(core.lastIndex).toBe(6);
  expect(network.applied(3)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a snapshot holds the membership, also of an entry before the last that changed it', () => {
  const network = new Network([1, 2, 3], { entriesKeptMax: 0 }, membershipOf([1, 2]));
  network.start(3, NO_MEMBERS);
  network.elect(1);
  network.propose('a');
  const before = network.core(1).applied;
  network.core(1).proposeMembership([{ does: 'add-voter', node: 3 }], network.nowMs);
  network.settle();
  expect(network.core(1).compact(before, Buffer.from('["a"]')).membership).toEqual(membershipOf([1, 2]));
  network.compact(1);
  network.pass(4 * HEARTBEAT_MS);
  expect(network.applied(3)).toEqual(['a']);
  expect(network.core(3).membership).toEqual(membershipOf([1, 2, 3]));
});

test('followers a little behind are still sent entries', () => {
  const network = new Network([1, 2, 3]);
  network.elect(1);
  network.cutOff(3);
  network.propose('a');
  network.compact(1);
  network.heal();
  network.pass(2 * HEARTBEAT_MS);
  expect(network.applied(3)).toEqual(['a']);
  expect(network.delivered.filter(isChunk)).toEqual([]);
});

test('a snapshot of more bytes than allowed is not begun', () => {
  const network = new Network([1, 2, 3], { entriesKeptMax: 0, snapshotBytesMax: 10 });
  network.elect(1);
  network.cutOff(3);
  network.propose('more than ten bytes');
  network.compact(1);
  network.heal();
  network.pass(2 * ELECTION_TIMEOUT_MS);
  expect(network.core(3).commit).toBe(1);
});
