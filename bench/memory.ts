/**
 * What does a key cost in memory, and does loading many of them ever stop the server?
 *
 * One server at a time is filled with 1 million and then 10 million keys. Resident memory is the operating system's
 * figure, the growth since the server stood idle; so the indexes' slack and the fragmentation are in the bill. The heap
 * of V8 is what the garbage collector must trace: it has to stay small whatever the number of keys. The longest pause
 * is cache-server's own watch of its event loop; for Redis, which keeps no such figure, and to check ours, there is
 * also the longest silence that the loader heard, which includes the loader's own pauses.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, CONNECTIONS, KEYS_MAX, loadKeys, PIPELINE, VALUE_BYTES } from './loader';
import { BenchError, type Program, ServerProcess } from './processes';
import { again, CACHE_SERVER, REDIS_SERVER, startIfPossible } from './programs';
import { circumstances, figure, judge, type Options, type Report, type Target } from './table';

const CHECKPOINTS = [1_000_000, KEYS_MAX];
/**
 * Time before memory is read, for what is done on the side: growing a table, and giving freed pages back to the system.
 * Redis' allocator takes some 10 s for that: 1 M keys were 133 B each at once and 125 B after 12 s (measured, 7.0.15).
 */
const SETTLE_MS = 12_000;
/** Time for a started server to finish with its start. */
const START_MS = 1_000;
const MIB = 2 ** 20;

/** Fields of cache-server's INFO, section "slotcache". CONFIG RESETSTAT sets the pause back to 0. */
const HEAP_FIELD = 'slotcache_v8_heap_used';
const PAUSE_FIELD = 'slotcache_longest_pause_ms';

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
    const isJudged = keys === KEYS_MAX && !options.calibrate;
    return QUESTIONS.map(({ name, unit, digits, target, of }) => {
      const oursValue = ours === null ? null : of(ours[i]);
      const peerValue = peer === null ? null : of(peer[i]);
      return [
        `${name}, ${keys / 1_000_000} M keys`,
        withUnit(oursValue, digits, unit),
        withUnit(peerValue, digits, unit),
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
  await sleep(START_MS);
  const emptyHeapBytes = await infoField(server, HEAP_FIELD);
  const emptyResidentBytes = server.residentBytes();
  await ask(server.port, 'CONFIG RESETSTAT');
  const checkpoints: Checkpoint[] = [];
  let loaded = 0;
  let longestSilenceMs = 0;
  for (const count of counts) {
    console.error(`${server.name}: loading up to ${figure(count)} keys`);
    const result = await loadKeys(server.port, loaded, count);
    loaded = count;
    longestSilenceMs = Math.max(longestSilenceMs, result.longestSilenceMs);
    const longestPauseMs = await infoField(server, PAUSE_FIELD);
    await expectKeys(server, count);
    await sleep(SETTLE_MS);
    const residentBytes = server.residentBytes();
    const heapBytes = await infoField(server, HEAP_FIELD);
    checkpoints.push({
      residentBytesPerKey: (residentBytes - emptyResidentBytes) / count,
      heapGrowthMiB: heapBytes === null || emptyHeapBytes === null ? null : (heapBytes - emptyHeapBytes) / MIB,
      longestPauseMs,
      longestSilenceMs,
      keysPerSecond: result.keysPerSecond,
    });
  }
  return checkpoints;
}

/** A bench of a server that lost keys would flatter it. */
async function expectKeys(server: ServerProcess, count: number): Promise<void> {
  const size = await ask(server.port, 'DBSIZE');
  if (!size.startsWith(`:${count}\r\n`)) {
    throw new BenchError(`${server.name} should hold ${count} keys, but DBSIZE says ${size.split('\r\n')[0]}`);
  }
}

async function infoField(server: ServerProcess, field: string): Promise<number | null> {
  const info = await ask(server.port, 'INFO slotcache');
  const match = new RegExp(`^${field}:([0-9.]+)\r$`, 'm').exec(info);
  return match === null ? null : Number(match[1]);
}

function withUnit(value: number | null, digits: number, unit: string): string {
  return value === null ? figure(null) : figure(value, digits) + unit;
}
