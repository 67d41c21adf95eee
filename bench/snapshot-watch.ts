/**
 * Watch: one server with a dataset and steady traffic, before and during one save.
 *
 * What the save costs is the difference between two stretches that are alike but for the save: the same traffic, the same questions by
 * this process (INFO ten times a second). Memory is counted as the operating system does: the growth of what the
 * server has resident, and, where the save has a child process, the pages that parent and child no longer share (what Redis calls
 * copy-on-write and reports when the child has ended).
 */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge, infoField } from './gauge';
import { ask } from './loader';
import { BenchError, HelperProcess, type Program, type ServerProcess } from './processes';
import { startIfPossible } from './programs';
import type { Dataset } from './snapshot-datasets';
import type { Phase, Task } from './snapshot-traffic';

export const OPERATIONS_PER_SECOND = 20_000;
export const TRAFFIC_CONNECTIONS = 50;
const TRAFFIC_SCRIPT = resolve('dist/bench/snapshot-traffic.js');
const SAMPLE_MS = 100;
const SAVE_MS_MAX = 300_000;

/** A kind of save: its command, what its server is started with, and what INFO says of it. */
export interface Save {
  readonly command: string;
  readonly settings: readonly string[];
  readonly busyField: string;
  readonly statusField: string;
  /** Bytes that a child process no longer shared with the server. */
  readonly unsharedField: string;
}

/** How long the stretches last. */
export interface Stretches {
  /** Traffic that is not looked at, so that all code has run. */
  readonly warmUpMs: number;
  readonly beforeMs: number;
  /** After the save, so that nothing of it is left to do when the server is stopped. */
  readonly restMs: number;
}

/** What was seen of one save. `null`: the server keeps no such figure. */
export interface Sight {
  readonly residentBytes: number;
  /** For how long the server did nothing but begin. */
  readonly beginMicros: number | null;
  readonly pauseBeforeMs: number | null;
  readonly pauseDuringMs: number | null;
  readonly before: Phase;
  readonly during: Phase;
  /** At most, beyond what was resident when the save began. */
  readonly extraBytes: number;
  readonly seconds: number;
}

/** Null where the program cannot be started. @throws BenchError where the save fails */
export async function watch(
  program: Program,
  dataset: Dataset,
  save: Save,
  stretches: Stretches,
): Promise<Sight | null> {
  const server = await startIfPossible(program);
  if (server === null) return null;
  try {
    const gauge = await Gauge.of(server);
    console.error(`${server.name}: loading ${dataset.name}`);
    await dataset.fill(server);
    const traffic = HelperProcess.start(TRAFFIC_SCRIPT, [JSON.stringify(taskOf(server, dataset))]);
    try {
      return await watchUnder(traffic, server, gauge, save, stretches);
    } finally {
      await traffic.stop();
    }
  } finally {
    await server.stop();
  }
}

function taskOf(server: ServerProcess, { operations, range }: Dataset): Task {
  return {
    port: server.port,
    connections: TRAFFIC_CONNECTIONS,
    operationsPerSecond: OPERATIONS_PER_SECOND,
    operations,
    range,
  };
}

async function watchUnder(
  traffic: HelperProcess,
  server: ServerProcess,
  gauge: Gauge,
  save: Save,
  { warmUpMs, beforeMs, restMs }: Stretches,
): Promise<Sight> {
  const phase = async (): Promise<Phase> => (await traffic.ask('phase')) as Phase;
  await sleep(warmUpMs);
  await gauge.forgetPauses();
  await phase();
  const beforeEndsMs = performance.now() + beforeMs;
  while (performance.now() < beforeEndsMs) {
    await sleep(SAMPLE_MS);
    await sampleOf(server, save);
  }
  const before = await phase();
  const pauseBeforeMs = await gauge.longestPauseMs();

  console.error(`${server.name}: ${save.command}`);
  await gauge.forgetPauses();
  const residentBytes = server.residentBytes();
  const startedMs = performance.now();
  await ask(server.port, save.command);
  let highestBytes = residentBytes;
  let hasForked = false;
  for (let isBusy = true; isBusy;) {
    hasForked ||= server.hasChildren();
    await sleep(SAMPLE_MS);
    const sample = await sampleOf(server, save);
    highestBytes = Math.max(highestBytes, sample.residentBytes);
    isBusy = sample.isBusy;
    if (performance.now() - startedMs > SAVE_MS_MAX) throw new BenchError(`${server.name}: ${save.command} has no end`);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const during = await phase();
  const pauseDuringMs = await gauge.longestPauseMs();
  await expectSuccess(server, save);
  const unsharedBytes = hasForked ? ((await infoField(server, save.unsharedField, 'persistence')) ?? 0) : 0;
  await sleep(restMs);
  return {
    residentBytes,
    beginMicros: await infoField(server, 'latest_fork_usec', 'stats'),
    pauseBeforeMs,
    pauseDuringMs,
    before,
    during,
    extraBytes: highestBytes - residentBytes + unsharedBytes,
    seconds,
  };
}

async function sampleOf(
  server: ServerProcess,
  { busyField }: Save,
): Promise<{ isBusy: boolean; residentBytes: number }> {
  const busy = await infoField(server, busyField, 'persistence');
  if (busy === null) throw new BenchError(`${server.name}: INFO has no ${busyField}`);
  return { isBusy: busy !== 0, residentBytes: server.residentBytes() };
}

async function expectSuccess({ name, port }: ServerProcess, { command, statusField }: Save): Promise<void> {
  const info = await ask(port, 'INFO persistence');
  if (!info.includes(`${statusField}:ok\r`)) throw new BenchError(`${name}: ${command} failed, says INFO`);
}
