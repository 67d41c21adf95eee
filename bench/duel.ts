/**
 * Duel: CPU per operation and throughput of two servers of the Redis protocol under redis-benchmark.
 *
 * Both stand ready from the beginning and take turns, case by case and round by round, with the order swapped every
 * round: whatever else the machine does meets both alike. The figure of a case is the median over the rounds, and
 * what is judged is the ratio of the medians; absolute times change with the machine, the ratio hardly does.
 *
 * CPU is that of the whole server process, all threads, so the garbage collector and the compiler are in the bill.
 */
import { BenchError, run, type ServerProcess } from './processes';
import type { Contenders } from './programs';
import { figure, judge, median, NONE, type Options, type Target } from './table';

const CLIENTS = 50;
const VALUE_BYTES = 32;
const KEYS = 100_000;
const ROUNDS = 3;
const COMMANDS = ['SET', 'GET'] as const;
/** Requests per case, such that the cheaper side burns about a second: /proc counts CPU in steps of 10 ms. */
const REQUESTS = new Map([
  [1, 200_000],
  [16, 1_000_000],
  [64, 2_000_000],
]);
const QUICK_DIVISOR = 4;
/** Fills the key range (all but one key in 20,000) and lets the compiler see both commands. */
const WARM_UP_REQUESTS = 1_000_000;

type Command = (typeof COMMANDS)[number];

/** What one server needed for one case. */
interface Cost {
  /** CPU per operation in µs. */
  readonly cpuMicros: number;
  readonly operationsPerSecond: number;
}

/** The rounds of one case, per side. */
interface Case {
  readonly command: Command;
  readonly pipeline: number;
  readonly ours: Cost[];
  readonly peer: Cost[];
}

/** How a duel is fought, for the report. */
export const DUEL_METHOD = [
  `redis-benchmark: ${CLIENTS} clients, ${VALUE_BYTES}-byte values, ${figure(KEYS)} keys; P is the pipeline.`,
  `CPU: user + system time of all threads of the process, from /proc, per operation. Median of ${ROUNDS} interleaved rounds; ratio of the medians.`,
];

/** Headings of the rows of {@link duel}. */
export function duelColumns(ours: string, peer: string): string[] {
  const cpu = [`${ours} µs/op`, `${peer} µs/op`, 'ratio'];
  return ['case', ...cpu, 'must', 'aim', '', `${ours} op/s`, `${peer} op/s`];
}

/** Lets both sides run all cases; `targets` limits the ratio of CPU per operation by pipeline. */
export async function duel(
  contenders: Contenders,
  targets: ReadonlyMap<number, Target>,
  options: Options,
): Promise<string[][]> {
  const cases: Case[] = [];
  for (const pipeline of REQUESTS.keys()) {
    for (const command of COMMANDS) cases.push({ command, pipeline, ours: [], peer: [] });
  }
  for (const server of [contenders.ours, contenders.peer]) {
    if (server !== null) await warmUp(server);
  }
  for (let round = 0; round < ROUNDS; round++) {
    console.error(`round ${round + 1} of ${ROUNDS}`);
    const order = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const);
    for (const entry of cases) {
      for (const side of order) {
        const server = contenders[side];
        if (server !== null) entry[side].push(await measure(server, entry, options));
      }
    }
  }
  return [...REQUESTS.keys()].flatMap((pipeline) =>
    rowsOf(
      pipeline,
      cases.filter((entry) => entry.pipeline === pipeline),
      options.calibrate ? null : (targets.get(pipeline) ?? null),
    ),
  );
}

async function warmUp(server: ServerProcess): Promise<void> {
  for (const command of COMMANDS) await redisBenchmark(server.port, command, 64, WARM_UP_REQUESTS);
  for (const command of COMMANDS) await redisBenchmark(server.port, command, 1, WARM_UP_REQUESTS / 20);
}

async function measure(server: ServerProcess, { command, pipeline }: Case, options: Options): Promise<Cost> {
  const requests = (REQUESTS.get(pipeline) ?? 0) / (options.quick ? QUICK_DIVISOR : 1);
  const before = server.cpuMicros();
  const operationsPerSecond = await redisBenchmark(server.port, command, pipeline, requests);
  return { cpuMicros: (server.cpuMicros() - before) / requests, operationsPerSecond };
}

/** A row per command, and one for their mean, which is what the targets were set for. */
function rowsOf(pipeline: number, cases: readonly Case[], target: Target | null): string[][] {
  const rows = cases.map((entry) => ({
    name: `${entry.command} P=${pipeline}`,
    ours: middleOf(entry.ours),
    peer: middleOf(entry.peer),
  }));
  rows.push({
    name: `mean P=${pipeline}`,
    ours: meanOf(rows.map((row) => row.ours)),
    peer: meanOf(rows.map((row) => row.peer)),
  });
  return rows.map(({ name, ours, peer }) => {
    const ratio = ours === null || peer === null ? null : ours.cpuMicros / peer.cpuMicros;
    return [
      name,
      figure(ours?.cpuMicros ?? null, 2),
      figure(peer?.cpuMicros ?? null, 2),
      ratio === null ? NONE : ratio.toFixed(2),
      ...judge(ratio, target),
      figure(ours?.operationsPerSecond ?? null),
      figure(peer?.operationsPerSecond ?? null),
    ];
  });
}

function middleOf(costs: readonly Cost[]): Cost | null {
  if (costs.length === 0) return null;
  return {
    cpuMicros: median(costs.map((cost) => cost.cpuMicros)),
    operationsPerSecond: median(costs.map((cost) => cost.operationsPerSecond)),
  };
}

/** Of operations that take turns: times add up, so it is the times that are averaged, also those behind op/s. */
function meanOf(costs: readonly (Cost | null)[]): Cost | null {
  const known = costs.filter((cost) => cost !== null);
  if (known.length < costs.length) return null;
  const sum = (value: (cost: Cost) => number): number => known.reduce((total, cost) => total + value(cost), 0);
  return {
    cpuMicros: sum((cost) => cost.cpuMicros) / known.length,
    operationsPerSecond: known.length / sum((cost) => 1 / cost.operationsPerSecond),
  };
}

/** Operations per second by redis-benchmark's own count. @throws BenchError */
async function redisBenchmark(port: number, command: Command, pipeline: number, requests: number): Promise<number> {
  const said = await run(
    'redis-benchmark',
    [
      '-p',
      port,
      '-t',
      command,
      '-n',
      requests,
      '-P',
      pipeline,
      '-c',
      CLIENTS,
      '-d',
      VALUE_BYTES,
      '-r',
      KEYS,
      '--csv',
    ].map(String),
    'install it (Debian package redis-tools)',
  );
  // A line of its CSV: "SET","81300.81","0.352",…: name, operations per second, latencies.
  const match = new RegExp(`^"${command}","([0-9.]+)"`, 'm').exec(said);
  if (match === null) throw new BenchError(`redis-benchmark said no figure for ${command}: ${said.trim()}`);
  return Number(match[1]);
}
