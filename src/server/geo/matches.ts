/**
 * Matches: what a search has found, in columns of numbers, so that a search of a hundred thousand members makes no object for
 * any of them; and the order in which they are replied.
 *
 * Where only some are wanted, the nearest or the farthest are gathered in a heap, without sorting the others. Matches that are
 * equally far stay in the order in which they were found.
 */

const CAPACITY_MIN = 64;
/** More room than this is given back after the command. */
const CAPACITY_KEPT_MAX = 65_536;

/** By distance: no order, nearest first, farthest first. */
export const UNSORTED = 0;
export const ASCENDING = 1;
export const DESCENDING = -1;

export class Matches {
  count = 0;
  /** Where the sorted set's walk stood. */
  positions: Float64Array = new Float64Array(CAPACITY_MIN);
  scores: Float64Array = new Float64Array(CAPACITY_MIN);
  /** In meters. */
  distances: Float64Array = new Float64Array(CAPACITY_MIN);

  clear(): void {
    this.count = 0;
    if (this.positions.length > CAPACITY_KEPT_MAX) this.resize(CAPACITY_MIN);
  }

  add(position: number, score: number, distance: number): void {
    const { count } = this;
    if (count === this.positions.length) this.resize(count * 2);
    this.positions[count] = position;
    this.scores[count] = score;
    this.distances[count] = distance;
    this.count = count + 1;
  }

  /** The numbers of the first `wanted` matches in an order. */
  inOrder(order: number, wanted: number): Uint32Array {
    const { count } = this;
    const chosen =
      order === UNSORTED || wanted >= count ? this.found(Math.min(wanted, count)) : this.select(order, wanted);
    return order === UNSORTED ? chosen : chosen.sort((a, b) => this.compare(order, a, b));
  }

  private found(count: number): Uint32Array {
    const numbers = new Uint32Array(count);
    for (let i = 0; i < count; i++) numbers[i] = i;
    return numbers;
  }

  /** Below 0 where match a is replied before b. */
  private compare(order: number, a: number, b: number): number {
    return (this.distances[a] - this.distances[b]) * order || a - b;
  }

  /** The `wanted` matches that come first, as a heap with the last of them on top. */
  private select(order: number, wanted: number): Uint32Array {
    const heap = this.found(wanted);
    for (let i = (wanted >>> 1) - 1; i >= 0; i--) this.sink(heap, order, i);
    for (let i = wanted; i < this.count; i++) {
      if (this.compare(order, i, heap[0]) >= 0) continue;
      heap[0] = i;
      this.sink(heap, order, 0);
    }
    return heap;
  }

  private sink(heap: Uint32Array, order: number, at: number): void {
    const match = heap[at];
    for (let child = at * 2 + 1; child < heap.length; child = at * 2 + 1) {
      if (child + 1 < heap.length && this.compare(order, heap[child + 1], heap[child]) > 0) child++;
      if (this.compare(order, heap[child], match) <= 0) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = match;
  }

  private resize(capacity: number): void {
    this.positions = resized(this.positions, capacity);
    this.scores = resized(this.scores, capacity);
    this.distances = resized(this.distances, capacity);
  }
}

function resized(column: Float64Array, capacity: number): Float64Array {
  const larger = new Float64Array(capacity);
  larger.set(column.length <= capacity ? column : column.subarray(0, capacity));
  return larger;
}
