/**
 * Drills of the control plane: real processes over three zones, which die, freeze and are cut off, again and again.
 *
 * The cluster is the same over all rounds of a kind, so what a round left behind the next one meets. Promises (reliability F1–F4, C1–C4)
 * are judged over all rounds: a quantile that is above its bound is a failure, as is each second promotion and each write
 * acknowledged where it must not be. Who waits sees a line on standard error with every round.
 */
import { Random } from '../../../src/base';
import { Folder } from '../folder';
import type { RoundOptions } from '../kill';
import { skipped, type Report } from '../report';
import { configFlapping, configOneWay, configRing } from './config-link-rounds';
import { allConfigs, leader, leaders } from './config-rounds';
import { badDisk, slowDisk } from './disk-rounds';
import { figuresOf, judge, type Bounds } from './figures';
import { Formation, type EngineName, type Layout } from './formation';
import { flapping, oneWay } from './link-rounds';
import { both, cut, freeze, kill, planned } from './master-rounds';
import type { Round, RoundResult } from './round';
import { Zones } from './zones';

interface Kind {
  readonly round: Round;
  readonly bounds: Bounds;
  /** `apart`: only with servers of ours, as data have nothing to do with it. */
  readonly layout?: Layout;
}

/** Where data must notice nothing. */
const UNHARMED = { 'longest silence': { most: 2000 } } as const;
const NOTHING = ['errors', 'lost'] as const;
/** Links among config servers: D4 of the reliability study. */
const AMONG_CONFIGS: Bounds = {
  none: NOTHING,
  measured: { ...UNHARMED, 'changes of leader': { most: 1 }, 'longest time without a change': { most: 2000 } },
};

const KINDS: Readonly<Record<string, Kind>> = {
  kill: { round: kill, bounds: { measured: { 'writes again after': { p99: 2500 } } } },
  freeze: { round: freeze, bounds: { measured: { 'writes again after': { p99: 3000 } } } },
  cut: { round: cut, bounds: { measured: { 'last acknowledgement on the other side': { most: 1000 } } } },
  leader: {
    round: leader,
    bounds: { none: NOTHING, measured: { ...UNHARMED, 'next change after': { p99: 1500 } } },
  },
  leaders: {
    round: leaders,
    bounds: { none: NOTHING, measured: { ...UNHARMED, 'longest time without a change': { p99: 1000 } } },
  },
  'all-configs': { round: allConfigs, bounds: { none: ['lost'] } },
  both: { round: both, bounds: { measured: { 'writes again after': { p99: 5000 } } } },
  switch: { round: planned, bounds: { none: NOTHING, measured: { 'longest stall': { p99: 200 } } } },
  'one-way': { round: oneWay, bounds: { none: NOTHING, measured: UNHARMED } },
  flapping: { round: flapping, bounds: { none: NOTHING, measured: UNHARMED } },
  'slow-disk': { round: slowDisk, bounds: { none: NOTHING, measured: UNHARMED } },
  'bad-disk': { round: badDisk, bounds: { none: NOTHING, measured: UNHARMED } },
  'config-one-way': { round: configOneWay, bounds: AMONG_CONFIGS, layout: 'apart' },
  'config-ring': { round: configRing, bounds: AMONG_CONFIGS, layout: 'apart' },
  'config-flapping': { round: configFlapping, bounds: AMONG_CONFIGS, layout: 'apart' },
};

/** What is drilled: with data nodes of ours, and with stock servers. */
export const CONTROL_VARIANTS: readonly string[] = Object.entries(KINDS).flatMap(([kind, { layout }]) =>
  layout === 'apart' ? [kind] : [kind, `${kind}-redis`],
);

/** A kind of which so many rounds failed is given up. */
const FAILURES_MAX = 5;

export async function drillControl(
  dist: string,
  variant: string,
  { rounds: count, seed }: RoundOptions,
): Promise<Report> {
  const reason = Zones.reasonAgainst();
  if (reason !== null) return skipped(reason);
  const engine: EngineName = variant.endsWith('-redis') ? 'redis' : 'slotcache';
  const { round, bounds, layout = 'together' } = KINDS[variant.replace(/-redis$/, '')];
  const folder = new Folder();
  const zones = Formation.zonesFor(layout);
  const results: RoundResult[] = [];
  const failures: string[] = [];
  const random = new Random(seed);
  let formation: Formation | null = null;
  let isPassed = false;
  try {
    formation = await Formation.start(zones, { engine, layout, folder, dist });
    // Rounds come quicker than a group may fail over by itself.
    await formation.ask('SET', 'failover-interval-ms', 0);
    for (let number = 1; number <= count && failures.length < FAILURES_MAX; number++) {
      const beganMs = performance.now();
      const result = await round(formation, random, number);
      results.push(result);
      for (const problem of result.problems) failures.push(`round ${number} (seed ${seed}): ${problem}`);
      const tookMs = performance.now() - beganMs;
      const figures = Object.entries(result.measured).map(([name, value]) => `${name} ${value.toFixed(0)}`);
      console.error(`control ${variant}: round ${number} of ${count}, ${tookMs.toFixed(0)} ms: ${figures.join(', ')}`);
    }
    failures.push(...judge(results, bounds));
    isPassed = failures.length === 0;
  } finally {
    await formation?.stop();
    if (!isPassed) {
      formation?.saveLogs();
      folder.keep();
      console.error(`control ${variant}: data and logs are kept in ${folder.path}`);
    }
    zones.dispose();
    folder.dispose();
  }
  return { figures: figuresOf(results), failures };
}
