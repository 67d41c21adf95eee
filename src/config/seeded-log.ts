/**
 * The first entry of a new log: a snapshot that all founders of a cluster make alike.
 *
 * Raft takes for granted that all nodes begin with the same membership and the same state. Were these read from settings at each start, a
 * changed line would split the cluster. So they are read once: a founder whose log is empty saves a snapshot at entry 1, term 1,
 * with the membership and the state to begin with, as if all founders had received it from a leader; from then on the log alone counts.
 * One that is to join an existing cluster saves nothing, and gets what the leader has.
 */
import { NO_MEMBERS, NOBODY, type LogStorage, type Membership, type SavedLog, type Snapshot } from '../raft';

/** What founders begin with. All must give the same. */
export interface Seed {
  readonly membership: Membership;
  /** The state, in the bytes of its snapshots. */
  readonly data: Uint8Array;
}

const FIRST = { index: 1, term: 1 };

/** Opens a log that is to be handed to a Raft node. */
export class SeededLog implements LogStorage {
  readonly membership = NO_MEMBERS;
  private saved: SavedLog | null = null;

  constructor(private readonly storage: LogStorage) {}

  /**
   * Loads what is there, and seeds it where nothing is.
   * @param seed null for a node that joins
   * @param done with the error where the seed could not be saved
   * @throws CacheError BAD_LOG, FILE_FAILED
   */
  open(seed: Seed | null, done: (error: Error | null) => void): void {
    const saved = this.storage.load();
    this.saved = saved;
    const isNew = saved.snapshot === null && saved.entries.length === 0 && saved.hardState.term === 0;
    if (!isNew || seed === null) return done(null);
    const snapshot: Snapshot = { ...FIRST, ...seed };
    const hardState = { term: FIRST.term, vote: NOBODY, commit: FIRST.index };
    this.saved = { hardState, snapshot, entries: [] };
    this.storage.saveSnapshot(snapshot, hardState, done);
  }

  load(): SavedLog {
    return this.saved ?? this.storage.load();
  }

  append(...deed: Parameters<LogStorage['append']>): void {
    this.storage.append(...deed);
  }

  saveSnapshot(...deed: Parameters<LogStorage['saveSnapshot']>): void {
    this.storage.saveSnapshot(...deed);
  }

  close(): void {
    this.storage.close();
  }
}
