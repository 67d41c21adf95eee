/**
 * `write-quorum`: which replies wait for replicas, what they become if they wait in vain, and that nothing else waits.
 */
import { describe, expect, test } from 'vitest';
import { ReplicatedNode, settle, valuesOf, type Reply } from './fake-replicas';

const NONE = 'none yet';
const UNDECIDED = expect.stringMatching(/^NOREPLICAS Done here, .* may or may not survive/) as unknown;
const REFUSED = expect.stringMatching(/^NOREPLICAS Nothing was written/) as unknown;

/** A node that asks for one replica, and has one. */
function quorumOfOne(settings: Readonly<Record<string, string>> = {}): ReplicatedNode {
  return new ReplicatedNode({ 'write-quorum': '1', 'write-quorum-timeout': '1000', ...settings }, 1);
}

describe('replies', () => {
  test('those behind a write wait with it; those before it, and those of others, do not', async () => {
    const stage = quorumOfOne();
    const replies = stage.speaker()('PING', 'GET a', 'SET a 1', 'GET a', 'INCR a');
    const others = stage.speaker()('GET a');
    await settle();
    expect(valuesOf(replies)).toEqual(['PONG', null, NONE, NONE, NONE]);
    expect(valuesOf(others)).toEqual(['2']);
    stage.acknowledge();
    await settle();
    expect(valuesOf(replies)).toEqual(['PONG', null, 'OK', '1', 2]);
  });

  test('requests do not wait: what is sent while a reply is held is done', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    const first = say('SET a 1');
    await settle();
    const written = stage.offset;
    const second = say('SET a 2', 'GET a');
    await settle();
    expect(valuesOf(stage.speaker()('GET a'))).toEqual([NONE]);
    stage.acknowledge(0, written);
    await settle();
    expect(valuesOf([...first, ...second])).toEqual(['OK', NONE, NONE]);
    stage.acknowledge();
    await settle();
    expect(valuesOf(second)).toEqual(['OK', '2']);
  });

  test('replicas are asked once for a turn, and again when they have answered', async () => {
    const stage = quorumOfOne();
    const [one, two] = [stage.speaker(), stage.speaker()];
    one('SET a 1', 'SET b 1');
    two('SET c 1');
    await settle();
    const written = stage.offset;
    expect(stage.questions).toEqual([written]);
    one('SET d 1');
    await settle();
    two('SET e 1');
    await settle();
    expect(stage.questions).toEqual([written]);
    stage.acknowledge(0, written);
    two('PING');
    await settle();
    expect(stage.questions).toEqual([written, stage.offset]);
  });

  test('writes that change nothing, and keys whose time has come, hold nothing', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    say('SET a 1 PX 10', 'SET b 1');
    await settle();
    stage.acknowledge();
    await stage.pass(20);
    const before = stage.offset;
    const replies = say('GET a', 'DEL a', 'SETNX b 2');
    await settle();
    expect(stage.offset).toBeGreaterThan(before);
    expect(valuesOf(replies)).toEqual([null, 0, 0]);
  });

  test('large ones wait as small ones do', async () => {
    const stage = quorumOfOne();
    const large = 'x'.repeat(40_000);
    const say = stage.speaker();
    const replies = say(`SET a ${large}`, 'GET a', 'GETSET a 1', 'GET a');
    await settle();
    stage.acknowledge();
    const later = say('GETSET a 2');
    await settle();
    expect(valuesOf([...replies, ...later])).toEqual(['OK', large, large, '1', NONE]);
    await stage.pass(1000);
    expect(valuesOf(later)).toEqual([UNDECIDED]);
  });
});

describe('time is up', () => {
  test('errors stand where the replies would have, and say what is known', async () => {
    const stage = new ReplicatedNode({ 'write-quorum': '2', 'write-quorum-timeout': '300' }, 3);
    const say = stage.speaker();
    const replies = say('SET a 1', 'GET a', 'SET a 2', 'PING');
    await settle();
    stage.acknowledge(1);
    await stage.pass(299);
    expect(valuesOf(replies)).toEqual([NONE, NONE, NONE, NONE]);
    await stage.pass(1);
    expect(valuesOf(replies)).toEqual([UNDECIDED, '1', UNDECIDED, 'PONG']);
    expect(replies[2].value).toBe(
      'NOREPLICAS Done here, but acknowledged by 1 of 3 online replicas, and write-quorum is 2: the write, at offset ' +
        `${stage.offset}, may or may not survive.`,
    );
    expect(stage.node.statistics.errors.byCode.get('NOREPLICAS')).toBe(2);
  });

  test('writes of later turns have their own time, and those that are acknowledged keep their replies', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    const first = say('SET a 1');
    await stage.pass(600);
    const second = say('SET b 1', 'GET b');
    await stage.pass(400);
    expect(valuesOf([...first, ...second])).toEqual([UNDECIDED, NONE, NONE]);
    stage.acknowledge();
    await stage.pass(1000);
    expect(valuesOf(second)).toEqual(['OK', '1']);
  });

  test('a replica that was stuck is asked again when it has caught up', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    const lost = say('SET a 1');
    await stage.pass(1000);
    expect(valuesOf(lost)).toEqual([UNDECIDED]);
    stage.acknowledge();
    const next = say('SET a 2');
    await settle();
    expect(stage.questions.at(-1)).toBe(stage.offset);
    stage.acknowledge();
    await settle();
    expect(valuesOf(next)).toEqual(['OK']);
  });

  test('a shorter time is for those too that wait', async () => {
    const stage = quorumOfOne({ 'write-quorum-timeout': '60000' });
    const replies = stage.speaker()('SET a 1');
    await stage.pass(100);
    stage.speaker()('CONFIG SET write-quorum-timeout 50');
    await stage.pass(0);
    expect(valuesOf(replies)).toEqual([UNDECIDED]);
  });
});

describe('replicas come and go', () => {
  test('without enough of them, nothing is written', async () => {
    const stage = new ReplicatedNode({ 'write-quorum': '2' }, 1);
    const replies = stage.speaker()('SET a 1', 'GET a', 'MULTI', 'SET a 1', 'EXEC');
    await settle();
    expect(valuesOf(replies)).toEqual([REFUSED, null, 'OK', REFUSED, expect.stringMatching(/^EXECABORT/)]);
    expect(replies[0].value).toBe('NOREPLICAS Nothing was written: 1 replicas online, and write-quorum is 2.');
  });

  test('one that goes takes the replies with it that wait for it', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    const replies = say('SET a 1', 'GET a');
    await settle();
    stage.setOnline(0, false);
    await settle();
    expect(valuesOf(replies)).toEqual([UNDECIDED, '1']);
    expect(replies[0].value).toContain('by 0 of 0 online replicas');
    const refused = say('SET a 2', 'GET a');
    await settle();
    expect(valuesOf(refused)).toEqual([REFUSED, '1']);
    stage.setOnline(0, true);
    const welcome = say('SET a 3');
    await settle();
    stage.acknowledge();
    await settle();
    expect(valuesOf(welcome)).toEqual(['OK']);
  });

  test('one that comes is asked, too', async () => {
    const stage = new ReplicatedNode({ 'write-quorum': '1' }, 2);
    stage.setOnline(1, false);
    const replies = stage.speaker()('SET a 1');
    await settle();
    expect(stage.questions).toHaveLength(1);
    stage.setOnline(1, true);
    await settle();
    expect(stage.questions).toHaveLength(2);
    stage.acknowledge(1);
    await settle();
    expect(valuesOf(replies)).toEqual(['OK']);
  });

  test('min-replicas-to-write refuses writes, too', async () => {
    const stage = new ReplicatedNode({ 'min-replicas-to-write': '2' }, 2);
    const say = stage.speaker();
    stage.setOnline(0, false);
    const refused = say('SET a 1', 'GET a');
    await settle();
    expect(valuesOf(refused)).toEqual(['NOREPLICAS Not enough good replicas to write.', null]);
    stage.setOnline(0, true);
    const welcome = say('SET a 1');
    await settle();
    expect(valuesOf(welcome)).toEqual(['OK']);
  });
});

describe('commands of other kinds', () => {
  test('EXEC is one write, with one reply', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    const kept = say('MULTI', 'SET a 1', 'GET a', 'INCR a', 'EXEC');
    await settle();
    expect(valuesOf(kept)).toEqual(['OK', 'QUEUED', 'QUEUED', 'QUEUED', NONE]);
    stage.acknowledge();
    const lost = say('MULTI', 'INCR a', 'INCR a', 'EXEC', 'PING');
    const readOnly = say('MULTI', 'GET a', 'EXEC');
    await stage.pass(1000);
    expect(kept[4].value).toEqual(['OK', '1', 2]);
    expect(valuesOf(lost)).toEqual(['OK', 'QUEUED', 'QUEUED', UNDECIDED, 'PONG']);
    expect(readOnly[2].value).toEqual(['4']);
  });

  test('a client that is served by a write of another waits for its own', async () => {
    const stage = quorumOfOne();
    const blocked = stage.speaker()('BLPOP list 0', 'PING');
    await settle();
    const pushed = stage.speaker()('RPUSH list x');
    await settle();
    expect(valuesOf([...blocked, ...pushed])).toEqual([NONE, NONE, NONE]);
    stage.acknowledge();
    await settle();
    expect(valuesOf([...blocked, ...pushed])).toEqual([['list', 'x'], 'PONG', 1]);
  });

  test('CLIENT REPLY OFF leaves nothing to hold', async () => {
    const stage = quorumOfOne();
    const client = stage.client();
    const sent = ['CLIENT REPLY OFF', 'SET a 1', 'MULTI', 'SET b 1', 'EXEC'];
    for (const line of sent) client.command(...line.split(' ')).catch(() => undefined);
    await settle();
    expect(stage.questions).toEqual([]);
    expect(await stage.client().command('MGET', 'a', 'b')).toEqual(['1', '1']);
  });

  test('RESP3', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    const replies = say('HELLO 3', 'ZADD z 1.5 a', 'ZSCORE z a');
    await stage.pass(1000);
    expect(valuesOf(replies.slice(1))).toEqual([UNDECIDED, 1.5]);
  });
});

describe('settings and roles', () => {
  test('what is asked for changes while replies are held', async () => {
    const stage = new ReplicatedNode({ 'write-quorum': '1' }, 3);
    const admin = stage.speaker();
    const replies: Reply[][] = [];
    for (const [setTo, acknowledgedBy] of [
      ['2', [0]],
      ['1', []],
      ['0', []],
    ] as const) {
      replies.push(stage.speaker()('SET a 1'));
      await settle();
      admin(`CONFIG SET write-quorum ${setTo}`);
      await settle();
      for (const replica of acknowledgedBy) stage.acknowledge(replica);
      await settle();
      if (setTo === '2') expect(valuesOf(replies[0])).toEqual([NONE]);
      if (setTo === '1') expect(valuesOf([...replies[0], ...replies[1]])).toEqual(['OK', NONE]);
    }
    expect(valuesOf(replies.flat())).toEqual(['OK', 'OK', 'OK']);
    admin('CONFIG SET write-quorum 0');
    const free = stage.speaker()('SET a 2');
    await settle();
    expect(valuesOf(free)).toEqual(['OK']);
  });

  test('asking for more than there are ends the wait', async () => {
    const stage = quorumOfOne();
    const replies = stage.speaker()('SET a 1', 'CONFIG SET write-quorum 2', 'GET a');
    await settle();
    expect(valuesOf(replies)).toEqual([UNDECIDED, 'OK', '1']);
  });

  test('switched on within EXEC, it is for the writes after it', async () => {
    const stage = new ReplicatedNode({}, 1);
    const replies = stage.speaker()('MULTI', 'SET a 1', 'CONFIG SET write-quorum 1', 'SET a 2', 'EXEC', 'SET a 3');
    await settle();
    expect(valuesOf(replies.slice(4))).toEqual([['OK', 'OK', 'OK'], NONE]);
    stage.acknowledge();
    await settle();
    expect(replies[5].value).toBe('OK');
  });

  test('a node that becomes a replica cannot promise anything', async () => {
    const stage = quorumOfOne();
    const say = stage.speaker();
    const replies = say('SET a 1', 'GET a');
    await settle();
    stage.node.replication.follow({ host: '127.0.0.1', port: 1 });
    await settle();
    expect(valuesOf(replies)).toEqual([UNDECIDED, '1']);
    const refused = say('SET a 2');
    await settle();
    expect(valuesOf(refused)).toEqual([expect.stringMatching(/^READONLY/)]);
    expect(stage.node.quorum).toBeNull();
    await stage.node.stop();
  });

  test('the end of the node is told to who waits', async () => {
    const stage = quorumOfOne();
    const replies = stage.speaker()('SET a 1', 'GET a');
    await settle();
    await stage.node.stop();
    await settle();
    expect(valuesOf(replies)).toEqual([UNDECIDED, '1']);
  });
});

describe('clients that leave', () => {
  test('QUIT waits for what is before it; a client that is killed is not waited for', async () => {
    const stage = quorumOfOne();
    const leaving = stage.speaker()('SET a 1', 'QUIT');
    const killed = stage.speaker()('CLIENT ID', 'SET b 1');
    await settle();
    expect(valuesOf([...leaving, killed[1]])).toEqual([NONE, NONE, NONE]);
    stage.speaker()(`CLIENT KILL ID ${String(killed[0].value)}`);
    await settle();
    stage.acknowledge();
    await settle();
    expect(valuesOf(leaving)).toEqual(['OK', 'OK']);
    expect(killed[1].value).not.toBe('OK');
    expect(stage.node.sessions.size).toBe(1);
  });

  test('what is held counts against client-output-buffer-limit', async () => {
    const stage = quorumOfOne({ 'client-output-buffer-limit': 'normal 200000 0 0' });
    const replies = stage.speaker()(`SET a ${'x'.repeat(150_000)}`, 'GET a', 'GET a');
    await settle();
    expect(valuesOf(replies)).not.toContain(NONE);
    expect(stage.node.statistics.outputLimitDisconnects).toBe(1);
    stage.acknowledge();
    await stage.pass(1000);
    expect(stage.node.sessions.size).toBe(0);
  });
});

test('an error says what was asked for, also of a node that is a replica by now', async () => {
  const stage = quorumOfOne();
  const replies = stage.speaker()('SET a 1');
  await settle();
  stage.node.replication.follow({ host: '127.0.0.1', port: 1 });
  await settle();
  expect(replies[0].value).toContain('write-quorum is 1:');
  await stage.node.stop();
});

test('a replica that has acknowledged half a turn', async () => {
  const stage = quorumOfOne();
  const one = stage.speaker()('SET a 1');
  await Promise.resolve();
  const two = stage.speaker()('SET b 1', 'GET b');
  await settle();
  stage.acknowledge(0, stage.offset - 1);
  await stage.pass(1000);
  expect(valuesOf([...one, ...two])).toEqual(['OK', UNDECIDED, '1']);
});
