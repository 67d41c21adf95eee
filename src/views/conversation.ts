/**
 * Conversation: one connection to a config server, and what is asked and answered on it, by callbacks.
 *
 * Callbacks, because the control plane's followers run in the simulator on virtual time, where a promise would be a second
 * scheduler. Each question is answered exactly once, with a reply, or with an error: an error reply (REPLY), or CLOSED where none can
 * come any more. After `close()` nothing is heard of it but those. An attempt to connect cannot be taken back: one that succeeds
 * after it was given up is closed.
 */
import Denque from 'denque';
import { CacheError, Output } from '../base';
import { addressText, type Address, type Connection, type ConnectionHandler } from '../net';
import { decodeReply, NEED_MORE, PushReply, REPLY, ReplyError, ReplyParser, writeCommand, type Reply } from '../resp';

/** Opens a connection: `connect` of net, or what a simulation or a test has in its place. */
export type Connect = (address: Address, handler: ConnectionHandler, opened: (connection: Connection) => void) => void;

/** Words of a command. */
export type Words = readonly (string | number)[];

/** What becomes of a question. */
export type Answered = (answer: Reply | Error) => void;

/** Who has the conversation. */
export interface ConversationEvents {
  /** It stands; nothing has been said. */
  opened(): void;
  /** A message that is no answer (RESP3 push). */
  pushed(message: PushReply): void;
  /** It could not be made, or is gone. Not called after `close()`. */
  lost(error: Error): void;
}

export class Conversation implements ConnectionHandler {
  private readonly out = new Output();
  private readonly parser = new ReplyParser();
  private readonly waiting = new Denque<Answered>();
  private connection: Connection | null = null;
  private isClosed = false;

  constructor(
    readonly address: Address,
    private readonly events: ConversationEvents,
  ) {}

  /** Connects. `opened` or `lost` follows, not necessarily after this has returned. */
  begin(connect: Connect): void {
    connect(this.address, this, (connection) => {
      if (this.isClosed) {
        connection.destroy();
        return;
      }
      this.connection = connection;
      this.events.opened();
    });
  }

  /** Where this end of it is, as "10.0.0.1:51234"; '' before it stands. */
  get localAddress(): string {
    return this.connection?.localAddress ?? '';
  }

  /** Questions that are not answered yet. */
  get openQuestions(): number {
    return this.waiting.length;
  }

  /** Sends a command; `answered` gets what comes of it, in the order of the commands. */
  ask(words: Words, answered: Answered): void {
    if (this.connection === null || this.isClosed) {
      answered(closedError(null));
      return;
    }
    this.waiting.push(answered);
    this.send(words);
  }

  /** Sends a command that gets no reply. */
  tell(words: Words): void {
    if (this.connection !== null && !this.isClosed) this.send(words);
  }

  private send(words: Words): void {
    writeCommand(this.out, words);
    this.out.flush(this.connection!);
  }

  /** Ends it now; what waits is told so. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection?.destroy();
    this.giveUpWaiting(closedError(null));
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    const { parser } = this;
    if (this.isClosed) return;
    parser.feed(buffer, start, end);
    while (!this.isClosed) {
      const answer = parser.next();
      if (answer === NEED_MORE) return;
      if (answer !== REPLY) {
        this.end(
          new CacheError('PROTOCOL', `${addressText(this.address)} sends what is no reply: ${parser.errorText}`),
        );
        return;
      }
      this.heard(decodeReply(parser.buffer, parser.start, parser.end));
    }
  }

  private heard(reply: Reply): void {
    if (reply instanceof PushReply) this.events.pushed(reply);
    else this.waiting.shift()?.(reply instanceof ReplyError ? new CacheError('REPLY', reply.message) : reply);
  }

  closed(error: Error | null): void {
    this.end(closedError(error));
  }

  private end(error: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection?.destroy();
    this.giveUpWaiting(error);
    this.events.lost(error);
  }

  private giveUpWaiting(error: Error): void {
    for (let answered = this.waiting.shift(); answered !== undefined; answered = this.waiting.shift()) answered(error);
  }
}

function closedError(cause: Error | null): CacheError {
  return new CacheError('CLOSED', `the connection is closed${cause === null ? '' : `: ${cause.message}`}`, { cause });
}
