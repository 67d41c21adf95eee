/**
 * Drills of the control plane: real processes over three zones, which die, freeze and are cut off, again and again.
 *
 * The cluster is the same over all rounds of a kind, so what a round left behind the next one meets. Promises (reliability F1–F4, C3)
 * are judged over all rounds: a quantile that is above its bound is a failure, as is each second promotion and each write
 * acknowledged where it must not be.
 */
import { Random } from '../../../src/base';
import { Folder } from '../folder';
import type { RoundOptions } from '../kill';
import { milliseconds, quantile, skipped, type Report } from '../report';
import { Formation, type EngineName } from './formation';
import { badDisk, slowDisk } from './disk-rounds';
import * as rounds from './rounds';
import type { Round, RoundResult } from './rounds';
import { Zones } from './zones';

const ROUNDS: Readonly<Record<string, Round>> = {
  kill: rounds.kill,
  freeze: rounds.freeze,
  cut: rounds.cut,
  leader: rounds.leader,
  both: rounds.both,
  switch: rounds.planned,
  'one-way': rounds.oneWay,
  flapping: rounds.flapping,
  'slow-disk': slowDisk,
  'bad-disk': badDisk,
};

/** What is drilled: with data nodes of ours, and with stock servers. */
export const CONTROL_VARIANTS: readonly string[] = Object.keys(ROUNDS).flatMap((kind) => [kind, `${kind}-redis`]);

/** What must hold, ms. */
interface Bounds {
  readonly backP99?: number;
  readonly staleAck?: number;
  readonly changeP99?: number;
  readonly lost?: 0;
  readonly errors?: 0;
}

const BOUNDS: Readonly<Record<string, Bounds>> = {
  kill: { backP99: 2500 },
  freeze: { backP99: 3000 },
  cut: { staleAck: 1000 },
  leader: { changeP99: 1500, lost: 0, errors: 0 },
  both: { backP99: 5000 },
  switch: { backP99: 200, lost: 0, errors: 0 },
  'one-way': {},
  flapping: { lost: 0 },
  'slow-disk': { lost: 0, errors: 0 },
  'bad-disk': { lost: 0, errors: 0 },
};

export async function drillControl(
  dist: string,
  variant: string,
  { rounds: count, seed }: RoundOptions,
): Promise<Report> {
  const reason = Zones.reasonAgainst();
  if (reason !== null) return skipped(reason);
  const engine: EngineName = variant.endsWith('-redis') ? 'redis' : 'slotcache';
  const kind = variant.replace(/-redis$/, '');
  const folder = new Folder();
  const zones = Zones.make(3);
  const results: RoundResult[] = [];
  const failures: string[] = [];
  const random = new Random(seed);
  let formation: Formation | null = null;
  try {
    formation = await Formation.start(zones, engine, folder, dist);
    // Rounds come quicker than a group may fail over by itself.
    await formation.ask('SET', 'failover-interval-ms', 0);
    for (let number = 1; number <= count && failures.length < 5; number++) {
      const result = await ROUNDS[kind](formation, random, number);
      results.push(result);
      for (const problem of result.problems) failures.push(`round ${number} (seed ${seed}): ${problem}`);
    }
  } finally {
    if (failures.length > 0) folder.keep();
    await formation?.stop();
    zones.dispose();
    folder.dispose();
  }
  failures.push(...judge(results, BOUNDS[kind]));
  return { figures: figuresOf(results), failures };
}

function judge(results: readonly RoundResult[], bounds: Bounds): string[] {
  const failures: string[] = [];
  const demand = (what: string, value: number, bound: number | undefined): void => {
    if (bound !== undefined && value > bound) failures.push(`${what}: ${value.toFixed(0)}, and ${bound} is the most`);
  };
  demand('back after, p99', quantile(backs(results), 0.99), bounds.backP99);
  demand('next change, p99', quantile(changes(results), 0.99), bounds.changeP99);
  demand('last stale acknowledgement', Math.max(0, ...stales(results)), bounds.staleAck);
  demand(
    'acknowledged and lost',
    total(results, ({ lost }) => lost),
    bounds.lost,
  );
  demand('errors', total(results, errorsIn), bounds.errors);
  return failures;
}

function figuresOf(results: readonly RoundResult[]): string {
  const spread = (values: readonly number[]): string =>
    `median ${milliseconds(quantile(values, 0.5))}, p99 ${milliseconds(quantile(values, 0.99))}, max ${milliseconds(Math.max(0, ...values))}`;
  const parts = [`${results.length} rounds`, `writes again after: ${spread(backs(results))}`];
  if (changes(results).length > 0) parts.push(`next change after: ${spread(changes(results))}`);
  if (stales(results).length > 0) parts.push(`last acknowledgement on the other side: ${spread(stales(results))}`);
  const promotions = new Set(results.map((each) => each.promotions));
  parts.push(`promotions a round: ${[...promotions].sort((a, b) => a - b).join(' or ')}`);
  parts.push(`${total(results, (each) => each.acknowledged)} acknowledged, ${total(results, ({ lost }) => lost)} lost`);
  parts.push(`${total(results, errorsIn)} errors, ${total(results, (each) => each.unknown)} unknown`);
  const texts = new Map<string, number>();
  for (const { errors } of results) for (const [text, count] of errors) texts.set(text, (texts.get(text) ?? 0) + count);
  for (const [text, count] of texts) if (count > 0) parts.push(`${count} × ${text}`);
  return parts.join('; ');
}

function backs(results: readonly RoundResult[]): number[] {
  return results.map(({ backAfterMs }) => backAfterMs);
}

function changes(results: readonly RoundResult[]): number[] {
  return results.flatMap(({ changeAfterMs }) => changeAfterMs ?? []);
}

function stales(results: readonly RoundResult[]): number[] {
  return results.flatMap(({ staleAckMs }) => staleAckMs ?? []);
}

function errorsIn({ errors }: RoundResult): number {
  return [...errors].reduce((sum, [text, count]) => sum + (text.startsWith('inside') ? 0 : count), 0);
}

function total(results: readonly RoundResult[], of: (result: RoundResult) => number): number {
  return results.reduce((sum, result) => sum + of(result), 0);
}
