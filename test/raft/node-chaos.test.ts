/** Nodes that crash, lose power, are cut off and have slow disks: nothing acknowledged is lost, and nobody reads what is old. */
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { Random } from '../../src/base';
import type { Entry } from '../../src/raft/types';
import { NodeCluster, type Member } from './node-cluster';

afterEach(() => plant(null));

const STEPS = 150;

/** What was promised, and what is seen. */
class Witness {
  private readonly history = new Map<number, string>();
  readonly acknowledged: string[] = [];

  applied({ index, term, data }: Entry): void {
    const seen = `${Buffer.from(data).toString()} of term ${term}`;
    const before = this.history.get(index);
    if (before !== undefined && before !== seen) throw new Error(`entry ${index} is ${before}, and ${seen}`);
    this.history.set(index, seen);
  }

  /** Every word that was acknowledged before must be among these. */
  read(words: readonly string[], acknowledged: readonly string[]): void {
    const found = new Set(words);
    for (const word of acknowledged) if (!found.has(word)) throw new Error(`${word} was acknowledged and is not there`);
  }
}

/** One run. @throws where a promise is broken */
function run(seed: number): void {
  const chance = new Random(seed);
  const cluster = new NodeCluster(3, seed, { compactAfterEntries: 5 + chance.below(40) });
  const { members, network, time } = cluster;
  const witness = new Witness();
  cluster.applied = (entry) => witness.applied(entry);
  const down = new Set<Member>();
  const loss = chance.below(2) * 0.1;
  let cut = 0;
  network.lets = ({ from, to }) => (from === cut) === (to === cut) && chance.fraction() >= loss;
  network.delaysMs = () => (chance.below(8) > 0 ? [1] : [chance.below(20), chance.below(20)]);
  let words = 0;
  for (let i = 0; i < STEPS; i++) {
    const leaders = members.filter((member) => !down.has(member) && member.node.isLeader);
    const aimed = chance.below(2) === 0 && leaders.length > 0 ? leaders[chance.below(leaders.length)] : null;
    const member = aimed ?? members[chance.below(members.length)];
    const what = chance.below(16);
    if (what < 6) {
      for (const leader of leaders)
        for (let count = chance.below(4); count > 0; count--) propose(leader, `word ${++words}`);
    } else if (what < 9) {
      for (const leader of leaders) read(leader);
    } else if (what === 9) {
      if (down.has(member)) member.start();
      else member.crash(chance.below(2) === 0 ? 'process' : 'power');
      if (!down.delete(member)) down.add(member);
    } else if (what === 10) cut = chance.below(3) === 0 ? member.id : 0;
    else if (what === 11) member.diskMs = [1, 1, 10, 40][chance.below(4)];
    time.run(chance.below(30));
  }
  network.lets = () => true;
  network.delaysMs = () => [1];
  for (const member of members) {
    member.diskMs = 1;
    if (down.has(member)) member.start();
  }
  time.run(500);
  propose(cluster.leader, 'the end');
  time.until(() => members.every(({ machine }) => machine.words.at(-1) === 'the end'));
  for (const { machine, failures } of members) {
    witness.read(machine.words, witness.acknowledged);
    expect(failures).toEqual([]);
    expect(machine.words).toEqual(members[0].machine.words);
  }

  function propose(member: Member, word: string): void {
    member.node.propose(Buffer.from(word), ({ kind }) => {
      if (kind === 'applied') witness.acknowledged.push(word);
    });
  }

  function read(member: Member): void {
    const acknowledged = [...witness.acknowledged];
    member.node.read((isCurrent) => {
      if (isCurrent) witness.read(member.machine.words, acknowledged);
    });
  }
}

function runAll(seeds: number): void {
  for (let seed = 1; seed <= seeds; seed++) run(seed);
}

describe('chaos', () => {
  test('breaks no promise', () => {
    runAll(25);
  });

  test.each(['read-before-applied', 'ack-before-fsync'])('finds the bug %s', (bug) => {
    plant(bug);
    expect(() => runAll(200)).toThrow();
  });
});
