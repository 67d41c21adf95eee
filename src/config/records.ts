/**
 * Records: what the control plane decides and remembers, besides the view.
 *
 * Plain data, all of it part of the replicated state (state.ts) and of its snapshots, so it changes by commands only. What is merely
 * observed (who answers pings, which offsets, whose lease) is not here: it is told among the config servers and forgotten.
 */
import type { Era } from '../failover';
import type { Engine, MemberParts } from '../slots';

/** The name of a replication stream may be so long; Redis' are forty. */
export const STREAM_CHARS_MAX = 64;

/** A config server. */
export interface ConfigMember {
  /** Its number in Raft. */
  readonly id: number;
  /** `host:port` where its peers reach it. */
  readonly peerAddress: string;
  /** `host:port` where clients reach it. */
  readonly address: string;
  readonly zone: string;
  /** Names its disk. One that comes with another is a stranger under a known number, and is not let in; '' before it was first seen. */
  readonly incarnation: string;
}

/** A proxy that may serve while it holds a lease. */
export interface ProxyRecord {
  /** Names this run of the process: 40 hexadecimal digits. */
  readonly runId: string;
  /** `host:port` where clients reach it. */
  readonly address: string;
  readonly zone: string;
}

/** What is known of a member of a group besides its place in the view. */
export interface MemberRecord {
  /** `host:port`, as in the view. */
  readonly id: string;
  /** The run of the process that has this place; one that was restarted has another, and its data may be older. '' while unknown. */
  readonly runId: string;
}

/** Where the stream of a former master ends in that of the master after it: what it has beyond was not taken over. */
export interface Parting {
  /** The replication id that both have in common. */
  readonly stream: string;
  /** Bytes of it that the new master has. */
  readonly offset: number;
}

/**
 * Why a change of master is made. `automatic`: the master is objectively down. `forced`: an operator said so, of a master that may
 * be down. `planned`: an operator said so, of one that is well; nothing is lost.
 */
export type FailoverKind = 'automatic' | 'forced' | 'planned';

/** A change of master that has begun and not ended. */
export interface RunningFailover {
  readonly group: number;
  readonly kind: FailoverKind;
  /** The group's epoch since it began. */
  readonly epoch: number;
  /** The member that is to be master; '' for the best. */
  readonly target: string;
  readonly formerMaster: string;
  /** In words, for people. */
  readonly reason: string;
  /** Config servers who held the master for down, as `id:reason`. */
  readonly votes: readonly string[];
  /** Milliseconds since the Unix epoch when the proposer began. */
  readonly beganAtMs: number;
  /** Milliseconds from the last sign of life of the master to the decision, as the proposer saw it; 0 where it was well. */
  readonly detectedAfterMs: number;
}

/** One phase of a change of master, and how long it took, ms. */
export interface PhaseRecord {
  readonly phase: string;
  readonly ms: number;
}

/** What a change of master was like, for people. */
export interface FailoverReport extends RunningFailover {
  /** The new master; '' where it was given up. */
  readonly newMaster: string;
  readonly phases: readonly PhaseRecord[];
  /** `host:port offset` of who could be asked. */
  readonly offsets: readonly string[];
  /** Bytes of the stream that the former master was last known to have and the new one has not; −1 where nobody knows. */
  readonly bytesLostAtMost: number;
  readonly outcome: 'promoted' | 'abandoned';
  readonly endedAtMs: number;
}

/** What operators set for the whole cluster; names as in `SET name value`. */
export interface ClusterSettings {
  /** Milliseconds of silence after which a server is subjectively down. 300 … 600,000. */
  readonly 'down-after-ms': number;
  /** Milliseconds that a lease lasts, from the sending of its renewal; at most 0.8 × `down-after-ms`, and so by default. */
  readonly 'lease-ms': number;
  /** No replica that is known to lack more bytes than this is promoted automatically; 0 for no limit. */
  readonly 'lag-limit-bytes': number;
  /** Milliseconds between automatic failovers of one group, unless the new master's process is gone. */
  readonly 'failover-interval-ms': number;
  /** Percentage of the groups that may fail over at once. 1 … 100. */
  readonly 'failovers-at-once-percent': number;
  /** Milliseconds that a planned switch may hold commands back before it is given up. */
  readonly 'switch-timeout-ms': number;
}

export const DEFAULT_CLUSTER_SETTINGS: ClusterSettings = {
  'down-after-ms': 1000,
  'lease-ms': 800,
  'lag-limit-bytes': 0,
  'failover-interval-ms': 60_000,
  'failovers-at-once-percent': 50,
  'switch-timeout-ms': 2000,
};

/** What can be asked of the control plane to change. Plain data: the log carries it as JSON. */
export type ConfigCommand =
  | { readonly does: 'create-group'; readonly group: number }
  | { readonly does: 'delete-group'; readonly group: number }
  | {
      readonly does: 'add-member';
      readonly group: number;
      readonly member: MemberParts;
      readonly engine: Engine;
      readonly runId: string;
    }
  | { readonly does: 'remove-member'; readonly group: number; readonly memberId: string }
  /** The process at a member's place is another one now, and is accepted as it is. */
  | { readonly does: 'identify-member'; readonly group: number; readonly memberId: string; readonly runId: string }
  /** The master of the group writes that stream. Refused unless the group serves at `epoch`. */
  | { readonly does: 'note-stream'; readonly group: number; readonly epoch: number; readonly era: Era }
  | {
      readonly does: 'assign-slots';
      readonly from: number;
      readonly to: number;
      readonly group: number;
      readonly force: boolean;
    }
  | { readonly does: 'spread-slots'; readonly groups: readonly number[]; readonly force: boolean }
  | { readonly does: 'register-proxy'; readonly proxy: ProxyRecord }
  | { readonly does: 'deregister-proxy'; readonly address: string }
  /** Decision 1. Refused unless the group serves at `epoch`; from then on it has the next one. */
  | ({ readonly does: 'begin-failover' } & Omit<RunningFailover, 'formerMaster'>)
  /** Decision 2. Refused unless the failover of this epoch runs. */
  | {
      readonly does: 'end-failover';
      readonly group: number;
      readonly epoch: number;
      readonly newMaster: string;
      /** The run of its process that was found to be a master. */
      readonly runId: string;
      /** The one that it began; '' where that is not known. */
      readonly stream: string;
      readonly parting: Parting | null;
      readonly report: Pick<FailoverReport, 'phases' | 'offsets' | 'bytesLostAtMost'>;
    }
  /** The former master goes on, as the process that has that run now. */
  | {
      readonly does: 'abandon-failover';
      readonly group: number;
      readonly epoch: number;
      readonly reason: string;
      readonly runId: string;
    }
  /** Automatic failover of one group, or of all (−1). */
  | { readonly does: 'pause-failover'; readonly group: number }
  | { readonly does: 'resume-failover'; readonly group: number }
  | { readonly does: 'set'; readonly name: keyof ClusterSettings; readonly value: number }
  /** Names the cluster, once. */
  | { readonly does: 'name-cluster'; readonly clusterId: string }
  /** A config server is known to the others, or says more of itself; who votes is the business of Raft. */
  | { readonly does: 'add-config'; readonly member: ConfigMember }
  | { readonly does: 'remove-config'; readonly id: number };
