/**
 * The append-only file and the quorum hold replies for reasons of their own: both must pass, whichever is first.
 */
import { afterEach, expect, test } from 'vitest';
import { Reply, settle, valuesOf } from './fake-replicas';
import { endAll, simulatedDisk, StoredNode } from './persistence/stored-node';

afterEach(endAll);

const NONE = 'none yet';

/** A node in the middle of a rewrite, when what is written waits for the sync of the former file; with one replica. */
async function holdingBoth(): Promise<{
  passFile: () => Promise<void>;
  passReplica: () => Promise<void>;
  replies: Reply[];
}> {
  const disk = simulatedDisk();
  const node = await StoredNode.start({ dir: '/data', appendonly: 'yes' }, { files: disk });
  const { appendOnly } = node.node.persistence;
  const { feeds } = node.node.replication;
  let acknowledged = 0;
  feeds.countGood = () => 1;
  feeds.countAcknowledged = (offset) => (acknowledged >= offset ? 1 : 0);
  await node.say('SET before 1');
  await node.say('BGREWRITEAOF');
  while (!appendOnly.isHolding) {
    disk.runPending(1);
    await settle();
    if (!appendOnly.isHolding) await node.say('SET before 1');
  }
  await node.say('CONFIG SET write-quorum 1');
  const client = node.client();
  const replies = [['PING'], ['SET', 'a', '1'], ['GET', 'a']].map((words) => new Reply(client.command(...words)));
  await settle();
  return {
    replies,
    async passFile() {
      while (appendOnly.isHolding) {
        disk.runPending();
        await settle();
      }
    },
    async passReplica() {
      acknowledged = node.node.journal.offset;
      feeds.onAcknowledged();
      await settle();
    },
  };
}

test('first the file, then the replica', async () => {
  const { replies, passFile, passReplica } = await holdingBoth();
  // The gate of the file knows sessions, not replies: what is before the write in the same turn waits too.
  expect(valuesOf(replies)).toEqual([NONE, NONE, NONE]);
  await passFile();
  expect(valuesOf(replies)).toEqual(['PONG', NONE, NONE]);
  await passReplica();
  expect(valuesOf(replies)).toEqual(['PONG', 'OK', '1']);
});

test('first the replica, then the file', async () => {
  const { replies, passFile, passReplica } = await holdingBoth();
  await passReplica();
  expect(valuesOf(replies)).toEqual([NONE, NONE, NONE]);
  await passFile();
  expect(valuesOf(replies)).toEqual(['PONG', 'OK', '1']);
});
