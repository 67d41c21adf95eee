/**
 * Dispatch: the one road from a parsed command to its handler.
 *
 * Commands from sockets take it, those of a journal that is replayed (`replay`, see replay.ts), and those of scripts will, each
 * with a session of its own kind. The gates stand in Redis' order: known, arity, permitted, authenticated, state of the node, memory. A
 * command that has passed them is performed, or after MULTI queued; EXEC performs what was queued, so the gates are passed once.
 *
 * What a command leaves in the journal is appended here and nowhere else: itself if it changed something, unless its handler
 * said otherwise (Call.leave). All that one call of `perform` leaves, EXEC's with what it performs, is one unit.
 */
import {
  commands,
  FLAG_DENYOOM,
  FLAG_MAY_REPLICATE,
  FLAG_NO_AUTH,
  FLAG_NO_MULTI,
  FLAG_PROTECTED,
  FLAG_READONLY,
  FLAG_WRITE,
  NO_AUTH,
  replyName,
  unknownCommand,
  unknownSubcommand,
  unknownSubcommandOrArity,
  wrongArity,
  type CommandArguments,
  type CommandSpec,
} from '../commands';
import { CacheError } from '../base';
import type { ReceivedCommand } from '../resp';
import type { Parked } from './blocking';
import { Call, type Handler } from './call';
import type { DataNode } from './data-node';
import {
  DEBUG_NOT_ALLOWED,
  execAborted,
  KEYSPACE_OF_REPLICA,
  NOT_IN_TRANSACTION,
  OUT_OF_MEMORY,
} from './error-replies';
import { handlers } from './handlers';
import type { Session } from './session';
import type { QueuedCommand } from './transaction';

const TOUCHES_KEYS = FLAG_WRITE | FLAG_READONLY | FLAG_MAY_REPLICATE;

export class Dispatch {
  private readonly call: Call;
  private readonly handlerOf: (Handler | null)[];
  private readonly nowMs: () => number;

  constructor(private readonly node: DataNode) {
    this.call = new Call(node);
    this.nowMs = node.world.clock.monotonicMs;
    this.handlerOf = commands.all.map((spec) => handlers[spec.name] ?? null);
  }

  /** The command that the arguments name; null after the error reply. Gates that need no session are passed. */
  resolve(session: Session, args: CommandArguments): CommandSpec | null {
    const root = commands.find(args.buffer, args.starts[0], args.ends[0]);
    let spec = root;
    if (root !== null && root.subcommands !== null && args.argc > 1) {
      spec = root.subcommands.find(args.buffer, args.starts[1], args.ends[1]);
    }
    if (spec !== null && args.argc >= spec.argcMin && args.argc <= spec.argcMax) return spec;
    this.reject(session, spec, this.reasonAgainst(session, root, spec, args));
    return null;
  }

  /** Why `args` are not a command: `root` is what the first word names, `spec` what all of its name names. */
  private reasonAgainst(
    session: Session,
    root: CommandSpec | null,
    spec: CommandSpec | null,
    args: CommandArguments,
  ): string {
    if (root === null) return unknownCommand(args);
    if (root.container?.hidesSubcommands === true && args.argc > 1) {
      return this.mayDebug(session) ? unknownSubcommandOrArity(args, root.name) : DEBUG_NOT_ALLOWED;
    }
    return spec === null ? unknownSubcommand(args, root.name) : wrongArity(replyName(spec));
  }

  private mayDebug(session: Session): boolean {
    return session.isPermitted(this.node.settings.values['enable-debug-command']);
  }

  /** Runs or queues one command of `session`, or writes why not. */
  execute(session: Session, spec: CommandSpec, args: ReceivedCommand): void {
    const { node } = this;
    const { transaction } = session;
    if ((spec.flags & FLAG_PROTECTED) !== 0 && !this.mayDebug(session)) {
      this.reject(session, spec, DEBUG_NOT_ALLOWED);
      return;
    }
    if (!session.authenticated && (spec.flags & FLAG_NO_AUTH) === 0) {
      this.reject(session, spec, NO_AUTH);
      return;
    }
    if (transaction !== null && (spec.flags & FLAG_NO_MULTI) !== 0) {
      this.reject(session, spec, NOT_IN_TRANSACTION);
      return;
    }
    if (session.isReplica && (spec.flags & TOUCHES_KEYS) !== 0) {
      this.reject(session, spec, KEYSPACE_OF_REPLICA);
      return;
    }
    if (node.gate !== null) {
      const refusal = node.gate.reasonAgainst(spec, transaction);
      if (refusal !== null) {
        this.reject(session, spec, refusal);
        return;
      }
    }
    const needsMemory = transaction === null ? (spec.flags & FLAG_DENYOOM) !== 0 : transaction.needsMemory(spec);
    if (needsMemory && node.isOutOfMemory()) {
      this.reject(session, spec, OUT_OF_MEMORY);
      return;
    }
    const handler = this.handlerOf[spec.id];
    if (handler === null) {
      this.reject(session, spec, wrongArity(replyName(spec)));
      return;
    }
    if (transaction !== null && transaction.queues(spec)) {
      session.queue(transaction, spec, args);
      return;
    }
    this.perform(session, spec, handler, args);
    if (node.blocking.isAnyReady) node.blocking.serve();
  }

  /** Runs or queues one command of a journal: who wrote it there has passed the gates. Nothing waits. */
  replay(session: Session, spec: CommandSpec, args: ReceivedCommand): void {
    const { transaction } = session;
    const handler = this.handlerOf[spec.id];
    if (handler === null) {
      this.reject(session, spec, wrongArity(replyName(spec)));
    } else if (transaction !== null && transaction.queues(spec)) {
      transaction.add(spec, args);
    } else {
      this.call.mayBlock = false;
      this.call.isReplay = true;
      this.perform(session, spec, handler, args);
      this.call.mayBlock = true;
      this.call.isReplay = false;
    }
  }

  /** Runs what a session queued: the gates were passed then. Nothing waits. */
  executeQueued(session: Session, { spec, args }: QueuedCommand): void {
    const { mayBlock } = this.call;
    this.call.mayBlock = false;
    this.perform(session, spec, this.handlerOf[spec.id]!, args);
    this.call.mayBlock = mayBlock;
  }

  /** Runs again what waited; `session.parked` says whether it still does. */
  retry(parked: Parked): void {
    const { session, spec, args } = parked;
    if ((spec.flags & FLAG_DENYOOM) !== 0 && this.node.isOutOfMemory()) {
      this.reject(session, spec, OUT_OF_MEMORY);
      return;
    }
    this.call.retried = parked;
    this.perform(session, spec, this.handlerOf[spec.id]!, args);
    this.call.retried = null;
  }

  private perform(session: Session, spec: CommandSpec, handler: Handler, args: ReceivedCommand): void {
    const { node } = this;
    const { reply } = session;
    const errorsBefore = reply.errors;
    const changesBefore = node.changes;
    const { journal, quorum } = node;
    const { isActive } = journal;
    const journalBefore = isActive ? journal.offset : 0;
    const { writtenTo } = session;
    const repliesBefore = quorum === null ? 0 : session.repliedBytes;
    if (isActive) {
      journal.beginUnit();
      this.call.leavesItself = true;
    }
    this.call.begin(session, spec, args);
    if (args.argc <= spec.briefArgcMax) {
      this.run(handler, session);
      if (session.parked === null) node.statistics.ranBriefly(spec, this.nowMs);
    } else {
      const startMs = node.statistics.beginTimed(this.nowMs);
      this.run(handler, session);
      node.statistics.ranTimed(spec, startMs, this.nowMs(), session.parked === null);
    }
    if (node.allegiance !== null && (spec.flags & FLAG_WRITE) !== 0) session.awaitsLease = true;
    if (reply.errors !== errorsBefore) {
      node.statistics.failedCalls[spec.id]++;
      node.statistics.errors.count(reply.lastError);
    }
    if (isActive) {
      const hasChanged = node.changes !== changesBefore && spec.effect !== 'never';
      if (hasChanged && this.call.leavesItself) journal.append(session.database.index, args);
      const hasLeft = journal.offset !== journalBefore && (spec.flags & FLAG_WRITE) !== 0;
      journal.endUnit();
      // EXEC has written what those have that it ran.
      if ((hasLeft || session.writtenTo !== writtenTo) && !this.call.isReplay) {
        session.writtenTo = journal.offset;
        node.replyGate.noteWriter(session);
        if (quorum !== null && !journal.isInUnit) quorum.hold(session, repliesBefore);
      }
    }
  }

  /**
   * The machine may refuse memory in the middle of a command: the process lives. The client is told, unless part of the
   * reply has been written already: then nothing that could follow would be understood, and the connection is closed.
   */
  private run(handler: Handler, session: Session): void {
    const written = session.out.length;
    const { out } = session.reply;
    try {
      handler(this.call);
    } catch (error) {
      if (!(error instanceof CacheError && error.code === 'OUT_OF_MEMORY') && !(error instanceof RangeError))
        throw error;
      // It may have been writing aside.
      session.reply.out = out;
      this.node.world.log('warning', `Out of memory in ${this.call.spec.name}: ${error.message}`);
      if (session.out.length === written) session.reply.error('OOM the machine has no memory left for this command');
      else session.kill();
    }
  }

  private reject(session: Session, spec: CommandSpec | null, error: string): void {
    if (spec !== null) this.node.statistics.rejectedCalls[spec.id]++;
    if (session.transaction !== null) session.transaction.isFailed = true;
    if (spec?.name === 'EXEC') {
      error = execAborted(error);
      session.endTransaction();
    }
    session.reply.error(error);
    this.node.statistics.errors.count(error);
  }
}
