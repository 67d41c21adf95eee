/**
 * Shutdown: what is done before a data node may end, for SHUTDOWN and the signals that mean the same.
 *
 * Replicas that lag are waited for first, up to `shutdown-timeout`: writes are held back, so what they lack does not grow, and they
 * are asked to acknowledge. Only then is anything put on disk, as it may be more than there was at the beginning. What is
 * half done there is given up, the append-only file is written and synced, and where there are save points, or the caller wants
 * it, the data are saved while everything waits. If any of that fails the node goes on, unless it is forced: an end that
 * loses data should be somebody's decision. Once the end may come writes are held back for good: no client is told OK for what
 * is in no file.
 *
 * Whoever asks while another waits waits with it, but for one that is in a hurry. Log lines are Redis'.
 */
import type { ReplicaFeed } from '../../replication';
import type { DataNode } from '../data-node';
import { CANNOT_SHUT_DOWN } from '../error-replies';
import { stateWord } from '../replication/info';
import type { Session } from '../session';
import { reasonOf } from './paths';

export interface ShutdownOptions {
  /** Whether the data are saved; unless said, where there are save points. */
  readonly saves?: boolean;
  /** Ends even if what should be kept cannot be. */
  readonly isForced?: boolean;
  /** Waits for no replica. */
  readonly isHurried?: boolean;
}

/** The end may come; or it waits for replicas; or the node goes on, and why is in the log. */
export type ShutdownAnswer = 'ready' | 'waiting' | 'failed';

/** Options of the settings `shutdown-on-sigterm` and `shutdown-on-sigint`. */
export function optionsOfWords(words: readonly string[]): ShutdownOptions {
  return {
    ...(words.includes('save') ? { saves: true } : words.includes('nosave') ? { saves: false } : {}),
    isForced: words.includes('force'),
    isHurried: words.includes('now'),
  };
}

export class Shutdown {
  /** Clients that have asked for it, and wait. */
  readonly sessions = new Set<Session>();
  /** What the one that waits for replicas was asked to do; null while none does. */
  private waiting: ShutdownOptions | null = null;
  /** The offset that replicas are waited for. */
  private offset = 0;
  private endMs = 0;

  constructor(private readonly node: DataNode) {}

  get isWaiting(): boolean {
    return this.waiting !== null;
  }

  /** Milliseconds until replicas are waited for no longer. */
  get restMs(): number {
    return Math.max(0, Math.round(this.endMs - this.node.world.clock.monotonicMs()));
  }

  /** Begins. Says by `shutdown` of the node that the end may come, now or later. */
  begin(options: ShutdownOptions): ShutdownAnswer {
    const { node } = this;
    const { isHurried = false } = options;
    if (this.isWaiting && !isHurried) return 'waiting';
    const { log } = node.world;
    log('warning', 'User requested shutdown...');
    const timeoutMs = node.settings.values['shutdown-timeout'] * 1000;
    this.offset = node.replication.offset;
    if (isHurried || timeoutMs === 0 || !this.isAnyBehind) return this.finish(options);
    log('notice', 'Waiting for replicas before shutting down.');
    this.waiting = options;
    this.endMs = node.world.clock.monotonicMs() + timeoutMs;
    node.holdWrites(this, true);
    node.persistence.betweenCommands(() => node.replication.feeds.requestAcknowledgements());
    return 'waiting';
  }

  /** Calls off the one that waits; whether there was one. */
  abort(): boolean {
    if (!this.isWaiting) return false;
    this.node.world.log('notice', 'Shutdown manually aborted.');
    this.goOn();
    return true;
  }

  /** A replica has acknowledged more, or is gone, or time has passed. */
  look(): void {
    if (!this.isWaiting || (this.restMs > 0 && this.isAnyBehind)) return;
    // What ends the node must not do so amid a command.
    this.node.persistence.betweenCommands(() => {
      if (this.waiting !== null) this.finish(this.waiting);
    });
  }

  /** Whether a replica lags that can be expected to catch up: not one that is sent a snapshot, or never says how far it is. */
  private get isAnyBehind(): boolean {
    return this.node.replication.feeds.all.some((feed) => feed.isServed && !feed.isOld && this.isBehind(feed));
  }

  private isBehind({ ackedOffset }: ReplicaFeed): boolean {
    return ackedOffset < this.offset;
  }

  private finish(options: ShutdownOptions): ShutdownAnswer {
    const { node } = this;
    this.tellReplicas();
    if (!this.settle(options)) {
      this.goOn();
      return 'failed';
    }
    this.waiting = null;
    node.holdWrites(this, true);
    for (const session of this.sessions) session.kill();
    node.emit('shutdown');
    return 'ready';
  }

  /** The node goes on, and who waits for its end is told so. */
  private goOn(): void {
    this.waiting = null;
    this.node.holdWrites(this, false);
    for (const session of this.sessions) session.unblock(CANNOT_SHUT_DOWN);
  }

  private tellReplicas(): void {
    const { replication, world } = this.node;
    const { all } = replication.feeds;
    const behind = all.filter((feed) => this.isBehind(feed));
    const nowMs = world.clock.monotonicMs();
    for (const feed of behind) {
      const lagSeconds = feed.isServed ? Math.floor((nowMs - feed.ackedAtMs) / 1000) : 0;
      world.log(
        'warning',
        `Lagging replica ${feed.name} reported offset ${replication.offset - feed.ackedOffset} behind master, ` +
          `lag=${lagSeconds}, state=${stateWord(feed)}.`,
      );
    }
    if (all.length === 0) return;
    world.log('notice', `${all.length - behind.length} of ${all.length} replicas are in sync when shutting down.`);
  }

  /** Puts on disk what is to be there; whether the end may come. What is wrong is in the log. */
  private settle({ saves, isForced = false }: ShutdownOptions): boolean {
    const { persistence, settings, world } = this.node;
    const { log } = world;
    const refuse = (why: string): boolean => {
      log('warning', why);
      if (isForced) return false;
      log('warning', 'Errors trying to shut down the server. Check the logs for more information.');
      return true;
    };
    // Data that are still on their way from the disk must not be saved over themselves.
    const hasPoints = persistence.hasStarted && !persistence.isSuspended && settings.values['save'].length > 0;
    const hasToSave = !persistence.isLoading && (saves ?? hasPoints);
    if (persistence.appendOnly.state === 'starting' && refuse("Writing initial AOF. Can't exit.")) return false;
    persistence.saves.abandon();
    persistence.rewrites.abandon();
    if (persistence.appendOnly.state === 'on') {
      log('notice', 'Calling fsync() on the AOF file.');
      try {
        persistence.appendOnly.settle();
      } catch (error) {
        if (refuse(`The append-only file cannot be synced: ${reasonOf(error)}`)) return false;
      }
    }
    if (hasToSave) {
      log('notice', 'Saving the final RDB snapshot before exiting.');
      if (persistence.saves.save() !== null && refuse("Error trying to save the DB, can't exit.")) return false;
    }
    return true;
  }
}
