/**
 * Transaction: the commands that one client queued since MULTI.
 *
 * A queued command is a copy of its message with the positions of its words, so EXEC neither parses nor looks names up
 * again: it hands each command to the same `Dispatch.perform` that runs commands from sockets. The gates (known, arity,
 * permitted, authenticated, memory) were passed when the command was queued; whoever failed one made the transaction
 * *failed*, and EXEC will refuse all of it. So within EXEC nothing is refused but by a handler, and everything runs,
 * whatever fails: there is no roll-back, as in Redis.
 *
 * The queue is the client's doing and counts as what it sent: its bytes and those of the query buffer together must stay
 * within client-query-buffer-limit (see Session.queue).
 */
import { FLAG_DENYOOM, type CommandSpec } from '../commands';
import { BatchedCommand, type ReceivedCommand } from '../resp';

/** What a queued command takes beside its message: objects, and two words for the place of each argument. */
const COMMAND_OVERHEAD_BYTES = 256;
const ARGUMENT_OVERHEAD_BYTES = 8;

/** What is not queued but done at once. */
const RUN_AT_ONCE: ReadonlySet<string> = new Set(['DISCARD', 'EXEC', 'MULTI', 'QUIT', 'RESET', 'WATCH']);

/** What gets through when memory is short although the queue may not grow: all that ends a transaction. */
const ENDS_TRANSACTION: ReadonlySet<string> = new Set(['DISCARD', 'EXEC', 'QUIT', 'RESET']);

export interface QueuedCommand {
  readonly spec: CommandSpec;
  readonly args: BatchedCommand;
}

export class Transaction {
  readonly queue: QueuedCommand[] = [];
  /** Memory of the queue. */
  memoryBytes = 0;
  /** FLAG_… of the queued commands, together: what an EXEC may do. */
  flags = 0;
  /** A command was refused: EXEC will not run the others. */
  isFailed = false;

  get count(): number {
    return this.queue.length;
  }

  /** Whether this command waits for EXEC. */
  queues(spec: CommandSpec): boolean {
    return !RUN_AT_ONCE.has(spec.name);
  }

  /** Whether this command must be refused when memory is short. */
  needsMemory(spec: CommandSpec): boolean {
    if (spec.name === 'EXEC') return (this.flags & FLAG_DENYOOM) !== 0;
    return !ENDS_TRANSACTION.has(spec.name);
  }

  /** Appends a copy of a command. */
  add(spec: CommandSpec, received: ReceivedCommand): void {
    const args = BatchedCommand.copyOf(received);
    this.queue.push({ spec, args });
    this.flags |= spec.flags;
    this.memoryBytes += args.commandEnd + args.argc * ARGUMENT_OVERHEAD_BYTES + COMMAND_OVERHEAD_BYTES;
  }
}
