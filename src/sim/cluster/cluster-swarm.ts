/**
 * ClusterSwarm: what one seed's whole cluster is like, and what goes wrong in it (see raft-swarm.ts for why each seed is different).
 */
import type { Random } from '../../base';
import type { Engine } from '../../slots';
import type { DiskPlan } from '../member-disk';
import type { NetworkWeather } from '../simulated-network';

/** What a nemesis can do to a cluster. */
export const CLUSTER_FAULTS = [
  'kill-server',
  'power-server',
  'empty-server',
  'pause-server',
  'freeze-server',
  'cut-server',
  'cut-server-from-configs',
  'clog-server',
  'lag-and-kill',
  'kill-config',
  'power-config',
  'bad-disk-config',
  'slow-disk-config',
  'pause-config',
  'stall-configs',
  'stale-voices',
  'cut-config',
  'one-way-config',
  'join-config',
  'leave-config',
  'pause-proxy',
  'freeze-proxy',
  'kill-proxy',
  'cut-proxy',
  'cut-side',
  'wall-jump',
  'switch',
  'forced',
] as const;

export type ClusterFault = (typeof CLUSTER_FAULTS)[number];

export interface GroupPlan {
  readonly engine: Engine;
  readonly members: number;
  /** A write is acknowledged when so many replicas have it, too. */
  readonly replicasToAck: number;
}

export interface ClusterSwarm extends DiskPlan {
  readonly configs: 3 | 5;
  /** Config servers that may be added. */
  readonly spareConfigs: number;
  readonly groups: readonly GroupPlan[];
  readonly proxies: number;
  readonly writersPerProxy: number;
  readonly thinkMeanMs: number;
  readonly downAfterMs: number;
  readonly failoverIntervalMs: number;
  readonly hasExtremeClocks: boolean;
  readonly weather: NetworkWeather;
  readonly faultEveryMs: number;
  readonly faults: readonly ClusterFault[];
  /** Probability of a fault when a change of master begins, a server is promoted, or a config server is elected. */
  readonly aimRate: number;
}

export function drawClusterSwarm(random: Random): ClusterSwarm {
  const oneOf = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)];
  const faults = CLUSTER_FAULTS.filter(() => random.below(4) === 0);
  const drawGroup = (): GroupPlan => {
    const members = oneOf(2, 3, 3);
    return {
      engine: oneOf<Engine>('slotcache', 'slotcache', 'redis'),
      members,
      replicasToAck: oneOf(0, 0, 1, members - 1),
    };
  };
  return {
    configs: oneOf(3, 3, 3, 5),
    spareConfigs: oneOf(1, 2, 3),
    storage: oneOf<DiskPlan['storage']>('disk-log', 'crashing-log'),
    isHarshDisk: oneOf(true, false),
    groups: Array.from({ length: oneOf(1, 1, 2) }, drawGroup),
    proxies: 2,
    writersPerProxy: oneOf(1, 2),
    thinkMeanMs: oneOf(10, 40, 100),
    downAfterMs: oneOf(300, 500, 1000),
    failoverIntervalMs: oneOf(500, 3000),
    hasExtremeClocks: oneOf(true, false),
    weather: {
      delayMinMs: 0.2,
      delayMeanMs: oneOf(0.3, 1, 4),
      lossRate: oneOf(0, 0, 0.02),
      duplicateRate: oneOf(0, 0.05),
      straggleRate: oneOf(0, 0.01),
    },
    syncMeanMs: oneOf(0.3, 2, 10),
    faultEveryMs: oneOf(300, 1000, 2500),
    faults: faults.length === 0 ? ['kill-server', 'cut-server', 'pause-server'] : faults,
    aimRate: oneOf(0, 0.2, 0.5),
  };
}
