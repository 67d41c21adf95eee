/**
 * Clients that say they are replicas and are not to be trusted: whatever they ask, claim or fail to read, the master answers as
 * Redis does or closes them, promises nobody what only they have confirmed, and keeps no more memory than its limits allow.
 * The answers were given by redis-server 7.0.15; ports and addresses that are none are refused here only.
 */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { Random, realTimers } from '../../src/base';
import { TestNode, textOf, type Say } from './nodes';
import { RawReplica } from './raw-replica';
import { until } from './replicas';

const SETTINGS = { 'repl-diskless-sync-delay': '0', 'enable-debug-command': 'yes' };
const NO_INTEGER = '-ERR value is not an integer or out of range\r\n';
const FULL = expect.stringMatching(/^\+FULLRESYNC [0-9a-f]{40} \d+\r\n/) as unknown;

let master: TestNode;
let say: Say;

beforeEach(() => {
  master = new TestNode(SETTINGS);
  say = master.client();
});
afterEach(() => master.node.stop());

test.each([
  ['REPLCONF', '+OK\r\n'],
  ['REPLCONF x', '-ERR syntax error\r\n'],
  ['REPLCONF frobnicate 1', '-ERR Unrecognized REPLCONF option: frobnicate\r\n'],
  ['REPLCONF listening-port abc', NO_INTEGER],
  ['REPLCONF listening-port -5', expect.stringMatching(/^-ERR REPLCONF listening-port /)],
  ['REPLCONF listening-port 99999999999', expect.stringMatching(/^-ERR REPLCONF listening-port /)],
  ['REPLCONF ip-address "a\\r\\nrole:slave"', expect.stringMatching(/^-ERR REPLCONF ip-address /)],
  [`REPLCONF ip-address ${'a'.repeat(300)}`, expect.stringMatching(/^-ERR REPLCONF ip-address .* too long/)],
  ['REPLCONF capa nonsense', '+OK\r\n'],
  ['PSYNC a', "-ERR wrong number of arguments for 'psync' command\r\n"],
  ['PSYNC a b', NO_INTEGER],
  ['PSYNC ? 99999999999999999999', NO_INTEGER],
  ['PSYNC ? -9223372036854775808', FULL],
  ['PSYNC ? 9223372036854775807', FULL],
  ['PSYNC "" 5', FULL],
  ['PSYNC "\\r\\n# all is well" 5', FULL],
  [`PSYNC ${'x'.repeat(300)} 5`, FULL],
])('%s', async (line, answer) => {
  const replica = new RawReplica(master);
  expect(await replica.ask(line)).toEqual(answer);
  for (const [, message] of master.log) {
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(300);
  }
  expect(await say('PING')).toBe('PONG');
});

test('ACK of somebody who is no replica, and what is no offset, says nothing', async () => {
  const stranger = new RawReplica(master);
  stranger.say('REPLCONF ACK 5');
  stranger.say('REPLCONF GETACK *');
  expect(await stranger.ask('PING')).toBe('+PONG\r\n');
  const replica = new RawReplica(master);
  await replica.join();
  for (const offset of ['abc', '-1', '9223372036854775808', '""']) replica.say(`REPLCONF ACK ${offset} FACK ${offset}`);
  await master.settle();
  expect(replica.isClosed).toBe(false);
  const [feed] = master.node.replication.feeds.all;
  expect([feed.ackedOffset, feed.ackedDiskOffset]).toEqual([0, 0]);
});

describe('a replica that claims what does not exist yet', () => {
  let replica: RawReplica;

  beforeEach(async () => {
    replica = new RawReplica(master);
    await replica.join();
    await until(() => master.node.replication.feeds.countAcknowledged(0) === 1);
    replica.say('REPLCONF ACK 9007199254740991 FACK 9007199254740991');
    await master.settle();
  });

  const confirm = (): void => replica.say(`REPLCONF ACK ${master.node.replication.offset}`);

  it('does not satisfy WAIT', async () => {
    await say('SET k v');
    expect(await say('WAIT 1 20')).toBe(0);
    expect(await say('WAITAOF 0 1 20')).toEqual([0, 0]);
    confirm();
    expect(await say('WAIT 1 0')).toBe(1);
  });

  it('does not satisfy a quorum', async () => {
    await say('CONFIG SET write-quorum 1');
    let reply: unknown = null;
    const write = say('SET k v').then((value) => (reply = value));
    await until(() => replica.received.includes('GETACK'), 'the question');
    expect(reply).toBe(null);
    confirm();
    expect(await write).toBe('OK');
  });

  it('is no heir before it has everything', async () => {
    await say('SET k v');
    expect(await say('FAILOVER')).toBe('OK');
    await master.settle();
    expect(await textOf(say('INFO replication'))).toContain('master_failover_state:waiting-for-sync');
    expect(await say('FAILOVER ABORT')).toBe('OK');
  });
});

test.each([
  ['GET k'],
  ['SET k other'],
  ['FLUSHALL'],
  ['BLPOP k 0'],
  ['EVAL x 0'],
  ['MULTI', 'SET k other', 'EXEC'],
  ['CLIENT REPLY OFF', 'SET k other', 'CLIENT REPLY ON'],
  ['CLIENT REPLY OFF', 'MULTI', 'SET k other', 'EXEC', 'RESET'],
  ['CLIENT REPLY SKIP', 'SET k other', 'PING'],
  ['WAIT 0 0'],
  ['RESET'],
  ['QUIT'],
  ['no command'],
  ['*1\r\n$-7'],
])('a replica that says %s is closed, and has changed nothing', async (...lines) => {
  await say('SET k v');
  const replica = new RawReplica(master);
  await replica.join();
  for (const line of lines) replica.say(line);
  await until(() => replica.isClosed, 'the end');
  expect(await say('GET k')).toBe('v');
  expect(master.node.replication.feeds.all).toEqual([]);
});

test('what is held back for all is not let through for a replica that nobody hears', async () => {
  const replica = new RawReplica(master);
  await replica.join();
  await say('CLIENT PAUSE 60000 WRITE');
  replica.say('CLIENT REPLY OFF');
  for (const line of ['SET k v', 'MULTI', 'SET k v', 'EXEC', 'WAIT 9 0']) replica.say(line);
  await master.settle();
  expect(await say('EXISTS k')).toBe(0);
  // It waits for ever, and so it is silent.
  master.nowMs += 61_000;
  await until(() => replica.isClosed, 'the end');
});

test('PSYNC again changes nothing', async () => {
  const replica = new RawReplica(master);
  await replica.join();
  for (const line of ['PSYNC ? -1', 'SYNC', 'PSYNC abc 5']) replica.say(line);
  await say('SET k v');
  await until(() => replica.received.endsWith('v\r\n'), 'the stream');
  expect(master.node.statistics.fullSyncs).toBe(1);
});

describe('hundreds that never read', () => {
  const COUNT = 300;
  let silent: RawReplica[];

  async function gather(): Promise<void> {
    await say(`SET big ${'x'.repeat(20_000)}`);
    silent = Array.from({ length: COUNT }, () => new RawReplica(master));
    for (const [i, replica] of silent.entries()) {
      if (i % 2 === 0) await replica.ask('REPLCONF capa eof');
      replica.connection.pauseReading();
      replica.say(i % 3 === 0 ? 'SYNC' : 'PSYNC ? -1');
    }
    await until(() => master.node.replication.feeds.all.length === COUNT, 'all of them');
    await until(() => master.node.replication.feeds.all.every(({ state }) => state !== 'waiting'), 'their snapshots');
  }

  const areGone = (): Promise<void> =>
    until(() => master.node.replication.feeds.all.length === 0 && master.node.sessions.size === 1, 'their end');

  it('are dropped when they are silent for repl-timeout', async () => {
    await gather();
    expect(await say('PING')).toBe('PONG');
    // A file may be on its way from another thread: who gets it later is silent from then on.
    const cancel = realTimers.every(100, () => (master.nowMs += 61_000));
    await areGone().finally(cancel);
  });

  it('cost no more than the limit for one, and then nothing', async () => {
    master.node.settings.set('client-output-buffer-limit', ['replica', '1mb', '0', '0'], 'client');
    await gather();
    for (let i = 0; i < 100; i++) await say(`SET big ${'x'.repeat(40_000)}`);
    await areGone();
    for (let i = 0; i < 100; i++) await say(`SET big ${'x'.repeat(40_000)}`);
    const { backlog } = master.node.replication.feeds;
    expect(backlog!.memoryBytes).toBeLessThan(2 * 1024 * 1024);
  });
});

describe('random sentences about replication', () => {
  const CLIENTS = 6;
  const ROUNDS = 400;

  test.each([1, 2, 3])('leave a master and its honest replica equal (seed %i)', async (seed) => {
    const random = new Random(seed);
    const one = <T>(items: readonly T[]): T => items[random.below(items.length)];
    const replica = new TestNode(SETTINGS);
    const ask = replica.client();
    // Two addresses lead somewhere; at all others nobody answers.
    for (const { node } of [master, replica]) {
      node.replication.following.connect = (address, handler, opened) => {
        const port = 'port' in address ? address.port : 0;
        const there = port === 1 ? master : port === 2 ? replica : null;
        const end = there?.node.connectInMemory();
        if (end === undefined) return node.world.timers.endOfTurn(() => handler.closed(new Error('nobody is there')));
        end.attach(handler);
        opened(end.connection);
      };
    }
    await ask('CONFIG SET replica-announce-ip memory');
    await ask('CONFIG SET replica-announce-port 2');
    await ask('REPLICAOF memory 1');
    const clients: RawReplica[] = [];
    const number = (): string =>
      one(['0', '-1', '1', '2', '7777', '65536', '9223372036854775807', '99999999999999999999', 'x', '""']);
    const place = (): string => {
      const { history, offset } = master.node.replication;
      const id = one([history.id, history.formerId, '?', 'x'.repeat(40), '""', '"\\x00\\r\\n"']);
      return `${id} ${one([number(), String(offset), String(offset + 1), String(offset - 10), String(offset + 10)])}`;
    };
    const sentence = (): string => {
      switch (random.below(14)) {
        case 0:
          return `REPLCONF ${one(['listening-port', 'ip-address', 'capa', 'version', 'rdb-only', 'rdb-filter-only', 'x'])} ${number()}`;
        case 1:
          return `REPLCONF capa eof capa psync2 ${one(['', 'listening-port 2', 'ip-address memory'])}`;
        case 2:
          return `REPLCONF ACK ${one([number(), String(master.node.replication.offset)])} ${one(['', `FACK ${number()}`])}`;
        case 3:
          return `PSYNC ${place()} ${one(['', '', '', 'FAILOVER'])}`;
        case 4:
          return one(['SYNC', 'REPLCONF GETACK *', 'ROLE', 'INFO replication']);
        case 5:
          return random.below(8) === 0 ? `REPLICAOF ${one(['memory 2', 'nowhere 5', '"" 0', 'memory 1'])}` : 'ROLE';
        case 6:
          return `WAIT ${number()} ${one(['1', '5', number()])}`;
        case 7:
          return one(['FAILOVER', 'FAILOVER ABORT', `FAILOVER TO memory 2 TIMEOUT ${number()}`, 'FAILOVER TIMEOUT 10']);
        case 8:
          return `FAILOVER TO ${one(['memory', 'x', '""'])} ${number()} TIMEOUT 5 FORCE`;
        case 9:
          return one(['MULTI', 'EXEC', 'DISCARD', 'RESET', 'CLIENT REPLY OFF', 'CLIENT REPLY ON', 'SHUTDOWN ABORT']);
        case 10:
          return 'REPLICAOF NO ONE';
        default:
          return one([`SET k${random.below(20)} ${random.below(1000)}`, 'INCR n', `LPUSH l ${number()}`, 'DEL l']);
      }
    };
    for (let round = 0; round < ROUNDS; round++) {
      const at = random.below(CLIENTS);
      if (clients[at] === undefined || clients[at].isClosed || random.below(20) === 0) {
        clients[at]?.connection.destroy();
        clients[at] = new RawReplica(master);
      }
      clients[at].say(sentence());
      master.nowMs += random.below(30);
      replica.nowMs = master.nowMs;
      if (random.below(4) === 0) await master.settle();
    }
    for (const client of clients) client?.connection.destroy();
    await say('FAILOVER ABORT').catch(() => undefined);
    // A command may be held back until that has come to its end.
    await until(() => !master.node.replication.handover.isUnderWay, 'the end of the failover');
    expect(await say('REPLICAOF NO ONE')).toBe('OK');
    await ask('REPLICAOF NO ONE');
    await ask('REPLICAOF memory 1');
    expect(await say('SET last word')).toBe('OK');
    const isThere = async (): Promise<boolean> => {
      master.nowMs += 100;
      replica.nowMs = master.nowMs;
      return replica.node.replication.following.isConnected && (await ask('GET last')) === 'word';
    };
    await until(isThere, 'the last word');
    await until(() => replica.node.replication.offset === master.node.replication.offset, 'the same offset');
    expect(await ask('DEBUG DIGEST')).toEqual(await say('DEBUG DIGEST'));
    await until(() => master.node.replication.feeds.all.length === 1, 'the end of all others');
    await replica.node.stop();
  });
});
