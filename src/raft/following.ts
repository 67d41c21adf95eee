/**
 * Following: what a follower does with the words of its leader, and what it answers.
 *
 * Nothing here looks at terms: who calls has made sure that the leader of this term speaks. What contradicts that which is
 * committed here is dropped without an answer.
 *
 * Always: an acknowledged index is one up to which this log is the leader's; the commit goes no further than the entries that this
 * very message has proved to match (§5.3).
 */
import { isPlanted } from '../base';
import type { Outbox } from './outbox';
import type { RaftLog } from './raft-log';
import { SnapshotAssembly } from './snapshot-assembly';
import type { AppendRequest, Heartbeat, Snapshot, SnapshotChunk } from './types';

export class Following {
  private readonly assembly = new SnapshotAssembly();

  constructor(
    private readonly log: RaftLog,
    private readonly outbox: Outbox,
    private readonly snapshotBytesMax: number,
  ) {}

  /** AppendEntries (§5.3). */
  append(request: AppendRequest): void {
    const { log } = this;
    const { previousIndex, previousTerm, entries, commit } = request;
    if (previousIndex < log.commit) {
      this.acknowledge(request, log.commit);
    } else if (!log.has(previousIndex, previousTerm)) {
      this.refuse(request);
    } else if (log.merge(entries)) {
      const lastNew = previousIndex + entries.length;
      log.commitTo(Math.min(commit, isPlanted('commit-beyond-append') ? log.lastIndex : lastNew));
      this.acknowledge(request, lastNew);
    }
  }

  heartbeat({ from: to, to: from, term, commit, round }: Heartbeat): void {
    if (commit <= this.log.lastIndex) this.log.commitTo(commit);
    this.outbox.send({ type: 'heartbeat-reply', from, to, term, round });
  }

  /** InstallSnapshot (§7). The snapshot, when it is whole and has taken the place of the log; null until then. */
  snapshot(chunk: SnapshotChunk): Snapshot | null {
    const { log, assembly } = this;
    const { from: to, to: from, term, index, indexTerm, totalBytes } = chunk;
    if (totalBytes > this.snapshotBytesMax) return null;
    // Who has the entry itself needs no snapshot of it, and keeps what follows.
    if (log.has(index, indexTerm)) log.commitTo(index);
    const isNeeded = index > log.commit;
    if (isNeeded && !assembly.add(chunk)) return null;
    const restored = isNeeded ? assembly.take() : null;
    const nextOffset = isNeeded && restored === null ? assembly.nextOffset : totalBytes;
    if (restored !== null) log.restore(restored);
    this.outbox.send({ type: 'snapshot-reply', from, to, term, index, nextOffset });
    return restored;
  }

  /** The term is over: what another leader sends is not joined to what this one has sent. */
  forgetChunks(): void {
    this.assembly.clear();
  }

  private acknowledge({ from: to, to: from, term }: AppendRequest, index: number): void {
    this.outbox.send({ type: 'append-reply', from, to, term, index, isRejected: false, hintIndex: 0, hintTerm: 0 });
  }

  private refuse({ from: to, to: from, term, previousIndex: index, previousTerm }: AppendRequest): void {
    const { index: hintIndex, term: hintTerm } = this.log.lastAgreeing(index, previousTerm);
    this.outbox.send({ type: 'append-reply', from, to, term, index, isRejected: true, hintIndex, hintTerm });
  }
}
