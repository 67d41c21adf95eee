/**
 * A master, or the network before it, that does wrong in every way: whatever it was, a clean link afterwards makes the replica's
 * data equal, and no replica says meanwhile that it is connected while it has something else.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base';
import { memoryPair, type Connection, type ConnectionHandler } from '../../src/net';
import type { Connect } from '../../src/replication';
import { Digests } from '../../src/storage';
import { TestNode } from './nodes';

type Fault = 'close' | 'flip' | 'drop' | 'insert' | 'silence';
const FAULTS: readonly Fault[] = ['close', 'flip', 'drop', 'insert', 'silence'];

/** Connects to a node in memory, through what damages the bytes to come at a place among them; null for an honest one. */
function through(master: TestNode, fault: { kind: Fault; at: number; random: Random } | null): Connect {
  return (_address, handler, opened) => {
    const { timers } = master.world;
    const end = master.node.connectInMemory();
    const [toReplica, replica] = memoryPair(timers);
    let passed = 0;
    const relay: ConnectionHandler = {
      received(buffer, start, stop) {
        let bytes: Buffer = Buffer.from(buffer.subarray(start, stop));
        const at = fault === null ? -1 : fault.at - passed;
        passed += bytes.length;
        if (fault !== null && at >= 0 && at < bytes.length) bytes = damaged(bytes, at, fault.kind, fault.random);
        else if (fault?.kind === 'silence' && at < 0) return;
        toReplica.connection.write(bytes);
        if (fault?.kind === 'close' && passed > fault.at) toReplica.connection.destroy();
      },
      closed: () => toReplica.connection.destroy(),
    };
    end.attach(relay);
    toReplica.attach({
      received: (buffer, start, stop) => void end.connection.write(buffer.subarray(start, stop)),
      closed: () => end.connection.destroy(),
    });
    replica.attach(handler);
    opened(replica.connection as Connection);
  };
}

function damaged(bytes: Buffer, at: number, kind: Fault, random: Random): Buffer {
  const before = bytes.subarray(0, at);
  switch (kind) {
    case 'flip':
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 'drop':
      return Buffer.concat([before, bytes.subarray(at + 1 + random.below(20))]);
    case 'insert':
      return Buffer.concat([before, Buffer.from([random.below(256), random.below(256)]), bytes.subarray(at)]);
    default:
      return before;
  }
}

const directory = mkdtempSync(join(tmpdir(), 'slotcache-faults-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function digest({ node }: TestNode): string {
  return new Digests(node.keyspace).ofAll();
}

async function letTimePass(nodes: readonly TestNode[], seconds: number): Promise<void> {
  for (let i = 0; i < seconds * 2; i++) {
    for (const each of nodes) {
      each.nowMs += 500;
      each.node.replication.feeds.tick();
      each.node.replication.syncs.tick();
      each.node.replication.following.tick();
    }
    for (const each of nodes) await each.settle();
  }
}

async function untilConnected(master: TestNode, replica: TestNode): Promise<void> {
  const { following } = replica.node.replication;
  for (let i = 0; i < 60; i++) {
    await letTimePass([master, replica], 1);
    if (following.isConnected && following.offset === master.node.replication.offset) return;
  }
  throw new Error(`the replica is not connected: ${JSON.stringify(replica.log.slice(-5))}`);
}

async function run(seed: number, load: string): Promise<void> {
  const random = new Random(seed);
  const master = new TestNode({ 'repl-diskless-sync-delay': '0' });
  const replica = new TestNode({ 'repl-diskless-load': load, dir: directory });
  master.node.replication.startTicking();
  const say = master.client();
  for (let i = 0; i < 20; i++) await say(`RPUSH list:${i} a b c ${i}`);
  if (load !== 'on-empty-db') await replica.client()('SET former 1');
  const kind = FAULTS[random.below(FAULTS.length)];
  const { following } = replica.node.replication;
  // About as many bytes as the handshake and the snapshot have.
  following.connect = through(master, { kind, at: random.below(900), random });
  replica.node.replication.follow({ host: 'master', port: 1 });
  await letTimePass([master, replica], 2);
  await say('SET during 1');
  await letTimePass([master, replica], 2);
  following.connect = through(master, null);
  await letTimePass([master, replica], 62);
  await say('SET after 1');
  await untilConnected(master, replica);
  expect(digest(replica)).toBe(digest(master));
  await master.node.stop();
  await replica.node.stop();
}

describe.each(['disabled', 'on-empty-db', 'swapdb'])(
  'whatever goes wrong on the way (repl-diskless-load %s)',
  (load) => {
    it('ends in a clean resynchronization', async () => {
      for (let seed = 1; seed <= 20; seed++) {
        try {
          await run(seed, load);
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
      }
    });
  },
);
