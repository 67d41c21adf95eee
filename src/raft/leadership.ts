/**
 * Leadership: what a node knows and does while it leads, for one term.
 *
 * It is made when an election is won and thrown away when the term ends for whatever reason, so nothing of it can leak into another
 * term. It decides what each follower is sent (`flush`, once per turn: proposals of one turn travel together), counts what a quorum has
 * on its disks, confirms reads by rounds of heartbeats, gives its place away when asked to, and notices when it has lost its quorum.
 *
 * Always: it only adds to the log, at its end; it commits by counting only entries of its own term (§5.4.2, Figure 8); it counts itself
 * for what is on its own disk and no more.
 */
import { isPlanted } from '../base';
import { isJoint, isVoter, membersOf, votersOf } from './membership';
import { changeMembership, leaveJoint } from './membership-change';
import type { Limits } from './options';
import type { Outbox } from './outbox';
import { Progress } from './progress';
import { reachedByQuorum } from './quorum';
import type { RaftLog } from './raft-log';
import type { ReadResult } from './ready';
import { Rounds } from './rounds';
import { WaitingReads } from './reads';
import { encodeMembership } from './wire';
import type {
  AppendReply,
  EntryKind,
  HeartbeatReply,
  Membership,
  MembershipStep,
  NodeId,
  SnapshotReply,
} from './types';

const NOTHING = new Uint8Array(0);

/** What a leadership needs of the core around it. */
export interface LeadershipNeeds {
  readonly term: number;
  readonly log: RaftLog;
  readonly limits: Limits;
  readonly outbox: Outbox;
  readonly membership: Membership;
  /** Where reads that are confirmed, or that fail, are put. */
  readonly results: ReadResult[];
}

export class Leadership {
  private readonly id: NodeId;
  private readonly term: number;
  private readonly log: RaftLog;
  private readonly limits: Limits;
  private readonly outbox: Outbox;
  private readonly results: ReadResult[];
  private readonly followers = new Map<NodeId, Progress>();
  private readonly rounds: Rounds;
  private readonly reads = new WaitingReads();
  private membership: Membership;
  /** No change of membership may begin before this entry is applied. */
  private membershipIndex: number;
  private uncommittedBytes = 0;
  private transferee: { readonly node: NodeId; readonly deadlineMs: number } | null = null;
  /** A follower was told to begin an election and to ask for votes despite this leader: its lease is no more. */
  private isLeaseGone = false;
  private heartbeatAtMs: number;
  private quorumCheckAtMs: number;
  private quorumCheckedAtMs: number;

  constructor(needs: LeadershipNeeds, nowMs: number) {
    this.id = needs.limits.id;
    this.term = needs.term;
    this.log = needs.log;
    this.limits = needs.limits;
    this.outbox = needs.outbox;
    this.results = needs.results;
    this.membership = needs.membership;
    this.rounds = new Rounds();
    this.heartbeatAtMs = nowMs;
    this.quorumCheckedAtMs = nowMs;
    this.quorumCheckAtMs = nowMs + this.limits.electionTimeoutMs;
    this.track(nowMs);
    this.add('empty', NOTHING);
    this.membershipIndex = this.log.lastIndex;
  }

  /** When `tick` is next needed. */
  get wakeAtMs(): number {
    const wakeAtMs = Math.min(this.heartbeatAtMs, this.quorumCheckAtMs);
    return this.transferee === null ? wakeAtMs : Math.min(wakeAtMs, this.transferee.deadlineMs);
  }

  /** Does what is due. False: it has not heard from a quorum for too long, and its leadership ends (check-quorum, dissertation §6.2). */
  tick(nowMs: number): boolean {
    if (this.transferee !== null && nowMs >= this.transferee.deadlineMs) this.transferee = null;
    if (nowMs >= this.quorumCheckAtMs) {
      const heardAtMs = reachedByQuorum(this.membership, (node) => this.heardAtMs(node));
      if (heardAtMs < this.quorumCheckedAtMs && !isPlanted('no-check-quorum')) return false;
      this.quorumCheckedAtMs = nowMs;
      this.quorumCheckAtMs = nowMs + this.limits.electionTimeoutMs;
    }
    if (nowMs >= this.heartbeatAtMs) this.beginRound(nowMs);
    return true;
  }

  /** Adds a command to the log; its index, or null where none is taken at the moment. */
  propose(data: Uint8Array): number | null {
    if (this.isLeaving) return null;
    const bytes = this.uncommittedBytes + data.length;
    if (this.uncommittedBytes > 0 && bytes > this.limits.uncommittedBytesMax) return null;
    return this.add('command', data);
  }

  /** Adds a change of membership to the log; null where one is under way or this one cannot be. */
  proposeMembership(steps: readonly MembershipStep[]): number | null {
    const isUnderWay = this.log.applied < this.membershipIndex || isJoint(this.membership);
    if (this.isLeaving || (isUnderWay && !isPlanted('two-changes-in-flight'))) return null;
    const membership = changeMembership(this.membership, steps);
    if (typeof membership === 'string') return null;
    this.membershipIndex = this.add('membership', encodeMembership(membership));
    return this.membershipIndex;
  }

  /** The joint configuration is left as soon as it is applied, if it wants that. */
  leaveJointIfDue(): void {
    if (!this.membership.autoLeave || this.log.applied < this.membershipIndex) return;
    const membership = leaveJoint(this.membership);
    if (typeof membership !== 'string') this.membershipIndex = this.add('membership', encodeMembership(membership));
  }

  requestRead(number: number, nowMs: number): void {
    const isKnown = this.hasCommittedInTerm();
    if (isKnown && this.limits.readsByLease && this.hasLease(nowMs)) {
      this.results.push({ number, index: this.log.commit });
      return;
    }
    this.reads.add({ number, round: this.rounds.last + 1, index: isKnown ? this.log.commit : null });
  }

  /** Gives its place to a voter (dissertation §3.10): nothing is taken until that has caught up and won, or time is up. */
  transferTo(node: NodeId, nowMs: number): boolean {
    const follower = this.followers.get(node);
    if (follower === undefined || !isVoter(this.membership, node)) return false;
    if (this.transferee?.node === node) return true;
    this.transferee = { node, deadlineMs: nowMs + this.limits.electionTimeoutMs };
    this.handOver(node, follower);
    return true;
  }

  /** The membership has changed. A leader that votes no more goes on until those who do know that. */
  setMembership(membership: Membership, nowMs: number): void {
    this.membership = membership;
    this.track(nowMs);
    if (this.transferee !== null && !isVoter(membership, this.transferee.node)) this.transferee = null;
    if (!isVoter(membership, this.id)) this.heartbeatAtMs = nowMs;
    this.advanceCommit();
  }

  onAppendReply(reply: AppendReply, nowMs: number): void {
    const follower = this.hear(reply.from, nowMs);
    if (follower === null || reply.index > this.log.lastIndex) return;
    if (reply.isRejected) {
      const hint = reply.hintTerm > 0 ? this.log.lastAgreeing(reply.hintIndex, reply.hintTerm).index : reply.hintIndex;
      follower.noteRefusal(reply.index, hint);
      return;
    }
    const isNews = follower.noteMatch(reply.index);
    if (follower.state === 'snapshot' && follower.match + 1 >= this.log.firstIndex) follower.replicate();
    if (isNews) this.advanceCommit();
    this.handOver(reply.from, follower);
  }

  onHeartbeatReply(reply: HeartbeatReply, nowMs: number): void {
    const follower = this.hear(reply.from, nowMs);
    if (follower === null || reply.round > this.rounds.last) return;
    follower.noteAlive(this.limits.appendsInFlightMax);
    if (follower.match < this.log.lastIndex) follower.isAppendWanted = true;
    if (nowMs - follower.chunkSentAtMs >= this.limits.electionTimeoutMs) follower.isChunkWanted = true;
    if (reply.round === this.rounds.last) follower.commitKnown = follower.commitTold;
    if (reply.round > follower.round) {
      follower.round = reply.round;
      this.confirmReads();
    }
    this.handOver(reply.from, follower);
  }

  onSnapshotReply(reply: SnapshotReply, nowMs: number): void {
    const follower = this.hear(reply.from, nowMs);
    const snapshot = follower?.snapshot ?? null;
    if (follower === null || snapshot === null || reply.index !== snapshot.index) return;
    if (reply.nextOffset > snapshot.data.length) return;
    if (reply.nextOffset === snapshot.data.length) {
      const isNews = follower.noteMatch(snapshot.index);
      follower.replicate();
      if (isNews) this.advanceCommit();
    } else if (reply.nextOffset !== follower.chunkOffset) {
      follower.chunkOffset = reply.nextOffset;
      follower.isChunkWanted = true;
    }
  }

  /** Own entries may have become durable: they count from now on. */
  advanceCommit(): void {
    const { log } = this;
    const index = reachedByQuorum(this.membership, (node) => this.matchOf(node));
    if (index <= log.commit || index > log.lastIndex) return;
    if (log.termAt(index) !== this.term && !isPlanted('commit-old-term')) return;
    for (const { data } of log.between(log.commit + 1, index)) this.uncommittedBytes -= data.length;
    this.uncommittedBytes = Math.max(0, this.uncommittedBytes);
    log.commitTo(index);
    this.confirmReads();
  }

  /** Sends what there is for each follower. */
  flush(nowMs: number): void {
    if (this.reads.wants(this.rounds.last)) this.beginRound(nowMs);
    for (const [node, follower] of this.followers) {
      if (follower.state === 'snapshot') this.sendChunk(node, follower, nowMs);
      else this.sendAppends(node, follower);
    }
  }

  /**
   * Whether it is over for a leader that votes no more: once a quorum knows that the change is committed, it names the one of them
   * that has most, so that nobody waits for a timeout. Had it gone sooner, they might still need its vote.
   */
  isOver(): boolean {
    if (isVoter(this.membership, this.id)) return false;
    const commitKnown = reachedByQuorum(this.membership, (node) => this.followers.get(node)?.commitKnown ?? 0);
    if (commitKnown < this.membershipIndex) return false;
    const [successor] = votersOf(this.membership).sort((a, b) => this.matchOf(b) - this.matchOf(a));
    this.tellToCampaign(successor);
    return true;
  }

  /** Reads that wait fail. */
  end(): void {
    this.reads.fail(this.results);
  }

  private add(kind: EntryKind, data: Uint8Array): number {
    const index = this.log.lastIndex + 1;
    this.log.push({ index, term: this.term, kind, data });
    this.uncommittedBytes += data.length;
    if (isPlanted('leader-counts-unsaved')) this.advanceCommit();
    return index;
  }

  /** Knows exactly those who receive the log, and goes on with what it knows of who stays. */
  private track(nowMs: number): void {
    const members = new Set(membersOf(this.membership));
    for (const node of this.followers.keys()) {
      if (!members.has(node)) this.followers.delete(node);
    }
    for (const node of members) {
      if (node !== this.id && !this.followers.has(node)) {
        this.followers.set(node, new Progress(this.log.lastIndex + 1, nowMs));
      }
    }
  }

  private hear(node: NodeId, nowMs: number): Progress | null {
    const follower = this.followers.get(node) ?? null;
    if (follower !== null) follower.heardAtMs = nowMs;
    return follower;
  }

  private sendAppends(node: NodeId, follower: Progress): void {
    const { log, limits } = this;
    while (!follower.isPaused(limits.appendsInFlightMax)) {
      const isCommitNews =
        follower.state === 'replicate' && follower.commitSent < Math.min(log.commit, follower.next - 1);
      if (follower.next > log.lastIndex && !follower.isAppendWanted && !isCommitNews) return;
      const previousIndex = follower.next - 1;
      const previousTerm = log.termAt(previousIndex);
      if (previousTerm === null) {
        if (log.snapshot !== null) follower.sendSnapshot(log.snapshot);
        return;
      }
      const entries = log.from(follower.next, limits.entryBytesPerMessageMax);
      const { commit } = log;
      this.outbox.send({
        type: 'append',
        from: this.id,
        to: node,
        term: this.term,
        previousIndex,
        previousTerm,
        entries,
        commit,
      });
      follower.noteSent(entries.length, Math.min(commit, previousIndex + entries.length));
    }
  }

  private sendChunk(node: NodeId, follower: Progress, nowMs: number): void {
    const { snapshot, chunkOffset: offset } = follower;
    if (snapshot === null || !follower.isChunkWanted) return;
    follower.isChunkWanted = false;
    follower.chunkSentAtMs = nowMs;
    const { index, term: indexTerm, membership, data: whole } = snapshot;
    const data = whole.subarray(offset, offset + this.limits.snapshotChunkBytes);
    this.outbox.send({
      type: 'snapshot',
      from: this.id,
      to: node,
      term: this.term,
      index,
      indexTerm,
      membership,
      totalBytes: whole.length,
      offset,
      data,
    });
  }

  private beginRound(nowMs: number): void {
    const round = this.rounds.begin(nowMs);
    for (const [node, follower] of this.followers) {
      const commit = Math.min(follower.match, this.log.commit);
      follower.commitTold = commit;
      this.outbox.send({ type: 'heartbeat', from: this.id, to: node, term: this.term, commit, round });
    }
    this.heartbeatAtMs = nowMs + this.limits.heartbeatMs;
    this.confirmReads();
  }

  private confirmReads(): void {
    const round = this.confirmedRound();
    this.rounds.forgetBefore(round);
    if (this.reads.isEmpty || !this.hasCommittedInTerm()) return;
    this.reads.confirm(isPlanted('read-without-quorum') ? Infinity : round, this.log.commit, this.results);
  }

  /** The last round that a quorum has answered. */
  private confirmedRound(): number {
    return reachedByQuorum(this.membership, (node) => this.roundOf(node));
  }

  /** Whether nobody else can be leader now, by the clock: a quorum will not vote before an election timeout after that round. */
  private hasLease(nowMs: number): boolean {
    if (isPlanted('lease-read-ignores-clock')) return true;
    const { electionTimeoutMs, clockDriftMax } = this.limits;
    if (this.isLeaseGone) return false;
    return nowMs - this.rounds.begunAtMs(this.confirmedRound()) < electionTimeoutMs / (1 + clockDriftMax);
  }

  private hasCommittedInTerm(): boolean {
    return this.log.termAt(this.log.commit) === this.term || isPlanted('read-before-own-term');
  }

  private handOver(node: NodeId, follower: Progress): void {
    if (this.transferee?.node !== node) return;
    if (follower.match === this.log.lastIndex || isPlanted('transfer-skips-catch-up')) this.tellToCampaign(node);
  }

  /** Whether it takes nothing more, as it gives its place away or has been voted out of it. */
  private get isLeaving(): boolean {
    return this.transferee !== null || !isVoter(this.membership, this.id);
  }

  private tellToCampaign(node: NodeId): void {
    this.isLeaseGone = true;
    this.outbox.send({ type: 'timeout-now', from: this.id, to: node, term: this.term });
  }

  private matchOf(node: NodeId): number {
    if (node !== this.id) return this.followers.get(node)?.match ?? 0;
    return isPlanted('leader-counts-unsaved') ? this.log.lastIndex : this.log.durableIndex;
  }

  private roundOf(node: NodeId): number {
    return node === this.id ? this.rounds.last : (this.followers.get(node)?.round ?? 0);
  }

  private heardAtMs(node: NodeId): number {
    return node === this.id ? Infinity : (this.followers.get(node)?.heardAtMs ?? -Infinity);
  }
}
