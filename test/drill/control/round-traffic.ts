/**
 * The traffic of a round: probers through some proxies, from a second before something is done to the cluster until a second after
 * it is undone, and what they wrote. A round without traffic proves nothing, so each prober must have been answered before and after.
 */
import type { Random } from '../../../src/base';
import { sleep } from '../load';
import type { Daemon } from './daemon';
import { Prober, type ProbeResult } from './prober';

/** Traffic before and after what happens, ms. */
const BEFORE_MS = 1000;
const AFTER_MS = 1000;
/** Of the thousand writes that are due in either. */
export const ACKNOWLEDGED_MIN = 200;
/** A moment that differs from round to round: faults meet the timers of the cluster anywhere. */
const JITTER_MS = 100;

/** The probers of a round. */
export class Traffic {
  private constructor(private readonly probers: ReadonlyMap<Daemon, Prober>) {}

  /**
   * One prober through each of these proxies; resolves when they have been writing for a second.
   * @param perMs writes in each millisecond
   */
  static async begin(proxies: readonly Daemon[], name: string, random: Random, perMs = 1): Promise<Traffic> {
    const probers = proxies.map((proxy): [Daemon, Prober] => [
      proxy,
      new Prober({ host: proxy.zone.host, port: proxy.port }, `${name}:${proxy.zone.number}`, perMs),
    ]);
    await sleep(BEFORE_MS + random.below(JITTER_MS));
    return new Traffic(new Map(probers));
  }

  /** The first acknowledgement at or after this moment through this proxy; null while there is none. */
  firstAckAfter(proxy: Daemon, ms: number): number | null {
    return this.probers.get(proxy)!.firstAckAfter(ms);
  }

  /**
   * Goes on for a second, and ends.
   * @param struckMs when it happened
   */
  async end(struckMs: number): Promise<Written> {
    const calmMs = performance.now();
    await sleep(AFTER_MS);
    const results = new Map<Daemon, ProbeResult>();
    await Promise.all([...this.probers].map(async ([proxy, prober]) => results.set(proxy, await prober.end())));
    return new Written(results, struckMs, calmMs);
  }
}

/** What the probers of a round wrote. */
export class Written {
  constructor(
    private readonly results: ReadonlyMap<Daemon, ProbeResult>,
    private readonly struckMs: number,
    private readonly calmMs: number,
  ) {}

  /** Through this proxy alone. */
  through(proxy: Daemon): ProbeResult {
    return this.results.get(proxy)!;
  }

  /** Through all of these together. */
  throughAll(proxies: readonly Daemon[]): ProbeResult {
    return together(proxies.map((proxy) => this.through(proxy)));
  }

  /** Through any proxy. */
  get all(): ProbeResult {
    return together([...this.results.values()]);
  }

  /** Who wrote hardly anything before it happened, or after it was over. */
  get problems(): string[] {
    return [...this.results].flatMap(([{ name }, { acknowledged }]) => {
      const before = acknowledged.filter(({ ackedMs }) => ackedMs < this.struckMs).length;
      const after = acknowledged.filter(({ ackedMs }) => ackedMs >= this.calmMs).length;
      return Math.min(before, after) >= ACKNOWLEDGED_MIN
        ? []
        : [`hardly any traffic through ${name}: ${before} writes before, ${after} after`];
    });
  }
}

/** All of them as one. */
export function together(results: readonly ProbeResult[]): ProbeResult {
  const errors = new Map<string, number>();
  for (const result of results) addTo(errors, result.errors);
  return {
    acknowledged: results.flatMap(({ acknowledged }) => acknowledged),
    errors,
    unknown: results.reduce((sum, { unknown }) => sum + unknown, 0),
  };
}

/** Adds counts to counts. */
export function addTo(sums: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
}
