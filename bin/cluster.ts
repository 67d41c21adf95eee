/**
 * `npm start`: a whole cluster on this machine, each daemon a process of its own as in earnest: one cache-config, the
 * masters of two groups, one cache-proxy. Prints where everything listens and stops it all on Ctrl-C.
 *
 * What is not there yet is not pretended: groups have a master and no replica, and data live in memory only.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { realTimers } from '../src/base';
import { Client } from '../src/net';

const HOST = '127.0.0.1';
const READY_WITHIN_MS = 10_000;
/** Ctrl-C promises two seconds; who has not ended by then is ended. */
const STOP_WITHIN_MS = 1500;
const LOG_LINES_SHOWN = 10;

const { values: options } = parseArgs({
  options: {
    groups: { type: 'string', default: '2' },
    'proxy-port': { type: 'string', default: '6380' },
    'config-port': { type: 'string', default: '6390' },
    'server-port': { type: 'string', default: '7001' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

interface Daemon {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly logFile: string;
}

const daemons: Daemon[] = [];
const directory = mkdtempSync(join(tmpdir(), 'slotcache-'));
let stopping = false;

/** The first free port from `from` on. */
async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + 100; port++) {
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, HOST, () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error(`no free port in ${from} … ${from + 99}`);
}

/** Starts a daemon of ours and resolves when it accepts connections. */
async function start(name: string, program: string, port: number, args: string[]): Promise<Daemon> {
  const logFile = join(directory, `${name}.log`);
  const log = openSync(logFile, 'a');
  const path = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
  const child = spawn(process.execPath, [path, '--port', String(port), '--bind', HOST, ...args], {
    stdio: ['ignore', log, log],
    // Ctrl-C reaches the whole foreground group; the daemons are to be stopped in order, by us.
    detached: true,
  });
  const daemon = { name, port, child, logFile };
  daemons.push(daemon);
  child.once('exit', (code, signal) => {
    if (!stopping) console.error(`\n${name} ended (${signal ?? `exit ${code}`}):\n${lastLines(logFile)}`);
  });
  const giveUpAtMs = Date.now() + READY_WITHIN_MS;
  while (Date.now() < giveUpAtMs && child.exitCode === null) {
    const client = await Client.connect({ host: HOST, port }, realTimers).catch(() => null);
    if (client !== null) {
      await client.command('PING');
      await client.close();
      return daemon;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${name} did not start on port ${port}:\n${lastLines(logFile)}`);
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}

async function run(): Promise<void> {
  const groupCount = Number(options.groups);
  if (!Number.isInteger(groupCount) || groupCount < 1 || groupCount > 16) throw new Error('--groups takes 1 … 16');
  const configPort = await freePort(Number(options['config-port']));
  const config = await start('config', 'cache-config', configPort, ['--dir', directory]);
  const masters: Daemon[] = [];
  let nextPort = Number(options['server-port']);
  for (let group = 1; group <= groupCount; group++) {
    const port = await freePort(nextPort);
    nextPort = port + 1;
    const folder = join(directory, `server-${group}`);
    mkdirSync(folder);
    const settings = ['--dir', folder, '--save', '', '--appendonly', 'no'];
    masters.push(await start(`server-${group}`, 'cache-server', port, settings));
  }
  const operator = await Client.connect({ host: HOST, port: configPort }, realTimers);
  for (const [i, master] of masters.entries()) {
    await operator.command('GROUP', 'CREATE', i + 1);
    await operator.command('GROUP', 'ADD', i + 1, HOST, master.port, 'ZONE', 'local');
  }
  await operator.command('SLOTS', 'SPREAD', ...masters.map((_, i) => i + 1));
  const proxyPort = await freePort(Number(options['proxy-port']));
  const proxy = await start('proxy', 'cache-proxy', proxyPort, ['--config-servers', `${HOST}:${configPort}`]);
  const slots = new Map(
    ((await operator.command('SLOTS', 'LIST')) as number[][]).map(([from, to, group]) => [group, `${from}–${to}`]),
  );
  await operator.close();

  const rows = [
    ['what', 'listens on', 'process', ''],
    ['proxy', `${HOST}:${proxy.port}`, String(proxy.child.pid), 'clients connect here'],
    ['config', `${HOST}:${config.port}`, String(config.child.pid), 'redis-cli speaks to it too: try HELP'],
    ...masters.map((master, i) => [
      `group ${i + 1} master`,
      `${HOST}:${master.port}`,
      String(master.child.pid),
      `slots ${slots.get(i + 1)}`,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  console.log();
  for (const row of rows)
    console.log(
      '  ' +
        row
          .map((cell, i) => cell.padEnd(widths[i]))
          .join('   ')
          .trimEnd(),
    );
  console.log(`\n  redis-cli -p ${proxy.port} SET greeting hello\n`);
  console.log('  Groups have no replicas yet and data live in memory only. Logs:', directory);
  console.log('  Ctrl-C stops everything.\n');
}

async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  const ended = daemons.map(
    ({ child }) =>
      new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve();
        else child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  );
  const impatience = setTimeout(() => daemons.forEach(({ child }) => child.kill('SIGKILL')), STOP_WITHIN_MS);
  await Promise.all(ended);
  clearTimeout(impatience);
  rmSync(directory, { recursive: true, force: true });
  process.exit(exitCode);
}

if (options.help) {
  console.log('npm start -- [--groups N] [--proxy-port N] [--config-port N] [--server-port N]');
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
