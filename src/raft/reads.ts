/**
 * Reads: linearizable reads that wait for their leader to be confirmed (dissertation §6.4).
 *
 * A read takes the commit index of when it was asked for, and may be answered from the state machine at that index once a quorum has
 * answered a round of heartbeats that began afterwards: so nobody else was leader and had committed more. Reads of one turn wait
 * for one and the same round. A leader that has committed nothing in its term does not know the commit index yet; its reads take the
 * first one that it knows.
 */
import type { ReadResult } from './ready';

/** In place of an index: nobody can say, ask again (where the leader is). */
export const READ_FAILED = -1;

interface WaitingRead {
  readonly number: number;
  /** The round that confirms it. */
  readonly round: number;
  /** Null while the commit index is not known. */
  readonly index: number | null;
}

export class WaitingReads {
  /** In ascending order of rounds. */
  private waiting: WaitingRead[] = [];

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** Whether a read waits for a round after this one. */
  wants(lastRound: number): boolean {
    return this.waiting.length > 0 && this.waiting[this.waiting.length - 1].round > lastRound;
  }

  add(read: WaitingRead): void {
    this.waiting.push(read);
  }

  /** Moves reads to `results` that a round up to `round` confirms; `commit` is known now. */
  confirm(round: number, commit: number, results: ReadResult[]): void {
    let count = 0;
    while (count < this.waiting.length && this.waiting[count].round <= round) {
      const { number, index } = this.waiting[count++];
      results.push({ number, index: index ?? commit });
    }
    if (count > 0) this.waiting.splice(0, count);
  }

  /** Leadership is lost: all that waited fails. */
  fail(results: ReadResult[]): void {
    for (const { number } of this.waiting) results.push({ number, index: READ_FAILED });
    this.waiting = [];
  }
}
