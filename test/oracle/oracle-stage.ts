/**
 * OracleStage: a real redis-server, the judge of all others.
 *
 * Each stage starts a server of its own on a random port, in a folder of its own, without persistence, and takes both
 * away again. Where the machine has no `redis-server` the stage says so in `skipped`.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TcpStage } from '../transcripts/tcp-stage';
import type { StageSession } from '../transcripts/session';

const HOST = '127.0.0.1';
/** Below the range from which the system gives ports to outgoing connections. */
const PORT_MIN = 17000;
const PORT_MAX = 32000;
const START_ATTEMPTS_MAX = 5;

/**
 * The seed of random comparisons: the same in every run of the tests unless SEED says another. What chance may bring up, `npm run
 * fuzz` looks for.
 */
export const SEED = Number(process.env.SEED ?? 20_261_122);

/** The version of the redis-server on the PATH; null where there is none. */
export const oracleVersion: string | null = findVersion();

export class OracleStage extends TcpStage {
  override readonly skipped = oracleVersion === null ? 'no redis-server on the PATH' : null;
  readonly redisVersion = oracleVersion ?? '';
  private starting: Promise<void> | null = null;
  private server: ChildProcess | null = null;
  private folder = '';
  private readonly killServer = (): void => void this.server?.kill('SIGKILL');

  constructor(protocol: 2 | 3, name = `oracle RESP${protocol}`) {
    super(name, HOST, 0, protocol);
  }

  override async open(): Promise<StageSession> {
    this.starting ??= this.start();
    await this.starting;
    return super.open();
  }

  override async close(): Promise<void> {
    if (this.starting === null) return;
    await this.starting;
    const server = this.server;
    this.starting = null;
    this.server = null;
    process.off('exit', this.killServer);
    if (server !== null && server.exitCode === null) {
      const exit = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await exit;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'slotcache-oracle-'));
    process.on('exit', this.killServer);
    for (let attempt = 1; attempt <= START_ATTEMPTS_MAX; attempt++) {
      this.port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
      if (await this.startOn(this.port)) return;
    }
    throw new Error(`redis-server did not start on any of ${START_ATTEMPTS_MAX} ports`);
  }

  /** Whether a server now listens there; false where the port is taken. */
  private startOn(port: number): Promise<boolean> {
    const settings = `--port ${port} --bind ${HOST} --dir ${this.folder} --appendonly no --enable-debug-command yes`;
    const server = spawn('redis-server', [...settings.split(' '), '--save', ''], {
      // Its SORT ALPHA goes by the locale.
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.server = server;
    return new Promise((resolve, reject) => {
      let log = '';
      server.stdout.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('Ready to accept connections')) resolve(true);
      });
      server.once('error', reject);
      server.once('exit', () => resolve(false));
    });
  }
}

function findVersion(): string | null {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return /v=(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? null;
}
