/**
 * Data nodes and real redis-servers as masters and replicas of each other, on this machine.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realTimers, realWorld } from '../../src/base';
import { Client } from '../../src/net';
import type { Reply } from '../../src/resp';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';

const HOST = '127.0.0.1';
/** Below the range from which the system gives ports to outgoing connections. */
const PORT_MIN = 17000;
const PORT_MAX = 32000;
const LOOK_EVERY_MS = 10;
const PATIENCE_MS = 15_000;

/** A server that can be a master or a replica. */
export interface Peer {
  readonly port: number;
  say(...words: (string | Buffer)[]): Promise<Reply>;
  stop(): Promise<void>;
}

export function randomPort(): number {
  return PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
}

/** Waits until something is so. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`${what} has not come about`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The value of a field of INFO. */
export async function infoOf(peer: Peer, field: string): Promise<string> {
  const text = String(await peer.say('INFO', 'everything'));
  return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(text)?.[1] ?? '';
}

/** Makes `replica` follow `master`, and waits until the link stands. */
export async function follow(replica: Peer, master: Peer): Promise<void> {
  await replica.say('REPLICAOF', HOST, String(master.port));
  await untilLinked(replica);
}

export async function untilLinked(replica: Peer): Promise<void> {
  await until(async () => (await infoOf(replica, 'master_link_status')) === 'up', 'the link');
}

/** Waits until a replica is where its master is; then they must have the same data. */
export async function untilEqual(master: Peer, replica: Peer): Promise<void> {
  await until(async () => {
    const offset = await infoOf(master, 'master_repl_offset');
    return (
      (await infoOf(replica, 'master_repl_offset')) === offset &&
      (await infoOf(replica, 'master_link_status')) === 'up' &&
      (await infoOf(master, 'master_repl_offset')) === offset
    );
  }, 'the same offset');
}

export async function digestOf(peer: Peer): Promise<string> {
  return String(await peer.say('DEBUG', 'DIGEST'));
}

/** A data node of ours in this process, in a directory of its own, behind a port. */
export class OwnPeer implements Peer {
  readonly log: string[] = [];

  private constructor(
    readonly node: DataNode,
    readonly port: number,
    readonly directory: string,
    private readonly client: Client,
    log: string[],
  ) {
    this.log = log;
  }

  static async start(
    settings: Readonly<Record<string, string>> = {},
    directory = mkdtempSync(join(tmpdir(), 'slotcache-replica-')),
  ): Promise<OwnPeer> {
    const table = serverSettings();
    const port = randomPort();
    const log: string[] = [];
    table.assign({
      save: '',
      port: String(port),
      bind: HOST,
      dir: directory,
      'enable-debug-command': 'yes',
      'repl-diskless-sync-delay': '0',
      ...settings,
    });
    const node = new DataNode(realWorld({ log: (_level, message) => void log.push(message) }), table);
    await node.start();
    const client = await Client.connect({ host: HOST, port }, realTimers);
    return new OwnPeer(node, port, directory, client, log);
  }

  say(...words: (string | Buffer)[]): Promise<Reply> {
    return this.client.command(...words);
  }

  /** Stops it; its directory is removed unless it is needed yet. */
  async stop(keepsDirectory = false): Promise<void> {
    await this.client.close();
    await this.node.stop();
    if (!keepsDirectory) rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A real redis-server in a directory of its own. */
export class RedisPeer implements Peer {
  private constructor(
    readonly port: number,
    readonly directory: string,
    private readonly server: ChildProcess,
    private readonly client: Client,
  ) {}

  static async start(
    settings: readonly string[] = [],
    port = randomPort(),
    directory = mkdtempSync(join(tmpdir(), 'slotcache-redis-')),
  ): Promise<RedisPeer> {
    const own = `--port ${port} --bind ${HOST} --dir ${directory} --enable-debug-command yes --repl-diskless-sync-delay 0`;
    const server = spawn('redis-server', [...own.split(' '), '--save', '', ...settings], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise<void>((resolve, reject) => {
      server.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('Ready to accept connections')) resolve();
      });
      server.once('error', reject);
      server.once('exit', () => reject(new Error('redis-server did not start')));
    });
    const client = await Client.connect({ host: HOST, port }, realTimers);
    return new RedisPeer(port, directory, server, client);
  }

  say(...words: (string | Buffer)[]): Promise<Reply> {
    return this.client.command(...words);
  }

  async stop(keepsDirectory = false, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    await this.client.close();
    if (this.server.exitCode === null) {
      const exit = new Promise((resolve) => this.server.once('exit', resolve));
      this.server.kill(signal);
      await exit;
    }
    if (!keepsDirectory) rmSync(this.directory, { recursive: true, force: true });
  }
}

const keptPeers: Peer[] = [];

/** Lets a peer be stopped by `stopKept`, the last one first. */
export function kept<T extends Peer>(peer: T): T {
  keptPeers.push(peer);
  return peer;
}

/** For after each test. */
export async function stopKept(): Promise<void> {
  for (const peer of keptPeers.splice(0).reverse()) await peer.stop();
}
