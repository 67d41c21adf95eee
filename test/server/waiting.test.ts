/**
 * WAIT and WAITAOF: who is told what, and when; the disk is a simulated one, whose syncs end when the test says so.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { ReplicatedNode, Reply, settle, valuesOf } from './fake-replicas';
import { endAll, simulatedDisk, StoredNode } from './persistence/stored-node';

afterEach(endAll);

const NONE = 'none yet';

describe('WAIT', () => {
  test('is answered at once where enough replicas have it', async () => {
    const stage = new ReplicatedNode({}, 2);
    const say = stage.speaker();
    const replies = say('WAIT 0 0', 'WAIT 2 0', 'WAIT -1 0', 'SET a 1', 'WAIT 0 0');
    await settle();
    expect(valuesOf(replies)).toEqual([2, 2, 2, 'OK', 0]);
    stage.acknowledge(1);
    const later = say('WAIT 1 0');
    await settle();
    expect(valuesOf(later)).toEqual([1]);
    expect(stage.questions).toEqual([]);
  });

  test('waits for what the client wrote last, and asks replicas once for all who wait', async () => {
    const stage = new ReplicatedNode({}, 2);
    const one = stage.speaker()('SET a 1', 'WAIT 1 0', 'PING');
    const two = stage.speaker()('SET b 1', 'WAIT 2 0');
    await settle();
    expect(stage.questions).toEqual([stage.offset]);
    const written = stage.offset;
    stage.speaker()('SET c 1');
    await settle();
    expect(valuesOf([...one, ...two])).toEqual(['OK', NONE, NONE, 'OK', NONE]);
    stage.acknowledge(0, written);
    await settle();
    expect(valuesOf([...one, ...two])).toEqual(['OK', 1, 'PONG', 'OK', NONE]);
    stage.acknowledge(1, written);
    await settle();
    expect(two[1].value).toBe(2);
    expect(stage.node.blocking.count).toBe(0);
  });

  test('of a transaction, it is the end that counts', async () => {
    const stage = new ReplicatedNode({}, 1);
    const replies = stage.speaker()('MULTI', 'SET a 1', 'SET b 1', 'WAIT 1 0', 'EXEC', 'WAIT 1 0');
    await settle();
    expect(valuesOf(replies.slice(4))).toEqual([['OK', 'OK', 0], NONE]);
    stage.acknowledge(0, stage.offset - 1);
    await settle();
    expect(replies[5].value).toBe(NONE);
    stage.acknowledge();
    await settle();
    expect(replies[5].value).toBe(1);
  });

  test('says how many there are when time is up, or somebody says so', async () => {
    const stage = new ReplicatedNode({}, 2);
    const replies = [stage.speaker()('SET a 1', 'WAIT 2 100'), stage.speaker()('CLIENT ID', 'SET b 1', 'WAIT 2 0')];
    await settle();
    stage.acknowledge();
    await stage.pass(99);
    expect(valuesOf(replies.flat())).toEqual(['OK', NONE, expect.any(Number), 'OK', NONE]);
    await stage.pass(1);
    expect(replies[0][1].value).toBe(1);
    const unblocked = stage.speaker()(`CLIENT UNBLOCK ${String(replies[1][0].value)}`);
    await settle();
    expect([unblocked[0].value, replies[1][2].value]).toEqual([1, 1]);
    expect(stage.node.blocking.count).toBe(0);
  });

  test('ends when the node becomes a replica, which cannot wait; afterwards nobody has what was written before', async () => {
    const stage = new ReplicatedNode({}, 1);
    const say = stage.speaker();
    const replies = say('SET a 1', 'WAIT 1 0');
    await settle();
    stage.node.replication.follow({ host: '127.0.0.1', port: 1 });
    const refused = say('WAIT 0 0', 'WAITAOF 0 0 0');
    await settle();
    expect(valuesOf([...replies, ...refused])).toEqual([
      'OK',
      expect.stringMatching(/^UNBLOCKED force unblock .* instance state changed/),
      expect.stringMatching(/^ERR WAIT cannot be used with replica instances\. Please also note/),
      expect.stringMatching(/^ERR WAITAOF cannot be used with replica instances\. Please also note/),
    ]);
    stage.node.replication.promote();
    stage.acknowledge(0, stage.offset + 1000);
    const [before, , after] = say('WAIT 1 10', 'SET a 2', 'WAIT 1 10');
    await stage.pass(10);
    stage.acknowledge(0, stage.offset + 1000);
    await stage.pass(10);
    expect([before.value, after.value]).toEqual([0, 1]);
    await stage.node.stop();
  });

  test('one that is killed leaves nothing behind', async () => {
    const stage = new ReplicatedNode({}, 1);
    const [id] = stage.speaker()('CLIENT ID', 'SET a 1', 'WAIT 1 0');
    await settle();
    stage.speaker()(`CLIENT KILL ID ${String(id.value)}`);
    await settle();
    stage.acknowledge();
    await settle();
    expect(stage.node.blocking.count).toBe(0);
  });
});

describe('WAITAOF', () => {
  test('arguments', async () => {
    const say = new ReplicatedNode({}, 0).speaker();
    const lines = ['2 0 0', '-1 0 0', 'x 0 0', '0 -1 0', '0 x 0', '0 0 -1', '0 0 x', '1 0 0', '0 0 0'];
    const replies = say(...lines.map((line) => `WAITAOF ${line}`));
    await settle();
    expect(valuesOf(replies)).toEqual([
      'ERR value is out of range, value must between 0 and 1',
      'ERR value is out of range, value must between 0 and 1',
      'ERR value is not an integer or out of range',
      'ERR value is out of range, must be positive',
      'ERR value is not an integer or out of range',
      'ERR timeout is negative',
      'ERR timeout is not an integer or out of range',
      'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.',
      [0, 0],
    ]);
  });

  test('counts disks of replicas, which may know less than the replicas', async () => {
    const stage = new ReplicatedNode({}, 2);
    const replies = stage.speaker()('SET a 1', 'WAITAOF 0 1 0');
    await settle();
    stage.acknowledge();
    await settle();
    expect(replies[1].value).toBe(NONE);
    stage.ackedOnDisk.push(stage.offset);
    stage.acknowledge();
    await settle();
    expect(replies[1].value).toEqual([0, 1]);
  });

  const start = async (appendfsync: string): Promise<{ disk: ReturnType<typeof simulatedDisk>; node: StoredNode }> => {
    const disk = simulatedDisk();
    const node = await StoredNode.start({ dir: '/data', appendonly: 'yes', appendfsync }, { files: disk });
    return { disk, node };
  };

  test('always: the reply to the write said it already', async () => {
    const { node } = await start('always');
    const client = node.client();
    void client.command('SET', 'a', '1');
    expect(await client.command('WAITAOF', '1', '0', '0')).toEqual([1, 0]);
  });

  test('everysec: waits for the sync on another thread', async () => {
    const { disk, node } = await start('everysec');
    const client = node.client();
    await client.command('SET', 'a', '1');
    const waiting = new Reply(client.command('WAITAOF', '1', '0', '0'));
    const { appendOnly } = node.node.persistence;
    while (!appendOnly.isSyncUnderWay) await new Promise((resolve) => setTimeout(resolve, 10));
    // What is written now is not in that sync.
    const other = node.client();
    await other.command('SET', 'b', '1');
    const later = new Reply(other.command('WAITAOF', '1', '0', '0'));
    await settle();
    expect(waiting.value).toBe(NONE);
    disk.runPending();
    await settle();
    expect(valuesOf([waiting, later])).toEqual([[1, 0], NONE]);
    expect(await node.client().command('WAITAOF', '1', '0', '0')).toEqual([1, 0]);
    while (!appendOnly.isSyncUnderWay) await new Promise((resolve) => setTimeout(resolve, 10));
    disk.runPending();
    await settle();
    expect(later.value).toEqual([1, 0]);
  });

  test('no: nobody syncs, so time is up; or there is no file any more', async () => {
    const { node } = await start('no');
    const client = node.client();
    await client.command('SET', 'a', '1');
    expect(await client.command('WAITAOF', '1', '0', '20')).toEqual([0, 0]);
    const waiting = new Reply(client.command('WAITAOF', '1', '0', '0'));
    await settle();
    await node.say('CONFIG SET appendonly no');
    await settle();
    expect(waiting.value).toBe('ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.');
  });

  test('a sync that fails promises nothing; a rewrite does', async () => {
    const { disk, node } = await start('everysec');
    const client = node.client();
    await client.command('SET', 'a', '1');
    const waiting = new Reply(client.command('WAITAOF', '1', '0', '0'));
    disk.failNext('sync', 'EIO');
    const { appendOnly } = node.node.persistence;
    while (!appendOnly.isSyncUnderWay) await new Promise((resolve) => setTimeout(resolve, 10));
    disk.runPending(1);
    await settle();
    expect(node.log).toContainEqual(expect.stringMatching(/^Fail to fsync the AOF file/));
    expect(waiting.value).toBe(NONE);
    while (waiting.value === NONE) {
      if (!node.node.persistence.isSnapshotRunning) void node.say('BGREWRITEAOF').catch(() => undefined);
      disk.runPending();
      await settle();
    }
    expect(waiting.value).toEqual([1, 0]);
  });
});
