/** The start: what clients see while data are loaded, and what is not loaded ends it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Clock } from '../../../src/base';
import { encodeCommand } from '../../../src/resp';
import { endAll, makeFolder, StoredNode } from './stored-node';

afterEach(endAll);

/** A clock by which every slice of work is over as soon as it has begun. */
function hurriedClock(): Clock {
  let nowMs = 1_700_000_000_000;
  const next = (): number => (nowMs += 20);
  return { wallMs: next, monotonicMs: next };
}

test.each(['dump.rdb', 'the append-only file'])(
  '%s: clients are told that it loads, how far it is, and what they may do meanwhile',
  async (what) => {
    const dir = makeFolder();
    const node = await StoredNode.start({ dir, appendonly: what === 'dump.rdb' ? 'no' : 'yes' });
    for (let i = 0; i < 2000; i++) void node.say(`SET key:${i} ${'x'.repeat(1000)}`);
    await node.say('SAVE');
    const { appendonly } = node.node.settings.values;
    await node.stop();

    const clock = hurriedClock();
    const again = new StoredNode({ dir, appendonly: appendonly ? 'yes' : 'no' }, { clock });
    const starting = again.node.start();
    const lines = ['GET key:1', 'PING', 'INFO persistence', 'MULTI', 'CONFIG GET dir', 'EXEC', 'LASTSAVE', 'BGSAVE'];
    const replies = await Promise.all(lines.map((line) => again.say(line).catch((error: Error) => error.message)));
    const [get, ping, info, multi, queued, exec, lastSave, save] = replies;
    expect([get, ping, save]).toEqual(Array(3).fill('LOADING Redis is loading the dataset in memory'));
    expect(info).toMatch(/^loading:1\r$/m);
    expect(info).toMatch(/^loading_total_bytes:\d+\r$/m);
    expect(info).toMatch(/^loading_loaded_perc:\d+\.\d\d\r$/m);
    expect([multi, queued, exec]).toEqual(['OK', 'QUEUED', [['dir', dir]]]);
    expect(typeof lastSave).toBe('number');
    await starting;
    expect(await again.say('DBSIZE')).toBe(2000);
    expect(await again.info('loading')).toBe('0');
  },
);

test('a key whose time has come stays until the file says that it goes, whoever looks at it meanwhile', async () => {
  const dir = makeFolder();
  const commands = [['SET', 'key', 'value'], ['PEXPIREAT', 'key', '1000'], ...Array<string[]>(300).fill(['INCR', 'n'])];
  writeFileSync(
    join(dir, 'appendonly.aof'),
    Buffer.concat([...commands, ['PERSIST', 'key']].map((each) => encodeCommand(each))),
  );
  const node = new StoredNode({ dir, appendonly: 'yes' }, { clock: hurriedClock() });
  const starting = node.node.start();
  let isLoading = true;
  void starting.then(() => (isLoading = false));
  while (isLoading) await node.say('WATCH key');
  await starting;
  expect(await node.say('GET n')).toBe('300');
  expect(await node.say('GET key')).toBe('value');
});

test.each([
  ['dump.rdb', 'garbage', {}, 'BAD_RDB'],
  ['dump.rdb', '', {}, 'BAD_RDB'],
  ['appendonly.aof', '*1\r\n$3\r\nFOO\r\n', { appendonly: 'yes' }, 'BAD_AOF'],
])('%s with %j: no start', async (name, text, settings, code) => {
  const dir = makeFolder();
  writeFileSync(join(dir, name), text);
  const node = new StoredNode({ dir, ...settings });
  await expect(node.node.start()).rejects.toMatchObject({ code });
});

test('a node that is stopped while it loads does not start', async () => {
  const dir = makeFolder();
  const node = await StoredNode.start({ dir });
  for (let i = 0; i < 20_000; i++) void node.say(`SET key:${i} ${i}`);
  await node.say('SAVE');
  await node.stop();
  const again = new StoredNode({ dir });
  const starting = again.node.start().catch((error: { code: string }) => error.code);
  await again.stop();
  expect(['CLOSED', undefined]).toContain(await starting);
});
