/**
 * A config server of paper: answers commands as its test says, and remembers what it was asked.
 */
import { Output } from '../../src/base';
import { listen, type Connection, type Listener } from '../../src/net';
import { COMMAND, CommandParser, defaultProtocolLimits, NEED_MORE, ReplyWriter } from '../../src/resp';

export type Answer = string | number | null | readonly Answer[] | { readonly [name: string]: Answer };

/** In place of an answer: the connection is closed; nothing, as the test says it later. */
export const DROP = Symbol('drop');
export const LATER = Symbol('later');

type Outcome = Answer | Error | typeof DROP | typeof LATER;

/** What becomes of a command. */
export type Script = (words: readonly string[], connection: FakeConnection) => Outcome;

export class FakeConfigServer {
  /** All commands but the greetings. */
  readonly asked: string[][] = [];
  readonly connections = new Set<FakeConnection>();
  private listener!: Listener;

  constructor(private readonly script: Script) {}

  async start(port: number): Promise<void> {
    this.listener = await listen({ host: '127.0.0.1', port }, {}, (connection) => {
      const fake = new FakeConnection(connection, (words) => this.answer(words, fake));
      this.connections.add(fake);
      return fake;
    });
  }

  async stop(): Promise<void> {
    for (const { connection } of this.connections) connection.destroy();
    await this.listener.close();
  }

  private answer(words: string[], connection: FakeConnection): Outcome {
    if (words[0] === 'HELLO') return { server: 'redis' };
    this.asked.push(words);
    return this.script(words, connection);
  }
}

export class FakeConnection {
  private readonly out = new Output();
  private readonly reply = new ReplyWriter(this.out);
  private readonly parser = new CommandParser(defaultProtocolLimits());

  constructor(
    readonly connection: Connection,
    private readonly answer: (words: string[]) => Outcome,
  ) {
    this.reply.protocol = 3;
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    const { parser } = this;
    parser.feed(buffer, start, end);
    for (;;) {
      const answer = parser.next();
      if (answer === NEED_MORE) break;
      if (answer !== COMMAND) throw new Error('cachectl sent what is no command');
      const words: string[] = [];
      for (let i = 0; i < parser.argc; i++) {
        words.push(Buffer.from(parser.buffer.subarray(parser.starts[i], parser.ends[i])).toString());
      }
      const reply = this.answer(words);
      if (reply === DROP) this.connection.destroy();
      else if (reply instanceof Error) this.reply.error(reply.message);
      else if (reply !== LATER) this.write(reply);
    }
    this.out.flush(this.connection);
  }

  /** The answer that was left for later. */
  say(answer: Answer): void {
    this.write(answer);
    this.out.flush(this.connection);
  }

  push(values: readonly Answer[]): void {
    this.reply.push(values.length);
    for (const value of values) this.write(value);
    this.out.flush(this.connection);
  }

  closed(): void {
    this.out.clear();
  }

  private write(answer: Answer): void {
    const { reply } = this;
    if (answer === null) reply.null();
    else if (typeof answer === 'number') reply.integer(answer);
    else if (typeof answer === 'string') reply.text(answer);
    else if (Array.isArray(answer)) {
      reply.array(answer.length);
      for (const each of answer as readonly Answer[]) this.write(each);
    } else {
      const entries = Object.entries(answer as { readonly [name: string]: Answer });
      reply.map(entries.length);
      for (const [name, value] of entries) {
        reply.text(name);
        this.write(value);
      }
    }
  }
}
