/**
 * MemoryGauge: how much memory the node uses, for INFO and for `maxmemory`.
 *
 * Data lie in the arena, which counts its blocks exactly and for free; that count is what `maxmemory` bounds. The
 * process as a whole (V8's heap, buffers) is asked from the operating system at most every 100 ms: it costs 20 µs.
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

  /** What the operating system and V8 say, in bytes. */
  process(): { residentBytes: number; heapUsedBytes: number; heapTotalBytes: number } {
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    return { residentBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal };
  }
}
