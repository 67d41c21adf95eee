/**
 * Who comes to the port of config servers and is none of them, or not the one that it says: nobody is let in, nothing is learned.
 */
import { describe, expect, test } from 'vitest';
import { encodeFrame, FRAME_HEAD_BYTES, FrameReader, PREFACE, type FrameKind } from '../../src/config/peers/frames';
import { DialerHandshake, type PeerIdentity } from '../../src/config/peers/handshake';
import { encodePayload } from '../../src/config/peers/payloads';
import type { Connection } from '../../src/net';
import { Cluster, peers, PORT } from './peers-cluster';

describe('strangers', () => {
  const identity: PeerIdentity = { id: 2, incarnation: 'disk-2', clusterName: 'north', secret: 'of the house' };

  /** A connection to node 1 by who is no mesh: what it was answered, and whether it is closed. */
  class Stranger {
    readonly answered: Buffer[] = [];
    isClosed = false;
    connection!: Connection;

    constructor(private readonly cluster: Cluster) {
      const handler = {
        received: (buffer: Uint8Array, start: number, end: number) =>
          this.answered.push(Buffer.from(buffer.subarray(start, end))),
        closed: () => (this.isClosed = true),
      };
      cluster.network.connect(
        'far',
        { host: 'n1', port: PORT },
        handler,
        (connection) => (this.connection = connection),
      );
      cluster.run(10);
    }

    say(bytes: Uint8Array | string): this {
      this.connection.write(Buffer.from(bytes as string, 'latin1'));
      this.cluster.run(10);
      return this;
    }

    /** The frames that it was answered with. */
    get frames(): [FrameKind, Buffer][] {
      const frames: [FrameKind, Buffer][] = [];
      const bytes = Buffer.concat(this.answered);
      const fault = new FrameReader().feed(bytes, 0, bytes.length, (kind, payload) => frames.push([kind, payload]) > 0);
      expect(fault).toBeNull();
      return frames;
    }
  }

  function lonely(): Cluster {
    const cluster = new Cluster(1);
    cluster.start(1).follow(peers([2]));
    cluster.run(100);
    cluster.network.lines.length = 0;
    return cluster;
  }

  /** Nobody was let in, nothing was heard, and one line of log says why. */
  function expectRefused(cluster: Cluster, reason: string): void {
    expect(cluster.mesh(1).connected).toEqual([]);
    expect(cluster.heard).toEqual([]);
    expect(cluster.linesWith('Refused')).toEqual([expect.stringContaining(reason)]);
  }

  const raft = encodePayload({ kind: 'raft', message: { type: 'timeout-now', from: 2, to: 1, term: 9 } });

  test.each([
    ['HTTP', 'POST / HTTP/1.1\r\nHost: n1\r\n\r\n', 'another protocol'],
    ['RESP', '*1\r\n$4\r\nPING\r\n', 'another protocol'],
    ['zeros', '\0'.repeat(1000), 'another protocol'],
    ['a frame of Raft', Buffer.concat([PREFACE, encodeFrame('raft', raft)]), 'out of place'],
    ['a frame that is too long', Buffer.concat([PREFACE, encodeFrame('hello', Buffer.alloc(600))]), 'too long'],
    ['a sum that is wrong', Buffer.concat([PREFACE, encodeFrame('hello', Buffer.alloc(44)).fill(1, 20)]), 'sum'],
  ])('%s is answered with nothing', (_, bytes, reason) => {
    const cluster = lonely();
    const stranger = new Stranger(cluster).say(bytes);
    expect([stranger.isClosed, stranger.answered]).toEqual([true, []]);
    expectRefused(cluster, reason);
  });

  test('of another version are told which are spoken', () => {
    const cluster = lonely();
    const { hello } = new DialerHandshake(identity, 1, () => null);
    hello.writeUInt16BE(2, FRAME_HEAD_BYTES);
    hello.writeUInt16BE(4, FRAME_HEAD_BYTES + 2);
    const stranger = new Stranger(cluster).say(
      Buffer.concat([PREFACE, encodeFrame('hello', hello.subarray(FRAME_HEAD_BYTES))]),
    );
    expect(stranger.frames.map(([kind, payload]) => [kind, payload.toString()])).toEqual([
      ['farewell', 'versions 1 to 1 are spoken here'],
    ]);
    expect(stranger.isClosed).toBe(true);
    expectRefused(cluster, 'it speaks versions 2 to 4');
  });

  test.each([
    ['with another secret', { secret: 'guessed' }, 1, 'the proof is wrong'],
    ['of another cluster', { clusterName: 'south' }, 1, 'the proof is wrong'],
    ['that nobody knows', { id: 5, incarnation: 'disk-5' }, 1, 'node 5 is not known here'],
    ['that claims to be this node', { id: 1 }, 1, 'node 1 is this node itself'],
    ['that seeks another', {}, 3, 'node 2 asks for node 3, and this is node 1'],
  ])('%s are refused when they have proved, and not before', (_, wrong, wanted, reason) => {
    const cluster = lonely();
    const handshake = new DialerHandshake({ ...identity, ...wrong }, wanted, () => null);
    const stranger = new Stranger(cluster).say(Buffer.concat([PREFACE, handshake.hello]));
    expect(stranger.frames.map(([kind]) => kind)).toEqual(['challenge']);
    const verdict = handshake.step('challenge', stranger.frames[0][1]);
    stranger.say((verdict as { send: Buffer }).send).say(encodeFrame('raft', raft));
    expect(stranger.frames.slice(1).map(([kind]) => kind)).toEqual(['farewell']);
    expect(stranger.isClosed).toBe(true);
    expectRefused(cluster, reason);
  });

  test('who prove who they are and then talk nonsense are heard no more', () => {
    const cluster = lonely();
    const handshake = new DialerHandshake(identity, 1, () => null);
    const peer = new Stranger(cluster).say(Buffer.concat([PREFACE, handshake.hello]));
    peer.say((handshake.step('challenge', peer.frames[0][1]) as { send: Buffer }).send);
    expect(cluster.mesh(1).connected).toEqual([2]);
    peer.say(encodeFrame('raft', Buffer.from('nonsense')));
    expect([cluster.mesh(1).connected, cluster.heard, peer.isClosed]).toEqual([[], [], true]);
    expect(cluster.linesWith('Lost')).toHaveLength(1);
  });

  test('who dawdle are cut off, however they trickle', () => {
    const cluster = lonely();
    const silent = new Stranger(cluster);
    const slow = new Stranger(cluster);
    for (let i = 0; i < 6; i++) slow.say(PREFACE.subarray(i, i + 1));
    cluster.run(800);
    slow.say(PREFACE.subarray(6, 7));
    expect([silent.isClosed, slow.isClosed]).toEqual([false, false]);
    cluster.run(200);
    expect([silent.isClosed, slow.isClosed]).toEqual([true, true]);
    expect(cluster.linesWith('Refused')).toHaveLength(2);
  });

  test('who are many leave room for a peer, and a few lines', () => {
    const cluster = lonely();
    const crowd = Array.from({ length: 80 }, () => new Stranger(cluster));
    expect(crowd.filter(({ isClosed }) => isClosed)).toHaveLength(16);
    cluster.start(2).follow(peers([1]));
    cluster.run(500);
    expect(cluster.mesh(1).connected).toEqual([2]);
    expect(cluster.linesWith('Refused')).toHaveLength(10);
    cluster.run(10_000);
    new Stranger(cluster).say('GET /');
    expect(cluster.linesWith('others before')).toHaveLength(1);
  });

  test('from other machines are refused where there is no secret', () => {
    const cluster = new Cluster(1);
    cluster.network.isLocal = false;
    for (const id of [1, 2]) cluster.start(id, { secret: '' }).follow(peers([1, 2]));
    cluster.run(100);
    expect(cluster.mesh(1).connected).toEqual([]);
    expect(cluster.linesWith('There is no cluster secret')).toHaveLength(2);
    cluster.network.isLocal = true;
    cluster.run(1000);
    cluster.expectWhole();
  });

  test('are let in by nobody who has closed', async () => {
    const cluster = lonely();
    await cluster.mesh(1).close();
    cluster.run(2000);
    expect(cluster.network.open.size).toBe(0);
  });
});
