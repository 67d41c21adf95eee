/**
 * Rounds in which config servers die: the leader, the leader again and again under a recorded history of changes, all at once. No
 * master may change for that; data need the config servers only where leases lapse, when all of them are gone.
 */
import { sleep } from '../load';
import { ConfigHistory } from './config-history';
import { askOf } from './formation';
import { longestGap } from './prober';
import { settle, type Round } from './round';
import { addTo, Traffic } from './round-traffic';

const LOOK_MS = 5;
/** How long the next change is waited for. */
const CHANGE_WITHIN_MS = 15_000;
/** How long a leader that died stays away. */
const AWAY_MS = 1000;

/** The config leader dies: data go on as if nothing were. */
export const leader: Round = async (formation, random, number) => {
  const traffic = await Traffic.begin([formation.proxies[0]], `leader:${number}`, random);
  const epoch = await formation.epoch();
  const dead = await formation.leader();
  await dead.kill();
  const killedMs = performance.now();
  const alive = formation.configs.find((each) => each !== dead)!;
  let changedMs: number | null = null;
  while (changedMs === null && performance.now() < killedMs + CHANGE_WITHIN_MS) {
    const answer = await askOf(alive, ['SET', 'failover-interval-ms', '0']).catch(() => null);
    if (answer === null) await sleep(LOOK_MS);
    else changedMs = performance.now();
  }
  await dead.start();
  const written = await traffic.end(killedMs);
  const measured = {
    'next change after': (changedMs ?? Infinity) - killedMs,
    'longest silence': longestGap(written.all, killedMs).ms,
  };
  return settle(formation, written, epoch, 0, { measured });
};

/** The config leader dies while five clients write and read a setting: was it a register all the time (C1, C2)? */
export const leaders: Round = async (formation, random, number) => {
  const [traffic, history] = await Promise.all([
    Traffic.begin([formation.proxies[0]], `leaders:${number}`, random),
    ConfigHistory.begin(formation, `leaders:${number}`, random),
  ]);
  const epoch = await formation.epoch();
  const dead = await formation.leader();
  await dead.kill();
  const killedMs = performance.now();
  await sleep(AWAY_MS);
  await dead.start();
  const written = await traffic.end(killedMs);
  const problems = await history.end();
  const measured = {
    'longest time without a change': history.longestGap(killedMs),
    'longest silence': longestGap(written.all, killedMs).ms,
  };
  return settle(formation, written, epoch, 0, {
    measured,
    problems,
    aside: new Map([['changes and reads of a setting', history.length]]),
  });
};

/** All config servers die at once, and come back: the configuration is what it was, with the last change that was acknowledged (C4). */
export const allConfigs: Round = async (formation, random, number) => {
  const [traffic, history] = await Promise.all([
    Traffic.begin([formation.proxies[0]], `all-configs:${number}`, random),
    ConfigHistory.begin(formation, `all-configs:${number}`, random),
  ]);
  const epoch = await formation.epoch();
  const before = await formation.configuration();
  await Promise.all(formation.configs.map((config) => config.kill()));
  const killedMs = performance.now();
  await Promise.all(formation.configs.map((config) => config.start()));
  await formation.until('changes are committed again', async () => history.changedAfter(killedMs) !== null);
  const written = await traffic.end(killedMs);
  // The history reads what was acknowledged before: were it gone, there would be no order of it.
  const problems = await history.end();
  const after = await formation.configuration();
  if (after !== before) problems.push(`the configuration is another:\n${before}\n${after}`);
  const { all } = written;
  const aside = new Map([['unknown', all.unknown]]);
  addTo(aside, all.errors);
  return settle(formation, written, epoch, 0, {
    measured: {
      'next change after': history.changedAfter(killedMs)! - killedMs,
      'longest silence': longestGap(all, killedMs).ms,
    },
    problems,
    aside,
    served: { ...all, errors: new Map(), unknown: 0 },
  });
};
