/**
 * Prober: one client that writes a new key each millisecond, whether the last one was answered or not, and notes when what was
 * answered. It shows how long nobody could write, as a client sees it, and which acknowledged keys are gone afterwards.
 *
 * A connection that is closed is made again at once; what was on its way is unknown.
 */
import { realTimers, CacheError } from '../../../src/base';
import { Client, type Address } from '../../../src/net';
import { sleep } from '../load';

export interface ProbeResult {
  readonly acknowledged: readonly { readonly key: string; readonly sentMs: number; readonly ackedMs: number }[];
  /** Error replies and how often. */
  readonly errors: ReadonlyMap<string, number>;
  /** Writes of which nobody knows: their connection was lost. */
  readonly unknown: number;
}

const RECONNECT_MS = 5;
/** So many at once at most: what comes after a long stall is not a burst of old probes. */
const ON_THE_WAY_MAX = 20_000;

export class Prober {
  private readonly acknowledged: { key: string; sentMs: number; ackedMs: number }[] = [];
  private readonly errors = new Map<string, number>();
  private unknown = 0;
  private onTheWay = 0;
  private sent = 0;
  private isEnding = false;
  private client: Client | null = null;
  private readonly done: Promise<void>;

  /** @param perMs writes in each millisecond */
  constructor(
    private readonly address: Address,
    private readonly name: string,
    private readonly perMs = 1,
  ) {
    this.done = this.run();
  }

  get acknowledgedCount(): number {
    return this.acknowledged.length;
  }

  /** The first acknowledgement at or after this moment; null while there is none. */
  firstAckAfter(ms: number): number | null {
    return this.acknowledged.find(({ ackedMs }) => ackedMs >= ms)?.ackedMs ?? null;
  }

  /** Sends nothing more; resolves with all that was answered within `patienceMs`. */
  async end(patienceMs = 1000): Promise<ProbeResult> {
    this.isEnding = true;
    await this.done;
    for (let waited = 0; this.onTheWay > 0 && waited < patienceMs; waited += RECONNECT_MS) await sleep(RECONNECT_MS);
    this.unknown += this.onTheWay;
    await this.client?.close();
    return { acknowledged: [...this.acknowledged], errors: new Map(this.errors), unknown: this.unknown };
  }

  private async run(): Promise<void> {
    const startMs = performance.now();
    let due = 0;
    while (!this.isEnding) {
      this.client ??= await Client.connect(this.address, realTimers, { closed: () => (this.client = null) }).catch(
        () => null,
      );
      const dueNow = (performance.now() - startMs) * this.perMs;
      // What could not be sent while there was no connection is not made up for.
      due = Math.max(due, dueNow - 10 * this.perMs);
      for (; due < dueNow && this.client !== null; due++) if (this.onTheWay < ON_THE_WAY_MAX) this.write(this.client);
      await sleep(this.client === null ? RECONNECT_MS : 1);
    }
  }

  private write(client: Client): void {
    const key = `${this.name}:${this.sent++}`;
    const sentMs = performance.now();
    this.onTheWay++;
    client.command('SET', key, key).then(
      () => {
        this.onTheWay--;
        this.acknowledged.push({ key, sentMs, ackedMs: performance.now() });
      },
      (error: unknown) => {
        this.onTheWay--;
        if (error instanceof CacheError && error.code === 'REPLY') {
          const text = error.message.split(' ').slice(0, 8).join(' ');
          this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
        } else {
          this.unknown++;
        }
      },
    );
  }
}

/** The longest time between two acknowledgements, ms, that ends after `fromMs`, and when it ended. */
export function longestGap(result: ProbeResult, fromMs: number): { readonly ms: number; readonly endedMs: number } {
  const times = result.acknowledged.map(({ ackedMs }) => ackedMs).sort((a, b) => a - b);
  let longest = { ms: 0, endedMs: fromMs };
  for (let i = 1; i < times.length; i++) {
    if (times[i] < fromMs) continue;
    const ms = times[i] - times[i - 1];
    if (ms > longest.ms) longest = { ms, endedMs: times[i] };
  }
  return longest;
}

/** Acknowledged keys that are not there. */
export async function missingOf(client: Client, result: ProbeResult): Promise<string[]> {
  const there = await Promise.all(result.acknowledged.map(({ key }) => client.command('GET', key)));
  return result.acknowledged.flatMap(({ key }, i) => (there[i] === key ? [] : [key]));
}
