/**
 * BackgroundSave: the RDB file: SAVE, BGSAVE, the `save` points, and what is known of the last save.
 *
 * A save goes to a file of its own, `temp-<pid>-<n>.rdb`, and takes the place of the former one by a rename when it is whole and
 * durable: whatever happens meanwhile, there is one good file. One that failed is tried again by the save points, not sooner
 * than 5 s later, and until then writes are refused (`stop-writes-on-bgsave-error`): a save that silently does not happen is
 * data loss to come. Texts, conditions and times are Redis'.
 */
import { CacheError } from '../../base';
import { SnapshotFile } from '../../storage';
import type { DataNode } from '../data-node';
import { pathIn, reasonOf } from './paths';
import { rdbOptions } from './snapshot-options';
import { SnapshotRun } from './snapshot-run';

const RETRY_AFTER_SECONDS = 5;

export class BackgroundSave {
  /** The save that is under way. */
  running: SnapshotRun | null = null;
  /** BGSAVE SCHEDULE, or BGSAVE in a transaction: begins as soon as nothing stands against it. */
  isScheduled = false;
  hasFailed = false;
  /** Unix seconds. */
  lastSavedAt: number;
  /** How long the last save in the background took; −1 where there was none. */
  lastSeconds = -1;
  lastPreImageBytes = 0;
  /** Saves since the start that were begun. */
  count = 0;

  /** The node's count of changes that the last save had, and that the running one will have. */
  private savedChanges = 0;
  private runningChanges = 0;
  private lastTriedAt = 0;
  private filesMade = 0;
  /** The file that another thread is giving its name to. */
  private placing: string | null = null;

  constructor(
    private readonly node: DataNode,
    /** Takes the directory, or throws. */
    private readonly claim: () => void,
    private readonly ended: () => void,
  ) {
    this.lastSavedAt = this.unixSeconds();
  }

  get unsavedChanges(): number {
    return this.node.changes - this.savedChanges;
  }

  /** What is in the keyspace now is what the file says, or as good as. */
  noteLoaded(): void {
    this.savedChanges = this.node.changes;
    this.lastSavedAt = this.unixSeconds();
  }

  /** Saves at once, while everything waits. Null, or why it failed, in the system's words. */
  save(): string | null {
    const { node } = this;
    this.count++;
    const changes = node.changes;
    try {
      this.claim();
      const path = this.temporaryPath();
      new SnapshotFile(node.keyspace, node.world.files, path, rdbOptions(node, 'rdb', false), never).runToEnd();
      this.putInPlace(path);
    } catch (error) {
      const reason = reasonOf(error);
      node.world.log('warning', `Error saving DB on disk: ${reason}`);
      return reason;
    }
    node.world.log('notice', 'DB saved on disk');
    this.succeeded(changes);
    return null;
  }

  /** Begins a save in the background; whether it has begun. Not while a command runs, unless it changes nothing. */
  begin(): boolean {
    const { node } = this;
    let beganMs: number;
    this.isScheduled = false;
    this.count++;
    this.lastTriedAt = this.unixSeconds();
    try {
      this.claim();
      beganMs = node.world.clock.monotonicMs();
      const path = this.temporaryPath();
      this.runningChanges = node.changes;
      const options = rdbOptions(node, 'rdb', false);
      const run = new SnapshotRun(
        node,
        (done) => new SnapshotFile(node.keyspace, node.world.files, path, options, done),
        (error) => this.walked(run, path, error),
      );
      this.running = run;
    } catch (error) {
      this.failed(error);
      return false;
    }
    node.persistence.noteBegun(beganMs);
    node.world.log('notice', 'Background saving started');
    return true;
  }

  /** The file is whole and durable; its place is taken by other threads, as the former one may be large. */
  private walked(run: SnapshotRun, path: string, error: Error | null): void {
    const { settings, world } = this.node;
    const { dir, dbfilename } = settings.values;
    if (error !== null) return this.finish(run, error);
    this.placing = path;
    world.files.renameLater(path, pathIn(dir, dbfilename), (cannotRename) => {
      if (this.running !== run) return;
      this.placing = null;
      if (cannotRename === null) {
        world.files.syncDirectoryLater(dir, (failure) => this.finish(run, failure));
      } else {
        world.files.removeLater(path, ignore);
        this.finish(run, cannotRename);
      }
    });
  }

  private finish(run: SnapshotRun, error: Error | null): void {
    const { node } = this;
    if (this.running !== run) return;
    this.running = null;
    this.lastSeconds = Math.floor((node.world.clock.monotonicMs() - run.beganMs) / 1000);
    this.lastPreImageBytes = run.preImageBytes;
    node.persistence.watched(() => {
      if (error === null) {
        node.world.log('notice', 'Background saving terminated with success');
        this.succeeded(this.runningChanges);
      } else {
        this.failed(error);
      }
      this.ended();
    });
  }

  /** Gives up what is under way: the data that it saves are gone, or the node goes. */
  abandon(): void {
    const { running, placing } = this;
    if (running === null) return;
    this.running = null;
    this.placing = null;
    running.abandon();
    if (placing !== null) this.takeBack(placing);
    this.node.world.log('notice', 'Background saving abandoned');
    this.ended();
  }

  /** Sees to it that a file which is about to take its place has done so, or never will: a rename is quick where nothing is replaced. */
  private takeBack(path: string): void {
    const { files } = this.node.world;
    const elsewhere = this.temporaryPath();
    try {
      files.rename(path, elsewhere);
    } catch {
      // It has its place already.
      return;
    }
    files.removeLater(elsewhere, ignore);
  }

  /** Begins a save where a save point asks for one. */
  tick(): void {
    const { node } = this;
    const nowSeconds = this.unixSeconds();
    if (this.hasFailed && nowSeconds - this.lastTriedAt <= RETRY_AFTER_SECONDS) return;
    for (const { seconds, changes } of node.settings.values['save']) {
      if (this.unsavedChanges < changes || nowSeconds - this.lastSavedAt <= seconds) continue;
      node.world.log('notice', `${changes} changes in ${seconds} seconds. Saving...`);
      this.begin();
      return;
    }
  }

  /** A file for a snapshot that is on its way; what is left of such files is removed at the next start. */
  temporaryPath(): string {
    const { processGauge, settings } = this.node;
    return pathIn(settings.values['dir'], `temp-${processGauge.id}-${++this.filesMade}.rdb`);
  }

  private putInPlace(path: string): void {
    const { settings, world } = this.node;
    const { dir, dbfilename } = settings.values;
    try {
      world.files.rename(path, pathIn(dir, dbfilename));
      world.files.syncDirectory(dir);
    } catch (error) {
      this.removeQuietly(path);
      throw error;
    }
  }

  /** Removes what saves, and snapshots of masters, have left that were cut off by the death of their process. The directory must be ours. */
  removeLeftovers(): void {
    const { settings, world } = this.node;
    const { dir } = settings.values;
    for (const name of world.files.list(dir)) {
      if (/^temp-(repl-)?\d+(-\d+)?\.rdb$/.test(name)) this.removeQuietly(pathIn(dir, name));
    }
  }

  private removeQuietly(path: string): void {
    try {
      this.node.world.files.remove(path);
    } catch (error) {
      this.node.world.log('warning', (error as CacheError).message);
    }
  }

  private succeeded(changes: number): void {
    this.savedChanges = changes;
    this.lastSavedAt = this.unixSeconds();
    this.setFailed(false);
  }

  private failed(error: unknown): void {
    this.node.world.log('warning', `Background saving error: ${reasonOf(error)}`);
    this.setFailed(true);
  }

  private setFailed(hasFailed: boolean): void {
    this.hasFailed = hasFailed;
    this.node.persistence.updateGate();
  }

  private unixSeconds(): number {
    return Math.floor(this.node.world.clock.wallMs() / 1000);
  }
}

function never(): void {
  // A save at once throws; nobody is called.
}

function ignore(): void {
  // What could not be removed is a name in a directory that is cleaned at the next start.
}
