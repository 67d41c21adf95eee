/**
 * The words of Raft: what is logged, what is saved, what is said.
 *
 * In the terms of the paper (Ongaro, Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014) and of the
 * dissertation (Ongaro, "Consensus: Bridging Theory and Practice", 2014) where it goes further: pre-vote, membership, reads.
 * All of it is plain data, never changed once made, so a message may be kept, sent twice, or looked at by a test.
 */

/** A member of the cluster of config servers: 1 … 2^32 − 1. One that lost its disk comes back under another number. */
export type NodeId = number;

/** No node: in place of a leader that nobody knows, and of a vote that was not given. */
export const NOBODY: NodeId = 0;

/** Who votes, and who only listens. */
export interface Membership {
  /** Voters; of the joint configuration, the incoming ones (C_new). In ascending order, as all of these. */
  readonly voters: readonly NodeId[];
  /** The outgoing voters (C_old) of a joint configuration; empty where it is not joint. */
  readonly votersOutgoing: readonly NodeId[];
  /** Those who receive the log and have no vote. */
  readonly learners: readonly NodeId[];
  /** Voters of C_old who become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  /** The leader leaves the joint configuration by itself as soon as it may. */
  readonly autoLeave: boolean;
}

/** One step of a change of membership. */
export interface MembershipStep {
  readonly does: 'add-voter' | 'add-learner' | 'remove';
  readonly node: NodeId;
}

export type EntryKind = 'empty' | 'command' | 'membership';

/** One entry of the log. */
export interface Entry {
  /** 1, 2, 3 … */
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  /** A command for the state machine, in its own bytes; the membership from then on, in full; nothing. */
  readonly data: Uint8Array;
}

/** What a node must remember of its promises. */
export interface HardState {
  readonly term: number;
  /** Whom it voted for in that term; {@link NOBODY} if nobody. */
  readonly vote: NodeId;
  /** The last entry that it knows to be committed. May lag: it is remembered for a quick start only. */
  readonly commit: number;
}

/** The state machine after an entry, in place of all entries up to it. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  /** The membership after that entry. */
  readonly membership: Membership;
  /** The state machine, in its own bytes. */
  readonly data: Uint8Array;
}

interface Addressed {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; of a pre-vote, the term that it would begin. */
  readonly term: number;
}

/** RequestVote (§5.2, §5.4), or the question whether it would be answered (dissertation §9.6). */
export interface VoteRequest extends Addressed {
  readonly type: 'pre-vote' | 'vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for this election: who hears from it need not object (dissertation §3.10). */
  readonly isTransfer: boolean;
}

export interface VoteReply extends Addressed {
  readonly type: 'pre-vote-reply' | 'vote-reply';
  readonly isGranted: boolean;
}

/** AppendEntries (§5.3). */
export interface AppendRequest extends Addressed {
  readonly type: 'append';
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

export interface AppendReply extends Addressed {
  readonly type: 'append-reply';
  /** Accepted: the last entry that is now known to match. Rejected: `previousIndex` of the request. */
  readonly index: number;
  readonly isRejected: boolean;
  /** Of a rejection: the last entry that could match, and its term. */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** What keeps followers quiet and confirms the leader to itself. Carries no entries. */
export interface Heartbeat extends Addressed {
  readonly type: 'heartbeat';
  /** At most what the receiver is known to have. */
  readonly commit: number;
  /** Grows by one with each round: who answers it followed this leader after the round began (ReadIndex, dissertation §6.4). */
  readonly round: number;
}

export interface HeartbeatReply extends Addressed {
  readonly type: 'heartbeat-reply';
  readonly round: number;
}

/** InstallSnapshot (§7), a chunk at a time. */
export interface SnapshotChunk extends Addressed {
  readonly type: 'snapshot';
  readonly index: number;
  readonly indexTerm: number;
  readonly membership: Membership;
  /** Bytes of the whole, and where this chunk begins among them. */
  readonly totalBytes: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface SnapshotReply extends Addressed {
  readonly type: 'snapshot-reply';
  readonly index: number;
  /** Where the next chunk should begin; `totalBytes` when it is installed and durable. */
  readonly nextOffset: number;
}

/** The leader gives its place away: begin an election at once (dissertation §3.10). */
export interface TimeoutNow extends Addressed {
  readonly type: 'timeout-now';
}

export type Message =
  | VoteRequest
  | VoteReply
  | AppendRequest
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | SnapshotChunk
  | SnapshotReply
  | TimeoutNow;
