/**
 * `npm start`: a whole cluster on this machine, each daemon a process of its own as in earnest: three config servers, groups of a
 * master and a replica, one proxy. Prints where everything listens, then what happens, and stops it all on Ctrl-C.
 *
 * What dies comes back after some seconds, so a failover can be watched from both sides: kill a master, see its replica take over
 * within a second or two, and the former master return as a replica. Data live in a temporary directory, which goes with it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realTimers } from '../src/base';
import { Client, type Address } from '../src/net';
import type { PushReply, Reply } from '../src/resp';
import { ClusterView } from '../src/slots';
import { HOST, Processes, type Plan } from './cluster/processes';

/** Ctrl-C promises two seconds; who has not ended by then is ended. */
const STOP_WITHIN_MS = 1500;
const SERVES_WITHIN_MS = 10_000;
const POLL_MS = 25;
const GROUPS_MAX = 16;
const REPLICAS_MAX = 8;
const CONFIGS: readonly number[] = [1, 3, 5];
const ZONES = ['a', 'b', 'c'];
const PEER_PORT_BEYOND = 10_000;

const { values: options } = parseArgs({
  options: {
    groups: { type: 'string', default: '2' },
    replicas: { type: 'string', default: '1' },
    configs: { type: 'string', default: '3' },
    'proxy-port': { type: 'string', default: '6380' },
    'config-port': { type: 'string', default: '6390' },
    'server-port': { type: 'string', default: '7001' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const directory = mkdtempSync(join(tmpdir(), 'slotcache-'));
const processes = new Processes(directory, tell);
let isStopping = false;

/** A server of a group. */
interface Server extends Plan {
  readonly group: number;
  readonly zone: string;
}

function tell(line: string): void {
  console.log(`  ${new Date().toTimeString().slice(0, 8)}  ${line}`);
}

function count(name: 'groups' | 'replicas', most: number): number {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < (name === 'groups' ? 1 : 0) || value > most) {
    throw new Error(`--${name} takes ${name === 'groups' ? 1 : 0} … ${most}`);
  }
  return value;
}

async function planConfigs(): Promise<Plan[]> {
  const howMany = Number(options.configs);
  if (!CONFIGS.includes(howMany)) throw new Error(`--configs takes ${CONFIGS.join(', ')}`);
  const ports: number[] = [];
  const peerPorts: number[] = [];
  for (let i = 0; i < howMany; i++) {
    ports.push(await processes.freePort(Number(options['config-port'])));
    peerPorts.push(await processes.freePort(ports[i] + PEER_PORT_BEYOND));
  }
  const peers = howMany === 1 ? [] : ['--peers', ...peerPorts.map((port, i) => `${i + 1}@${HOST}:${port}`)];
  return ports.map((port, i) => ({
    name: `config ${i + 1}`,
    program: 'cache-config',
    port,
    args: ['--id', String(i + 1), '--peer-port', String(peerPorts[i]), '--zone', ZONES[i % ZONES.length], ...peers],
  }));
}

async function planServers(configServers: readonly string[]): Promise<Server[]> {
  const servers: Server[] = [];
  const replicas = count('replicas', REPLICAS_MAX);
  for (let group = 1; group <= count('groups', GROUPS_MAX); group++) {
    for (let i = 0; i <= replicas; i++) {
      servers.push({
        name: `server ${group}.${i + 1}`,
        program: 'cache-server',
        port: await processes.freePort(Number(options['server-port'])),
        args: [
          '--save',
          '',
          '--appendonly',
          'yes',
          '--repl-diskless-sync-delay',
          '0',
          '--config-servers',
          ...configServers,
        ],
        group,
        zone: ZONES[(group - 1 + i) % ZONES.length],
      });
    }
  }
  return servers;
}

async function run(): Promise<void> {
  const configs = await planConfigs();
  const configServers = configs.map(({ port }) => `${HOST}:${port}`);
  const servers = await planServers(configServers);
  const proxy: Plan = {
    name: 'proxy',
    program: 'cache-proxy',
    port: await processes.freePort(Number(options['proxy-port'])),
    args: ['--zone', ZONES[0], '--config-servers', ...configServers],
  };
  await Promise.all([...configs, ...servers].map((plan) => processes.start(plan)));
  const operator = await connectTo(configs[0].port);
  for (const { group, port, zone } of servers) {
    const isFirst = servers.find((server) => server.group === group)?.port === port;
    if (isFirst) await operator.command('GROUP', 'CREATE', group);
    await operator.command('GROUP', 'ADD', group, HOST, port, 'ZONE', zone);
  }
  await operator.command('SLOTS', 'SPREAD', ...new Set(servers.map(({ group }) => group)));
  await processes.start(proxy);
  await serves(proxy.port, new Set(servers.map(({ group }) => group)).size);
  const view = ClusterView.parse(await operator.command('VIEW', 'GET'));
  const status = (await operator.command('STATUS')) as Map<Reply, Reply>;
  await operator.close();
  print([
    ['what', 'listens on', 'process', 'zone', ''],
    row('proxy', proxy, ZONES[0], 'clients connect here'),
    ...configs.map((config, i) => {
      const note =
        String(status.get('leader')) === String(i + 1) ? 'leads; try redis-cli HELP, or cachectl status' : '';
      return row(config.name, config, ZONES[i % ZONES.length], note);
    }),
    ...servers.map((server) => {
      const group = view.group(server.group)!;
      const isMaster = group.master?.port === server.port;
      const slots = view.ranges().flatMap(([from, to, id]) => (id === group.id ? [`${from}–${to}`] : []));
      const role = isMaster ? 'master' : 'replica';
      return row(`group ${group.id} ${role}`, server, server.zone, isMaster ? `slots ${slots.join(', ')}` : '');
    }),
  ]);
  const victim = servers.find(({ port }) => view.groups[0].master?.port === port)!;
  console.log(`\n  redis-cli -p ${proxy.port} SET greeting hello`);
  if (count('replicas', REPLICAS_MAX) > 0)
    console.log(`  kill -9 ${processes.pidOf(victim.name)}   and watch its replica take over`);
  console.log(`\n  Logs: ${directory}. Ctrl-C stops everything.\n`);
  followEvents(configs.map(({ port }) => ({ host: HOST, port })));
}

async function connectTo(port: number): Promise<Client> {
  const client = await Client.connect({ host: HOST, port }, realTimers);
  await client.command('HELLO', 3);
  return client;
}

/** Resolves when writes to every group are taken. */
async function serves(port: number, groups: number): Promise<void> {
  const client = await connectTo(port);
  const untilMs = Date.now() + SERVES_WITHIN_MS;
  // A write to every group: keys spread over the slots evenly enough.
  const keys = Array.from({ length: 16 * groups }, (_, i) => `start:${i}`);
  for (;;) {
    const outcomes = await Promise.allSettled(keys.map((key) => client.command('SET', key, '', 'PX', 1)));
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    if (refused === undefined) break;
    if (Date.now() > untilMs) throw new Error(`the cluster does not serve: ${String(refused.reason)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await client.close();
}

function row(name: string, { name: process, port }: Plan, zone: string, note: string): string[] {
  return [name, `${HOST}:${port}`, String(processes.pidOf(process)), zone, note];
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  console.log();
  for (const cells of rows) {
    console.log(
      `  ${cells
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('   ')
        .trimEnd()}`,
    );
  }
}

/** Prints every change from now on, told by whichever config server lives. */
function followEvents(servers: readonly Address[], next = 0): void {
  const goOn = (): void => {
    if (!isStopping) setTimeout(() => followEvents(servers, (next + 1) % servers.length), POLL_MS);
  };
  const push = ({ values }: PushReply): void => {
    const event = values[1];
    if (values[0] === 'event' && event instanceof Map)
      tell(`${String(event.get('text'))}   (by ${String(event.get('by'))})`);
  };
  Client.connect(servers[next], realTimers, { push, closed: goOn }).then(async (client) => {
    await client.command('HELLO', 3);
    client.command('EVENTS', 'SUBSCRIBE').catch(() => undefined);
  }, goOn);
}

async function stop(exitCode: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await processes.stop(STOP_WITHIN_MS);
  rmSync(directory, { recursive: true, force: true });
  process.exit(exitCode);
}

if (options.help) {
  console.log(
    'npm start -- [--groups N] [--replicas N] [--configs 1|3|5] [--proxy-port N] [--config-port N] [--server-port N]',
  );
  console.log('Starts a cluster on this machine. Ports that are taken are passed over.');
  rmSync(directory, { recursive: true, force: true });
} else {
  process.on('SIGINT', () => void stop(0));
  process.on('SIGTERM', () => void stop(0));
  process.on('SIGHUP', () => void stop(0));
  run().catch((error: Error) => {
    console.error(error.message);
    void stop(1);
  });
}
