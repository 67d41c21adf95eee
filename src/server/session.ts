/**
 * Session: one client of a data node, from its first byte to its last.
 *
 * Reads are parsed where they lie and run at once; replies gather in `out` and leave in one write at the end of the
 * turn. A session that must wait keeps the command: what CLIENT PAUSE postpones before it has run, what is blocked
 * (see blocking.ts) until it has found something. What is sent meanwhile gathers in the parser, within the limit for
 * queries, and runs afterwards; a session that reads nothing would not notice that its client is gone.
 */
import { Output } from '../base';
import { replyName, type CommandSpec } from '../commands';
import type { Connection, ConnectionHandler, Flushable } from '../net';
import { ReplicaFeed } from '../replication';
import { BatchedCommand, COMMAND, CommandParser, NEED_MORE, ReplyWriter, type ReceivedCommand } from '../resp';
import type { Database } from '../storage';
import type { Parked } from './blocking';
import type { DataNode } from './data-node';
import type { HeldReplies } from './replication/held-replies';
import { lineOf } from './session-line';
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
  /** It does what this node's master sends; see Replayer. */
  isOfMaster = false;
  /** What is known of it as a replica, once it has said that it wants to be one. */
  feed: ReplicaFeed | null = null;
  replyMode = REPLY_ON;
  /** Something that it wrote is in the journal, and not yet where the journal goes: see ReplyGate. */
  awaitsCommit = false;
  /** Its replies wanted to leave meanwhile. */
  hasHeldReplies = false;
  /** It has written, and not all of its replies have left: they may under a lease only. See LeaseGuard. */
  awaitsLease = false;
  /** Replies of its that wait for replicas; null where there were none ever. See Quorum. */
  held: HeldReplies | null = null;
  /** Offset of the stream after what it wrote last; 0: it wrote nothing. Infinity: what it wrote may be in no stream any more. */
  writtenTo = 0;
  /** Set when nothing more is to be read: after QUIT, a protocol error, CLIENT KILL of oneself. */
  closing = false;
  lastSpec: CommandSpec | null = null;
  /** What was queued since MULTI; null outside of one. */
  transaction: Transaction | null = null;
  /** What WATCH watches; null where nothing was named since the last EXEC, DISCARD or UNWATCH. */
  watcher: Watcher | null = null;
  /** The command that found nothing and waits; set by `Call.block`, which alone may. */
  parked: Parked | null = null;
  readonly createdMs: number;
  lastActiveMs: number;
  inputBytes = 0;
  outputBytes = 0;
  /** Since when the output has been over its soft limit (monotonic ms); 0: it is not. */
  overSoftLimitSinceMs = 0;

  /** A command that waits for CLIENT UNPAUSE, in memory of its own. */
  private postponed: BatchedCommand | null = null;

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
    this.runCommands();
    this.endBatch();
  }

  /** Whether a command of its waits, and with it all that were sent after it. */
  get isWaiting(): boolean {
    return this.parked !== null || this.postponed !== null;
  }

  /** Goes on after a wait: with the command that was postponed, then with what was sent after it. */
  resume(): void {
    if (this.parked !== null || this.closing) return;
    const { postponed } = this;
    this.postponed = null;
    this.node.beginBatch();
    if (postponed !== null) this.runCommand(postponed);
    this.runCommands();
    this.endBatch();
  }

  /** Runs what the parser has, as far as it may. */
  private runCommands(): void {
    const { parser } = this;
    while (!this.closing) {
      if (this.isWaiting) {
        parser.retain();
        if (parser.bufferedBytes > this.node.limits.queryBytesMax) this.refuse('');
        return;
      }
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
      if (this.isWaiting) this.parser.rewind(batch[i].commandEnd);
      if (this.closing || this.isWaiting) break;
    }
    lookahead.clear();
  }

  /** Runs the command that was just parsed, or postpones it, or says why it is none. */
  private runCommand(args: ReceivedCommand): void {
    const { node } = this;
    if (this.replyMode !== REPLY_ON) this.mute();
    const spec = node.dispatch.resolve(this, args);
    if (spec !== null) {
      if (node.isPausedFor(this, spec)) {
        this.postpone(BatchedCommand.copyOf(args));
        return;
      }
      this.lastSpec = spec;
      node.dispatch.execute(this, spec, args);
    }
    if (this.reply.out !== this.out) this.unmute();
  }

  /** Lets the replies of one command go nowhere; of one that waits, when it goes on. */
  private mute(): void {
    if (this.replyMode === REPLY_SKIP_NEXT) this.replyMode = REPLY_SKIP_THIS;
    this.reply.out = this.node.nowhere;
  }

  private unmute(): void {
    this.reply.out = this.out;
    this.node.nowhere.clear();
    if (this.replyMode === REPLY_SKIP_THIS && !this.isWaiting) this.replyMode = REPLY_ON;
  }

  // ── replicas ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether it has asked for the stream. */
  get isReplica(): boolean {
    return this.feed !== null && this.feed.state !== 'greeting';
  }

  /** What it says of itself as a replica is noted here. */
  introduce(): ReplicaFeed {
    return (this.feed ??= new ReplicaFeed(this.connection));
  }

  drained(): void {
    if (this.feed !== null) this.node.replication.feeds.drained(this.feed);
  }

  /** A replica is sent the stream and nothing else: a reply to a command of its would be taken for part of that. */
  private refuseReply(): void {
    const name = this.lastSpec === null ? '' : replyName(this.lastSpec);
    this.node.world.log(
      'warning',
      `Replica generated a reply to command '${name}', disconnecting it: ${this.describe()}`,
    );
    this.kill();
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

  /** Keeps a command, in memory of its own, for after the pause. */
  private postpone(command: BatchedCommand): void {
    this.postponed = command;
    this.reply.out = this.out;
    this.node.paused.add(this);
  }

  /** Runs the command that is parked again, because one of its keys was changed; whether its wait is over. */
  retry(parked: Parked): boolean {
    const { node } = this;
    this.parked = null;
    if (node.isPausedFor(this, parked.spec)) {
      node.blocking.leave(parked);
      this.postpone(parked.args);
      return true;
    }
    if (this.replyMode !== REPLY_ON) this.mute();
    node.dispatch.retry(parked);
    if (this.reply.out !== this.out) this.unmute();
    if (this.isWaiting) return false;
    node.blocking.leave(parked);
    this.goOnLater();
    return true;
  }

  /** Ends the wait of a blocked command with `error`, or as if its time were up; whether there was one. */
  unblock(error: string | null): boolean {
    const { node, parked } = this;
    if (parked === null) return false;
    this.stopWaiting();
    node.statistics.ran(parked.spec.id);
    if (this.replyMode !== REPLY_ON) this.mute();
    if (error === null) {
      parked.replyTimeout(this.reply);
    } else {
      this.reply.error(error);
      node.statistics.failedCalls[parked.spec.id]++;
      node.statistics.errors.count(error);
    }
    if (this.reply.out !== this.out) this.unmute();
    this.goOnLater();
    return true;
  }

  /** The reply leaves, and what was sent after the command runs, at the end of the turn. */
  private goOnLater(): void {
    this.node.resumeLater(this);
    if (this.out.length > 0) this.node.turn.join(this);
  }

  private stopWaiting(): void {
    if (this.parked !== null) this.node.blocking.leave(this.parked);
    this.parked = null;
    this.postponed = null;
    this.node.paused.delete(this);
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
    this.stopWaiting();
    this.closing = true;
  }

  private endBatch(): void {
    this.node.endBatch();
    if (this.out.length > 0 || this.closing) this.node.turn.join(this);
  }

  flush(): void {
    const { connection, out } = this;
    if (this.isReplica && out.length > 0) {
      this.refuseReply();
      return;
    }
    if (this.awaitsCommit) {
      this.hasHeldReplies = true;
      this.node.checkOutputLimit(this);
      return;
    }
    if (this.awaitsLease && !this.node.allegiance!.guard.mayAcknowledge(this)) return;
    if (this.held !== null && !this.held.isEmpty) {
      this.flushBefore(this.held);
      return;
    }
    this.awaitsLease = false;
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

  /** Sends what is before the first reply that is held; the others stay, and count against the client's limits. */
  private flushBefore(held: HeldReplies): void {
    const { connection, node, out } = this;
    const bytes = held.start - this.outputBytes;
    if (bytes > 0) {
      this.outputBytes += bytes;
      node.statistics.outputBytes += bytes;
      node.statistics.writes++;
      out.flushFirst(connection, bytes);
    }
    node.checkOutputLimit(this);
  }

  /** Bytes of replies that it was given since it began, those included that have not left. */
  get repliedBytes(): number {
    return this.outputBytes + this.out.length;
  }

  /** Bytes of replies that the client has not taken; of the stream, if it is a replica. */
  get unsentBytes(): number {
    if (this.isReplica) return this.feed!.bytesBehind(this.node.replication.feeds.backlog);
    return this.out.length + this.connection.unsentBytes;
  }

  /** Closes at once, without sending what waits. */
  kill(): void {
    this.stopWaiting();
    this.closing = true;
    this.dropReplies();
    this.connection.destroy();
  }

  closed(): void {
    this.stopWaiting();
    this.closing = true;
    this.dropReplies();
    this.endTransaction();
    if (this.isReplica) this.node.replication.syncs.gone(this.feed!);
    this.node.sessionClosed(this);
  }

  private dropReplies(): void {
    this.out.clear();
    this.held?.clear();
  }

  /** The line of CLIENT LIST. */
  describe(): string {
    return lineOf(this, this.node.world.clock.monotonicMs());
  }
}
