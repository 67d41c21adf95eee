/**
 * The mesh of config servers on a network of paper: who is connected to whom, after whatever happens, and what is carried.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { Cluster, peers } from './peers-cluster';

function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

describe('connections', () => {
  test('come to be one for each two, whoever dials first', () => {
    for (const seed of seeds(100)) {
      const cluster = new Cluster(seed);
      cluster.startAll(3, seed % 3 === 0 ? 0 : 5);
      cluster.run(1000);
      cluster.expectWhole();
      expect(cluster.linesWith('Lost')).toEqual([]);
      expect(cluster.linesWith('Refused')).toEqual([]);
      cluster.network.lines.length = 0;
      cluster.run(1000);
      expect(cluster.network.lines).toEqual([]);
    }
  });

  test('stay when nothing is said', () => {
    const cluster = new Cluster(1);
    cluster.startAll(3);
    cluster.run(1000);
    cluster.network.lines.length = 0;
    cluster.run(60_000);
    cluster.expectWhole();
    expect(cluster.linesWith('Lost')).toEqual([]);
  });

  test('carry everything byte by byte, too', () => {
    const cluster = new Cluster(1);
    cluster.network.isGrinding = true;
    cluster.startAll(2);
    cluster.run(100);
    cluster.expectWhole();
  });

  test('come back when a process comes back, and that it was gone is told at once', () => {
    for (const seed of seeds(20)) {
      const cluster = new Cluster(seed);
      cluster.startAll(3);
      cluster.run(1000);
      cluster.kill(2);
      cluster.run(3);
      expect(new Set(cluster.gone)).toEqual(new Set(['1 2', '3 2']));
      cluster.run(2000);
      expect(cluster.mesh(1).connected).toEqual([3]);
      cluster.start(2).follow(peers([1, 2, 3]));
      cluster.run(300);
      cluster.expectWhole();
    }
  });

  test('of a machine that is cut off are found dead, and made anew when it is back', () => {
    for (const seed of seeds(20)) {
      const cluster = new Cluster(seed);
      cluster.startAll(3);
      cluster.run(1000);
      cluster.network.cut('n1', 'n2');
      cluster.run(1500);
      expect([cluster.mesh(1).connected, cluster.mesh(2).connected]).toEqual([[3], [3]]);
      expect(cluster.gone).toEqual([]);
      cluster.network.heal();
      cluster.run(2500);
      cluster.expectWhole();
    }
  });

  test('that only one direction is left of are given up by both sides', () => {
    const cluster = new Cluster(1);
    cluster.startAll(2);
    cluster.run(1000);
    cluster.network.cuts.add('n1>n2');
    cluster.run(1500);
    expect([cluster.mesh(1).connected, cluster.mesh(2).connected]).toEqual([[], []]);
    cluster.network.heal();
    cluster.run(2500);
    cluster.expectWhole();
  });

  test('that one side has lost are replaced without waiting', () => {
    const cluster = new Cluster(3);
    cluster.startAll(2);
    cluster.run(1000);
    for (const id of [1, 2]) {
      // Its power fails: its machine can say nothing, and the other side knows nothing.
      cluster.network.end(`n${id}`, false);
      cluster.meshes.delete(id);
      cluster.start(id).follow(peers([1, 2]));
      cluster.run(50);
      expect(cluster.linesWith('silent')).toEqual([]);
      for (const connection of cluster.network.open) if (connection.handler === null) connection.abandon(true);
      cluster.run(5);
      cluster.expectWhole();
    }
  });

  test('are not blamed for a stall of this process', () => {
    const cluster = new Cluster(1);
    cluster.startAll(2);
    cluster.run(1000);
    cluster.network.lines.length = 0;
    cluster.network.time.stall(5000);
    cluster.run(1000);
    expect(cluster.linesWith('Lost')).toEqual([]);
    cluster.expectWhole();
  });

  test('go where a peer has moved, and end with who is no longer followed', () => {
    const cluster = new Cluster(1);
    cluster.startAll(3);
    cluster.run(1000);
    cluster.mesh(1).follow(peers([1, 2]));
    cluster.run(1000);
    expect([cluster.mesh(1).connected, cluster.mesh(3).connected]).toEqual([[2], [2]]);
    expect(cluster.linesWith('node 3 is not known here')).not.toEqual([]);
    const moved = [{ id: 3, address: 'nowhere:1', incarnation: '' }];
    cluster.mesh(2).follow([...peers([1]), ...moved]);
    cluster.run(100);
    expect(cluster.mesh(2).connected).toEqual([1, 3]);
  });

  test('are left to the peer where its address is not known, or is none', () => {
    const cluster = new Cluster(1);
    cluster.start(1).follow([
      { id: 2, address: '', incarnation: '' },
      { id: 3, address: 'n3', incarnation: '' },
    ]);
    cluster.start(2).follow(peers([1]));
    cluster.run(100);
    cluster.expectWhole();
    expect(cluster.linesWith('no address')).toEqual([expect.stringContaining("'n3', of config server 3")]);
  });
});

describe('what is sent', () => {
  test('waits in bounded room: of opinions the newest, of the rest what fits', () => {
    const cluster = new Cluster(1);
    cluster.startAll(2);
    cluster.run(1000);
    for (const connection of cluster.network.open) if (connection.from === 'n2') connection.pauseReading();
    const mebibyte = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 20; i++) cluster.say(1, 2, mebibyte);
    const down = [1, 2, 3].map((forMs) => [{ memberId: 'a:1', forMs, why: 'silent' as const }]);
    for (const each of down)
      cluster.mesh(1).send(2, { kind: 'opinions', opinions: { isWithdrawn: false, down: each } });
    const opinions: unknown[] = [];
    cluster.mesh(2).onMessage = (_, message) =>
      opinions.push(message.kind === 'opinions' ? message.opinions.down : 'answer');
    cluster.run(100);
    for (const connection of cluster.network.open) if (connection.from === 'n2') connection.resumeReading();
    cluster.run(300);
    expect(opinions).toEqual([...Array.from({ length: 7 }, () => 'answer'), down[2]]);
    cluster.mesh(2).onMessage = () => undefined;
  });

  test('under the name of another ends the connection', () => {
    for (const [from, to] of [
      [3, 2],
      [1, 3],
    ]) {
      const cluster = new Cluster(1);
      cluster.startAll(2);
      cluster.run(1000);
      cluster.mesh(1).send(2, { kind: 'raft', message: { type: 'timeout-now', from, to, term: 1 } });
      cluster.run(5);
      expect(cluster.heard).toEqual([]);
      expect(cluster.linesWith(`node 1 sent a message from node ${from} to node ${to}`)).not.toEqual([]);
    }
  });
});

describe('incarnations', () => {
  afterEach(() => plant(null));

  /** Node 2 has lost its disk and comes back under the same number. */
  function exchangeDisk(told: string): Cluster {
    const cluster = new Cluster(1);
    const follow = (id: number): void => cluster.mesh(id).follow(peers([3 - id], id === 1 ? told : ''));
    cluster.start(1);
    cluster.start(2);
    follow(1);
    follow(2);
    cluster.run(1000);
    cluster.expectWhole();
    cluster.kill(2);
    cluster.start(2, { incarnation: 'disk-9' });
    follow(2);
    cluster.run(1000);
    return cluster;
  }

  test('are reported, and another under a known number is a stranger', () => {
    for (const told of ['disk-2', '']) {
      const cluster = exchangeDisk(told);
      expect(cluster.incarnations.slice(0, 2).sort()).toEqual(['1 2 disk-2', '2 1 disk-1']);
      expect(cluster.mesh(1).connected).toEqual([]);
      expect(cluster.mesh(2).connected).toEqual([]);
      expect(cluster.linesWith('node 2 has another disk than the one it is known by')).not.toEqual([]);
    }
  });

  test('that become known end connections to others', () => {
    const cluster = new Cluster(1);
    cluster.startAll(2);
    cluster.run(1000);
    cluster.mesh(1).follow(peers([2], 'disk-7'));
    cluster.run(1000);
    expect(cluster.mesh(1).connected).toEqual([]);
    cluster.mesh(1).follow(peers([2], 'disk-2'));
    cluster.run(600);
    cluster.expectWhole();
  });

  test('the planted bug is seen', () => {
    plant('stranger-incarnation-accepted');
    expect(exchangeDisk('disk-2').mesh(1).connected).toEqual([2]);
  });
});

describe('who waits to be added', () => {
  test('is found by those who add it, and answers them', () => {
    const cluster = new Cluster(1);
    cluster.startAll(2);
    const newcomer = cluster.start(3);
    newcomer.follow([], true);
    cluster.run(500);
    expect(newcomer.connected).toEqual([]);
    for (const id of [1, 2]) cluster.mesh(id).follow(peers([1, 2, 3]));
    cluster.run(500);
    cluster.expectWhole();
    newcomer.follow(peers([1, 2, 3]));
    cluster.run(100);
    cluster.expectWhole();
  });
});
