/**
 * Report: what a drill found: figures for people, and failures, each of which is a promise that was broken.
 */
export interface Report {
  readonly figures: string;
  readonly failures: readonly string[];
}

/** For a drill that cannot be done here. */
export function skipped(reason: string): Report {
  return { figures: `skipped: ${reason}`, failures: [] };
}

/** The value below which `share` of them are, 0 where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function milliseconds(value: number): string {
  return `${value.toFixed(0)} ms`;
}

/** Of a log: what it ended with. */
export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
