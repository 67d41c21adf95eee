/**
 * AppendOnly: the append-only file of a running node: the journal's way to the disk.
 *
 * The order that all promises rest on: what commands leave in the journal is written before any reply of the turn leaves
 * (`commit`, called by Turn), so the death of the process alone loses nothing, whatever `appendfsync` says. Under "always" it
 * is synced too, one sync for all clients of the turn. Under "everysec" syncs happen on another thread, and where one hangs
 * so long that more than two seconds would be at risk, replies wait for it.
 *
 * What fails is never acknowledged. A write that fails leaves its batch in the journal, and the sessions whose commands are in
 * it are closed without their replies; until it has succeeded, writes are refused. A sync that fails may have lost what it should
 * have kept, and the next one may well lie, so it is not tried again: under "always" the node has failed, else writes are refused
 * until a rewrite has put everything into new files. (Redis acknowledges in both cases, or exits.)
 */
import { CacheError, type LogLevel } from '../../base';
import { AofDirectory, AofWriter, type JournalSink } from '../../storage';
import type { DataNode } from '../data-node';
import type { Session } from '../session';
import { LogFile } from './log-file';
import { reasonOf } from './paths';

/** Under "everysec": at this age bytes at risk are synced on another thread, and at this age replies wait until they are. */
const SYNC_AT_RISK_MS = 800;
const WAIT_AT_RISK_MS = 1500;

/** `starting`: switched on while running, and what was there before is not in files yet. */
export type AppendOnlyState = 'off' | 'starting' | 'on';

export class AppendOnly implements JournalSink {
  state: AppendOnlyState = 'off';
  /** Why writes and syncs fail, in the system's words; null where they do not. */
  writeFailure: string | null = null;
  syncFailure: string | null = null;
  /** A sync has failed under "always": nothing is acknowledged any more. */
  hasFailed = false;
  /** Syncs that have failed since the start. */
  syncFailures = 0;
  /** Bytes of all files when they were last written anew, or loaded. */
  baseBytes = 0;
  /** Commits that had to wait for the disk. */
  delayedSyncs = 0;
  /** Whether the disk is busy with a snapshot now and `no-appendfsync-on-rewrite` gives it precedence. */
  isSyncSuspended: () => boolean = () => false;
  /** Called when failures come and go. */
  onHealth: () => void = () => undefined;

  private current: LogFile | null = null;
  private openDirectory: AofDirectory | null = null;
  /** Bytes of all files but the current one. */
  private formerBytes = 0;
  private stampedSeconds = 0;
  /** The journal's offset up to which everything is in files. */
  private takenBytes = 0;
  /** Something was written under "always" and is not synced. */
  private owesSync = false;
  /** Sessions that have written since the last commit. */
  private readonly writers: Session[] = [];

  constructor(private readonly node: DataNode) {}

  /** The set of files on disk, opened at the first use. @throws CacheError BAD_AOF, FILE_FAILED */
  get directory(): AofDirectory {
    if (this.openDirectory !== null) return this.openDirectory;
    const { settings, world } = this.node;
    const directory = new AofDirectory(world.files, {
      directory: settings.values['dir'],
      dirname: settings.values['appenddirname'],
      filename: settings.values['appendfilename'],
      log: world.log,
    });
    directory.open();
    return (this.openDirectory = directory);
  }

  /** `dir` has changed. */
  forgetDirectory(): void {
    this.openDirectory = null;
  }

  get currentBytes(): number {
    return this.formerBytes + (this.current?.bytes ?? 0);
  }

  /** Bytes of the journal that are in no file yet. */
  get pendingBytes(): number {
    return this.state === 'off' ? 0 : this.node.journal.offset - this.takenBytes;
  }

  get isSyncUnderWay(): boolean {
    return this.current?.isSyncUnderWay === true;
  }

  /** Goes on after the files that were loaded, in the last of them where it ends as ours do. @throws CacheError FILE_FAILED */
  goOn(endsWithBatch: boolean): void {
    const { directory } = this;
    const last = directory.parts.at(-1);
    // Who wrote it may have died before it was synced.
    if (last?.kind === 'incremental') this.syncFile(last.path);
    const goesOnThere = last?.kind === 'incremental' && endsWithBatch;
    this.appendTo(goesOnThere ? last.path : directory.startIncrement(), 'on');
    this.baseBytes = this.currentBytes;
  }

  private syncFile(path: string): void {
    const file = this.node.world.files.append(path);
    try {
      file.sync();
    } finally {
      file.close();
    }
  }

  /**
   * What commands leave goes to this increment from now on. What they left before has been committed and synced, unless the
   * former file is given up. @throws CacheError FILE_FAILED
   */
  appendTo(increment: string, state: 'starting' | 'on'): void {
    const { world, journal } = this.node;
    const writer = new AofWriter(world.files.append(increment));
    this.current?.close();
    this.current = new LogFile(writer, world.clock.monotonicMs, (error) => this.syncFailed(error));
    this.state = state;
    this.measure(increment);
    if (journal.sink !== this) this.takenBytes = journal.offset;
    journal.sink = this;
    journal.isActive = true;
    journal.forgetDatabase();
  }

  /** Calls `ready` when next to nothing is at risk any more, so that `settle` is quick; other threads do the work. */
  prepareToSettle(ready: () => void): void {
    if (this.current === null || this.syncFailure !== null) ready();
    else this.current.syncThen(ready);
  }

  /** Commits and syncs: the file is whole and durable, and another may follow it. @throws CacheError FILE_FAILED */
  settle(): void {
    if (!this.tryCommit()) throw new CacheError('FILE_FAILED', this.writeFailure ?? 'the append-only file has failed');
    try {
      this.current?.sync();
    } catch (error) {
      this.syncFailed(error);
      throw error;
    }
  }

  /** Everything is in new files: those of before are history, and so are syncs of theirs that have failed. */
  rewritten(syncFailuresBefore: number): void {
    this.state = 'on';
    this.measure(null);
    this.baseBytes = this.currentBytes;
    if (this.syncFailure === null || this.syncFailures !== syncFailuresBefore || this.hasFailed) return;
    this.syncFailure = null;
    this.log('notice', 'The append-only file was rewritten: it can be synced again.');
    this.onHealth();
  }

  /** Adds up the sizes of the files; the current one is `increment`, or stays the last. */
  private measure(increment: string | null): void {
    const { parts } = this.directory;
    const last = increment ?? parts.at(-1)?.path;
    this.formerBytes = 0;
    for (const { path } of parts) {
      if (path !== last || this.current === null) this.formerBytes += this.node.world.files.size(path) ?? 0;
    }
  }

  // ── whose replies wait for the disk ──────────────────────────────────────────────────────────────────────────

  /** A command of this session has left something in the journal. */
  noteWriter(session: Session): void {
    if (session.awaitsCommit) return;
    session.awaitsCommit = true;
    this.writers.push(session);
  }

  private answerAll(): void {
    const { writers } = this;
    for (let i = 0; i < writers.length; i++) writers[i].awaitsCommit = false;
    writers.length = 0;
  }

  /** Nobody knows what becomes of their commands: to say nothing is the only true answer. */
  private closeUnanswered(): void {
    for (const session of this.writers.splice(0)) {
      session.awaitsCommit = false;
      session.kill();
    }
  }

  // ── the way to the disk ──────────────────────────────────────────────────────────────────────────────────────

  /** The journal's sink. */
  write(buffer: Uint8Array, start: number, end: number): void {
    const { settings, world } = this.node;
    const { values } = settings;
    let stamp: number | null = null;
    if (values['aof-timestamp-enabled']) {
      const seconds = Math.floor(world.clock.wallMs() / 1000);
      if (seconds !== this.stampedSeconds) stamp = this.stampedSeconds = seconds;
    }
    this.current!.write(buffer, start, end, stamp);
    this.takenBytes += end - start;
    this.owesSync = values['appendfsync'] === 'always';
  }

  /** Before replies leave: writes what the journal has, and syncs what must be. One look where there is nothing to do. */
  commit(): void {
    if (!this.node.journal.isPending && !this.owesSync) return;
    // What has failed is tried again by `tick`, not by every turn.
    if (this.writeFailure !== null || this.hasFailed) this.closeUnanswered();
    else this.tryCommit();
  }

  /** Whether nothing is pending now. */
  tryCommit(): boolean {
    const { journal } = this.node;
    if (this.current === null) return true;
    try {
      journal.commit();
    } catch (error) {
      this.writeFailed(error);
      return false;
    }
    if (!this.syncAsPromised()) return false;
    this.owesSync = false;
    this.answerAll();
    if (this.writeFailure !== null) {
      this.writeFailure = null;
      this.log('notice', 'AOF write error looks solved. The server can write again.');
      this.onHealth();
    }
    return true;
  }

  /** Whether what was written is as safe now as the policy says. */
  private syncAsPromised(): boolean {
    const policy = this.node.settings.values['appendfsync'];
    if (policy === 'no' || this.syncFailure !== null || this.isSyncSuspended()) return true;
    if (policy === 'everysec') {
      if (this.current === null || this.current.riskMs <= WAIT_AT_RISK_MS) return true;
      this.delayedSyncs++;
      this.log('notice', 'Asynchronous AOF fsync is taking too long (disk is busy?). Replies wait for it.');
    }
    try {
      this.current?.sync();
      return true;
    } catch (error) {
      this.syncFailed(error);
      this.closeUnanswered();
      return false;
    }
  }

  /** Several times a second: tries again what failed, and syncs under "everysec". */
  tick(): void {
    if (this.current === null || this.hasFailed) return;
    if (this.writeFailure !== null) this.tryCommit();
    if (this.node.settings.values['appendfsync'] !== 'everysec' || this.syncFailure !== null || this.isSyncSuspended())
      return;
    if (this.current.riskMs >= SYNC_AT_RISK_MS) this.current.syncLater();
  }

  private writeFailed(error: unknown): void {
    const isNews = this.writeFailure === null;
    this.writeFailure = reasonOf(error);
    this.closeUnanswered();
    if (!isNews) return;
    this.log('warning', `Error writing to the AOF file: ${this.writeFailure}`);
    this.onHealth();
  }

  private syncFailed(error: unknown): void {
    const reason = reasonOf(error);
    this.syncFailures++;
    this.syncFailure = reason;
    if (this.node.settings.values['appendfsync'] === 'always') {
      this.hasFailed = true;
      this.log(
        'warning',
        `Can't persist AOF for fsync error when the AOF fsync policy is 'always': ${reason}. Exiting...`,
      );
      this.onHealth();
      this.node.emit('failed', error instanceof Error ? error : new Error(reason));
      return;
    }
    this.log('warning', `Fail to fsync the AOF file: ${reason}. Writes are refused until it was rewritten.`);
    this.onHealth();
  }

  /** Writes and syncs everything and ends: CONFIG SET appendonly no, or the end of the node. @throws CacheError FILE_FAILED */
  close(): void {
    const { current, node } = this;
    if (current === null) return;
    try {
      node.journal.commit();
      if (this.syncFailure === null) current.sync();
      this.answerAll();
    } finally {
      this.closeUnanswered();
      node.journal.isActive = false;
      node.journal.sink = null;
      // What could not be written is not to turn up in the files of another time.
      node.journal.commit();
      current.close();
      this.current = null;
      this.state = 'off';
      this.writeFailure = null;
      this.syncFailure = null;
      this.owesSync = false;
      this.onHealth();
    }
  }

  private log(level: LogLevel, message: string): void {
    this.node.world.log(level, message);
  }
}
