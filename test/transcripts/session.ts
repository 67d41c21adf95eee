/**
 * Stage and session: what a transcript needs of a thing that answers commands.
 *
 * A *stage* is one way to reach a server (in process, over TCP, through the proxy, a real Redis); a *session* is one
 * connection to it. `WireSession` does all that is the same everywhere, bytes in and bytes out, so that a new stage
 * only has to say how bytes travel. Replies are answered strictly in order, so many may be asked for at once.
 */
import { readReply, type ReadReply } from './reply';

export interface Stage {
  /** Its words are what `@not` and `@only` of a transcript mean. */
  readonly name: string;
  readonly protocol: 2 | 3;
  /** Why the stage cannot play on this machine; null where it can. */
  readonly skipped: string | null;
  /** The version of a real Redis; undefined for a server of ours, which speaks the newest that transcripts know. */
  readonly redisVersion?: string;
  /** A fresh connection that speaks `protocol`; starts the server where it does not run yet. */
  open(): Promise<StageSession>;
  /** Empties all databases. Without it, FLUSHALL is sent. */
  reset?(): Promise<void>;
  close(): Promise<void>;
}

export interface StageSession {
  /** Sends one command; answers its reply as text, preceded by pushes that came before it. */
  send(args: Buffer[]): Promise<string>;
  /** Sends bytes as they are. */
  write(bytes: Buffer): void;
  /** The next reply or push, `(closed)` where the connection has ended. */
  read(): Promise<string>;
  /** Ends the connection; done when the server has ended it too. */
  close(): Promise<void>;
}

/** How long a reply may take before the server counts as stuck: a guard, not an assertion about speed. */
const REPLY_TIMEOUT_MS = 5000;

export const CLOSED = '(closed)';

type Waiter = (reply: ReadReply | null) => void;

/** A session over anything that carries bytes; the carrier calls `receive` and `ended`. */
export abstract class WireSession implements StageSession {
  private received = Buffer.alloc(0);
  private isEnded = false;
  private readonly arrived: ReadReply[] = [];
  private readonly waiters: Waiter[] = [];

  constructor(private protocol: 2 | 3 = 2) {}

  abstract write(bytes: Buffer): void;
  abstract close(): Promise<void>;

  async send(args: Buffer[]): Promise<string> {
    this.write(encode(args));
    const pushes: string[] = [];
    let reply = await this.next();
    while (reply !== null && reply.isPush) {
      pushes.push(reply.text);
      reply = await this.next();
    }
    if (reply === null) return [...pushes, CLOSED].join('\n');
    this.noteProtocol(args, reply);
    this.check(reply);
    return [...pushes, reply.text].join('\n');
  }

  async read(): Promise<string> {
    const reply = await this.next();
    if (reply === null) return CLOSED;
    this.check(reply);
    return reply.text;
  }

  protected receive(bytes: Buffer): void {
    this.received = Buffer.concat([this.received, bytes]);
    let at = 0;
    for (let reply = this.replyAt(at); reply !== null; reply = this.replyAt(at)) {
      at = reply.next;
      const waiter = this.waiters.shift();
      if (waiter === undefined) this.arrived.push(reply);
      else waiter(reply);
    }
    this.received = this.received.subarray(at);
  }

  protected ended(): void {
    this.isEnded = true;
    for (const waiter of this.waiters.splice(0)) waiter(null);
  }

  private replyAt(at: number): ReadReply | null {
    return at < this.received.length ? readReply(this.received, at) : null;
  }

  private next(): Promise<ReadReply | null> {
    const reply = this.arrived.shift();
    if (reply !== undefined || this.isEnded) return Promise.resolve(reply ?? null);
    return new Promise((resolve, reject) => {
      const guard = setTimeout(() => reject(new Error(`no reply within ${REPLY_TIMEOUT_MS} ms`)), REPLY_TIMEOUT_MS);
      this.waiters.push((arrived) => {
        clearTimeout(guard);
        resolve(arrived);
      });
    });
  }

  /** HELLO and RESET change the protocol, and already their own reply comes in the new one. */
  private noteProtocol(args: Buffer[], reply: ReadReply): void {
    const name = args[0]?.toString('latin1').toLowerCase();
    if (reply.text.startsWith('(error)')) return;
    if (name === 'reset') this.protocol = 2;
    else if (name === 'hello' && args.length > 1) this.protocol = args[1].toString() === '3' ? 3 : 2;
  }

  private check(reply: ReadReply): void {
    if (reply.protocol === 0 || reply.protocol === this.protocol) return;
    throw new Error(`a reply that only RESP${reply.protocol} knows, to a RESP${this.protocol} client:\n${reply.text}`);
  }
}

/** A command as an array of bulk strings. */
export function encode(args: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) parts.push(Buffer.from(`$${arg.length}\r\n`), arg, Buffer.from('\r\n'));
  return Buffer.concat(parts);
}

/** Words as arguments: `command('SET', 'k', 'v')`. */
export function command(...words: (string | Buffer)[]): Buffer[] {
  return words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word));
}
