/** Time that passes when a test says so; turns end in between. */
import type { Clock, Timers } from '../../src/base';

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

export class VirtualTime {
  nowMs = 0;
  private readonly tasks: Task[] = [];

  readonly clock: Clock = { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs };

  readonly timers: Timers = {
    after: (delayMs, run) => this.at(this.nowMs + delayMs, run),
    endOfTurn: (run) => void this.at(this.nowMs, run),
    every: (intervalMs, run) => {
      let cancel = (): void => {};
      const again = (): void => {
        cancel = this.at(this.nowMs + intervalMs, () => {
          again();
          run();
        });
      };
      again();
      return () => cancel();
    },
  };

  /** Lets so much time pass. */
  run(ms: number): void {
    const end = this.nowMs + ms;
    for (let next = this.earliest(end); next !== null; next = this.earliest(end)) {
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.tasks.splice(this.tasks.indexOf(next), 1);
      next.run();
    }
    this.nowMs = end;
  }

  /** Lets time pass until something is so. @throws where it is not after `limitMs` */
  until(isSo: () => boolean, limitMs = 10_000): void {
    const end = this.nowMs + limitMs;
    while (!isSo()) {
      if (this.nowMs >= end) throw new Error(`it is not so after ${limitMs} ms`);
      this.run(1);
    }
  }

  private at(atMs: number, run: () => void): () => void {
    const task = { atMs, run };
    this.tasks.push(task);
    return () => {
      const place = this.tasks.indexOf(task);
      if (place >= 0) this.tasks.splice(place, 1);
    };
  }

  private earliest(endMs: number): Task | null {
    let found: Task | null = null;
    for (const task of this.tasks) if (task.atMs <= endMs && (found === null || task.atMs < found.atMs)) found = task;
    return found;
  }
}
