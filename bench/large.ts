/**
 * What do large collections cost in memory, and do they ever stop the server?
 *
 * Each structure is built up in a server of its own, one element per command, so that it grows through all its sizes. Then each
 * command that need not look at all elements runs alone, one at a time: a turn of the event loop is then one command, and the longest
 * one is what somebody else would have waited. In the end the structure is removed, and the longest turn until its memory
 * is free again is looked at. Redis does not watch its turns; how long it takes to reply to a removal tells as much.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expectReply, Gauge, infoField, MIB, SETTLE_MS } from './gauge';
import { ask, load, PIPELINE, Template } from './loader';
import { BenchError, type Program, type ServerProcess } from './processes';
import { again, CACHE_SERVER, REDIS_SERVER, startIfPossible } from './programs';
import { RANDOM, redisBenchmark } from './redis-benchmark';
import { circumstances, figure, judge, NONE, type Options, type Report, type Target } from './table';

const MILLION = 1_000_000;
const QUICK_DIVISOR = 25;
/** Of each command. */
const REQUESTS = 20_000;
const QUICK_REQUESTS = 2_000;
const WARM_UP_REQUESTS = 2_000;
/** So few that a turn while it is loaded has not much more to do than a step of growing would take. */
const CONNECTIONS = 4;
/** Elements that are loaded before pauses are looked at: what code costs when it runs for the first time is no question here. */
const WARM_UP_ELEMENTS = 20_000;

const FREED_BYTES_MAX = 4 * MIB;
const FREED_MS_MAX = 120_000;

const RESIDENT: Target = { must: 1, aim: 0.8 };
const HEAP: Target = { must: 64, aim: 16 };
const PAUSE: Target = { must: 5, aim: 1 };
const FREEING: Target = { must: 2, aim: 2 };

interface Structure {
  readonly name: string;
  readonly count: number;
  /** One of `count` elements. */
  readonly template: Template;
  /** The command that replies `count`. */
  readonly length: string;
  readonly commands: readonly (readonly string[])[];
  /** What removes it; between two of them it is loaded anew. */
  readonly removals: readonly string[];
}

const words = (...lines: string[]): string[][] => lines.map((line) => line.split(' '));

const STRUCTURES: readonly Structure[] = [
  {
    name: 'hashes of 8 fields',
    count: MILLION,
    template: new Template(
      'HSET',
      'hash:#######',
      ...[1, 2, 3, 4, 5, 6, 7, 8].flatMap((i) => [`field${i}`, `value${i}`]),
    ),
    length: 'DBSIZE',
    commands: [],
    removals: [],
  },
  {
    name: 'members of a sorted set',
    count: 5 * MILLION,
    template: new Template('ZADD', 'zset', '00000#######', 'member:00000#######'),
    length: 'ZCARD zset',
    commands: words(
      `ZADD zset ${RANDOM} member:${RANDOM}`,
      `ZADD zset ${RANDOM} other:${RANDOM}`,
      `ZINCRBY zset 1.5 member:${RANDOM}`,
      `ZSCORE zset member:${RANDOM}`,
      `ZRANK zset member:${RANDOM}`,
      `ZREVRANK zset member:${RANDOM}`,
      `ZCOUNT zset ${RANDOM} inf`,
      'ZRANGE zset 0 9',
      'ZRANGE zset -10 -1 REV WITHSCORES',
      `ZRANGEBYSCORE zset ${RANDOM} inf LIMIT 0 10`,
      'ZRANDMEMBER zset',
      'ZSCAN zset 0',
      `ZREM zset member:${RANDOM}`,
      'ZPOPMIN zset',
      'ZPOPMAX zset',
      'EXPIRE zset 1000000',
    ),
    removals: ['DEL zset', 'FLUSHALL'],
  },
  {
    name: 'fields of a hash',
    count: 5 * MILLION,
    template: new Template('HSET', 'hash', 'field:00000#######', 'value:00000#######'),
    length: 'HLEN hash',
    commands: words(
      `HSET hash field:${RANDOM} value`,
      `HSET hash other:${RANDOM} value`,
      `HGET hash field:${RANDOM}`,
      `HMGET hash field:${RANDOM} field:${RANDOM}`,
      `HSTRLEN hash field:${RANDOM}`,
      `HINCRBY hash number:${RANDOM} 1`,
      'HLEN hash',
      'HRANDFIELD hash',
      'HSCAN hash 0',
      `HDEL hash field:${RANDOM}`,
    ),
    removals: ['UNLINK hash', 'PEXPIRE hash 1'],
  },
  {
    name: 'members of a set',
    count: 5 * MILLION,
    template: new Template('SADD', 'set', 'member:00000#######'),
    length: 'SCARD set',
    commands: words(
      `SADD set other:${RANDOM}`,
      `SISMEMBER set member:${RANDOM}`,
      'SRANDMEMBER set',
      'SSCAN set 0',
      `SREM set member:${RANDOM}`,
      'SPOP set',
      `SMOVE set second member:${RANDOM}`,
    ),
    removals: ['DEL set'],
  },
  {
    name: 'elements of a list',
    count: 5 * MILLION,
    template: new Template('RPUSH', 'list', 'element:00000#######'),
    length: 'LLEN list',
    commands: words(
      `LPUSH list element:${RANDOM}`,
      `RPUSH list element:${RANDOM}`,
      'LPOP list',
      'RPOP list',
      'LMOVE list list LEFT RIGHT',
      'LINDEX list 10',
      'LSET list -10 element',
      'LRANGE list 0 99',
      'LLEN list',
    ),
    removals: ['DEL list'],
  },
];

/** What was seen of one structure in one server. `null`: the server keeps no such figure. */
interface Sight {
  readonly residentMiB: number;
  readonly heapMiB: number | null;
  readonly growingPauseMs: number | null;
  readonly commandsPerSecond: number;
  /** While PING ran: what the machine's other work alone does to the figure. */
  readonly noisePauseMs: number | null;
  /** The longest pause while a command ran, and which. */
  readonly commandPauseMs: number | null;
  readonly slowestCommand: string;
  readonly removals: readonly Removal[];
}

interface Removal {
  readonly replyMs: number;
  readonly pauseMs: number | null;
}

export async function benchLarge(options: Options): Promise<Report> {
  const oursProgram = options.calibrate ? again(REDIS_SERVER) : CACHE_SERVER;
  const rows: string[][] = [];
  for (const structure of STRUCTURES) {
    const ours = await look(oursProgram, structure, options);
    const peer = await look(REDIS_SERVER, structure, options);
    if (ours === null && peer === null) throw new BenchError('nothing to measure');
    rows.push(...rowsOf(structure, ours, peer, options));
  }
  return {
    name: 'large',
    title: `${oursProgram.name} and ${REDIS_SERVER.name}: memory and pauses of large collections`,
    method: [
      `Loaded one element per command by a second process: ${CONNECTIONS} connections, pipeline ${PIPELINE}; elements and values of 18 bytes (fields and values of the small hashes: 6).`,
      `RSS and V8 heap: growth since the empty server, ${SETTLE_MS / 1000} s after the last element. Pause: the longest turn of the event loop, as the server measures it; while loaded: after the first ${figure(WARM_UP_ELEMENTS)}.`,
      `Commands: ${figure(options.quick ? QUICK_REQUESTS : REQUESTS)} times each, one client, one at a time, after ${figure(WARM_UP_REQUESTS)} that are not counted: ${commandNames()}. PING shows the noise.`,
      'Freeing: until the memory is free again, while nobody asks for anything but INFO.',
      ...(await circumstances([oursProgram, REDIS_SERVER], options)),
    ],
    columns: ['', oursProgram.name, REDIS_SERVER.name, 'ratio', 'must', 'aim', ''],
    rows,
  };
}

function commandNames(): string {
  return [...new Set(STRUCTURES.flatMap(({ commands }) => commands.map(([name]) => name)))].join(' ');
}

/** Null where the program cannot be started. */
async function look(program: Program, structure: Structure, options: Options): Promise<Sight | null> {
  const server = await startIfPossible(program);
  if (server === null) return null;
  try {
    return await lookAt(server, structure, options.quick);
  } finally {
    await server.stop();
  }
}

async function lookAt(server: ServerProcess, structure: Structure, quick: boolean): Promise<Sight> {
  const count = countOf(structure, quick);
  console.error(`${server.name}: ${figure(count)} ${structure.name}`);
  const gauge = await Gauge.of(server);
  await load(server.port, structure.template, 0, WARM_UP_ELEMENTS, count, CONNECTIONS);
  await gauge.forgetPauses();
  const { commandsPerSecond } = await load(
    server.port,
    structure.template,
    WARM_UP_ELEMENTS,
    count,
    count,
    CONNECTIONS,
  );
  const growingPauseMs = await gauge.longestPauseMs();
  await expectReply(server, structure.length, `:${count}`);
  const { residentBytes, heapBytes } = await gauge.growth();

  let commandPauseMs = null;
  let slowestCommand = '';
  const requests = quick ? QUICK_REQUESTS : REQUESTS;
  const noisePauseMs = await pauseOf(server, gauge, ['PING'], count, requests);
  for (const command of structure.commands) {
    const pauseMs = await pauseOf(server, gauge, command, count, requests);
    if (pauseMs === null || pauseMs <= (commandPauseMs ?? 0)) continue;
    commandPauseMs = pauseMs;
    [slowestCommand] = command;
  }

  const removals: Removal[] = [];
  for (const line of structure.removals) {
    if (removals.length > 0) await load(server.port, structure.template, 0, count, count);
    removals.push(await remove(server, gauge, line));
  }
  return {
    residentMiB: residentBytes / MIB,
    heapMiB: heapBytes === null ? null : heapBytes / MIB,
    growingPauseMs,
    commandsPerSecond,
    noisePauseMs,
    commandPauseMs,
    slowestCommand,
    removals,
  };
}

/** The longest pause while one client sends a command so many times, one at a time. */
async function pauseOf(
  server: ServerProcess,
  gauge: Gauge,
  command: readonly string[],
  range: number,
  requests: number,
): Promise<number | null> {
  const one = { words: command, pipeline: 1, clients: 1, range };
  await redisBenchmark(server.port, { ...one, requests: WARM_UP_REQUESTS });
  await gauge.forgetPauses();
  await redisBenchmark(server.port, { ...one, requests });
  return gauge.longestPauseMs();
}

function countOf({ count }: Structure, quick: boolean): number {
  return quick ? count / QUICK_DIVISOR : count;
}

async function remove(server: ServerProcess, gauge: Gauge, line: string): Promise<Removal> {
  await gauge.forgetPauses();
  const startedMs = performance.now();
  await ask(server.port, line);
  const replyMs = performance.now() - startedMs;
  const watchesPauses = (await gauge.longestPauseMs()) !== null;
  if (watchesPauses) await untilFreed(server);
  return { replyMs, pauseMs: await gauge.longestPauseMs() };
}

async function untilFreed(server: ServerProcess): Promise<void> {
  const deadlineMs = performance.now() + FREED_MS_MAX;
  while (((await infoField(server, 'used_memory_dataset', 'memory')) ?? 0) > FREED_BYTES_MAX) {
    if (performance.now() > deadlineMs) {
      throw new BenchError(`${server.name} has not freed what was removed within ${FREED_MS_MAX / 1000} s`);
    }
    await sleep(200);
  }
}

function rowsOf(structure: Structure, ours: Sight | null, peer: Sight | null, options: Options): string[][] {
  const name = `${figure(countOf(structure, options.quick))} ${structure.name}`;
  const row = (
    what: string,
    of: (sight: Sight) => number | null,
    unit: string,
    digits: number,
    target: Target | null,
  ) =>
    rowOf(`${what}, ${name}`, ours === null ? null : of(ours), peer === null ? null : of(peer), {
      unit,
      digits,
      target: options.calibrate ? null : target,
      judgesRatio: target === RESIDENT,
    });
  const rows = [
    row('RSS', (sight) => sight.residentMiB, ' MiB', 1, RESIDENT),
    row('V8 heap growth', (sight) => sight.heapMiB, ' MiB', 1, HEAP),
    row('longest pause while loaded', (sight) => sight.growingPauseMs, ' ms', 2, PAUSE),
    row('loaded per second', (sight) => sight.commandsPerSecond, '', 0, null),
  ];
  if (structure.commands.length > 0) {
    const slowest = ours === null || ours.slowestCommand === '' ? '' : ` (${ours.slowestCommand})`;
    rows.push(row(`longest pause by a command${slowest}`, (sight) => sight.commandPauseMs, ' ms', 2, PAUSE));
    rows.push(row('longest pause by PING', (sight) => sight.noisePauseMs, ' ms', 2, null));
  }
  structure.removals.forEach((line, i) => {
    const [command] = line.split(' ');
    rows.push(row(`longest pause while freed by ${command}`, (sight) => sight.removals[i].pauseMs, ' ms', 2, FREEING));
    rows.push(row(`reply to ${command}`, (sight) => sight.removals[i].replyMs, ' ms', 1, null));
  });
  return rows;
}

interface Manner {
  readonly unit: string;
  readonly digits: number;
  readonly target: Target | null;
  /** Whether the target limits our figure divided by the peer's. */
  readonly judgesRatio: boolean;
}

function rowOf(name: string, ours: number | null, peer: number | null, manner: Manner): string[] {
  const { unit, digits, target, judgesRatio } = manner;
  const ratio = ours === null || peer === null ? null : ours / peer;
  return [
    name,
    figure(ours, digits, unit),
    figure(peer, digits, unit),
    ratio === null ? NONE : ratio.toFixed(2),
    ...(judgesRatio ? judge(ratio, target) : judge(ours, target, unit)),
  ];
}
