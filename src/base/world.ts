/**
 * World: time, chance and the disk, by the front door.
 *
 * Nothing in the library below bin/ asks `Date`, `Math.random` or a timer by itself, nor touches a file of data; it
 * takes a `World`. The real one is `realWorld()`; the simulator makes its own, and the same classes run in it
 * unchanged.
 */
import { randomBytes } from 'node:crypto';
import type { Files } from './files';
import { Random } from './random';
import { RealFiles } from './real-files';

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. For what users see: TTLs, TIME. */
  readonly wallMs: () => number;
  /** Milliseconds of a clock that never goes back. For durations and timeouts. */
  readonly monotonicMs: () => number;
}

export interface Timers {
  /** Runs `task` every `intervalMs` until the returned function is called. Does not keep the process alive. */
  every(intervalMs: number, task: () => void): () => void;
  /**
   * Runs `task` once after `delayMs` unless the returned function is called first. Does not keep the process alive,
   * unless `isAwaited`: somebody waits for it, and for nothing else that would.
   */
  after(delayMs: number, task: () => void, isAwaited?: boolean): () => void;
  /** Runs `task` at the end of the current turn: after all reads that are ready now, before new ones. */
  endOfTurn(task: () => void): void;
}

/** One line of log. Levels are Redis'. */
export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';
export type Log = (level: LogLevel, message: string) => void;

export interface World {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly files: Files;
  readonly log: Log;
}

export const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const realTimers: Timers = {
  every(intervalMs, task) {
    const timer = setInterval(task, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  after(delayMs, task, isAwaited = false) {
    const timer = setTimeout(task, delayMs);
    if (!isAwaited) timer.unref();
    return () => clearTimeout(timer);
  },
  endOfTurn(task) {
    setImmediate(task);
  },
};

export const realFiles: Files = new RealFiles({
  ownId: process.pid,
  isAlive(id) {
    try {
      return process.kill(id, 0);
    } catch (error) {
      // One that we may not send signals to is alive, too.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
});

export const silentLog: Log = () => {};

/** The world as it is; `overrides` replaces parts of it. Silent unless given a log. */
export function realWorld(overrides: Partial<World> = {}): World {
  return {
    clock: realClock,
    timers: realTimers,
    random: new Random(randomBytes(4).readInt32LE()),
    files: realFiles,
    log: silentLog,
    ...overrides,
  };
}
