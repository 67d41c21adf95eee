/**
 * Rounds with the disk of the config leader: its syncs take half a second, or fail. Data must not notice; a disk that fails ends the
 * process that relied on it (promise C6), and another leads.
 */
import { join } from 'node:path';
import { sleep } from '../load';
import { Strace } from '../strace';
import type { Daemon } from './daemon';
import { askOf, type Formation } from './formation';
import { longestGap, Prober } from './prober';
import { BEFORE_MS, AFTER_MS, proxyAddress, settle, type Round, type RoundResult } from './rounds';

const SLOW_MS = 500;
const TAMPERED_MS = 4000;
const CHANGE_EVERY_MS = 200;

/** Each sync of the leader's disk takes half a second, while changes are asked for. */
export const slowDisk: Round = (formation, _random, number) =>
  tamper(formation, number, `delay_enter=${SLOW_MS * 1000}`, async (leader) => {
    const untilMs = performance.now() + TAMPERED_MS;
    while (performance.now() < untilMs) {
      void change(formation.configs[number % formation.configs.length]);
      await sleep(CHANGE_EVERY_MS);
    }
    return leader.isAlive ? [] : ['a slow disk ended the config leader'];
  });

/** Syncs of the leader's disk fail. */
export const badDisk: Round = (formation, _random, number) =>
  tamper(formation, number, 'error=EIO', async (leader) => {
    const untilMs = performance.now() + TAMPERED_MS;
    while (leader.isAlive && performance.now() < untilMs) {
      await change(formation.configs.find((config) => config !== leader)!);
      await sleep(CHANGE_EVERY_MS);
    }
    return leader.isAlive ? ['the config leader goes on although its disk fails'] : [];
  });

async function tamper(
  formation: Formation,
  number: number,
  how: string,
  during: (leader: Daemon) => Promise<string[]>,
): Promise<RoundResult> {
  const prober = new Prober(await proxyAddress(formation, null), `disk:${number}`);
  await sleep(BEFORE_MS);
  const epoch = await formation.epoch();
  const leader = await formation.leader();
  const strace = await Strace.attach(leader.pid, how, join(leader.dir, 'strace'));
  const struckMs = performance.now();
  const problems = await during(leader);
  if (!strace.hasStruck) problems.push('no sync was tampered with');
  await strace.detach();
  if (!leader.isAlive) await leader.start();
  await formation.until(
    'changes are committed',
    async () => (await askOf(leader, ['SET', 'failover-interval-ms', '0'])) !== null,
  );
  await sleep(AFTER_MS);
  const result = await prober.end();
  const settled = await settle(formation, result, epoch, 0);
  return { ...settled, backAfterMs: longestGap(result, struckMs).ms, problems: [...problems, ...settled.problems] };
}

async function change(config: Daemon): Promise<void> {
  await askOf(config, ['SET', 'failover-interval-ms', '0']).catch(() => undefined);
}
