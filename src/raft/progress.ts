/**
 * Progress: what a leader knows of one follower, and how much it may send it.
 *
 * Three states, as in etcd's raft. A *probe* sends one append at a time until the leader knows where the logs agree. *Replicate* sends
 * ahead of the replies, up to a number of appends in flight. *Snapshot* sends chunks of a snapshot, one at a time, because the
 * entries that the follower needs are gone.
 *
 * Always: match < next; `match` only grows: what a follower has acknowledged in this term it keeps.
 */
import type { Snapshot } from './types';

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export class Progress {
  state: ProgressState = 'probe';
  /** The last entry known to be on the follower's disk. */
  match = 0;
  /** The next entry to send. */
  next: number;
  /** When it was last heard from. */
  heardAtMs: number;
  /** The last round of heartbeats that it answered. */
  round = 0;
  /** The commit that the last heartbeat told it, and the one that it is known to know. */
  commitTold = 0;
  commitKnown = 0;
  /** The commit that the last append told it. */
  commitSent = 0;
  /** An append is to be sent even if it brings nothing: its reply is what is wanted. */
  isAppendWanted = false;
  /** The snapshot on its way; null in other states. */
  snapshot: Snapshot | null = null;
  /** Where the chunk on its way begins. */
  chunkOffset = 0;
  chunkSentAtMs = -Infinity;
  isChunkWanted = false;
  private isProbing = false;
  /** Last index of each append in flight. */
  private inFlight: number[] = [];

  constructor(next: number, nowMs: number) {
    this.next = next;
    this.heardAtMs = nowMs;
  }

  /** Whether no append may be sent now. */
  isPaused(inFlightMax: number): boolean {
    if (this.state === 'probe') return this.isProbing;
    return this.state === 'snapshot' || this.inFlight.length >= inFlightMax;
  }

  /** An append with so many entries from `next` on has been sent. */
  noteSent(count: number, commit: number): void {
    this.isAppendWanted = false;
    this.commitSent = commit;
    if (this.state === 'probe') this.isProbing = true;
    else if (count > 0) {
      this.next += count;
      this.inFlight.push(this.next - 1);
    }
  }

  /** The follower's log agrees up to `index`. Whether that, or the state, is news. */
  noteMatch(index: number): boolean {
    const isNews = index > this.match;
    if (isNews) this.match = index;
    this.next = Math.max(this.next, index + 1);
    if (this.state === 'replicate') this.free(index);
    else if (this.state === 'probe' && index === this.match) this.replicate();
    return isNews;
  }

  /** The follower refused an append after entry `refused`; it could agree at `hint`. False where that is an old story. */
  noteRefusal(refused: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (refused <= this.match) return false;
      this.probe(this.match + 1);
      return true;
    }
    if (this.state !== 'probe' || this.next - 1 !== refused) return false;
    this.next = Math.max(Math.min(refused, hint + 1), this.match + 1);
    this.isProbing = false;
    this.isAppendWanted = true;
    return true;
  }

  /** It answers heartbeats: what was in flight may be lost, so something may be sent even where all is in flight. */
  noteAlive(inFlightMax: number): void {
    this.isProbing = false;
    if (this.inFlight.length >= inFlightMax) this.inFlight.shift();
  }

  /** The entries that it needs are gone. */
  sendSnapshot(snapshot: Snapshot): void {
    this.state = 'snapshot';
    this.snapshot = snapshot;
    this.next = snapshot.index + 1;
    this.chunkOffset = 0;
    this.isChunkWanted = true;
  }

  /** Sends ahead of replies from the first entry that is not known to match. */
  replicate(): void {
    this.reset('replicate', this.match + 1);
  }

  /** Sends one append at a time, beginning with `next`. */
  probe(next: number): void {
    this.reset('probe', next);
    this.isAppendWanted = true;
  }

  private reset(state: ProgressState, next: number): void {
    this.state = state;
    this.next = next;
    this.isProbing = false;
    this.inFlight = [];
    this.snapshot = null;
  }

  private free(index: number): void {
    let count = 0;
    while (count < this.inFlight.length && this.inFlight[count] <= index) count++;
    if (count > 0) this.inFlight.splice(0, count);
  }
}
