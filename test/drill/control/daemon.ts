/**
 * Daemon: one process of the cluster under drill, in its zone: it starts, dies, freezes and comes back with what it has kept.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { realTimers } from '../../../src/base';
import { Client } from '../../../src/net';
import { sleep } from '../load';
import type { Zone } from './zones';

const START_MS_MAX = 20_000;
const POLL_MS = 20;
const LOG_CHARS_MAX = 1_000_000;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Daemon {
  /** What it wrote, the end of it. */
  log = '';
  private child: ChildProcess | null = null;

  constructor(
    readonly name: string,
    readonly zone: Zone,
    readonly port: number,
    private readonly command: readonly string[],
    readonly dir: string,
  ) {
    mkdirSync(dir, { recursive: true });
  }

  get address(): string {
    return `${this.zone.host}:${this.port}`;
  }

  get pid(): number {
    return this.child!.pid!;
  }

  get isAlive(): boolean {
    const { child } = this;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves when it answers PING, whatever. */
  async start(): Promise<void> {
    this.spawn();
    const untilMs = performance.now() + START_MS_MAX;
    while (this.isAlive && performance.now() < untilMs) {
      const client = await this.connect().catch(() => null);
      if (client !== null) {
        await client.command('PING').catch(() => undefined);
        await client.close();
        return;
      }
      await sleep(POLL_MS);
    }
    throw new Error(`${this.name} did not start:\n${this.log.slice(-2000)}`);
  }

  private spawn(): void {
    const [program, ...args] = [...this.zone.enter, ...this.command];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.dir });
    this.child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.log = (this.log + text).slice(-LOG_CHARS_MAX)));
    }
  }

  connect(): Promise<Client> {
    return Client.connect({ host: this.zone.host, port: this.port }, realTimers);
  }

  /** As /proc has it: R, S, T where it is stopped. */
  get state(): string {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2];
  }

  /** Resolves when it stands still. */
  async freeze(): Promise<void> {
    process.kill(this.pid, 'SIGSTOP');
    while (this.state !== 'T') await sleep(1);
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Resolves when it is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (child === null || !this.isAlive) return;
    const ended = new Promise((settle) => child.once('exit', settle));
    child.kill(signal);
    await ended;
  }
}
