/**
 * What `npm start` runs, from the table it prints, over the loss of a master, to the last process that ends.
 */
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/net';
import { build, connectTo, Daemon, endAll, freePort, ROOT } from './daemon';

const STOP_WITHIN_MS = 2000;

beforeAll(build);
afterEach(endAll);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Writes until it is taken again: while a master is missing, writes to its slots are refused or fail. */
async function writeAtLast(client: Client, key: string, value: string): Promise<void> {
  for (;;) {
    const reply = await client.command('SET', key, value).catch(() => null);
    if (reply === 'OK') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('starts a cluster, says where, survives the loss of a master, and leaves nothing behind', async () => {
  const ports = { proxy: await freePort(), config: await freePort(), server: await freePort() };
  const args = Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)]);
  const cluster = new Daemon('scripts/start.mjs', args, ROOT);
  await cluster.says(/Ctrl-C stops everything/);

  const rows = [...cluster.stdout.matchAll(/^ {2}(\S.*?) {2,}127\.0\.0\.1:(\d+) +(\d+) +([abc])(?: +(.*))?$/gm)];
  const [names, listening, processes, zones, notes] = [1, 2, 3, 4, 5].map((column) => rows.map((row) => row[column]));
  const groups = ['group 1 master', 'group 1 replica', 'group 2 master', 'group 2 replica'];
  expect(names).toEqual(['proxy', 'config 1', 'config 2', 'config 3', ...groups]);
  expect(zones).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'b', 'c']);
  expect([notes[4], notes[6]]).toEqual(['slots 0–511', 'slots 512–1023']);
  expect(notes.slice(1, 4).filter((note) => note?.startsWith('leads'))).toHaveLength(1);
  expect(cluster.stdout).toContain(`redis-cli -p ${listening[0]} SET greeting hello`);
  expect(processes.map(Number).every(isAlive)).toBe(true);

  const client = await connectTo(Number(listening[0]));
  for (let i = 0; i < 100; i++) expect(await client.command('SET', `key:${i}`, i)).toBe('OK');
  for (let i = 0; i < 100; i++) expect(await client.command('GET', `key:${i}`)).toBe(String(i));
  const sizes = await Promise.all([listening[4], listening[6]].map(sizeOf));
  expect(sizes[0] + sizes[1]).toBe(100);
  expect(Math.min(...sizes)).toBeGreaterThan(0);

  process.kill(Number(processes[4]), 'SIGKILL');
  await cluster.says(new RegExp(`\\(127\\.0\\.0\\.1:${listening[4]}\\) ended: SIGKILL; it comes back`));
  for (let i = 0; i < 100; i++) await writeAtLast(client, `key:${i}`, `after ${i}`);
  for (let i = 0; i < 100; i++) expect(await client.command('GET', `key:${i}`)).toBe(`after ${i}`);
  expect(await sizeOf(listening[5])).toBe(sizes[0]);
  // What happened is printed, as the config servers tell it.
  await cluster.says(new RegExp(`127\\.0\\.0\\.1:${listening[5]} .*\\(by `));
  await client.close();

  const ending = await cluster.kill('SIGINT');
  expect(ending).toMatchObject({ code: 0, signal: null });
  expect(ending.afterMs).toBeLessThan(STOP_WITHIN_MS);
  expect(processes.map(Number).filter(isAlive)).toEqual([]);
});

async function sizeOf(port: string): Promise<number> {
  const server = await connectTo(Number(port));
  const size = Number(await server.command('DBSIZE'));
  await server.close();
  return size;
}
