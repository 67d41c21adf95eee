/**
 * The mesh of config servers over sockets: TCP, and TLS, where who has no certificate of the authority does not get as far as a word.
 */
import assert from 'node:assert';
import net from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { realWorld, Settings, silentLog, type World } from '../../src/base';
import { PeerMesh, type PeerMeshOptions } from '../../src/config/peers/peer-mesh';
import { peerSockets } from '../../src/config/peers/sockets';
import { doorwaySettings, type TlsSettings } from '../../src/net';
import { transportConformance, type NodeId, type Transport } from '../../src/raft';
import { freePort } from '../bin/daemon';
import { Authority, hasOpenssl, makeFolder, removeFolder } from '../net/authority';

const open: PeerMesh[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((mesh) => mesh.close()));
});

/** A mesh that listens on a port of this machine. */
async function listening(
  id: number,
  options: Partial<PeerMeshOptions> = {},
  tls: TlsSettings | null = null,
  world: World = realWorld({ log: silentLog }),
): Promise<{ mesh: PeerMesh; address: string; port: number }> {
  const identity = { id, incarnation: `disk-${id}`, clusterName: 'north', secret: 'of the house', ...options };
  const mesh = new PeerMesh(world, identity, peerSockets(world, tls));
  open.push(mesh);
  const port = await freePort();
  await mesh.listen({ host: '127.0.0.1', port });
  return { mesh, address: `127.0.0.1:${port}`, port };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await pause(5);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('over TCP', () => {
  transportConformance({ test: (name, run) => test(name, run), assert }, async (nodes) => {
    const made = await Promise.all(nodes.map((id) => listening(id)));
    const all = nodes.map((id, i) => ({ id, address: made[i].address, incarnation: '' }));
    for (const { mesh } of made) mesh.follow(all);
    await until(() => made.every(({ mesh }) => mesh.connected.length === nodes.length - 1));
    return {
      transports: made.map(({ mesh }) => transportOf(mesh)),
      settle: () => pause(5),
      close: async () => void (await Promise.all(made.map(({ mesh }) => mesh.close()))),
    };
  });

  test('a process that ends is told of at once, and one that is back is found', async () => {
    const [first, second] = await Promise.all([listening(1), listening(2)]);
    const gone: NodeId[] = [];
    first.mesh.onGone = (node) => gone.push(node);
    first.mesh.follow([{ id: 2, address: second.address, incarnation: '' }]);
    second.mesh.follow([], true);
    await until(() => second.mesh.connected.length === 1);
    await second.mesh.close();
    await until(() => gone.length > 0);
    expect(gone[0]).toBe(2);
    const back = new PeerMesh(
      realWorld({ log: silentLog }),
      { id: 2, incarnation: 'disk-2', clusterName: 'north', secret: 'of the house' },
      peerSockets({ log: silentLog }, null),
    );
    open.push(back);
    back.follow([], true);
    await back.listen({ host: '127.0.0.1', port: second.port });
    await until(() => first.mesh.connected.length === 1);
  });

  test('a port that is taken is a LISTEN_FAILED', async () => {
    const { port } = await listening(1);
    const mesh = new PeerMesh(
      realWorld({ log: silentLog }),
      { id: 2, incarnation: 'x', clusterName: '', secret: '' },
      peerSockets({ log: silentLog }, null),
    );
    open.push(mesh);
    await expect(mesh.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });

  test('who speaks HTTP is closed, and hears nothing', async () => {
    const lines: string[] = [];
    const { port } = await listening(1, {}, null, realWorld({ log: (_, line) => lines.push(line) }));
    const answer = await new Promise<string>((resolve) => {
      let heard = '';
      const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
      socket.on('data', (chunk) => (heard += chunk.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(heard));
    });
    expect(answer).toBe('');
    expect(lines).toEqual([expect.stringContaining('it speaks another protocol')]);
  });
});

describe.skipIf(!hasOpenssl)('over TLS', () => {
  const folder = makeFolder();
  afterAll(() => removeFolder(folder));

  test('who has a certificate of the authority is let in, without a secret too; others are not', async () => {
    const [ours, theirs] = ['ours', 'theirs'].map((name) => new Authority(folder, name));
    const tlsOf = (name: string, authority: Authority): TlsSettings => {
      const settings = new Settings(doorwaySettings(0));
      const { cert, key } = authority.issue(name);
      settings.assign({ 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': ours.cert });
      return settings.values;
    };
    const tls = [tlsOf('one', ours), tlsOf('two', ours), tlsOf('three', theirs)];
    const made = await Promise.all([1, 2, 3, 4].map((id, i) => listening(id, { secret: '' }, tls[i] ?? null)));
    const all = made.map(({ address }, i) => ({ id: i + 1, address, incarnation: '' }));
    for (const { mesh } of made) mesh.follow(all);
    await until(() => made[0].mesh.connected.length === 1 && made[1].mesh.connected.length === 1);
    const heard: unknown[] = [];
    made[1].mesh.onMessage = (from, message) => heard.push([from, message]);
    const answer = { kind: 'answer', number: 1, answer: 'x'.repeat(300_000) } as const;
    made[0].mesh.send(2, answer);
    await until(() => heard.length > 0);
    expect(heard).toEqual([[1, answer]]);
    await pause(100);
    expect(made.map(({ mesh }) => mesh.connected)).toEqual([[2], [1], [], []]);
  });
});

/** What Raft sees of a mesh. */
function transportOf(mesh: PeerMesh): Transport {
  return {
    send: (message) => mesh.send(message.to, { kind: 'raft', message }),
    set onMessage(take: Transport['onMessage']) {
      mesh.onMessage = (_, message) => {
        if (message.kind === 'raft') take(message.message);
      };
    },
    get onMessage() {
      return () => undefined;
    },
    set onGone(take: Transport['onGone']) {
      mesh.onGone = take;
    },
    get onGone() {
      return mesh.onGone;
    },
  };
}
