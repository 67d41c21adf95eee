/**
 * ServerProcess: the daemon that is drilled, as a process: cache-server, or redis-server for comparison. Both take the same
 * flags and say the same words when they are ready.
 *
 * It can be started under another program (strace). Whatever happens, it goes when the drill goes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { realTimers } from '../../src/base';
import { Client } from '../../src/net';
import { freePort } from '../bin/daemon';

/** What is drilled: a program and the arguments before its settings. */
export interface Target {
  readonly name: string;
  readonly command: readonly string[];
  /** Whether it is held to the promises, or only measured. */
  readonly isOurs: boolean;
}

export type Policy = 'always' | 'everysec' | 'no';
export const POLICIES: readonly Policy[] = ['always', 'everysec', 'no'];

/** Of several words where a list is said. */
export type Settings = Readonly<Record<string, string | readonly string[]>>;

const HOST = '127.0.0.1';
const READY = 'Ready to accept connections';
const START_MS_MAX = 20_000;

export function ourTarget(script: string): Target {
  return { name: 'cache-server', command: [process.execPath, script], isOurs: true };
}

export const PEER: Target = { name: 'redis-server', command: ['redis-server'], isOurs: false };

/** Settings of a server that keeps an append-only file and rewrites it often. */
export function appendOnlySettings(dir: string, policy: Policy): Settings {
  return {
    dir,
    appendonly: 'yes',
    appendfsync: policy,
    save: '',
    'auto-aof-rewrite-min-size': '2mb',
    'enable-debug-command': 'yes',
  };
}

const running = new Set<ServerProcess>();
process.on('exit', () => running.forEach((each) => each.child.kill('SIGKILL')));

export class ServerProcess {
  /** Everything that it wrote. */
  log = '';
  readonly child: ChildProcess;
  /** Resolves with its exit code, or null where a signal ended it. */
  readonly ended: Promise<number | null>;
  private readonly watchers: (() => void)[] = [];

  private constructor(
    target: Target,
    readonly port: number,
    settings: Settings,
  ) {
    const flags = Object.entries({ ...settings, port: String(port), bind: HOST });
    const [program, ...first] = target.command;
    const args = [...first, ...flags.flatMap(([name, value]) => [`--${name}`, ...[value].flat()])];
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this);
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.log += text;
        for (const watch of this.watchers) watch();
      });
    }
    this.ended = new Promise((settle) => {
      this.child.once('close', (code) => {
        running.delete(this);
        settle(code);
      });
    });
  }

  /** Starts it, on a free port unless said, and leaves it to itself. */
  static async begin(target: Target, settings: Settings, port?: number): Promise<ServerProcess> {
    return new ServerProcess(target, port ?? (await freePort()), settings);
  }

  /** Resolves when it accepts connections. Rejects, with its log, where it refuses to start or takes too long. */
  static async start(target: Target, settings: Settings, port?: number): Promise<ServerProcess> {
    const server = await ServerProcess.begin(target, settings, port);
    if (await server.says(READY, START_MS_MAX)) return server;
    await server.kill();
    throw new Error(`${target.name} did not start:\n${server.log}`);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Whether it says this before it ends, or time is up. */
  says(text: string, withinMs: number): Promise<boolean> {
    return new Promise((settle) => {
      const timer = setTimeout(() => settle(false), withinMs);
      const watch = (): void => {
        if (!this.log.includes(text)) return;
        clearTimeout(timer);
        settle(true);
      };
      this.watchers.push(watch);
      watch();
      void this.ended.then(() => {
        clearTimeout(timer);
        settle(this.log.includes(text));
      });
    });
  }

  connect(): Promise<Client> {
    return Client.connect({ host: HOST, port: this.port }, realTimers);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGKILL');
    await this.ended;
  }
}
