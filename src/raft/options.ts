/**
 * Options of a Raft core: its times, its limits, and how far it trusts clocks.
 */
import { assert, type Random } from '../base';
import { NOBODY, type NodeId } from './types';

export interface RaftOptions {
  /** This node. */
  readonly id: NodeId;
  /**
   * A follower that has heard nothing for this long stops believing in its leader, and begins an election after a time drawn from
   * [this, 2 × this). Of the order of ten times what a message takes there and back (§5.6).
   */
  readonly electionTimeoutMs: number;
  /** Between two rounds of heartbeats; well below the election timeout. */
  readonly heartbeatMs: number;
  readonly random: Random;
  /** Data of the entries of one append; a larger entry goes alone. Default 256 KiB. */
  readonly entryBytesPerMessageMax?: number;
  /** Appends to one follower that wait for their replies. Default 64. */
  readonly appendsInFlightMax?: number;
  /** Entries that a snapshot stands for and that are kept in memory all the same, for followers a little behind. Default 500. */
  readonly entriesKeptMax?: number;
  /** Default 256 KiB. */
  readonly snapshotChunkBytes?: number;
  /** A snapshot that a leader offers may have so many bytes. Default 1 GiB. */
  readonly snapshotBytesMax?: number;
  /** Data of proposals that are not committed yet; beyond, a leader takes no more. Default 16 MiB. */
  readonly uncommittedBytesMax?: number;
  /**
   * Reads are confirmed by the lease that heartbeats give, without a round of their own (dissertation §6.4.1). Then
   * linearizability depends on clocks, all nodes must have it, and none may be told to suspect its leader. Default false.
   */
  readonly readsByLease?: boolean;
  /** How much faster than another a node's clock may run, as a fraction. Default 0.05. */
  readonly clockDriftMax?: number;
}

export type Limits = Required<RaftOptions>;

/** Options with their defaults. */
export function limitsOf(options: RaftOptions): Limits {
  assert(Number.isInteger(options.id) && options.id > NOBODY, 'a node has a number from 1 on');
  assert(options.heartbeatMs > 0 && options.heartbeatMs < options.electionTimeoutMs, 'heartbeats keep elections away');
  return {
    entryBytesPerMessageMax: 256 * 1024,
    appendsInFlightMax: 64,
    entriesKeptMax: 500,
    snapshotChunkBytes: 256 * 1024,
    snapshotBytesMax: 1024 ** 3,
    uncommittedBytesMax: 16 * 1024 ** 2,
    readsByLease: false,
    clockDriftMax: 0.05,
    ...options,
  };
}
