/**
 * cache-config as a process: its state is where `--dir` says, survives a kill, and is never started over in silence.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { build, connectTo, Daemon, endAll, freePort } from './daemon';

let folder: string;
let port: number;

beforeAll(build);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slotcache-bin-'));
  mkdirSync(join(folder, 'state'));
  port = await freePort();
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Daemon {
  return new Daemon('dist/bin/cache-config.js', ['--port', String(port), '--dir', 'state'], folder);
}

test('a relative --dir is one of the folder it was started in, and what was acknowledged survives a kill', async () => {
  const first = start();
  await first.says(/Ready to accept connections/);
  const client = await connectTo(port);
  await client.command('GROUP', 'CREATE', 1);
  await client.command('GROUP', 'ADD', 1, '127.0.0.1', 7001);
  await client.command('SLOTS', 'SPREAD', 1);
  const slots = await client.command('SLOTS', 'LIST');
  await first.kill('SIGKILL');
  expect(existsSync(join(folder, 'state', 'view.json'))).toBe(true);

  const second = start();
  await second.says(/Ready to accept connections/);
  const again = await connectTo(port);
  expect(await again.command('SLOTS', 'LIST')).toEqual(slots);
  await again.close();
  expect(await second.kill('SIGTERM')).toMatchObject({ code: 0, signal: null });
});

test('a damaged state is named and left alone', async () => {
  const file = join(folder, 'state', 'view.json');
  writeFileSync(file, '{ "view": ');
  const daemon = start();
  expect((await daemon.ended).code).toBe(1);
  expect(daemon.stdout).toMatch(/# cache-config cannot start: .*view\.json is damaged/);
  expect(readFileSync(file, 'utf8')).toBe('{ "view": ');
});
