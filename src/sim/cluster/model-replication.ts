/**
 * ModelReplication: asynchronous replication between models of data nodes: a stream of tokens that goes on where a replica stands, or all
 * of the master's data in the place of the replica's own.
 */
import type { LineEnd, SimulatedLines } from '../simulated-lines';
import type { ClusterChecks } from './cluster-checks';
import { BYTES_PER_TOKEN } from './model-data';
import type { ModelServer, ServerRequest } from './model-server';

/** What a master sends: all of its data, or tokens that follow on an offset. */
type Feed =
  | {
      readonly kind: 'all';
      readonly stream: string;
      readonly tokens: readonly number[];
      readonly former: string;
      readonly formerOffset: number;
    }
  | { readonly kind: 'more'; readonly stream: string; readonly tokens: readonly number[] }
  | { readonly number: number };

interface Waiting {
  readonly offset: number;
  readonly replicas: number;
  readonly done: () => void;
}

const REDIAL_MS = 100;
/** For how long a replica waits to be filled. */
const PATIENCE_MS = 5000;

export class ModelReplication {
  /** `host:port` that it follows; null for a master. */
  master: string | null = null;
  isSynced = false;
  /** Since when it is not, monotonic ms; NaN where it never was with this master. */
  lostAtMs = NaN;
  /** What each replica has acknowledged. */
  private readonly replicas = new Map<LineEnd, number>();
  private waiting: Waiting[] = [];
  private end: LineEnd | null = null;
  private dialledMs = -Infinity;

  constructor(
    private readonly server: ModelServer,
    private readonly find: (address: string) => ModelServer,
    private readonly around: { readonly lines: SimulatedLines; readonly checks: ClusterChecks },
  ) {}

  // ── as a master ──────────────────────────────────────────────────────────────────────────────────────────────

  isReplica(end: LineEnd): boolean {
    return this.replicas.has(end);
  }

  replicaCame(end: LineEnd, stream: string, offset: number): void {
    const { data } = this.server;
    data.beFollowed(() => this.server.newStream());
    const feed: Feed = data.continues(stream, offset)
      ? { kind: 'more', stream: data.stream, tokens: data.after(offset) }
      : {
          kind: 'all',
          stream: data.stream,
          tokens: [...data.tokens],
          former: data.formerStream,
          formerOffset: data.formerOffset,
        };
    this.replicas.set(end, 0);
    end.send(feed);
  }

  wrote(token: number): void {
    const { stream } = this.server.data;
    for (const end of this.replicas.keys()) end.send({ kind: 'more', stream, tokens: [token] } satisfies Feed);
  }

  /** Calls back when so many replicas have what was written up to now. */
  whenReplicated(replicas: number, done: () => void): void {
    if (replicas === 0) return done();
    this.waiting.push({ offset: this.server.data.offset, replicas, done });
  }

  acknowledged(end: LineEnd, offset: number): void {
    if (!this.replicas.has(end)) return;
    this.replicas.set(end, offset);
    const offsets = [...this.replicas.values()];
    const ready = this.waiting.filter((one) => offsets.filter((at) => at >= one.offset).length >= one.replicas);
    this.waiting = this.waiting.filter((one) => !ready.includes(one));
    for (const { done } of ready) done();
  }

  lost(end: LineEnd): void {
    this.replicas.delete(end);
  }

  // ── as a replica ─────────────────────────────────────────────────────────────────────────────────────────────

  follow(address: string): void {
    this.unfollow();
    for (const end of this.replicas.keys()) end.close();
    this.replicas.clear();
    this.waiting = [];
    this.master = address;
    this.lostAtMs = NaN;
    this.dial();
  }

  unfollow(): void {
    this.master = null;
    this.isSynced = false;
    this.end?.close();
    this.end = null;
  }

  /** To be called every second: a replica says where it is, and so finds out when nobody is there any more. */
  report(): void {
    if (this.isSynced) this.acknowledge();
    else if (this.end !== null && (this.end.peer === null || this.nowMs - this.dialledMs >= PATIENCE_MS)) this.redial();
  }

  private acknowledge(): void {
    const offset = this.server.data.tokens.length * BYTES_PER_TOKEN;
    this.end?.send({ number: 0, words: ['ACK', String(offset)] } satisfies ServerRequest);
  }

  private dial(): void {
    const { master } = this;
    if (master === null) return;
    this.dialledMs = this.nowMs;
    const end = this.around.lines.dial(this.server, this.find(master), {
      opened: () => {
        const { stream, offset } = this.server.data;
        end.send({ number: 0, words: ['PSYNC', stream, String(offset)] } satisfies ServerRequest);
      },
      arrived: (payload) => {
        if (end === this.end) this.take(payload as Feed);
      },
      closed: () => {
        if (end === this.end) this.redial();
      },
    });
    this.end = end;
  }

  private redial(): void {
    const { master } = this;
    this.end?.close();
    this.end = null;
    if (this.isSynced) this.lostAtMs = this.nowMs;
    this.isSynced = false;
    this.server.machine.timers.after(REDIAL_MS, () => {
      if (this.master === master && this.end === null) this.dial();
    });
  }

  private get nowMs(): number {
    return this.server.machine.clock.monotonicMs();
  }

  private take(feed: Feed): void {
    // An answer instead of a feed: it may not serve replicas yet.
    if (!('kind' in feed)) return this.redial();
    const { data } = this.server;
    if (feed.kind === 'all') {
      this.around.checks.filled(this.server, feed.tokens);
      data.tokens = [...feed.tokens];
      data.formerStream = feed.former;
      data.formerOffset = feed.formerOffset;
    } else {
      if (data.stream !== feed.stream) {
        data.formerStream = data.stream;
        data.formerOffset = data.offset;
      }
      for (const token of feed.tokens) data.tokens.push(token);
    }
    data.took(feed.stream);
    this.isSynced = true;
    this.acknowledge();
  }
}
