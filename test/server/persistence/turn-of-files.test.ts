/**
 * The turn from one increment to the next, while other threads are slow: who has written waits for the reply and is not held up
 * otherwise, and whatever happens meanwhile, what was acknowledged is there.
 */
import { afterEach, expect, test } from 'vitest';
import { Random } from '../../../src/base';
import type { Client } from '../../../src/net';
import type { SimulatedDisk } from '../../../src/sim';
import { endAll, simulatedDisk, StoredNode, type Settings } from './stored-node';

afterEach(endAll);

const CLOSED = expect.objectContaining({ code: 'CLOSED' }) as Error;

/** A reply, or that there is none yet. */
class Reply {
  value: unknown = 'none yet';
  readonly promise: Promise<unknown>;

  constructor(promise: Promise<unknown>) {
    this.promise = promise.then(
      (value) => (this.value = value),
      (error: Error) => (this.value = error),
    );
  }
}

interface Stage {
  readonly disk: SimulatedDisk;
  readonly node: StoredNode;
  readonly writer: Client;
  say(...words: string[]): Reply;
}

/** A node in the middle of a turn: a rewrite has begun its walk, and nobody syncs the former increment. */
async function hold(settings: Settings = {}): Promise<Stage> {
  const disk = simulatedDisk();
  const node = await StoredNode.start({ dir: '/data', appendonly: 'yes', ...settings }, { files: disk });
  await node.say('SET before 1');
  await node.say('BGREWRITEAOF');
  while (!node.node.persistence.appendOnly.isHolding) {
    disk.runPending(1);
    await turn();
    // So that there is something to sync when it comes to that.
    if (!node.node.persistence.appendOnly.isHolding) await node.say('SET before 1');
  }
  const writer = node.client();
  return { disk, node, writer, say: (...words) => new Reply(writer.command(...words)) };
}

/** Lets the event loop turn until everything that can go on by itself has. */
async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function settle({ disk }: Stage): Promise<void> {
  while (disk.pendingDeeds > 0) {
    disk.runPending();
    await turn();
  }
}

/** What a node finds that is started on what a death leaves. */
async function after(disk: SimulatedDisk, kill: 'process' | 'power', ...line: string[]): Promise<unknown> {
  const survivor = disk.crash(new Random(7), kill);
  const pump = setInterval(() => survivor.runPending(), 1);
  try {
    const again = await StoredNode.start({ dir: '/data', appendonly: 'yes' }, { files: survivor });
    return await again.client().command(...line);
  } finally {
    clearInterval(pump);
  }
}

test('replies to writes are held, and those of readers are not; commands run', async () => {
  const stage = await hold();
  const replies = [stage.say('SET', 'a', '1'), stage.say('INCR', 'a'), stage.say('GET', 'a')];
  await turn();
  expect(replies.map(({ value }) => value)).toEqual(['none yet', 'none yet', 'none yet']);
  expect(await stage.node.say('GET a')).toBe('2');
  await settle(stage);
  expect(replies.map(({ value }) => value)).toEqual(['OK', 2, '2']);
  for (const kill of ['process', 'power'] as const) {
    expect(await after(stage.disk, kill, 'GET', 'before')).toBe('1');
  }
  expect(await after(stage.disk, 'process', 'GET', 'a')).toBe('2');
});

test('more than the journal keeps for a turn is held all the same', async () => {
  const stage = await hold();
  const size = stage.disk.size('/data/appendonlydir/appendonly.aof.1.incr.aof');
  const replies = Array.from({ length: 30 }, (_, i) => stage.say('SET', `k${i}`, 'x'.repeat(100_000)));
  await turn();
  expect(stage.disk.size('/data/appendonlydir/appendonly.aof.1.incr.aof')).toBe(size);
  expect(Number(await stage.node.info('aof_buffer_length'))).toBeGreaterThan(3_000_000);
  await settle(stage);
  expect(replies.every(({ value }) => value === 'OK')).toBe(true);
  expect(await after(stage.disk, 'process', 'STRLEN', 'k29')).toBe(100_000);
});

test('a blocked client that a held write serves waits for the same', async () => {
  const stage = await hold();
  const blocked = new Reply(stage.node.client().command('BLPOP', 'list', '0'));
  await turn();
  stage.say('RPUSH', 'list', 'x');
  await turn();
  expect(blocked.value).toBe('none yet');
  await settle(stage);
  expect(blocked.value).toEqual(['list', 'x']);
});

test('a client that leaves gets what it is owed; one that is killed, or takes too much, does not', async () => {
  const stage = await hold({ 'client-output-buffer-limit': 'normal 200000 0 0' });
  const leaving = [stage.say('SET', 'a', '1'), stage.say('QUIT')];
  const killed = stage.node.client();
  const id = String(await killed.command('CLIENT', 'ID'));
  const lost = new Reply(killed.command('SET', 'b', '1'));
  const greedy = stage.node.client();
  const much = [
    greedy.command('SET', 'c', 'x'.repeat(150_000)),
    greedy.command('GET', 'c'),
    greedy.command('GET', 'c'),
  ];
  const owed = much.map((promise) => new Reply(promise));
  await turn();
  await stage.node.say(`CLIENT KILL ID ${id}`);
  await Promise.all([lost.promise, ...owed.map(({ promise }) => promise)]);
  expect(lost.value).toEqual(CLOSED);
  expect(owed.map(({ value }) => value)).toEqual([CLOSED, CLOSED, CLOSED]);
  expect(leaving.map(({ value }) => value)).toEqual(['none yet', 'none yet']);
  await settle(stage);
  expect(leaving.map(({ value }) => value)).toEqual(['OK', 'OK']);
  expect(await stage.node.say('EXISTS a b c')).toBe(3);
});

test('what CLIENT REPLY has silenced stays silent', async () => {
  const stage = await hold();
  void stage.writer.command('CLIENT', 'REPLY', 'OFF').catch(() => undefined);
  void stage.writer.command('SET', 'a', '1').catch(() => undefined);
  await turn();
  const on = stage.say('CLIENT', 'REPLY', 'ON');
  await settle(stage);
  expect(await stage.node.say('GET a')).toBe('1');
  expect(on.value).toBe('none yet');
  expect(stage.node.node.replyGate.isAwaited).toBe(false);
});

test('the sync fails: the former file goes on, and writes are refused until a rewrite', async () => {
  const stage = await hold();
  const reply = stage.say('SET', 'a', '1');
  await turn();
  stage.disk.failNext('sync', 'EIO');
  await settle(stage);
  expect(reply.value).toBe('OK');
  await expect(stage.node.say('SET b 1')).rejects.toThrow('MISCONF');
  expect(await after(stage.disk, 'process', 'GET', 'a')).toBe('1');
  expect(stage.node.log).toContain('Background AOF rewrite terminated with error: Input/output error');
});

test('always: the directory cannot be synced, so nothing is acknowledged any more', async () => {
  const stage = await hold({ appendfsync: 'always' });
  const reply = stage.say('SET', 'a', '1');
  await turn();
  stage.disk.failNext('syncDirectory', 'EIO');
  await settle(stage);
  expect(reply.value).toEqual(CLOSED);
  expect(stage.node.failures).toHaveLength(1);
  await expect(stage.node.say('SET b 1')).rejects.toThrow('MISCONF');
});

test.each([
  ['rename', 'OK'],
  ['syncDirectory', 'OK'],
] as const)('the %s fails: what was held is kept', async (deed, value) => {
  const stage = await hold();
  const reply = stage.say('SET', 'a', '1');
  await turn();
  stage.disk.failNext(deed, 'EIO');
  await settle(stage);
  expect(reply.value).toBe(value);
  expect(await after(stage.disk, 'process', 'GET', 'a')).toBe('1');
});

test('the disk is full: what was held is not acknowledged', async () => {
  const stage = await hold();
  const reply = stage.say('SET', 'a', 'x'.repeat(100_000));
  await turn();
  stage.disk.capacityBytes = 50_000;
  await settle(stage);
  expect(reply.value).toEqual(CLOSED);
  expect(await stage.node.say('STRLEN a')).toBe(100_000);
});

test.each(['stop', 'SHUTDOWN', 'CONFIG SET appendonly no', 'DEBUG LOADAOF'])('%s does not wait', async (end) => {
  const stage = await hold();
  const reply = stage.say('SET', 'a', '1');
  await turn();
  if (end === 'stop') await stage.node.stop();
  else void stage.node.say(end).catch(() => undefined);
  await turn();
  expect(reply.value).toBe('OK');
  expect(await after(stage.disk, 'power', 'GET', 'a')).toBe('1');
  // The late answers of other threads change nothing.
  await settle(stage);
  expect(await after(stage.disk, 'power', 'GET', 'a')).toBe('1');
});
