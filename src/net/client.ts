/**
 * Client: commands out, promises of replies back, pipelined over one connection.
 *
 * For the library's own daemons, tools and tests; applications have ioredis and node-redis. Commands that are sent in
 * one turn leave in one write. Error replies reject with `CacheError` REPLY; a lost connection rejects all that
 * waits with CLOSED, because nobody can know whether the command was carried out.
 */
import Denque from 'denque';
import { CacheError, Output, type Timers } from '../base';
import {
  decodeReply,
  NEED_MORE,
  PushReply,
  REPLY,
  ReplyError,
  ReplyParser,
  writeCommand,
  type CommandArgument,
  type DecodeOptions,
  type Reply,
} from '../resp';
import { addressText, type Address, type Connection, type ConnectionHandler } from './connection';
import { connect } from './tcp';
import type { TlsContext } from './tls-context';
import { Turn } from './turn';

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export interface ClientEvents {
  /** A message that is no answer to a command (RESP3 push). */
  push?: (message: PushReply) => void;
  /** The connection is gone; null after `close()`. */
  closed?: (error: Error | null) => void;
}

export class Client implements ConnectionHandler {
  inTurn = false;
  private readonly out = new Output();
  private readonly parser = new ReplyParser();
  private readonly waiting = new Denque<Waiting>();
  private readonly turn: Turn;
  private isClosed = false;
  private settleEnd: (() => void)[] = [];
  private connection!: Connection;

  private constructor(
    timers: Timers,
    private readonly events: ClientEvents,
    private readonly options: DecodeOptions,
  ) {
    this.turn = new Turn(timers);
  }

  /** Resolves when the connection stands, with `tls` under TLS. Rejects with CONNECT_FAILED. */
  static connect(
    address: Address,
    timers: Timers,
    events: ClientEvents = {},
    options: DecodeOptions = {},
    tls: TlsContext | null = null,
  ): Promise<Client> {
    return new Promise((resolve, reject) => {
      const client = new Client(timers, events, options);
      let opened = false;
      const handler: ConnectionHandler = {
        received: (buffer, start, end) => client.received(buffer, start, end),
        closed: (cause) => {
          if (opened) {
            client.closed(cause);
            return;
          }
          const reason = cause === null ? 'closed' : cause.message;
          reject(new CacheError('CONNECT_FAILED', `cannot connect to ${addressText(address)}: ${reason}`, { cause }));
        },
      };
      const stands = (connection: Connection): void => {
        opened = true;
        client.connection = connection;
        resolve(client);
      };
      connect(address, handler, stands, tls);
    });
  }

  /** A client over a connection that stands already, e.g. one end of a `memoryPair`. */
  static over(connection: Connection, timers: Timers, events: ClientEvents = {}, options: DecodeOptions = {}): Client {
    const client = new Client(timers, events, options);
    client.connection = connection;
    return client;
  }

  /** Sends a command; resolves with its reply. Rejects with REPLY for an error reply, CLOSED if none can come. */
  command(...args: CommandArgument[]): Promise<Reply> {
    if (this.isClosed) return Promise.reject(closedError(null));
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      writeCommand(this.out, args);
      this.turn.join(this);
    });
  }

  /** Sends a command that gets no reply. */
  tell(...args: CommandArgument[]): void {
    if (this.isClosed) return;
    writeCommand(this.out, args);
    this.turn.join(this);
  }

  /** Closes the connection; what waits is rejected. Resolves when it is gone. */
  close(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.settleEnd.push(resolve);
      this.connection.destroy();
    });
  }

  flush(): void {
    if (!this.isClosed) this.out.flush(this.connection);
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    const { parser } = this;
    parser.feed(buffer, start, end);
    for (;;) {
      const answer = parser.next();
      if (answer === NEED_MORE) return;
      if (answer !== REPLY) {
        this.connection.destroy();
        return;
      }
      const reply = decodeReply(parser.buffer, parser.start, parser.end, this.options);
      if (reply instanceof PushReply) {
        this.events.push?.(reply);
        continue;
      }
      const waiting = this.waiting.shift();
      if (waiting === undefined) continue;
      if (reply instanceof ReplyError) waiting.reject(new CacheError('REPLY', reply.message));
      else waiting.resolve(reply);
    }
  }

  closed(error: Error | null): void {
    this.isClosed = true;
    this.out.clear();
    for (let waiting = this.waiting.shift(); waiting !== undefined; waiting = this.waiting.shift()) {
      waiting.reject(closedError(error));
    }
    this.events.closed?.(this.settleEnd.length > 0 ? null : error);
    for (const settle of this.settleEnd) settle();
  }
}

function closedError(cause: Error | null): CacheError {
  return new CacheError('CLOSED', `the connection is closed${cause === null ? '' : `: ${cause.message}`}`, { cause });
}
