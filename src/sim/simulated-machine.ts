/**
 * SimulatedMachine: a computer with one process on it, as far as time is concerned.
 *
 * Its clocks run at a rate of their own, and the wall clock may be set. The process does one turn at a time: what a timer or a delivery
 * brings, then what was put to the end of the turn. While it is paused (SIGSTOP, a long collection of garbage, a machine that is moved)
 * it does nothing; what was due happens late, one turn after the other, when it wakes: timers first or all in the order in which they were
 * due, as the machine's chance has it. It can be frozen in the middle of a turn, between what was done and its end, where replies leave.
 * Its sockets stay open meanwhile, and its clocks go on.
 *
 * Death ends a life: nothing that was planned by a life happens after it.
 */
import { assert, type Clock, type Random, type Timers } from '../base';
import type { SimulatedTime } from './simulated-time';

interface Late {
  readonly isTimer: boolean;
  readonly task: () => void;
}

export class SimulatedMachine {
  readonly clock: Clock;
  readonly timers: Timers;
  isUp = true;
  /** Grows with each death. */
  life = 0;
  /** Freezes the process in its next turn, before the end of it, for so many ms; 0 does not. */
  freezeNextTurnMs = 0;
  private wallOffsetMs: number;
  private readonly bootedAtMs: number;
  private pausedUntilMs = -1;
  private wakesAtMs = -1;
  private late: Late[] = [];
  private readonly endings: (() => void)[] = [];
  private isInTurn = false;

  /** @param index names it @param rate how fast its clocks run: 1.05 is 5 % fast */
  constructor(
    readonly time: SimulatedTime,
    readonly index: number,
    private readonly random: Random,
    readonly rate: number,
  ) {
    this.bootedAtMs = random.below(1_000_000);
    this.wallOffsetMs = 1_700_000_000_000 + random.below(1000);
    this.clock = {
      monotonicMs: () => this.bootedAtMs + time.nowMs * rate,
      wallMs: () => Math.floor(this.wallOffsetMs + time.nowMs * rate),
    };
    this.timers = {
      every: (intervalMs, task) => this.every(intervalMs, task),
      after: (delayMs, task) => this.after(delayMs, task),
      endOfTurn: (task) => this.endOfTurn(task),
    };
  }

  get isPaused(): boolean {
    return this.pausedUntilMs > this.time.nowMs || this.late.length > 0;
  }

  /** Whether it runs, and nothing keeps it from doing so. */
  get isWell(): boolean {
    return this.isUp && !this.isPaused;
  }

  /** Gives the process something to do: now, or when it wakes. */
  run(task: () => void, isTimer = false): void {
    if (!this.isUp) return;
    if (this.isPaused) this.late.push({ isTimer, task });
    else this.turn(task);
  }

  /** The process does nothing for so many ms from now on, or from the end of a pause that it is in, if that is later. */
  pause(durationMs: number): void {
    if (!this.isUp) return;
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.time.nowMs + durationMs);
    if (this.wakesAtMs < this.pausedUntilMs) this.planWaking();
  }

  /** Ends a pause. */
  resume(): void {
    if (this.pausedUntilMs <= this.time.nowMs) return;
    this.pausedUntilMs = this.time.nowMs;
    this.planWaking();
  }

  /** Sets the wall clock forward, or back. */
  jumpWall(ms: number): void {
    this.wallOffsetMs += ms;
  }

  /** The process, or the machine, is gone. */
  die(): void {
    assert(this.isUp, 'who lives can die');
    this.isUp = false;
    this.life++;
    this.late = [];
    this.endings.length = 0;
    this.pausedUntilMs = -1;
    this.wakesAtMs = -1;
    this.freezeNextTurnMs = 0;
  }

  boot(): void {
    assert(!this.isUp, 'who is dead can be started');
    this.isUp = true;
  }

  private after(delayMs: number, task: () => void): () => void {
    const { life } = this;
    let isCancelled = false;
    const due = (): void => {
      if (!isCancelled && life === this.life) task();
    };
    const planned = this.time.after(Math.max(0, delayMs) / this.rate, () => this.run(due, true));
    return () => {
      isCancelled = true;
      planned.task = null;
    };
  }

  private every(intervalMs: number, task: () => void): () => void {
    let cancel = (): void => {};
    let isOver = false;
    const next = (): void => {
      cancel = this.after(intervalMs, () => {
        task();
        if (!isOver) next();
      });
    };
    next();
    return () => {
      isOver = true;
      cancel();
    };
  }

  private endOfTurn(task: () => void): void {
    this.endings.push(task);
    // Who asks from outside of a turn (a test, a start) gets a turn for it.
    if (!this.isInTurn && this.endings.length === 1) this.time.after(0, () => this.run(() => {}));
  }

  private turn(task: () => void): void {
    this.isInTurn = true;
    task();
    this.isInTurn = false;
    if (this.freezeNextTurnMs > 0) {
      this.pause(this.freezeNextTurnMs);
      this.freezeNextTurnMs = 0;
      this.late.unshift({ isTimer: false, task: () => {} });
      return;
    }
    this.endTurn();
  }

  private endTurn(): void {
    this.isInTurn = true;
    for (let i = 0; i < this.endings.length && this.isUp; i++) this.endings[i]();
    this.endings.length = 0;
    this.isInTurn = false;
  }

  private planWaking(): void {
    const { life } = this;
    this.wakesAtMs = this.pausedUntilMs;
    this.time.at(this.pausedUntilMs, () => {
      if (life === this.life && this.time.nowMs >= this.pausedUntilMs) this.wake();
    });
  }

  /** What it slept through. A turn that was cut short is ended first. */
  private wake(): void {
    const { late } = this;
    if (this.random.below(2) === 0) late.sort((a, b) => Number(b.isTimer) - Number(a.isTimer));
    const { life } = this;
    if (this.endings.length > 0) this.endTurn();
    while (late.length > 0 && life === this.life && this.pausedUntilMs <= this.time.nowMs) {
      const { task } = late.shift()!;
      this.turn(task);
    }
  }
}
