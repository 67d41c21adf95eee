/**
 * MemoryLog: a log storage that forgets when the process ends. For tests, and for a node alone that keeps nothing.
 *
 * Every deed is done at once, before it returns. A voter of a real cluster must not have such a log: once restarted it could vote
 * twice in one term (§5.2).
 */
import { HeldLog } from './held-log';
import type { LogStorage, SavedLog } from './ports';
import type { Entry, HardState, Snapshot } from './types';

export class MemoryLog implements LogStorage {
  private readonly held = new HeldLog();
  private snapshot: Snapshot | null = null;

  load(): SavedLog {
    return { hardState: this.held.hardState, snapshot: this.snapshot, entries: [...this.held.entries] };
  }

  append(hardState: HardState | null, entries: readonly Entry[], done: (error: Error | null) => void): void {
    this.held.append(entries);
    if (hardState !== null) this.held.hardState = hardState;
    done(null);
  }

  saveSnapshot(snapshot: Snapshot, hardState: HardState | null, done: (error: Error | null) => void): void {
    this.held.rebase(snapshot);
    this.snapshot = snapshot;
    if (hardState !== null) this.held.hardState = hardState;
    done(null);
  }

  close(): void {}
}
