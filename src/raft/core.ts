/**
 * RaftCore: one node's consensus, as a pure state machine.
 *
 * Time and messages go in (`tick`, `step`), work comes out (`ready`): what to save, what to send after that, what to apply. It has
 * no clock, no disk and no network, so a simulation can drive it through anything. The rules are those of the paper (Ongaro, Ousterhout
 * 2014); of the dissertation come pre-vote (§9.6), check-quorum (§6.2), leader transfer (§3.10), learners (§4.2.1) and reads without
 * log entries (§6.4); the ways of etcd's raft decide where these are silent: membership takes effect when its entry is *applied*.
 *
 * Always: a node's term never falls, and it votes once per term; a Ready's messages leave only after all that they rely on is
 * durable; what is committed is never replaced. Messages that are absurd, or old, change nothing.
 */
import { assert, isPlanted } from '../base';
import { Election, voteReply } from './election';
import { Following } from './following';
import { Leadership } from './leadership';
import { isVoter, votersOf } from './membership';
import { MembershipHistory } from './membership-history';
import { limitsOf, type Limits, type RaftOptions } from './options';
import { Outbox } from './outbox';
import { Patience } from './patience';
import type { SavedLog } from './ports';
import { RaftLog } from './raft-log';
import type { ReadResult, Ready } from './ready';
import { isSound } from './soundness';
import {
  NOBODY,
  type AppendRequest,
  type Entry,
  type HardState,
  type Heartbeat,
  type HeartbeatReply,
  type Membership,
  type MembershipStep,
  type Message,
  type NodeId,
  type Snapshot,
  type SnapshotChunk,
  type TimeoutNow,
  type VoteReply,
  type VoteRequest,
} from './types';

/** A pre-candidate asks whether it would be elected; a candidate asks to be. */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export class RaftCore {
  private readonly limits: Limits;
  private readonly log: RaftLog;
  private readonly following: Following;
  private readonly outbox: Outbox;
  private readonly memberships: MembershipHistory;
  private readonly results: ReadResult[] = [];
  private currentRole: Role = 'follower';
  private currentTerm: number;
  private currentVote: NodeId;
  private currentLeader: NodeId = NOBODY;
  /** Null unless this node leads. */
  private leadership: Leadership | null = null;
  /** That which this node has begun last. */
  private election: Election | null = null;
  private pending: Ready | null = null;
  /** What is on the disk. */
  private saved: HardState;
  private nowMs: number;
  private readonly patience: Patience;
  private reads = 0;

  /** Begins, or goes on, as a follower; `membership` is in force where the log has none: `NO_MEMBERS` for who is to be added. */
  constructor(options: RaftOptions, savedLog: SavedLog, membership: Membership, nowMs: number) {
    this.limits = limitsOf(options);
    this.log = new RaftLog(savedLog, this.limits.entriesKeptMax);
    this.saved = savedLog.hardState;
    this.currentTerm = this.saved.term;
    this.currentVote = this.saved.vote;
    const { snapshot } = savedLog;
    this.memberships = new MembershipHistory(snapshot?.index ?? 0, snapshot?.membership ?? membership);
    this.outbox = new Outbox();
    this.following = new Following(this.log, this.outbox, this.limits.snapshotBytesMax);
    this.nowMs = nowMs;
    this.patience = new Patience(this.limits, nowMs);
    if (votersOf(this.membership).every((node) => node === this.id)) this.patience.end(nowMs);
  }

  get id(): NodeId {
    return this.limits.id;
  }

  get role(): Role {
    return this.currentRole;
  }

  get term(): number {
    return this.currentTerm;
  }

  /** Whom it voted for in this term. */
  get vote(): NodeId {
    return this.currentVote;
  }

  /** {@link NOBODY} where none is known. */
  get leader(): NodeId {
    return this.currentLeader;
  }

  get commit(): number {
    return this.log.commit;
  }

  get applied(): number {
    return this.log.applied;
  }

  /** The first entry that is still in memory. */
  get firstIndex(): number {
    return this.log.firstIndex;
  }

  get lastIndex(): number {
    return this.log.lastIndex;
  }

  /** In force: that after the last entry that was applied. */
  get membership(): Membership {
    return this.memberships.current;
  }

  /** When `tick` is next needed; Infinity for who never campaigns. */
  get wakeAtMs(): number {
    if (this.leadership !== null) return this.leadership.wakeAtMs;
    return this.isVoter || this.currentRole !== 'follower' ? this.patience.electionAtMs : Infinity;
  }

  /** Does what is due at that time. */
  tick(nowMs: number): void {
    this.see(nowMs);
    if (this.leadership !== null) {
      if (!this.leadership.tick(this.nowMs)) this.follow(this.currentTerm, NOBODY);
    } else if (this.nowMs >= this.wakeAtMs) {
      if (this.isVoter) this.beginElection();
      else this.follow(this.currentTerm, NOBODY);
    }
  }

  /** Takes a message. One that makes no sense is dropped. */
  step(message: Message, nowMs: number): void {
    if (message.to !== this.id || message.from === this.id || message.from === NOBODY || !isSound(message)) return;
    this.see(nowMs);
    if (message.term > this.currentTerm) {
      if (!this.meetHigherTerm(message)) return;
    } else if (message.term < this.currentTerm) {
      if (message.type !== 'append-reply' || !isPlanted('ignore-term-of-reply')) {
        this.meetLowerTerm(message);
        return;
      }
    }
    this.handle(message);
  }

  /**
   * Adds a command to the log. Its index, where it will be if this leadership lasts; null: this node does not lead, or gives its place
   * away, or too many bytes wait to be committed.
   */
  propose(data: Uint8Array, nowMs: number): number | null {
    this.see(nowMs);
    return this.leadership?.propose(data) ?? null;
  }

  /**
   * Changes the membership: one step simply, several by a joint configuration, which is left automatically (§6). The index of its
   * entry, with which it takes effect; null: not leader, or a change is under way, or none of this term is committed yet, or it
   * cannot be (nobody would vote any more).
   */
  proposeMembership(steps: readonly MembershipStep[], nowMs: number): number | null {
    this.see(nowMs);
    return this.leadership?.proposeMembership(steps) ?? null;
  }

  /** Asks for a linearizable read: its number, which comes back in `Ready.reads`; null: this node does not lead. */
  requestRead(nowMs: number): number | null {
    this.see(nowMs);
    if (this.leadership === null) return null;
    const number = ++this.reads;
    this.leadership.requestRead(number, this.nowMs);
    return number;
  }

  /** Gives leadership to that voter as soon as it has the log; false where it is none, or this node does not lead. */
  transferTo(node: NodeId, nowMs: number): boolean {
    this.see(nowMs);
    return this.leadership?.transferTo(node, this.nowMs) ?? false;
  }

  /**
   * The leader's process seems to be gone (its machine refuses connections): forgets it and asks for votes soon. A hint: where it is
   * wrong, those who hear the leader refuse.
   */
  suspectLeader(nowMs: number): void {
    this.see(nowMs);
    const isFollowing = this.currentRole === 'follower' && this.currentLeader !== NOBODY;
    if (!isFollowing || this.limits.readsByLease) return;
    this.currentLeader = NOBODY;
    this.patience.lose(this.nowMs);
  }

  /**
   * Messages that promise nothing and may leave at once, whatever is being saved: those of pre-votes, and of a leader or to it in a
   * term that is on the disk. Entries may leave before they are on the leader's own disk: it does not count itself for them yet
   * (dissertation §10.2.1). To be asked for before each `ready`, lest messages overtake one another.
   */
  takeUrgent(): Message[] {
    this.leadership?.flush(this.nowMs);
    return this.outbox.takeUrgent(this.saved.term);
  }

  /** The next work; null where there is none, or the last is not done. */
  ready(): Ready | null {
    if (this.pending !== null) return null;
    this.leadership?.flush(this.nowMs);
    const { log } = this;
    const hardState = this.hardStateToSave();
    const hasNews = !this.outbox.isEmpty || this.results.length > 0 || log.firstToApply <= log.commit;
    if (hardState === null && !hasNews && !log.hasUnsaved) return null;
    const messages = this.outbox.take();
    const reads = this.results.splice(0);
    const committed = log.between(log.firstToApply, log.commit);
    this.pending = { hardState, ...log.takeUnsaved(), messages, committed, reads };
    return this.pending;
  }

  /** The work that `ready` gave is done: saved, sent, applied. */
  advance(): void {
    assert(this.pending !== null, 'there was work to do');
    const { hardState, snapshot, committed } = this.pending;
    this.pending = null;
    if (hardState !== null) this.saved = hardState;
    this.log.noteSaved();
    if (snapshot !== null) this.log.applied = snapshot.index;
    if (committed.length > 0) this.log.applied = committed[committed.length - 1].index;
    for (const entry of committed) {
      if (entry.kind === 'membership') this.applyMembership(entry);
    }
    this.leadership?.advanceCommit();
    this.leadership?.leaveJointIfDue();
  }

  /**
   * The state machine after entry `index`, which is applied, as bytes: entries up to it are not needed any more, though some are kept
   * for followers that are a little behind. The snapshot, to be saved; the last one where that is not older.
   */
  compact(index: number, data: Uint8Array): Snapshot {
    const { snapshot } = this.log;
    if (snapshot !== null && snapshot.index >= index) return snapshot;
    const membership = this.memberships.after(index);
    const compacted = { index, term: this.log.termAt(index) ?? 0, membership, data };
    this.log.compact(compacted);
    this.memberships.forgetBefore(index);
    return compacted;
  }

  private get isVoter(): boolean {
    return isVoter(this.membership, this.id);
  }

  private see(nowMs: number): void {
    if (nowMs > this.nowMs) this.nowMs = nowMs;
  }

  private hardStateToSave(): HardState | null {
    const { saved, log, currentTerm: term } = this;
    const vote = isPlanted('vote-not-saved') ? NOBODY : this.currentVote;
    const commit = log.commitToSave;
    // The commit alone is not worth a write: it is remembered for a quick start only.
    const isNews = term !== saved.term || vote !== saved.vote || (log.hasUnsaved && commit !== saved.commit);
    return isNews ? { term, vote, commit } : null;
  }

  /** A message of a later term: this one is over, unless it only asks. False: it is not to be listened to. */
  private meetHigherTerm(message: Message): boolean {
    switch (message.type) {
      case 'pre-vote':
      case 'vote':
        if (!message.isTransfer && (this.leadership !== null || this.patience.isLoyal(this.nowMs))) return false;
        if (message.type === 'vote') this.follow(message.term, NOBODY);
        return true;
      case 'pre-vote-reply':
        if (!message.isGranted) this.follow(message.term, NOBODY);
        return true;
      case 'append':
      case 'heartbeat':
      case 'snapshot':
      case 'timeout-now':
        this.follow(message.term, message.from);
        return true;
      default:
        this.follow(message.term, NOBODY);
        return true;
    }
  }

  /** Whoever lives in an earlier term is told; a leader among them gives up, and the next election includes all (dissertation §9.6). */
  private meetLowerTerm(message: Message): void {
    const { type, from: to, to: from } = message;
    const term = this.currentTerm;
    if (type === 'vote' || type === 'pre-vote') this.outbox.send(voteReply(message, term, false));
    else if (type === 'append' || type === 'heartbeat' || type === 'snapshot') {
      this.outbox.send({ type: 'append-reply', from, to, term, index: 0, isRejected: true, hintIndex: 0, hintTerm: 0 });
    }
  }

  private handle(message: Message): void {
    switch (message.type) {
      case 'pre-vote':
      case 'vote':
        return this.onVoteRequest(message);
      case 'pre-vote-reply':
      case 'vote-reply':
        return this.onVoteReply(message);
      case 'append':
        return this.onAppend(message);
      case 'heartbeat':
        return this.onHeartbeat(message);
      case 'snapshot':
        return this.onSnapshotChunk(message);
      case 'timeout-now':
        return this.onTimeoutNow(message);
      case 'append-reply':
        return this.leadership?.onAppendReply(message, this.nowMs);
      case 'heartbeat-reply':
        return this.onHeartbeatReply(message);
      case 'snapshot-reply':
        return this.leadership?.onSnapshotReply(message, this.nowMs);
    }
  }

  private onVoteRequest(request: VoteRequest): void {
    const { type, from, term, lastIndex, lastTerm } = request;
    const isFree = this.currentVote === from || (this.currentVote === NOBODY && this.currentLeader === NOBODY);
    const mayVote = isFree || (type === 'pre-vote' && term > this.currentTerm) || isPlanted('vote-twice');
    const isCovered = this.log.isCoveredBy(lastIndex, lastTerm) || isPlanted('vote-ignores-log');
    const isGranted = mayVote && isCovered;
    this.outbox.send(voteReply(request, this.currentTerm, isGranted));
    if (type === 'vote' && isGranted) {
      this.currentVote = from;
      this.patience.delay(this.nowMs);
    }
    // It asks for a vote that is not to be had: it does not know yet that this node votes no more, and must hear so from a leader.
    const canHelp = !this.isVoter && this.leadership === null && this.membership.voters.length > 0;
    if (type === 'pre-vote' && !isCovered && canHelp) this.beginElection();
  }

  private onVoteReply(reply: VoteReply): void {
    if (this.election?.count(reply) === true) this.settleElection(this.election);
  }

  private onAppend(request: AppendRequest): void {
    if (this.hearLeader(request.from)) this.following.append(request);
  }

  private onHeartbeat(heartbeat: Heartbeat): void {
    if (this.hearLeader(heartbeat.from)) this.following.heartbeat(heartbeat);
  }

  private onSnapshotChunk(chunk: SnapshotChunk): void {
    const restored = this.hearLeader(chunk.from) ? this.following.snapshot(chunk) : null;
    if (restored !== null) this.memberships.restart(restored.index, restored.membership);
  }

  private onHeartbeatReply(reply: HeartbeatReply): void {
    this.leadership?.onHeartbeatReply(reply, this.nowMs);
    if (this.leadership?.isOver() === true) this.follow(this.currentTerm, NOBODY);
  }

  private onTimeoutNow({ from }: TimeoutNow): void {
    if (this.currentRole !== 'follower' || this.currentLeader !== from || !this.isVoter) return;
    if (!this.log.hasMembershipToApply()) this.campaign('vote', true);
  }

  /** The leader of this term speaks. False where that cannot be, as this node leads. */
  private hearLeader(node: NodeId): boolean {
    if (this.leadership !== null) return false;
    this.currentRole = 'follower';
    this.election = null;
    this.currentLeader = node;
    this.patience.renew(this.nowMs);
    return true;
  }

  private beginElection(): void {
    if (this.log.hasMembershipToApply()) this.patience.delay(this.nowMs);
    else this.campaign(isPlanted('no-pre-vote') ? 'vote' : 'pre-vote', false);
  }

  private campaign(type: 'pre-vote' | 'vote', isTransfer: boolean): void {
    this.currentLeader = NOBODY;
    this.currentRole = type === 'vote' ? 'candidate' : 'pre-candidate';
    if (type === 'vote') {
      this.currentTerm++;
      this.currentVote = this.id;
      this.following.forgetChunks();
    }
    this.patience.delay(this.nowMs);
    const term = type === 'vote' ? this.currentTerm : this.currentTerm + 1;
    this.election = new Election(type, term, this.id);
    const { lastIndex, lastTerm } = this.log;
    if (this.election.result(this.membership) !== 'pending') return this.settleElection(this.election);
    for (const to of votersOf(this.membership)) {
      if (to !== this.id) this.outbox.send({ type, from: this.id, to, term, lastIndex, lastTerm, isTransfer });
    }
  }

  private settleElection(election: Election): void {
    const result = election.result(this.membership);
    if (result === 'lost') this.follow(this.currentTerm, NOBODY);
    else if (result === 'won' && election.type === 'pre-vote') this.campaign('vote', false);
    else if (result === 'won') this.lead();
  }

  private lead(): void {
    const { log, limits, outbox, results, membership, currentTerm: term } = this;
    this.currentRole = 'leader';
    this.election = null;
    this.currentLeader = this.id;
    this.leadership = new Leadership({ term, log, limits, outbox, membership, results }, this.nowMs);
  }

  private follow(term: number, leader: NodeId): void {
    if (term !== this.currentTerm) {
      this.currentTerm = term;
      this.currentVote = NOBODY;
      this.following.forgetChunks();
    }
    this.leadership?.end();
    this.leadership = null;
    this.election = null;
    this.currentRole = 'follower';
    this.currentLeader = leader;
    this.patience.delay(this.nowMs);
  }

  private applyMembership(entry: Entry): void {
    const wasVoter = this.isVoter;
    if (!this.memberships.apply(entry)) return;
    if (this.leadership !== null) this.leadership.setMembership(this.membership, this.nowMs);
    else if (wasVoter !== this.isVoter) this.follow(this.currentTerm, NOBODY);
  }
}
