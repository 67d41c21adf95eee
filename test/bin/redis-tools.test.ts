/**
 * Redis' own tools against cache-server: the first thing that a new user does.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, endAll, freePort, hasProgram, startServer } from './daemon';

const run = promisify(execFile);
let port: string;

beforeAll(async () => {
  build();
  port = String(await freePort());
  await startServer(Number(port));
});
afterAll(endAll);

describe.skipIf(!hasProgram('redis-cli'))('redis-cli', () => {
  const cli = async (...args: string[]): Promise<string> => (await run('redis-cli', ['-p', port, ...args])).stdout;

  test.each(['-2', '-3'])('answers with %s', async (protocol) => {
    expect(await cli(protocol, 'SET', 'greeting', 'hello')).toBe('OK\n');
    expect(await cli(protocol, 'GET', 'greeting')).toBe('hello\n');
    expect(await cli(protocol, 'DEL', 'missing')).toBe('0\n');
    expect(await cli(protocol, 'CONFIG', 'GET', 'maxclients')).toMatch(/^maxclients\s10000\n$/);
    expect(await cli(protocol, 'INFO', 'server')).toContain('redis_version:7.2.');
  });

  test('-n, --scan, -r, -x', async () => {
    expect(await cli('-n', '3', 'MSET', 'a:1', 'x', 'a:2', 'y', 'b', 'z')).toBe('OK\n');
    expect((await cli('-n', '3', '--scan', '--pattern', 'a:*')).split('\n').sort()).toEqual(['', 'a:1', 'a:2']);
    expect(await cli('-r', '3', 'INCR', 'repeated')).toBe('1\n2\n3\n');
  });

  test('commands from standard input, and --pipe', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `SET piped:${i} ${i}\r\n`).join('');
    const piping = run('redis-cli', ['-p', port, '--pipe']);
    piping.child.stdin!.end(lines);
    expect((await piping).stdout).toContain('errors: 0, replies: 1000\n');
    expect(await cli('GET', 'piped:999')).toBe('999\n');
  });

  test('--bigkeys', async () => {
    await cli('SET', 'big', 'x'.repeat(1000));
    expect(await cli('--bigkeys')).toContain(`Biggest string found '"big"' has 1000 bytes`);
  });
});

test.skipIf(!hasProgram('redis-benchmark'))('redis-benchmark runs without errors', async () => {
  const args = ['-p', port, '-t', 'ping,set,get,incr,mset', '-n', '2000', '-q'];
  for (const more of [[], ['-P', '16', '-3']]) {
    const { stdout, stderr } = await run('redis-benchmark', [...args, ...more]);
    expect(
      stdout.match(/^.*\b(PING_INLINE|PING_MBULK|SET|GET|INCR|MSET \(10 keys\)): [\d.]+ requests per second/gm),
    ).toHaveLength(6);
    expect(stdout + stderr).not.toMatch(/error|warning/i);
  }
});
