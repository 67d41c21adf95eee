/** Config servers together: who answers, what survives the loss of a leader, who may join. */
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { ConfigState } from '../../src/config';
import { PlaneCluster } from './plane-cluster';

afterEach(() => plant(null));

const statusOf = (cluster: PlaneCluster, id: number): Record<string, unknown> =>
  cluster.ask(id, 'STATUS') as Record<string, unknown>;

describe('one alone', () => {
  test('leads, and decides at once', () => {
    const cluster = new PlaneCluster([1]);
    expect(cluster.leader().id).toBe(1);
    expect(cluster.ask(1, 'GROUP CREATE 1')).toBe(1);
    expect(cluster.ask(1, 'GROUP CREATE 1')).toBe('-REFUSED group 1 exists already');
    expect(statusOf(cluster, 1)).toMatchObject({ leader: 1, version: 1, groups: 1, voters: [1] });
  });

  test('finds again what it had decided', () => {
    const cluster = new PlaneCluster([1]);
    cluster.leader();
    cluster.ask(1, 'GROUP CREATE 1');
    const before = JSON.stringify(cluster.plane(1).state);
    cluster.kill(1);
    cluster.start(1);
    cluster.leader();
    expect(JSON.stringify(cluster.plane(1).state)).toBe(before);
    expect(cluster.ask(1, 'CONFIG REMOVE 1')).toBe('-REFUSED config server 1 is the only one');
  });
});

describe('three', () => {
  test('answer whoever is asked, and hold the same state', () => {
    const cluster = new PlaneCluster([1, 2, 3]);
    const leader = cluster.leader();
    cluster.time.run(2000);
    for (const id of [1, 2, 3]) expect(cluster.ask(id, `GROUP CREATE ${id}`)).toEqual(expect.any(Number));
    cluster.time.run(100);
    const states = [1, 2, 3].map((id) => JSON.stringify(cluster.plane(id).state));
    expect(new Set(states).size).toBe(1);
    expect(cluster.ask(1, 'CONFIG LIST')).toEqual(
      [1, 2, 3].map((id) => ({
        id,
        role: id === leader.id ? 'leader' : 'voter',
        address: `10.0.0.${id}:6390`,
        'peer-address': `10.0.0.${id}:16390`,
        zone: `z${id}`,
      })),
    );
  });

  test('go on without the leader, and a request that was on its way is carried out once', () => {
    const cluster = new PlaneCluster([1, 2, 3]);
    const leader = cluster.leader().id;
    const other = (leader % 3) + 1;
    cluster.time.run(2000);
    let answer: unknown = null;
    cluster.plane(other).request(['ONCE', 'mine', 'GROUP', 'CREATE', '7'], 'me', (given) => (answer = given));
    cluster.time.run(2);
    cluster.kill(leader);
    cluster.time.run(2000);
    expect(cluster.ask(other, 'GROUP LIST')).toHaveLength(1);
    expect(answer).toMatchObject({ kind: 'value', value: expect.any(Number) });
    expect(cluster.ask(other, 'ONCE mine GROUP CREATE 7')).toBe((answer as unknown as { value: number }).value);
    expect(cluster.ask(other, 'GROUP CREATE 7')).toBe('-REFUSED group 7 exists already');
  });

  test('who is cut off says so, and that nothing was done', () => {
    const cluster = new PlaneCluster([1, 2, 3]);
    const leader = cluster.leader().id;
    const other = (leader % 3) + 1;
    cluster.cut.add(other);
    cluster.time.run(3000);
    expect(cluster.ask(other, 'GROUP LIST')).toMatch(/^-NOQUORUM/);
    expect(cluster.ask(other, 'GROUP CREATE 1')).toBe('-NOQUORUM no leader is known; nothing was done');
    expect(cluster.ask(leader, 'GROUP LIST')).toEqual([]);
  });

  test('a leader that is cut off does not know what became of a change', () => {
    const cluster = new PlaneCluster([1, 2, 3]);
    const leader = cluster.leader().id;
    cluster.time.run(2000);
    let answer: unknown = null;
    cluster.plane(leader).raft.read(() => {
      cluster.cut.add(leader);
    });
    cluster.plane(leader).request(['GROUP', 'CREATE', '1'], 'me', (given) => (answer = given));
    cluster.time.run(5000);
    expect(answer).toMatchObject({ kind: 'error', text: expect.stringMatching(/^(UNKNOWNOUTCOME|NOQUORUM) /) });
    cluster.cut.clear();
    cluster.time.run(2000);
    const states = [1, 2, 3].map((id) => JSON.stringify(cluster.plane(id).state));
    expect(new Set(states).size).toBe(1);
  });

  test('a fourth joins, leads, and leaves', () => {
    const cluster = new PlaneCluster([1, 2, 3], [4]);
    cluster.leader();
    cluster.time.run(2000);
    expect(cluster.ask(4, 'STATUS')).toMatch(/^-NOQUORUM/);
    expect(cluster.ask(1, 'CONFIG ADD 4 10.0.0.4:16390 10.0.0.4:6390 ZONE z4')).toEqual(expect.any(Number));
    expect(statusOf(cluster, 4)['voters']).toEqual([1, 2, 3, 4]);
    expect(cluster.ask(2, 'CONFIG LEADER 4')).toBe('OK');
    expect(cluster.leader().id).toBe(4);
    expect(cluster.ask(4, 'CONFIG REMOVE 4')).toEqual(expect.any(Number));
    expect(statusOf(cluster, 1)['voters']).toEqual([1, 2, 3]);
  });

  test('a config server with another disk is not accepted under its number', () => {
    const state = ConfigState.empty.with({
      configs: [{ id: 1, peerAddress: 'a:1', address: 'a:2', zone: '', incarnation: 'one' }],
    });
    const member = { ...state.configs[0], incarnation: 'two' };
    expect(state.apply({ does: 'add-config', member }, { atMs: 0, by: '' })).toMatchObject({ accepted: false });
  });
});

test('a disk that fails ends the node, which acknowledges nothing', () => {
  const cluster = new PlaneCluster([1]);
  cluster.leader();
  const plane = cluster.plane(1);
  let failure: Error | null = null;
  plane.onFailed = (error) => (failure = error);
  cluster.logs.get(1)!.append = (_hardState, _entries, done) => done(new Error('no space left'));
  expect(cluster.ask(1, 'GROUP CREATE 1')).toMatch(/^-UNKNOWNOUTCOME/);
  expect(failure).toMatchObject({ message: 'no space left' });
  expect(cluster.ask(1, 'GROUP LIST')).toMatch(/^-NOQUORUM/);
});

test('nobody but a peer can say who a config server is', () => {
  const cluster = new PlaneCluster([1]);
  cluster.leader();
  expect(cluster.ask(1, 'CONFIG ANNOUNCE x:1 x:2 z disk')).toBe("-ERR unknown command 'CONFIG ANNOUNCE', try HELP");
});

test('a bug of ours: a request that comes again is carried out again', () => {
  const cluster = new PlaneCluster([1]);
  cluster.leader();
  plant('request-applied-twice');
  cluster.ask(1, 'ONCE one SET lag-limit-bytes 5');
  expect(cluster.ask(1, 'ONCE one SET lag-limit-bytes 5')).toBe(2);
});
