/**
 * What does a key cost in memory, and does loading many of them ever stop the server?
 *
 * One server at a time is filled with 1 million and then 10 million keys. Resident memory is the operating system's
 * figure, the growth since the server stood idle; so the indexes' slack and the fragmentation are in the bill. The heap
 * of V8 is what the garbage collector must trace: it has to stay small whatever the number of keys. The longest pause
 * is cache-server's own watch of its event loop; for Redis, which keeps no such figure, and to check ours, there is
 * also the longest silence that the loader heard, which includes the loader's own pauses.
 */
import { expectReply, Gauge, MIB, SETTLE_MS } from './gauge';
import { CONNECTIONS, load, NUMBERS_MAX, PIPELINE, Template } from './loader';
import { BenchError, type Program, ServerProcess } from './processes';
import { again, CACHE_SERVER, REDIS_SERVER, startIfPossible } from './programs';
import { circumstances, figure, judge, type Options, type Report, type Target } from './table';

const CHECKPOINTS = [1_000_000, NUMBERS_MAX];
const VALUE_BYTES = 32;
const SET_KEY = new Template('SET', 'key:#######', '#######'.padEnd(VALUE_BYTES, 'v'));

/** State of a server at a checkpoint, compared with when it was empty. `null`: the server keeps no such figure. */
interface Checkpoint {
  readonly residentBytesPerKey: number;
  readonly heapGrowthMiB: number | null;
  readonly longestPauseMs: number | null;
  readonly longestSilenceMs: number;
  readonly keysPerSecond: number;
}

/** A line of the table, made for every checkpoint; the target holds at the last. */
interface Question {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  readonly target: Target | null;
  readonly of: (checkpoint: Checkpoint) => number | null;
}

const QUESTIONS: readonly Question[] = [
  { name: 'RSS per key', unit: ' B', digits: 1, target: { must: 90, aim: 70 }, of: (c) => c.residentBytesPerKey },
  { name: 'V8 heap growth', unit: ' MiB', digits: 1, target: { must: 64, aim: 16 }, of: (c) => c.heapGrowthMiB },
  { name: 'longest pause', unit: ' ms', digits: 1, target: { must: 10, aim: 3 }, of: (c) => c.longestPauseMs },
  { name: 'longest silence', unit: ' ms', digits: 1, target: null, of: (c) => c.longestSilenceMs },
  { name: 'keys loaded per second', unit: '', digits: 0, target: null, of: (c) => c.keysPerSecond },
];

export async function benchMemory(options: Options): Promise<Report> {
  const checkpoints = options.quick ? CHECKPOINTS.slice(0, 1) : CHECKPOINTS;
  const oursProgram = options.calibrate ? again(REDIS_SERVER) : CACHE_SERVER;
  const ours = await fill(oursProgram, checkpoints);
  const peer = await fill(REDIS_SERVER, checkpoints);
  if (ours === null && peer === null) throw new BenchError('nothing to measure');
  const rows = checkpoints.flatMap((keys, i) => {
    const isJudged = keys === NUMBERS_MAX && !options.calibrate;
    return QUESTIONS.map(({ name, unit, digits, target, of }) => {
      const oursValue = ours === null ? null : of(ours[i]);
      const peerValue = peer === null ? null : of(peer[i]);
      return [
        `${name}, ${keys / 1_000_000} M keys`,
        figure(oursValue, digits, unit),
        figure(peerValue, digits, unit),
        ...judge(oursValue, isJudged ? target : null, unit),
      ];
    });
  });
  return {
    name: 'memory',
    title: `${oursProgram.name} and ${REDIS_SERVER.name}: memory per key and pauses while loading`,
    method: [
      `Distinct keys of 11 bytes with ${VALUE_BYTES}-byte values, loaded by SET from a second process: ${CONNECTIONS} connections, pipeline ${PIPELINE}.`,
      `RSS and V8 heap: growth since the empty server, ${SETTLE_MS / 1000} s after the last key. Pause: of the event loop, as the server measures it. Silence: no reply to anybody, as the loader hears it.`,
      ...(await circumstances([oursProgram, REDIS_SERVER], options)),
    ],
    columns: ['', oursProgram.name, REDIS_SERVER.name, 'must', 'aim', ''],
    rows,
  };
}

/** The checkpoints of one program, or null where it cannot be started. */
async function fill(program: Program, counts: readonly number[]): Promise<Checkpoint[] | null> {
  const server = await startIfPossible(program);
  if (server === null) return null;
  try {
    return await fillServer(server, counts);
  } finally {
    await server.stop();
  }
}

async function fillServer(server: ServerProcess, counts: readonly number[]): Promise<Checkpoint[]> {
  const gauge = await Gauge.of(server);
  const checkpoints: Checkpoint[] = [];
  let loaded = 0;
  let longestSilenceMs = 0;
  for (const count of counts) {
    console.error(`${server.name}: loading up to ${figure(count)} keys`);
    const result = await load(server.port, SET_KEY, loaded, count, NUMBERS_MAX);
    loaded = count;
    longestSilenceMs = Math.max(longestSilenceMs, result.longestSilenceMs);
    const longestPauseMs = await gauge.longestPauseMs();
    await expectReply(server, 'DBSIZE', `:${count}`);
    const growth = await gauge.growth();
    checkpoints.push({
      residentBytesPerKey: growth.residentBytes / count,
      heapGrowthMiB: growth.heapBytes === null ? null : growth.heapBytes / MIB,
      longestPauseMs,
      longestSilenceMs,
      keysPerSecond: result.commandsPerSecond,
    });
  }
  return checkpoints;
}
