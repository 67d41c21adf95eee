/**
 * Time under control: it passes when it is told to, timers that are due run in order, and what waits for the end of a turn
 * runs when a turn is made, not before. With the same deeds in the same order everything happens the same way again.
 *
 * Each look at the clock may cost a little, so that work done in slices is done in more than one.
 */
import type { Clock, Timers } from '../../src/base';

const BIRTH_MS = 1_700_000_000_000;

interface Timer {
  dueMs: number;
  /** 0 for one that runs once. */
  readonly everyMs: number;
  readonly task: () => void;
}

export class VirtualTime {
  nowMs = BIRTH_MS;
  /** By how much a look at the clock takes time on. */
  lookMs = 0;
  private waiting: (() => void)[] = [];
  private readonly pending = new Set<Timer>();

  readonly clock: Clock = {
    wallMs: () => Math.floor(this.nowMs),
    monotonicMs: () => {
      this.nowMs += this.lookMs;
      return this.nowMs - BIRTH_MS;
    },
  };

  readonly timers: Timers = {
    every: (intervalMs, task) => this.add({ dueMs: this.nowMs + intervalMs, everyMs: intervalMs, task }),
    after: (delayMs, task) => this.add({ dueMs: this.nowMs + delayMs, everyMs: 0, task }),
    endOfTurn: (task) => void this.waiting.push(task),
  };

  /** How many tasks wait for the end of the turn. */
  get tasksWaiting(): number {
    return this.waiting.length;
  }

  /** Ends the turn: runs what waits for that, but not what comes to wait meanwhile. */
  turn(): void {
    const tasks = this.waiting;
    this.waiting = [];
    for (const task of tasks) task();
  }

  /** Lets time pass, with a turn after each timer. */
  advance(durationMs: number): void {
    const untilMs = this.nowMs + durationMs;
    for (let next = this.next(untilMs); next !== null; next = this.next(untilMs)) {
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      if (next.everyMs === 0) this.pending.delete(next);
      else next.dueMs = this.nowMs + next.everyMs;
      next.task();
      this.turn();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** Forgets all timers and tasks: whose they were is dead. */
  clear(): void {
    this.waiting = [];
    this.pending.clear();
  }

  /** The timer that is due first, if it is by then; of several the one that was set first. */
  private next(untilMs: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.pending) {
      if (timer.dueMs <= untilMs && (first === null || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }

  private add(timer: Timer): () => void {
    this.pending.add(timer);
    return () => void this.pending.delete(timer);
  }
}
