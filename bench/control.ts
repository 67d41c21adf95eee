/**
 * What does the control plane do, and what does it take?
 *
 * Three cache-config processes that share a log. How long until a change of the view is with every proxy; how many changes, leases and
 * reads there can be; how long nothing can be changed when the leader is killed; what an idle one costs. All of it on one
 * machine and one disk, with the clients beside them: two processors share five processes, so three machines are faster at all but the network.
 *
 * Compared with two things of the same run: the disk alone, as no change can be faster than one write and fsync; and redis-sentinel,
 * which watches the same servers.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../src/net';
import type { CommandArgument, Reply } from '../src/resp';
import { CACHE_CONFIG, ConfigTrio, connectTo } from './config-trio';
import { BenchError, type Program, scratchDirectory, ServerProcess } from './processes';
import { REDIS_SERVER, startIfPossible } from './programs';
import { circumstances, figure, judge, NONE, type Options, type Report, type Target } from './table';

const COLUMNS = ['', 'p50', 'p99', 'max', 'per second', 'leader', 'follower', 'must', 'aim', ''];
/** Milliseconds at the 99th percentile, from the command to the last subscriber. */
const VIEW: Target = { must: 100, aim: 50 };

const VIEW_CHANGES = 200;
const SUBSCRIBERS = 100;
const CLIENTS = 50;
const QUICK_DIVISOR = 10;
const LEADERS_KILLED = 20;
const WATCHED_GROUPS = 5;
const IDLE_MS = 10_000;
const DISK_RECORD = Buffer.alloc(200, 'x');
const PUSH_MS_MAX = 10_000;
/** Of the proxy that asks for leases. */
const RUN_ID = 'b'.repeat(40);

const REDIS_SENTINEL: Program = {
  name: 'redis-sentinel',
  command: 'redis-server',
  serve(port) {
    const file = join(scratchDirectory(), `sentinel-${port}.conf`);
    writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${scratchDirectory()}\n`);
    return [file, '--sentinel'];
  },
  versionFlag: '--version',
  remedy: 'install Redis (Debian package redis-server)',
};

export async function benchControl(options: Options): Promise<Report> {
  if (options.calibrate) throw new BenchError('control: there is no peer to compare with itself');
  const divisor = options.quick ? QUICK_DIVISOR : 1;
  const changes = VIEW_CHANGES / divisor;
  const killed = options.quick ? LEADERS_KILLED / 4 : LEADERS_KILLED;
  const idleMs = options.quick ? IDLE_MS / 4 : IDLE_MS;
  const rows: string[][] = [latencyRow('the disk alone: write and fsync, ms', diskMs(1000 / divisor))];
  const trio = await ConfigTrio.start();
  const watched: ServerProcess[] = [];
  try {
    for (let group = 1; group <= WATCHED_GROUPS; group++) watched.push(await ServerProcess.start(REDIS_SERVER));
    await makeGroups(trio, watched);
    rows.push(await views(trio, changes));
    rows.push(...(await requests(trio, divisor)));
    rows.push(latencyRow('kill -9 of the leader to the next change, ms', await losses(trio, killed)));
    rows.push(...(await idle(trio, watched, idleMs)));
  } finally {
    await trio.stop();
    for (const server of watched) await server.stop();
  }
  return {
    name: 'control',
    title: 'cache-config: three of them on one machine',
    method: [
      'Three config servers, each with its log in a directory of the same disk, default settings; clients are one more process on the same machine. All times as the clients see them.',
      `A view: from sending a command to the last push, ${SUBSCRIBERS} RESP3 subscribers spread over the three; ${changes} changes, one at a time.`,
      'Changes, leases, reads: each client sends one request, and the next when it is answered. Times in ms; leader and follower: µs of CPU per request, all threads, from /proc, followers as their mean. Reads are linearizable.',
      `Loss of the leader: kill -9, then a change at once by one of the others, ${killed} times; the killed one is back before the next. The system tells the others that its connections are gone; of a machine that is cut off they would hear nothing, and wait for the election timeout (150–300 ms) besides.`,
      `Idle: watching ${WATCHED_GROUPS} redis-server, one group each, for ${figure(idleMs / 1000, 1)} s; one redis-sentinel watches the same. CPU in percent of a processor; memory resident.`,
      ...(await circumstances([CACHE_CONFIG, REDIS_SENTINEL, REDIS_SERVER], options)),
    ],
    columns: COLUMNS,
    rows,
  };
}

/** How long the disk takes for a record of the log's size, where the logs are. */
function diskMs(times: number): number[] {
  const file = openSync(join(mkdtempSync(join(scratchDirectory(), 'disk-')), 'log'), 'a');
  const took = Array.from({ length: times }, () => {
    const startedMs = performance.now();
    writeSync(file, DISK_RECORD);
    fdatasyncSync(file);
    return performance.now() - startedMs;
  });
  closeSync(file);
  return took;
}

/** A group of each server, with as many slots as the others. */
async function makeGroups(trio: ConfigTrio, servers: readonly ServerProcess[]): Promise<void> {
  const operator = await trio.connect(await trio.leader());
  for (const [i, { port }] of servers.entries()) {
    await operator.command('GROUP', 'CREATE', i + 1);
    await operator.command('GROUP', 'ADD', i + 1, '127.0.0.1', port);
  }
  await operator.command('SLOTS', 'SPREAD', ...servers.map((_, i) => i + 1));
  await operator.close();
}

// ── a view on its way ──────────────────────────────────────────────────────────────────────────────────────────────

async function views(trio: ConfigTrio, changes: number): Promise<string[]> {
  const operator = await trio.connect(await trio.leader());
  const arrivals = new Arrivals();
  const subscribers: Client[] = [];
  const subscribed = arrivals.of(SUBSCRIBERS);
  for (let i = 0; i < SUBSCRIBERS; i++) {
    const push = ({ values }: { readonly values: readonly unknown[] }): void => arrivals.came(Number(values[1]));
    const subscriber = await trio.connect(trio.ids[i % trio.ids.length], { push });
    await subscriber.command('VIEW', 'SUBSCRIBE', -1);
    subscribers.push(subscriber);
  }
  await subscribed;
  const took: number[] = [];
  for (let i = 0; i < changes; i++) {
    const startedMs = performance.now();
    const everywhere = arrivals.of(SUBSCRIBERS);
    await operator.command('SLOTS', 'ASSIGN', '0-99', 1 + (i % WATCHED_GROUPS), 'FORCE');
    took.push((await everywhere) - startedMs);
  }
  await Promise.all([operator, ...subscribers].map((client) => client.close()));
  return latencyRow(`a view, to the last of ${SUBSCRIBERS} subscribers, ms`, took, VIEW);
}

/** Counts the pushes of one change; there is one change at a time, so all pushes between two are of the first. */
class Arrivals {
  private missing = 0;
  private finish: (atMs: number) => void = () => {};

  /** When so many have come, as `performance.now()` has it. Rejects where they do not come. */
  of(count: number): Promise<number> {
    this.missing = count;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new BenchError(`${this.missing} subscribers heard nothing`)), PUSH_MS_MAX);
      this.finish = (atMs) => {
        clearTimeout(timer);
        resolve(atMs);
      };
    });
  }

  came(version: number): void {
    if (Number.isInteger(version) && --this.missing === 0) this.finish(performance.now());
  }
}

// ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Load {
  readonly name: string;
  /** Whether a follower is asked, who passes it on, instead of the leader. */
  readonly isPassedOn?: boolean;
  readonly clients: number;
  readonly requests: number;
  /** The words of the request of that number. */
  readonly words: (i: number) => CommandArgument[];
  /** A request that is refused would be a cheap one. */
  readonly isGranted?: (reply: Reply) => boolean;
}

async function requests(trio: ConfigTrio, divisor: number): Promise<string[][]> {
  const client = await trio.connect(await trio.leader());
  await client.command('PROXY', 'REGISTER', RUN_ID, '127.0.0.1:6380');
  // A proxy gets leases as long as the last view is in force there.
  let version = 0;
  const many = { clients: CLIENTS, requests: 10_000 / divisor };
  const changes = {
    words: (i: number): CommandArgument[] => ['SET', 'failover-interval-ms', 50_000 + (i % 10_000)],
  };
  const leases = {
    words: (): CommandArgument[] => ['LEASE', 'RENEW', 'PROXY', RUN_ID, version],
    isGranted: (reply: Reply): boolean => Array.isArray(reply) && Number(reply[0]) > 0,
  };
  const reads = { words: (): CommandArgument[] => ['SETTINGS'] };
  const loads: readonly Load[] = [
    { ...changes, name: 'changes, 1 client', clients: 1, requests: 2000 / divisor },
    { ...changes, ...many, name: `changes, ${CLIENTS} clients` },
    { ...changes, ...many, name: `changes by a follower, ${CLIENTS} clients`, isPassedOn: true },
    { ...leases, ...many, name: `leases, ${CLIENTS} clients`, requests: 4 * many.requests },
    {
      ...leases,
      ...many,
      name: `leases by a follower, ${CLIENTS} clients`,
      requests: 4 * many.requests,
      isPassedOn: true,
    },
    { ...reads, name: 'reads, 1 client', clients: 1, requests: 4000 / divisor },
    { ...reads, ...many, name: `reads, ${CLIENTS} clients`, requests: 4 * many.requests },
  ];
  const rows: string[][] = [];
  for (const load of loads) {
    version = await versionNow(client);
    rows.push(await underLoad(trio, load));
  }
  await client.close();
  return rows;
}

async function underLoad(trio: ConfigTrio, load: Load): Promise<string[]> {
  const { name, clients, words, isGranted = () => true, isPassedOn = false } = load;
  const leader = await trio.leader();
  const followers = trio.ids.filter((id) => id !== leader);
  const asked = isPassedOn ? followers[0] : leader;
  const all = await Promise.all(Array.from({ length: clients }, () => trio.connect(asked)));
  const took: number[] = [];
  let next = 0;
  const cpu = cpuOf(trio, leader, followers);
  const startedMs = performance.now();
  await Promise.all(
    all.map(async (client) => {
      while (next < load.requests) {
        const sentMs = performance.now();
        const reply = await client.command(...words(next++));
        took.push(performance.now() - sentMs);
        if (!isGranted(reply)) throw new BenchError(`${name}: refused by ${String(reply)}`);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const spent = cpu();
  await Promise.all(all.map((client) => client.close()));
  const micros = (value: number): string => figure(value / load.requests, 0, ' µs');
  const row = latencyRow(name, took);
  return [
    ...row.slice(0, 4),
    figure(load.requests / seconds),
    micros(spent.leader),
    micros(spent.follower),
    ...row.slice(7),
  ];
}

/** The version by which a proxy would route that follows. */
async function versionNow(client: Client): Promise<number> {
  const status = (await client.command('STATUS')) as Map<Reply, Reply>;
  return Number(status.get('version'));
}

/** Begins to count; what is returned tells the microseconds of CPU since then. */
function cpuOf(
  trio: ConfigTrio,
  leader: number,
  followers: readonly number[],
): () => { leader: number; follower: number } {
  const ofFollowers = (): number =>
    followers.reduce((sum, id) => sum + trio.process(id).cpuMicros(), 0) / followers.length;
  const before = { leader: trio.process(leader).cpuMicros(), follower: ofFollowers() };
  return () => ({
    leader: trio.process(leader).cpuMicros() - before.leader,
    follower: ofFollowers() - before.follower,
  });
}

// ── the leader is lost ─────────────────────────────────────────────────────────────────────────────────────────────

async function losses(trio: ConfigTrio, times: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const leader = await trio.leader();
    const [other] = trio.ids.filter((id) => id !== leader);
    const client = await trio.connect(other);
    const startedMs = performance.now();
    const gone = trio.process(leader).kill();
    await changeAtLast(client, i);
    took.push(performance.now() - startedMs);
    await gone;
    await client.close();
    await trio.restart(leader);
  }
  await trio.leader();
  return took;
}

/** One change under one name, asked for until it is done. */
async function changeAtLast(client: Client, i: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await client.command('ONCE', `loss-${i}`, 'SET', 'failover-interval-ms', 40_000 + i);
      return;
    } catch (error) {
      if (attempt === 9)
        throw new BenchError(`no change after the loss of a leader: ${String(error)}`, { cause: error });
    }
  }
}

// ── idle ───────────────────────────────────────────────────────────────────────────────────────────────────────────

async function idle(trio: ConfigTrio, watched: readonly ServerProcess[], forMs: number): Promise<string[][]> {
  const leader = await trio.leader();
  const followers = trio.ids.filter((id) => id !== leader);
  const sentinel = await startIfPossible(REDIS_SENTINEL);
  try {
    if (sentinel !== null) await monitor(sentinel, watched);
    await sleep(forMs / 2);
    const cpu = cpuOf(trio, leader, followers);
    const sentinelMicros = sentinel?.cpuMicros() ?? 0;
    await sleep(forMs);
    const spent = cpu();
    const percent = (micros: number): string => figure(micros / 10 / forMs, 1, ' %');
    const mib = (process: ServerProcess): string => figure(process.residentBytes() / 2 ** 20, 0, ' MiB');
    const rows = [
      costRow('idle: CPU', percent(spent.leader), percent(spent.follower)),
      costRow('idle: memory', mib(trio.process(leader)), mib(trio.process(followers[0]))),
    ];
    if (sentinel === null) return rows;
    return [
      ...rows,
      costRow('redis-sentinel, idle: CPU', percent(sentinel.cpuMicros() - sentinelMicros), NONE),
      costRow('redis-sentinel, idle: memory', mib(sentinel), NONE),
    ];
  } finally {
    await sentinel?.stop();
  }
}

async function monitor(sentinel: ServerProcess, masters: readonly ServerProcess[]): Promise<void> {
  const client = await connectTo(sentinel.port);
  for (const [i, { port }] of masters.entries()) {
    await client.command('SENTINEL', 'MONITOR', `group${i + 1}`, '127.0.0.1', port, 1);
    await client.command('SENTINEL', 'SET', `group${i + 1}`, 'down-after-milliseconds', 1000);
  }
  await client.close();
}

// ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function latencyRow(name: string, tookMs: readonly number[], target: Target | null = null): string[] {
  const sorted = [...tookMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const p99 = at(0.99);
  return [name, ...[at(0.5), p99, at(1)].map((ms) => figure(ms, 2)), NONE, NONE, NONE, ...judge(p99, target, ' ms')];
}

function costRow(name: string, leader: string, follower: string): string[] {
  return [name, NONE, NONE, NONE, NONE, leader, follower, ...judge(null, null)];
}
