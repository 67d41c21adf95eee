/**
 * Duel: CPU per operation and throughput of two servers of the Redis protocol under redis-benchmark.
 *
 * Both stand ready from the beginning and take turns, case by case and round by round, with the order swapped every
 * round: whatever else the machine does meets both alike. The figure of a case is the median over the rounds, and
 * what is judged is the ratio of the medians; absolute times change with the machine, the ratio hardly does.
 *
 * CPU is that of the whole server process, all threads, so the garbage collector and the compiler are in the bill.
 */
import type { ServerProcess } from './processes';
import type { Contenders } from './programs';
import { CLIENTS, redisBenchmark, type Load } from './redis-benchmark';
import { figure, judge, median, NONE, type Options, type Target } from './table';

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
export interface Cost {
  /** CPU per operation in µs. */
  readonly cpuMicros: number;
  readonly operationsPerSecond: number;
}

/** What both sides needed; null for a side that is missing. */
export interface Outcome {
  readonly ours: Cost | null;
  readonly peer: Cost | null;
}

/** How costs are measured, for the report. */
export const COST_METHOD = `CPU: user + system time of all threads of the process, from /proc, per operation. Median of ${ROUNDS} interleaved rounds; ratio of the medians.`;

/** How a duel is fought, for the report. */
export const DUEL_METHOD = [
  `redis-benchmark: ${CLIENTS} clients, ${VALUE_BYTES}-byte values, ${figure(KEYS)} keys; P is the pipeline.`,
  COST_METHOD,
];

/** Headings of the rows of {@link duel} and {@link rowOf}. */
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
  for (const server of [contenders.ours, contenders.peer]) {
    if (server !== null) await warmUp(server);
  }
  const cases = [...REQUESTS].flatMap(([pipeline, requests]) =>
    COMMANDS.map((command) => loadOf(command, pipeline, requests / (options.quick ? QUICK_DIVISOR : 1))),
  );
  const outcomes = await compete(contenders, cases);
  return [...REQUESTS.keys()].flatMap((pipeline, i) =>
    rowsOf(
      pipeline,
      outcomes.slice(i * COMMANDS.length, (i + 1) * COMMANDS.length),
      options.calibrate ? null : (targets.get(pipeline) ?? null),
    ),
  );
}

/** Lets both sides carry out all loads, in turns; what each took. */
export async function compete(contenders: Contenders, loads: readonly Load[]): Promise<Outcome[]> {
  const costs = loads.map((load) => ({ load, ours: [] as Cost[], peer: [] as Cost[] }));
  for (let round = 0; round < ROUNDS; round++) {
    console.error(`round ${round + 1} of ${ROUNDS}`);
    const order = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const);
    for (const entry of costs) {
      for (const side of order) {
        const server = contenders[side];
        if (server !== null) entry[side].push(await measure(server, entry.load));
      }
    }
  }
  return costs.map(({ ours, peer }) => ({ ours: middleOf(ours), peer: middleOf(peer) }));
}

async function warmUp({ port }: ServerProcess): Promise<void> {
  for (const command of COMMANDS) await redisBenchmark(port, loadOf(command, 64, WARM_UP_REQUESTS));
  for (const command of COMMANDS) await redisBenchmark(port, loadOf(command, 1, WARM_UP_REQUESTS / 20));
}

function loadOf(command: Command, pipeline: number, requests: number): Load {
  return { words: ['-t', command, '-d', String(VALUE_BYTES)], pipeline, requests, range: KEYS };
}

async function measure(server: ServerProcess, load: Load): Promise<Cost> {
  const before = server.cpuMicros();
  const operationsPerSecond = await redisBenchmark(server.port, load);
  return { cpuMicros: (server.cpuMicros() - before) / load.requests, operationsPerSecond };
}

/** A row per command, and one for their mean, which is what the targets were set for. */
function rowsOf(pipeline: number, outcomes: readonly Outcome[], target: Target | null): string[][] {
  const mean = {
    ours: meanOf(outcomes.map((outcome) => outcome.ours)),
    peer: meanOf(outcomes.map((outcome) => outcome.peer)),
  };
  return [
    ...outcomes.map((outcome, i) => rowOf(`${COMMANDS[i]} P=${pipeline}`, outcome, target)),
    rowOf(`mean P=${pipeline}`, mean, target),
  ];
}

/** A row under the headings of {@link duelColumns}. */
export function rowOf(name: string, { ours, peer }: Outcome, target: Target | null): string[] {
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
