/**
 * DiskLog: the Raft log on a disk that may lose, tear and lie: segments of checksummed records (disk-log-format.ts), and a snapshot.
 *
 * `append` is one write and one sync, and nothing is acknowledged before the sync has returned. A segment that has its fill is followed by a
 * new one. A snapshot is written beside the old one, synced, given its name; then a new segment begins that states it, and segments of which
 * no entry counts any more are removed. A machine may stop between any two of these deeds: each leaves the log before it or after it.
 *
 * A deed that fails is the last one: all later ones fail with the same error, and the node must end (promise C6). A sync
 * that has failed also makes the next one lie (Rebello et al., USENIX ATC 2020), even one of the next process, as the bytes are still
 * in the system's memory, marked clean. So a start relies on no sync of the process before it: it copies the last segment to a
 * new file, as far as it is whole, and syncs that. The segments before it were synced before a later one began.
 *
 * What it refuses to load, and what it cuts off, stands in disk-log-replay.ts.
 */
import { dirname, join } from 'node:path';
import { assert, CacheError, isPlanted, type Files, type Random, type WritableFile } from '../base';
import { loadDirectory, namesOf, segmentName } from './disk-log-directory';
import { encodeHeader, encodeRecord, encodeSave, encodeSavedSnapshot, sumIn, type RecordKind } from './disk-log-format';
import type { Segment } from './disk-log-replay';
import { HeldLog } from './held-log';
import type { LogStorage, SavedLog } from './ports';
import type { Entry, HardState, NodeId, Snapshot } from './types';

export interface DiskLogOptions {
  /** Whose log it is: a directory that another node has used is refused. */
  readonly id: NodeId;
  /** Names the life of a directory that is empty. */
  readonly random: Random;
  /** A segment with so many bytes gets no more; default 16 MiB. One `append` is never divided. */
  readonly segmentBytesMax?: number;
}

type Done = (error: Error | null) => void;
type Deed = (done: Done) => void;

const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
const EMPTY = new Uint8Array(0);

export class DiskLog implements LogStorage {
  private readonly segmentBytesMax: number;
  private held = new HeldLog();
  /** In order; the last one is being written. */
  private segments: Segment[] = [];
  private file: WritableFile | null = null;
  /** Of the last record that was written, and of the last that was synced. */
  private sum = 0;
  private syncedSum = 0;
  private syncedBytes = 0;
  private name = '';
  private release: () => void = () => {};
  private failure: Error | null = null;
  private isBusy = false;
  private isClosed = false;

  /** The directory is made, and claimed, by `load`. */
  constructor(
    private readonly files: Files,
    private readonly directory: string,
    private readonly options: DiskLogOptions,
  ) {
    this.segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
  }

  /** Names this life of the directory: forty hexadecimal digits, drawn when it was empty; '' before `load`. */
  get incarnation(): string {
    return this.name;
  }

  /**
   * What survived. Claims the directory until `close`.
   * @throws CacheError BAD_LOG: damaged, or another node's; FILE_FAILED: cannot be read or made durable, or is in use
   */
  load(): SavedLog {
    assert(this.file === null && !this.isClosed, 'a log is loaded once');
    this.files.makeDirectory(this.directory);
    this.files.syncDirectory(dirname(this.directory));
    this.release = this.files.lock(this.directory);
    try {
      return this.loadClaimed();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  append(hardState: HardState | null, entries: readonly Entry[], done: Done): void {
    const splits = isPlanted('hard-state-after-entries');
    const deeds: Deed[] = [
      ...(this.open.size >= this.segmentBytesMax ? this.turnover() : []),
      atOnce(() => {
        this.held.append(entries);
        if (hardState !== null) this.held.hardState = hardState;
        this.write('save', encodeSave(splits ? null : hardState, entries));
        const segment = this.segments[this.segments.length - 1];
        for (const { index } of entries) segment.lastIndexMax = Math.max(segment.lastIndexMax, index);
      }),
      (next) => this.sync(next),
      atOnce(() => this.seal()),
    ];
    if (splits) deeds.push(atOnce(() => this.write('save', encodeSave(hardState, []))));
    this.run(deeds, done);
  }

  saveSnapshot(snapshot: Snapshot, hardState: HardState | null, done: Done): void {
    const { snapshot: path, snapshotDraft: draft } = namesOf(this.directory);
    const state = hardState ?? this.held.hardState;
    let file: WritableFile;
    this.run(
      [
        atOnce(() => (file = this.files.create(draft))),
        (next) => file.writeLater(this.snapshotRecord(snapshot, state), next),
        (next) => (isPlanted('snapshot-before-fsync') ? next(null) : file.syncLater(next)),
        atOnce(() => file.close()),
        (next) => this.files.renameLater(draft, path, next),
        (next) => this.files.syncDirectoryLater(this.directory, next),
        atOnce(() => {
          this.held.rebase({ index: snapshot.index, term: snapshot.term });
          this.held.hardState = state;
        }),
        ...this.turnover(),
        (next) => this.removeNeedless(next),
      ],
      done,
    );
  }

  close(): void {
    this.isClosed = true;
    this.file?.close();
    this.release();
  }

  private loadClaimed(): SavedLog {
    const loaded = loadDirectory(this.files, this.directory, this.options.id, this.options.random);
    const { replay, saved } = loaded;
    this.name = loaded.incarnation;
    this.held = replay.held;
    this.segments = replay.segments;
    if (this.segments.length === 0) {
      this.begin();
    } else {
      this.file = this.files.append(this.pathOf(this.segments[this.segments.length - 1]));
      this.sum = replay.sum;
      this.markSynced(this.file.size, replay.sum);
      if (saved !== null && saved.snapshot.index > this.held.base.index) {
        this.held.rebase({ index: saved.snapshot.index, term: saved.snapshot.term });
        this.held.hardState = saved.hardState;
        this.begin();
      } else this.seal();
    }
    loaded.finish();
    return {
      hardState: this.held.hardState,
      snapshot: saved?.snapshot ?? null,
      entries: [...this.held.entries],
    };
  }

  /** The segment that is being written. */
  private get open(): WritableFile {
    assert(this.file !== null, 'a log is loaded before it is used');
    return this.file;
  }

  /** A new segment, durable when this returns. */
  private begin(): void {
    this.createSegment();
    this.open.sync();
    this.files.syncDirectory(this.directory);
    this.markSynced(this.open.size, this.sum);
    this.seal();
  }

  /** The same as deeds of other threads. */
  private turnover(): Deed[] {
    return [
      atOnce(() => this.createSegment()),
      (next) => this.sync(next),
      (next) => this.files.syncDirectoryLater(this.directory, next),
      atOnce(() => this.seal()),
    ];
  }

  /** Closes the segment that was written, of which all that matters is synced, and begins the next. */
  private createSegment(): void {
    const number = (this.segments[this.segments.length - 1]?.number ?? 0) + 1;
    const segment = { number, lastIndexMax: 0 };
    const file = this.files.create(this.pathOf(segment));
    this.file?.close();
    this.file = file;
    this.segments.push(segment);
    const { hardState, base, lastIndex } = this.held;
    const header = encodeHeader({ incarnation: this.name, formerBytes: this.syncedBytes, hardState, base, lastIndex });
    this.sum = this.syncedSum;
    this.syncedBytes = 0;
    this.write('header', header);
  }

  /** Removes segments of which no entry counts any more, the oldest first. */
  private removeNeedless(done: Done): void {
    const [oldest] = this.segments;
    if (this.segments.length === 1 || oldest.lastIndexMax > this.held.base.index) return done(null);
    this.segments.shift();
    this.files.removeLater(this.pathOf(oldest), (error) => {
      if (error === null) this.removeNeedless(done);
      else done(error);
    });
  }

  private write(kind: RecordKind, body: Uint8Array): void {
    const file = this.open;
    const { number: segment } = this.segments[this.segments.length - 1];
    const incarnation = kind === 'header' ? '' : this.name;
    const record = encodeRecord({ incarnation, segment, offset: file.size }, kind, this.sum, this.syncedBytes, body);
    file.write(record, 0, record.length);
    this.sum = sumIn(record);
  }

  private sync(done: Done): void {
    const { size } = this.open;
    const { sum } = this;
    if (isPlanted('ack-before-fsync')) {
      this.open.syncLater(() => {});
      return done(null);
    }
    this.open.syncLater((error) => {
      if (error !== null && !isPlanted('fsync-error-swallowed')) return done(error);
      this.markSynced(size, sum);
      done(null);
    });
  }

  private markSynced(bytes: number, sum: number): void {
    this.syncedBytes = bytes;
    this.syncedSum = sum;
  }

  private seal(): void {
    this.write('seal', EMPTY);
  }

  private snapshotRecord(snapshot: Snapshot, hardState: HardState): Buffer {
    const place = { incarnation: this.name, segment: 0, offset: 0 };
    return encodeRecord(place, 'snapshot', 0, 0, encodeSavedSnapshot(snapshot, hardState));
  }

  private pathOf({ number }: Segment): string {
    return join(this.directory, segmentName(number));
  }

  /** Does one deed after the other. The first that fails is the last one of this log; one that is closed tells nobody. */
  private run(deeds: readonly Deed[], done: Done): void {
    if (this.failure !== null) return done(this.failure);
    assert(!this.isBusy && !this.isClosed, 'a log does one deed at a time, until it is closed');
    this.isBusy = true;
    const goOn = (place: number, error: Error | null): void => {
      if (this.isClosed) return;
      if (error === null && place < deeds.length) return deeds[place]((outcome) => goOn(place + 1, outcome));
      this.isBusy = false;
      this.failure = error;
      done(error);
    };
    goOn(0, null);
  }
}

/** A deed of this thread, as one that answers. What is no failure of the disk is thrown. */
function atOnce(act: () => void): Deed {
  return (done) => {
    let failure: Error | null = null;
    try {
      act();
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      failure = error;
    }
    done(failure);
  };
}
