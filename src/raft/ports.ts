/**
 * Ports: what a Raft node needs of the world, as interfaces. A disk log, a network of peers and a state machine are put behind them,
 * or what a simulation or an embedding program has in their place. `logStorageConformance` and `transportConformance` are the
 * tests that an implementation must pass.
 *
 * Callbacks, not promises: the order of all that happens is then decided by who calls, and a simulation can decide it.
 */
import type { Entry, HardState, Message, NodeId, Snapshot } from './types';

/** What was found on the disk. */
export interface SavedLog {
  readonly hardState: HardState;
  /** The last snapshot that is whole; null where there never was one. */
  readonly snapshot: Snapshot | null;
  /** Those after the snapshot, without a gap. */
  readonly entries: readonly Entry[];
}

/**
 * Keeps the log. One deed at a time: the next may begin when the last has called `done`. Once a deed has failed nothing may be begun
 * any more: nobody knows what is on the disk, and the node must end (promise C6).
 */
export interface LogStorage {
  /** What survived. To be called once, first. @throws CacheError BAD_LOG (damaged: refused, with file and offset), FILE_FAILED */
  load(): SavedLog;
  /**
   * Makes entries and the hard state (null: as it was) durable, both or neither in so far as who votes or acknowledges relies on
   * it: after a crash before `done` any prefix of the entries may be there. Entries take the place of all that the log has from the index of the first on.
   */
  append(hardState: HardState | null, entries: readonly Entry[], done: (error: Error | null) => void): void;
  /** Makes a snapshot durable in the place of all entries up to its index; entries after it stay if they follow on it, else they go. */
  saveSnapshot(snapshot: Snapshot, hardState: HardState | null, done: (error: Error | null) => void): void;
  /** Closes files. What was not done is not durable. */
  close(): void;
}

/** Carries messages to other nodes; may lose, delay, repeat and reorder them, but never changes them. */
export interface Transport {
  /** Sends one message to `message.to`, or drops it. */
  send(message: Message): void;
  /** Called by who receives: set by the node. */
  onMessage: (message: Message) => void;
  /** The peer's process has gone away: its machine refuses connections. A hint, which may be wrong. */
  onGone: (node: NodeId) => void;
}

/** What the log is the history of. Deterministic: the same entries give the same state. */
export interface StateMachine {
  /** Carries out one command; what it returns goes to who proposed it here. */
  apply(entry: Entry): unknown;
  /** All of the state, as bytes that `restore` understands. */
  snapshot(): Uint8Array;
  restore(data: Uint8Array): void;
}
