/**
 * SlotFeed: replication narrowed to slots: what moves them to another server while they are in use.
 *
 *   const feed = new SlotFeed(node, [17], sink);
 *   while (!feed.run(isTimeUp)) …              a slice between two turns, again and again
 *   feed.offset                                up to here of the journal the sink has all
 *
 * First comes what the keys of the slots are, by the same walk that writes snapshots, then what changes them, by the same journal that
 * replicas read (slot-tail.ts): commands in both cases, which the receiver runs in order. The sink is the caller's, and so are
 * slices and back-pressure: nothing is handed on but by `run`, and `pendingBytes` says what waits for it.
 *
 * What the tail leaves out as stale is handed on as it is: a small walk of its own, over these keys, with the journal's
 * entries behind it. That is the beginning again in small, and as the beginning is right it is. It may take several rounds;
 * meanwhile the receiver is between two offsets, and `offset` stays. Where the tail is void the feed begins anew, and says so by the
 * sink's `begin`.
 *
 * Always: a receiver that has run all that it was handed has these slots exactly as the journal at `offset` makes them. For that it
 * must not let their keys expire, or evict them, by itself: the journal says when they go.
 *
 * Only of a master: a replica's own journal says nothing.
 */
import { assert, Output, type ByteSink } from '../base';
import { SLOT_COUNT } from '../slots';
import { LARGE_LIMITS, SnapshotWalk, TransferFormat, type Journal, type Keyspace, type LargeLimits } from '../storage';
import { NO_OFFSET } from './history';
import { SlotTail } from './slot-tail';

/** Takes what is handed on: whole commands in order, cut anywhere. It must not throw. */
export interface SlotFeedSink extends ByteSink {
  /**
   * The copy begins, or begins anew: what the receiver has in these slots, in all databases, must go before it runs what follows, and
   * what it was handed before and has not run is void.
   */
  begin(): void;
}

/** What a feed needs of a data node. */
export interface SlotFeedSource {
  readonly keyspace: Keyspace;
  readonly journal: Journal;
}

/** `copying`: the keys as they were when it began. `following`: what has changed since. */
export type SlotFeedPhase = 'copying' | 'following' | 'closed';

/** Commands cannot say all of a stream: only very large ones are handed on by them. 256 nodes are 1 MiB or less, as a rule. */
const FEED_LIMITS: LargeLimits = { ...LARGE_LIMITS, streamNodes: 256 };
/** The choice of a walk that is told its keys. */
const NO_SLOTS = new Uint8Array(SLOT_COUNT);

export class SlotFeed {
  /**
   * Bytes of the journal up to which everything of these slots has been handed on; −1 until the copy is, and what has changed
   * meanwhile. To be compared with `journal.offset`.
   */
  offset = NO_OFFSET;
  phase: SlotFeedPhase = 'copying';
  /** How far the copy is: keys that were handed on, and that there were when it began. */
  keysDone = 0;
  keysTotal = 0;

  /** By slot: 1 where it is one of those. */
  private readonly chosen = new Uint8Array(SLOT_COUNT);
  private readonly format: TransferFormat;
  private walk: SnapshotWalk | null = null;
  private tail: SlotTail;

  /**
   * Begins at once, which takes a moment whatever the size; the sink's `begin` is called. Not while a command runs.
   * @param slots numbers of slots, 0 … 1023
   * @param limits above which values go in parts
   * @throws CacheError FILE_FAILED: the journal's file does not take what is pending
   */
  constructor(
    private readonly source: SlotFeedSource,
    slots: Iterable<number>,
    private readonly sink: SlotFeedSink,
    private readonly limits: LargeLimits = FEED_LIMITS,
  ) {
    for (const slot of slots) {
      assert(Number.isInteger(slot) && slot >= 0 && slot < SLOT_COUNT, `there is no slot ${slot}`);
      this.chosen[slot] = 1;
    }
    this.format = new TransferFormat(source.keyspace);
    source.journal.commit();
    this.tail = this.begin();
  }

  /** Bytes of memory that wait for `run`: pre-images of keys, and entries of the journal. */
  get pendingBytes(): number {
    return (this.walk?.earlyBytes ?? 0) + this.tail.pendingBytes;
  }

  /**
   * Hands on what there is, until `isTimeUp`, which is asked again and again; whether that was all, for now. Not while a command
   * runs. What the journal has not committed yet is not there.
   * @throws CacheError FILE_FAILED: the journal's file does not take what is pending; to be called again later. Any other error
   * has closed the feed: there was no memory to keep what the walk needs
   */
  run(isTimeUp: () => boolean): boolean {
    assert(this.phase !== 'closed', 'the slot feed is closed');
    const { journal } = this.source;
    for (;;) {
      if (this.tail.isVoid) this.beginAnew();
      if (this.walk !== null && !this.runWalk(this.walk, isTimeUp)) return false;
      while (!this.tail.handOn(this.sink)) if (isTimeUp()) return false;
      if (this.tail.stale.count === 0) {
        this.offset = journal.offset - journal.pendingBytes;
        return true;
      }
      // State and stream must meet at one place: what is pending is in the state already.
      journal.commit();
      if (!this.tail.isVoid && this.tail.pendingBytes === 0) this.walk = this.walkStale(isTimeUp);
      if (isTimeUp()) return false;
    }
  }

  /** Ends it: nothing is handed on any more, and nothing kept. */
  close(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.source.journal.removeReader(this.tail);
    this.walk?.abandon();
    this.walk = null;
  }

  /** Where nothing is pending in the journal. */
  private begin(): SlotTail {
    const { keyspace, journal } = this.source;
    this.phase = 'copying';
    this.offset = NO_OFFSET;
    this.walk = new SnapshotWalk(keyspace, this.format, this.limits, this.chosen);
    this.keysDone = 0;
    this.keysTotal = this.walk.keysTotal;
    const tail = new SlotTail(this.chosen, journal.selectedDatabase);
    journal.addReader(tail);
    this.sink.begin();
    return tail;
  }

  private beginAnew(): void {
    const { journal } = this.source;
    journal.commit();
    journal.removeReader(this.tail);
    this.walk?.abandon();
    this.tail = this.begin();
  }

  /** Goes on with a walk; whether it is at its end. */
  private runWalk(walk: SnapshotWalk, isTimeUp: () => boolean): boolean {
    let isOver: boolean;
    try {
      isOver = walk.run(isTimeUp);
    } catch (error) {
      this.close();
      throw error;
    }
    if (this.phase === 'copying') this.keysDone = walk.keysDone;
    walk.out.flush(this.sink);
    if (!isOver) return false;
    this.phase = 'following';
    this.walk = null;
    return true;
  }

  /** Begins to hand on stale keys as they are now: as many as there is time for. */
  private walkStale(isTimeUp: () => boolean): SnapshotWalk {
    const { keyspace } = this.source;
    const { tail, format, sink } = this;
    const walk = new SnapshotWalk(keyspace, format, this.limits, NO_SLOTS);
    const missing = new Output();
    tail.interrupt();
    for (let stale = tail.stale.take(); stale !== null; stale = isTimeUp() ? null : tail.stale.take()) {
      const { databaseIndex, key } = stale;
      const isThere = keyspace.hasDatabase(databaseIndex) && walk.include(keyspace.database(databaseIndex), key);
      if (!isThere) format.missing(missing, databaseIndex, key);
    }
    missing.flush(sink);
    return walk;
  }
}
