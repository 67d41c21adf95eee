/**
 * Processes: what the benches start, watch and stop.
 *
 * A bench compares programs as the operating system sees them, so each runs as a process of its own on a random port,
 * and its cost is read from /proc: user + system time of all its threads, and resident memory. Wall time on a shared
 * machine says more about the neighbours than about the program; CPU per operation does not, and it is what a bill shows.
 *
 * What always holds: every process started here is in `running` until it has ended, and `stopAll()` kills what is
 * left there, so that neither Ctrl-C nor an exception leaves a server behind. What a user can mend (a program that
 * is not installed, a server that does not start) is a `BenchError` of one line.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** USER_HZ, the unit of the times in /proc/<pid>/stat, is 100 on every Linux that Node runs on. */
const CLOCK_TICK_MICROS = 10_000;
const START_MS_MAX = 10_000;
const STOP_MS_MAX = 5_000;
const RUN_MS_MAX = 300_000;
/** Below the range from which Linux takes the ports of outgoing connections, so that no client can be on one. */
const FIRST_PORT = 17_000;
const LAST_PORT = 29_999;
const LAST_WORDS_LENGTH = 2_000;

/** Something that the user can mend; `message` is one line that says how. */
export class BenchError extends Error {}

/** A server that a bench can start. */
export interface Program {
  readonly name: string;
  readonly command: string;
  /** The script that `command` runs, where it is an interpreter. */
  readonly script?: string;
  /** Arguments after the script, for a server that is to listen on `port` of 127.0.0.1. */
  readonly serve: (port: number) => readonly string[];
  /** The argument that makes it print its version. */
  readonly versionFlag: string;
  /** What to do where the program is missing. */
  readonly remedy: string;
}

const running = new Set<ChildProcess>();
let scratch: string | null = null;

/** A directory for configuration and data files; gone after `stopAll()`. */
export function scratchDirectory(): string {
  scratch ??= mkdtempSync(join(tmpdir(), 'slotcache-bench-'));
  return scratch;
}

/** Kills what still runs and removes the scratch directory. Synchronous: fit for the process' `exit` event. */
export function stopAll(): void {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  if (scratch !== null) rmSync(scratch, { recursive: true, force: true });
  scratch = null;
}

/** A started server, and what the operating system says of it. */
export class ServerProcess {
  private constructor(
    readonly name: string,
    readonly port: number,
    private readonly child: Child,
  ) {}

  /** Starts `program` on a port, a free one unless said; resolves when it accepts connections. @throws BenchError */
  static async start(program: Program, atPort?: number): Promise<ServerProcess> {
    const port = atPort ?? (await freePort());
    const child = new Child(program.command, [...scriptOf(program), ...program.serve(port)], program.remedy);
    const deadlineMs = performance.now() + START_MS_MAX;
    while (!(await accepts(port))) {
      if (child.ending !== null) throw new BenchError(`${program.name}: ${child.ending}`);
      if (performance.now() > deadlineMs) {
        child.kill('SIGKILL');
        throw new BenchError(`${program.name} did not listen on its port within ${START_MS_MAX / 1000} s`);
      }
      await sleep(20);
    }
    return new ServerProcess(program.name, port, child);
  }

  /** User + system time of all threads since the start, in microseconds, in steps of 10,000. */
  cpuMicros(): number {
    const fields = this.proc('stat');
    // The second field is the name in parentheses, which may contain blanks; the third is what follows them.
    const afterName = fields.slice(fields.lastIndexOf(')') + 2).split(' ');
    const userTicks = Number(afterName[11]);
    const systemTicks = Number(afterName[12]);
    return (userTicks + systemTicks) * CLOCK_TICK_MICROS;
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(this.proc('status'));
    if (match === null) throw new BenchError(`${this.name}: /proc does not tell its resident memory`);
    return Number(match[1]) * 1024;
  }

  /** Whether it has forked: threads are no children. */
  hasChildren(): boolean {
    return this.proc(`task/${this.child.pid}/children`) !== '';
  }

  /** The last of what it logged, some 2,000 characters. */
  lastWords(): string {
    this.expectRunning();
    return this.child.lastWords;
  }

  /** SIGTERM, and SIGKILL where that does not help within 5 s. */
  stop(): Promise<void> {
    return this.child.stop();
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.child.ended;
  }

  private expectRunning(): void {
    if (this.child.ending !== null) throw new BenchError(`${this.name}: ${this.child.ending}`);
  }

  private proc(file: string): string {
    this.expectRunning();
    return readFileSync(`/proc/${this.child.pid}/${file}`, 'latin1');
  }
}

/** A script of the bench that works beside it in a process of its own, and replies to messages, one at a time. */
export class HelperProcess {
  private constructor(
    private readonly script: string,
    private readonly child: Child,
  ) {}

  static start(script: string, args: readonly string[]): HelperProcess {
    return new HelperProcess(script, new Child(process.execPath, [script, ...args], '', true));
  }

  /** The reply to `message`, which both sides agree about. @throws BenchError where it ends instead */
  async ask(message: string): Promise<unknown> {
    const reply = await this.child.ask(message);
    if (reply === null) throw new BenchError(`${basename(this.script)}: ${this.child.ending}`);
    return reply;
  }

  stop(): Promise<void> {
    return this.child.stop();
  }
}

/** The version that the program prints of itself, such as "7.0.15". @throws BenchError */
export async function versionOf(program: Program): Promise<string> {
  const said = await run(program.command, [...scriptOf(program), program.versionFlag], program.remedy);
  return /\d+\.\d+\.\d+\S*/.exec(said)?.[0] ?? 'of unknown version';
}

/** Runs a program to its end; resolves with what it printed on both outputs. @throws BenchError where it fails */
export async function run(command: string, args: readonly string[], remedy: string): Promise<string> {
  const child = new Child(command, args, remedy);
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX);
  const succeeded = await child.ended;
  clearTimeout(timer);
  if (!succeeded) throw new BenchError(`${command}: ${child.ending}`);
  return child.lastWords;
}

/** A child process that tells how it ended and keeps the last of what it said. */
class Child {
  /** How it ended, in words; null while it runs. */
  ending: string | null = null;
  lastWords = '';
  /** Whether it ended by itself and with status 0. */
  readonly ended: Promise<boolean>;
  private readonly process: ChildProcess;

  /** @param takesMessages whether it is a Node program that replies to messages */
  constructor(command: string, args: readonly string[], remedy: string, takesMessages = false) {
    const channel = takesMessages ? (['ipc'] as const) : [];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe', ...channel] });
    this.process = child;
    running.add(child);
    const hear = (chunk: Buffer): void => {
      this.lastWords = (this.lastWords + chunk.toString('latin1')).slice(-LAST_WORDS_LENGTH);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    this.ended = new Promise((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        this.ending = error.code === 'ENOENT' ? `not found; ${remedy}` : error.message;
        running.delete(child);
        resolve(false);
      });
      child.once('close', (status, signal) => {
        this.ending ??= `ended (${signal ?? `status ${status}`}): ${lastLine(this.lastWords)}`;
        running.delete(child);
        resolve(status === 0);
      });
    });
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async stop(): Promise<void> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), STOP_MS_MAX);
    await this.ended;
    clearTimeout(timer);
  }

  /** The next message after `message`; null where it ends instead. */
  async ask(message: string): Promise<unknown> {
    if (this.ending !== null) return null;
    const reply = new Promise<unknown>((resolve) => this.process.once('message', resolve));
    this.process.send(message, () => {});
    return Promise.race([reply, this.ended.then(() => null)]);
  }
}

function scriptOf(program: Program): string[] {
  if (program.script === undefined) return [];
  if (!existsSync(program.script)) throw new BenchError(`${program.name}: not found; ${program.remedy}`);
  return [program.script];
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** A port of 127.0.0.1 that nobody has now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
