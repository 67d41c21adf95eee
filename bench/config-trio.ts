/**
 * ConfigTrio: three config servers as processes of this machine, the operator's connections to them, and who of them leads.
 *
 * Each keeps its log in a directory of its own on the same disk, so three fsyncs of the bench meet on one device; three machines would
 * have one each, and a network between them. Ports are chosen beforehand, because each must know the others, and kept over a restart.
 */
import { mkdtempSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { realTimers } from '../src/base';
import { Client, type ClientEvents } from '../src/net';
import type { Reply } from '../src/resp';
import { BenchError, freePort, type Program, scratchDirectory, ServerProcess } from './processes';

const IDS: readonly number[] = [1, 2, 3];
const HOST = '127.0.0.1';
const AGREE_MS_MAX = 10_000;
const POLL_MS = 5;

export const CACHE_CONFIG: Program = {
  name: 'cache-config',
  command: process.execPath,
  script: resolve('dist/bin/cache-config.js'),
  serve: (port) => ['--port', String(port)],
  versionFlag: '--version',
  remedy: 'build first: npm run build',
};

interface Place {
  readonly program: Program;
  readonly port: number;
}

export class ConfigTrio {
  private readonly places = new Map<number, Place>();
  private readonly processes = new Map<number, ServerProcess>();

  /** Starts three that know of each other; resolves when one leads. @throws BenchError */
  static async start(): Promise<ConfigTrio> {
    const trio = new ConfigTrio();
    const peers: string[] = [];
    for (const id of IDS) peers.push(`${id}@${HOST}:${await freePort()}`);
    for (const id of IDS) {
      const directory = mkdtempSync(join(scratchDirectory(), 'config-'));
      const words = ['--bind', HOST, '--dir', directory, '--id', String(id), '--peers', ...peers];
      const serve = (port: number): string[] => ['--port', String(port), ...words];
      trio.places.set(id, { program: { ...CACHE_CONFIG, serve }, port: await freePort() });
    }
    await Promise.all(IDS.map((id) => trio.restart(id)));
    await trio.leader();
    return trio;
  }

  get ids(): readonly number[] {
    return IDS;
  }

  process(id: number): ServerProcess {
    const process = this.processes.get(id);
    if (process === undefined) throw new BenchError(`config server ${id} is not running`);
    return process;
  }

  /** Starts the one that was killed. */
  async restart(id: number): Promise<void> {
    const { program, port } = this.places.get(id)!;
    this.processes.set(id, await ServerProcess.start(program, port));
  }

  connect(id: number, events: ClientEvents = {}): Promise<Client> {
    return connectTo(this.places.get(id)!.port, events);
  }

  /** Who leads, once all that run say the same. @throws BenchError where they do not agree in time */
  async leader(among: readonly number[] = IDS): Promise<number> {
    const untilMs = performance.now() + AGREE_MS_MAX;
    for (;;) {
      const said = await Promise.all(among.map((id) => this.status(id)));
      const [first] = said;
      const isSame = said.every((each) => each.leader === first.leader && each.version === first.version);
      if (isSame && among.includes(first.leader)) return first.leader;
      if (performance.now() > untilMs) throw new BenchError('the config servers do not agree about who leads');
      await sleep(POLL_MS);
    }
  }

  private async status(id: number): Promise<{ leader: number; version: number }> {
    const client = await this.connect(id);
    try {
      const status = (await client.command('STATUS').catch(() => new Map())) as Map<Reply, Reply>;
      return { leader: Number(status.get('leader') ?? 0), version: Number(status.get('version') ?? -1) };
    } finally {
      await client.close();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.processes.values()].map((process) => process.stop()));
  }
}

/** A connection that speaks RESP3. */
export async function connectTo(port: number, events: ClientEvents = {}): Promise<Client> {
  const client = await Client.connect({ host: HOST, port }, realTimers, events);
  await client.command('HELLO', 3);
  return client;
}
