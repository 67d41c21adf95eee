/**
 * Backend: one connection to one server in one version of RESP, shared by all clients and pipelined.
 *
 * Commands gather in `out` and leave in one write at the end of the turn; replies come in the same order and go, as the
 * bytes they are, to the tickets that wait in `inFlight`. Replies that follow each other for one session are copied as
 * one piece. The connection is opened by the first command, which waits for it; the greeting (authentication, protocol,
 * a check that the server has all databases) is answered before any client's command is sent.
 *
 * What always holds:
 * - every reply that is owed is delivered exactly once, or replaced exactly once: by UNKNOWNOUTCOME where the command had
 *   been written when the connection was lost, by CLUSTERDOWN where it had not; nothing is ever sent twice;
 * - while a server cannot be reached, commands for it fail at once and only for its slots; trying again goes on in the
 *   background, at intervals that grow and are jittered, so that many proxies do not knock at the same moment;
 * - `database` is the one that the next command in `out` will meet: a SELECT of ours goes before it where it must.
 */
import Denque from 'denque';
import { Output, type World } from '../base';
import type { Address, Connection, Flushable, Turn } from '../net';
import { encodeCommand, NEED_MORE, REPLY, ReplyParser, replyTypes, writeCommand } from '../resp';
import type { Member } from '../slots';
import { outcomeUnknown, serverBusy, unreachable } from './error-replies';
import { greetingOf, Link, type Dial } from './link';
import type { Session } from './session';
import type { ProxySettings } from './settings';
import { releaseTicket, Ticket } from './ticket';

/** What a backend needs of the proxy around it. */
export interface BackendHost {
  readonly world: World;
  readonly settings: ProxySettings;
  readonly turn: Turn;
  readonly dial: Dial;
  /** Says that something is being done in this turn; returns its time, monotonic ms. */
  beginTurn(): number;
  /** A retired backend has closed. */
  backendClosed(backend: Backend): void;
}

export type BackendState = 'idle' | 'connecting' | 'open' | 'broken' | 'closed';

/** From dialling to the end of the greeting. */
const CONNECT_TIMEOUT_MS = 1000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1000;
/** How long commands in flight may take after the view has dropped their server. */
const DRAIN_MS = 1000;
/** A server that does not even take this much is busy. */
const UNSENT_BYTES_MAX = 256 * 1024 * 1024;

/** Stands in `inFlight` for each SELECT of ours. */
const SELECTION = new Ticket();

export class Backend implements Flushable {
  inTurn = false;
  readonly id: string;
  readonly out = new Output();
  state: BackendState = 'idle';
  /** Replies that are still to come, those to our own SELECTs included. */
  owed = 0;
  /** Commands sent so far. */
  commands = 0;
  /** How often a connection that stood was lost. */
  losses = 0;
  /** Of the division that is being made: this backend's number in it. */
  part = 0;

  private readonly address: Address;
  private readonly inFlight = new Denque<Ticket>();
  private parser = new ReplyParser();
  private link: Link | null = null;
  /** Those of `owed` whose commands are still in `out`. */
  private unwritten = 0;
  private database = 0;
  private greetingOwed = 0;
  private lastHeardMs = 0;
  private failures = 0;
  private retiring = false;
  private cancelTimer: (() => void) | null = null;
  private cancelDrain: (() => void) | null = null;

  constructor(
    private readonly host: BackendHost,
    member: Member,
    readonly protocol: 2 | 3,
  ) {
    this.id = member.id;
    this.address = { host: member.host, port: member.port };
  }

  // ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Why no command can be taken now; null where one can. */
  refusal(): string | null {
    if (this.state === 'broken' || this.state === 'closed') return unreachable(this.id);
    if (this.owed < this.host.settings.values['in-flight-max'] && this.unsentBytes < UNSENT_BYTES_MAX) return null;
    return serverBusy(this.id, this.owed);
  }

  /** Prepares for commands in `database`, which the caller appends to `out` and announces by `expect`. */
  begin(database: number): void {
    const nowMs = this.host.beginTurn();
    if (this.owed === 0) this.lastHeardMs = nowMs;
    if (this.state === 'idle') this.connect('connecting');
    if (this.database !== database) this.select(database);
    this.host.turn.join(this);
  }

  /** The ticket that was announced last; undefined where no reply is owed. */
  lastTicket(): Ticket | undefined {
    return this.inFlight.peekBack();
  }

  /** A ticket's first command is going to be appended. */
  enqueue(ticket: Ticket): void {
    this.inFlight.push(ticket);
  }

  /** One more command of the last ticket is going to be appended. */
  expect(ticket: Ticket): void {
    ticket.owed++;
    this.owed++;
    this.unwritten++;
    this.commands++;
  }

  private select(database: number): void {
    writeCommand(this.out, ['SELECT', database]);
    this.inFlight.push(SELECTION);
    this.owed++;
    this.unwritten++;
    this.database = database;
  }

  flush(): void {
    if (this.state !== 'open' || this.link?.connection == null) return;
    this.out.flush(this.link.connection);
    this.unwritten = 0;
  }

  get unsentBytes(): number {
    return this.out.length + (this.link?.connection?.unsentBytes ?? 0);
  }

  // ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────

  received(buffer: Uint8Array, start: number, end: number): void {
    const { parser, inFlight, host } = this;
    this.lastHeardMs = host.beginTurn();
    parser.feed(buffer, start, end);
    if (this.greetingOwed > 0) {
      this.readGreeting();
      return;
    }
    let ticket = inFlight.peekFront();
    // A run of replies for one session, [runStart, runEnd) of `buffer`, that is not copied yet.
    let runSession: Session | null = null;
    let runStart = 0;
    let runEnd = 0;
    let isSound = true;
    let answer = parser.next();
    for (; answer === REPLY; answer = parser.next()) {
      if (parser.kind === replyTypes.PUSH) continue;
      if (ticket === undefined || (ticket === SELECTION && parser.kind === replyTypes.ERROR)) {
        isSound = false;
        break;
      }
      this.owed--;
      const { session } = ticket;
      if (session !== null && session.head === ticket) {
        session.owed--;
        if (session === runSession && parser.start === runEnd && parser.buffer === buffer) {
          runEnd = parser.end;
        } else {
          if (runSession !== null) runSession.out.bytes(buffer, runStart, runEnd);
          host.turn.join(session);
          if (parser.buffer === buffer) {
            runSession = session;
            runStart = parser.start;
            runEnd = parser.end;
          } else {
            runSession = null;
            session.out.bytes(parser.buffer, parser.start, parser.end);
          }
        }
        if (--ticket.owed > 0) continue;
        session.advance();
        if (session.head !== null && session.head.keptLength > 0) {
          if (runSession !== null) runSession.out.bytes(buffer, runStart, runEnd);
          runSession = null;
          session.drain();
        }
      } else {
        if (runSession !== null) runSession.out.bytes(buffer, runStart, runEnd);
        runSession = null;
        if (ticket !== SELECTION) {
          ticket.owed--;
          deliver(ticket, parser.buffer, parser.start, parser.end);
          if (ticket.owed > 0) continue;
          settle(ticket);
        }
      }
      inFlight.shift();
      ticket = inFlight.peekFront();
    }
    if (runSession !== null) runSession.out.bytes(buffer, runStart, runEnd);
    if (!isSound) this.giveUp('it sent a reply that nothing was asked for, or refused a SELECT');
    else if (answer !== NEED_MORE) this.giveUp(`it broke the protocol: ${parser.errorText}`);
    else if (this.retiring && this.owed === 0) this.close();
  }

  // ── the connection ───────────────────────────────────────────────────────────────────────────────────────────

  private connect(state: BackendState): void {
    const { timers } = this.host.world;
    this.state = state;
    const link = new Link(this);
    this.link = link;
    this.cancelTimer = timers.after(CONNECT_TIMEOUT_MS, () => this.giveUp(`no answer within ${CONNECT_TIMEOUT_MS} ms`));
    this.host.dial(this.address, link, (connection) => {
      if (link.backend === null) {
        connection.destroy();
        return;
      }
      link.connection = connection;
      this.greet(connection);
    });
  }

  private greet(connection: Connection): void {
    const greeting = greetingOf(this.host.settings, this.protocol);
    this.greetingOwed = greeting.length;
    for (const command of greeting) connection.write(encodeCommand(command));
    if (greeting.length === 0) this.opened();
  }

  private readGreeting(): void {
    const { parser } = this;
    let answer = parser.next();
    for (; answer === REPLY; answer = parser.next()) {
      if (parser.kind === replyTypes.PUSH) continue;
      if (parser.kind === replyTypes.ERROR) {
        const text = Buffer.from(parser.buffer.subarray(parser.start + 1, parser.end - 2)).toString();
        // The last but one command of a greeting is the check of databases.
        this.giveUp(
          this.greetingOwed === 2 && text.includes('DB index')
            ? "it has fewer databases than the setting 'databases' says"
            : text,
        );
        return;
      }
      if (--this.greetingOwed === 0) {
        this.opened();
        return;
      }
    }
    if (answer !== NEED_MORE) this.giveUp(`it broke the protocol: ${parser.errorText}`);
  }

  private opened(): void {
    this.endTimer();
    if (this.failures > 0) this.host.world.log('notice', `Server ${this.id} is reachable again`);
    this.failures = 0;
    this.state = 'open';
    this.host.turn.join(this);
  }

  /** Closes the connection from our side, for a reason, and does as if it were lost. */
  private giveUp(reason: string): void {
    const link = this.link;
    if (link === null) return;
    link.backend = null;
    link.connection?.destroy();
    this.lost(reason);
  }

  /** The connection is gone, or never was. */
  lost(reason: string): void {
    const wasOpen = this.state === 'open';
    const hadWork = this.owed > 0;
    this.endTimer();
    this.link = null;
    this.parser = new ReplyParser();
    this.greetingOwed = 0;
    this.database = 0;
    this.out.clear();
    if (wasOpen) this.losses++;
    if (hadWork || !wasOpen) {
      if (this.failures === 0) this.host.world.log('warning', `Server ${this.id} is unreachable: ${reason}`);
      this.failures++;
      this.state = 'broken';
      this.retryLater();
    } else {
      this.state = 'idle';
    }
    this.failInFlight();
    if (this.retiring) this.close();
  }

  private retryLater(): void {
    const { timers, random } = this.host.world;
    const bound = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.failures, 10));
    const delayMs = RETRY_MIN_MS + random.fraction() * (bound - RETRY_MIN_MS);
    this.cancelTimer = timers.after(delayMs, () => this.connect('broken'));
  }

  private failInFlight(): void {
    const { inFlight } = this;
    let written = this.owed - this.unwritten;
    this.owed = 0;
    this.unwritten = 0;
    if (inFlight.isEmpty()) return;
    this.host.beginTurn();
    const unknown = Buffer.from(`-${outcomeUnknown(this.id)}\r\n`);
    const unsent = Buffer.from(`-${unreachable(this.id)}\r\n`);
    for (let ticket = inFlight.shift(); ticket !== undefined; ticket = inFlight.shift()) {
      if (ticket === SELECTION) {
        written--;
        continue;
      }
      while (ticket.owed > 0) {
        const line = written-- > 0 ? unknown : unsent;
        ticket.owed--;
        deliver(ticket, line, 0, line.length);
      }
      settle(ticket);
    }
  }

  private endTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  /** To be called now and then: gives up a server that owes replies and has been silent for too long. */
  lookAfter(nowMs: number): void {
    const timeoutMs = this.host.settings.values['server-timeout'];
    if (timeoutMs === 0 || this.state !== 'open' || this.owed === 0) return;
    if (nowMs - this.lastHeardMs > timeoutMs) this.giveUp(`no answer for ${timeoutMs} ms`);
  }

  /** No view mentions it any more: what is in flight may finish, for a while. */
  retire(): void {
    if (this.retiring) return;
    this.retiring = true;
    if (this.owed === 0) this.close();
    else this.cancelDrain = this.host.world.timers.after(DRAIN_MS, () => this.close());
  }

  /** A view mentions it again. */
  reinstate(): void {
    this.retiring = false;
    this.cancelDrain?.();
    this.cancelDrain = null;
  }

  /** Closes for good; what is still in flight fails. */
  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.endTimer();
    this.cancelDrain?.();
    if (this.link !== null) {
      this.link.backend = null;
      this.link.connection?.destroy();
      this.link = null;
    }
    this.out.clear();
    this.failInFlight();
    this.host.backendClosed(this);
  }
}

/** Hands a reply to whoever it is for; `ticket.owed` is what remains after it. */
function deliver(ticket: Ticket, buffer: Uint8Array, start: number, end: number): void {
  const { split, session } = ticket;
  if (split === null) {
    session?.take(ticket, buffer, start, end);
    return;
  }
  const { parent } = split;
  parent.session?.holds(end - start);
  if (!split.answered(ticket.part, buffer, start, end)) return;
  parent.owed = 0;
  if (parent.session === null) releaseTicket(parent);
  else parent.session.completed(parent, split);
}

/** The ticket has left the backend's queue, and is owed nothing. */
function settle(ticket: Ticket): void {
  if (ticket.session === null) releaseTicket(ticket);
  else ticket.session.settled(ticket);
}
