/**
 * A real redis-server on a directory of ours: what it loads of what we wrote, and what it writes for us to load.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { realTimers } from '../../../src/base';
import { Client } from '../../../src/net';
import { freePort } from '../../bin/daemon';

const HOST = '127.0.0.1';

const running = new Set<RealRedis>();
process.on('exit', () => running.forEach((redis) => redis.kill()));

export class RealRedis {
  private constructor(
    private readonly child: ChildProcess,
    readonly client: Client,
    readonly log: () => string,
  ) {
    running.add(this);
  }

  /** Starts one, and rejects with its log where it ends instead. */
  static async start(dir: string, ...args: string[]): Promise<RealRedis> {
    const port = await freePort();
    const own = ['--port', String(port), '--bind', HOST, '--dir', dir, '--enable-debug-command', 'yes', '--save', ''];
    const child = spawn('redis-server', [...own, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('Ready to accept connections')) resolve();
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`redis-server ended:\n${log}`)));
    });
    return new RealRedis(child, await Client.connect({ host: HOST, port }, realTimers), () => log);
  }

  say(line: string): ReturnType<Client['command']> {
    return this.client.command(...line.split(' '));
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Ends it, and everything it has is in its append-only file. */
  async stop(): Promise<void> {
    running.delete(this);
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    await this.client.command('SHUTDOWN', 'NOSAVE').catch(() => undefined);
    await ended;
  }

  static async stopAll(): Promise<void> {
    await Promise.all([...running].map((redis) => redis.stop()));
  }
}
