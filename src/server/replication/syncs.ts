/**
 * Syncs: replicas come, and are given what they lack: the rest of the stream, or a snapshot first (Redis: PSYNC, SYNC).
 *
 * A snapshot begins between two commands, when the journal has nothing pending: its place is the stream's offset then, and what
 * comes after stands in the backlog. One walk serves all replicas that wait for one of the same kind, and one is under way at a
 * time; who comes meanwhile waits for the next. There are two kinds. A replica that knows the end mark is sent the snapshot while
 * it is made (Broadcast), and such a walk waits a few seconds for more to come (`repl-diskless-sync-delay`). For the others, and
 * with `repl-diskless-sync no`, it goes to a file first, which each is then sent (FileTransfer).
 *
 * A node that is a replica itself serves its own from its master's stream, while it has that. Saves and rewrites may be under way at
 * the same time: walks do not know of each other. Words of the log are Redis'.
 */
import { Broadcast, FileTransfer, type ReplicaFeed } from '../../replication';
import { SnapshotFile, SnapshotStream, type StreamPlace } from '../../storage';
import type { DataNode } from '../data-node';
import { reasonOf } from '../persistence/paths';
import { rdbOptions } from '../persistence/snapshot-options';
import { SnapshotRun } from '../persistence/snapshot-run';
import type { Session } from '../session';
import type { Replication } from './replication';

/** So long replicas may take, when the node ends, to read what there is. */
const LEAVE_MS_MAX = 1000;

export class Syncs {
  /** Clients that are replicas. */
  readonly sessions = new Map<ReplicaFeed, Session>();
  /** The snapshot that is under way. */
  private run: SnapshotRun | null = null;
  /** For whom it is. */
  private group: readonly ReplicaFeed[] = [];
  /** Called when the last replica is gone. */
  private deserted: () => void = () => undefined;

  constructor(
    private readonly node: DataNode,
    private readonly replication: Replication,
  ) {}

  // ── replicas come and go ─────────────────────────────────────────────────────────────────────────────────────

  /**
   * PSYNC: a client becomes a replica, which has `offset` bytes of the stream `id`, or says "?" for the id of none. It is told
   * at once that it may go on, or when its snapshot begins where that is.
   */
  admit(session: Session, feed: ReplicaFeed, id: string, offset: number): void {
    const { node } = this;
    const { feeds, history } = this.replication;
    if (feeds.canContinue(id, offset)) {
      node.statistics.partialSyncs++;
      this.sessions.set(feed, session);
      session.connection.write(Buffer.from(feed.knowsPsync2 ? `+CONTINUE ${history.id}\r\n` : '+CONTINUE\r\n'));
      this.log(
        `Partial resynchronization request from ${feed.name} accepted. ` +
          `Sending ${feeds.backlog!.end - offset} bytes of backlog starting from offset ${offset + 1}.`,
      );
      feeds.attachAt(feed, offset);
      this.replication.startTicking();
      return;
    }
    if (id === '?') {
      this.log(`Full resync requested by replica ${feed.name}`);
    } else {
      node.statistics.partialRefusals++;
      this.log(`Partial resynchronization not accepted: ${this.reasonAgainst(id, offset)}`);
    }
    this.admitAnew(session, feed);
  }

  /** SYNC: a client becomes a replica that has nothing. */
  admitAnew(session: Session, feed: ReplicaFeed): void {
    const { node } = this;
    const { feeds } = this.replication;
    const { place } = this.replication;
    node.statistics.fullSyncs++;
    this.sessions.set(feed, session);
    if (this.replication.isReplica && !feeds.hasBacklog && place !== null) feeds.startOver(place.offset);
    feeds.attach(feed, !this.replication.isReplica);
    this.replication.startTicking();
    if (this.run !== null) this.log('Current snapshot has other receivers. Waiting for next snapshot for SYNC');
    node.persistence.betweenCommands(() => this.consider());
  }

  private reasonAgainst(id: string, offset: number): string {
    const { feeds, history } = this.replication;
    if (id !== history.id && id !== history.formerId) {
      return `Replication ID mismatch (Replica asked for '${id}', my replication IDs are '${history.id}' and '${history.formerId}')`;
    }
    if (!history.covers(id, offset)) {
      return `Requested offset for second ID was ${offset + 1}, but I can reply up to ${history.formerEnd + 1}`;
    }
    return `for lack of backlog (Replica request was: ${offset + 1}, it has ${feeds.backlog?.start ?? 0} to ${feeds.backlog?.end ?? 0})`;
  }

  /** A replica's connection is gone. */
  gone(feed: ReplicaFeed): void {
    this.sessions.delete(feed);
    this.replication.feeds.remove(feed);
    this.abandonIfDeserted();
    if (this.sessions.size === 0) this.deserted();
  }

  /** The node ends: replicas that are online are sent all there is, and have some time to take it; the others are dropped. */
  takeLeave(): Promise<void> {
    const { feeds } = this.replication;
    for (const [feed, session] of this.sessions) {
      // It has nothing to say any more.
      session.closing = true;
      if (feed.state === 'online') feeds.finish(feed);
      else feeds.drop(feed);
    }
    if (this.sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timeIsUp = (): void => this.sessions.forEach(({ connection }) => connection.destroy());
      const cancel = this.node.world.timers.after(LEAVE_MS_MAX, timeIsUp, true);
      this.deserted = () => {
        cancel();
        resolve();
      };
    });
  }

  private abandonIfDeserted(): void {
    if (this.run === null || this.group.some(({ isAttached }) => isAttached)) return;
    this.log('Replicas that waited for the snapshot are gone: it is abandoned');
    this.run.abandon();
    this.run = null;
  }

  /** Ten times a second. */
  tick(): void {
    // Those that were dropped are known by their connections' end only later.
    this.abandonIfDeserted();
    for (const [feed, session] of this.sessions) {
      if (feed.isAttached) this.node.checkOutputLimit(session);
    }
    this.consider();
  }

  // ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a snapshot where replicas have waited long enough for one. Not while a command runs. */
  private consider(): void {
    if (this.run !== null) return;
    const group = this.dueGroup();
    if (group.length === 0) return;
    const { replication } = this;
    // What the append-only file holds back, or refuses, cannot be said to be in the snapshot.
    if (!replication.settle()) return;
    if (!replication.isReplica) this.node.journal.forgetDatabase();
    const { place } = replication;
    // A replica that has lost its master, or is about to get other data: ours come again.
    if (place === null) return this.dropGroup(group);
    this.begin(group, place);
  }

  /** Replicas that wait for the same kind of snapshot, and need wait no longer; none where there are none. */
  private dueGroup(): readonly ReplicaFeed[] {
    const waiting = this.replication.feeds.all.filter(({ state }) => state === 'waiting');
    for (const first of waiting) {
      const isStreamed = this.isStreamed(first);
      const group = waiting.filter((feed) => this.isStreamed(feed) === isStreamed && wantSame(feed, first));
      if (!isStreamed || this.hasGathered(group)) return group;
    }
    return [];
  }

  private hasGathered(group: readonly ReplicaFeed[]): boolean {
    const { settings, world } = this.node;
    const countMax = settings.values['repl-diskless-sync-max-replicas'];
    if (countMax > 0 && group.length >= countMax) return true;
    const waitedMs = world.clock.monotonicMs() - group[0].waitsSinceMs;
    return waitedMs >= settings.values['repl-diskless-sync-delay'] * 1000;
  }

  /** Whether a replica is sent its snapshot while that is made. */
  private isStreamed(feed: ReplicaFeed): boolean {
    return feed.knowsEndMark && (this.node.settings.values['repl-diskless-sync'] || feed.wantsFiltered);
  }

  private begin(group: readonly ReplicaFeed[], place: StreamPlace): void {
    const { node } = this;
    const isStreamed = this.isStreamed(group[0]);
    const beganMs = node.world.clock.monotonicMs();
    this.log(`Starting BGSAVE for SYNC with target: ${isStreamed ? 'replicas sockets' : 'disk'}`);
    try {
      if (isStreamed) this.beginStream(group, place);
      else this.beginFile(group, place);
      this.group = group;
    } catch (error) {
      this.log(`BGSAVE for replication failed: ${reasonOf(error)}`, 'warning');
      this.dropGroup(group);
      return;
    }
    node.persistence.noteBegun(beganMs);
  }

  /** Tells replicas from where on the stream will follow. */
  private announce(group: readonly ReplicaFeed[], { id, offset }: StreamPlace): void {
    const line = Buffer.from(`+FULLRESYNC ${id} ${offset}\r\n`);
    for (const feed of group) {
      feed.position = offset;
      if (!feed.isOld) feed.connection.write(line);
    }
  }

  private beginStream(group: readonly ReplicaFeed[], place: StreamPlace): void {
    const { node } = this;
    const { keyspace, world } = node;
    const { wantsFunctions, wantsKeys } = group[0];
    const general = rdbOptions(node, 'rdb', false);
    const functions = wantsFunctions ? general.functions : [];
    const options = { ...general, functions, isWithoutKeys: !wantsKeys };
    const mark = world.random.identifier();
    this.announce(group, place);
    for (const feed of group) feed.state = 'receiving';
    const broadcast = new Broadcast(group, mark);
    this.run = new SnapshotRun(
      node,
      (done) => new SnapshotStream(keyspace, options, broadcast, done),
      (error) => node.persistence.watched(() => this.streamed(broadcast, error)),
    );
  }

  private streamed(broadcast: Broadcast, error: Error | null): void {
    const { feeds } = this.replication;
    const present = broadcast.present;
    this.run = null;
    if (error !== null) {
      this.log(`SYNC failed: ${reasonOf(error)}`, 'warning');
      return this.dropGroup(present);
    }
    broadcast.end();
    feeds.sentBytes += broadcast.sentBytes;
    for (const feed of present) {
      if (this.endsWithSnapshot(feed)) continue;
      feed.state = 'received';
      feed.ackedAtMs = this.node.world.clock.monotonicMs();
      this.log(
        `Streamed replica with replica ${feed.name} succeeded (socket). ` +
          'Waiting for REPLCONF ACK from replica to enable streaming',
      );
    }
    feeds.onChange();
  }

  /** Lets go a replica that wanted no more; false for all others. */
  private endsWithSnapshot(feed: ReplicaFeed): boolean {
    if (!feed.wantsOnlySnapshot) return false;
    this.log(`RDB transfer completed, rdb only replica (${feed.name}) should be disconnected asap`);
    feed.connection.end();
    this.gone(feed);
    return true;
  }

  private beginFile(group: readonly ReplicaFeed[], place: StreamPlace): void {
    const { node } = this;
    const { keyspace, persistence, world } = node;
    persistence.takeDirectory();
    const path = persistence.saves.temporaryPath();
    const options = rdbOptions(node, 'rdb', false);
    this.run = new SnapshotRun(
      node,
      (done) => new SnapshotFile(keyspace, world.files, path, options, done),
      (error) => persistence.watched(() => this.saved(group, path, error)),
    );
    this.announce(group, place);
    for (const feed of group) feed.state = 'saving';
  }

  private saved(group: readonly ReplicaFeed[], path: string, error: Error | null): void {
    const present = group.filter(({ isAttached }) => isAttached);
    this.run = null;
    try {
      if (error !== null) throw error;
      for (const feed of present) this.beginTransfer(feed, path);
    } catch (cause) {
      this.log(`SYNC failed. BGSAVE returned an error: ${reasonOf(cause)}`, 'warning');
      this.dropGroup(present);
    }
    // Who has opened it has it until the end.
    this.node.world.files.removeLater(path, () => undefined);
    this.replication.feeds.onChange();
  }

  private beginTransfer(feed: ReplicaFeed, path: string): void {
    const { feeds } = this.replication;
    const file = this.node.world.files.open(path);
    feed.state = 'fetching';
    feed.transfer = new FileTransfer(file, feed.connection, (error) => {
      feed.transfer = null;
      feeds.sentBytes += file.size;
      if (error !== null) {
        this.log(`Failed sending the RDB to replica ${feed.name}: ${reasonOf(error)}`, 'warning');
        feeds.drop(feed);
      } else if (!this.endsWithSnapshot(feed)) {
        this.log(`Synchronization with replica ${feed.name} succeeded`);
        feeds.putOnline(feed);
      }
    });
    feeds.drained(feed);
  }

  private dropGroup(group: readonly ReplicaFeed[]): void {
    for (const feed of group) this.replication.feeds.drop(feed);
  }

  private log(message: string, level: 'notice' | 'warning' = 'notice'): void {
    this.node.world.log(level, message);
  }
}

function wantSame(one: ReplicaFeed, other: ReplicaFeed): boolean {
  return one.wantsKeys === other.wantsKeys && one.wantsFunctions === other.wantsFunctions;
}
