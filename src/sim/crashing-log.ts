/**
 * CrashingLog: a Raft log that keeps what it promised and forgets the rest, without the cost of files.
 *
 * The real DiskLog on a SimulatedDisk is the better proof and twenty times slower, so most seeds have this. A deed takes effect on the
 * "disk" when its simulated fsync returns; a crash before that leaves nothing of it, the hard state, a prefix of the entries, or all,
 * as chance has it: what `LogStorage` allows and no more.
 */
import type { Random } from '../base';
import type { Entry, HardState, LogStorage, SavedLog, Snapshot } from '../raft';

interface Deed {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
}

/** What is on the disk; outlives the process. */
export class CrashingLog {
  private hardState: HardState = { term: 0, vote: 0, commit: 0 };
  private snapshot: Snapshot | null = null;
  private entries: Entry[] = [];
  private underWay: Deed | null = null;

  /** @param sync calls back when an fsync that begins now returns, unless the process is dead then */
  constructor(
    private readonly random: Random,
    private readonly sync: (done: () => void) => void,
  ) {}

  /** The log as a process finds it that starts now. */
  open(): LogStorage {
    this.crash();
    return {
      load: (): SavedLog => ({
        hardState: this.hardState,
        snapshot: this.snapshot,
        entries: [...this.entries],
      }),
      append: (hardState, entries, done) => this.begin({ hardState, entries, snapshot: null }, done),
      saveSnapshot: (snapshot, hardState, done) => this.begin({ hardState, entries: [], snapshot }, done),
      close: () => {},
    };
  }

  private begin(deed: Deed, done: (error: Error | null) => void): void {
    this.underWay = deed;
    this.sync(() => {
      this.underWay = null;
      this.keep(deed);
      done(null);
    });
  }

  /** The process died: what was under way was done in part. */
  private crash(): void {
    const { underWay } = this;
    this.underWay = null;
    if (underWay === null || this.random.below(3) === 0) return;
    const { hardState, entries, snapshot } = underWay;
    // A snapshot is there or not; entries are only there if the hard state is that was written before them.
    this.keep({ hardState, snapshot, entries: entries.slice(0, this.random.below(entries.length + 1)) });
  }

  private keep({ hardState, entries, snapshot }: Deed): void {
    if (hardState !== null) this.hardState = hardState;
    if (snapshot !== null) this.rebase(snapshot);
    if (entries.length === 0) return;
    const place = this.entries.findIndex(({ index }) => index === entries[0].index);
    if (place >= 0) this.entries.length = place;
    for (const entry of entries) this.entries.push(entry);
  }

  private rebase(snapshot: Snapshot): void {
    const { index, term } = snapshot;
    const same = this.entries.find((entry) => entry.index === index);
    this.entries = same?.term === term ? this.entries.filter((entry) => entry.index > index) : [];
    this.snapshot = snapshot;
  }
}
