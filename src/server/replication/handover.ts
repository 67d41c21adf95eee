/**
 * Handover: a master gives its place to one of its replicas, and loses nothing (FAILOVER).
 *
 *   waiting-for-sync         writes are held back until a replica has acknowledged all there is
 *   failover-in-progress     this node follows that replica, and its PSYNC asks it to be the master; once it is, what was held
 *                            back goes on, and is told that this is a replica
 *
 * While it lasts nothing is put into the stream, no key expires and none is evicted: the offset that is waited for stands still. A
 * replica that does not catch up in time ends it, or is made the master all the same where that was forced; one that declines
 * ends it too, and this node is a master again. Words, conditions and log lines are Redis' (replication.c of 7.0).
 */
import type { ReplicaFeed } from '../../replication';
import type { DataNode } from '../data-node';
import type { MasterAddress, Replication } from './replication';

/** The words that INFO has for it. */
export type HandoverState = 'no-failover' | 'waiting-for-sync' | 'failover-in-progress';

export interface HandoverRequest {
  /** Which replica; null for the first that has caught up. */
  readonly target: MasterAddress | null;
  /** For how long to wait; null for ever. */
  readonly timeoutMs: number | null;
  /** The target is to be the master when time is up, whatever it lacks. */
  readonly isForced: boolean;
}

export class Handover {
  state: HandoverState = 'no-failover';
  private target: MasterAddress | null = null;
  private endMs = Infinity;
  private isForced = false;

  constructor(
    private readonly node: DataNode,
    private readonly replication: Replication,
  ) {}

  get isUnderWay(): boolean {
    return this.state !== 'no-failover';
  }

  /** Begins; the target must be an online replica. */
  begin({ target, timeoutMs, isForced }: HandoverRequest): void {
    const { node, replication } = this;
    this.target = target;
    this.endMs = timeoutMs === null ? Infinity : node.world.clock.monotonicMs() + timeoutMs;
    this.isForced = isForced;
    node.world.log('notice', 'FAILOVER requested.');
    this.enter('waiting-for-sync');
    // Before anything stands still: the question is part of the stream.
    node.persistence.betweenCommands(() => {
      replication.feeds.requestAcknowledgements();
      this.look();
    });
  }

  /** Ends it for a reason: all goes on as before. */
  abort(reason: string): void {
    if (!this.isUnderWay) return;
    const { replication, state, target } = this;
    const whom = target === null ? '' : ` to ${target.host}:${target.port}`;
    this.node.world.log('notice', `Aborting failover${whom}. ${reason}`);
    if (state === 'failover-in-progress') replication.promote();
    this.enter('no-failover');
  }

  /** The master that the target is now has answered our PSYNC. */
  settled(isAccepted: boolean): void {
    if (this.state !== 'failover-in-progress') return;
    if (isAccepted) this.enter('no-failover');
    else this.abort('Failover target rejected psync request');
  }

  /** A replica has acknowledged more, or time has passed. Between two commands. */
  look(): void {
    if (this.state !== 'waiting-for-sync') return;
    const { node, target } = this;
    if (node.world.clock.monotonicMs() >= this.endMs) {
      if (!this.isForced || target === null) return this.abort('Replica never caught up before timeout');
      node.world.log('notice', `Failover to ${target.host}:${target.port} time out exceeded, failing over.`);
      return this.follow(target);
    }
    const heir = this.replication.feeds.all.find((feed) => this.hasCaughtUp(feed));
    if (heir === undefined) return;
    const { address: host, listeningPort: port } = heir;
    node.world.log('notice', `Failover target ${host}:${port} is synced, failing over.`);
    this.follow({ host, port });
  }

  private hasCaughtUp(feed: ReplicaFeed): boolean {
    const { replication, target } = this;
    if (target !== null && !isAt(feed, target)) return false;
    return feed.state === 'online' && feed.ackedOffset === replication.offset;
  }

  private follow(target: MasterAddress): void {
    this.target = target;
    this.enter('failover-in-progress');
    this.replication.follow(target, true);
  }

  private enter(state: HandoverState): void {
    this.state = state;
    this.node.holdWrites(this, this.isUnderWay);
    this.replication.updateStates();
  }
}

/** Whether a replica is the one at this address. */
export function isAt({ address, listeningPort }: ReplicaFeed, { host, port }: MasterAddress): boolean {
  return listeningPort === port && address.toLowerCase() === host.toLowerCase();
}
