/**
 * What every LogStorage must do: the tests that ours pass, for whoever makes another.
 *
 * Needs no test framework of its own: it is given a function that declares a test and an `assert`, as node:test with
 * node:assert/strict, vitest, and tape have them.
 *
 *     logStorageConformance({ test, assert }, () => ({ storage: new MyLog(dir), reopen: () => new MyLog(dir) }));
 *
 * What a crash in the middle of a deed leaves is not asked here, as only its maker can bring that about: but then, too, what was
 * acknowledged must be there, and of the deed that was not, all, nothing, or the first of its entries.
 */
import { Random } from '../base';
import type { LogStorage, SavedLog } from './ports';
import { NOBODY, type Entry, type HardState, type Membership, type Snapshot } from './types';

/** What a conformance suite needs of a test framework. */
export interface ConformanceTools {
  /** Declares one test. */
  readonly test: (name: string, run: () => Promise<void>) => unknown;
  readonly assert: {
    ok(value: unknown, message?: string): void;
    /** Same structure, values compared by `===`, byte arrays by their bytes. */
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
  };
}

/** A storage that is new and has not been loaded. */
export interface LogStorageUnderTest {
  readonly storage: LogStorage;
  /** Another one on what this one has kept; the former is closed by then, or its process has died. */
  readonly reopen: () => LogStorage;
  /** Lets deeds be done that are waiting, where they are not done by themselves (a simulated disk). */
  readonly settle?: () => void;
}

/** Declares the tests; `make` gives each of them a storage of its own. */
export function logStorageConformance({ test, assert }: ConformanceTools, make: () => LogStorageUnderTest): void {
  test('a new log is empty', async () => {
    assert.deepEqual(make().storage.load(), savedLog());
  });

  test('a hard state is kept, and stays where none is given', async () => {
    const log = new Driver(make());
    await log.append({ term: 3, vote: 7, commit: 0 }, []);
    await log.append(null, entriesOf(3, 1, 2));
    assert.deepEqual(
      log.reopened(),
      savedLog({ hardState: { term: 3, vote: 7, commit: 0 }, entries: entriesOf(3, 1, 2) }),
    );
  });

  test('entries of all kinds and lengths are kept, byte by byte', async () => {
    const log = new Driver(make());
    const kinds = ['empty', 'command', 'membership'] as const;
    const entries = [0, 1, 255, 4096, 70_000, 3].map((bytes, i): Entry => {
      const data = new Uint8Array(bytes).map((_, at) => (at * 31 + i) & 0xff);
      return { index: i + 1, term: 2 ** 40 + i, kind: kinds[i % 3], data };
    });
    await log.append(null, entries.slice(0, 2));
    await log.append(null, entries.slice(2));
    assert.deepEqual(log.reopened().entries, entries);
  });

  test('entries take the place of all from the first of them on', async () => {
    const log = new Driver(make());
    await log.append(null, entriesOf(1, 1, 6));
    await log.append(null, entriesOf(2, 4, 5));
    assert.deepEqual(log.reopened().entries, [...entriesOf(1, 1, 3), ...entriesOf(2, 4, 5)]);
    await log.append(null, entriesOf(3, 1, 1));
    assert.deepEqual(log.reopened().entries, entriesOf(3, 1, 1));
  });

  test('a snapshot takes the place of entries, and those that follow on it stay', async () => {
    const log = new Driver(make());
    await log.append({ term: 1, vote: 1, commit: 4 }, entriesOf(1, 1, 6));
    const snapshot = snapshotOf(4, 1, 'four');
    await log.saveSnapshot(snapshot, null);
    const expected = savedLog({ hardState: { term: 1, vote: 1, commit: 4 }, snapshot, entries: entriesOf(1, 5, 6) });
    assert.deepEqual(log.reopened(), expected);
    await log.append(null, entriesOf(2, 6, 8));
    assert.deepEqual(log.reopened().entries, [...entriesOf(1, 5, 5), ...entriesOf(2, 6, 8)]);
  });

  test('entries that do not follow on a snapshot go', async () => {
    const log = new Driver(make());
    await log.append(null, entriesOf(1, 1, 6));
    await log.saveSnapshot(snapshotOf(4, 2, 'another four'), { term: 2, vote: NOBODY, commit: 4 });
    const { hardState, entries } = log.reopened();
    assert.deepEqual(hardState, { term: 2, vote: NOBODY, commit: 4 });
    assert.deepEqual(entries, []);
    await log.append(null, entriesOf(2, 5, 5));
    assert.deepEqual(log.reopened().entries, entriesOf(2, 5, 5));
  });

  test('a snapshot may be past the end of the log, and newer ones take its place', async () => {
    const log = new Driver(make());
    await log.append(null, entriesOf(1, 1, 3));
    await log.saveSnapshot(snapshotOf(10, 4, 'ten'), { term: 4, vote: 2, commit: 10 });
    await log.append(null, entriesOf(4, 11, 13));
    const newer = snapshotOf(12, 4, 'x'.repeat(100_000));
    await log.saveSnapshot(newer, null);
    const hardState = { term: 4, vote: 2, commit: 10 };
    assert.deepEqual(log.reopened(), savedLog({ hardState, snapshot: newer, entries: entriesOf(4, 13, 13) }));
  });

  test('each deed is answered once', async () => {
    const log = new Driver(make());
    for (let i = 1; i <= 20; i++) await log.append({ term: i, vote: NOBODY, commit: 0 }, entriesOf(i, i, i));
    log.reopened();
    assert.deepEqual(log.answers, 20);
  });

  for (let seed = 1; seed <= 5; seed++) {
    test(`what is kept is what a model keeps, seed ${seed}`, async () => {
      const random = new Random(seed);
      const log = new Driver(make());
      const model = new Model();
      for (let i = 0; i < 60; i++) {
        await step(random, log, model);
        if (random.below(6) === 0) assert.deepEqual(log.reopened(), model.saved());
      }
      assert.deepEqual(log.reopened(), model.saved());
    });
  }
}

/** One deed of chance, done to both. */
async function step(random: Random, log: Driver, model: Model): Promise<void> {
  const term = model.hardState.term + (random.below(4) === 0 ? 1 : 0);
  const isChanged = random.below(2) === 0;
  const hardState = isChanged ? { term, vote: random.below(3), commit: model.base } : null;
  if (random.below(8) === 0) {
    const index = model.base + 1 + random.below(model.entries.length + 3);
    const known = model.entries.find((entry) => entry.index === index);
    const snapshot = snapshotOf(
      index,
      known !== undefined && random.below(3) > 0 ? known.term : term,
      `state ${index}`,
    );
    model.saveSnapshot(snapshot, hardState);
    await log.saveSnapshot(snapshot, hardState);
  } else {
    const first = model.base + 1 + random.below(model.entries.length + 1);
    const entries = entriesOf(term, first, first + random.below(5) - 1);
    model.append(hardState, entries);
    await log.append(hardState, entries);
  }
}

/** The contract in its plainest form. */
class Model {
  hardState: HardState = savedLog().hardState;
  snapshot: Snapshot | null = null;
  entries: Entry[] = [];

  get base(): number {
    return this.snapshot?.index ?? 0;
  }

  append(hardState: HardState | null, entries: readonly Entry[]): void {
    this.hardState = hardState ?? this.hardState;
    if (entries.length > 0)
      this.entries = [...this.entries.filter(({ index }) => index < entries[0].index), ...entries];
  }

  saveSnapshot(snapshot: Snapshot, hardState: HardState | null): void {
    this.hardState = hardState ?? this.hardState;
    const follows = this.entries.some(({ index, term }) => index === snapshot.index && term === snapshot.term);
    this.entries = follows ? this.entries.filter(({ index }) => index > snapshot.index) : [];
    this.snapshot = snapshot;
  }

  saved(): SavedLog {
    return savedLog(this);
  }
}

/** A storage with promises, so that a test reads from top to bottom. */
class Driver {
  answers = 0;
  private storage: LogStorage;

  constructor(private readonly made: LogStorageUnderTest) {
    this.storage = made.storage;
    this.storage.load();
  }

  append(hardState: HardState | null, entries: readonly Entry[]): Promise<void> {
    return this.deed((done) => this.storage.append(hardState, entries, done));
  }

  saveSnapshot(snapshot: Snapshot, hardState: HardState | null): Promise<void> {
    return this.deed((done) => this.storage.saveSnapshot(snapshot, hardState, done));
  }

  /** What is found after a restart, and goes on with that. */
  reopened(): SavedLog {
    this.storage.close();
    this.storage = this.made.reopen();
    return this.storage.load();
  }

  private async deed(begin: (done: (error: Error | null) => void) => void): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      begin((error) => {
        this.answers++;
        if (error === null) resolve();
        else reject(error);
      });
    });
    this.made.settle?.();
    await answered;
  }
}

function savedLog(parts: Partial<SavedLog> = {}): SavedLog {
  const { hardState = { term: 0, vote: NOBODY, commit: 0 }, snapshot = null, entries = [] } = parts;
  return { hardState, snapshot, entries };
}

/** Commands of one term, from one index to another. */
function entriesOf(term: number, from: number, to: number): Entry[] {
  const entries: Entry[] = [];
  for (let index = from; index <= to; index++) {
    entries.push({ index, term, kind: 'command', data: new TextEncoder().encode(`entry ${index} of term ${term}`) });
  }
  return entries;
}

function snapshotOf(index: number, term: number, text: string): Snapshot {
  return { index, term, membership: MEMBERSHIP, data: new TextEncoder().encode(text) };
}

const MEMBERSHIP: Membership = {
  voters: [1, 2, 3],
  votersOutgoing: [2, 3, 4_000_000_000],
  learners: [5],
  learnersNext: [4_000_000_000],
  autoLeave: true,
};
