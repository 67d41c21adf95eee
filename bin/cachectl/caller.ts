/**
 * Caller: asks the config servers of a list until one has an answer.
 *
 * Any of them will do, as they pass on what only the leader can decide; the next is tried where one is down, or cut off from the
 * majority. A change carries a name (ONCE), the same each time it is sent: so it may be sent again when nobody knows what became of
 * it, and is carried out once. What has no name is not sent again after it may have been received.
 */
import { randomUUID } from 'node:crypto';
import { CacheError, realTimers } from '../../src/base';
import { addressText, Client, type Address, type ClientEvents, type TlsContext } from '../../src/net';
import type { Reply } from '../../src/resp';
import { EXIT, Failure } from './failure';

export interface CallerOptions {
  readonly servers: readonly Address[];
  /** '' for none. */
  readonly password: string;
  readonly tls: TlsContext | null;
  /** In which a call must be answered. */
  readonly timeoutMs: number;
}

/** How often a call may be sent. */
export type Repetition = 'repeatable' | 'named' | 'once';

const GREETING_MS_MAX = 2000;
const PAUSE_MS = 100;
/** Error replies by which a config server says that it cannot decide now. */
const CANNOT_DECIDE = ['NOQUORUM', 'UNKNOWNOUTCOME'];

export class Caller {
  private client: Client | null = null;
  private isOpen = false;
  private next = 0;

  constructor(
    private readonly options: CallerOptions,
    private readonly events: ClientEvents = {},
  ) {}

  /** The server that the connection leads to, or the one that is tried next. */
  private get server(): string {
    return addressText(this.options.servers[this.next]);
  }

  /** The answer. Rejects with a Failure: `refused` or `unreachable`. */
  call(words: readonly string[], repetition: Repetition): Promise<Reply> {
    const sent = repetition === 'named' ? ['ONCE', randomUUID(), ...words] : words;
    return this.attempt((client) => client.command(...sent), repetition);
  }

  /** Asks for what is pushed. Resolves when a server has taken it up, be it without an answer. Nothing can be called on this caller any more. */
  async subscribe(...words: string[]): Promise<void> {
    await this.attempt((client) => Promise.race([client.command(...words), client.command('PING')]), 'repeatable');
  }

  /** Ends the connection; the next call makes another. */
  close(): void {
    this.isOpen = false;
    void this.client?.close();
    this.client = null;
  }

  private async attempt(send: (client: Client) => Promise<Reply>, repetition: Repetition): Promise<Reply> {
    const deadlineMs = performance.now() + this.options.timeoutMs;
    const reasons = new Map<string, string>();
    let mayBeDone = false;
    for (;;) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw unanswered(reasons, mayBeDone);
      let isSent = false;
      try {
        const client = await this.connected(Math.min(leftMs, GREETING_MS_MAX));
        isSent = true;
        return await within(deadlineMs - performance.now(), send(client));
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        const prefix = error.message.split(' ', 1)[0];
        if (error.code === 'REPLY' && !(CANNOT_DECIDE.includes(prefix) && repetition !== 'once')) {
          throw new Failure(EXIT.refused, error.message, { cause: error });
        }
        if (isSent && repetition === 'once') {
          const unknown = `nobody knows what became of it: ${this.server}: ${error.message}`;
          throw new Failure(EXIT.refused, unknown, { cause: error });
        }
        mayBeDone ||= isSent && repetition === 'named' && prefix !== 'NOQUORUM';
        // Of a connection that failed the cause says it all, as the server is named anyway.
        reasons.set(this.server, error.cause instanceof Error ? error.cause.message : error.message);
        this.turnToNext();
        // All have been asked: what keeps them from deciding may pass.
        if (this.next === 0) await pause(Math.min(PAUSE_MS, Math.max(0, deadlineMs - performance.now())));
      }
    }
  }

  /** Gives up the present server for the next of the list. */
  private turnToNext(): void {
    this.close();
    this.next = (this.next + 1) % this.options.servers.length;
  }

  private async connected(withinMs: number): Promise<Client> {
    if (this.client !== null && this.isOpen) return this.client;
    const { servers, password, tls } = this.options;
    let client: Client | null = null;
    const closed = (error: Error | null): void => {
      // One that this side gave up is nobody's loss.
      if (client === null || this.client !== client) return;
      this.isOpen = false;
      this.events.closed?.(error);
    };
    const connecting = Client.connect(servers[this.next], realTimers, { ...this.events, closed }, {}, tls);
    client = await within(withinMs, connecting);
    this.client = client;
    const greeting = client.command('HELLO', 3, ...(password === '' ? [] : ['AUTH', 'default', password]));
    await within(withinMs, greeting);
    this.isOpen = true;
    return client;
  }
}

/** Rejects with TIMEOUT when the promise has not settled in time. */
function within<Value>(timeoutMs: number, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new CacheError('TIMEOUT', 'it did not answer in time'));
    const timer = setTimeout(late, Math.max(0, timeoutMs));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function unanswered(reasons: ReadonlyMap<string, string>, mayBeDone: boolean): Failure {
  const lines = Array.from(reasons, ([server, reason]) => `  ${server}: ${reason}`);
  const outcome = mayBeDone ? 'nobody knows what became of it' : 'no config server could answer in time';
  return new Failure(mayBeDone ? EXIT.refused : EXIT.unreachable, [`${outcome}:`, ...lines].join('\n'));
}
