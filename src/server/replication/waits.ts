/**
 * Waits: clients that ask to be told when replicas, or disks, have what they wrote: WAIT and WAITAOF.
 *
 * Such a command is parked like any that blocks (blocking.ts), for no key; what ends it is an acknowledgement of a replica, or a
 * sync of our own file. Its reply is the same whether it got what it asked for or time is up: the numbers of now. While
 * somebody waits, replicas are asked to acknowledge at the end of the turn that brought the command, once for all of that turn.
 */
import type { Feeds } from '../../replication';
import type { ReplyWriter } from '../../resp';
import { NO_KEYS } from '../blocking';
import type { Call } from '../call';
import type { DataNode } from '../data-node';
import { WAITAOF_WITHOUT_FILE } from '../error-replies';
import type { Session } from '../session';

/** What must be acknowledged, by how many. */
export interface Demand {
  /** Offset of the stream. */
  readonly offset: number;
  readonly replicas: number;
  /** It must be on disk: on so many of ours (0 or 1), and on those of replicas; null where it need not be. */
  readonly local: number | null;
}

interface Waiter {
  readonly session: Session;
  readonly demand: Demand;
}

export class Waits {
  /** Replicas are to be asked to acknowledge at the end of the turn. */
  asks = false;
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly node: DataNode,
    private readonly feeds: Feeds,
  ) {
    node.persistence.appendOnly.onSynced = () => this.check();
    node.settings.onChange('appendonly', () => this.check());
  }

  /** Replies to the command of `call` as soon as the demand is met, after `timeoutMs` (0: never), or at once where nothing may wait. */
  wait(call: Call, demand: Demand, timeoutMs: number): void {
    if (this.isMet(demand) || !call.mayBlock) return this.reply(call.reply, demand);
    const waiter: Waiter = { session: call.session, demand };
    call.block({
      ...NO_KEYS,
      timeoutMs,
      replyTimeout: (reply) => this.reply(reply, demand),
      left: () => this.waiters.delete(waiter),
    });
    this.waiters.add(waiter);
    this.asks = true;
  }

  /** More is acknowledged, or synced, or never will be. */
  check(): void {
    for (const { demand, session } of this.waiters) {
      if (demand.local === 1 && !this.node.settings.values['appendonly']) session.unblock(WAITAOF_WITHOUT_FILE);
      else if (this.isMet(demand)) session.unblock(null);
    }
  }

  private isMet({ offset, replicas, local }: Demand): boolean {
    if (local === null) return this.feeds.countAcknowledged(offset) >= replicas;
    return this.localCount(offset) >= local && this.feeds.countOnDisk(offset) >= replicas;
  }

  /** Whether our append-only file has it on the disk, as a number. */
  private localCount(offset: number): number {
    return this.node.persistence.appendOnly.syncedOffset >= offset ? 1 : 0;
  }

  private reply(reply: ReplyWriter, { offset, local }: Demand): void {
    if (local === null) {
      reply.integer(this.feeds.countAcknowledged(offset));
      return;
    }
    reply.array(2);
    reply.integer(this.localCount(offset));
    reply.integer(this.feeds.countOnDisk(offset));
  }
}
