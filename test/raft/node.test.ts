/** The node: core, disk log and state machine together, on a virtual clock. */
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import type { Outcome } from '../../src/raft/node-waiting';
import { NodeCluster, type Member } from './node-cluster';

afterEach(() => plant(null));

/** Proposes words one after the other, each when the last was carried out. */
function say(cluster: NodeCluster, member: Member, words: readonly string[]): void {
  for (const word of words) {
    const answer = member.propose(word);
    cluster.time.until(() => answer.outcome !== null);
    expect(answer.outcome).toHaveProperty('kind', 'applied');
  }
}

const wordsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `word ${i}`);

describe('a node alone', () => {
  test('leads, carries out what is proposed and tells the result', () => {
    const cluster = new NodeCluster(1);
    const { leader, time } = cluster;
    const answer = leader.propose('hello');
    time.until(() => answer.outcome !== null);
    expect(answer.outcome).toEqual({ kind: 'applied', index: 2, result: 1 });
    expect(leader.machine.words).toEqual(['hello']);
    expect(leader.leaders.at(-1)).toBe('1 in 1');
  });

  test('remembers all of it after a loss of power, in whatever form', () => {
    const cluster = new NodeCluster(1);
    const words = wordsOf(90);
    for (let i = 0; i < 90; i += 30) {
      say(cluster, cluster.leader, words.slice(i, i + 30));
      cluster.leader.crash('power');
      cluster.members[0].start();
      const { leader } = cluster;
      cluster.time.until(() => leader.machine.words.length === i + 30);
      expect(leader.machine.words).toEqual(words.slice(0, i + 30));
    }
  });

  test('saves once for all that is proposed in one turn', () => {
    const { leader, time } = new NodeCluster(1);
    time.run(100);
    const before = leader.disk.deeds;
    const answers = wordsOf(12).map((word) => leader.propose(word));
    time.run(100);
    expect(answers.map(({ outcome }) => outcome?.kind)).toEqual(answers.map(() => 'applied'));
    // A write, a sync, a seal.
    expect(leader.disk.deeds - before).toBe(3);
  });
});

describe('three nodes', () => {
  test('carry out the same in the same order', () => {
    const cluster = new NodeCluster(3);
    say(cluster, cluster.leader, wordsOf(50));
    cluster.time.run(200);
    for (const { machine } of cluster.members) expect(machine.words).toEqual(wordsOf(50));
  });

  test('refuse proposals and reads where they do not lead, and say who does', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    const [follower] = cluster.followers;
    expect(follower.propose('no').outcome).toEqual({ kind: 'not-leader', leader: leader.id });
    const read = follower.read();
    time.run(100);
    expect(read.isCurrent).toBe(false);
  });

  test('read what was carried out before', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    say(cluster, leader, ['one', 'two']);
    const reads = [leader.read(), leader.read()];
    time.until(() => reads[1].isCurrent !== null);
    for (const read of reads) expect(read).toEqual({ isCurrent: true, words: ['one', 'two'] });
  });

  test('do not read where they only think that they lead', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    cluster.cut(leader.id);
    const read = leader.read();
    time.run(2000);
    expect(read.isCurrent).toBe(false);
    expect(leader.node.isLeader).toBe(false);
  });

  test('lose nothing acknowledged when the leader is gone, and have it follow when it is back', () => {
    const cluster = new NodeCluster(3);
    const { time } = cluster;
    const words = wordsOf(40);
    for (let i = 0; i < 40; i += 10) {
      const { leader } = cluster;
      say(cluster, leader, words.slice(i, i + 10));
      leader.crash(i % 20 === 0 ? 'power' : 'process');
      time.until(() => cluster.members.some(({ node }) => node.isLeader && node !== leader.node));
      leader.start();
    }
    cluster.time.until(() => cluster.members.every(({ machine }) => machine.words.length === 40));
    for (const { machine } of cluster.members) expect(machine.words).toEqual(words);
  });

  test('tell who proposed that it is lost when another entry has its place', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    cluster.cut(leader.id);
    const answers = [leader.propose('lost'), leader.propose('lost too')];
    time.until(() => cluster.members.some(({ node }) => node.isLeader && node !== leader.node));
    cluster.heal();
    time.until(() => answers.every(({ outcome }) => outcome !== null));
    expect(answers.map(({ outcome }) => outcome)).toEqual<Outcome[]>([{ kind: 'lost' }, { kind: 'lost' }]);
    say(cluster, cluster.leader, ['kept']);
    time.run(200);
    for (const { machine } of cluster.members) expect(machine.words).toEqual(['kept']);
  });

  test('keep a leader whose disk is slow', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    leader.diskMs = 1500;
    time.run(50);
    const before = leader.leaders.length;
    const answer = leader.propose('slowly');
    time.until(() => answer.outcome !== null);
    expect(answer.outcome).toHaveProperty('kind', 'applied');
    expect(leader.leaders).toHaveLength(before);
  });

  test('do without one whose disk fails, which does nothing more', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    leader.disk.failNext('sync', 'EIO');
    const answer = leader.propose('nowhere');
    time.until(() => answer.outcome !== null);
    expect(answer.outcome).toEqual({ kind: 'lost' });
    expect(leader.failures).toHaveLength(1);
    expect(leader.failures[0]).toHaveProperty('code', 'FILE_FAILED');
    time.until(() => cluster.members.some(({ node }) => node.isLeader && node !== leader.node));
    expect(leader.propose('still nowhere').outcome).toHaveProperty('kind', 'not-leader');
  });

  test('bring one that was away up to date, be it by a snapshot', () => {
    const cluster = new NodeCluster(3);
    const [away] = cluster.followers;
    const { leader } = cluster;
    // More than a leader keeps of its log for those who are slow.
    const words = wordsOf(40).map((word) => word.repeat(8000));
    cluster.cut(away.id);
    say(cluster, leader, words);
    cluster.heal();
    cluster.time.until(() => away.machine.words.length === 40);
    expect(away.machine.words).toEqual(words);
    away.crash('power');
    away.start();
    expect(away.machine.words.length).toBeGreaterThan(20);
  });

  test('give the leader’s place to another when asked', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    const [follower] = cluster.followers;
    let isDone: boolean | null = null;
    leader.node.transferTo(follower.id, (outcome) => (isDone = outcome));
    time.until(() => isDone !== null);
    expect(isDone).toBe(true);
    expect(cluster.leader).toBe(follower);
  });

  test('elect another at once when they hear that the leader’s process is gone', () => {
    const cluster = new NodeCluster(3, 1, { electionTimeoutMs: 1000, heartbeatMs: 200 });
    const { leader, followers, time } = cluster;
    leader.crash('process');
    for (const { node } of followers) node.suspect(leader.id);
    const before = time.nowMs;
    time.until(() => followers.some(({ node }) => node.isLeader));
    expect(time.nowMs - before).toBeLessThan(600);
  });

  test('change who they are', () => {
    const cluster = new NodeCluster(3);
    const { leader, time } = cluster;
    const [gone] = cluster.followers;
    say(cluster, leader, ['first']);
    let outcome: Outcome | null = null;
    leader.node.changeMembership([{ does: 'remove', node: gone.id }], (given) => (outcome = given));
    time.until(() => outcome !== null);
    expect(outcome).toMatchObject({ kind: 'applied', result: undefined });
    expect(leader.node.membership.voters).toEqual([1, 2, 3].filter((id) => id !== gone.id));
  });
});

/** The leader and one other, whose disk stands still, are sent everything twice: what becomes of a proposal. */
function outcomeOnStuckDisk(): Outcome | null {
  const cluster = new NodeCluster(3);
  const [stuck, away] = cluster.followers;
  const { leader, network, time } = cluster;
  cluster.cut(away.id);
  network.delaysMs = () => [1, 5];
  stuck.diskMs = 1_000_000;
  time.run(20);
  const answer = leader.propose('on one disk');
  time.run(100);
  return answer.outcome;
}

test('a follower acknowledges what is on its disk, however often it is sent', () => {
  expect(outcomeOnStuckDisk()).toBe(null);
});

test.each(['duplicate-append-acked', 'send-before-save'])('a follower would not, if there were the bug %s', (bug) => {
  plant(bug);
  expect(outcomeOnStuckDisk()).toHaveProperty('kind', 'applied');
});
