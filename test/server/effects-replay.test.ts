/**
 * Replaying: what a journal says is done as it says, at any time and whatever the gates say to clients.
 */
import { expect, test } from 'vitest';
import { encodeCommand } from '../../src/resp';
import { contentsOf, entriesOf, follow, JournaledNode } from './journaled';

function journal(...lines: string[]): Buffer {
  return Buffer.concat(lines.map((line) => encodeCommand(line.split(' '))));
}

/** What a follower answers to one more command. */
function answer(lines: readonly string[], ask: string): string {
  return follow(journal(...lines), 0)
    .client()
    .say(...ask.split(' '));
}

test.each([
  ['SET k v PXAT 1000', 'PEXPIRETIME k', ':1000\r\n'],
  ['SET k v EX 1', 'GET k', '$1\r\nv\r\n'],
  ['SETEX k 1 v', 'GET k', '$1\r\nv\r\n'],
  ['GETEX given PXAT 1000', 'PEXPIRETIME given', ':1000\r\n'],
  ['PEXPIREAT given 1000', 'PEXPIRETIME given', ':1000\r\n'],
  ['PEXPIREAT given -5', 'PEXPIRETIME given', ':1\r\n'],
  ['EXPIREAT given 0', 'PEXPIRETIME given', ':1\r\n'],
])('a time that is over is set, and the key stays until it is said to go: %s', (line, ask, reply) => {
  expect(answer(['SET given 1', line], ask)).toBe(reply);
});

test('a value is restored though its time is over', () => {
  const leader = new JournaledNode();
  const client = leader.client();
  client.say('SET', 'k', 'v');
  const payload = /^\$\d+\r\n([^]*)\r\n$/.exec(client.say('DUMP', 'k'))![1];
  client.say('RESTORE', 'copy', '100', payload);
  const follower = follow(leader.taken(), 1_000_000);
  expect(follower.client().say('PEXPIRETIME', 'copy')).toBe(':1700000000100\r\n');
});

test('what Redis leaves of trimming is understood', () => {
  const entries = [
    'XADD x 1-1 f v',
    'XADD x 2-1 f v',
    'XADD x MAXLEN = 2 LIMIT 10 3-1 f v',
    'XTRIM x MINID = 3 LIMIT 5',
  ];
  expect(answer(entries, 'XLEN x')).toBe(':1\r\n');
});

test('commands of a transaction are done by its EXEC, in the databases that they select', () => {
  const lines = ['SELECT 1', 'MULTI', 'SET a 1', 'SWAPDB 1 2', 'SET b 2', 'SELECT 3', 'SET c 3'];
  expect(
    follow(journal(...lines), 0)
      .node.keyspace.usedDatabases()
      .map(({ size }) => size),
  ).toEqual([0, 0]);
  const done = follow(journal(...lines, 'EXEC', 'SET d 4'), 0);
  expect(Object.keys(contentsOf(done, done.client()))).toEqual(['1 b', '2 a', '3 c', '3 d']);
});

test('what is no command is told, and so is what does not fit', () => {
  expect(() => follow(journal('NONSENSE a'), 0)).toThrow("ERR unknown command 'NONSENSE'");
  expect(() => follow(journal('GET'), 0)).toThrow("ERR wrong number of arguments for 'get' command");
  expect(() => follow(journal('SET k v', 'LPUSH k a'), 0)).toThrow('WRONGTYPE');
  expect(() => follow(journal('SET k v', 'MULTI', 'LPUSH k a', 'SET k w', 'EXEC'), 0)).toThrow('WRONGTYPE');
});

test('gates are for clients: neither password nor memory is asked for, and nothing waits', () => {
  const strict = { requirepass: 'secret', maxmemory: '1' };
  const follower = follow(journal('SET k v', 'BLPOP missing 0', 'SET l w'), 0, strict);
  expect(follower.client().say('SET', 'k', 'v')).toMatch(/^-NOAUTH/);
  expect(follower.node.keyspace.database(0).size).toBe(2);
});

test('a list that was sorted by equal texts is the same though sets have another order', () => {
  const leader = new JournaledNode();
  const client = leader.client();
  client.say('SADD', 's', ...Array.from({ length: 3000 }, (_, i) => `member:${i}`));
  client.say('RPUSH', 'sorted', 'old');
  client.say('SORT', 's', 'BY', 'missing:*', 'ALPHA', 'STORE', 'sorted');
  client.say('SORT', 'nothing', 'BY', 'missing:*', 'ALPHA', 'STORE', 'old');
  const follower = follow(leader.taken(), 0);
  expect(contentsOf(follower, follower.client())).toEqual(contentsOf(leader, client));
});

test('SPOP of many names them in several entries, which are one unit', () => {
  const leader = new JournaledNode();
  const client = leader.client();
  client.say('SADD', 's', ...Array.from({ length: 5000 }, (_, i) => String(i)));
  leader.taken();
  client.say('SPOP', 's', '2500');
  client.say('SPOP', 's', '2400');
  const entries = entriesOf(leader.taken()).slice(2);
  expect(entries.map(([name, , ...members]) => [name, members.length])).toEqual([
    ['MULTI', 0],
    ['SREM', 1024],
    ['SREM', 1024],
    ['SREM', 452],
    ['EXEC', 0],
    ['MULTI', 0],
    ['SREM', 1024],
    ['SREM', 1024],
    ['SREM', 352],
    ['EXEC', 0],
  ]);
  const follower = follow(leader.taken(), 0);
  expect(contentsOf(follower, follower.client())).toEqual(contentsOf(leader, client));
});

test('what is evicted, and what nobody asks for when its time comes, is journaled', () => {
  const leader = new JournaledNode(1, { 'maxmemory-policy': 'allkeys-random' });
  const client = leader.client();
  client.say('SET', 'k', 'x'.repeat(100_000));
  client.say('CONFIG', 'SET', 'maxmemory', '50000');
  client.say('SET', 'j', 'v');
  expect(entriesOf(leader.taken()).slice(2)).toEqual([
    ['DEL', 'k'],
    ['SET', 'j', 'v'],
  ]);
});

test('a transaction that is watched and whose key has expired leaves the removal only', () => {
  const leader = new JournaledNode();
  const client = leader.client();
  client.say('SET', 'k', 'v', 'PX', '10');
  client.say('WATCH', 'k');
  client.say('MULTI');
  client.say('SET', 'other', 'v');
  leader.nowMs += 100;
  expect(client.say('EXEC')).toBe('*-1\r\n');
  expect(entriesOf(leader.taken()).slice(2)).toEqual([['DEL', 'k']]);
});
