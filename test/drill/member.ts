/**
 * Member: a server of a group that replicates, ours or a redis-server: its process, which dies and comes back on the same port
 * with what it has kept, and what it says of itself.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { realTimers } from '../../src/base';
import { Client } from '../../src/net';
import { freePort } from '../bin/daemon';
import { sleep } from './load';
import { ServerProcess, type Settings, type Target } from './server-process';

/** What a server keeps on disk, and so has when it comes back. */
export type Keeping = 'nothing' | 'rdb' | 'append-only';

/** How many replicas were given everything, and how many only what they lacked. */
export interface SyncCounts {
  readonly full: number;
  readonly partial: number;
}

export type InfoFields = Readonly<Record<string, string>>;

const HOST = '127.0.0.1';
const POLL_MS = 10;
/** A guard against servers that never come to it, not an assertion about speed. */
const PATIENCE_MS = 20_000;

const KEPT_BY: Readonly<Record<Keeping, { save: readonly string[]; appendonly: 'yes' | 'no' }>> = {
  nothing: { save: [''], appendonly: 'no' },
  // Saved when it is told to end, and never by itself.
  rdb: { save: ['100000', '1'], appendonly: 'no' },
  'append-only': { save: [''], appendonly: 'yes' },
};

export class Member {
  keeping: Keeping = 'nothing';
  private process: ServerProcess | null = null;
  private connection: Client | null = null;

  private constructor(
    readonly name: string,
    readonly target: Target,
    readonly port: number,
    private readonly dir: string,
    private readonly settings: Settings,
  ) {}

  /** @param dir which is made, and is its own. */
  static async start(name: string, target: Target, dir: string, settings: Settings = {}): Promise<Member> {
    mkdirSync(dir, { recursive: true });
    const member = new Member(name, target, await freePort(), dir, settings);
    await member.begin();
    return member;
  }

  get client(): Client {
    if (this.connection === null) throw new Error(`${this.name} is down`);
    return this.connection;
  }

  get server(): ServerProcess {
    if (this.process === null) throw new Error(`${this.name} was never started`);
    return this.process;
  }

  connect(): Promise<Client> {
    return Client.connect({ host: HOST, port: this.port }, realTimers);
  }

  /** Starts it on what it has kept; as the replica of whoever listens on `masterPort`. */
  async begin(masterPort: number | null = null): Promise<void> {
    const follows = masterPort === null ? {} : { replicaof: [HOST, String(masterPort)] };
    this.process = await ServerProcess.start(
      this.target,
      {
        'enable-debug-command': 'yes',
        'repl-diskless-sync-delay': '0',
        // Offsets stand still where nobody writes.
        'repl-ping-replica-period': '3600',
        ...this.settings,
        ...KEPT_BY[this.keeping],
        ...follows,
        dir: this.dir,
      },
      this.port,
    );
    this.connection = await this.connect();
  }

  /** Ends it by a signal. Where it keeps nothing, nothing is left. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { server } = this;
    if (!server.hasEnded) server.child.kill(signal);
    await server.ended;
    await this.connection?.close();
    this.connection = null;
    if (this.keeping !== 'nothing') return;
    rmSync(this.dir, { recursive: true });
    mkdirSync(this.dir);
  }

  /** From now on it keeps this; what it has now is on disk when this resolves. */
  async keep(keeping: Keeping): Promise<void> {
    const { client } = this;
    const { save, appendonly } = KEPT_BY[keeping];
    this.keeping = keeping;
    await client.command('CONFIG', 'SET', 'save', save.join(' '));
    await client.command('CONFIG', 'SET', 'appendonly', appendonly);
    if (keeping === 'append-only') {
      await this.until(
        'persistence',
        (info) => info.aof_rewrite_in_progress === '0' && info.aof_rewrite_scheduled === '0',
      );
    }
    if (keeping !== 'rdb') return;
    // What is sent to a replica is a save, too.
    await this.until('persistence', (info) => info.rdb_bgsave_in_progress === '0');
    await client.command('SAVE');
  }

  /** Makes it a replica of whoever listens there, or a master. */
  async follow(masterPort: number | null): Promise<void> {
    const [host, port] = masterPort === null ? ['NO', 'ONE'] : [HOST, String(masterPort)];
    await this.client.command('REPLICAOF', host, port);
  }

  /** Fields of a section of INFO. */
  async info(section: string): Promise<InfoFields> {
    const text = String(await this.client.command('INFO', section));
    return Object.fromEntries([...text.matchAll(/^(\w+):(.*)\r$/gm)].map(([, name, value]) => [name, value]));
  }

  /** Its place in the stream. */
  async offset(): Promise<number> {
    return Number((await this.info('replication')).master_repl_offset);
  }

  async syncCounts(): Promise<SyncCounts> {
    const info = await this.info('stats');
    return { full: Number(info.sync_full), partial: Number(info.sync_partial_ok) };
  }

  /** Resolves when a section of INFO says so. Rejects, with what it says, where that takes too long. */
  async until(section: string, isTrue: (info: InfoFields) => boolean): Promise<InfoFields> {
    const untilMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const info = await this.info(section);
      if (isTrue(info)) return info;
      if (performance.now() > untilMs) throw new Error(`${this.name} never came to it: ${JSON.stringify(info)}`);
      await sleep(POLL_MS);
    }
  }

  /** Resolves when it follows, and has all that the master has had at some moment since the call, with the offset of that. */
  async untilInSync(master: Member): Promise<number> {
    const untilMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const [mine, its] = await Promise.all([this.info('replication'), master.info('replication')]);
      if (mine.master_link_status === 'up' && mine.slave_repl_offset === its.master_repl_offset) {
        return Number(its.master_repl_offset);
      }
      if (performance.now() > untilMs) {
        throw new Error(`${this.name} is not in sync with ${master.name}: ${JSON.stringify({ mine, its })}`);
      }
      await sleep(POLL_MS);
    }
  }
}
