/**
 * SnapshotAssembly: a follower's half of a snapshot that comes in chunks (InstallSnapshot, §7).
 *
 * One snapshot at a time, of one leader in one term. Chunks are taken in order; any other is answered with the offset that is missing, so
 * that a leader which lost a chunk, or a follower which lost all, goes on from where they both can. A newer snapshot takes the place of
 * an older one that is not whole; memory is taken as bytes arrive, never by what a message says will come.
 */
import type { Snapshot, SnapshotChunk } from './types';

export class SnapshotAssembly {
  private first: SnapshotChunk | null = null;
  private chunks: Uint8Array[] = [];
  private received = 0;

  /** The offset of the chunk that is missing next. */
  get nextOffset(): number {
    return this.received;
  }

  /** Takes a chunk, if it is the next one. False where its snapshot is older than the one on its way. */
  add(chunk: SnapshotChunk): boolean {
    if (!this.belongs(chunk)) {
      if (this.first !== null && chunk.index < this.first.index) return false;
      this.clear();
      this.first = chunk;
    }
    if (chunk.offset === this.received && chunk.data.length > 0) {
      this.chunks.push(chunk.data);
      this.received += chunk.data.length;
    }
    return true;
  }

  /** The snapshot, once, when it is whole. */
  take(): Snapshot | null {
    if (this.first === null || this.received < this.first.totalBytes) return null;
    const { index, indexTerm: term, membership } = this.first;
    const snapshot = { index, term, membership, data: joined(this.chunks, this.received) };
    this.clear();
    return snapshot;
  }

  /** Forgets what came so far. */
  clear(): void {
    this.first = null;
    this.chunks = [];
    this.received = 0;
  }

  private belongs({ from, index, indexTerm, totalBytes }: SnapshotChunk): boolean {
    const { first } = this;
    if (first === null) return false;
    const isSame = first.index === index && first.indexTerm === indexTerm;
    return isSame && first.from === from && first.totalBytes === totalBytes;
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
