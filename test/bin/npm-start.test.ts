/**
 * What `npm start` runs, from the table it prints to the last process that ends.
 */
import { afterEach, beforeAll, expect, test } from 'vitest';
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

test('starts a cluster, says where, and leaves nothing behind', async () => {
  const ports = { proxy: await freePort(), config: await freePort(), server: await freePort() };
  const args = Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)]);
  const cluster = new Daemon('scripts/start.mjs', args, ROOT);
  await cluster.says(/Ctrl-C stops everything/);

  const rows = [...cluster.stdout.matchAll(/^ {2}(\S.*?) {2,}127\.0\.0\.1:(\d+) +(\d+) {2,}(.*)$/gm)];
  const [names, listening, processes, notes] = [1, 2, 3, 4].map((column) => rows.map((row) => row[column]));
  expect(names).toEqual(['proxy', 'config', 'group 1 master', 'group 2 master']);
  expect(notes.slice(2)).toEqual(['slots 0–511', 'slots 512–1023']);
  expect(cluster.stdout).toContain(`redis-cli -p ${listening[0]} SET greeting hello`);
  expect(processes.map(Number).map(isAlive)).toEqual([true, true, true, true]);

  const client = await connectTo(Number(listening[0]));
  for (let i = 0; i < 100; i++) expect(await client.command('SET', `key:${i}`, i)).toBe('OK');
  for (let i = 0; i < 100; i++) expect(await client.command('GET', `key:${i}`)).toBe(String(i));
  await client.close();
  const sizes = await Promise.all(
    listening.slice(2).map(async (port) => {
      const master = await connectTo(Number(port));
      const size = Number(await master.command('DBSIZE'));
      await master.close();
      return size;
    }),
  );
  expect(sizes[0] + sizes[1]).toBe(100);
  expect(Math.min(...sizes)).toBeGreaterThan(0);

  const ending = await cluster.kill('SIGINT');
  expect(ending).toMatchObject({ code: 0, signal: null });
  expect(ending.afterMs).toBeLessThan(STOP_WITHIN_MS);
  expect(processes.map(Number).filter(isAlive)).toEqual([]);
});
