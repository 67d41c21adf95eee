/**
 * Formation: a whole cluster of real processes: a data node of the group and a proxy in each of three zones, and config servers in
 * the same ones or, where links between config servers alone are to break, in five more.
 *
 *   zone 1   config 1   server 1   proxy 1          zones 1–3   a server and a proxy each
 *   zone 2   config 2   server 2   proxy 2    or    zones 4–8   a config server each
 *   zone 3   config 3   server 3   proxy 3
 *
 * One group owns all slots; server 1 is its first master. The data nodes are ours, which follow the config servers, or a
 * stock redis-server. The drill speaks to all of them from outside of the zones.
 */
import { writeFileSync } from 'node:fs';
import type { Client } from '../../../src/net';
import type { CommandArgument, Reply } from '../../../src/resp';
import { ClusterView } from '../../../src/slots';
import type { Folder } from '../folder';
import { sleep } from '../load';
import { Daemon } from './daemon';
import { Zones, type Zone } from './zones';

export const ENGINES = ['slotcache', 'redis'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Where the config servers are: in the zones of the data, or in zones of their own. */
export type Layout = 'together' | 'apart';

const DATA_ZONES = 3;
/** Of a layout: all zones, and the first with a config server. */
const ZONES: Readonly<Record<Layout, { readonly count: number; readonly firstConfig: number }>> = {
  together: { count: DATA_ZONES, firstConfig: 0 },
  apart: { count: DATA_ZONES + 5, firstConfig: DATA_ZONES },
};

export interface Plan {
  readonly engine: EngineName;
  readonly layout: Layout;
  /** For the data of all. */
  readonly folder: Folder;
  /** Directory of our programs. */
  readonly dist: string;
}

const CONFIG_PORT = 6390;
const PEER_PORT = 16_390;
const SERVER_PORT = 6379;
const PROXY_PORT = 6380;
const GROUP = 1;
const POLL_MS = 10;
/** A guard, not an assertion about speed. */
const PATIENCE_MS = 30_000;

export class Formation {
  /** The config server that answered last. */
  private confidant: Daemon;

  private constructor(
    readonly zones: Zones,
    readonly engine: EngineName,
    readonly configs: readonly Daemon[],
    readonly servers: readonly Daemon[],
    readonly proxies: readonly Daemon[],
  ) {
    this.confidant = configs[0];
  }

  /** The zones that a layout needs. */
  static zonesFor(layout: Layout): Zones {
    return Zones.make(ZONES[layout].count);
  }

  /** Starts it all; resolves when replicas are in sync and proxies serve. */
  static async start(zones: Zones, { engine, layout, folder, dist }: Plan): Promise<Formation> {
    const ours = (name: string): string[] => [process.execPath, `${dist}/${name}.js`];
    const dataZones = zones.all.slice(0, DATA_ZONES);
    const configZones = zones.all.slice(ZONES[layout].firstConfig);
    const configServers = configZones.map(({ host }) => `${host}:${CONFIG_PORT}`);
    const peers = configZones.map(({ host, number }) => `${number}@${host}:${PEER_PORT}`);
    const configs = configZones.map((zone) => {
      const dir = folder.at(`config-${zone.number}`);
      const words = ['--port', CONFIG_PORT, '--peer-port', PEER_PORT, '--bind', zone.host, '--id', zone.number];
      const place = [
        '--zone',
        `z${zone.number}`,
        '--dir',
        dir,
        '--cluster-secret',
        'drill',
        '--protected-mode',
        'no',
        '--peers',
        ...peers,
      ];
      return daemon('config', zone, CONFIG_PORT, [...ours('cache-config'), ...words, ...place], dir);
    });
    const servers = dataZones.map((zone) => {
      const dir = folder.at(`server-${zone.number}`);
      const words = ['--port', SERVER_PORT, '--bind', zone.host, '--dir', dir, '--repl-diskless-sync-delay', 0];
      const common = [...words, '--protected-mode', 'no', '--appendonly', 'yes', '--save', ''];
      const command =
        engine === 'redis'
          ? ['redis-server', ...common]
          : [...ours('cache-server'), ...common, '--config-servers', ...configServers];
      return daemon('server', zone, SERVER_PORT, command, dir);
    });
    const proxies = dataZones.map((zone) => {
      const dir = folder.at(`proxy-${zone.number}`);
      const words = ['--port', PROXY_PORT, '--bind', zone.host, '--zone', `z${zone.number}`, '--dir', dir];
      const rest = ['--protected-mode', 'no', '--config-servers', ...configServers];
      return daemon('proxy', zone, PROXY_PORT, [...ours('cache-proxy'), ...words, ...rest], dir);
    });
    const formation = new Formation(zones, engine, configs, servers, proxies);
    await Promise.all([...configs, ...servers].map((each) => each.start()));
    await formation.setUp();
    return formation;
  }

  get dataZones(): readonly Zone[] {
    return this.servers.map(({ zone }) => zone);
  }

  get configZones(): readonly Zone[] {
    return this.configs.map(({ zone }) => zone);
  }

  /** The proxy that is in this zone. */
  proxyIn(zone: Zone): Daemon {
    return this.proxies.find((proxy) => proxy.zone === zone)!;
  }

  private async setUp(): Promise<void> {
    await this.until('the config servers have a leader', async () => (await this.tryAsk('GROUP', 'LIST')) !== null);
    await this.ask('GROUP', 'CREATE', GROUP);
    for (const { zone } of this.servers) {
      await this.ask('GROUP', 'ADD', GROUP, zone.host, SERVER_PORT, 'ZONE', `z${zone.number}`);
    }
    await this.ask('SLOTS', 'SPREAD', GROUP);
    await Promise.all(this.proxies.map((each) => each.start()));
    await this.untilWhole();
  }

  // ── the control plane ────────────────────────────────────────────────────────────────────────────────────────

  /** Asks any config server that answers, first who answered last. */
  ask(...words: CommandArgument[]): Promise<Reply> {
    return this.askWithin(PATIENCE_OF_ONE_MS, words);
  }

  private async askWithin(ms: number, words: readonly CommandArgument[]): Promise<Reply> {
    let failure: unknown = new Error('no config server is alive');
    for (const config of [this.confidant, ...this.configs.filter((each) => each !== this.confidant)]) {
      if (!config.isAlive) continue;
      try {
        const answer = await askOf(config, words, ms);
        this.confidant = config;
        return answer;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  private tryAsk(...words: CommandArgument[]): Promise<Reply | null> {
    return this.ask(...words).catch(() => null);
  }

  async view(): Promise<ClusterView> {
    return ClusterView.parse(await this.askWithin(GLANCE_MS, ['VIEW', 'GET']));
  }

  /** The master of the group by the view. */
  async master(): Promise<Daemon> {
    const id = (await this.view()).group(GROUP)!.master!.id;
    return this.servers.find(({ address }) => address === id)!;
  }

  /** The config server that leads. */
  async leader(): Promise<Daemon> {
    const id = await this.status('leader');
    return this.configs.find(({ zone }) => zone.number === id)!;
  }

  /** Of the leader: more with each election. */
  term(): Promise<number> {
    return this.status('term');
  }

  /** How many leaders there were with a later term, by what they said of themselves: one more for each change of leader. */
  leadersSince(term: number): number {
    const terms = this.configs.flatMap(({ log }) => [...log.matchAll(/This config server leads, in term (\d+)/g)]);
    return new Set(terms.map(([, text]) => Number(text)).filter((each) => each > term)).size;
  }

  private async status(field: 'leader' | 'term'): Promise<number> {
    const status = (await this.askWithin(GLANCE_MS, ['STATUS'])) as Map<Reply, Reply>;
    return Number(status.get(field));
  }

  /** The groups with their members, and who owns which slots, as text. */
  async configuration(): Promise<string> {
    const answers = [await this.ask('GROUP', 'LIST'), await this.ask('SLOTS', 'LIST')];
    return JSON.stringify(answers, (_key, part: unknown) => (part instanceof Map ? [...part] : part));
  }

  /** How often the master has changed. */
  async epoch(): Promise<number> {
    return (await this.view()).group(GROUP)!.epoch;
  }

  // ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** All servers live, replicas are in sync with the master, and all proxies serve. */
  async untilWhole(): Promise<void> {
    await this.until('all replicas are in sync', async () => {
      const view = await this.view();
      const group = view.group(GROUP)!;
      if (group.state !== 'serving') return false;
      const master = await infoOf(this.servers.find(({ address }) => address === group.master!.id)!);
      if (master?.role !== 'master' || master.connected_slaves !== String(this.servers.length - 1)) return false;
      return [...Array(this.servers.length - 1).keys()].every((i) => master[`slave${i}`]?.includes('state=online'));
    });
    for (const proxy of this.proxies) {
      await this.until(
        `${proxy.name} serves`,
        async () => (await askOf(proxy, ['SET', 'whole', '1']).catch(() => null)) === 'OK',
      );
    }
  }

  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!(await isTrue().catch(() => false))) {
      if (performance.now() > untilMs) throw new Error(`it never came to this: ${what}\n${this.lastWords()}`);
      await sleep(POLL_MS);
    }
  }

  private lastWords(): string {
    return [...this.configs, ...this.servers, ...this.proxies]
      .map(({ name, log }) => `── ${name}\n${log.trimEnd().split('\n').slice(-6).join('\n')}`)
      .join('\n');
  }

  /** Writes what each said to `log` in its directory. */
  saveLogs(): void {
    for (const { dir, log } of [...this.configs, ...this.servers, ...this.proxies]) writeFileSync(`${dir}/log`, log);
  }

  async stop(): Promise<void> {
    for (const each of [...this.proxies, ...this.servers, ...this.configs]) {
      if (each.isAlive) each.thaw();
      await each.kill();
    }
  }
}

function daemon(kind: string, zone: Zone, port: number, command: readonly (string | number)[], dir: string): Daemon {
  return new Daemon(`${kind} ${zone.number}`, zone, port, command.map(String), dir);
}

/** How long one process is waited for: for anything, and for what takes no time unless it is cut off. */
const PATIENCE_OF_ONE_MS = 5000;
const GLANCE_MS = 1000;

/** One question on a connection of its own, in RESP3. Rejects where it takes too long. */
export async function askOf(
  daemon: Daemon,
  words: readonly CommandArgument[],
  withinMs = PATIENCE_OF_ONE_MS,
): Promise<Reply> {
  const client = await greet(daemon, withinMs);
  try {
    return await within(client.command(...words), withinMs);
  } finally {
    await client.close();
  }
}

/** A connection that speaks RESP3. Rejects where that takes too long. */
export async function greet(daemon: Daemon, ms: number): Promise<Client> {
  const connecting = daemon.connect().then(async (client) => {
    await client.command('HELLO', 3);
    return client;
  });
  return within(connecting, ms).catch((error: unknown) => {
    // Who comes too late finds nobody.
    connecting.then((client) => client.close()).catch(() => undefined);
    throw error;
  });
}

/** Rejects where it takes longer. */
export function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return Promise.race([promise, sleep(ms).then(() => Promise.reject(new Error(`no answer within ${ms} ms`)))]);
}

/** Fields of INFO; null where it does not answer. */
export async function infoOf(daemon: Daemon): Promise<Readonly<Record<string, string>> | null> {
  const text = await askOf(daemon, ['INFO']).catch(() => null);
  if (text === null) return null;
  return Object.fromEntries([...String(text).matchAll(/^(\w+):(.*)\r$/gm)].map(([, name, value]) => [name, value]));
}
