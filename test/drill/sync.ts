/**
 * The disk does not sync: it fails (EIO) or takes five seconds. Under `always` a server whose sync fails has acknowledged nothing
 * of it, and ends; under `everysec` it refuses writes until it has rewritten everything to where syncs succeed again. Where
 * syncs hang under `everysec`, replies stop before more than two seconds of them are at risk, and go on afterwards.
 */
import { mkdirSync } from 'node:fs';
import type { Client } from '../../src/net';
import { Folder } from './folder';
import { judge, Load, sleep } from './load';
import { milliseconds, skipped, type Report } from './report';
import { appendOnlySettings, ServerProcess, type Policy, type Settings, type Target } from './server-process';
import { Strace, whyNoStrace } from './strace';

export const SYNC_FAULTS = ['always-fails', 'everysec-fails', 'everysec-hangs'] as const;
export type SyncFault = (typeof SYNC_FAULTS)[number];

const WARM_MS = 500;
const END_MS_MAX = 5000;
const REFUSED_MS_MAX = 3000;
const RECOVERY_MS_MAX = 10_000;
const HANG_MS = 5000;
/** What may be at risk, and what this process may be late in seeing an answer. */
const AT_RISK_MS_MAX = 2000;
const LATE_MS = 250;
const POLL_MS = 10;

interface Scene {
  readonly server: ServerProcess;
  readonly settings: Settings;
  readonly output: string;
  readonly failures: string[];
}

export async function drillSync(target: Target, fault: SyncFault, seed: number): Promise<Report> {
  const reason = whyNoStrace();
  if (reason !== null) return skipped(reason);
  const folder = new Folder();
  const policy: Policy = fault === 'always-fails' ? 'always' : 'everysec';
  const dir = folder.at('data');
  mkdirSync(dir);
  const settings = appendOnlySettings(dir, policy);
  const server = await ServerProcess.start(target, settings);
  const scene: Scene = { server, settings, output: folder.at('strace'), failures: [] };
  try {
    const act = { 'always-fails': alwaysFails, 'everysec-fails': everysecFails, 'everysec-hangs': everysecHangs }[
      fault
    ];
    const figures = await act(scene, target, seed);
    return { figures, failures: target.isOurs ? scene.failures : [] };
  } finally {
    await server.kill();
    folder.dispose();
  }
}

async function alwaysFails({ server, output, failures }: Scene, target: Target, seed: number): Promise<string> {
  const before = await Load.begin(server, seed, 'before');
  await sleep(WARM_MS);
  before.end();
  await before.settled();
  const strace = await Strace.attach(server.pid, 'error=EIO', output);
  const after = await Load.begin(server, seed + 1, 'after');
  const endedInTime = await Promise.race([server.ended.then(() => true), sleep(END_MS_MAX).then(() => false)]);
  after.end();
  if (!strace.hasStruck) failures.push('no sync failed');
  if (!endedInTime) failures.push(`${target.name} goes on though a sync has failed`);
  else if (server.child.exitCode === 0) failures.push('the exit code is 0');
  await server.kill();
  await after.settled();
  if (after.acknowledged > 0) failures.push(`${after.acknowledged} operations were acknowledged that were not synced`);
  const ending = endedInTime ? `ends with code ${server.child.exitCode}` : 'goes on';
  return `${before.acknowledged} acknowledged before; then EIO: ${after.acknowledged} acknowledged, ${ending}`;
}

async function everysecFails(scene: Scene, target: Target, seed: number): Promise<string> {
  const { server, settings, output, failures } = scene;
  const load = await Load.begin(server, seed, 'load');
  const client = await server.connect();
  await sleep(WARM_MS);
  const strace = await Strace.attach(server.pid, 'error=EIO', output);
  const refusedMs = await until(client, false, REFUSED_MS_MAX);
  if (!strace.hasStruck) failures.push('no sync failed');
  if (refusedMs === null) failures.push('writes are taken though syncs fail');
  await strace.detach();
  const recoveredMs = refusedMs === null ? 0 : await until(client, true, RECOVERY_MS_MAX);
  if (recoveredMs === null) failures.push('writes are refused though syncs succeed again');
  await sleep(WARM_MS);
  load.end();
  await server.kill();
  await load.settled();
  const again = await ServerProcess.start(target, settings);
  const { acknowledged, lost, problems } = await judge(await again.connect(), load, performance.now());
  await again.kill();
  failures.push(...problems);
  if (lost > 0) failures.push(`${lost} acknowledged operations are lost`);
  const refused =
    refusedMs === null ? 'writes are taken all the same' : `writes are refused after ${milliseconds(refusedMs)}`;
  const recovered =
    recoveredMs === null ? 'and for ever' : `and again taken ${milliseconds(recoveredMs)} after the disk is well`;
  return `${acknowledged} acknowledged, ${refused}, ${recovered}, ${lost} lost after kill -9`;
}

async function everysecHangs({ server, output, failures }: Scene, _target: Target, seed: number): Promise<string> {
  const load = await Load.begin(server, seed, 'load');
  await sleep(WARM_MS);
  const strace = await Strace.attach(server.pid, `delay_enter=${HANG_MS * 1000}`, output);
  const attachedMs = performance.now();
  let lastMs = attachedMs;
  let stalledAfterMs = 0;
  let acknowledged = load.acknowledged;
  // The longest silence begins where the stall does.
  let silenceMs = 0;
  while (performance.now() - attachedMs < AT_RISK_MS_MAX + HANG_MS + 1000) {
    await sleep(POLL_MS);
    if (load.acknowledged === acknowledged) continue;
    acknowledged = load.acknowledged;
    const nowMs = performance.now();
    if (nowMs - lastMs > silenceMs) {
      silenceMs = nowMs - lastMs;
      stalledAfterMs = lastMs - attachedMs;
    }
    lastMs = nowMs;
  }
  load.end();
  if (!strace.hasStruck) failures.push('no sync was slow');
  await strace.detach();
  const hasStalled = silenceMs > HANG_MS / 5;
  if (!hasStalled) failures.push('replies have not stopped, or not gone on');
  if (stalledAfterMs > AT_RISK_MS_MAX + LATE_MS)
    failures.push(`replies stopped only after ${milliseconds(stalledAfterMs)}`);
  const stall = `replies stop ${milliseconds(stalledAfterMs)} after syncs hang, for ${milliseconds(silenceMs)}`;
  return `${acknowledged} acknowledged, ${hasStalled ? stall : 'replies never stop'}`;
}

/** How long it takes until writes are taken, or are not; null where it takes too long. */
async function until(client: Client, areTaken: boolean, withinMs: number): Promise<number | null> {
  const fromMs = performance.now();
  for (;;) {
    const elapsedMs = performance.now() - fromMs;
    if ((await isTaken(client)) === areTaken) return elapsedMs;
    if (elapsedMs > withinMs) return null;
    await sleep(POLL_MS);
  }
}

function isTaken(client: Client): Promise<boolean> {
  return client.command('SET', 'probe', 'x').then(
    () => true,
    () => false,
  );
}
