/**
 * The disk is full: writes are refused with MISCONF, reads are served, a save and a rewrite that find no room leave nothing behind,
 * and when there is room again the server goes on by itself. Then it is killed, and nothing that was ever acknowledged is lost.
 *
 * The disk is a small tmpfs with ballast in it, which is the room that is made. Only root may mount one.
 */
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Client } from '../../src/net';
import { Folder } from './folder';
import type { RoundOptions } from './kill';
import { judge, Load, sleep } from './load';
import { mount, unmount, whyNoMount } from './mounts';
import { milliseconds, quantile, skipped, type Report } from './report';
import { appendOnlySettings, ServerProcess, type Policy, type Target } from './server-process';
import { infoOf } from './troubles';

const DISK_BYTES = 12 * 1024 * 1024;
const BALLAST_BYTES = 6 * 1024 * 1024;
const FULL_WITHIN_MS = 30_000;
const RECOVERY_MS_MAX = 5000;
const SNAPSHOT_MS_MAX = 5000;
const MORE_LOAD_MS = 100;
const POLL_MS = 10;

export async function drillFull(target: Target, policy: Policy, { rounds, seed }: RoundOptions): Promise<Report> {
  const reason = whyNoMount();
  if (reason !== null) return skipped(reason);
  const recoveriesMs: number[] = [];
  const failures: string[] = [];
  let acknowledged = 0;
  let lost = 0;
  for (let round = 1; round <= rounds; round++) {
    const folder = new Folder();
    const disk = folder.at('disk');
    mkdirSync(disk);
    mount(['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs'], disk);
    try {
      const found = await fullOnce(target, policy, disk, seed + round);
      acknowledged += found.acknowledged;
      lost += found.lost;
      recoveriesMs.push(found.recoveryMs);
      if (!target.isOurs || found.failures.length === 0) continue;
      folder.keep();
      failures.push(`round ${round}: ${found.failures.join('; ')}; see ${folder.copy(disk, 'found')}`);
    } finally {
      unmount(disk);
      folder.dispose();
    }
  }
  const figures =
    `${rounds} rounds, ${acknowledged} acknowledged, ${lost} lost, writes go on after ` +
    `${milliseconds(quantile(recoveriesMs, 0.5))} median, ${milliseconds(Math.max(...recoveriesMs))} worst`;
  return { figures, failures };
}

interface Found {
  readonly acknowledged: number;
  readonly lost: number;
  readonly recoveryMs: number;
  readonly failures: string[];
}

async function fullOnce(target: Target, policy: Policy, disk: string, seed: number): Promise<Found> {
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
  const dir = join(disk, 'data');
  mkdirSync(dir);
  // A rewrite would make room by itself.
  const settings = { ...appendOnlySettings(dir, policy), 'auto-aof-rewrite-percentage': '0' };
  const failures: string[] = [];
  let server = await ServerProcess.start(target, settings);
  try {
    const before = await Load.begin(server, seed, 'before');
    await untilFull(await server.connect());
    if (statfsSync(disk).bavail * statfsSync(disk).bsize > DISK_BYTES / 10) failures.push('the disk was not full');
    before.end();
    await before.settled();
    const client = await server.connect();
    const said = await refusal(client);
    if (said?.startsWith('MISCONF') !== true) failures.push(`a write is answered with ${said}`);
    for (const snapshot of ['BGSAVE', 'BGREWRITEAOF']) {
      await client.command(snapshot);
      failures.push(...(await leftOver(client, snapshot, dir)));
    }
    await client.command('DBSIZE').catch((error: Error) => failures.push(`reads are not served: ${error.message}`));
    rmSync(ballast);
    const recoveryMs = await untilWritable(client);
    if (recoveryMs > RECOVERY_MS_MAX)
      failures.push(`writes were refused for ${milliseconds(recoveryMs)} after there was room`);
    const after = await Load.begin(server, seed + 1, 'after');
    await sleep(MORE_LOAD_MS);
    after.end();
    await server.kill();
    await after.settled();
    server = await ServerProcess.start(target, settings);
    const reader = await server.connect();
    const outcomes = [await judge(reader, before, performance.now()), await judge(reader, after, performance.now())];
    const sum = (of: 'acknowledged' | 'lost'): number => outcomes[0][of] + outcomes[1][of];
    failures.push(...outcomes.flatMap(({ problems }) => problems));
    if (sum('lost') > 0) failures.push(`${sum('lost')} acknowledged operations are lost`);
    return { acknowledged: sum('acknowledged'), lost: sum('lost'), recoveryMs, failures };
  } finally {
    await server.kill();
  }
}

/** Resolves when writes are refused. */
async function untilFull(client: Client): Promise<void> {
  const endMs = performance.now() + FULL_WITHIN_MS;
  while ((await refusal(client)) === null) {
    if (performance.now() > endMs) throw new Error('the disk was not full in time');
    await sleep(POLL_MS);
  }
  await client.close();
}

/** What is wrong with how a snapshot ends for which there is no room. */
async function leftOver(client: Client, snapshot: string, dir: string): Promise<string[]> {
  const endMs = performance.now() + SNAPSHOT_MS_MAX;
  const temporaries = (): string[] =>
    readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((path) => basename(path).startsWith('temp-'));
  for (;;) {
    const info = await infoOf(client);
    const isOver = info.rdb_bgsave_in_progress === '0' && info.aof_rewrite_in_progress === '0';
    // Other threads remove what was begun.
    if (isOver && temporaries().length === 0) break;
    if (performance.now() > endMs) return [`${snapshot} on a full disk leaves ${temporaries().join(', ')}`];
    await sleep(POLL_MS);
  }
  const { aof_last_bgrewrite_status: rewritten, rdb_last_bgsave_status: saved } = await infoOf(client);
  const status = snapshot === 'BGSAVE' ? saved : rewritten;
  return status === 'err' ? [] : [`${snapshot} on a full disk ends with ${status}`];
}

/** How long writes are refused from now on. */
async function untilWritable(client: Client): Promise<number> {
  const fromMs = performance.now();
  while ((await refusal(client)) !== null && performance.now() - fromMs < 2 * RECOVERY_MS_MAX) await sleep(POLL_MS);
  return performance.now() - fromMs;
}

/** Why a write is refused; null where it is not. */
async function refusal(client: Client): Promise<string | null> {
  try {
    await client.command('SET', 'probe', 'x');
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
