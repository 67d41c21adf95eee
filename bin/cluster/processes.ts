/**
 * The daemons of `npm start`: processes of their own, each with a log file, and a place to come back to when one dies.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realTimers } from '../../src/base';
import { Client } from '../../src/net';

export const HOST = '127.0.0.1';
const READY_WITHIN_MS = 10_000;
const LOG_LINES_SHOWN = 10;
/** How long a daemon that died stays away: long enough to see what happens without it. */
const AWAY_MS = 5000;

/** What is to be started. */
export interface Plan {
  readonly name: string;
  /** The binary. */
  readonly program: 'cache-config' | 'cache-server' | 'cache-proxy';
  readonly port: number;
  readonly args: readonly string[];
}

export class Processes {
  private readonly children = new Map<string, ChildProcess>();
  private readonly ports = new Set<number>();
  private isStopping = false;

  /** @param directory in which each has its own; @param tell what is said when one dies or comes back */
  constructor(
    private readonly directory: string,
    private readonly tell: (line: string) => void,
  ) {}

  /** The first port from `from` on that is free and that nobody was given. */
  async freePort(from: number): Promise<number> {
    for (let port = from; port < from + 100; port++) {
      if (this.ports.has(port) || !(await isFree(port))) continue;
      this.ports.add(port);
      return port;
    }
    throw new Error(`no free port in ${from} … ${from + 99}`);
  }

  /** Starts a daemon; resolves when it accepts connections. One that dies is started again after a while. */
  async start(plan: Plan): Promise<void> {
    const { name, program, port, args } = plan;
    const folder = join(this.directory, name);
    mkdirSync(folder, { recursive: true });
    const log = openSync(`${folder}.log`, 'a');
    const path = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
    const words = [path, '--port', String(port), '--bind', HOST, '--dir', folder, ...args];
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', log, log],
      // Ctrl-C reaches the whole foreground group; the daemons are to be stopped in order, by us.
      detached: true,
    });
    this.children.set(name, child);
    const untilMs = Date.now() + READY_WITHIN_MS;
    while (Date.now() < untilMs && isAlive(child)) {
      const client = await Client.connect({ host: HOST, port }, realTimers).catch(() => null);
      if (client !== null) {
        await client.command('PING').catch(() => undefined);
        await client.close();
        this.watch(plan, child);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${name} did not start on port ${port}:\n${lastLines(`${folder}.log`)}`);
  }

  pidOf(name: string): number {
    return this.children.get(name)?.pid ?? 0;
  }

  private watch(plan: Plan, child: ChildProcess): void {
    child.once('exit', (code, signal) => {
      if (this.isStopping) return;
      this.tell(
        `${plan.name} (${HOST}:${plan.port}) ended: ${signal ?? `exit ${code}`}; it comes back in ${AWAY_MS / 1000} s`,
      );
      setTimeout(() => {
        if (this.isStopping) return;
        this.start(plan).then(
          () => this.tell(`${plan.name} (${HOST}:${plan.port}) is back, process ${this.pidOf(plan.name)}`),
          (error: Error) => this.tell(error.message),
        );
      }, AWAY_MS);
    });
  }

  /** Ends all, proxies first; who has not ended `withinMs` later is killed. Resolves when nobody is left. */
  async stop(withinMs: number): Promise<void> {
    this.isStopping = true;
    const all = [...this.children.values()].reverse().filter(isAlive);
    const ended = all.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of all) child.kill('SIGTERM');
    const impatience = setTimeout(() => all.forEach((child) => child.kill('SIGKILL')), withinMs);
    await Promise.all(ended);
    clearTimeout(impatience);
  }
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}
