/**
 * ConfigSession: one connection to a config server.
 *
 * Words in, one reply each, in order; a request that waits for the leader holds back what comes after it. What any RESP client says by
 * way of greeting (HELLO, AUTH, PING, CLIENT, COMMAND, SELECT 0, QUIT) is answered, so that redis-cli, ioredis and node-redis
 * can be used as they are. What is about the connection itself is done here; all else goes to the control plane.
 */
import Denque from 'denque';
import { Output, VERSION } from '../base';
import {
  areRight,
  HELLO_NEEDS_AUTH,
  NO_AUTH,
  parseAuth,
  parseHello,
  writeHello,
  WRONG_PASS,
  wrongArity,
  type Credentials,
} from '../commands';
import type { Connection, ConnectionHandler, Flushable } from '../net';
import { COMMAND, CommandParser, NEED_MORE, ReplyWriter } from '../resp';
import { eventMessage, perform, treatmentOf, viewMessage } from './commands';
import type { ConfigNode } from './config-node';
import type { ControlAnswer } from './passing';
import type { Follower, ReplyValue } from './scene';
import type { ConfigEvent } from './state-parts';

const VERSION_NONE = -1;

/** Requests that may wait for one that is being answered. */
const WAITING_MAX = 1024;

/** A subscriber to events that has not taken so many bytes is closed: unlike a view, none can be left out. */
const EVENT_BYTES_UNSENT_MAX = 4 * 1024 * 1024;

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
  private isSubscribedToEvents = false;
  private closing = false;
  /** The view that was sent last. */
  private sentVersion = VERSION_NONE;

  constructor(
    private readonly id: number,
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
        const tooMany = `more than ${WAITING_MAX} requests wait for their turn`;
        this.refuse(answer === COMMAND ? tooMany : parser.errorText || 'the request is too long');
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

  /** Whether views are pushed to it. */
  get followsView(): boolean {
    return this.isSubscribed;
  }

  /** Something was decided: sends what it follows. */
  offer(events: readonly ConfigEvent[]): void {
    this.offerView();
    if (!this.isSubscribedToEvents || events.length === 0) return;
    for (const event of events) this.push(eventMessage(event));
    if (this.connection.unsentBytes > EVENT_BYTES_UNSENT_MAX) this.closing = true;
  }

  /** Sends the current view if this connection follows, has not got it, and has taken what it was sent before. */
  private offerView(): void {
    const { view } = this.node.plane.state;
    if (!this.isSubscribed || view.version <= this.sentVersion || this.connection.unsentBytes > 0) return;
    this.sentVersion = view.version;
    this.push(viewMessage(view));
  }

  private push(message: readonly ReplyValue[]): void {
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

  private refuse(reason: string): void {
    this.reply.error(`ERR ${reason}`);
    this.node.strangers.refused(this.name, reason);
    this.closing = true;
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
    const { plane } = this.node;
    if (treatmentOf(words).place === 'leader') {
      this.isBusy = true;
      plane.request(words, this.name, (answer) => {
        this.isBusy = false;
        if (this.closing) return;
        this.answer(answer);
        this.carryOn();
      });
      return;
    }
    const answer = perform(plane.state, words);
    switch (answer.kind) {
      case 'value':
      case 'error':
        return this.answer(answer);
      case 'subscribe':
        this.reply.ok();
        this.isSubscribed = true;
        this.sentVersion = answer.version;
        return this.offerView();
      case 'subscribe-events':
        this.reply.ok();
        this.isSubscribedToEvents = true;
        return;
      case 'acknowledge':
        this.version = answer.version;
    }
  }

  private answer(answer: ControlAnswer): void {
    if (answer.kind === 'error') this.reply.error(answer.text);
    else this.write(answer.value);
  }

  /** Answers what clients say before they ask; false where it is something else. */
  private greet([word, ...rest]: readonly string[]): boolean {
    const { reply } = this;
    const name = word.toUpperCase();
    if (name === 'AUTH') {
      this.auth(rest);
    } else if (name === 'HELLO') {
      this.hello(rest);
    } else if (name === 'QUIT') {
      reply.ok();
      this.closing = true;
    } else if (!this.isAuthenticated) {
      reply.error(NO_AUTH);
    } else if (name === 'PING') {
      reply.simple('PONG');
    } else if (name === 'COMMAND') {
      reply.emptyArray();
    } else if (name === 'CLIENT' || (name === 'SELECT' && rest[0] === '0')) {
      reply.ok();
    } else {
      return false;
    }
    return true;
  }

  private auth(words: readonly string[]): void {
    const credentials =
      words.length === 0 ? wrongArity('auth') : parseAuth(words, this.node.settings.values.requirepass);
    if (typeof credentials === 'string') this.reply.error(credentials);
    else if (this.authenticate(credentials)) this.reply.ok();
  }

  private hello(words: readonly string[]): void {
    const { reply } = this;
    const hello = parseHello(words);
    if (typeof hello === 'string') return reply.error(hello);
    if (hello.credentials !== null && !this.authenticate(hello.credentials)) return;
    if (!this.isAuthenticated) return reply.error(HELLO_NEEDS_AUTH);
    if (hello.protocol !== null) reply.protocol = hello.protocol;
    writeHello(reply, { server: 'cache-config', version: VERSION, id: this.id, role: 'master' });
  }

  /** False after the error reply where the credentials are wrong. */
  private authenticate(credentials: Credentials): boolean {
    const isRight = areRight(credentials, this.node.settings.values.requirepass);
    if (isRight) {
      this.isAuthenticated = this.parser.authenticated = true;
    } else {
      this.reply.error(WRONG_PASS);
      this.node.strangers.refused(this.name, 'wrong password');
    }
    return isRight;
  }

  private write(value: ReplyValue): void {
    const { reply } = this;
    if (value === null) reply.null();
    else if (typeof value === 'number') reply.integer(value);
    else if (typeof value === 'string') reply.text(value);
    else if (isList(value)) {
      reply.array(value.length);
      for (const each of value) this.write(each);
    } else {
      const names = Object.keys(value);
      reply.map(names.length);
      for (const name of names) {
        reply.text(name);
        this.write(value[name]);
      }
    }
  }
}

function isList(value: ReplyValue): value is readonly ReplyValue[] {
  return Array.isArray(value);
}
