/**
 * A real redis-server over a folder of its own, which may begin with an RDB file: what does it load, what does it save?
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, type StageSession } from '../transcripts/session';
import { openTcp } from '../transcripts/tcp-stage';

const HOST = '127.0.0.1';
/** Below the range from which the system gives ports to outgoing connections. */
const PORT_MIN = 17000;
const PORT_MAX = 32000;
const FILE = 'dump.rdb';

export class RedisOnFile {
  private constructor(
    private readonly folder: string,
    private readonly server: ChildProcess,
    /** A session with the server; null where it has refused to start. */
    readonly session: StageSession | null,
    /** What it logged until it was ready, or had refused. */
    readonly log: string,
  ) {}

  /** Starts a server on a copy of a file, by path or content; without one where that is null. */
  static async start(file: string | Uint8Array | null): Promise<RedisOnFile> {
    const folder = await mkdtemp(join(tmpdir(), 'slotcache-redis-'));
    if (typeof file === 'string') await copyFile(file, join(folder, FILE));
    else if (file !== null) await writeFile(join(folder, FILE), file);
    for (;;) {
      const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
      const settings = `--port ${port} --bind ${HOST} --dir ${folder} --dbfilename ${FILE} --enable-debug-command yes`;
      const server = spawn('redis-server', [...settings.split(' '), '--save', ''], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const log = await untilReady(server);
      if (log.includes('Address already in use')) continue;
      const session = server.exitCode === null ? await openTcp(HOST, port) : null;
      return new RedisOnFile(folder, server, session, log);
    }
  }

  /** Says these words; the reply as text. */
  say(...words: (string | Buffer)[]): Promise<string> {
    if (this.session === null) throw new Error(`redis-server did not start: ${this.log}`);
    return this.session.send(command(...words));
  }

  /** Has it save, and reads the file. */
  async save(): Promise<Buffer> {
    const reply = await this.say('SAVE');
    if (!reply.includes('OK')) throw new Error(reply);
    return readFile(join(this.folder, FILE));
  }

  async stop(): Promise<void> {
    await this.session?.close();
    if (this.server.exitCode === null) {
      const exit = new Promise((resolve) => this.server.once('exit', resolve));
      this.server.kill('SIGKILL');
      await exit;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The log until the server is ready or has gone. */
function untilReady(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.stdout?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (log.includes('Ready to accept connections')) resolve(log);
    });
    server.once('error', reject);
    server.once('close', () => resolve(log));
  });
}
