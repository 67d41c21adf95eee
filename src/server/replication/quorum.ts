/**
 * Quorum: `write-quorum N`: the reply to a write leaves only after N replicas have acknowledged the write.
 *
 * A write is done at once and its reply is written as ever; then the reply is *held* in its session's output, and what comes
 * behind it with it, as the replies of one client are in order. What is before it leaves. Requests are never held: pipelines
 * stay pipelined, and a turn that brings a thousand writes costs one round to the replicas. At its end the offset that the stream
 * has reached is kept, with the time, and the replicas are asked to acknowledge (REPLCONF GETACK in the stream: a Redis that is
 * not asked tells once a second). One question at a time is under way; what is written meanwhile is asked for together
 * when the answer is there, so that the number of questions follows the speed of the answers.
 *
 * A reply that is held becomes an error when `write-quorum-timeout` is over, and at once where nothing is left to wait for: too
 * few replicas are online, the node becomes a replica, or it ends. The write is done here then, and nobody knows whether it
 * survives, which the error says. While too few are online writes are refused before anything is done (`refusal`, by the gate),
 * which leaves nothing in doubt.
 *
 * What always holds: no reply to a write leaves before countAcknowledged(its offset) has been N once, unless the setting was
 * lowered to what is acknowledged; an error stands exactly where the reply would have stood. Replies are turned into errors between
 * commands only. A command that wrote but has no reply (CLIENT REPLY OFF) holds nothing.
 */
import Denque from 'denque';
import type { Feeds } from '../../replication';
import type { Flushable } from '../../net';
import type { DataNode } from '../data-node';
import { notAcknowledged, tooFewOnline } from '../error-replies';
import type { Session } from '../session';
import { HeldReplies } from './held-replies';

/** What was written in a turn: where the stream was at its end. */
interface WrittenTurn {
  readonly offset: number;
  readonly endedMs: number;
}

/** Replies that are to become errors, and what was asked for when that was decided. */
interface Failure {
  /** Those to what was written up to this offset. */
  readonly offset: number;
  readonly needed: number;
  readonly online: number;
}

export class Quorum implements Flushable {
  inTurn = false;
  /** How many replicas must have a write; 0: none. And how many are online, when that was looked at last. */
  private needed = 0;
  private online = 0;
  /** Sessions with held replies; and some that were closed since. */
  private readonly holders: Session[] = [];
  /** Turns of which replies are held, in order. */
  private readonly turns = new Denque<WrittenTurn>();
  /** Offset of the last write whose reply is held. */
  private heldTo = 0;
  /** The last offset that is among `turns`, or was. */
  private notedTo = 0;
  /** What was asked for last, and whether that question is open. */
  private askedTo = 0;
  private isAsking = false;
  private failure: Failure | null = null;
  private cancelTimer: (() => void) | null = null;

  constructor(
    private readonly node: DataNode,
    private readonly feeds: Feeds,
  ) {
    node.settings.onChange('write-quorum-timeout', () => this.restartTimer());
  }

  /** Whether the end of a turn is of interest. */
  get isHolding(): boolean {
    return this.holders.length > 0;
  }

  /** What is said to writes before they are done; null where there are replicas enough. */
  get refusal(): string | null {
    const { needed, online } = this;
    return online < needed ? tooFewOnline(online, needed) : null;
  }

  /** So many replicas must have a write from now on, those included whose replies are held. Also to be called when replicas come and go. */
  require(needed: number): void {
    const online = needed === 0 ? 0 : this.feeds.countGood(Infinity);
    if (needed === this.needed && online === this.online) return;
    this.needed = needed;
    this.online = online;
    this.node.quorum = needed > 0 ? this : null;
    if (!this.isHolding) return;
    if (needed === 0) {
      // What is to fail does so first: a node that becomes a replica asks for nothing, and promises nothing either.
      if (this.failure === null) this.release(this.heldTo);
    } else if (online < needed) {
      this.failAll();
    } else {
      // One who came late was not asked.
      this.isAsking = false;
      this.askedTo = 0;
      this.acknowledged();
      this.node.turn.join(this);
    }
  }

  /** Holds the reply to a write that `session` has just made: all that its output has got since it had `start` bytes. */
  hold(session: Session, start: number): void {
    const end = session.repliedBytes;
    // Nobody is going to read it.
    if (this.needed === 0 || end <= start) return;
    if (!this.isHolding) this.begin();
    session.held ??= new HeldReplies();
    if (session.held.isEmpty) this.holders.push(session);
    session.held.add(start, end, session.writtenTo);
    this.heldTo = session.writtenTo;
  }

  /** The first reply is going to be held: whatever was before has been seen to, and the stream may have been another. */
  private begin(): void {
    this.turns.clear();
    this.failure = null;
    this.notedTo = 0;
    this.askedTo = 0;
    this.isAsking = false;
  }

  /** A replica has acknowledged more. */
  acknowledged(): void {
    if (!this.isHolding) return;
    const { feeds, needed, turns } = this;
    if (this.isAsking && feeds.countAcknowledged(this.askedTo) >= needed) this.isAsking = false;
    let passed = 0;
    for (let turn = turns.peekFront(); turn !== undefined; turn = turns.peekFront()) {
      if (feeds.countAcknowledged(turn.offset) < needed) break;
      passed = turn.offset;
      turns.shift();
    }
    if (passed > 0) this.release(passed);
  }

  private release(offset: number): void {
    const { holders } = this;
    let kept = 0;
    for (let i = 0; i < holders.length; i++) {
      const session = holders[i];
      const held = session.held!;
      if (held.release(offset)) this.node.turn.join(session);
      if (!held.isEmpty) holders[kept++] = session;
    }
    holders.length = kept;
  }

  // ── at the end of a turn ─────────────────────────────────────────────────────────────────────────────────────

  /** Before replies leave; only while it `isHolding`. Whether replicas should be asked to acknowledge what is committed. */
  closeTurn(): boolean {
    if (this.heldTo > this.notedTo) this.noteTurn();
    if (this.failure !== null) this.fail(this.failure);
    if (this.isAsking || this.heldTo <= this.askedTo || this.node.journal.isPending) return false;
    this.askedTo = this.heldTo;
    this.isAsking = true;
    return true;
  }

  private noteTurn(): void {
    this.notedTo = this.heldTo;
    this.turns.push({ offset: this.heldTo, endedMs: this.node.world.clock.monotonicMs() });
    if (this.cancelTimer === null) this.startTimer();
  }

  /** Nothing is to be done but what is done before anything leaves: see `closeTurn`. */
  flush(): void {}

  // ── what is not acknowledged ─────────────────────────────────────────────────────────────────────────────────

  /** All replies that are held become errors, as soon as no command runs. */
  failAll(): void {
    if (this.isHolding) this.failLater(this.heldTo);
  }

  private failLater(offset: number): void {
    this.failure = { offset, needed: this.needed, online: this.online };
    this.node.turn.join(this);
  }

  private fail({ offset, needed, online }: Failure): void {
    const { feeds, holders, node, turns } = this;
    this.failure = null;
    while (!turns.isEmpty() && turns.peekFront()!.offset <= offset) turns.shift();
    const errorAt = (at: number): string | null => {
      const acknowledged = feeds.countAcknowledged(at);
      // Within a turn some may be acknowledged, and others not.
      if (acknowledged >= needed) return null;
      const error = notAcknowledged(at, acknowledged, online, needed);
      node.statistics.errors.count(error);
      return error;
    };
    for (const session of holders) {
      if (session.held!.fail(offset, session.out, session.outputBytes, errorAt)) node.turn.join(session);
    }
    this.release(this.needed === 0 ? this.heldTo : offset);
    if (this.cancelTimer === null) this.startTimer();
  }

  private startTimer(): void {
    const turn = this.turns.peekFront();
    if (turn === undefined) return;
    const { clock, timers } = this.node.world;
    const restMs = turn.endedMs + this.node.settings.values['write-quorum-timeout'] - clock.monotonicMs();
    this.cancelTimer = timers.after(Math.max(0, restMs), () => this.timeIsUp());
  }

  private restartTimer(): void {
    this.stopTimer();
    this.startTimer();
  }

  /** The node ends. */
  stop(): void {
    this.failAll();
    this.stopTimer();
  }

  private stopTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  /** Of the first turn, which may have been acknowledged since: then the timer of the next one begins. */
  private timeIsUp(): void {
    this.cancelTimer = null;
    const { clock } = this.node.world;
    const endedBefore = clock.monotonicMs() - this.node.settings.values['write-quorum-timeout'];
    let failsTo = 0;
    for (let i = 0; i < this.turns.length; i++) {
      const { endedMs, offset } = this.turns.peekAt(i)!;
      if (endedMs > endedBefore) break;
      failsTo = offset;
    }
    if (failsTo > 0) this.failLater(failsTo);
    else this.startTimer();
  }
}
