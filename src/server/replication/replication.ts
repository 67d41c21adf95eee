/**
 * Replication: whose replica a data node is, and who are its own.
 *
 * There is one stream, the journal's, and its offset is the node's place in it. A master's journal is read by `feeds`, which sends
 * it to replicas. A replica's `following` takes what its master sends, does it, and hands the same bytes to `feeds` for replicas
 * of its own, which so have the master's stream at the master's offsets; what the journal carries then is for the append-only
 * file alone. Which stream it is says `history`.
 *
 * Roles change between two commands. A node that becomes a replica keeps its data until it knows what its master says to the
 * history that it names; one that becomes a master goes on with the history parted (see history.ts), so that who followed the
 * same master needs only what it lacks. Replicas of its own are let go where the stream's name changes: they come back and
 * learn it.
 */
import { Feeds, History } from '../../replication';
import type { StreamPlace } from '../../storage';
import type { DataNode } from '../data-node';
import { ROLE_CHANGED } from '../error-replies';
import { Following } from './following';
import { Handover } from './handover';
import { Quorum } from './quorum';
import { Waits } from './waits';
import { Syncs } from './syncs';

const TICK_MS = 100;

/** Where a master is. */
export interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

export class Replication {
  readonly history: History;
  /** Replicas of this node. */
  readonly feeds: Feeds;
  /** How they get what they lack. */
  readonly syncs: Syncs;
  /** What it does as a replica. */
  readonly following: Following;
  /** How it gives its place to a replica. */
  readonly handover: Handover;
  /** Clients that wait for replicas. */
  readonly waits: Waits;
  /** Replies that wait for replicas. */
  private readonly quorum: Quorum;
  /** The master, of a replica; null of a master. */
  master: MasterAddress | null = null;
  private cancelTick: (() => void) | null = null;
  private isStopped = false;

  constructor(private readonly node: DataNode) {
    const { settings, world } = node;
    this.history = new History(world.random);
    this.feeds = new Feeds(node.journal, this.history, world, settings.values, () => this.settle());
    this.syncs = new Syncs(node, this);
    this.following = new Following(node, this);
    this.handover = new Handover(node, this);
    this.waits = new Waits(node, this.feeds);
    this.quorum = new Quorum(node, this.feeds);
    const update = (): void => this.updateStates();
    this.feeds.onChange = update;
    this.feeds.onAcknowledged = () => this.acknowledged();
    this.following.onChange = update;
    this.following.onAgreed = (isAccepted) => this.handover.settled(isAccepted);
    settings.onChange('replica-read-only', update);
    settings.onChange('replica-serve-stale-data', update);
    settings.onChange('min-replicas-to-write', update);
    settings.onChange('min-replicas-max-lag', update);
    settings.onChange('write-quorum', update);
    settings.onChange('repl-backlog-size', (bytes) => this.feeds.resizeBacklog(bytes));
    this.updateStates();
  }

  /** What is on disk was loaded: follows the master that the settings name, if they do. */
  start(): void {
    const [host, port] = this.node.settings.values['replicaof'];
    if (host !== undefined) this.follow({ host, port: Number(port) });
    this.startTicking();
  }

  /** Follows nobody any more, and lets replicas go; resolves when they are gone, with all that there is or after some time. */
  stop(): Promise<void> {
    this.isStopped = true;
    this.cancelTick?.();
    this.following.leave();
    this.feeds.stopReading();
    this.quorum.stop();
    return this.syncs.takeLeave();
  }

  /** Once there is something to look after: a node that was not started has neither replicas nor a master. */
  startTicking(): void {
    if (this.isStopped) return;
    this.cancelTick ??= this.node.world.timers.every(TICK_MS, () => this.tick());
  }

  private tick(): void {
    const { node } = this;
    node.persistence.watched(() => {
      if (this.master === null && !node.areWritesHeld) this.feeds.tendStream();
      this.handover.look();
      this.feeds.tick();
      this.syncs.tick();
      this.following.tick();
      this.updateStates();
      node.leaving.look();
    });
  }

  get isReplica(): boolean {
    return this.master !== null;
  }

  /** Bytes of the stream that the data of this node are the result of. */
  get offset(): number {
    return this.master === null ? this.node.journal.offset : this.following.offset;
  }

  /** Whether no key is evicted here: the master says which go. */
  get leavesEvictionToMaster(): boolean {
    return this.master !== null && this.node.settings.values['replica-ignore-maxmemory'];
  }

  /** At the end of a turn, after the append-only file: sends replicas what is new, and asks whether they have it if need be. */
  commit(): void {
    const { feeds, node, quorum, waits } = this;
    if (quorum.isHolding && quorum.closeTurn()) waits.asks = true;
    if (waits.asks && !node.journal.isPending && !node.areWritesHeld) {
      waits.asks = false;
      feeds.requestAcknowledgements();
    }
    feeds.send();
  }

  private acknowledged(): void {
    this.quorum.acknowledged();
    this.waits.check();
    this.handover.look();
    this.node.leaving.look();
  }

  /** Commits what is pending in the journal; whether nothing is then. Not while a command runs. */
  settle(): boolean {
    const { journal, persistence } = this.node;
    if (journal.isPending) persistence.commit();
    return !journal.isPending;
  }

  // ── roles ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Becomes a replica of another master, which is to be one from now on where `handsOver`. Between two commands, or within REPLICAOF.
   * @param known where the data can be taken to stand in its stream, if that is not where they stand in ours
   */
  follow(master: MasterAddress, handsOver = false, known: StreamPlace | null = null): void {
    const { feeds, following, node } = this;
    let place = known ?? this.place ?? following.place;
    if (this.master === null) {
      // What could not be handed on is in the data, and in nobody's stream.
      if (!node.persistence.appendOnly.commitNow()) place = null;
      feeds.stopReading();
      this.quorum.failAll();
      for (const session of node.sessions.values()) {
        session.unblock(ROLE_CHANGED);
        // Nobody knows whether the master has it, and its offsets are no longer ours.
        if (session.writtenTo > 0) session.writtenTo = Infinity;
      }
    }
    this.master = master;
    this.noteMaster(master.host, String(master.port));
    node.world.log('notice', `Connecting to MASTER ${master.host}:${master.port}`);
    following.start(master, place, handsOver);
    this.startTicking();
    this.updateStates();
    node.allegiance?.roleChanged();
  }

  /** Becomes a master: the data stay as they are, and the stream goes on under a name of its own. */
  promote(): void {
    const { feeds, following, history, node } = this;
    if (this.master === null) return;
    const { offset } = this;
    const hadPlace = following.place !== null;
    following.stop();
    this.master = null;
    this.noteMaster('no', 'one');
    const { journal, persistence } = node;
    const isCommitted = persistence.appendOnly.commitNow();
    if (hadPlace) journal.standAt(offset);
    // Who goes on from here has selected what the master's stream had.
    journal.forgetDatabase();
    feeds.dropAll();
    if (hadPlace && isCommitted) {
      history.part(offset);
      node.world.log(
        'notice',
        `Setting secondary replication ID to ${history.formerId}, valid up to offset: ${offset + 1}. New replication ID is ${history.id}`,
      );
    } else {
      // The data are at no place of a stream that anybody else knows.
      history.begin();
      feeds.startOver(journal.offset - journal.pendingBytes);
    }
    feeds.startReading();
    persistence.goOn();
    this.updateStates();
    node.allegiance?.roleChanged();
  }

  /** A node that waited to be told its role is a master: the stream of its data goes on under a name of its own. */
  takeUp(): void {
    const { place } = this.following;
    if (this.master !== null || place === null) return;
    this.following.stop();
    this.history.part(place.offset);
    this.feeds.startReading();
  }

  /** The setting says what is so, for CONFIG REWRITE. */
  private noteMaster(...words: readonly string[]): void {
    this.node.settings.set('replicaof', words, 'client');
  }

  /** The place in the stream that the data of now have; null where nobody could go on from there. Between two commands. */
  get place(): StreamPlace | null {
    const { feeds, following, history, node } = this;
    // Who waits to be told its role stands where it stood.
    if (this.master !== null || following.place !== null) return following.place;
    // Amid a transaction, as where FLUSHALL saves at once, nobody can go on.
    if (!feeds.hasBacklog || node.journal.isWithinUnit) return null;
    return { id: history.id, offset: this.offset, database: node.journal.selectedDatabase };
  }

  /** What was loaded is the state at this place in a stream: who goes on from there as a replica needs only what came after. */
  resumeAt(place: StreamPlace): void {
    const { feeds, following, history, node } = this;
    node.journal.moveTo(place.offset);
    history.follow(place.id);
    // A master that was down goes on under a name of its own, as it may have lost what it sent last.
    if (node.settings.values['replicaof'].length > 0 || node.allegiance !== null) {
      following.resumeAt(place);
      return;
    }
    history.part(place.offset);
    feeds.startReading();
  }

  // ── what clients may do ──────────────────────────────────────────────────────────────────────────────────────

  updateStates(): void {
    const { feeds, following, node } = this;
    const { keyspace, states } = node;
    const { values } = node.settings;
    const isReplica = this.master !== null;
    const replicasNeeded = isReplica ? 0 : values['min-replicas-to-write'];
    states.isReadOnly = isReplica && values['replica-read-only'];
    states.isStale = isReplica && !values['replica-serve-stale-data'] && !following.isConnected;
    this.quorum.require(isReplica ? 0 : values['write-quorum']);
    states.quorumRefusal = this.quorum.refusal;
    states.lacksReplicas = replicasNeeded > 0 && feeds.countGood(values['min-replicas-max-lag']) < replicasNeeded;
    // What clients of a writable replica find is theirs to remove.
    keyspace.dueKeys = states.isReadOnly || node.standsStill ? 'hide' : 'go';
    node.statesChanged();
  }
}
