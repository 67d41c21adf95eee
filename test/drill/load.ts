/**
 * Load: several connections that write as fast as the server answers, each with its own depth of pipelining, and a record of
 * what was acknowledged when (history.ts).
 *
 * A connection that the server closes leaves a history that ends in unknown operations; another takes its place. `end` lets
 * what is on its way be answered; after `seal` answers come too late to count.
 */
import { CacheError, Random } from '../../src/base';
import type { Client } from '../../src/net';
import { History, type State, type Verdict } from './history';
import type { ServerProcess } from './server-process';

const CONNECTIONS = 4;
const DEPTHS: readonly number[] = [1, 4, 16, 64];
/** How long a connection waits after an operation was refused, or before it takes the place of one that was closed. */
const PAUSE_MS = 20;

export class Load {
  readonly histories: History[] = [];
  private isEnding = false;
  private onAnswer: (() => void)[] = [];
  /** Whether what is answered from now on must be kept. */
  private isPromised: boolean;
  private readonly clients = new Set<Client>();
  private readonly writing = new Set<Promise<void>>();

  private constructor(
    private readonly server: ServerProcess,
    private readonly random: Random,
    private readonly name: string,
    isPromised: boolean,
  ) {
    this.isPromised = isPromised;
  }

  /** @param name of this load: no other load on the same data has it. */
  static async begin(server: ServerProcess, seed: number, name: string, isPromised = true): Promise<Load> {
    const load = new Load(server, new Random(seed), name, isPromised);
    for (let i = 0; i < CONNECTIONS; i++) await load.openWriter();
    return load;
  }

  /** Operations that were acknowledged so far. */
  get acknowledged(): number {
    return this.histories.reduce((sum, history) => sum + history.acknowledged, 0);
  }

  /** Sends nothing new; answers still count. */
  end(): void {
    this.isEnding = true;
  }

  /** From now on nothing counts any more. */
  seal(): void {
    this.end();
    for (const history of this.histories) history.seal();
  }

  /** Resolves as soon as any operation is answered. */
  nextAnswer(): Promise<void> {
    return new Promise((resolve) => this.onAnswer.push(resolve));
  }

  /** Resolves when everything is answered that ever will be: after `end`. */
  async settled(): Promise<void> {
    await Promise.all(this.writing);
  }

  async close(): Promise<void> {
    this.seal();
    await Promise.all([...this.clients].map((client) => client.close()));
  }

  /** What is answered until now is promised; what is answered later is not, until `promiseAll`. */
  promiseNoMore(): void {
    this.isPromised = false;
    for (const history of this.histories) history.promise(history.answered);
  }

  promiseAll(): void {
    this.isPromised = true;
    for (const history of this.histories) history.promise('all');
  }

  /** What is answered until now; the function that is returned promises that. */
  mark(): () => void {
    const answered = this.histories.map((history) => [history, history.answered] as const);
    return () => answered.forEach(([history, count]) => history.promise(count));
  }

  private async openWriter(): Promise<void> {
    const { random, histories } = this;
    const history = new History(`${this.name}:${histories.length}:`, random.uint32());
    const depth = DEPTHS[histories.length % DEPTHS.length];
    if (this.isPromised) history.promise('all');
    const client = await this.server.connect();
    histories.push(history);
    this.clients.add(client);
    const written = this.write(client, history, depth).finally(() => this.writing.delete(written));
    this.writing.add(written);
  }

  /** Keeps `depth` operations on their way until the connection is closed. */
  private async write(client: Client, history: History, depth: number): Promise<void> {
    const lane = async (): Promise<void> => {
      while (!this.isEnding) {
        const isRefused = await this.send(client, history, history.sent++);
        if (isRefused) await sleep(PAUSE_MS);
      }
    };
    try {
      await Promise.all(Array.from({ length: depth }, lane));
    } catch (error) {
      if (!(error instanceof CacheError) || error.code !== 'CLOSED') throw error;
      this.clients.delete(client);
      if (!this.isEnding) await this.replaceWriter();
    }
  }

  private async replaceWriter(): Promise<void> {
    await sleep(PAUSE_MS);
    if (this.isEnding) return;
    // Where nobody listens any more the disaster has come, and nobody has to take the place.
    await this.openWriter().catch(() => undefined);
  }

  /** Whether the server refused it. Rejects where nobody knows. */
  private async send(client: Client, history: History, number: number): Promise<boolean> {
    const commands = history.operation(number).map((words) => client.command(...words));
    const outcomes = await Promise.allSettled(commands);
    let isRefused = false;
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      const error: unknown = outcome.reason;
      if (!(error instanceof CacheError) || error.code !== 'REPLY') throw error;
      isRefused = true;
    }
    history.noteAnswer(number, performance.now(), isRefused);
    for (const tell of this.onAnswer.splice(0)) tell();
    return isRefused;
  }
}

export async function readState(client: Client, history: History): Promise<State> {
  return history.stateOf(await Promise.all(history.questions().map((words) => client.command(...words))));
}

/** What became of a load, all connections together. */
export interface Outcome {
  readonly acknowledged: number;
  readonly lost: number;
  /** How old the oldest lost acknowledgement was at `atMs`; 0 where none is lost. */
  readonly oldestLostMs: number;
  readonly problems: readonly string[];
  readonly verdicts: readonly Verdict[];
}

/** Asks a server what is left. */
export async function judge(client: Client, load: Load, atMs: number): Promise<Outcome> {
  const verdicts: Verdict[] = [];
  for (const history of load.histories) verdicts.push(history.judge(await readState(client, history)));
  const ages = verdicts.map(({ oldestLostMs }) => (oldestLostMs === null ? 0 : atMs - oldestLostMs));
  return {
    acknowledged: load.acknowledged,
    lost: verdicts.reduce((sum, { lost }) => sum + lost, 0),
    oldestLostMs: Math.max(...ages),
    problems: verdicts.flatMap(({ problem }) => problem ?? []),
    verdicts,
  };
}

export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
