/**
 * redis-cli as a replica of ours: `--rdb` takes everything into a file that Redis' own tool and server accept, `--replica` prints
 * the stream.
 */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { build, hasProgram, ROOT } from '../bin/daemon';
import { datasetCommands, signatureOf, writeAll } from '../drill/dataset';
import { Folder } from '../drill/folder';
import { Member } from '../drill/member';
import { ourTarget } from '../drill/server-process';
import { RealRedis } from '../server/persistence/real-redis';

const run = promisify(execFile);

describe.skipIf(!hasProgram('redis-cli') || !hasProgram('redis-server'))('redis-cli', () => {
  let folder: Folder;
  let master: Member;

  beforeAll(build);
  beforeEach(async () => {
    folder = new Folder();
    master = await Member.start('master', ourTarget(join(ROOT, 'dist/bin/cache-server.js')), folder.at('master'));
    await writeAll(master.client, datasetCommands(1, 0));
  });
  afterEach(async () => {
    await RealRedis.stopAll();
    await master.end('SIGKILL');
    folder.dispose();
  });

  test.each([
    ['without a file between', 'yes'],
    ['from a file', 'no'],
  ])('--rdb, %s', async (_, isDiskless) => {
    await master.client.command('CONFIG', 'SET', 'repl-diskless-sync', isDiskless);
    const file = folder.at('dump.rdb');
    await run('redis-cli', ['-p', String(master.port), '--rdb', file]);
    expect((await run('redis-check-rdb', [file])).stdout).toContain('RDB looks OK');
    const redis = await RealRedis.start(folder.path);
    expect(await signatureOf(redis.client)).toBe(await signatureOf(master.client));
  });

  test('--replica', async () => {
    const cli = spawn('redis-cli', ['-p', String(master.port), '--replica'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let printed = '';
    const hasPrinted = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        cli.stdout.setEncoding('utf8').on('data', (more: string) => {
          printed += more;
          if (printed.includes(text)) resolve();
        });
        cli.once('exit', () => reject(new Error(`redis-cli has ended: ${printed}`)));
      });
    const end = hasPrinted('"end"');
    await master.until('replication', ({ slave0 }) => slave0?.includes('state=online') === true);
    await master.client.command('SELECT', 3);
    await master.client.command('SET', 'greeting', 'hello', 'EX', '100');
    await master.client.command('SELECT', 2);
    await master.client.command('SET', 'end', '1');
    await end;
    // It passes over the first SELECT, of redis-server too.
    expect(printed).toMatch(/"SET","greeting","hello","PXAT","\d+"\n"SELECT","2"\n"SET","end","1"/);
    cli.kill('SIGKILL');
  });
});
