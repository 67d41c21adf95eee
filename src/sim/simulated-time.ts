/**
 * SimulatedTime: the one order in which everything of a simulation happens.
 *
 * Whatever is to happen waits in a heap, by the virtual millisecond at which it does; what falls on the same one happens in the order
 * in which it was planned. Nothing else decides an order: no real clock, no promise, no timer of Node's. So a run is a
 * function of its seed, and `hash` is the proof: everything that happens is mixed into it, and two runs of a seed that differ anywhere
 * have different hashes. (Zhou et al., "FoundationDB", SIGMOD 2021, section 4; TigerBeetle's simulator works the same way.)
 */

/** Something that will happen. Plain, so that a million of them cost little. */
export interface Planned {
  readonly atMs: number;
  readonly order: number;
  /** Null once it was called off. */
  task: (() => void) | null;
}

export class SimulatedTime {
  /** Virtual milliseconds since the simulation began. */
  nowMs = 0;
  /** How many things have happened. */
  events = 0;
  private digest = 0x811c9dc5;
  private plans = 0;
  private readonly heap: Planned[] = [];

  /** Of everything that has happened, as eight hexadecimal digits. */
  get hash(): string {
    return (this.digest >>> 0).toString(16).padStart(8, '0');
  }

  /** Lets `task` happen at a virtual moment, or now where that is past. */
  at(atMs: number, task: () => void): Planned {
    const planned: Planned = { atMs: Math.max(atMs, this.nowMs), order: this.plans++, task };
    const { heap } = this;
    let place = heap.length;
    heap.push(planned);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(planned, heap[parent])) break;
      heap[place] = heap[parent];
      place = parent;
    }
    heap[place] = planned;
    return planned;
  }

  after(delayMs: number, task: () => void): Planned {
    return this.at(this.nowMs + delayMs, task);
  }

  /** Lets the next thing happen; false where nothing is left. */
  step(): boolean {
    for (let next = this.take(); next !== null; next = this.take()) {
      if (next.task === null) continue;
      this.nowMs = next.atMs;
      this.events++;
      this.note(next.order);
      this.note(Math.floor(next.atMs * 1000));
      next.task();
      return true;
    }
    return false;
  }

  /** Mixes a number into the hash: who does something that chance or a message decided notes what (FNV-1a, on words). */
  note(value: number): void {
    this.digest = Math.imul(this.digest ^ value, 0x01000193);
    this.digest ^= this.digest >>> 15;
  }

  private take(): Planned | null {
    const { heap } = this;
    if (heap.length === 0) return null;
    const [first] = heap;
    const moved = heap.pop()!;
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], moved)) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = moved;
    return first;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
