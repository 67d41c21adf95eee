/**
 * Warm-up: lets V8 compile the hot road before the first client comes.
 *
 * Cold, the first turn of fifty pipelining clients took 21 ms, interpreted; afterwards no turn of the same load takes
 * more than 2 ms (measured, Node 20). So a daemon speaks to a node of its own over the loopback interface before it
 * listens: what V8 learns belongs to the functions, not to the node. It must be real sockets: code compiled for a stand-in
 * is thrown away at the first real one. An embedded server does without: its user waits for the start.
 */
import { silentLog, type World } from '../base';
import { connect, type Connection } from '../net';
import { encodeCommand } from '../resp';
import { RdbFormat, SnapshotFile, SnapshotWalk } from '../storage';
import { DataNode } from './data-node';
import { rdbOptions } from './persistence/snapshot-options';
import { SnapshotRun } from './persistence/snapshot-run';
import { serverSettings } from './settings';

const CONNECTIONS = 16;
const PIPELINE = 32;
const ROUNDS = 80;
const SNAPSHOTS = 50;
const SNAPSHOT_BYTES = 64 * 1024;

/** Runs string commands through a node that nobody else knows; some 250 ms. Never fails: warmth is no promise. */
export async function warmUp(world: World): Promise<void> {
  const settings = serverSettings();
  settings.assign({ port: 0, save: '' });
  const node = new DataNode({ ...world, log: silentLog }, settings);
  try {
    const address = await node.listen({ host: '127.0.0.1', port: 0 });
    await Promise.all(Array.from({ length: CONNECTIONS }, () => converse(address, world)));
    warmSnapshots(node);
  } catch (error) {
    world.log('debug', `No warm-up: ${(error as Error).message}`);
  }
  await node.stop();
}

/** Begins snapshots as a save does, which costs ten times as much cold, and writes one; to no file. */
function warmSnapshots(node: DataNode): void {
  const { keyspace } = node;
  const { files } = node.world;
  for (let i = 0; i < SNAPSHOTS; i++) {
    const options = rdbOptions(node, 'rdb', false);
    new SnapshotRun(
      node,
      (done) => new SnapshotFile(keyspace, files, node.persistence.saves.temporaryPath(), options, done),
      never,
    ).abandon();
  }
  const walk = new SnapshotWalk(keyspace, new RdbFormat(keyspace, rdbOptions(node, 'rdb', false)));
  while (!walk.run(() => walk.out.length > SNAPSHOT_BYTES)) walk.out.clear();
  walk.out.clear();
}

/** A snapshot that is given up does not end. */
function never(): void {}

/** Sends pipelines one after the other, each when the former is answered. */
function converse(address: Parameters<typeof connect>[0], world: World): Promise<void> {
  return new Promise((resolve, reject) => {
    let connection: Connection;
    let round = 0;
    let missing = 0;
    const send = (): void => {
      const commands = Buffer.concat(Array.from({ length: PIPELINE }, () => command(world, round)));
      // Every reply to what is sent has at least one line; the pipeline is answered when as many have come.
      missing = PIPELINE;
      connection.write(commands);
    };
    connect(
      address,
      {
        received(buffer, start, end) {
          for (let at = start; at < end; at++) if (buffer[at] === 10 && buffer[at - 1] === 13) missing--;
          if (missing > 0) return;
          if (++round < ROUNDS) send();
          else connection.end();
        },
        closed: (error) => (error === null ? resolve() : reject(error)),
      },
      (opened) => {
        connection = opened;
        send();
      },
    );
  });
}

/** Of the commands of one round all are alike, so that each has as many lines of reply. */
function command(world: World, round: number): Buffer {
  // Every other key has a tag: the table of one slot grows, and its pages split.
  const number = world.random.below(20_000);
  const key = number % 2 === 0 ? `{warm-up}:${number}` : `warm-up:${number}`;
  if (round % 4 === 0) return encodeCommand(['GET', key]);
  if (round % 16 === 1) return encodeCommand(['INCR', `n:${key}`]);
  if (round % 16 === 2) return encodeCommand(['SET', key, round, 'EX', 100]);
  return encodeCommand(['SET', key, 'a value of some thirty bytes'.slice(0, 20 + (round & 7))]);
}
