/**
 * SimulatedFile: the bytes of one file, as a process sees them and as the disk has them.
 *
 * There are two images: what was written (the page cache) and what is durable. Up to `dirtyFrom` they agree. A sync
 * brings the durable one up to the other; a loss of power draws, for everything from `dirtyFrom` on, what the disk
 * got: all of it, a prefix, or any of its sectors, where those that it did not get hold what was there before, zeros
 * or garbage. The size is drawn by itself. What was synced is never touched, not even in a sector that had grown
 * since.
 */
import type { Random } from '../base';

export const SECTOR_BYTES = 512;
const INITIAL_BYTES = 4096;

export class SimulatedFile {
  /** Bytes in it, as processes see it. */
  size = 0;
  /** How often it was cut: a sync that began before does not vouch for the cut. */
  cuts = 0;
  private written = new Uint8Array(INITIAL_BYTES);
  private durable = new Uint8Array(INITIAL_BYTES);
  private durableSize = 0;
  /** From here on the two images may differ. */
  private dirtyFrom = 0;

  /** Copies what there is from `position` on into `into[start, end)`; returns how much. */
  read(into: Uint8Array, start: number, end: number, position: number): number {
    const count = Math.max(0, Math.min(end - start, this.size - position));
    into.set(this.written.subarray(position, position + count), start);
    return count;
  }

  append(buffer: Uint8Array, start: number, end: number): void {
    this.written = grown(this.written, this.size + (end - start));
    this.written.set(buffer.subarray(start, end), this.size);
    this.size += end - start;
  }

  truncate(size: number): void {
    this.written.fill(0, size, this.size);
    this.size = size;
    this.dirtyFrom = Math.min(this.dirtyFrom, size);
    this.cuts++;
  }

  /** Makes the first `size` bytes durable, as they were when the sync began: `cuts` is of that moment. */
  sync(size = this.size, cuts = this.cuts): void {
    const wasCut = cuts !== this.cuts;
    const end = Math.min(size, this.size);
    if (end < this.dirtyFrom) return;
    this.durable = grown(this.durable, end);
    this.durable.set(this.written.subarray(this.dirtyFrom, end), this.dirtyFrom);
    this.durableSize = wasCut ? Math.max(this.durableSize, end) : end;
    this.dirtyFrom = end;
  }

  /**
   * A sync of the first `size` bytes that failed, as Linux has it: what was not durable is forgotten, yet counts as
   * written back, so that the next sync succeeds. Processes see the bytes until the disk is asked.
   */
  failSync(size = this.size): void {
    const end = Math.min(size, this.size);
    if (end < this.dirtyFrom) return;
    this.durable = grown(this.durable, end);
    this.durable.fill(0, this.dirtyFrom, end);
    this.durableSize = end;
    this.dirtyFrom = end;
  }

  /** Turns one bit, on the disk and in memory. */
  flip(bit: number): void {
    const at = Math.floor(bit / 8);
    const mask = 0x80 >>> (bit & 7);
    this.written[at] ^= mask;
    if (at < this.durableSize) this.durable[at] ^= mask;
  }

  /** A copy that shares nothing. */
  clone(): SimulatedFile {
    const copy = new SimulatedFile();
    copy.written = this.written.slice();
    copy.durable = this.durable.slice();
    copy.size = this.size;
    copy.cuts = this.cuts;
    copy.durableSize = this.durableSize;
    copy.dirtyFrom = this.dirtyFrom;
    return copy;
  }

  /** What a loss of power leaves; `safeSize` bytes of it are there as written, whatever else is lost. */
  survivor(random: Random, safeSize: number): SimulatedFile {
    const source = this.clone();
    if (safeSize > source.dirtyFrom) source.sync(safeSize);
    const end = Math.max(source.size, source.durableSize);
    const outcome = OUTCOMES[random.below(OUTCOMES.length)];
    const left = new SimulatedFile();
    left.written = source.durable;
    left.size = source.durableSize;
    if (outcome === 'all') {
      left.take(source, source.dirtyFrom, source.size);
      left.size = source.size;
    } else if (outcome === 'prefix') {
      left.size = source.dirtyFrom + random.below(source.size - source.dirtyFrom + 1);
      left.take(source, source.dirtyFrom, left.size);
    } else if (outcome === 'sectors') {
      left.takeSectors(source, end, random);
      left.size = source.dirtyFrom + random.below(end - source.dirtyFrom + 1);
      if (random.below(2) === 0) left.size = end;
    }
    left.written = left.written.slice(0, Math.max(left.size, INITIAL_BYTES));
    left.written.fill(0, left.size);
    left.durable = left.written.slice();
    left.durableSize = left.size;
    left.dirtyFrom = left.size;
    return left;
  }

  /** Writes any of the sectors of `source` from its `dirtyFrom` on. */
  private takeSectors(source: SimulatedFile, end: number, random: Random): void {
    this.written = grown(this.written, end);
    for (let from = source.dirtyFrom; from < end;) {
      const to = Math.min(end, from - (from % SECTOR_BYTES) + SECTOR_BYTES);
      const fate = FATES[random.below(FATES.length)];
      if (fate === 'written') this.take(source, from, to);
      else if (fate === 'zeros') this.written.fill(0, from, to);
      else if (fate === 'garbage') for (let at = from; at < to; at++) this.written[at] = random.below(256);
      from = to;
    }
  }

  private take(source: SimulatedFile, from: number, to: number): void {
    this.written = grown(this.written, to);
    this.written.set(source.written.subarray(from, to), from);
  }
}

/** What becomes of the bytes of a file that were not synced. */
const OUTCOMES = ['all', 'nothing', 'prefix', 'sectors', 'sectors'] as const;
/** What becomes of each sector where each goes its own way. */
const FATES = ['written', 'written', 'before', 'zeros', 'garbage'] as const;

/** The same bytes with room for at least `size`, the rest zeros. */
function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes;
  const wider = new Uint8Array(Math.max(size, 2 * bytes.length));
  wider.set(bytes);
  return wider;
}
