/**
 * Ready: the work that a core gives to its shell, and in which order it is to be done.
 *
 * Save `snapshot`, then `entries` with `hardState`; only when that is durable send `messages`, restore the state machine from
 * `snapshot`, apply `committed`; then `advance()`. All that a message of `messages` promises is in what was saved before it, this time or earlier:
 * there is one such unit at a time, and later messages wait for it.
 */
import type { Entry, HardState, Message, Snapshot } from './types';

export interface Ready {
  /** Null where it is as it was. */
  readonly hardState: HardState | null;
  /** To save; they take the place of all from the index of the first on. */
  readonly entries: readonly Entry[];
  /** Received whole; to save and to restore from, before `committed`. */
  readonly snapshot: Snapshot | null;
  /** To send after the save. */
  readonly messages: readonly Message[];
  /** To apply after the save, in order, those of kind 'command'; the others are the core's own. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadResult[];
}

/** A read that was asked for by `requestRead`. */
export interface ReadResult {
  readonly number: number;
  /** The state machine may answer once it has applied this entry; −1: leadership was lost, and nobody knows. */
  readonly index: number;
}
