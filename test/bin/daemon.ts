/**
 * Daemons as processes, for tests: started from dist/ as `npx cache-server …` would, watched, and ended whatever happens.
 *
 * `npm test` has built dist/ before; `build()` is for those who run these files alone.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { realTimers } from '../../src/base';
import { Client, type Address } from '../../src/net';

export const ROOT = resolve(import.meta.dirname, '../..');
const BUILD = "import { buildIfStale } from './scripts/fresh-build.mjs'; buildIfStale({ declarations: false });";

/** What became of a process. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly afterMs: number;
}

const running = new Set<Daemon>();
const folders: string[] = [];
process.on('exit', () => {
  running.forEach((daemon) => daemon.child.kill('SIGKILL'));
  removeFolders();
});

/** A working directory for one daemon, which may save its data there. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slotcache-daemon-'));
  folders.push(folder);
  return folder;
}

function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** To be called in `beforeAll`. */
export function build(): void {
  execFileSync(process.execPath, ['--input-type=module', '-e', BUILD], { cwd: ROOT, stdio: 'inherit' });
}

/** Ends all that was started; to be called in `afterEach`. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((daemon) => daemon.kill('SIGKILL')));
  removeFolders();
}

export class Daemon {
  /** Everything that it wrote to standard output and standard error. */
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  private readonly onOutput: (() => void)[] = [];
  private killedAtMs = 0;

  /** @param script relative to the root of the project. @param cwd a fresh folder unless said */
  constructor(script: string, args: readonly string[], cwd: string = makeFolder(), stdin = '') {
    this.child = spawn(process.execPath, [join(ROOT, script), ...args], { cwd, stdio: 'pipe' });
    this.child.stdin!.end(stdin);
    running.add(this);
    const tell = (): void => this.onOutput.forEach((check) => check());
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      tell();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      tell();
    });
    this.ended = new Promise((settle) => {
      this.child.once('close', (code, signal) => {
        running.delete(this);
        settle({ code, signal, afterMs: performance.now() - this.killedAtMs });
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Resolves when its output matches; rejects, with the output, when it ends before that. */
  says(pattern: RegExp): Promise<void> {
    return new Promise((settle, reject) => {
      const check = (): void => {
        if (pattern.test(this.stdout + this.stderr)) settle();
      };
      this.onOutput.push(check);
      check();
      void this.ended.then(() => reject(new Error(`ended before ${pattern}:\n${this.stdout}${this.stderr}`)));
    });
  }

  kill(signal: NodeJS.Signals): Promise<Ending> {
    this.killedAtMs = performance.now();
    this.child.kill(signal);
    return this.ended;
  }
}

/** A cache-server that accepts connections on 127.0.0.1 and `port`. */
export async function startServer(port: number, ...args: string[]): Promise<Daemon> {
  const daemon = new Daemon('dist/bin/cache-server.js', ['--port', String(port), '--bind', '127.0.0.1', ...args]);
  await daemon.says(/Ready to accept connections/);
  return daemon;
}

/** Runs cache-server to its end. */
export async function runServer(
  args: readonly string[],
  cwd?: string,
  stdin?: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const daemon = new Daemon('dist/bin/cache-server.js', args, cwd, stdin);
  const { code } = await daemon.ended;
  return { code, stdout: daemon.stdout, stderr: daemon.stderr };
}

/** A port that nobody has now, below the range from which the system gives ports to outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 17000 + Math.floor(Math.random() * 15000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const probe = createServer();
    probe.once('error', () => settle(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => settle(true)));
  });
}

export function connectTo(address: number | Address): Promise<Client> {
  return Client.connect(typeof address === 'number' ? { host: '127.0.0.1', port: address } : address, realTimers);
}

/** Whether a program is on the PATH. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version']).status === 0;
}
