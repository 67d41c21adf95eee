/**
 * Backend: one connection to one master in one version of RESP, shared by all clients and pipelined.
 *
 * Commands gather in `out` and leave in one write at the end of the turn; replies come in the same order and go, as the
 * bytes they are, to the tickets that wait in `inFlight`. Replies that follow each other for one session are copied as
 * one piece.
 *
 * Commands are taken only while the connection stands, the group serves and the proxy may serve; until then they wait in their
 * sessions (`isHeld`), for as long as `hold-timeout` says. Then they are refused, until the server is ready again.
 *
 * What always holds:
 * - every reply that is owed is delivered exactly once, or replaced exactly once: by UNKNOWNOUTCOME where the command had
 *   been written when the connection was lost, by CLUSTERDOWN where it had not; nothing is ever sent twice;
 * - no reply passes that came over a connection of a lower epoch than the view's, but for those that a planned change of master
 *   waits for: where another server may have been master since, the connection is severed before the view is used;
 * - while a server cannot be reached, that concerns only commands for its slots; trying again goes on in the
 *   background, at intervals that grow and are jittered, so that many proxies do not knock at the same moment;
 * - `database` is the one that the next command in `out` will meet: a SELECT of ours goes before it where it must.
 */
import Denque from 'denque';
import { isPlanted, Output, type World } from '../base';
import type { Address, Flushable, Turn } from '../net';
import { NEED_MORE, REPLY, ReplyParser, replyTypes, writeCommand, type CommandArgument } from '../resp';
import type { Group, Member } from '../slots';
import { deliver, failAll, settle } from './delivery';
import { masterChanging, NO_LEASE, outcomeUnknown, serverBusy, unreachable } from './error-replies';
import { epochOf, errorOf, greetingOf, Link, type Dial } from './link';
import type { Session } from './session';
import type { ProxySettings } from './settings';
import { Ticket } from './ticket';

/** What a backend needs of the proxy around it. */
export interface BackendHost {
  readonly world: World;
  readonly settings: ProxySettings;
  readonly turn: Turn;
  readonly dial: Dial;
  /** Says that something is being done in this turn; returns its time, monotonic ms. */
  beginTurn(): number;
  /** Whether commands may be sent at all: not by a follower of config servers that has no lease. */
  readonly mayServe: boolean;
  /** Whether views come from config servers, so that a broken server may be replaced. */
  readonly isFollower: boolean;
  /** Commands that were held back may be able to go on. */
  goOn(): void;
  /** A backend has closed for good. */
  backendClosed(backend: Backend): void;
}

export type BackendState = 'idle' | 'connecting' | 'open' | 'broken' | 'closed';

/** From dialling to the end of the greeting. */
const CONNECT_TIMEOUT_MS = 1000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1000;
/** How long commands in flight may take after the view has dropped their server, or holds it back. */
const DRAIN_MS = 1000;
/** A server that does not even take this much is busy. */
const UNSENT_BYTES_MAX = 256 * 1024 * 1024;

/** Stands in `inFlight` for each command of our own: a SELECT, or the saying of an epoch. */
const OWN = new Ticket();

export class Backend implements Flushable {
  inTurn = false;
  readonly id: string;
  readonly out = new Output();
  state: BackendState = 'idle';
  /** Commands for it wait in their sessions, which have told so by `awaited`. */
  isHeld = true;
  /** Replies that are still to come, those to commands of our own included. */
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
  private lastHeardMs = 0;
  private failures = 0;
  /** Commands can be given to it. */
  private isReady = false;
  /** Commands have waited in vain for too long. */
  private isOverdue = false;
  private isRetiring = false;
  /** The epoch that this connection was opened with, or was told since. */
  private saidEpoch = 0;
  private cancelTimer: (() => void) | null = null;
  private cancelDrain: (() => void) | null = null;
  private cancelPatience: (() => void) | null = null;

  /** @param group as the view has it, with `member` as its master */
  constructor(
    private readonly host: BackendHost,
    member: Member,
    public group: Group,
    readonly protocol: 2 | 3,
  ) {
    this.id = member.id;
    this.address = { host: member.host, port: member.port };
  }

  // ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Why a command that is not held back cannot be taken; null where it can. */
  refusal(): string | null {
    if (!this.isReady) return this.whyNotReady();
    if (this.owed < this.host.settings.values['in-flight-max'] && this.unsentBytes < UNSENT_BYTES_MAX) return null;
    return serverBusy(this.id, this.owed);
  }

  private whyNotReady(): string {
    if (!this.host.mayServe) return NO_LEASE;
    return this.group.state === 'serving' ? unreachable(this.id) : masterChanging(this.group.id);
  }

  /** Prepares for commands in `database`, which the caller appends to `out` and announces by `expect`. */
  begin(database: number): void {
    const nowMs = this.host.beginTurn();
    if (this.owed === 0) this.lastHeardMs = nowMs;
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
    this.sayOwn(['SELECT', database]);
    this.database = database;
  }

  /** Appends a command of our own, which must succeed. */
  private sayOwn(words: readonly CommandArgument[]): void {
    writeCommand(this.out, words);
    this.inFlight.push(OWN);
    this.owed++;
    this.unwritten++;
    this.host.turn.join(this);
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
    // A turn begins with a look at the lease: it may just have lapsed, and this connection with it.
    if (this.link === null) return;
    parser.feed(buffer, start, end);
    let ticket = inFlight.peekFront();
    // A run of replies for one session, [runStart, runEnd) of `buffer`, that is not copied yet.
    let runSession: Session | null = null;
    let runStart = 0;
    let runEnd = 0;
    let isSound = true;
    let answer = parser.next();
    for (; answer === REPLY; answer = parser.next()) {
      if (parser.kind === replyTypes.PUSH) continue;
      if (ticket === undefined || (ticket === OWN && parser.kind === replyTypes.ERROR)) {
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
        if (ticket !== OWN) {
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
    if (!isSound) this.giveUp(ticket === OWN ? errorOf(parser) : 'it sent a reply that nothing was asked for');
    else if (answer !== NEED_MORE) this.giveUp(`it broke the protocol: ${parser.errorText}`);
    else if (this.isRetiring && this.owed === 0) this.close();
  }

  // ── the connection ───────────────────────────────────────────────────────────────────────────────────────────

  /** Connects now, if it is not connected and its group serves: an epoch is not said before it is in use. */
  open(): void {
    if (this.link !== null || this.state === 'closed' || this.group.state !== 'serving') return;
    this.endTimer();
    this.connect(this.state === 'broken' ? 'broken' : 'connecting');
  }

  private connect(state: BackendState): void {
    const { host, group } = this;
    this.state = state;
    const link = new Link(this, greetingOf(host.settings, this.protocol, group));
    this.link = link;
    this.saidEpoch = group.epoch;
    this.cancelTimer = host.world.timers.after(CONNECT_TIMEOUT_MS, () =>
      this.giveUp(`no answer within ${CONNECT_TIMEOUT_MS} ms`),
    );
    host.dial(this.address, link, (connection) => link.opened(connection));
  }

  /** The connection stands, and its greeting is answered. */
  opened(): void {
    this.endTimer();
    if (this.failures > 0) this.host.world.log('notice', `Server ${this.id} is reachable again`);
    this.failures = 0;
    this.state = 'open';
    this.sayEpoch();
    this.weigh();
  }

  private sayEpoch(): void {
    const { engine, state, epoch } = this.group;
    if (this.state !== 'open' || engine !== 'slotcache' || state !== 'serving' || this.saidEpoch === epoch) return;
    this.saidEpoch = epoch;
    this.sayOwn(epochOf(this.group));
  }

  /** Closes the connection from our side, for a reason, and does as if it were lost. */
  giveUp(reason: string): void {
    if (this.link !== null) this.lost(reason);
  }

  /** The connection is gone, or never was. */
  lost(reason: string): void {
    const wasOpen = this.state === 'open';
    const hadWork = this.owed > 0;
    this.drop();
    if (wasOpen) this.losses++;
    if (hadWork || !wasOpen) {
      if (this.failures === 0) this.host.world.log('warning', `Server ${this.id} is unreachable: ${reason}`);
      this.failures++;
      this.state = 'broken';
      this.retryLater();
    } else {
      this.state = 'idle';
    }
    this.fail(outcomeUnknown(this.id), unreachable(this.id));
    if (this.isRetiring) this.close();
    else this.weigh();
  }

  private retryLater(): void {
    const { timers, random } = this.host.world;
    const bound = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.failures, 10));
    const delayMs = RETRY_MIN_MS + random.fraction() * (bound - RETRY_MIN_MS);
    this.cancelTimer = timers.after(delayMs, () => this.open());
  }

  /** Forgets the connection and what was to be sent over it. */
  private drop(): void {
    this.endTimer();
    this.link?.forget();
    this.link = null;
    this.parser = new ReplyParser();
    this.database = 0;
    this.out.clear();
  }

  /** Answers what is in flight with errors: what was written with `unknown`, the rest with `unsent`. */
  private fail(unknown: string, unsent: string): void {
    const written = this.owed - this.unwritten;
    this.owed = 0;
    this.unwritten = 0;
    if (this.inFlight.isEmpty()) return;
    this.host.beginTurn();
    failAll(this.inFlight, OWN, written, unknown, unsent);
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

  // ── holding back ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Weighs anew whether commands are taken, wait, or are refused. */
  weigh(): void {
    const { host, group, isHeld, state } = this;
    const isAllowed = host.mayServe && group.state === 'serving';
    this.isReady = isAllowed && state === 'open';
    if (this.isReady) this.endPatience();
    const isWorthIt = state !== 'broken' || !isAllowed || (host.isFollower && host.settings.values['hold-when-broken']);
    this.isHeld = !this.isReady && !this.isOverdue && isWorthIt && state !== 'closed';
    if (isHeld && !this.isHeld) host.goOn();
    const isWanted = this.cancelPatience !== null || this.isOverdue;
    if (isWanted && isAllowed && state === 'idle') this.open();
  }

  /** A command waits for it. */
  awaited(): void {
    const { host } = this;
    this.cancelPatience ??= host.world.timers.after(host.settings.values['hold-timeout'], () => {
      this.cancelPatience = null;
      this.isOverdue = true;
      this.weigh();
    });
    this.weigh();
  }

  private endPatience(): void {
    this.cancelPatience?.();
    this.cancelPatience = null;
    this.isOverdue = false;
  }

  // ── views and leases ─────────────────────────────────────────────────────────────────────────────────────────

  /** A newer view has this server as the master of `group`. */
  follow(group: Group): void {
    const before = this.group;
    this.group = group;
    this.isRetiring = false;
    if (group.state !== before.state) this.isOverdue = false;
    // A planned change raises the epoch when it begins, and lets what is in flight finish.
    const knownEpoch = group.state === 'switching' ? before.epoch + 1 : before.epoch;
    const isPassedOver = group.id !== before.id || group.epoch > knownEpoch;
    if (isPassedOver && this.owed > 0 && !isPlanted('stale-epoch-reply-accepted')) this.sever();
    if (group.state === 'failing-over') this.sever();
    if (group.state === 'serving') this.endDrain();
    else this.drain();
    this.sayEpoch();
    this.weigh();
  }

  /** Whether nothing is in flight to it that its view holds back or gives up. */
  get isSettled(): boolean {
    return this.owed === 0 || (this.group.state === 'serving' && !this.isRetiring);
  }

  /** Breaks the connection off: what is in flight fails, and no reply passes any more. */
  sever(unknown = outcomeUnknown(this.id), unsent = this.whyNotReady()): void {
    if (this.state === 'closed') return;
    this.endDrain();
    this.drop();
    this.state = 'idle';
    this.fail(unknown, unsent);
    if (this.isRetiring) this.close();
    else this.weigh();
  }

  /** Commands may be sent again after the proxy had no lease. */
  resume(): void {
    this.isOverdue = false;
    this.weigh();
  }

  /** No view mentions it any more. */
  retire(): void {
    if (this.isRetiring) return;
    this.isRetiring = true;
    if (this.owed === 0) this.close();
    else this.drain();
  }

  /** Lets what is in flight finish, for a while. */
  private drain(): void {
    if (this.owed === 0) return;
    this.cancelDrain ??= this.host.world.timers.after(DRAIN_MS, () => {
      if (this.isRetiring) this.close();
      else this.sever();
    });
  }

  private endDrain(): void {
    this.cancelDrain?.();
    this.cancelDrain = null;
  }

  /** Closes for good; what is still in flight fails. */
  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.endDrain();
    this.endPatience();
    this.drop();
    this.fail(outcomeUnknown(this.id), unreachable(this.id));
    this.weigh();
    this.host.backendClosed(this);
  }
}
