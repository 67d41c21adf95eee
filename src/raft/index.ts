/** Raft: consensus, its log on the disk, and the shell around it. */
export { logStorageConformance, type ConformanceTools, type LogStorageUnderTest } from './conformance-log-storage';
export { transportConformance, type TransportsUnderTest } from './conformance-transport';
export { RaftCore, type Role } from './core';
export { DiskLog, type DiskLogOptions } from './disk-log';
export { isJoint, isVoter, membersOf, membershipOf, NO_MEMBERS, votersOf } from './membership';
export { changeMembership, changeSimply, enterJoint, leaveJoint, type MembershipFault } from './membership-change';
export { MemoryLog } from './memory-log';
export { RaftNode, type RaftNodeOptions, type RaftPorts } from './node';
export { type Outcome } from './node-waiting';
export { type RaftOptions } from './options';
export { type LogStorage, type SavedLog, type StateMachine, type Transport } from './ports';
export { reachedByQuorum, voteResult, type VoteResult, type Voters } from './quorum';
export { type ReadResult, type Ready } from './ready';
export { READ_FAILED } from './reads';
export {
  NOBODY,
  type AppendReply,
  type AppendRequest,
  type Entry,
  type EntryKind,
  type HardState,
  type Heartbeat,
  type HeartbeatReply,
  type Membership,
  type MembershipStep,
  type Message,
  type NodeId,
  type Snapshot,
  type SnapshotChunk,
  type SnapshotReply,
  type TimeoutNow,
  type VoteReply,
  type VoteRequest,
} from './types';
export {
  decodeMessage,
  decodeSnapshot,
  encodeMessage,
  encodeSnapshot,
  ENTRY_OVERHEAD_BYTES,
  WIRE_VERSION,
} from './wire';
