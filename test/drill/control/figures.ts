/**
 * Figures of a drill: what its rounds measured, as text and held against its bounds.
 */
import { quantile } from '../report';
import type { RoundResult } from './round';
import { addTo } from './round-traffic';

/** What must hold over all rounds. */
export interface Bounds {
  /** What there must be none of. */
  readonly none?: readonly ('errors' | 'lost')[];
  /** By what was measured: the 99th percentile, and the most in any round. */
  readonly measured?: Readonly<Record<string, { readonly p99?: number; readonly most?: number }>>;
}

/** What was broken of the bounds. */
export function judge(results: readonly RoundResult[], { none = [], measured = {} }: Bounds): string[] {
  const failures: string[] = [];
  const demand = (what: string, value: number, most = Infinity): void => {
    if (value > most) failures.push(`${what}: ${value.toFixed(0)}, and ${most} is the most`);
  };
  for (const [name, { p99, most }] of Object.entries(measured)) {
    const values = valuesOf(results, name);
    demand(`${name}, p99`, quantile(values, 0.99), p99);
    demand(`${name}, max`, Math.max(0, ...values), most);
  }
  const counts = { errors: countOf(results, errorsIn), lost: countOf(results, ({ lost }) => lost) };
  for (const name of none) demand(name, counts[name], 0);
  return failures;
}

/** All of it in one line. */
export function figuresOf(results: readonly RoundResult[]): string {
  const parts = [`${results.length} rounds`];
  for (const name of new Set(results.flatMap((result) => Object.keys(result.measured)))) {
    const values = valuesOf(results, name);
    const [median, p99, most] = [quantile(values, 0.5), quantile(values, 0.99), Math.max(...values)];
    parts.push(`${name}: median ${median.toFixed(0)}, p99 ${p99.toFixed(0)}, max ${most.toFixed(0)}`);
  }
  const promotions = new Set(results.map((each) => each.promotions));
  parts.push(`promotions a round: ${[...promotions].sort((a, b) => a - b).join(' or ')}`);
  parts.push(
    `${countOf(results, (each) => each.acknowledged)} acknowledged, ${countOf(results, ({ lost }) => lost)} lost`,
  );
  parts.push(`${countOf(results, errorsIn)} errors, ${countOf(results, (each) => each.unknown)} unknown`);
  const texts = new Map<string, number>();
  for (const { errors, aside } of results) {
    addTo(texts, errors);
    addTo(texts, aside);
  }
  for (const [text, count] of texts) if (count > 0) parts.push(`${count} × ${text}`);
  return parts.join('; ');
}

function valuesOf(results: readonly RoundResult[], name: string): number[] {
  return results.flatMap(({ measured }) => measured[name] ?? []);
}

function errorsIn({ errors }: RoundResult): number {
  return [...errors.values()].reduce((sum, count) => sum + count, 0);
}

function countOf(results: readonly RoundResult[], of: (result: RoundResult) => number): number {
  return results.reduce((sum, result) => sum + of(result), 0);
}
