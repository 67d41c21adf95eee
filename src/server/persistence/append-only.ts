/**
 * AppendOnly: the append-only file of a running node: the journal's way to the disk.
 *
 * The order that all promises rest on: what commands leave in the journal is written before any reply of the turn leaves
 * (`commit`, called by Turn), so the death of the process alone loses nothing, whatever `appendfsync` says. Under "always" it
 * is synced too, one sync for all clients of the turn. Under "everysec" syncs happen on another thread, and where one hangs
 * so long that more than two seconds would be at risk, replies wait for it.
 *
 * A rewrite ends the current file and begins another, and only the last file may be torn. No thread waits for the sync between
 * the two: meanwhile what commands leave stays in the journal, and the replies to them in the ReplyGate (`hold`, `letGo`).
 *
 * What fails is never acknowledged. A write that fails leaves its batch in the journal, and the sessions whose commands are in
 * it are closed without their replies; until it has succeeded, writes are refused. A sync that fails is not tried again (see
 * append-health.ts). Nor does a start rely on the syncs of the process before it: what it goes on after is made durable anew
 * (renewal.ts of the storage).
 */
import { assert, CacheError, EMPTY_BUFFER, type LogLevel } from '../../base';
import { AofDirectory, AofWriter, type Deed, type JournalSink } from '../../storage';
import type { DataNode } from '../data-node';
import { AppendHealth } from './append-health';
import { LogFile } from './log-file';
import { reasonOf } from './paths';

/** Under "everysec": at this age bytes at risk are synced on another thread, and at this age replies wait until they are. */
const SYNC_AT_RISK_MS = 800;
const WAIT_AT_RISK_MS = 1500;

/** No offset. */
const NOWHERE = -1;

/** `starting`: switched on while running, and what was there before is not in files yet. */
export type AppendOnlyState = 'off' | 'starting' | 'on';

export class AppendOnly implements JournalSink {
  state: AppendOnlyState = 'off';
  /** What has failed. */
  readonly health: AppendHealth;
  /** Bytes of all files when they were last written anew, or loaded. */
  baseBytes = 0;
  /** Commits that had to wait for the disk. */
  delayedSyncs = 0;
  /** Whether the disk is busy with a snapshot now and `no-appendfsync-on-rewrite` gives it precedence. */
  isSyncSuspended: () => boolean = () => false;
  /** Called when more is on the disk: see `syncedOffset`. */
  onSynced: () => void = () => undefined;

  private current: LogFile | null = null;
  private openDirectory: AofDirectory | null = null;
  /** Bytes of all files but the current one. */
  private formerBytes = 0;
  private stampedSeconds = 0;
  /** Something was written under "always" and is not synced. */
  private owesSync = false;
  /** The offset of the stream of replication that the file ends with. */
  private notedOffset = NOWHERE;
  /** The increment that is to follow the current one; see `hold`. */
  private next: LogFile | null = null;

  constructor(private readonly node: DataNode) {
    this.health = new AppendHealth(node);
  }

  /** The set of files on disk, opened at the first use. @throws CacheError BAD_AOF, FILE_FAILED */
  get directory(): AofDirectory {
    if (this.openDirectory !== null) return this.openDirectory;
    const { settings, world } = this.node;
    const directory = new AofDirectory(world.files, {
      directory: settings.values['dir'],
      dirname: settings.values['appenddirname'],
      filename: settings.values['appendfilename'],
      log: world.log,
      run: (task) => this.node.persistence.watched(task),
    });
    directory.open();
    return (this.openDirectory = directory);
  }

  /** `dir` has changed. */
  forgetDirectory(): void {
    this.openDirectory?.close();
    this.openDirectory = null;
  }

  /** The node ends: what was begun is done. */
  leaveDirectory(): void {
    this.openDirectory?.hurry(() => false);
    this.forgetDirectory();
  }

  get currentBytes(): number {
    return this.formerBytes + (this.current?.bytes ?? 0);
  }

  /** Bytes of the journal that are in no file yet. */
  get pendingBytes(): number {
    return this.state === 'off' ? 0 : this.node.journal.pendingBytes;
  }

  /** Offset of the journal up to which all is known to be on the disk; -1 where there is no file, or nobody knows. */
  get syncedOffset(): number {
    const { current, node } = this;
    if (current === null || this.state !== 'on' || this.health.syncFailure !== null) return -1;
    if (current.riskMs >= 0) return current.syncedOffset;
    // The stream may have grown by what no file needs.
    return node.journal.isPending ? current.writtenOffset : node.journal.offset;
  }

  get isSyncUnderWay(): boolean {
    return this.current?.isSyncUnderWay === true;
  }

  /** Begins in the last of the files that were just made. @throws CacheError FILE_FAILED */
  begin(): void {
    this.appendTo(this.directory.parts.at(-1)!.path, 'on');
    this.baseBytes = this.currentBytes;
  }

  /**
   * Goes on after the files that were loaded: in the last of them where it ends as ours do (maybe with a seal), else in a new one.
   * @throws CacheError FILE_FAILED
   */
  goOn(endsWithBatch: boolean, sealStart: number | null): void {
    const { directory } = this;
    const last = directory.parts.at(-1);
    if (last?.kind === 'incremental' && endsWithBatch) {
      this.goOnIn(last.path, sealStart);
    } else {
      // Who wrote it may have died before it was synced.
      if (last !== undefined) this.syncFile(last.path);
      this.appendTo(directory.startIncrement(), 'on');
    }
    this.baseBytes = this.currentBytes;
  }

  /** In the last file, which may read well and not be on the disk. Where it cannot be put there, no write is taken before a rewrite. */
  private goOnIn(path: string, sealStart: number | null): void {
    let doubt = reasonWhyNot(() => this.directory.renewLast(sealStart));
    this.appendTo(path, 'on');
    doubt ??= reasonWhyNot(() => this.current?.seal());
    if (doubt !== null) this.health.doubt(doubt);
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
   * What commands leave goes to this increment from now on. Nothing is in a file before it that must not be torn.
   * @throws CacheError FILE_FAILED
   */
  appendTo(increment: string, state: 'starting' | 'on'): void {
    const { journal } = this.node;
    const file = this.openFile(increment);
    this.current?.close();
    this.current = file;
    this.state = state;
    this.measure(increment);
    // What is pending was in the keyspace when the snapshot began that this increment follows.
    journal.setFile(null);
    journal.commit();
    journal.setFile(this);
    journal.forgetDatabase();
  }

  private openFile(increment: string): LogFile {
    const { clock, files } = this.node.world;
    const writer = new AofWriter(files.append(increment));
    return new LogFile(
      writer,
      clock.monotonicMs,
      (error) => this.health.syncFailed(error),
      () => this.onSynced(),
      this.node.journal.offset,
    );
  }

  // ── from one increment to the next ───────────────────────────────────────────────────────────────────────────

  /** Calls `ready` when next to nothing is at risk any more, so that replies are not held for long; other threads do the work. */
  prepareToHold(ready: () => void): void {
    if (this.current === null || this.health.syncFailure !== null) ready();
    else this.current.syncThen(ready);
  }

  /**
   * Ends the current file, between two commands: nothing more is written before `letGo`. What commands leave stays in the journal
   * until then, and the replies of those that wrote in the ReplyGate: before the file is durable, and `increment` in the
   * set, nothing that is in neither may be acknowledged. @throws CacheError FILE_FAILED: nothing has happened
   */
  hold(increment: string): void {
    const { journal } = this.node;
    if (this.health.syncFailure !== null || !this.tryCommit()) {
      throw new CacheError('FILE_FAILED', this.health.failure ?? 'the append-only file has failed');
    }
    this.next = this.openFile(increment);
    journal.isHeld = true;
    journal.forgetDatabase();
  }

  get isHolding(): boolean {
    return this.next !== null;
  }

  /** What makes the file that was ended durable. */
  readonly syncingHeld: Deed = {
    now: () => this.syncNow(),
    later: (done) => this.current!.syncAllThen(done),
  };

  /** What was held goes on its way, to the next increment, or where that has come to nothing, to the former. */
  letGo(increment: string | null): void {
    const { current, next } = this;
    assert(next !== null, 'something is held');
    this.next = null;
    this.node.journal.isHeld = false;
    if (increment === null) {
      next.close();
    } else {
      current?.close();
      this.current = next;
      this.measure(increment);
    }
    this.commit();
  }

  /** What is held must not wait any longer. */
  private letGoNow(): void {
    this.directory.hurry(() => !this.isHolding);
  }

  /** Commits and syncs: all files are whole and durable. @throws CacheError FILE_FAILED */
  settle(): void {
    if (this.isHolding) this.letGoNow();
    if (!this.tryCommit())
      throw new CacheError('FILE_FAILED', this.health.failure ?? 'the append-only file has failed');
    this.syncNow();
    // Something that was written before may be lost, and no rewrite has made up for it yet.
    if (this.health.syncFailure !== null) throw new CacheError('FILE_FAILED', this.health.syncFailure);
  }

  private syncNow(): void {
    try {
      this.current?.sync();
    } catch (error) {
      this.health.syncFailed(error);
      throw error;
    }
  }

  /** Everything is in new files: those of before are history, and so are syncs of theirs that have failed. */
  rewritten(syncFailuresBefore: number): void {
    // One that was asked for while it is off does not switch it on.
    if (this.state === 'starting') this.state = 'on';
    this.measure(null);
    this.baseBytes = this.currentBytes;
    this.health.renewed(syncFailuresBefore);
    this.onSynced();
  }

  /** Adds up the sizes of the files; the current one is `increment`, or stays the last. */
  private measure(increment: string | null): void {
    const { parts } = this.directory;
    const last = increment ?? parts.at(-1)?.path;
    this.formerBytes = 0;
    for (const { path } of parts) {
      if (path !== last || this.current === null) this.formerBytes += this.sizeOf(path);
    }
  }

  /** For INFO, and for when to rewrite: not worth an error. */
  private sizeOf(path: string): number {
    try {
      return this.node.world.files.size(path) ?? 0;
    } catch (error) {
      this.log('verbose', reasonOf(error));
      return 0;
    }
  }

  // ── the way to the disk ──────────────────────────────────────────────────────────────────────────────────────

  /** As the journal's file. */
  write(buffer: Uint8Array, start: number, end: number): void {
    const { settings, world } = this.node;
    const { values } = settings;
    let stamp: number | null = null;
    if (values['aof-timestamp-enabled']) {
      const seconds = Math.floor(world.clock.wallMs() / 1000);
      if (seconds !== this.stampedSeconds) stamp = this.stampedSeconds = seconds;
    }
    const { place } = this.node.replication;
    this.current!.write(buffer, start, end, stamp, place);
    this.notedOffset = place?.offset ?? NOWHERE;
    this.current!.writtenOffset = this.node.journal.offset;
    this.owesSync = values['appendfsync'] === 'always';
  }

  /** Before replies leave: writes what the journal has, and syncs what must be. One look where there is nothing to do. */
  commit(): void {
    const { journal, replyGate } = this.node;
    if ((!journal.isPending && !this.owesSync && !replyGate.isAwaited) || this.isHolding) return;
    // What has failed is tried again by `tick`, not by every turn.
    if (this.health.writeFailure !== null || this.health.hasFailed) replyGate.turnAway();
    else this.tryCommit();
  }

  /** Commits at once, what is held too; whether nothing is pending now. Between two commands. */
  commitNow(): boolean {
    if (this.isHolding) this.letGoNow();
    return this.tryCommit();
  }

  /** Whether nothing is pending now. */
  tryCommit(): boolean {
    const { journal, replyGate } = this.node;
    if (this.current === null) {
      journal.commit();
      replyGate.letPass();
      return true;
    }
    try {
      journal.commit();
    } catch (error) {
      this.health.writeFailed(error);
      replyGate.turnAway();
      return false;
    }
    if (!this.syncAsPromised()) return false;
    this.owesSync = false;
    replyGate.letPass();
    this.health.writeSucceeded();
    return true;
  }

  /** Whether what was written is as safe now as the policy says. */
  private syncAsPromised(): boolean {
    const policy = this.node.settings.values['appendfsync'];
    if (policy === 'no' || this.health.syncFailure !== null || this.isSyncSuspended()) return true;
    if (policy === 'everysec') {
      if (this.current === null || this.current.riskMs <= WAIT_AT_RISK_MS) return true;
      this.delayedSyncs++;
      this.log('notice', 'Asynchronous AOF fsync is taking too long (disk is busy?). Replies wait for it.');
    }
    try {
      this.current?.sync();
      return true;
    } catch (error) {
      this.health.syncFailed(error);
      this.node.replyGate.turnAway();
      return false;
    }
  }

  /** Several times a second: tries again what failed, and syncs under "everysec". */
  tick(): void {
    if (this.current === null || this.health.hasFailed || this.isHolding) return;
    if (this.health.writeFailure !== null) this.tryCommit();
    this.notePlace();
    // Under "always" too: before it was set, something may have been written that nobody has synced.
    const policy = this.node.settings.values['appendfsync'];
    if (policy === 'no' || this.health.syncFailure !== null || this.isSyncSuspended()) return;
    if (this.current.riskMs >= SYNC_AT_RISK_MS) this.current.syncLater();
  }

  /**
   * Says in the file where in the stream of replication the node is, where that has moved on without a change: by a master's pings. Who
   * starts from the file then goes on from there.
   */
  private notePlace(): void {
    const { journal, replication } = this.node;
    if (journal.isPending || this.health.writeFailure !== null || this.health.syncFailure !== null) return;
    const { place } = replication;
    if (place === null || place.offset === this.notedOffset) return;
    try {
      this.current?.write(EMPTY_BUFFER, 0, 0, null, place);
      this.notedOffset = place.offset;
    } catch {
      // Nothing of value: the next change says it again, or why it cannot.
    }
  }

  /** Writes and syncs everything and ends: CONFIG SET appendonly no, or the end of the node. @throws CacheError FILE_FAILED */
  close(): void {
    const { node } = this;
    if (this.isHolding) this.letGoNow();
    const { current } = this;
    if (current === null) return;
    try {
      node.journal.commit();
      if (this.health.syncFailure === null) current.seal(node.replication.place);
      node.replyGate.letPass();
    } finally {
      this.node.replyGate.turnAway();
      node.journal.setFile(null);
      // What could not be written is not to turn up in the files of another time.
      node.journal.commit();
      current.close();
      this.current = null;
      this.state = 'off';
      this.owesSync = false;
      this.health.forget();
    }
  }

  private log(level: LogLevel, message: string): void {
    this.node.world.log(level, message);
  }
}

/** Why a deed of the disk has failed; null where it has not. */
function reasonWhyNot(deed: () => void): string | null {
  try {
    deed();
    return null;
  } catch (error) {
    if (error instanceof CacheError) return reasonOf(error);
    throw error;
  }
}
