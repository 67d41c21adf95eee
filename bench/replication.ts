/**
 * What does replication cost, compared with redis-server?
 *
 * Three questions. What a master with a replica spends per write: both masters have a redis-server as replica, so that what the
 * replica takes of the machine is the same. How long a full sync takes: master and replica are of one kind, with the files
 * between that are the default, and without. And how fast a replica does what its master sends, from a master that costs nothing
 * (fake-master.ts).
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cost, compete, rowOf } from './duel';
import { FakeMaster } from './fake-master';
import { expectReply, Gauge } from './gauge';
import { ask, Template } from './loader';
import { BenchError, type Program, scratchDirectory, type ServerProcess } from './processes';
import {
  again,
  CACHE_SERVER,
  type Contenders,
  inDirectory,
  REDIS_SERVER,
  startContenders,
  startIfPossible,
  stopContenders,
} from './programs';
import { type Load, redisBenchmark } from './redis-benchmark';
import { manyKeys } from './snapshot-datasets';
import { circumstances, figure, judge, median, NONE, type Options, type Report, type Target } from './table';

const CPU: Target = { must: 1, aim: 0.7 };
const SYNC: Target = { must: 1.5, aim: 1 };
const PAUSE: Target = { must: 5, aim: 2 };
const APPLY: Target = { must: 0.9, aim: 1.5 };

const REQUESTS = 2_000_000;
const QUICK_DIVISOR = 8;
const SYNC_MS_MAX = 300_000;
const APPLY_ROUNDS = 3;
const APPLIED = new Template('SET', 'key:#######', '#######'.padEnd(32, 'v'));
const APPLIED_RANGE = 100_000;
/** Lets a full sync begin at once, where a master would wait for more replicas. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0'];

/** Of the table; the first two are the programs. */
const COLUMNS = ['', '', '', 'ratio', 'must', 'aim', ''];

type Side = 'ours' | 'peer';

/** What both sides showed; null for a side that is missing. */
type Pair = Readonly<Record<Side, number | null>>;

export async function benchReplication(options: Options): Promise<Report> {
  const ours = options.calibrate ? again(REDIS_SERVER) : CACHE_SERVER;
  const peer = REDIS_SERVER;
  const target = (value: Target): Target | null => (options.calibrate ? null : value);
  const rows = await compareMasters(ours, peer, options, target(CPU));
  const keys = manyKeys(options.quick).name;
  for (const { name, settings } of [
    { name: 'by a file', settings: [] },
    { name: 'without a file', settings: ['--repl-diskless-load', 'on-empty-db'] },
  ]) {
    const syncs = { ours: await sync(ours, settings, options), peer: await sync(peer, settings, options) };
    rows.push(
      rowOfRatio(`full sync of ${keys} ${name}`, seconds(syncs), 1, ' s', target(SYNC)),
      rowOfPause(`full sync of ${keys} ${name}: longest pause of the master`, syncs.ours, target(PAUSE)),
    );
  }
  rows.push(...(await compareReplicas(ours, peer, options, target(APPLY))));
  return {
    name: 'replication',
    title: `${ours.name} and ${peer.name}: what replication costs`,
    method: [
      `CPU: of the master alone, all threads, from /proc, with one redis-server as its replica; redis-benchmark SET, 50 clients, 100,000 keys, both masters in turns, median of 3 rounds.`,
      'Full sync: master and an empty replica of the same kind; from REPLICAOF until the replica says that its link is up and has all keys; values of 64 bytes, half of which compresses. The pause is the longest turn of the event loop by its own measure.',
      `Applying: SET of ${APPLIED_RANGE.toLocaleString('en-US')} keys with 32 bytes, sent by a process that does nothing else, until they are acknowledged; in turns, median of ${APPLY_ROUNDS} rounds.`,
      ...(await circumstances([ours, peer], options)),
    ],
    columns: ['', ours.name, peer.name, ...COLUMNS.slice(3)],
    rows,
  };
}

// ── the master's cost ──────────────────────────────────────────────────────────────────────────────────────────────

async function compareMasters(
  ours: Program,
  peer: Program,
  options: Options,
  target: Target | null,
): Promise<string[][]> {
  const contenders = await startContenders(atOnce(ours), atOnce(peer));
  const replicas: ServerProcess[] = [];
  try {
    for (const master of present(contenders)) replicas.push(await followed(master, REDIS_SERVER, []));
    for (const { port } of present(contenders)) await redisBenchmark(port, loadOf(64, options));
    const pipelines = [1, 16, 64];
    const outcomes = await compete(
      contenders,
      pipelines.map((pipeline) => loadOf(pipeline, options)),
    );
    for (const replica of replicas) await untilUp(replica, SYNC_MS_MAX);
    return outcomes.map((outcome, i) => {
      const judged = pipelines[i] === 16 ? target : null;
      const name = `SET P=${pipelines[i]}, CPU of a master with a replica, µs/op`;
      return rowOf(name, outcome, judged).slice(0, COLUMNS.length);
    });
  } finally {
    await stopContenders(contenders);
    for (const replica of replicas) await replica.stop();
  }
}

function loadOf(pipeline: number, { quick }: Options): Load {
  const requests = REQUESTS / (pipeline === 1 ? 10 : 1) / (quick ? QUICK_DIVISOR : 1);
  return { words: ['-t', 'set'], pipeline, requests, range: APPLIED_RANGE };
}

function atOnce(program: Program): Program {
  return inDirectory(program, mkdtempSync(join(scratchDirectory(), 'master-')), ...AT_ONCE);
}

function present({ ours, peer }: Contenders): ServerProcess[] {
  return [ours, peer].filter((server) => server !== null);
}

/** A replica of `master` that has all its data. */
async function followed(master: ServerProcess, program: Program, settings: readonly string[]): Promise<ServerProcess> {
  const directory = mkdtempSync(join(scratchDirectory(), 'replica-'));
  const replica = await startIfPossible(inDirectory(program, directory, ...settings));
  if (replica === null) throw new BenchError('there is nobody to be the replica');
  await expectReply(replica, `REPLICAOF 127.0.0.1 ${master.port}`, '+OK');
  await untilUp(replica, SYNC_MS_MAX);
  return replica;
}

async function untilUp(replica: ServerProcess, msMax: number): Promise<void> {
  const deadlineMs = performance.now() + msMax;
  while (!(await ask(replica.port, 'INFO replication')).includes('master_link_status:up')) {
    if (performance.now() > deadlineMs) throw new BenchError(`${replica.name} is not in sync after ${msMax / 1000} s`);
    await sleep(20);
  }
}

// ── a full sync ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Sync {
  readonly seconds: number;
  readonly pauseMs: number | null;
}

async function sync(program: Program, settings: readonly string[], options: Options): Promise<Sync | null> {
  const keys = manyKeys(options.quick);
  const master = await startIfPossible(atOnce(program));
  if (master === null) return null;
  let replica: ServerProcess | null = null;
  try {
    await keys.fill(master);
    const gauge = await Gauge.of(master);
    const startedMs = performance.now();
    replica = await followed(master, program, settings);
    const tookMs = performance.now() - startedMs;
    await expectReply(replica, 'DBSIZE', `:${keys.keys}`);
    return { seconds: tookMs / 1000, pauseMs: await gauge.longestPauseMs() };
  } finally {
    await master.stop();
    await replica?.stop();
  }
}

function seconds({ ours, peer }: Readonly<Record<Side, Sync | null>>): Pair {
  return { ours: ours?.seconds ?? null, peer: peer?.seconds ?? null };
}

// ── what a replica can do ──────────────────────────────────────────────────────────────────────────────────────────

interface Applying {
  readonly server: ServerProcess;
  readonly master: FakeMaster;
  readonly costs: Cost[];
}

async function compareReplicas(
  ours: Program,
  peer: Program,
  options: Options,
  target: Target | null,
): Promise<string[][]> {
  const sides: Record<Side, Applying | null> = { ours: await beginApplying(ours), peer: await beginApplying(peer) };
  const count = REQUESTS / (options.quick ? QUICK_DIVISOR : 1);
  try {
    for (let round = 0; round <= APPLY_ROUNDS; round++) {
      for (const side of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
        const applying = sides[side];
        // The first round only warms.
        if (applying !== null) await apply(applying, count, round > 0);
      }
    }
    const rates = middle(sides, ({ operationsPerSecond }) => operationsPerSecond);
    const cpu = middle(sides, ({ cpuMicros }) => cpuMicros);
    return [
      rowOfRatio('a replica applies, SET/s', rates, 0, '', target),
      rowOfRatio('a replica applies, CPU', cpu, 2, ' µs/op', null),
    ];
  } finally {
    for (const applying of [sides.ours, sides.peer]) {
      await applying?.server.stop();
      await applying?.master.close();
    }
  }
}

async function beginApplying(program: Program): Promise<Applying | null> {
  const server = await startIfPossible(inDirectory(program, mkdtempSync(join(scratchDirectory(), 'replica-'))));
  if (server === null) return null;
  const master = await FakeMaster.listen();
  await expectReply(server, `REPLICAOF 127.0.0.1 ${master.port}`, '+OK');
  await master.untilAcknowledged();
  return { server, master, costs: [] };
}

async function apply({ server, master, costs }: Applying, count: number, isCounted: boolean): Promise<void> {
  const cpuBefore = server.cpuMicros();
  const startedMs = performance.now();
  await master.send(APPLIED, count, APPLIED_RANGE);
  const tookSeconds = (performance.now() - startedMs) / 1000;
  const cpuMicros = (server.cpuMicros() - cpuBefore) / count;
  if (isCounted) costs.push({ cpuMicros, operationsPerSecond: count / tookSeconds });
}

function middle(sides: Readonly<Record<Side, Applying | null>>, of: (cost: Cost) => number): Pair {
  const value = (side: Applying | null): number | null => (side === null ? null : median(side.costs.map(of)));
  return { ours: value(sides.ours), peer: value(sides.peer) };
}

// ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function rowOfRatio(name: string, { ours, peer }: Pair, digits: number, unit: string, target: Target | null): string[] {
  const ratio = ours === null || peer === null ? null : ours / peer;
  return [name, figure(ours, digits, unit), figure(peer, digits, unit), figure(ratio, 2), ...judge(ratio, target)];
}

function rowOfPause(name: string, of: Sync | null, target: Target | null): string[] {
  const pauseMs = of?.pauseMs ?? null;
  return [name, figure(pauseMs, 1, ' ms'), NONE, NONE, ...judge(pauseMs, target, ' ms')];
}
