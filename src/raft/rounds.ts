/**
 * Rounds of heartbeats of one leader: their numbers, and when each began.
 *
 * When a round began is kept only until a later one is confirmed: a lease counts from the last that is.
 */
export class Rounds {
  /** The last round that has begun; 0 where none has. */
  last = 0;
  /** The round that `begunAt[0]` belongs to. */
  private first = 1;
  private begunAt: number[] = [];

  /** Begins the next round; its number. */
  begin(nowMs: number): number {
    this.begunAt.push(nowMs);
    return ++this.last;
  }

  /** When that round began; −Infinity where nothing is known of it. */
  begunAtMs(round: number): number {
    return this.begunAt[round - this.first] ?? -Infinity;
  }

  /** Earlier rounds do not matter any more. */
  forgetBefore(round: number): void {
    const count = Math.min(round - this.first, this.begunAt.length);
    if (count <= 0) return;
    this.begunAt.splice(0, count);
    this.first += count;
  }
}
