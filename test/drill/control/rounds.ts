/**
 * Rounds: what is done to the cluster, each once, and what came of it.
 *
 * Before each the cluster is whole; after each it is made whole again, as operators would by waiting, and every key that was
 * acknowledged is asked for. A round asserts that its fault took effect and that there was traffic; figures are judged by who
 * collects them (control.ts).
 */
import { Client } from '../../../src/net';
import { realTimers, type Random } from '../../../src/base';
import { sleep } from '../load';
import type { Daemon } from './daemon';
import { askOf, type Formation } from './formation';
import { longestGap, missingOf, Prober, type ProbeResult } from './prober';
import { ZoneClient } from './zone-client';

/** What a round came to. */
export interface RoundResult {
  /** From the fault to the first acknowledgement after the longest silence, ms. */
  readonly backAfterMs: number;
  /** Changes of master. */
  readonly promotions: number;
  readonly acknowledged: number;
  /** Acknowledged keys that are gone. */
  readonly lost: number;
  readonly errors: ReadonlyMap<string, number>;
  readonly unknown: number;
  /** Of a cut: the last acknowledgement on the side that was cut off, ms after the cut; of a freeze: after it was thawed. */
  readonly staleAckMs?: number;
  /** Of a config leader: from its death to the next change that was committed, ms. */
  readonly changeAfterMs?: number;
  /** What is wrong whatever the figures are. */
  readonly problems: readonly string[];
}

export type Round = (formation: Formation, random: Random, number: number) => Promise<RoundResult>;

/** Traffic before and after what happens. */
export const BEFORE_MS = 400;
export const AFTER_MS = 600;
const ACKNOWLEDGED_MIN = 200;
const FROZEN_MS = 5000;
const CUT_MS = 10_000;
/** How long a promotion is waited for. */
const BACK_WITHIN_MS = 15_000;

/** The master's process dies. */
export const kill: Round = (formation, random, number) =>
  failover(formation, random, number, async (master) => {
    await master.kill();
    return async () => master.start();
  });

/** The master's process stands still for some seconds, and goes on. */
export const freeze: Round = (formation, random, number) =>
  failover(formation, random, number, async (master) => {
    const direct = await Client.connect({ host: master.zone.host, port: master.port }, realTimers);
    master.freeze();
    const frozenMs = performance.now();
    // Waits in its socket, and is done when it wakes.
    const outcome = direct.command('SET', `frozen:${number}`, '1').then(
      () => 'acknowledged',
      (error: Error) => error.message,
    );
    return async () => {
      await sleep(Math.max(0, frozenMs + FROZEN_MS - performance.now()));
      master.thaw();
      const told = await outcome;
      await direct.close();
      if (told === 'acknowledged' && formation.engine === 'slotcache')
        throw new Error('it acknowledged a write after it woke');
    };
  });

/** The master's zone, with a config server, a proxy and a client, is cut off. */
export const cut: Round = async (formation, random, number) => {
  const master = await formation.master();
  // Nobody can keep a stock server from acknowledging to who comes to it by himself: there the proxy inside is asked.
  const inReach = formation.engine === 'redis' ? formation.proxies.find(({ zone }) => zone === master.zone)! : master;
  const client = new ZoneClient(inReach, `inside:${number}`);
  await sleep(BEFORE_MS);
  let cutMs = 0;
  const result = await failover(formation, random, number, async () => {
    master.zone.cut();
    cutMs = performance.now();
    return async () => {
      await sleep(Math.max(0, cutMs + CUT_MS - performance.now()));
      master.zone.mend();
    };
  });
  const inside = await client.end();
  const staleAcks = inside.acknowledged.filter(({ ackedMs }) => ackedMs >= cutMs);
  const lastMs = Math.max(
    cutMs,
    ...inside.acknowledged.filter(({ sentMs }) => sentMs < cutMs + CUT_MS).map(({ ackedMs }) => ackedMs),
  );
  const asked = await reader(formation);
  const missing = await missingOf(asked, {
    ...inside,
    acknowledged: inside.acknowledged.filter(({ ackedMs }) => ackedMs < cutMs + CUT_MS),
  });
  await asked.close();
  const problems = [...result.problems];
  if (inside.acknowledged.length < ACKNOWLEDGED_MIN)
    problems.push(`the client inside wrote ${inside.acknowledged.length} keys only`);
  if (lastMs > cutMs + CUT_MS - 1) problems.push('the side that was cut off acknowledged to the end');
  return {
    ...result,
    problems,
    staleAckMs: lastMs - cutMs,
    acknowledged: result.acknowledged + inside.acknowledged.length,
    lost: result.lost + missing.length,
    errors: new Map([...result.errors, ['inside the cut: acknowledged after it', staleAcks.length]]),
  };
};

/** The config leader dies: data go on as if nothing were. */
export const leader: Round = async (formation, random, number) => {
  const prober = new Prober(await proxyAddress(formation, null), `leader:${number}`);
  await sleep(BEFORE_MS + random.below(100));
  const epoch = await formation.epoch();
  const dead = await formation.leader();
  await dead.kill();
  const killedMs = performance.now();
  const changeAfterMs = (await firstChange(formation, dead)) - killedMs;
  await sleep(AFTER_MS);
  await dead.start();
  const result = await prober.end();
  const gap = longestGap(result, killedMs);
  return { ...(await settle(formation, result, epoch, 0)), backAfterMs: gap.ms, changeAfterMs };
};

/** The config leader and the master die at the same moment. */
export const both: Round = (formation, random, number) =>
  failover(formation, random, number, async (master) => {
    const config = await formation.leader();
    await Promise.all([config.kill(), master.kill()]);
    return async () => {
      await config.start();
      await master.start();
    };
  });

/** An operator moves the master while ten thousand writes a second come. */
export const planned: Round = async (formation, random, number) => {
  const before = await formation.master();
  const prober = new Prober(await proxyAddress(formation, null), `planned:${number}`, 10);
  await sleep(BEFORE_MS + random.below(100));
  const epoch = await formation.epoch();
  const beganMs = performance.now();
  await formation.ask('GROUP', 'SWITCH', 1);
  await sleep(AFTER_MS);
  const result = await prober.end();
  const gap = longestGap(result, beganMs);
  const settled = await settle(formation, result, epoch, 1);
  const problems = [...settled.problems];
  if ((await formation.master()) === before) problems.push('the master is who it was');
  return { ...settled, problems, backAfterMs: gap.ms };
};

/** What the master's zone sends does not arrive at another, which still is heard; nothing may come of it but for a moment. */
export const oneWay: Round = async (formation, random, number) => {
  const master = await formation.master();
  const other = formation.zones.all.find((zone) => zone !== master.zone)!;
  const prober = new Prober(await proxyAddress(formation, master), `one-way:${number}`);
  await sleep(BEFORE_MS + random.below(100));
  const epoch = await formation.epoch();
  const brokenMs = performance.now();
  master.zone.deafen(other);
  await sleep(FROZEN_MS);
  master.zone.undeafen(other);
  await sleep(AFTER_MS);
  const result = await prober.end();
  const gap = longestGap(result, brokenMs);
  return { ...(await settle(formation, result, epoch, null)), backAfterMs: gap.ms };
};

/** The cable of a replica's zone comes and goes, five times a second. */
export const flapping: Round = async (formation, random, number) => {
  const master = await formation.master();
  const other = formation.zones.all.filter((zone) => zone !== master.zone)[random.below(2)];
  const proxy = formation.proxies.find(({ zone }) => zone === master.zone)!;
  const prober = new Prober({ host: proxy.zone.host, port: proxy.port }, `flapping:${number}`);
  await sleep(BEFORE_MS);
  const epoch = await formation.epoch();
  const brokenMs = performance.now();
  while (performance.now() < brokenMs + FROZEN_MS) {
    other.cut();
    await sleep(100);
    other.mend();
    await sleep(100);
  }
  await sleep(AFTER_MS);
  const result = await prober.end();
  return { ...(await settle(formation, result, epoch, 0)), backAfterMs: longestGap(result, brokenMs).ms };
};

/** Something happens to the master, under load through a proxy of another zone; `mend` undoes it when another has taken over. */
async function failover(
  formation: Formation,
  random: Random,
  number: number,
  strike: (master: Daemon) => Promise<() => Promise<void>>,
): Promise<RoundResult> {
  const master = await formation.master();
  const prober = new Prober(await proxyAddress(formation, master), `probe:${number}`);
  await sleep(BEFORE_MS + random.below(100));
  const epoch = await formation.epoch();
  const mendPromise = strike(master);
  const mend = await mendPromise;
  const struckMs = performance.now();
  const problems: string[] = [];
  await formation
    .until('somebody else is the master', async () => (await formation.master()) !== master)
    .catch((error: Error) => problems.push(error.message));
  const waitedMs = performance.now() + BACK_WITHIN_MS;
  while (performance.now() < waitedMs && prober.firstAckAfter(performance.now() - 50) === null) await sleep(5);
  await sleep(AFTER_MS);
  await mend().catch((error: Error) => problems.push(error.message));
  const result = await prober.end();
  const gap = longestGap(result, struckMs);
  const settled = await settle(formation, result, epoch, 1);
  return { ...settled, backAfterMs: gap.endedMs - struckMs, problems: [...problems, ...settled.problems] };
}

/** Waits until the cluster is whole, and asks it for everything that was acknowledged. */
export async function settle(
  formation: Formation,
  result: ProbeResult,
  epochBefore: number,
  promotionsDue: number | null,
): Promise<Omit<RoundResult, 'backAfterMs'>> {
  const problems: string[] = [];
  await formation.untilWhole().catch((error: Error) => problems.push(error.message));
  const promotions = (await formation.epoch()) - epochBefore;
  if (promotionsDue !== null && promotions !== promotionsDue)
    problems.push(`${promotions} promotions, not ${promotionsDue}`);
  if (result.acknowledged.length < ACKNOWLEDGED_MIN)
    problems.push(`there was hardly any traffic: ${result.acknowledged.length} writes`);
  const client = await reader(formation);
  const missing = await missingOf(client, result);
  await client.close();
  return {
    promotions,
    acknowledged: result.acknowledged.length,
    lost: missing.length,
    errors: result.errors,
    unknown: result.unknown,
    problems,
  };
}

async function reader(formation: Formation): Promise<Client> {
  const { zone, port } = await formation.master();
  return Client.connect({ host: zone.host, port }, realTimers);
}

/** Of a proxy that is not in the zone of `victim`. */
export async function proxyAddress(
  formation: Formation,
  victim: Daemon | null,
): Promise<{ host: string; port: number }> {
  const proxy = formation.proxies.find(({ zone }) => zone !== victim?.zone)!;
  return { host: proxy.zone.host, port: proxy.port };
}

/** When a change was committed again, asked for of a config server that lives, again and again. */
async function firstChange(formation: Formation, dead: Daemon): Promise<number> {
  const config = formation.configs.find((each) => each !== dead)!;
  const untilMs = performance.now() + BACK_WITHIN_MS;
  for (;;) {
    const answer = await askOf(config, ['SET', 'failover-interval-ms', '1000']).catch(() => null);
    if (answer !== null) return performance.now();
    if (performance.now() > untilMs) throw new Error('no change was committed any more');
    await sleep(5);
  }
}
