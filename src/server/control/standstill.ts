/**
 * Standstill: a master holds all writes back so that a replica can catch up and take its place (SLOTCACHE HOLD).
 *
 * Nothing is put into the stream meanwhile, no key expires, none is evicted: the offset that was answered stands. The lease is given up at
 * once, and while a change of master is under way there is no other, so the end of the time alone lets nothing be written; who
 * forgets to end it costs the clients that time only. What is held back then runs under a fresh lease, or is told that this is a replica.
 */
import { NO_KEYS } from '../blocking';
import type { Call } from '../call';
import type { DataNode } from '../data-node';
import type { LeaseGuard } from './lease-guard';

export class Standstill {
  private cancelEnd: (() => void) | null = null;

  constructor(
    private readonly node: DataNode,
    private readonly guard: LeaseGuard,
  ) {}

  /** Begins, or goes on, for `durationMs`; replies to the command of `call` where the stream stands: its id and offset. */
  begin(call: Call, durationMs: number): void {
    const { node } = this;
    const { replication } = node;
    const { session } = call;
    this.cancelEnd?.();
    this.cancelEnd = node.world.timers.after(durationMs, () => this.end());
    node.holdWrites(this, true);
    this.guard.lapse();
    call.block({
      ...NO_KEYS,
      timeoutMs: 0,
      replyTimeout: (reply) => {
        reply.array(2);
        reply.text(replication.history.id);
        reply.integer(replication.offset);
      },
    });
    node.persistence.betweenCommands(() => {
      // The question is part of the stream: replies that wait for replicas should not wait for the next one.
      replication.feeds.requestAcknowledgements();
      session.unblock(null);
    });
  }

  /** Ends, if it has begun. */
  end(): void {
    this.cancelEnd?.();
    this.cancelEnd = null;
    this.node.holdWrites(this, false);
  }
}
