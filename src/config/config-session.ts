/**
 * ConfigSession: one connection to a config server.
 *
 * Words in, one reply each, in order; a change that is being made durable holds back what comes after it. What any
 * RESP client says by way of greeting (HELLO, AUTH, PING, CLIENT, COMMAND, SELECT 0, QUIT) is answered, so that
 * redis-cli, ioredis and node-redis can be used as they are.
 */
import { timingSafeEqual } from 'node:crypto';
import Denque from 'denque';
import { Output, VERSION } from '../base';
import type { Connection, ConnectionHandler, Flushable } from '../net';
import { COMMAND, CommandParser, NEED_MORE, ReplyWriter } from '../resp';
import { perform, refusalText, viewMessage, type Follower, type ReplyValue } from './commands';
import type { ConfigNode } from './config-node';

const VERSION_NONE = -1;

/** Requests that may wait for one that is being made durable. */
const WAITING_MAX = 1024;

export class ConfigSession implements ConnectionHandler, Flushable, Follower {
  inTurn = false;
  /** The view that the other side says it routes by. */
  version = VERSION_NONE;

  private readonly out = new Output();
  private readonly reply = new ReplyWriter(this.out);
  private readonly parser: CommandParser;
  private readonly waiting = new Denque<string[]>();
  private isBusy = false;
  private isAuthenticated: boolean;
  private isSubscribed = false;
  private closing = false;
  /** The view that was sent last. */
  private sentVersion = VERSION_NONE;

  constructor(
    private readonly node: ConfigNode,
    private readonly connection: Connection,
  ) {
    this.parser = new CommandParser(node.limits);
    this.isAuthenticated = node.settings.values.requirepass === '';
    this.parser.authenticated = this.isAuthenticated;
  }

  get name(): string {
    return this.connection.remoteAddress;
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    if (this.closing) return;
    const { parser } = this;
    parser.feed(buffer, start, end);
    for (;;) {
      const answer = parser.next();
      if (answer === NEED_MORE) break;
      if (answer !== COMMAND || this.waiting.length >= WAITING_MAX) {
        if (parser.errorText !== '') this.reply.error(`ERR ${parser.errorText}`);
        this.closing = true;
        break;
      }
      const words: string[] = [];
      for (let i = 0; i < parser.argc; i++) {
        words.push(Buffer.from(parser.buffer.subarray(parser.starts[i], parser.ends[i])).toString());
      }
      this.waiting.push(words);
    }
    this.carryOn();
  }

  drained(): void {
    this.offerView();
  }

  /** Sends the current view if this connection follows, has not got it, and has taken what it was sent before. */
  offerView(): void {
    const { view } = this.node.authority.state;
    if (!this.isSubscribed || view.version <= this.sentVersion || this.connection.unsentBytes > 0) return;
    this.sentVersion = view.version;
    const message = viewMessage(view) as readonly ReplyValue[];
    this.reply.push(message.length);
    for (const each of message) this.write(each);
    this.node.turn.join(this);
  }

  flush(): void {
    this.out.flush(this.connection);
    if (this.closing) this.connection.end();
  }

  close(): void {
    this.closing = true;
    this.connection.end();
  }

  closed(): void {
    this.closing = true;
    this.out.clear();
    this.waiting.clear();
    this.node.sessions.delete(this);
  }

  private carryOn(): void {
    while (!this.isBusy) {
      const words = this.waiting.shift();
      if (words === undefined) break;
      this.carryOut(words);
    }
    if (this.out.length > 0 || this.closing) this.node.turn.join(this);
  }

  private carryOut(words: string[]): void {
    if (this.greet(words)) return;
    const { authority, sessions } = this.node;
    const followers = [...sessions].filter((session) => session.isSubscribed);
    const answer = perform(authority.state, words, followers);
    switch (answer.kind) {
      case 'value':
        this.write(answer.value);
        break;
      case 'error':
        this.reply.error(answer.text);
        break;
      case 'subscribe':
        this.isSubscribed = true;
        this.sentVersion = answer.version;
        this.offerView();
        break;
      case 'acknowledge':
        this.version = answer.version;
        break;
      case 'propose':
        this.isBusy = true;
        authority
          .propose(answer.command, this.name)
          .then(
            (outcome) => {
              if (outcome.accepted) this.reply.integer(outcome.event.version);
              else this.reply.error(refusalText(outcome));
            },
            (error: Error) => this.reply.error(`ERR the change could not be saved: ${error.message}`),
          )
          .finally(() => {
            this.isBusy = false;
            if (!this.closing) this.carryOn();
          })
          .catch((error: Error) => this.node.world.log('warning', `Closing ${this.name}: ${error.stack}`));
    }
  }

  /** Answers what clients say before they ask; false where it is something else. */
  private greet(words: string[]): boolean {
    const { reply } = this;
    const name = words[0].toUpperCase();
    if (name === 'AUTH' || (name === 'HELLO' && words[2]?.toUpperCase() === 'AUTH')) {
      if (!this.authenticate(words[words.length - 1])) return true;
      if (name === 'AUTH') {
        reply.ok();
        return true;
      }
    }
    if (name === 'QUIT') {
      reply.ok();
      this.closing = true;
      return true;
    }
    if (!this.isAuthenticated) {
      reply.error('NOAUTH Authentication required.');
      return true;
    }
    if (name === 'HELLO') this.hello(words[1]);
    else if (name === 'PING') reply.simple('PONG');
    else if (name === 'COMMAND') reply.emptyArray();
    else if (name === 'CLIENT' || (name === 'SELECT' && words[1] === '0')) reply.ok();
    else return false;
    return true;
  }

  private authenticate(password: string): boolean {
    const expected = Buffer.from(this.node.settings.values.requirepass);
    const given = Buffer.from(password);
    const isRight = expected.length > 0 && expected.length === given.length && timingSafeEqual(expected, given);
    if (isRight) this.isAuthenticated = this.parser.authenticated = true;
    else this.reply.error('WRONGPASS invalid username-password pair or user is disabled.');
    return isRight;
  }

  private hello(version: string | undefined): void {
    const { reply } = this;
    if (version !== undefined && version !== '2' && version !== '3') {
      reply.error('NOPROTO unsupported protocol version');
      return;
    }
    if (version !== undefined) reply.protocol = version === '3' ? 3 : 2;
    const fields: [string, ReplyValue][] = [
      ['server', 'cache-config'],
      ['version', VERSION],
      ['proto', reply.protocol],
      ['mode', 'standalone'],
      ['role', 'master'],
      ['modules', []],
    ];
    reply.map(fields.length);
    for (const [key, value] of fields) {
      this.write(key);
      this.write(value);
    }
  }

  private write(value: ReplyValue): void {
    const { reply } = this;
    if (value === null) reply.null();
    else if (typeof value === 'number') reply.integer(value);
    else if (typeof value === 'string') reply.text(value);
    else {
      reply.array(value.length);
      for (const each of value) this.write(each);
    }
  }
}
