/**
 * MemoryGauge: how much memory the data take, for INFO and for `maxmemory`.
 *
 * Data lie in the arena, which counts its blocks exactly and for free; that count is what `maxmemory` bounds. What the
 * process takes as a whole is told by the ProcessGauge.
 */
import type { Keyspace } from '../storage';

export class MemoryGauge {
  private peak = 0;

  constructor(private readonly keyspace: Keyspace) {}

  /** Bytes of keys, values and their indexes. */
  usedBytes(): number {
    const used = this.keyspace.arena.usedBytes;
    if (used > this.peak) this.peak = used;
    return used;
  }

  /** The highest `usedBytes` that was seen. */
  peakBytes(): number {
    this.usedBytes();
    return this.peak;
  }
}
