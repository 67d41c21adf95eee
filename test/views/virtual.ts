/**
 * A virtual clock with timers, and config servers of paper that a ViewLink can be connected to: for tests in which no time passes but by
 * their word.
 */
import { Random, realWorld, type LogLevel, type Timers, type World } from '../../src/base';
import { addressText, type Address, type Connection, type ConnectionHandler } from '../../src/net';
import { COMMAND, CommandParser, defaultProtocolLimits } from '../../src/resp';
import type { Connect } from '../../src/views';

interface Timer {
  atMs: number;
  readonly order: number;
  readonly everyMs: number;
  readonly task: () => void;
}

export class VirtualTime {
  nowMs = 1000;
  readonly log: [LogLevel, string][] = [];
  private readonly queue: Timer[] = [];
  private orders = 0;
  /** Until when time is let pass. */
  private endMs = this.nowMs;

  readonly timers: Timers = {
    every: (everyMs, task) => this.add(everyMs, task, everyMs),
    after: (delayMs, task) => this.add(delayMs, task, 0),
    endOfTurn: (task) => void this.add(0, task, 0),
  };

  readonly world: World = realWorld({
    clock: { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs },
    timers: this.timers,
    random: new Random(7),
    log: (level, message) => void this.log.push([level, message]),
  });

  private add(delayMs: number, task: () => void, everyMs: number): () => void {
    const timer: Timer = { atMs: this.nowMs + delayMs, order: this.orders++, everyMs, task };
    this.queue.push(timer);
    return () => {
      const at = this.queue.indexOf(timer);
      if (at >= 0) this.queue.splice(at, 1);
    };
  }

  /** Lets so much time pass. */
  pass(ms: number): void {
    this.endMs = this.nowMs + ms;
    for (;;) {
      this.queue.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const timer = this.queue[0];
      if (timer === undefined || timer.atMs > this.endMs) break;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      if (timer.everyMs > 0) timer.atMs += timer.everyMs;
      else this.queue.shift();
      timer.task();
    }
    this.nowMs = this.endMs;
  }

  /** The process stands still: the clock goes on, and nothing is done meanwhile. */
  freeze(ms: number): void {
    this.nowMs += ms;
    this.endMs += ms;
  }
}

/** One connection to a config server of paper; what it answers is up to `answer`. */
export class PaperSession {
  isOpen = true;
  readonly connection: Connection;
  private readonly parser = new CommandParser(defaultProtocolLimits());

  constructor(
    readonly server: PaperServer,
    private readonly client: ConnectionHandler,
  ) {
    const refuse = (): void => this.close();
    this.connection = {
      remoteAddress: addressText(server.address),
      localAddress: '10.0.0.9:50000',
      isLocal: false,
      unsentBytes: 0,
      write: (bytes) => {
        const copy = Buffer.from(bytes);
        server.time.timers.after(server.delayMs, () => this.received(copy));
        return true;
      },
      pauseReading: refuse,
      resumeReading: refuse,
      end: refuse,
      finish: refuse,
      destroy: refuse,
    };
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.server.time.timers.after(0, () => this.client.closed(null));
  }

  send(text: string): void {
    if (!this.isOpen) return;
    const bytes = Buffer.from(text);
    this.server.time.timers.after(this.server.delayMs, () => {
      if (this.isOpen) this.client.received(bytes, 0, bytes.length);
    });
  }

  push(version: number): void {
    const json = JSON.stringify({ version, groups: [], slots: [] });
    this.send(`>3\r\n$4\r\nview\r\n:${version}\r\n$${json.length}\r\n${json}\r\n`);
  }

  private received(bytes: Buffer): void {
    if (!this.isOpen || this.server.state === 'silent') return;
    const { parser, server } = this;
    parser.feed(bytes, 0, bytes.length);
    while (parser.next() === COMMAND) {
      const words = Array.from({ length: parser.argc }, (_, i) =>
        Buffer.from(parser.buffer.subarray(parser.starts[i], parser.ends[i])).toString(),
      );
      server.heard.push(words.join(' '));
      const answer = server.answer(words);
      if (answer !== null) this.send(answer);
    }
  }
}

export class PaperServer {
  /** `silent`: takes connections, and says nothing. `gone`: packets vanish. */
  state: 'up' | 'silent' | 'refusing' | 'gone' = 'up';
  /** Each way. */
  delayMs = 1;
  readonly heard: string[] = [];
  readonly sessions: PaperSession[] = [];
  /** Replies to renewals; others have fixed ones. */
  renewal = '*2\r\n:800\r\n:1\r\n';

  constructor(
    readonly time: { readonly timers: Timers },
    readonly address: { readonly host: string; readonly port: number },
  ) {}

  answer(words: readonly string[]): string | null {
    const [name, verb] = words;
    if (name === 'HELLO') return '%1\r\n+proto\r\n:3\r\n';
    if (name === 'VIEW') return verb === 'ACK' ? null : '+OK\r\n';
    if (name === 'LEASE') return this.renewal;
    return '+OK\r\n';
  }

  accept(client: ConnectionHandler, opened: (connection: Connection) => void): void {
    if (this.state === 'gone') return;
    this.time.timers.after(this.delayMs, () => {
      if (this.state === 'refusing') return client.closed(new Error('connection refused'));
      const session = new PaperSession(this, client);
      this.sessions.push(session);
      opened(session.connection);
    });
  }

  /** The process dies. */
  die(): void {
    this.state = 'refusing';
    for (const session of this.sessions) session.close();
  }
}

/** Three config servers, and the way to them. */
export function paperServers(time: { readonly timers: Timers }): { servers: PaperServer[]; connect: Connect } {
  const servers = [1, 2, 3].map((i) => new PaperServer(time, { host: `config${i}`, port: 6390 }));
  const connect: Connect = (address: Address, handler, opened) => {
    servers.find((server) => addressText(server.address) === addressText(address))!.accept(handler, opened);
  };
  return { servers, connect };
}
