/** The disk as it is: what all disks must do, failures of the system, and processes that want the same directory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsup';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { realFiles, RealFiles } from '../../src/base';
import { expectFailure, fill, testFiles, textOf } from './files-conformance';

let directory: string;
const running = new Set<ChildProcess>();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slotcache-files-'));
});
afterEach(async () => {
  await Promise.all([...running].map(kill));
  rmSync(directory, { recursive: true, force: true });
});

testFiles(() => ({ files: realFiles, directory, settle: () => {} }));

describe('failures', () => {
  test('a full disk is told, by this thread and by others', async () => {
    const full = realFiles.append('/dev/full');
    expectFailure(
      () => full.write(Buffer.alloc(10), 0, 10),
      'ENOSPC',
      "cannot write '/dev/full': No space left on device",
    );
    expect(full.size).toBe(0);
    const error = await new Promise((resolve) => full.writeLater(Buffer.alloc(10), resolve));
    expect(error).toMatchObject({ code: 'FILE_FAILED', cause: { code: 'ENOSPC' } });
    expect(full.size).toBe(0);
    full.write(Buffer.alloc(10), 0, 0);
    full.close();
  });

  test('what cannot be synced is told', async () => {
    const pipe = realFiles.append('/dev/null');
    expectFailure(() => pipe.sync(), 'EINVAL', "cannot sync '/dev/null'");
    const error = await new Promise((resolve) => pipe.syncLater(resolve));
    expect(error).toMatchObject({ code: 'FILE_FAILED', cause: { code: 'EINVAL' } });
    pipe.close();
  });

  test('a directory is not a file, and a file is no directory', () => {
    fill(realFiles, `${directory}/a`, 'text');
    expectFailure(() => realFiles.list(`${directory}/a`), 'ENOTDIR');
    expectFailure(() => realFiles.size(`${directory}/a/b`), 'ENOTDIR');
    expectFailure(() => realFiles.remove(directory), 'EISDIR');
    expect(statSync(`${directory}/a`).mode & 0o777).toBe(0o644);
  });

  test('much is written and read whole', () => {
    const text = 'slot'.repeat(1_000_000);
    fill(realFiles, `${directory}/a`, text);
    expect(textOf(realFiles, `${directory}/a`)).toBe(text);
  });
});

describe('the lock', () => {
  let bundle: string;

  beforeAll(async () => {
    bundle = mkdtempSync(join(tmpdir(), 'slotcache-files-bundle-'));
    await build({
      entry: { base: 'src/base/index.ts' },
      outDir: bundle,
      outExtension: () => ({ js: '.mjs' }),
      format: 'esm',
      config: false,
      silent: true,
    });
  });
  afterAll(() => rmSync(bundle, { recursive: true, force: true }));

  /** A process that tries to lock the directory at a moment and says how that went; if well, it lives on. */
  async function starter(atMs: number): Promise<{ child: ChildProcess; said: string }> {
    const script = `
      import { realFiles } from ${JSON.stringify(`${bundle}/base.mjs`)};
      while (Date.now() < ${atMs});
      try {
        realFiles.lock(${JSON.stringify(directory)});
        process.stdin.resume();
        console.log('has it');
      } catch (error) {
        console.log(error.message);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    running.add(child);
    const [said] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    return { child, said: said.trim() };
  }

  test('of several that start at once, one has it; when it is killed, the next may', async () => {
    for (let round = 0; round < 3; round++) {
      const atMs = Date.now() + 500;
      const starters = await Promise.all(Array.from({ length: 6 }, () => starter(atMs)));
      const owner = starters.find(({ said }) => said === 'has it');
      expect(starters.filter(({ said }) => said === 'has it')).toHaveLength(1);
      const others = starters.filter((each) => each !== owner);
      for (const { said } of others) {
        expect(said).toMatch(/^cannot lock directory '.*': process \d+ uses it: 'slotcache\.lock\./);
      }
      const pid = owner?.child.pid;
      expect(() => realFiles.lock(directory)).toThrow(
        `cannot lock directory '${directory}': process ${pid} uses it: 'slotcache.lock.${pid}.`,
      );
      await Promise.all(starters.map(({ child }) => kill(child)));
    }
    realFiles.lock(directory)();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('a number that another process has by now holds nothing', () => {
    const boot = '00000000-0000-0000-0000-000000000000';
    writeFileSync(`${directory}/slotcache.lock.${process.ppid}.${boot}-1234`, '');
    writeFileSync(`${directory}/slotcache.lock.${process.pid}.${boot}-1234`, '');
    writeFileSync(`${directory}/slotcache.lock.999999999.${boot}-1234`, '');
    writeFileSync(`${directory}/slotcache.lock.old`, '');
    const release = realFiles.lock(directory);
    expect(readdirSync(directory)).toHaveLength(2);
    release();
    expect(readdirSync(directory)).toEqual(['slotcache.lock.old']);
  });

  test('where the system tells nothing but numbers, they must do', () => {
    const files = new RealFiles({ ownId: 999_999_998, isAlive: (id) => id === 999_999_999 });
    writeFileSync(`${directory}/slotcache.lock.999999999.0`, '');
    writeFileSync(`${directory}/slotcache.lock.999999997.0`, '');
    expect(() => files.lock(directory)).toThrow("process 999999999 uses it: 'slotcache.lock.999999999.0'");
    expect(readdirSync(directory)).toEqual(['slotcache.lock.999999999.0']);
  });
});

async function kill(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
