/**
 * What do saving and loading cost, compared with redis-server?
 *
 * redis-server forks: it stands still while the kernel copies its page tables, and then pays for every page that it changes. cache-server
 * walks its own data between commands. Both are looked at while a second process keeps asking, with a snapshot (BGSAVE) and
 * with a rewrite of the append-only file, each time in a server of its own. Then both load the same file, and each competes with
 * itself with and without an append-only file. What a client waited is measured at the client; how long the event loop stood is
 * cache-server's own figure, which Redis does not keep.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './duel';
import { MIB } from './gauge';
import { BenchError, type Program, scratchDirectory } from './processes';
import { again, CACHE_SERVER, inDirectory, REDIS_SERVER } from './programs';
import { type Dataset, largeCollections, manyKeys } from './snapshot-datasets';
import { APPENDING, competeWithItself } from './snapshot-journal';
import type { Quantiles } from './snapshot-latencies';
import { RDB_NAME, secondsToLoad } from './snapshot-loading';
import {
  OPERATIONS_PER_SECOND,
  type Save,
  type Sight,
  type Stretches,
  TRAFFIC_CONNECTIONS,
  watch,
} from './snapshot-watch';
import { circumstances, figure, judge, median, NONE, type Options, type Report, type Target } from './table';

const STRETCHES: Stretches = { warmUpMs: 3_000, beforeMs: 20_000, restMs: 5_000 };
const QUICK_STRETCHES: Stretches = { warmUpMs: 1_000, beforeMs: 3_000, restMs: 500 };
const LOADING_ROUNDS = 3;

const BEGIN: Target = { must: 500, aim: 200 };
const PAUSE: Target = { must: 5, aim: 2 };
const SLOWDOWN: Target = { must: 2, aim: 1.3 };
const EXTRA_MEMORY: Target = { must: 15, aim: 5 };
const DURATION: Target = { must: 3, aim: 1.5 };
const LOADING: Target = { must: 1.5, aim: 1 };
const THROUGHPUT: Target = { must: 0.85, aim: 0.95 };

const SNAPSHOT: Save = {
  command: 'BGSAVE',
  settings: [],
  busyField: 'rdb_bgsave_in_progress',
  statusField: 'rdb_last_bgsave_status',
  unsharedField: 'rdb_last_cow_size',
};
const REWRITE: Save = {
  command: 'BGREWRITEAOF',
  settings: APPENDING,
  busyField: 'aof_rewrite_in_progress',
  statusField: 'aof_last_bgrewrite_status',
  unsharedField: 'aof_last_cow_size',
};

/** What both sides showed; null for a side that is missing. */
interface Pair<T> {
  readonly ours: T | null;
  readonly peer: T | null;
}

/** A line of the table about a save. */
interface Question {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  readonly target: Target | null;
  readonly of: (sight: Sight) => number | null;
}

const QUESTIONS: readonly Question[] = [
  { name: 'time to begin', unit: ' µs', digits: 0, target: BEGIN, of: (sight) => sight.beginMicros },
  { name: 'longest pause, before', unit: ' ms', digits: 2, target: null, of: (sight) => sight.pauseBeforeMs },
  { name: 'longest pause, during', unit: ' ms', digits: 2, target: PAUSE, of: (sight) => sight.pauseDuringMs },
  {
    name: 'TP99.9, during ÷ before',
    unit: '',
    digits: 2,
    target: SLOWDOWN,
    of: ({ before, during }) => during.latencies.p999 / before.latencies.p999,
  },
  {
    name: 'extra memory',
    unit: ' %',
    digits: 1,
    target: EXTRA_MEMORY,
    of: ({ extraBytes, residentBytes }) => (extraBytes / residentBytes) * 100,
  },
  { name: 'resident before', unit: ' MiB', digits: 0, target: null, of: ({ residentBytes }) => residentBytes / MIB },
];

export async function benchSnapshot(options: Options): Promise<Report> {
  const ours = options.calibrate ? again(REDIS_SERVER) : CACHE_SERVER;
  const peer = REDIS_SERVER;
  const target = (value: Target): Target | null => (options.calibrate ? null : value);
  const keys = manyKeys(options.quick);
  const keptDirectory = newDirectory();
  const rows: string[][] = [];

  for (const dataset of [keys, largeCollections(options.quick)]) {
    for (const save of [SNAPSHOT, REWRITE]) {
      const isKept = dataset === keys && save === SNAPSHOT;
      const sights = {
        ours: await watchIn(newDirectory(), ours, dataset, save, options),
        peer: await watchIn(isKept ? keptDirectory : newDirectory(), peer, dataset, save, options, isKept),
      };
      rows.push(...rowsOfSave(`${save.command}, ${dataset.name}`, sights, save, target));
    }
  }

  const file = join(keptDirectory, RDB_NAME);
  if (!existsSync(file)) throw new BenchError('redis-server has left no file to load');
  const loading = await compareLoading(ours, peer, file, keys.keys, options);
  rows.push(rowOfRatio(`loading ${keys.name}`, loading, 2, ' s', target(LOADING)));
  const appending = {
    ours: await attempt(() => competeWithItself(ours, options.quick)),
    peer: await attempt(() => competeWithItself(peer, options.quick)),
  };
  rows.push(...rowsOfAppending(appending, target(THROUGHPUT)));

  return {
    name: 'snapshot',
    title: `${ours.name} and ${peer.name}: saving under load, loading, and the append-only file`,
    method: [
      `Keys: 11 bytes, with values of 64, half of which compresses. Elements, values, members: 18 bytes; fields and members of the large collections, and one small key.`,
      `Traffic from a second process: ${figure(OPERATIONS_PER_SECOND)} operations/s, half reads and half writes of random keys or elements over ${TRAFFIC_CONNECTIONS} connections, on a fixed schedule; latency counts from the scheduled time. Late: TP99.9 of how late the process itself was to send.`,
      `Before: ${stretchesOf(options).beforeMs / 1000} s. During: from the command until INFO says that it is over, asked every 100 ms. Pause: the longest turn of the event loop, as the server measures it. Time to begin: latest_fork_usec.`,
      'Extra memory: the highest growth of resident memory meanwhile, and for a child process the pages no longer shared (rdb_last_cow_size, aof_last_cow_size).',
      `Loading: both the file of ${figure(statSync(file).size / MIB)} MiB that redis-server wrote; by the servers' logs, median of ${roundsOf(options)}.`,
      'Append-only file: redis-benchmark SET, 50 clients, pipeline 16, 100,000 keys; a server with appendfsync everysec and one without the file in turns, median of 3 rounds. CPU of all threads, from /proc.',
      ...(await circumstances([ours, peer], options)),
    ],
    columns: ['', ours.name, peer.name, 'ratio', 'must', 'aim', ''],
    rows,
  };
}

function stretchesOf({ quick }: Options): Stretches {
  return quick ? QUICK_STRETCHES : STRETCHES;
}

function roundsOf({ quick }: Options): number {
  return quick ? 1 : LOADING_ROUNDS;
}

function newDirectory(): string {
  return mkdtempSync(join(scratchDirectory(), 'save-'));
}

/** Watches a server that keeps its files in `directory`, which is removed then unless it `isKept`. */
async function watchIn(
  directory: string,
  program: Program,
  dataset: Dataset,
  save: Save,
  options: Options,
  isKept = false,
): Promise<Sight | null> {
  try {
    const keeping = inDirectory(program, directory, ...save.settings);
    return await attempt(() => watch(keeping, dataset, save, stretchesOf(options)));
  } finally {
    if (!isKept) rmSync(directory, { recursive: true, force: true });
  }
}

/** Median seconds of both, round by round in turns. */
async function compareLoading(
  ours: Program,
  peer: Program,
  file: string,
  keys: number,
  options: Options,
): Promise<Pair<number>> {
  const seconds = { ours: [] as (number | null)[], peer: [] as (number | null)[] };
  for (let round = 0; round < roundsOf(options); round++) {
    console.error(`loading, round ${round + 1} of ${roundsOf(options)}`);
    seconds.ours.push(await attempt(() => secondsToLoad(ours, file, keys)));
    seconds.peer.push(await attempt(() => secondsToLoad(peer, file, keys)));
  }
  return { ours: medianOf(seconds.ours), peer: medianOf(seconds.peer) };
}

/** What was measured; null after a line that says why not: the other figures are minutes of work. */
async function attempt<T>(measure: () => Promise<T | null>): Promise<T | null> {
  try {
    return await measure();
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
    return null;
  }
}

function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
}

function rowsOfSave(
  name: string,
  sights: Pair<Sight>,
  save: Save,
  target: (value: Target) => Target | null,
): string[][] {
  const questions = QUESTIONS.map((question): string[] => {
    const { ours, peer } = mapPair(sights, question.of);
    return [
      `${name}: ${question.name}`,
      figure(ours, question.digits, question.unit),
      figure(peer, question.digits, question.unit),
      NONE,
      ...judge(ours, question.target === null ? null : target(question.target), question.unit),
    ];
  });
  const seconds = mapPair(sights, (sight) => sight.seconds);
  return [
    rowOfRatio(`${name}: duration`, seconds, 1, ' s', save === SNAPSHOT ? target(DURATION) : null),
    ...questions,
    rowOfLatencies(
      `${name}: before`,
      mapPair(sights, ({ before }) => before.latencies),
    ),
    rowOfLatencies(
      `${name}: during`,
      mapPair(sights, ({ during }) => during.latencies),
    ),
    rowOfLateness(name, sights),
  ];
}

/** Of a figure of which the ratio is judged. */
function rowOfRatio(
  name: string,
  { ours, peer }: Pair<number>,
  digits: number,
  unit: string,
  target: Target | null,
): string[] {
  const ratio = ours === null || peer === null ? null : ours / peer;
  return [name, figure(ours, digits, unit), figure(peer, digits, unit), figure(ratio, 2), ...judge(ratio, target)];
}

function rowOfLatencies(name: string, quantiles: Pair<Quantiles>): string[] {
  const cell = (of: Quantiles | null): string =>
    of === null
      ? NONE
      : [of.p50, of.p99, of.p999, of.p9999, of.longest].map((micros) => figure(micros / 1000, 2)).join(' · ');
  return [
    `${name}, ms: TP50 · 99 · 99.9 · 99.99 · longest`,
    cell(quantiles.ours),
    cell(quantiles.peer),
    NONE,
    ...judge(null, null),
  ];
}

function rowOfLateness(name: string, sights: Pair<Sight>): string[] {
  const cell = (sight: Sight | null): string =>
    sight === null
      ? NONE
      : [sight.before, sight.during].map(({ lateness }) => figure(lateness.p999 / 1000, 2)).join(' · ');
  return [
    `${name}, ms: traffic late, before · during`,
    cell(sights.ours),
    cell(sights.peer),
    NONE,
    ...judge(null, null),
  ];
}

function rowsOfAppending(outcomes: Pair<Outcome>, target: Target | null): string[][] {
  const cost = (side: 'ours' | 'peer') => (outcome: Outcome) => outcome[side];
  const withFile = { name: 'with append-only file', costs: mapPair(outcomes, cost('ours')) };
  const without = { name: 'without', costs: mapPair(outcomes, cost('peer')) };
  const rows = [withFile, without].flatMap(({ name, costs }) => [
    rowOfRatio(
      `SET P=16 ${name}, op/s`,
      mapPair(costs, (of) => of.operationsPerSecond),
      0,
      '',
      null,
    ),
    rowOfRatio(
      `SET P=16 ${name}, CPU`,
      mapPair(costs, (of) => of.cpuMicros),
      2,
      ' µs/op',
      null,
    ),
  ]);
  const shares = mapPair(outcomes, ({ ours, peer }) =>
    ours === null || peer === null ? null : ours.operationsPerSecond / peer.operationsPerSecond,
  );
  const share = [figure(shares.ours, 2), figure(shares.peer, 2), NONE, ...judge(shares.ours, target)];
  return [...rows, ['SET P=16, op/s with ÷ without', ...share]];
}

function mapPair<T, U>({ ours, peer }: Pair<T>, of: (value: T) => U | null): Pair<U> {
  return { ours: ours === null ? null : of(ours), peer: peer === null ? null : of(peer) };
}
