/**
 * Session: one client of the proxy, from its first byte to its last.
 *
 * Commands are read where they lie. What goes to a server goes as the bytes that came: commands that follow each other
 * for one backend are copied to it as one piece, a *run*, under one ticket (see ticket.ts). Replies leave in the order
 * of the commands, in one write at the end of the turn; what the proxy answers by itself takes a ticket too when others
 * wait before it.
 *
 * A client that sends faster than servers answer is not read from until they have caught up, so it cannot fill
 * the queues that it shares with others; nor is one whose next command is *held*, because its server is not ready for commands
 * (holding.ts). One that does not take its replies is closed at a limit. When a client goes, its tickets stay where they are without a
 * session, and their replies are dropped in order.
 */
import Denque from 'denque';
import { EMPTY_BUFFER, Output } from '../base';
import { FLAG_NO_AUTH, NO_AUTH, type CommandSpec } from '../commands';
import type { Connection, ConnectionHandler, Flushable } from '../net';
import { COMMAND, CommandParser, NEED_MORE, ReplyWriter } from '../resp';
import type { Backend } from './backend';
import { HELD_TOO_MUCH } from './error-replies';
import { askAll, divide } from './fan-out';
import type { ProxyNode } from './proxy-node';
import * as plan from './route';
import { lineOf } from './session-line';
import type { Split } from './split';
import { releaseTicket, takeTicket, type Ticket } from './ticket';
import { isWellFormed, spelledAnew } from './well-formed';
import { reasonFor } from './why-not';

/** Replies that a client may be owed before it is not read from any more; it is again at half of that. */
const OWED_MAX = 16 * 1024;

export class Session implements ConnectionHandler, Flushable {
  inTurn = false;
  readonly out = new Output();
  readonly reply = new ReplyWriter(this.out);
  readonly parser: CommandParser;

  database = 0;
  authenticated: boolean;
  name = '';
  libraryName = '';
  libraryVersion = '';
  /** Set when nothing more is to be read: after QUIT, a protocol error, CLIENT KILL. */
  closing = false;
  lastSpec: CommandSpec | null = null;
  readonly createdMs: number;
  lastActiveMs: number;

  /** The ticket whose replies go straight to `out`; null where the client waits for nothing. */
  head: Ticket | null = null;
  /** Replies that the client waits for. */
  owed = 0;
  readonly tickets = new Denque<Ticket>();
  /** Bytes of replies that came before their turn. */
  keptBytes = 0;
  /** The client is not read from. */
  private isPaused = false;
  /** The command that waits for its server, as an array of bulk strings; null where none does. What follows it is in `parser`. */
  held: Buffer | null = null;
  private isClosed = false;

  /** Who has the command that is being performed: `parser`, or, for one that was held, one of its own. */
  command: CommandParser;
  /** What is being read; a run is a range of it. */
  private chunk: Uint8Array = EMPTY_BUFFER;
  /** Whose commands [runStart, runEnd) of `chunk` are; null where there is no run. */
  private runBackend: Backend | null = null;
  private runTicket: Ticket | null = null;
  private runStart = 0;
  private runEnd = 0;

  constructor(
    readonly id: number,
    private readonly node: ProxyNode,
    readonly connection: Connection,
  ) {
    this.parser = new CommandParser(node.limits);
    this.authenticated = !node.requiresPassword();
    this.parser.authenticated = this.authenticated;
    this.command = this.parser;
    this.createdMs = node.world.clock.monotonicMs();
    this.lastActiveMs = this.createdMs;
  }

  // ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

  received(buffer: Uint8Array, start: number, end: number): void {
    const { parser, node } = this;
    this.lastActiveMs = node.beginTurn();
    if (this.closing) return;
    node.statistics.inputBytes += end - start;
    node.statistics.reads++;
    parser.feed(buffer, start, end);
    if (this.held !== null) {
      this.keepRest(this.held);
      return;
    }
    this.chunk = buffer;
    this.performAll();
    this.chunk = EMPTY_BUFFER;
  }

  /** Performs what is there to be read. */
  private performAll(): void {
    const { parser, node } = this;
    let answer = parser.next();
    for (; answer === COMMAND; answer = parser.next()) {
      this.perform();
      if (this.closing || this.held !== null) break;
    }
    this.endRun();
    if (this.held !== null) this.keepRest(this.held);
    else if (answer !== NEED_MORE && answer !== COMMAND) this.refuseProtocol(parser.errorText);
    if (this.out.length > 0 || this.closing) node.turn.join(this);
    if (this.owed > OWED_MAX || this.held !== null) this.regulateReading();
  }

  private perform(): void {
    const { command, node } = this;
    const { route, backends } = node;
    const { protocol } = this.reply;
    const decision = route.plan(command);
    if (decision > plan.LOCAL) {
      this.refuse(reasonFor(decision, route, command));
      return;
    }
    const { spec } = route;
    this.lastSpec = spec;
    if (!this.authenticated && (spec.flags & FLAG_NO_AUTH) === 0) {
      this.refuse(NO_AUTH);
      return;
    }
    let backend: Backend | null = null;
    if (decision === plan.FORWARD) {
      backend = backends.of(route.slot, protocol);
      if (backend !== null && backend.isHeld) return this.hold(backend);
    } else if (decision !== plan.LOCAL) {
      const isForAll = decision === plan.ALL_GROUPS;
      const held = isForAll
        ? backends.heldOwner(protocol)
        : backends.heldAmong(route.slots, route.keys.count, protocol);
      if (held !== null) return this.hold(held);
    }
    node.statistics.ran(spec.id);
    if (decision === plan.FORWARD) this.forward(backend);
    else if (decision === plan.LOCAL) this.answer(spec);
    else if (decision === plan.SPLIT) divide(this, node);
    else askAll(this, node);
  }

  /** Passes the command on as it is. */
  forward(backend: Backend | null): void {
    const { command } = this;
    if (backend !== null && isWellFormed(command)) {
      // Most commands of a pipeline for one group end here.
      if (backend === this.runBackend && command.commandStart === this.runEnd && command.buffer === this.chunk) {
        this.runEnd = command.commandEnd;
        this.owed++;
        backend.expect(this.runTicket!);
        return;
      }
      this.send(backend, command.buffer, command.commandStart, command.commandEnd);
    } else if (backend !== null) {
      const message = spelledAnew(command);
      this.send(backend, message, 0, message.length);
    } else {
      this.refuse(this.node.noOwner);
    }
  }

  private send(backend: Backend, buffer: Uint8Array, start: number, end: number): void {
    this.endRun();
    const refusal = backend.refusal();
    if (refusal !== null) {
      this.refuse(refusal);
      return;
    }
    backend.begin(this.database);
    let ticket = this.tickets.peekBack();
    if (ticket === undefined || ticket !== backend.lastTicket()) {
      ticket = takeTicket(this);
      this.enqueue(ticket);
      backend.enqueue(ticket);
    }
    this.owed++;
    backend.expect(ticket);
    if (buffer !== this.chunk) {
      backend.out.bytes(buffer, start, end);
      return;
    }
    this.runBackend = backend;
    this.runTicket = ticket;
    this.runStart = start;
    this.runEnd = end;
  }

  /** Hands the run to its backend. */
  endRun(): void {
    if (this.runBackend === null) return;
    this.runBackend.out.bytes(this.chunk, this.runStart, this.runEnd);
    this.runBackend = null;
    this.runTicket = null;
  }

  /** The place of a divided command in the client's order. */
  openParent(): Ticket {
    const parent = takeTicket(this);
    parent.owed = 1;
    this.owed++;
    this.enqueue(parent);
    return parent;
  }

  setAuthenticated(authenticated: boolean): void {
    this.authenticated = authenticated;
    this.parser.authenticated = authenticated;
  }

  /** RESET: as a connection that has just been made. */
  reset(): void {
    this.setAuthenticated(!this.node.requiresPassword());
    this.database = 0;
    this.name = '';
    this.reply.protocol = 2;
  }

  /** Lets the proxy answer a command by itself. */
  private answer(spec: CommandSpec): void {
    this.beginReply();
    this.node.answer(this, spec, this.command);
    this.endReply();
  }

  refuse(text: string): void {
    this.node.statistics.errors.count(text);
    this.beginReply();
    this.reply.error(text);
    this.endReply();
  }

  /** Points `reply` at where a reply that is given now belongs. */
  private beginReply(): void {
    if (this.head !== null) this.reply.out = this.node.scratch;
  }

  private endReply(): void {
    if (this.reply.out === this.out) return;
    const bytes = this.reply.out.take();
    this.reply.out = this.out;
    const ticket = takeTicket(this);
    this.enqueue(ticket);
    ticket.keep(bytes, 0, bytes.length);
    this.holds(bytes.length);
  }

  private refuseProtocol(errorText: string): void {
    const { node } = this;
    if (errorText === '') {
      node.statistics.queryLimitDisconnects++;
      node.world.log('warning', `Closing client that reached max query buffer length: ${this.describe()}`);
    } else {
      this.refuse(`ERR ${errorText}`);
      node.world.log('verbose', `Protocol error (${errorText}) from client: ${this.describe()}`);
    }
    this.closing = true;
  }

  private enqueue(ticket: Ticket): void {
    this.tickets.push(ticket);
    if (this.head === null) this.head = ticket;
  }

  // ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes a reply for one of its tickets. */
  take(ticket: Ticket, buffer: Uint8Array, start: number, end: number): void {
    this.owed--;
    if (ticket === this.head) {
      this.out.bytes(buffer, start, end);
      this.node.turn.join(this);
      return;
    }
    ticket.keep(buffer, start, end);
    this.holds(end - start);
  }

  /** More bytes wait for their turn. */
  holds(bytes: number): void {
    this.keptBytes += bytes;
    if (this.keptBytes > this.node.outputBytesMax) this.killForOutput();
  }

  /** All parts of a divided command are answered. */
  completed(parent: Ticket, split: Split): void {
    this.keptBytes -= split.heldBytes;
    this.owed--;
    if (parent === this.head) {
      split.writeReply(this.reply);
    } else {
      this.reply.out = this.node.scratch;
      split.writeReply(this.reply);
      const bytes = this.reply.out.take();
      this.reply.out = this.out;
      parent.keep(bytes, 0, bytes.length);
      this.holds(bytes.length);
    }
    this.settled(parent);
  }

  /** One of its tickets is owed nothing more. */
  settled(ticket: Ticket): void {
    if (ticket !== this.head) return;
    this.advance();
    this.drain();
    this.node.turn.join(this);
  }

  /** The head has had its replies: the next ticket takes its place. */
  advance(): void {
    releaseTicket(this.tickets.shift()!);
    this.head = this.tickets.peekFront() ?? null;
  }

  /** Sends on what was kept, up to the first reply that has not come. */
  drain(): void {
    for (let { head } = this; head !== null && head.keptLength > 0; head = this.head) {
      this.out.bytes(head.kept, 0, head.keptLength);
      this.keptBytes -= head.keptLength;
      head.keptLength = 0;
      if (head.owed > 0) return;
      this.advance();
    }
  }

  flush(): void {
    if (this.isClosed) return;
    const { connection, out, node } = this;
    node.statistics.outputBytes += out.length;
    node.statistics.writes++;
    out.flush(connection);
    if (this.closing) {
      if (this.head === null) connection.end();
      return;
    }
    if (connection.unsentBytes > 0) this.checkOutput();
    if (this.isPaused) this.regulateReading();
  }

  /** Reads from the client, or does not, as what waits for it or with it allows. */
  private regulateReading(): void {
    const mustPause = this.held !== null || this.owed > (this.isPaused ? OWED_MAX / 2 : OWED_MAX);
    if (mustPause === this.isPaused) return;
    this.isPaused = mustPause;
    if (mustPause) this.connection.pauseReading();
    else this.connection.resumeReading();
  }

  // ── holding back ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Stops at this command until its server is ready for commands. */
  private hold(backend: Backend): void {
    const { command, node } = this;
    const length = command.commandEnd - command.commandStart;
    if (node.holding.heldBytes + length > node.settings.values['hold-bytes']) {
      this.refuse(HELD_TOO_MUCH);
      return;
    }
    this.held = Buffer.from(command.buffer.subarray(command.commandStart, command.commandEnd));
    backend.awaited();
  }

  /** Keeps what the client sent after the command that is held. */
  private keepRest(held: Buffer): void {
    this.parser.retain();
    this.node.holding.keep(this, held.length + this.parser.bufferedBytes);
  }

  /** Tries the command that is held again, and goes on after it. */
  goOn(): void {
    const { held, node } = this;
    if (held === null || this.closing) return;
    this.lastActiveMs = node.beginTurn();
    this.held = null;
    node.holding.release(this);
    const again = new CommandParser(node.limits);
    again.feed(held, 0, held.length);
    again.next();
    this.command = again;
    this.perform();
    this.command = this.parser;
    if (this.held !== null) this.keepRest(held);
    else this.performAll();
    this.regulateReading();
  }

  /** No reply of a server may pass any more: a client for which some wait to be sent is closed. */
  withdraw(): void {
    if (this.out.length > 0 || this.keptBytes > 0) this.kill();
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Bytes of replies that the client has not taken. */
  get unsentBytes(): number {
    return this.out.length + this.keptBytes + this.connection.unsentBytes;
  }

  /** Closes the client if it has let too many bytes of replies pile up. */
  checkOutput(): void {
    if (this.unsentBytes > this.node.outputBytesMax) this.killForOutput();
  }

  private killForOutput(): void {
    if (this.isClosed || this.closing) return;
    this.node.statistics.outputLimitDisconnects++;
    this.node.world.log('warning', `Client ${this.describe()} closed for overcoming of output buffer limits.`);
    this.kill();
  }

  /** Closes at once, without sending what waits. */
  kill(): void {
    this.closing = true;
    this.out.clear();
    this.connection.destroy();
  }

  closed(): void {
    this.isClosed = true;
    this.closing = true;
    this.out.clear();
    this.held = null;
    this.node.holding.release(this);
    for (let ticket = this.tickets.shift(); ticket !== undefined; ticket = this.tickets.shift()) {
      ticket.session = null;
      if (ticket.owed === 0) releaseTicket(ticket);
    }
    this.head = null;
    this.node.sessionClosed(this);
  }

  /** The line of CLIENT LIST. */
  describe(): string {
    return lineOf(this, this.node.world.clock.monotonicMs());
  }
}
