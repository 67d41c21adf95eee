/**
 * A round: something is done to the cluster, once, under traffic; what every round has in common.
 *
 * Before it the cluster is whole; after it the cluster is made whole again, as operators would by waiting, and every key that was
 * acknowledged is asked for. A round asserts by itself that its fault took effect, and that each of its probers wrote before and
 * after it; figures are judged by who collects them (control.ts).
 */
import { realTimers, type Random } from '../../../src/base';
import { Client } from '../../../src/net';
import type { Formation } from './formation';
import { missingOf, type ProbeResult } from './prober';
import { together, type Written } from './round-traffic';

/** What a round came to. */
export interface RoundResult {
  /** Times in ms, or counts, by what was measured. */
  readonly measured: Readonly<Record<string, number>>;
  /** Changes of master. */
  readonly promotions: number;
  readonly acknowledged: number;
  /** Acknowledged keys that are gone. */
  readonly lost: number;
  /** Error replies to clients who should have noticed nothing worse than a wait, by text. */
  readonly errors: ReadonlyMap<string, number>;
  /** Writes of those clients of which nobody knows. */
  readonly unknown: number;
  /** What happened where it may: counts that are told, and judged by nobody. */
  readonly aside: ReadonlyMap<string, number>;
  /** What is wrong whatever the figures are. */
  readonly problems: readonly string[];
}

export type Round = (formation: Formation, random: Random, number: number) => Promise<RoundResult>;

/** What of a round is known before it is settled. */
export interface Findings {
  readonly measured: Readonly<Record<string, number>>;
  readonly problems?: readonly string[];
  readonly aside?: ReadonlyMap<string, number>;
  /** Those whose errors count; all where it is missing. */
  readonly served?: ProbeResult;
  /** Written beside the traffic, and to be there as well. */
  readonly besides?: ProbeResult;
}

/**
 * Waits until the cluster is whole, and asks it for everything that was acknowledged.
 * @param promotionsDue null: any
 */
export async function settle(
  formation: Formation,
  written: Written,
  epochBefore: number,
  promotionsDue: number | null,
  { measured, problems = [], aside = new Map(), served = written.all, besides }: Findings,
): Promise<RoundResult> {
  const found = [...problems, ...written.problems];
  await formation.untilWhole().catch((error: Error) => found.push(error.message));
  const promotions = (await formation.epoch()) - epochBefore;
  if (promotionsDue !== null && promotions !== promotionsDue) {
    found.push(`${promotions} promotions, not ${promotionsDue}`);
  }
  const all = together(besides === undefined ? [written.all] : [written.all, besides]);
  return {
    measured,
    promotions,
    acknowledged: all.acknowledged.length,
    lost: (await missing(formation, all)).length,
    errors: served.errors,
    unknown: served.unknown,
    aside,
    problems: found,
  };
}

/** Acknowledged keys that the master does not have. */
async function missing(formation: Formation, result: ProbeResult): Promise<string[]> {
  const { zone, port } = await formation.master();
  const client = await Client.connect({ host: zone.host, port }, realTimers);
  try {
    return await missingOf(client, result);
  } finally {
    await client.close();
  }
}
