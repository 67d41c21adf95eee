/**
 * Session: one client of a data node, from its first byte to its last.
 *
 * Reads are parsed where they lie and run at once; replies gather in `out` and leave in one write at the end of the
 * turn. A session that must wait (CLIENT PAUSE; blocking commands later) keeps the command it was about to run and
 * stops reading; the rest of what it sent stays in the parser.
 */
import { Output } from '../base';
import { clientLine, type CommandSpec } from '../commands';
import type { Connection, ConnectionHandler, Flushable } from '../net';
import { BatchedCommand, COMMAND, CommandParser, NEED_MORE, ReplyWriter, type ReceivedCommand } from '../resp';
import type { Database } from '../storage';
import type { DataNode } from './data-node';
import type { Transaction } from './transaction';
import type { Watcher } from './watch';

/** What CLIENT REPLY asked for. */
export const REPLY_ON = 0;
export const REPLY_OFF = 1;
/** No reply to the next command. */
export const REPLY_SKIP_NEXT = 2;
/** No reply to this command; on again after it. */
export const REPLY_SKIP_THIS = 3;

/** Within a turn replies are held against the output limits once they are this many bytes: one read can ask for gigabytes. */
const TURN_OUTPUT_BYTES_UNCHECKED = 1024 * 1024;

export class Session implements ConnectionHandler, Flushable {
  inTurn = false;
  readonly out = new Output();
  readonly reply = new ReplyWriter(this.out);
  readonly parser: CommandParser;

  database: Database;
  authenticated: boolean;
  name = '';
  libraryName = '';
  libraryVersion = '';
  noEvict = false;
  noTouch = false;
  replyMode = REPLY_ON;
  /** Set when nothing more is to be read: after QUIT, a protocol error, CLIENT KILL of oneself. */
  closing = false;
  lastSpec: CommandSpec | null = null;
  /** What was queued since MULTI; null outside of one. */
  transaction: Transaction | null = null;
  /** What WATCH watches; null where nothing was named since the last EXEC, DISCARD or UNWATCH. */
  watcher: Watcher | null = null;
  readonly createdMs: number;
  lastActiveMs: number;
  inputBytes = 0;
  outputBytes = 0;
  /** Since when the output has been over its soft limit (monotonic ms); 0: it is not. */
  overSoftLimitSinceMs = 0;

  /** A command that waits for CLIENT UNPAUSE, in memory of its own. */
  private postponed: CommandParser | null = null;

  constructor(
    readonly id: number,
    private readonly node: DataNode,
    readonly connection: Connection,
  ) {
    this.parser = new CommandParser(node.limits);
    this.authenticated = !node.requiresPassword();
    this.parser.authenticated = this.authenticated;
    this.database = node.keyspace.database(0);
    this.createdMs = node.world.clock.monotonicMs();
    this.lastActiveMs = this.createdMs;
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    if (this.closing) return;
    const { node } = this;
    const startMs = node.beginBatch();
    this.lastActiveMs = startMs;
    this.inputBytes += end - start;
    node.statistics.inputBytes += end - start;
    node.statistics.reads++;
    this.parser.feed(buffer, start, end);
    if (this.postponed === null) this.runCommands();
    else this.parser.retain();
    this.endBatch();
  }

  /** Runs what waited while the node was paused. */
  resume(): void {
    const { postponed } = this;
    if (postponed === null || this.closing) return;
    this.postponed = null;
    this.node.beginBatch();
    this.runCommand(postponed);
    if (!this.closing) this.runCommands();
    if (this.postponed === null) this.connection.resumeReading();
    this.endBatch();
  }

  private runCommands(): void {
    const { parser } = this;
    while (!this.closing && this.postponed === null) {
      const count = parser.nextBatch(this.node.batch);
      if (count > 0) {
        this.runBatch(count);
        continue;
      }
      const answer = parser.next();
      if (answer !== COMMAND) {
        if (answer !== NEED_MORE) this.refuse(parser.errorText);
        return;
      }
      this.runCommand(parser);
      if (this.out.length > TURN_OUTPUT_BYTES_UNCHECKED) this.node.checkOutputLimit(this);
    }
  }

  /** Runs the first `count` commands of the node's batch. */
  private runBatch(count: number): void {
    const { batch, keyspace } = this.node;
    const { lookahead } = keyspace;
    if (count > 1) lookahead.fetch(this.database, batch, count);
    for (let i = 0; i < count; i++) {
      this.runCommand(batch[i]);
      lookahead.at = i + 1;
      if (this.out.length > TURN_OUTPUT_BYTES_UNCHECKED) this.node.checkOutputLimit(this);
      if (this.closing || this.postponed !== null) break;
    }
    lookahead.clear();
  }

  /** Runs the command that was just parsed, or postpones it, or says why it is none. */
  private runCommand(args: CommandParser | BatchedCommand): void {
    const { node } = this;
    if (this.replyMode !== REPLY_ON) this.mute();
    const spec = node.dispatch.resolve(this, args);
    if (spec !== null) {
      if (node.isPausedFor(this, spec)) {
        this.reply.out = this.out;
        this.postpone(args);
        return;
      }
      this.lastSpec = spec;
      node.dispatch.execute(this, spec, args);
    }
    if (this.reply.out !== this.out) this.unmute();
  }

  /** Lets the replies of one command go nowhere. */
  private mute(): void {
    if (this.replyMode === REPLY_SKIP_NEXT) this.replyMode = REPLY_SKIP_THIS;
    this.reply.out = this.node.nowhere;
  }

  private unmute(): void {
    this.reply.out = this.out;
    this.node.nowhere.clear();
    if (this.replyMode === REPLY_SKIP_THIS) this.replyMode = REPLY_ON;
  }

  // ── what commands change ─────────────────────────────────────────────────────────────────────────────────────

  setAuthenticated(authenticated: boolean): void {
    this.authenticated = authenticated;
    this.parser.authenticated = authenticated;
  }

  /** Replies again, from the command on that runs now. */
  turnRepliesOn(): void {
    this.replyMode = REPLY_ON;
    this.reply.out = this.out;
  }

  /** RESET: as a new connection is, but what the client said about its library stays true. */
  reset(): void {
    this.endTransaction();
    this.turnRepliesOn();
    this.setAuthenticated(!this.node.requiresPassword());
    this.database = this.node.keyspace.database(0);
    this.reply.protocol = 2;
    this.name = '';
    this.noEvict = false;
    this.noTouch = false;
  }

  /** Whether a setting that says who may do something lets this client do it. */
  isPermitted(who: 'no' | 'yes' | 'local'): boolean {
    return who === 'yes' || (who === 'local' && this.connection.isLocal);
  }

  // ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Keeps a command for EXEC, unless it is clear already that none will run. */
  queue(transaction: Transaction, spec: CommandSpec, args: ReceivedCommand): void {
    if (!transaction.isFailed && this.watcher?.isTouched !== true) {
      transaction.add(spec, args);
      if (transaction.memoryBytes + this.parser.bufferedBytes > this.node.limits.queryBytesMax) {
        this.refuse('');
        return;
      }
    }
    this.reply.queued();
  }

  /** Runs everything that was queued and replies an array. Not even a client that is closed meanwhile ends it half-way. */
  runTransaction({ queue }: Transaction): void {
    const { node, out, reply } = this;
    const { errors } = reply;
    reply.array(queue.length);
    for (const command of queue) {
      // CLIENT REPLY OFF or CLIENT KILL among them holds for the replies after it.
      if (this.replyMode === REPLY_OFF || this.closing) reply.out = node.nowhere;
      node.dispatch.executeQueued(this, command);
      node.nowhere.clear();
      if (reply.out === out && out.length > TURN_OUTPUT_BYTES_UNCHECKED) node.checkOutputLimit(this);
    }
    // Counted as the errors of those who made them: EXEC made none.
    reply.errors = errors;
  }

  /** Drops the queue and the watches. */
  endTransaction(): void {
    this.transaction = null;
    this.unwatch();
  }

  unwatch(): void {
    if (this.watcher !== null) this.node.watches.forget(this.watcher);
    this.watcher = null;
  }

  // ── waiting and leaving ───────────────────────────────────────────────────────────────────────────────────────

  /** Keeps a command that was just parsed, and stops reading until `resume`. */
  private postpone(args: CommandParser | BatchedCommand): void {
    const { parser } = this;
    const copy = Buffer.from(args.buffer.subarray(args.commandStart, args.commandEnd));
    if (args instanceof BatchedCommand) parser.rewind(args.commandEnd);
    const postponed = new CommandParser(this.node.limits);
    postponed.feed(copy, 0, copy.length);
    postponed.next();
    this.postponed = postponed;
    parser.retain();
    this.connection.pauseReading();
    this.node.paused.add(this);
  }

  private refuse(errorText: string): void {
    if (errorText === '') {
      this.node.statistics.queryLimitDisconnects++;
      this.node.world.log('warning', `Closing client that reached max query buffer length: ${this.describe()}`);
    } else {
      this.reply.error(`ERR ${errorText}`);
      this.node.statistics.errors.count(this.reply.lastError);
      this.node.world.log('verbose', `Protocol error (${errorText}) from client: ${this.describe()}`);
    }
    this.closing = true;
  }

  private endBatch(): void {
    this.node.endBatch();
    if (this.out.length > 0 || this.closing) this.node.turn.join(this);
  }

  flush(): void {
    const { connection, out } = this;
    this.outputBytes += out.length;
    this.node.statistics.outputBytes += out.length;
    this.node.statistics.writes++;
    out.flush(connection);
    if (this.closing) {
      connection.end();
    } else if (connection.unsentBytes > 0) {
      this.node.checkOutputLimit(this);
    }
  }

  /** Bytes of replies that the client has not taken. */
  get unsentBytes(): number {
    return this.out.length + this.connection.unsentBytes;
  }

  /** Closes at once, without sending what waits. */
  kill(): void {
    this.closing = true;
    this.out.clear();
    this.connection.destroy();
  }

  closed(): void {
    this.closing = true;
    this.out.clear();
    this.endTransaction();
    this.node.sessionClosed(this);
  }

  /** The line of CLIENT LIST. */
  describe(): string {
    const { id, connection, name, createdMs, lastActiveMs, parser, lastSpec, libraryName, libraryVersion } = this;
    return clientLine({
      id,
      connection,
      name,
      nowMs: this.node.world.clock.monotonicMs(),
      createdMs,
      lastActiveMs,
      flags: this.flags(),
      database: this.database.index,
      parser,
      replyBytes: this.out.length,
      waitingCount: 0,
      waitingBytes: connection.unsentBytes,
      transaction: this.transaction,
      lastSpec,
      protocol: this.reply.protocol,
      libraryName,
      libraryVersion,
    });
  }

  private flags(): string {
    let flags = '';
    if (this.transaction !== null) flags += 'x';
    if (this.postponed !== null) flags += 'b';
    if (this.watcher?.isTouched === true) flags += 'd';
    if (this.closing) flags += 'c';
    if (this.connection.localAddress.startsWith('/')) flags += 'U';
    if (this.noEvict) flags += 'e';
    if (this.noTouch) flags += 'T';
    return flags;
  }
}
