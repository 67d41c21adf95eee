/**
 * Files of ours in the hands of Redis: redis-check-aof finds them valid, redis-server loads them, and what it appends we load.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realWorld } from '../../../src/base';
import { AofDirectory } from '../../../src/storage/aof/directory';
import { AofWriter } from '../../../src/storage/aof/writer';
import { oracleVersion } from '../../oracle/oracle-stage';
import { beginRewrite, finishRewrite, load, resp } from './files';

describe.skipIf(oracleVersion === null)('with a real Redis', () => {
  const { files, log } = realWorld();
  let folder = '';
  let server: ChildProcess | null = null;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'slotcache-aof-'));
  });

  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });

  const newDirectory = (): AofDirectory =>
    new AofDirectory(files, { directory: folder, dirname: 'appendonlydir', filename: 'appendonly.aof', log });

  function put(path: string, lines: readonly string[]): void {
    const writer = new AofWriter(files.append(path));
    for (const line of lines) writer.write(resp(line), 0, resp(line).length, 1_700_000_000);
    writer.sync();
    writer.close();
  }

  /** Starts a server on our files; a function that asks it. */
  async function start(): Promise<(line: string) => Promise<string>> {
    const port = 17000 + Math.floor(Math.random() * 15000);
    const words = `--port ${port} --bind 127.0.0.1 --dir ${folder} --appendonly yes`.split(' ');
    const process = spawn('redis-server', [...words, '--save', ''], { stdio: ['ignore', 'pipe', 'ignore'] });
    server = process;
    await new Promise<void>((resolve, reject) => {
      let text = '';
      process.stdout.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        if (text.includes('Ready to accept connections')) resolve();
      });
      process.once('exit', () => reject(new Error(text)));
    });
    return (line) =>
      new Promise((resolve, reject) => {
        const socket = createConnection(port, '127.0.0.1', () => socket.write(resp(line)));
        socket.once('error', reject).once('data', (reply) => {
          socket.destroy();
          resolve(reply.toString());
        });
      });
  }

  async function stop(): Promise<void> {
    if (server === null || server.exitCode !== null) return;
    const exit = new Promise((resolve) => server?.once('exit', resolve));
    server.kill('SIGTERM');
    await exit;
    server = null;
  }

  test('our set is valid, is loaded, and is gone on with by either', async () => {
    const directory = newDirectory();
    expect(directory.open()).toBe(false);
    const first = directory.startIncrement();
    put(first, ['SELECT 0', 'SET a 1', 'MULTI', 'INCR a', 'INCR a', 'EXEC']);
    const { base, increment } = beginRewrite(directory);
    put(base, ['SELECT 0', 'SET a 3']);
    finishRewrite(directory, false);
    put(increment, ['SELECT 0', 'INCR a', 'SET b #CRC:']);
    const manifest = join(folder, 'appendonlydir', 'appendonly.aof.manifest');
    const check = spawnSync('redis-check-aof', [manifest], { encoding: 'utf8' });
    expect(check.stdout).toContain('All AOF files and manifest are valid');

    const ask = await start();
    expect(await ask('GET a')).toBe('$1\r\n4\r\n');
    expect(await ask('GET b')).toBe('$5\r\n#CRC:\r\n');
    expect(await ask('INCR a')).toBe(':5\r\n');
    await stop();

    const again = newDirectory();
    expect(again.open()).toBe(true);
    const last = again.parts.at(-1)?.path ?? '';
    const appended = load(readFileSync(last), { mayBeCut: false });
    expect(appended).toMatchObject({ refusal: null, endsWithBatch: false });
    expect(appended.commands).toEqual(['SELECT 0', 'INCR a', 'SET b #CRC:', 'SELECT 0', 'INCR a']);
    put(last, ['INCR a']);
    expect(await (await start())('GET a')).toBe('$1\r\n6\r\n');
  });

  test('a set that has no files yet is nothing to it', async () => {
    const directory = newDirectory();
    directory.open();
    beginRewrite(directory, true);
    directory.abandonRewrite();
    expect(await (await start())('DBSIZE')).toBe(':0\r\n');
  });

  test('its own set is loaded, and a rewrite of ours replaces it', async () => {
    let ask = await start();
    for (const line of ['SET a 1', 'RPUSH l x y', 'BGREWRITEAOF']) await ask(line);
    await stop();
    const directory = newDirectory();
    expect(directory.open()).toBe(true);
    expect(directory.parts[0]).toMatchObject({ kind: 'base', isRdb: true });
    const { base, increment } = beginRewrite(directory);
    put(base, ['SELECT 0', 'SET a 2']);
    finishRewrite(directory, false);
    put(increment, ['SELECT 0', 'INCR a']);
    ask = await start();
    expect(await ask('GET a')).toBe('$1\r\n3\r\n');
    expect(await ask('EXISTS l')).toBe(':0\r\n');
  });

  test('an old single file is taken in as it would', () => {
    writeFileSync(join(folder, 'appendonly.aof'), resp('SET a 1'));
    const directory = newDirectory();
    expect(directory.open()).toBe(true);
    const manifest = join(folder, 'appendonlydir', 'appendonly.aof.manifest');
    expect(readFileSync(manifest, 'utf8')).toContain('file appendonly.aof seq 1 type b\n');
    expect(spawnSync('redis-check-aof', [manifest], { encoding: 'utf8' }).stdout).toContain('valid');
    expect(load(readFileSync(directory.parts[0].path)).commands).toEqual(['SET a 1']);
  });
});
