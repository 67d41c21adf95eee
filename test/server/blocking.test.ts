/**
 * Blocked commands, shown with four that exist only here and wait for strings, so that every turn of the machinery is in
 * plain sight:
 *
 *   MGET key... timeout        takes the first value there is, as BLPOP takes from lists
 *   COPY from to timeout       moves a value, as BLMOVE
 *   SUBSTR key word timeout    replies the value once it is that word; an error where there is none any more, as XREADGROUP
 *   GETRANGE key - timeout     waits for a list
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Keyspace, NO_EXPIRY, Strings, TYPE_STRING, type Database } from '../../src/storage';
import { Bytes, Random } from '../../src/base';
import { commands } from '../../src/commands';
import { BatchedCommand } from '../../src/resp';
import { Blocking, type Parked } from '../../src/server/blocking';
import type { Call } from '../../src/server/call';
import type { Session } from '../../src/server/session';
import { TestNode, textOf, type Say } from './nodes';

const TYPE_LIST = 1;
/** How often SUBSTR ran. */
let looks = 0;

function take(call: Call): void {
  const timeoutMs = call.timeout(call.argc - 1);
  if (Number.isNaN(timeoutMs)) return;
  for (let i = 1; i < call.argc - 1; i++) {
    const record = call.lookupString(i);
    if (record < 0) return;
    if (record === 0) continue;
    call.reply.array(2);
    call.reply.bulk(call.arg(i));
    call.reply.bulk(call.stringOf(record));
    call.database.delete(call.arg(i));
    return;
  }
  if (!call.mayBlock) return call.reply.nullArray();
  call.block({ firstKey: 1, keyCount: call.argc - 2, timeoutMs, type: TYPE_STRING });
}

function move(call: Call): void {
  const timeoutMs = call.timeout(3);
  if (Number.isNaN(timeoutMs)) return;
  const record = call.findString(1);
  if (record < 0) return;
  if (record === 0) {
    if (!call.mayBlock) return call.reply.null();
    return call.block({ firstKey: 1, keyCount: 1, timeoutMs, type: TYPE_STRING });
  }
  const value = Bytes.of(call.stringOf(record).toString());
  call.database.delete(call.arg(1));
  call.strings.set(call.database, call.arg(2), value, NO_EXPIRY);
  call.reply.bulk(value);
}

function expectWord(call: Call): void {
  looks++;
  const timeoutMs = call.timeout(3);
  if (Number.isNaN(timeoutMs)) return;
  const record = call.lookupString(1);
  if (record < 0) return;
  if (record === 0) return call.reply.error('NOGROUP the key is gone');
  // Even who notes each look in the value does not wake itself by that.
  call.database.changing(record);
  const value = call.stringOf(record);
  if (value.equals(call.arg(2))) return call.reply.bulk(value);
  const replaced = call.is(2, '$') ? new Map([[2, Buffer.from(`${value.toString()}+`)]]) : undefined;
  const wait = { firstKey: 1, keyCount: 1, timeoutMs, type: TYPE_STRING, wakesOnLoss: true };
  call.block(replaced === undefined ? wait : { ...wait, replaced });
}

function awaitList(call: Call): void {
  call.block({ firstKey: 1, keyCount: 1, timeoutMs: 0, type: TYPE_LIST });
}

vi.mock('../../src/server/handlers', async (original) => {
  const { handlers } = await original<typeof import('../../src/server/handlers')>();
  return { handlers: { ...handlers, MGET: take, COPY: move, SUBSTR: expectWord, GETRANGE: awaitList } };
});

describe('a node', () => {
  let server: TestNode;
  let say: Say;

  beforeEach(() => {
    looks = 0;
    server = new TestNode();
    say = server.client();
  });

  afterEach(async () => {
    await server.node.stop();
    await server.settle();
    expect(sizes()).toEqual({ count: 0, timedCount: 0, keyCount: 0, lossKeyCount: 0, observer: null });
  });

  function sizes(): object {
    const { count, timedCount, keyCount, lossKeyCount } = server.node.blocking;
    return { count, timedCount, keyCount, lossKeyCount, observer: server.node.keyspace.observer };
  }

  /** Lets a new client wait; gives its reply. Objects, since a promise of a promise would be waited for. */
  async function wait(line: string): Promise<{ reply: ReturnType<Say>; say: Say; isDone: () => Promise<boolean> }> {
    const client = server.client();
    const reply = client(line);
    let done = false;
    reply.then(
      () => (done = true),
      () => (done = true),
    );
    await server.settle();
    const isDone = async (): Promise<boolean> => {
      await server.settle();
      return done;
    };
    return { reply, say: client, isDone };
  }

  async function idOf(client: Say): Promise<number> {
    return Number(await client('CLIENT ID'));
  }

  test('serves those who wait for a key in the order in which they came', async () => {
    const first = await wait('MGET a b 0');
    const second = await wait('MGET b a 0');
    const third = await wait('MGET a a 0');
    await say('SET a 1');
    expect(await first.reply).toEqual(['a', '1']);
    expect(await second.isDone()).toBe(false);
    await say('SET b 2');
    expect(await second.reply).toEqual(['b', '2']);
    await say('SET a 3');
    expect(await third.reply).toEqual(['a', '3']);
    expect(await say('EXISTS a b')).toBe(0);
  });

  test('serves after the whole of an EXEC, keys in the order in which they became ready', async () => {
    const first = await wait('MGET a b 0');
    const second = await wait('MGET a b 0');
    await say('MULTI');
    for (const line of ['SET a 1', 'DEL a', 'SET b 2', 'SET a 3']) await say(line);
    expect(await say('EXEC')).toEqual(['OK', 1, 'OK', 'OK']);
    // The handler itself looks at its keys in their order.
    expect(await first.reply).toEqual(['a', '3']);
    expect(await second.reply).toEqual(['b', '2']);
  });

  test('does not wake for what is gone again, nor for what is of another type', async () => {
    const first = await wait('MGET a 0');
    const second = await wait('GETRANGE b 0 0');
    await say('MULTI');
    for (const line of ['SET a 1', 'DEL a', 'SET b 2']) await say(line);
    await say('EXEC');
    expect(await first.isDone()).toBe(false);
    expect(await second.isDone()).toBe(false);
  });

  test('wakes by RENAME, MOVE and SWAPDB too, and knows databases by their numbers', async () => {
    const other = server.client();
    await other('SELECT 1');
    const renamed = await wait('MGET a 0');
    await say('SET x 1');
    await say('RENAME x a');
    expect(await renamed.reply).toEqual(['a', '1']);
    const moved = await wait('MGET b 0');
    await other('SET b 2');
    expect(await moved.isDone()).toBe(false);
    await other('MOVE b 0');
    expect(await moved.reply).toEqual(['b', '2']);
    const swapped = await wait('MGET c 0');
    const later = await wait('MGET d 0');
    await other('SET c 3');
    await say('SWAPDB 0 1');
    expect(await swapped.reply).toEqual(['c', '3']);
    await say('SET d 4');
    expect(await later.reply).toEqual(['d', '4']);
  });

  test('serves chains to their end, and circles once', async () => {
    const last = await wait('MGET c 0');
    const middle = await wait('COPY b c 0');
    const first = await wait('COPY a b 0');
    await say('SET a x');
    expect(await Promise.all([first.reply, middle.reply, last.reply])).toEqual(['x', 'x', ['c', 'x']]);
    const there = await wait('COPY a b 0');
    const back = await wait('COPY b a 0');
    await say('SET a y');
    expect(await Promise.all([there.reply, back.reply])).toEqual(['y', 'y']);
    expect(await say('GETDEL a')).toBe('y');
    const itself = await wait('COPY a a 0');
    await say('SET a z');
    expect(await itself.reply).toBe('z');
  });

  test('who finds nothing again keeps its place and does not wake itself', async () => {
    await say('SET a 0');
    const first = await wait('SUBSTR a $ 0');
    const second = await wait('SUBSTR a 0+ 0');
    looks = 0;
    await say('SET a 1');
    expect(await first.isDone()).toBe(false);
    expect(looks).toBe(2);
    await say('SET a 0+');
    expect(await Promise.all([first.reply, second.reply])).toEqual(['0+', '0+']);
    expect(looks).toBe(4);
  });

  test('tells who asked for it that a key is gone: deleted, flushed, swapped or expired', async () => {
    const patient = await wait('MGET z 0');
    for (const line of ['DEL a', 'FLUSHDB', 'FLUSHALL', 'SWAPDB 0 1', 'RENAME a b', 'SET a 1 PX 1']) {
      await say('FLUSHALL');
      await say('SET a 0');
      const waiting = await wait('SUBSTR a x 0');
      await say(line);
      server.nowMs += 10;
      await expect(waiting.reply).rejects.toThrow('NOGROUP');
      expect(await patient.isDone()).toBe(false);
    }
  });

  test('runs what was sent meanwhile afterwards, and nothing of it before', async () => {
    const waiting = await wait('MGET a 0');
    const rest = [waiting.say('SET b 1'), waiting.say('MGET a 0'), waiting.say('INCR b')];
    await server.settle();
    expect(await say('GET b')).toBe(null);
    expect(await textOf(say('INFO clients'))).toContain('blocked_clients:1\r\n');
    expect(await textOf(say('CLIENT LIST'))).toMatch(/ flags=b .* qbuf=[1-9].* cmd=mget /);
    await say('SET a x');
    expect(await waiting.reply).toEqual(['a', 'x']);
    expect(await rest[0]).toBe('OK');
    await server.settle();
    expect(await say('GET b')).toBe('1');
    await say('SET a y');
    expect(await Promise.all(rest)).toEqual(['OK', ['a', 'y'], 2]);
    expect(await textOf(say('INFO clients'))).toMatch(/blocked_clients:0\r\n.*total_blocking_keys:0\r\n/s);
  });

  test('a pipeline in one read stops where it must wait', async () => {
    const client = server.client();
    const replies = ['SET b 1', 'MGET a 0', 'SET b 2', 'GET b'].map((line) => client(line));
    await server.settle();
    expect(await say('GET b')).toBe('1');
    await say('SET a x');
    expect(await Promise.all(replies)).toEqual(['OK', ['a', 'x'], 'OK', '2']);
  });

  test('time ends the wait, with a null array or what the command says', async () => {
    expect(await say('MGET a 0.001')).toBe(null);
    expect(await say('WAIT 1 1')).toBe(0);
    expect(await say('PING')).toBe('PONG');
    const [patient, timed] = [await wait('MGET a b 0'), await wait('MGET a 100')];
    expect(await textOf(say('INFO clients'))).toMatch(/clients_in_timeout_table:1\r\ntotal_blocking_keys:2\r\n/);
    await say('SET a 1');
    await say('SET a 2');
    expect(await Promise.all([patient.reply, timed.reply])).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  test('CLIENT UNBLOCK ends the wait as time would, or with an error', async () => {
    const timed = server.client();
    const failed = server.client();
    const ids = [await idOf(timed), await idOf(failed)];
    const replies = [timed('MGET a 0'), failed('WAIT 1 0')];
    await server.settle();
    expect(await say(`CLIENT UNBLOCK ${ids[0]}`)).toBe(1);
    expect(await replies[0]).toBe(null);
    const refused = expect(replies[1]).rejects.toThrow('UNBLOCKED client unblocked via CLIENT UNBLOCK');
    expect(await say(`CLIENT UNBLOCK ${ids[1]} ERROR`)).toBe(1);
    await refused;
    expect(await say(`CLIENT UNBLOCK ${ids[1]} TIMEOUT`)).toBe(0);
    expect(await say('CLIENT UNBLOCK 12345')).toBe(0);
    const stats = await textOf(say('INFO all'));
    expect(stats).toMatch(/cmdstat_mget:calls=1,.*failed_calls=0/);
    expect(stats).toMatch(/cmdstat_wait:calls=1,.*failed_calls=1/);
    expect(stats).toContain('errorstat_UNBLOCKED:count=1\r\n');
  });

  test('CLIENT UNBLOCK does not end a pause', async () => {
    const other = server.client();
    const id = await idOf(other);
    await say('CLIENT PAUSE 60000 WRITE');
    const reply = other('SET a 1');
    await server.settle();
    expect(await say(`CLIENT UNBLOCK ${id}`)).toBe(0);
    await say('CLIENT UNPAUSE');
    expect(await reply).toBe('OK');
  });

  test('a command is counted once, when it is done', async () => {
    const waiting = await wait('MGET a 0');
    const other = server.client();
    expect(await textOf(other('INFO commandstats'))).not.toContain('cmdstat_mget');
    await say('SET a 1');
    await waiting.reply;
    expect(await textOf(other('INFO commandstats'))).toMatch(/cmdstat_mget:calls=1,/);
  });

  test('nothing waits within EXEC', async () => {
    await say('MULTI');
    for (const line of ['MGET a 0', 'COPY a b 0', 'WAIT 1 0']) await say(line);
    expect(await say('EXEC')).toEqual([null, null, 0]);
    expect(await (await wait('MGET a 0')).isDone()).toBe(false);
  });

  test('who is woken during a pause goes on after it', async () => {
    const waiting = await wait('COPY a b 0');
    await say('MULTI');
    for (const line of ['SET a 1', 'CLIENT PAUSE 60000']) await say(line);
    await say('EXEC');
    expect(await waiting.isDone()).toBe(false);
    await say('CLIENT UNPAUSE');
    expect(await waiting.reply).toBe('1');
  });

  test('who needs memory is told when it is woken that there is none', async () => {
    const waiting = await wait('COPY a b 0');
    const refused = expect(waiting.reply).rejects.toThrow('OOM command not allowed');
    await say('MULTI');
    for (const line of ['SET a 1', 'CONFIG SET maxmemory 1']) await say(line);
    await say('EXEC');
    await refused;
    expect(await say('GET a')).toBe('1');
  });

  test('replies that were not wanted when it began to wait are not wanted when it ends', async () => {
    const client = server.client();
    void client('CLIENT REPLY SKIP').catch(() => undefined);
    void client('MGET a 0').catch(() => undefined);
    await server.settle();
    expect(server.node.blocking.count).toBe(1);
    const session = [...server.node.sessions.values()].at(-1)!;
    await say('SET a 1');
    await server.settle();
    expect(server.node.blocking.count).toBe(0);
    expect(session.outputBytes).toBe(0);
    void client('PING').catch(() => undefined);
    await server.settle();
    expect(session.outputBytes).toBe('+PONG\r\n'.length);
  });

  test('RESP3 has one null', async () => {
    const client = server.client();
    await client('HELLO 3');
    const session = [...server.node.sessions.values()].at(-1)!;
    const before = session.outputBytes;
    await client('MGET a 0.001');
    expect(session.outputBytes - before).toBe('_\r\n'.length);
  });

  test('whoever hangs up or is killed gets nothing any more', async () => {
    const killed = await wait('MGET a 0');
    const refused = expect(killed.reply).rejects.toThrow();
    const id = [...server.node.sessions.keys()].at(-1)!;
    const patient = await wait('MGET a 0');
    await say('MULTI');
    for (const line of [`CLIENT KILL ID ${id}`, 'SET a 1']) await say(line);
    await say('EXEC');
    expect(await patient.reply).toEqual(['a', '1']);
    await refused;
    const end = server.node.connectInMemory();
    end.connection.write(Buffer.from('MGET a b 100\r\nPING\r\n'));
    await server.settle();
    expect(server.node.blocking.count).toBe(1);
    end.connection.end();
    await server.settle();
    expect(server.node.blocking.count).toBe(0);
  });

  test('what is sent during a wait is limited', async () => {
    await say('CONFIG SET client-query-buffer-limit 1mb');
    const waiting = await wait('MGET a 0');
    const refused = expect(waiting.reply).rejects.toThrow();
    void waiting.say(`SET b ${'x'.repeat(2_000_000)}`).catch(() => undefined);
    await refused;
    await server.settle();
    expect(server.node.sessions.size).toBe(1);
  });

  test('a thousand who hang up leave nothing', async () => {
    const ends = Array.from({ length: 1000 }, (_, i) => {
      const end = server.node.connectInMemory();
      end.connection.write(Buffer.from(`MGET a b key${i} ${i % 2 === 0 ? 0 : 100}\r\n`));
      return end;
    });
    await server.settle();
    expect(sizes()).toMatchObject({ count: 1000, timedCount: 500, keyCount: 1002 });
    for (const end of ends) end.connection.end();
    await server.settle();
    expect(sizes()).toMatchObject({ count: 0, timedCount: 0, keyCount: 0, observer: null });
  });
});

describe('the registry', () => {
  /** A client that wants one value; what it gets is removed. */
  class Waiter {
    parked: Parked | null = null;

    constructor(
      readonly name: string,
      readonly database: Database,
      private readonly log: string[],
    ) {}

    retry(parked: Parked): boolean {
      const { args } = parked;
      for (let i = 1; i < args.argc; i++) {
        if (!this.database.delete(new Bytes(args.buffer, args.starts[i], args.ends[i]))) continue;
        this.log.push(this.name);
        this.parked = null;
        registryOf(this.database).leave(parked);
        return true;
      }
      return false;
    }
  }

  const registries = new Map<Database, Blocking>();
  function registryOf(database: Database): Blocking {
    return registries.get(database)!;
  }

  function commandOf(...words: string[]): BatchedCommand {
    const command = new BatchedCommand(words.length);
    command.buffer = Buffer.from(words.join(''));
    command.argc = words.length;
    command.commandEnd = command.buffer.length;
    words.reduce((at, word, i) => {
      command.starts[i] = at;
      command.ends[i] = at + word.length;
      return at + word.length;
    }, 0);
    return command;
  }

  test('holds 100,000 who wait, serves them in order, and keeps nothing of those who left', () => {
    const keyspace = new Keyspace({ random: new Random(1) });
    const strings = new Strings(keyspace);
    const database = keyspace.database(0);
    const timers = new Set<() => void>();
    const blocking = new Blocking(keyspace, (_, task) => {
      timers.add(task);
      return () => timers.delete(task);
    });
    registries.set(database, blocking);
    const log: string[] = [];
    const waiters: Waiter[] = [];
    const spec = commands.byName('MGET')!;
    for (let i = 0; i < 100_000; i++) {
      const waiter = new Waiter(String(i), database, log);
      waiter.parked = blocking.park(waiter as unknown as Session, spec, commandOf('MGET', 'all', `own${i}`), {
        firstKey: 1,
        keyCount: 2,
        timeoutMs: i % 2,
        type: TYPE_STRING,
      });
      waiters.push(waiter);
    }
    expect([blocking.count, blocking.timedCount, blocking.keyCount]).toEqual([100_000, 50_000, 100_001]);
    expect(timers.size).toBe(50_000);
    for (let i = 0; i < 100_000; i += 2) {
      const waiter = waiters[(i * 7919) % 100_000];
      blocking.leave(waiter.parked!);
      waiter.parked = null;
    }
    const waiting = waiters.filter(({ parked }) => parked !== null);
    for (let i = 0; i < 1000; i++) {
      strings.set(database, Bytes.of('all'), Bytes.of('x'), NO_EXPIRY);
      expect(blocking.isAnyReady).toBe(true);
      blocking.serve();
    }
    expect(log).toEqual(waiting.slice(0, 1000).map(({ name }) => name));
    for (const { parked } of waiters) if (parked !== null) blocking.leave(parked);
    expect([blocking.count, blocking.timedCount, blocking.keyCount, timers.size]).toEqual([0, 0, 0, 0]);
    expect(keyspace.observer).toBe(null);
  });
});
