/**
 * Rounds with links between zones that are half broken, or come and go. The majority sees the master all the time, so nobody may
 * be promoted; who has a whole way to the master must notice nothing, and the proxy behind the broken link is told of by itself.
 */
import { sleep } from '../load';
import type { Formation } from './formation';
import { longestGap } from './prober';
import { settle, type Round, type RoundResult } from './round';
import { Traffic, type Written } from './round-traffic';
import { between, Witnesses } from './witness';
import type { Zone } from './zones';

const BROKEN_MS = 2500;
/** A cable that comes and goes is down, then up, for so long. */
const FLAP_MS = 100;
/** A silence of so long is a flap: what was sent just before may come late. */
const SILENCE_MS = 60;
/** Two become one where a process has to wait for its turn between them. */
export const NOTICED_SHARE_MIN = 0.5;

/** What the master's zone sends to another, or that one to it, by turns, does not arrive; what is sent the other way does. */
export const oneWay: Round = async (formation, random, number) => {
  const { near, far, third } = await places(formation, random.below(2));
  const ways = between(near, far);
  const [broken, whole] = number % 2 === 0 ? ways : [ways[1], ways[0]];
  const [witnesses, traffic] = await Promise.all([
    Witnesses.begin([near, far, third]),
    Traffic.begin(formation.proxies, `one-way:${number}`, random),
  ]);
  const epoch = await formation.epoch();
  const beforeMs = performance.now();
  broken[0].deafen(broken[1]);
  const brokenMs = performance.now();
  await sleep(BROKEN_MS);
  const mendedMs = performance.now();
  broken[0].undeafen(broken[1]);
  const [written] = await Promise.all([traffic.end(beforeMs), witnesses.end()]);
  const problems = [
    ...witnesses.silent([broken], brokenMs, mendedMs),
    ...witnesses.open([whole, ...between(near, third)], brokenMs, mendedMs),
  ];
  return judged(formation, written, epoch, far, { brokenMs, mendedMs, problems });
};

/** The cable of a replica's zone comes and goes, five times a second. */
export const flapping: Round = async (formation, random, number) => {
  const { near, far, third } = await places(formation, random.below(2));
  const [witnesses, traffic] = await Promise.all([
    Witnesses.begin([near, far, third]),
    Traffic.begin(formation.proxies, `flapping:${number}`, random),
  ]);
  const epoch = await formation.epoch();
  const brokenMs = performance.now();
  const flaps = await flap(far, FLAP_MS, BROKEN_MS);
  const mendedMs = performance.now();
  const [written] = await Promise.all([traffic.end(brokenMs), witnesses.end()]);
  const problems = witnesses.open(between(near, third), brokenMs, mendedMs);
  const noticed = witnesses.silences([far, near], SILENCE_MS, brokenMs, mendedMs);
  if (noticed < flaps * NOTICED_SHARE_MIN)
    problems.push(`of ${flaps} times that a cable was out ${noticed} were noticed`);
  return judged(formation, written, epoch, far, { brokenMs, mendedMs, problems });
};

/** Takes a zone's cable out and puts it in again, for some time; how often. */
export async function flap(zone: Zone, eachMs: number, duringMs: number): Promise<number> {
  const untilMs = performance.now() + duringMs;
  let count = 0;
  for (; performance.now() < untilMs; count++) {
    zone.cut();
    await sleep(eachMs);
    zone.mend();
    await sleep(eachMs);
  }
  return count;
}

/** The master's zone, and the two others in either order. */
async function places(formation: Formation, order: number): Promise<{ near: Zone; far: Zone; third: Zone }> {
  const { zone: near } = await formation.master();
  const others = formation.dataZones.filter((zone) => zone !== near);
  return { near, far: others[order], third: others[1 - order] };
}

interface Broken {
  readonly brokenMs: number;
  readonly mendedMs: number;
  readonly problems: readonly string[];
}

/** The proxies that reach the master must have served; the one that did not is only told of. */
async function judged(
  formation: Formation,
  written: Written,
  epoch: number,
  far: Zone,
  { brokenMs, mendedMs, problems }: Broken,
): Promise<RoundResult> {
  const cutOff = formation.proxyIn(far);
  const reaching = formation.proxies.filter((proxy) => proxy !== cutOff);
  const gaps = reaching.map((proxy) => longestGap(written.through(proxy), brokenMs).ms);
  const beyond = written.through(cutOff);
  const backMs = beyond.acknowledged.find(({ sentMs }) => sentMs >= mendedMs)?.ackedMs ?? Infinity;
  return settle(formation, written, epoch, 0, {
    measured: {
      'longest silence': Math.max(...gaps),
      'cut-off proxy: longest silence': longestGap(beyond, brokenMs).ms,
      'cut-off proxy: first write of after mending': backMs - mendedMs,
    },
    served: written.throughAll(reaching),
    aside: new Map([...beyond.errors].map(([text, count]) => [`cut-off proxy: ${text}`, count])),
    problems,
  });
}
