/**
 * What transcripts cannot show of transactions: clients that leave or may not enter, limits, pauses, what is counted, and
 * that nobody pays for watches that nobody has.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestNode, textOf, type Say } from './nodes';

let server: TestNode;
let say: Say;

beforeEach(() => {
  server = new TestNode();
  say = server.client();
});

afterEach(() => server.node.stop());

test('the keyspace has an observer exactly while a client watches something', async () => {
  const { keyspace } = server.node;
  const other = server.client();
  expect(keyspace.observer).toBe(null);
  await say('WATCH a b a');
  await other('WATCH b');
  expect(keyspace.observer).not.toBe(null);
  await say('UNWATCH');
  expect(keyspace.observer).not.toBe(null);
  await say('SET b 1');
  expect(keyspace.observer).toBe(null);
  await say('WATCH a');
  await say('MULTI');
  await say('EXEC');
  expect(keyspace.observer).toBe(null);
});

test('a client that leaves watches and queues nothing any more', async () => {
  const other = server.client();
  const id = Number(await other('CLIENT ID'));
  await other('WATCH k');
  await other('MULTI');
  await other('SET k 1');
  await say(`CLIENT KILL ID ${id}`);
  await server.settle();
  expect(server.node.keyspace.observer).toBe(null);
  expect(await say('GET k')).toBe(null);
});

test('what a queue and the query buffer hold together is limited', async () => {
  await say('CONFIG SET client-query-buffer-limit 1mb');
  const other = server.client();
  await other('MULTI');
  const big = 'x'.repeat(300_000);
  expect(await other(`SET k ${big}`)).toBe('QUEUED');
  expect(await other(`SET k ${big}`)).toBe('QUEUED');
  expect(await other(`SET k ${big}`)).toBe('QUEUED');
  await expect(other(`SET k ${big}`)).rejects.toThrow();
  expect(await textOf(say('INFO stats'))).toContain('client_query_buffer_limit_disconnections:1\r\n');
  expect(await say('EXISTS k')).toBe(0);
});

test('a spoilt transaction keeps nothing of what is still sent', async () => {
  await say('CONFIG SET client-query-buffer-limit 1mb');
  const other = server.client();
  await other('MULTI');
  await expect(other('NOSUCH')).rejects.toThrow(/unknown command/);
  for (let i = 0; i < 8; i++) expect(await other(`SET k ${'x'.repeat(300_000)}`)).toBe('QUEUED');
  await expect(other('EXEC')).rejects.toThrow('EXECABORT Transaction discarded because of previous errors.');
});

test('who is not authenticated begins no transaction', async () => {
  await say('CONFIG SET requirepass secret');
  const stranger = server.client();
  await expect(stranger('MULTI')).rejects.toThrow(/^NOAUTH /);
  await expect(stranger('WATCH k')).rejects.toThrow(/^NOAUTH /);
  await expect(stranger('EXEC')).rejects.toThrow('EXECABORT Transaction discarded because of: NOAUTH Authentication');
});

test('a pause for writes holds back an EXEC that writes, and no other', async () => {
  const [writer, reader] = [server.client(), server.client()];
  await writer('MULTI');
  await writer('SET k 1');
  await reader('MULTI');
  await reader('GET k');
  await say('CLIENT PAUSE 60000 WRITE');
  const replies = writer('EXEC');
  let isDone = false;
  void replies.then(() => (isDone = true));
  expect(await reader('EXEC')).toEqual([null]);
  await server.settle();
  expect(isDone).toBe(false);
  await say('CLIENT UNPAUSE');
  expect(await replies).toEqual(['OK']);
});

test('calls and errors are counted for the queued commands, once, and when they run', async () => {
  await say('MULTI');
  await say('SET k word');
  await say('INCR k');
  expect(await textOf(server.client()('INFO commandstats'))).not.toContain('cmdstat_set');
  await say('EXEC').catch(() => undefined);
  const stats = await textOf(say('INFO commandstats'));
  expect(stats).toMatch(/cmdstat_set:calls=1,.*,rejected_calls=0,failed_calls=0\r\n/);
  expect(stats).toMatch(/cmdstat_incr:calls=1,.*,rejected_calls=0,failed_calls=1\r\n/);
  expect(stats).toMatch(/cmdstat_exec:calls=1,.*,rejected_calls=0,failed_calls=0\r\n/);
  expect(await textOf(say('INFO errorstats'))).toContain('errorstat_ERR:count=1\r\n');
});

test('replies beyond the output limit close the client, but the transaction is run to its end', async () => {
  await server.node.stop();
  server = new TestNode({ 'client-output-buffer-limit': 'normal 2mb 0 0' });
  say = server.client();
  await say(`SET big ${'x'.repeat(1_000_000)}`);
  const greedy = server.client();
  await greedy('MULTI');
  for (let i = 0; i < 8; i++) await greedy('GET big');
  await greedy('SET last 1');
  await expect(greedy('EXEC')).rejects.toThrow();
  expect(await say('GET last')).toBe('1');
  expect(await textOf(say('INFO stats'))).toContain('client_output_buffer_limit_disconnections:1\r\n');
});

test('a key that changes its length in place or its place is noticed all the same', async () => {
  const other = server.client();
  for (const [first, second] of [
    ['SET k 1', 'SET k 2'],
    ['SET k 1', `SET k ${'x'.repeat(5000)}`],
    [`SET k ${'x'.repeat(5000)}`, 'APPEND k y'],
    ['SET k 1', 'SETBIT k 4 1'],
    ['PFADD k a', 'PFADD k b'],
  ]) {
    await say('DEL k');
    await say(first);
    await say('WATCH k');
    await other(second);
    await say('MULTI');
    await say('PING');
    expect(await say('EXEC')).toBe(null);
  }
});
