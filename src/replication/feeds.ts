/**
 * Feeds: all replicas of a node, and the stream that they are sent.
 *
 * Bytes come in one way: from the journal of a master (`write`), or, of a node that is a replica itself, from its own master
 * (`relay`). They go to the backlog, once for all, and at the end of the turn each replica that is online is lent what is new
 * there: one write, no copy. One that does not take what it is given is given no more, until its connection has `drained`; what
 * waits for it waits in the backlog, and who allows clients only so much closes it.
 *
 * What a master says beside its changes (PING, REPLCONF GETACK) is put between two commits and moves the journal's offset on.
 *
 * Always: the backlog's end is the journal's offset without what is pending; a replica that is online has been sent, or will be,
 * exactly the bytes from the offset on at which it was attached.
 */
import type { World } from '../base';
import { ascii } from '../base';
import { encodeCommand } from '../resp';
import type { Journal, JournalSink } from '../storage';
import { Backlog } from './backlog';
import type { History } from './history';
import type { ReplicaFeed } from './replica-feed';

export interface FeedSettings {
  readonly 'repl-backlog-size': number;
  readonly 'repl-backlog-ttl': number;
  readonly 'repl-ping-replica-period': number;
  readonly 'repl-timeout': number;
}

const PING: Uint8Array = encodeCommand(['PING']);
const GET_ACK: Uint8Array = encodeCommand(['REPLCONF', 'GETACK', '*']);
/** Tells who waits that we are alive. */
const BLANK_LINE = ascii('\n');
const KEEP_ALIVE_MS = 1000;

export class Feeds implements JournalSink {
  /** A replica has come, gone, or changed its state. */
  onChange: () => void = () => undefined;
  /** A replica has acknowledged more. */
  onAcknowledged: () => void = () => undefined;
  /** Replicas, in the order in which they came. */
  readonly all: ReplicaFeed[] = [];
  /** Null as long as there was no replica, and again some time after the last. */
  backlog: Backlog | null = null;
  /** Bytes of the stream that were handed to connections. */
  sentBytes = 0;

  private isReading = false;
  /** What the backlog's end was when replicas were last sent what was new. */
  private sentEnd = -1;
  private isGoingOn = false;
  private lastPingMs = 0;
  private lastKeepAliveMs = 0;
  /** When the last replica went. */
  private aloneSinceMs = 0;
  private readonly neededFrom = (): number => this.leastNeeded();

  /** @param settle commits what is pending in the journal; whether nothing is then */
  constructor(
    private readonly journal: Journal,
    private readonly history: History,
    private readonly world: World,
    private readonly settings: FeedSettings,
    private readonly settle: () => boolean,
  ) {}

  get hasBacklog(): boolean {
    return this.backlog !== null;
  }

  // ── what comes in ────────────────────────────────────────────────────────────────────────────────────────────

  /** Reads the journal from now on, as a master: into a backlog that begins here, unless there is one. */
  startReading(): void {
    const { journal } = this;
    this.isReading = true;
    // What is pending is handed to every reader.
    if (this.backlog === null) this.makeBacklog(journal.offset - journal.pendingBytes);
    if (this.all.length === 0) this.aloneSinceMs = this.world.clock.monotonicMs();
    journal.addReader(this);
  }

  /** What is sent is relayed from now on: see `relay`. The backlog stays. */
  stopReading(): void {
    this.isReading = false;
    this.journal.removeReader(this);
  }

  /** As the journal's reader. */
  write(buffer: Uint8Array, start: number, end: number): void {
    this.backlog!.write(buffer, start, end);
  }

  /** Bytes of the stream of our own master, for replicas of ours. Whole units. */
  relay(buffer: Uint8Array, start: number, end: number): void {
    this.backlog?.write(buffer, start, end);
  }

  /** Our data are those of another stream, or of another place in it: nothing that was kept is of use. Drops all replicas. */
  startOver(offset: number): void {
    this.dropAll();
    this.makeBacklog(offset);
  }

  /** Puts REPLCONF GETACK into the stream: replicas answer at once. Not while a command runs. */
  requestAcknowledgements(): void {
    if (this.all.length > 0) this.put(GET_ACK);
  }

  /** Puts a message of ours between what the journal has and what it will have. Another's stream is not ours to add to. */
  private put(message: Uint8Array): void {
    const { backlog, journal } = this;
    if (!this.isReading || backlog === null || !this.settle()) return;
    backlog.write(message, 0, message.length);
    journal.moveTo(journal.offset + message.length);
    this.send();
  }

  resizeBacklog(bytes: number): void {
    if (this.backlog === null) return;
    this.backlog.bytesMax = bytes;
    this.backlog.trim();
  }

  private makeBacklog(offset: number): void {
    this.backlog = new Backlog(offset, this.settings['repl-backlog-size'], this.neededFrom);
    this.sentEnd = offset;
    this.aloneSinceMs = this.world.clock.monotonicMs();
  }

  private leastNeeded(): number {
    let least = Infinity;
    for (const feed of this.all) least = Math.min(least, feed.neededFrom);
    return least;
  }

  // ── what goes out ────────────────────────────────────────────────────────────────────────────────────────────

  /** End of a turn: sends what is new. Quick where nothing is. */
  send(): void {
    const { all, backlog } = this;
    if (backlog === null || backlog.end === this.sentEnd) return;
    this.sentEnd = backlog.end;
    for (let i = 0; i < all.length; i++) {
      if (all[i].state === 'online') this.sendTo(all[i], backlog);
    }
  }

  /** The connection of a replica has sent what it had. */
  drained(feed: ReplicaFeed): void {
    this.goOn(feed);
  }

  private goOn(feed: ReplicaFeed): void {
    if (feed.transfer !== null) {
      if (feed.transfer.advance()) this.goOnLater();
    } else if (feed.state === 'online' && this.backlog !== null) {
      this.sendTo(feed, this.backlog);
    }
  }

  private sendTo(feed: ReplicaFeed, backlog: Backlog): void {
    this.sentBytes += feed.sendFrom(backlog);
    if (feed.mayGoOn(backlog)) this.goOnLater();
  }

  /** Sends more once the event loop has been round: what was sent at once was enough for one turn. */
  private goOnLater(): void {
    if (this.isGoingOn) return;
    this.isGoingOn = true;
    this.world.timers.endOfTurn(() => {
      this.isGoingOn = false;
      for (const feed of this.all.slice()) this.goOn(feed);
    });
  }

  // ── replicas ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether who has `offset` of the stream `id` can go on from there. */
  canContinue(id: string, offset: number): boolean {
    return this.backlog !== null && this.history.covers(id, offset) && this.backlog.reaches(offset);
  }

  /** Takes a replica that waits for a snapshot. The first one of a master begins a history: nobody could know of it before. */
  attach(feed: ReplicaFeed, isMaster: boolean): void {
    if (isMaster && this.backlog === null) this.history.begin();
    if (isMaster) this.startReading();
    feed.state = 'waiting';
    feed.waitsSinceMs = feed.movedAtMs = this.world.clock.monotonicMs();
    this.all.push(feed);
    this.onChange();
  }

  /** Takes a replica that goes on from an offset: see `canContinue`. */
  attachAt(feed: ReplicaFeed, offset: number): void {
    feed.position = offset;
    feed.waitsSinceMs = this.world.clock.monotonicMs();
    this.all.push(feed);
    this.putOnline(feed);
  }

  /** Has all that comes before its position: it is sent the stream from there on. */
  putOnline(feed: ReplicaFeed): void {
    feed.state = 'online';
    feed.ackedAtMs = feed.movedAtMs = this.world.clock.monotonicMs();
    this.onChange();
    this.goOn(feed);
  }

  /** A replica says how far it is; offsets that are none are NaN. What it was not sent it cannot have, whatever it says. */
  acknowledge(feed: ReplicaFeed, offset: number, diskOffset: number): void {
    const { position } = feed;
    if (offset > feed.ackedOffset) feed.ackedOffset = Math.min(offset, position);
    if (diskOffset > feed.ackedDiskOffset) feed.ackedDiskOffset = Math.min(diskOffset, position);
    feed.ackedAtMs = this.world.clock.monotonicMs();
    if (feed.state === 'received') this.putOnline(feed);
    this.onAcknowledged();
  }

  /** Closes the connection of a replica. */
  drop(feed: ReplicaFeed): void {
    feed.connection.destroy();
    this.remove(feed);
  }

  /** Sends a replica that is online all there is, however much waits already, and that nothing follows. */
  finish(feed: ReplicaFeed): void {
    const { backlog } = this;
    if (backlog !== null) this.sentBytes += feed.sendRest(backlog);
    feed.connection.finish();
    this.remove(feed);
  }

  dropAll(): void {
    while (this.all.length > 0) this.drop(this.all[0]);
  }

  /** A replica's connection is gone. */
  remove(feed: ReplicaFeed): void {
    feed.state = 'gone';
    feed.transfer?.abandon();
    feed.transfer = null;
    const at = this.all.indexOf(feed);
    if (at < 0) return;
    this.all.splice(at, 1);
    if (this.all.length === 0) this.aloneSinceMs = this.world.clock.monotonicMs();
    this.onChange();
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ten times a second. */
  tick(): void {
    const nowMs = this.world.clock.monotonicMs();
    const keepsAlive = nowMs - this.lastKeepAliveMs >= KEEP_ALIVE_MS;
    if (keepsAlive) this.lastKeepAliveMs = nowMs;
    for (const feed of this.all.slice()) {
      feed.watch(nowMs);
      if (this.isSilent(feed, nowMs)) {
        this.world.log('warning', `Disconnecting timedout replica (${wordFor(feed)}): ${feed.name}`);
        this.drop(feed);
      } else {
        if (keepsAlive && (feed.state === 'waiting' || feed.state === 'saving')) feed.connection.write(BLANK_LINE);
        this.goOn(feed);
      }
    }
  }

  /** Whether nothing was heard of a replica for too long, or its connection has not moved although it was given something. */
  private isSilent(feed: ReplicaFeed, nowMs: number): boolean {
    const timeoutMs = this.settings['repl-timeout'] * 1000;
    if (nowMs - feed.movedAtMs > timeoutMs) return true;
    return feed.isServed && !feed.isOld && nowMs - feed.ackedAtMs > timeoutMs;
  }

  /** Ten times a second, of a master: puts pings into the stream, and frees the backlog in time. */
  tendStream(): void {
    const { backlog, settings } = this;
    const nowMs = this.world.clock.monotonicMs();
    if (this.all.length > 0) {
      if (nowMs - this.lastPingMs < settings['repl-ping-replica-period'] * 1000) return;
      this.lastPingMs = nowMs;
      this.put(PING);
      return;
    }
    const freedAfterSeconds = settings['repl-backlog-ttl'];
    const isLeft = backlog !== null && nowMs - this.aloneSinceMs > freedAfterSeconds * 1000;
    if (!isLeft || freedAfterSeconds === 0) return;
    // Who comes back after this may ask for what is gone, by a name that would still be ours.
    this.history.begin();
    this.stopReading();
    this.backlog = null;
    this.world.log(
      'notice',
      `Replication backlog freed after ${freedAfterSeconds} seconds without connected replicas.`,
    );
  }

  // ── what is known ────────────────────────────────────────────────────────────────────────────────────────────

  /** How many have acknowledged this offset. */
  countAcknowledged(offset: number): number {
    let count = 0;
    for (const feed of this.all) if (feed.state === 'online' && feed.ackedOffset >= offset) count++;
    return count;
  }

  /** How many have said that everything up to this offset is on their disks. */
  countOnDisk(offset: number): number {
    let count = 0;
    for (const feed of this.all) if (feed.state === 'online' && feed.ackedDiskOffset >= offset) count++;
    return count;
  }

  /** How many are online, and were heard of in the last so many seconds. */
  countGood(seconds: number): number {
    const nowMs = this.world.clock.monotonicMs();
    let count = 0;
    for (const feed of this.all) {
      // Whole seconds, as everywhere that such a lag is told.
      if (feed.isServed && Math.floor((nowMs - feed.ackedAtMs) / 1000) <= seconds) count++;
    }
    return count;
  }
}

/** What a replica was doing, in Redis' words. */
function wordFor({ isServed, state }: ReplicaFeed): string {
  if (isServed) return 'streaming sync';
  return state === 'receiving' ? 'full sync' : 'rdb transfer';
}
