/**
 * Rounds with the disk of the config leader: its syncs take half a second, or fail. Data must not notice; a disk that fails ends the
 * process that relied on it (promise C6), and another leads.
 */
import { join } from 'node:path';
import type { Random } from '../../../src/base';
import { sleep } from '../load';
import { Strace } from '../strace';
import type { Daemon } from './daemon';
import { askOf, type Formation } from './formation';
import { longestGap } from './prober';
import { settle, type Round, type RoundResult } from './round';
import { Traffic } from './round-traffic';

const SLOW_MS = 500;
const TAMPERED_MS = 2500;
const CHANGE_EVERY_MS = 200;

/** Each sync of the leader's disk takes half a second, while changes are asked for. */
export const slowDisk: Round = (formation, random, number) =>
  tamper(formation, random, number, `delay_enter=${SLOW_MS * 1000}`, async (leader) => {
    const untilMs = performance.now() + TAMPERED_MS;
    while (performance.now() < untilMs) {
      void change(formation.configs[number % formation.configs.length]);
      await sleep(CHANGE_EVERY_MS);
    }
    return leader.isAlive ? [] : ['a slow disk ended the config leader'];
  });

/** Syncs of the leader's disk fail. */
export const badDisk: Round = (formation, random, number) =>
  tamper(formation, random, number, 'error=EIO', async (leader) => {
    const untilMs = performance.now() + TAMPERED_MS;
    while (leader.isAlive && performance.now() < untilMs) {
      await change(formation.configs.find((config) => config !== leader)!);
      await sleep(CHANGE_EVERY_MS);
    }
    return leader.isAlive ? ['the config leader goes on although its disk fails'] : [];
  });

async function tamper(
  formation: Formation,
  random: Random,
  number: number,
  how: string,
  during: (leader: Daemon) => Promise<string[]>,
): Promise<RoundResult> {
  const traffic = await Traffic.begin([formation.proxies[0]], `disk:${number}`, random);
  const epoch = await formation.epoch();
  const leader = await formation.leader();
  const strace = await Strace.attach(leader.pid, how, join(leader.dir, 'strace'));
  const struckMs = performance.now();
  const problems = await during(leader);
  if (!strace.hasStruck) problems.push('no sync was tampered with');
  await strace.detach();
  if (!leader.isAlive) await leader.start();
  await formation.until('changes are committed', async () => {
    return (await askOf(leader, ['SET', 'failover-interval-ms', '0'])) !== null;
  });
  const written = await traffic.end(struckMs);
  const measured = { 'longest silence': longestGap(written.all, struckMs).ms };
  return settle(formation, written, epoch, 0, { measured, problems });
}

async function change(config: Daemon): Promise<void> {
  await askOf(config, ['SET', 'failover-interval-ms', '0']).catch(() => undefined);
}
