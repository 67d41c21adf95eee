/**
 * Rounds in which the master changes: it dies, freezes, is cut off with its zone, dies with the config leader, or is moved by an
 * operator. Exactly one promotion must come of each.
 */
import type { Random } from '../../../src/base';
import { sleep } from '../load';
import type { Daemon } from './daemon';
import { infoOf, type Formation } from './formation';
import { longestGap, Prober, type ProbeResult } from './prober';
import { settle, type Findings, type Round, type RoundResult } from './round';
import { ACKNOWLEDGED_MIN, Traffic } from './round-traffic';
import { between, Witnesses } from './witness';
import { ZoneClient } from './zone-client';

/** How long a master is frozen or cut off at least, ms: well over detection and promotion, and the bound of stale acknowledgements. */
const FROZEN_MS = 2500;
const CUT_MS = 3000;
/** How long the first write after a promotion is waited for. */
const BACK_WITHIN_MS = 15_000;
const LOOK_MS = 5;
/** A planned switch is met by ten thousand writes a second. */
const SWITCH_WRITES_PER_MS = 10;

/** The master's process dies. */
export const kill: Round = (formation, random, number) =>
  failover(formation, random, `kill:${number}`, async (master) => {
    await master.kill();
    return async () => {
      await master.start();
      return {};
    };
  });

/** The config leader and the master die at the same moment. */
export const both: Round = (formation, random, number) =>
  failover(formation, random, `both:${number}`, async (master) => {
    const config = await formation.leader();
    await Promise.all([config.kill(), master.kill()]);
    return async () => {
      await Promise.all([config.start(), master.start()]);
      return {};
    };
  });

/**
 * The master's process stands still for some seconds, and goes on, with a client of its own that wrote all the time: what waits in its
 * socket is done when it wakes, and must not be acknowledged then (F2).
 */
export const freeze: Round = async (formation, random, number) => {
  const { zone, port } = await formation.master();
  const direct = new Prober({ host: zone.host, port }, `frozen:${number}`);
  return failover(formation, random, `freeze:${number}`, async (master) => {
    await master.freeze();
    const frozenMs = performance.now();
    const problems: string[] = [];
    return async () => {
      await sleep(frozenMs + FROZEN_MS - performance.now());
      if (master.state !== 'T') problems.push('it did not stand still to the end');
      const thawedMs = performance.now();
      master.thaw();
      await formation.until('it knows that it is master no more', async () => (await infoOf(master))?.role === 'slave');
      const result = await direct.end();
      const woken = result.acknowledged.filter(({ ackedMs }) => ackedMs >= thawedMs).length;
      if (result.acknowledged.length - woken < ACKNOWLEDGED_MIN) problems.push('hardly any traffic straight to it');
      // Nobody can keep a stock server from answering who comes to it by himself.
      if (woken > 0 && formation.engine === 'slotcache') problems.push(`it acknowledged ${woken} writes after it woke`);
      return {
        problems,
        aside: new Map([['acknowledged by itself after it woke', woken]]),
        besides: until(result, thawedMs),
      };
    };
  });
};

/** The master's zone, with a config server, a proxy and a client, is cut off. */
export const cut: Round = async (formation, random, number) => {
  const before = await formation.master();
  // Nobody can keep a stock server from acknowledging to who comes to it by himself: there the proxy inside is asked.
  const target = formation.engine === 'redis' ? formation.proxyIn(before.zone) : before;
  const other = formation.zones.all.find((zone) => zone !== before.zone)!;
  const [witnesses, client] = await Promise.all([
    Witnesses.begin([before.zone, other]),
    ZoneClient.start(target, `inside:${number}`),
  ]);
  return failover(formation, random, `cut:${number}`, async ({ zone }) => {
    zone.cut();
    const cutMs = performance.now();
    return async () => {
      await sleep(cutMs + CUT_MS - performance.now());
      const mendedMs = performance.now();
      zone.mend();
      const [result] = await Promise.all([client.end(), witnesses.end()]);
      const problems = witnesses.silent(between(zone, other), cutMs, mendedMs);
      const inside = until(result, mendedMs);
      const stale = inside.acknowledged.filter(({ ackedMs }) => ackedMs >= cutMs);
      if (inside.acknowledged.length - stale.length < ACKNOWLEDGED_MIN) problems.push('hardly any traffic inside');
      return {
        problems,
        measured: {
          'last acknowledgement on the other side': Math.max(cutMs, ...stale.map(({ ackedMs }) => ackedMs)) - cutMs,
        },
        aside: new Map([['acknowledged inside after the cut', stale.length]]),
        besides: inside,
      };
    };
  });
};

/** An operator moves the master while ten thousand writes a second come. */
export const planned: Round = async (formation, random, number) => {
  const before = await formation.master();
  const traffic = await Traffic.begin([formation.proxies[0]], `planned:${number}`, random, SWITCH_WRITES_PER_MS);
  const epoch = await formation.epoch();
  const beganMs = performance.now();
  await formation.ask('GROUP', 'SWITCH', 1);
  const written = await traffic.end(beganMs);
  const problems = (await formation.master()) === before ? ['the master is who it was'] : [];
  const measured = { 'longest stall': longestGap(written.all, beganMs).ms };
  return settle(formation, written, epoch, 1, { measured, problems });
};

/** Undoes what was done to the master; what was found out about it. */
type Mend = () => Promise<Partial<Findings>>;

/** Something happens to the master, under load through a proxy of another zone; it is undone when another has taken over. */
async function failover(
  formation: Formation,
  random: Random,
  name: string,
  strike: (master: Daemon) => Promise<Mend>,
): Promise<RoundResult> {
  const master = await formation.master();
  const proxy = formation.proxies.find(({ zone }) => zone !== master.zone)!;
  const traffic = await Traffic.begin([proxy], name, random);
  const epoch = await formation.epoch();
  const beforeMs = performance.now();
  const mend = await strike(master);
  const struckMs = performance.now();
  const problems: string[] = [];
  await formation
    .until('somebody else is the master', async () => (await formation.master()) !== master)
    .catch((error: Error) => problems.push(error.message));
  const waitedMs = performance.now() + BACK_WITHIN_MS;
  const promotedMs = performance.now();
  while (performance.now() < waitedMs && traffic.firstAckAfter(proxy, promotedMs) === null) await sleep(LOOK_MS);
  const found = await mend().catch((error: Error): Partial<Findings> => ({ problems: [error.message] }));
  const written = await traffic.end(beforeMs);
  return settle(formation, written, epoch, 1, {
    ...found,
    measured: { 'writes again after': longestGap(written.all, struckMs).endedMs - struckMs, ...found.measured },
    problems: [...problems, ...(found.problems ?? [])],
  });
}

/** What was acknowledged before a moment. */
function until(result: ProbeResult, ms: number): ProbeResult {
  return { ...result, acknowledged: result.acknowledged.filter(({ ackedMs }) => ackedMs < ms) };
}
