/**
 * A master that was down for a while: keys whose time has come meanwhile are gone on replicas too, which go on from where they were
 * and are sent no snapshot.
 */
import { afterEach, expect, test } from 'vitest';
import { realClock } from '../../src/base';
import { endAll, simulatedDisk, StoredNode } from '../server/persistence/stored-node';
import { until } from '../server/replicas';

afterEach(endAll);

test.each([
  ['a save', { appendonly: 'no' }],
  ['an append-only file', { appendonly: 'yes' }],
])('keys that expire while the master is down are told to replicas: from %s', async (_name, keeping) => {
  let laterMs = 0;
  const clock = { wallMs: () => realClock.wallMs() + laterMs, monotonicMs: realClock.monotonicMs };
  const disk = simulatedDisk();
  const settings = { dir: '/data', 'repl-diskless-sync-delay': '0', ...keeping };
  let master = await StoredNode.start(settings, { clock, files: disk });
  const replica = new StoredNode({ 'repl-diskless-load': 'swapdb' }, { clock });
  replica.node.replication.following.connect = (_address, handler, opened) => {
    const end = master.node.connectInMemory();
    end.attach(handler);
    opened(end.connection);
  };
  await replica.say('REPLICAOF master 1');
  await master.say('SET brief v PX 10000');
  await master.say('SET lasting v');
  await replica.reaches('master_link_status', 'up');
  await reachesSize(replica, 2);
  await master.say('SAVE');
  await master.stop();
  laterMs = 20_000;
  master = await StoredNode.start(settings, { clock, files: disk });
  await reachesSize(master, 1);
  await replica.reaches('master_link_status', 'up');
  await reachesSize(replica, 1);
  expect([await master.info('sync_full'), await master.info('sync_partial_ok')]).toEqual(['0', '1']);
});

/** A key that has expired counts as long as it is there. */
function reachesSize(stored: StoredNode, keys: number): Promise<void> {
  return until(async () => (await stored.say('DBSIZE')) === keys);
}
