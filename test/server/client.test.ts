/**
 * What transcripts cannot show of CLIENT and of authentication: pauses, closing others, and what they do to commands
 * that wait.
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

/** Whether the promise has been settled by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => (done = true),
    () => (done = true),
  );
  await server.settle();
  return done;
}

test('a paused node holds writes back, lets reads through, and goes on in order', async () => {
  const other = server.client();
  await say('CLIENT PAUSE 60000 WRITE');
  const writes = [other('SET k 1'), other('INCR k'), other('GET k')];
  expect(await isDone(writes[0])).toBe(false);
  expect(await say('GET k')).toBe(null);
  expect(await textOf(say('INFO clients'))).toContain('blocked_clients:1\r\n');
  expect(await textOf(say('CLIENT LIST'))).toMatch(/ flags=b .* cmd=NULL /);
  expect(await say('CLIENT UNPAUSE')).toBe('OK');
  expect(await Promise.all(writes)).toEqual(['OK', 2, '2']);
});

test('while writes are held back no key goes by itself', async () => {
  await say('SET due v PX 10');
  await say('CLIENT PAUSE 60000 WRITE');
  server.nowMs += 20;
  expect(await say('GET due')).toBe(null);
  expect(await say('DBSIZE')).toBe(1);
  await say('CLIENT UNPAUSE');
  expect(await say('GET due')).toBe(null);
  expect(await say('DBSIZE')).toBe(0);
});

test('a pause for all holds reads back too, and a shorter or easier one changes nothing', async () => {
  const other = server.client();
  await say('CLIENT PAUSE 9223372036854775807');
  await say('CLIENT PAUSE 0 WRITE');
  const read = other('GET k');
  expect(await isDone(read)).toBe(false);
  await say('CLIENT UNPAUSE');
  expect(await read).toBe(null);
});

test('a pause of no time is none', async () => {
  await say('CLIENT PAUSE 0');
  expect(await say('SET k v')).toBe('OK');
});

test('a pause ends by itself', async () => {
  await say('CLIENT PAUSE 20 WRITE');
  const write = say('SET k v');
  server.nowMs += 20;
  expect(await write).toBe('OK');
});

test('CLIENT PAUSE refuses', async () => {
  await expect(say('CLIENT PAUSE x')).rejects.toThrow('ERR timeout is not an integer or out of range');
  await expect(say('CLIENT PAUSE -1')).rejects.toThrow('ERR timeout is negative');
  await expect(say('CLIENT PAUSE 1 READ')).rejects.toThrow('ERR CLIENT PAUSE mode must be WRITE or ALL');
});

test('CLIENT KILL by id and by age', async () => {
  const old = server.client();
  const id = Number(await old('CLIENT ID'));
  server.nowMs += 10_000;
  const young = server.client();
  await young('PING');
  expect(await say('CLIENT KILL ID 999 MAXAGE 1')).toBe(0);
  expect(await say(`CLIENT KILL ID ${id} MAXAGE 11`)).toBe(0);
  expect(await say(`CLIENT KILL ID ${id} MAXAGE 10`)).toBe(1);
  await expect(old('PING')).rejects.toMatchObject({ code: 'CLOSED' });
  expect(await young('PING')).toBe('PONG');
  await expect(say('CLIENT KILL MAXAGE 0 ID 1')).rejects.toThrow('maxage should be greater than 0');
});

test('the old form of CLIENT KILL closes its own connection too, after the reply', async () => {
  const other = server.client();
  await other('PING');
  expect(await say('CLIENT KILL memory:0')).toBe('OK');
  await expect(say('PING')).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(other('PING')).rejects.toMatchObject({ code: 'CLOSED' });
});

test('CLIENT LIST by ids keeps their order', async () => {
  const first = Number(await say('CLIENT ID'));
  const second = Number(await server.client()('CLIENT ID'));
  const lines = (await textOf(say(`CLIENT LIST ID ${second} 999 ${first}`))).split('\n');
  expect(lines.map((line) => line.split(' ')[0])).toEqual([`id=${second}`, `id=${first}`, '']);
});

test('who must authenticate is let in when the password is taken away', async () => {
  await say('CONFIG SET requirepass secret');
  const other = server.client();
  await expect(other('GET k')).rejects.toThrow('NOAUTH');
  await expect(other('AUTH wrong')).rejects.toThrow('WRONGPASS');
  expect(await textOf(say('INFO stats'))).toContain('acl_access_denied_auth:1\r\n');
  await say('CONFIG SET requirepass ');
  expect(await other('GET k')).toBe(null);
});

test('CLIENT NO-TOUCH: only TOUCH counts as a use', async () => {
  await say('SET k v');
  server.nowMs += 100_000;
  await say('CLIENT NO-TOUCH on');
  await say('GET k');
  expect(await say('OBJECT IDLETIME k')).toBe(100);
  await say('TOUCH k');
  expect(await say('OBJECT IDLETIME k')).toBe(0);
  server.nowMs += 100_000;
  await say('CLIENT NO-TOUCH off');
  await say('GET k');
  expect(await say('OBJECT IDLETIME k')).toBe(0);
});
