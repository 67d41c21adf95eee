/**
 * Persistence: what a data node keeps on disk, and gets back from there when it starts.
 *
 * It holds the parts together and decides what may happen when: loading before serving, one snapshot at a time (as Redis, whose
 * clients know these replies), the directory claimed before anything is written. The parts are small machines of their
 * own: claim.ts, loading.ts, background-save.ts, rewrite.ts, append-only.ts; the node's gate says no to clients meanwhile.
 *
 * A node that was not started has nothing to do with the disk, unless a client says SAVE or CONFIG SET.
 */
import { CacheError } from '../../base';
import type { Flushable } from '../../net';
import type { DataNode } from '../data-node';
import { CANNOT_SAVE, cannotAppend } from '../error-replies';
import { AppendOnly } from './append-only';
import { BackgroundSave } from './background-save';
import { Claim } from './claim';
import { Loading, type LoadingProgress } from './loading';
import { pathIn, reasonOf } from './paths';
import { Rewrite } from './rewrite';

/** How often save points, growth, failures and the age of unsynced bytes are looked at. */
const TICK_MS = 100;
/** How long a slice of loading takes before clients are told that they must wait. */
const LOADING_SLICE_MS = 10;

/** Settings that say that somebody cares for what is on disk. */
const SETTINGS_OF_FILES = ['dir', 'dbfilename', 'save', 'appendonly'] as const;

export class Persistence implements Flushable {
  inTurn = false;
  readonly appendOnly: AppendOnly;
  readonly saves: BackgroundSave;
  readonly rewrites: Rewrite;
  /** What is being loaded. */
  loading: LoadingProgress | null = null;
  /** Of the RDB that was loaded last. */
  lastKeysLoaded = 0;
  lastKeysExpired = 0;
  /** Libraries of functions that were loaded: they are kept for the next file. */
  functions: readonly Uint8Array[] = [];
  /** How long it took to begin the last snapshot, and how many were begun. */
  lastBeginMicroseconds = 0;
  snapshots = 0;

  private readonly claim: Claim;
  private cancelTick: (() => void) | null = null;
  /** Whether what was on disk is in the keyspace, and from now on what is in the keyspace may go to the disk by itself. */
  hasStarted = false;
  /** The data are being replaced by a master's, or that has failed: what is on disk is whole, and they are not. */
  isSuspended = false;
  private isStopped = false;
  private sliceEndMs = 0;
  private readonly isSliceOver = (): boolean => this.node.world.clock.monotonicMs() >= this.sliceEndMs;
  /** What is to be done once no command runs. */
  private tasks: (() => void)[] = [];

  constructor(private readonly node: DataNode) {
    const { settings, world } = node;
    const takeDirectory = (): void => this.takeDirectory();
    const ended = (): void => this.snapshotEnded();
    this.claim = new Claim(world.files);
    this.appendOnly = new AppendOnly(node);
    this.saves = new BackgroundSave(node, takeDirectory, ended);
    this.rewrites = new Rewrite(node, this.appendOnly, takeDirectory, ended);
    this.appendOnly.health.onChange = () => this.updateGate();
    this.appendOnly.isSyncSuspended = () => settings.values['no-appendfsync-on-rewrite'] && this.isSnapshotRunning;
    this.followSettings();
  }

  /** Whether what is on disk is not in the keyspace yet. */
  get isLoading(): boolean {
    return this.node.states.isLoading;
  }

  /** Whether a snapshot is on its way to the disk. */
  get isSnapshotRunning(): boolean {
    return this.saves.running !== null || this.rewrites.isBusy;
  }

  // ── start and end ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Claims the directory if anything may be written there. Where nobody has said anything about files, and another process has
   * the directory, the node does without save points. @throws CacheError FILE_FAILED
   */
  claimDirectory(): void {
    const { settings, world } = this.node;
    const { values } = settings;
    if (values['save'].length === 0 && !values['appendonly']) return;
    try {
      this.takeDirectory();
    } catch (error) {
      const { message } = error as CacheError;
      if (SETTINGS_OF_FILES.some((name) => settings.sourceOf(name) !== 'default')) {
        throw new CacheError(
          'FILE_FAILED',
          `${message}; give this server a directory of its own ('dir'), or no persistence ('save ""', 'appendonly no')`,
          { cause: error },
        );
      }
      world.log('warning', `${message}. This server will not save its data: give it a directory of its own ('dir')`);
      settings.set('save', [''], 'default');
    }
  }

  /** Clients are told from now on that the data are not there yet. */
  beginLoading(): void {
    this.setLoading(true);
  }

  /** Loads what is on disk; then everybody is welcome. @throws CacheError BAD_RDB, BAD_AOF, FILE_FAILED (rejects) */
  async start(): Promise<void> {
    if (this.claim.isHeld) this.saves.removeLeftovers();
    const { values } = this.node.settings;
    if (values['appendonly']) await this.startAppendOnly();
    else await this.loadSave();
    this.setLoading(false);
    this.hasStarted = true;
    this.switchAppendOnly(values['appendonly']);
    this.startTicking();
  }

  private async loadSave(): Promise<void> {
    const { node } = this;
    const path = this.savePath;
    if (node.world.files.size(path) !== null) this.resume(await this.load(Loading.ofRdb(node, path)));
    this.saves.noteLoaded();
  }

  private async startAppendOnly(): Promise<void> {
    const { node, appendOnly } = this;
    const { log } = node.world;
    const { parts } = appendOnly.directory;
    if (parts.length === 0) {
      if (node.world.files.size(this.savePath) !== null) {
        log(
          'warning',
          `appendonly is on and there is no append-only file: ${this.savePath} is not loaded, as in Redis`,
        );
      }
      this.rewrites.found();
      log('notice', 'Creating AOF base file and AOF incr file on server start');
      return;
    }
    const loading = Loading.ofParts(node, parts);
    this.resume(await this.load(loading));
    appendOnly.goOn(loading.endsWithBatch, loading.sealStart);
    this.saves.noteLoaded();
  }

  private get savePath(): string {
    const { dir, dbfilename } = this.node.settings.values;
    return pathIn(dir, dbfilename);
  }

  /** The data are those of a place in a stream, where that was said: who is a replica may go on from there. */
  private resume({ place }: Loading): void {
    if (place !== null) this.node.replication.resumeAt(place);
  }

  /** Loads in slices, between which the event loop turns. Resolves with what was loaded. */
  private load(loading: Loading): Promise<Loading> {
    const { clock, timers } = this.node.world;
    this.loading = loading;
    return new Promise((resolve, reject) => {
      const slice = (): void => {
        try {
          if (this.isStopped) throw new CacheError('CLOSED', 'the node was stopped while it loaded its data');
          let isDone = false;
          this.watched(() => {
            this.sliceEndMs = clock.monotonicMs() + LOADING_SLICE_MS;
            isDone = loading.step(this.isSliceOver);
          });
          if (!isDone) return timers.endOfTurn(slice);
          this.noteLoaded(loading);
          resolve(loading);
        } catch (error) {
          loading.close();
          this.loading = null;
          reject(error as Error);
        }
      };
      slice();
    });
  }

  /** Loads at once, while everything waits: for DEBUG. @throws CacheError BAD_RDB, BAD_AOF, FILE_FAILED */
  private loadNow(loading: Loading): void {
    // What was looked up ahead for the commands that come next will no longer be there.
    this.node.keyspace.lookahead.clear();
    loading.step(() => false);
    this.noteLoaded(loading);
  }

  private setLoading(isLoading: boolean): void {
    this.node.states.isLoading = isLoading;
    this.node.statesChanged();
  }

  private noteLoaded(loading: Loading): void {
    this.lastKeysLoaded = loading.keysLoaded;
    this.lastKeysExpired = loading.keysExpired;
    this.functions = loading.functions;
    this.loading = null;
  }

  /** Writes and syncs what is to be kept, gives up what is half done, and lets the directory go. Saves nothing. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.cancelTick?.();
    this.saves.abandon();
    this.rewrites.abandon();
    this.closeAppendOnly();
    this.appendOnly.leaveDirectory();
    // What was held back is kept now.
    this.node.turn.flush();
    this.claim.drop();
  }

  // ── what happens when ────────────────────────────────────────────────────────────────────────────────────────

  private startTicking(): void {
    if (this.isStopped) return;
    this.cancelTick ??= this.node.world.timers.every(TICK_MS, () => this.tick());
  }

  private tick(): void {
    this.appendOnly.tick();
    if (this.isSnapshotRunning || this.isIncomplete) return;
    if (this.rewrites.isScheduled) this.rewrites.begin();
    else if (this.saves.isScheduled) this.saves.begin();
    else this.rewrites.tick();
    if (!this.isSnapshotRunning && this.claim.isHeld) this.saves.tick();
  }

  /** Runs a task when no command is running, at the end of this turn at the latest. */
  betweenCommands(task: () => void): void {
    this.tasks.push(task);
    this.node.turn.join(this);
  }

  flush(): void {
    this.watched(() => {
      for (const task of this.tasks.splice(0)) task();
    });
  }

  /** Does what no command asked for, and counts it among the turns: who waits for the event loop does not care what for. */
  watched(task: () => void): void {
    const { statistics, world } = this.node;
    const startMs = world.clock.monotonicMs();
    task();
    statistics.sawTurn(world.clock.monotonicMs() - startMs);
  }

  /** Begins what was scheduled, as soon as the command that did is through. */
  schedule(what: BackgroundSave | Rewrite): void {
    what.isScheduled = true;
    this.startTicking();
  }

  /** A snapshot has begun: what was done since then (monotonic ms) was done while everything waited. */
  noteBegun(beganMs: number): void {
    this.snapshots++;
    this.lastBeginMicroseconds = Math.round((this.node.world.clock.monotonicMs() - beganMs) * 1000);
    this.startTicking();
  }

  private snapshotEnded(): void {
    if (this.isStopped) return;
    this.betweenCommands(() => {
      if (this.isSnapshotRunning || this.isIncomplete || this.isStopped) return;
      if (this.rewrites.isScheduled) this.rewrites.begin();
      else if (this.saves.isScheduled) this.saves.begin();
    });
  }

  /** All data were removed: what is being saved is no longer of use, and what was saved must not come back. */
  dataRemoved(): void {
    this.saves.abandon();
    if (this.claim.isHeld && this.node.settings.values['save'].length > 0) this.saves.save();
  }

  /** Whether what is in the keyspace is no state that was ever worth keeping. */
  private get isIncomplete(): boolean {
    return this.isLoading || this.isSuspended;
  }

  /** All data are about to be replaced by a master's: what is on disk stays as it is until `goOn`. Between two commands. */
  suspend(): void {
    this.isSuspended = true;
    this.saves.abandon();
    this.rewrites.abandon();
    this.closeAppendOnly();
  }

  /** The data are whole again, or are to be taken for it: they are kept from now on. */
  goOn(): void {
    if (!this.isSuspended) return;
    this.isSuspended = false;
    this.switchAppendOnly(this.node.settings.values['appendonly']);
  }

  /** Before replies leave; see Turn. */
  commit(): void {
    this.appendOnly.commit();
  }

  // ── for DEBUG ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Loads the RDB file into the keyspace, which is emptied before unless `keepsKeys`. @throws CacheError */
  reload(keepsKeys: boolean, replaces: boolean): void {
    if (!keepsKeys) this.node.keyspace.flushAll();
    this.loadNow(Loading.ofRdb(this.node, this.savePath, replaces));
    this.saves.noteLoaded();
  }

  /** Loads the append-only file into an emptied keyspace; it goes on afterwards. @throws CacheError */
  reloadAppendOnly(): void {
    const { node, appendOnly } = this;
    appendOnly.settle();
    node.keyspace.flushAll();
    this.loadNow(Loading.ofParts(node, appendOnly.directory.parts));
  }

  // ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Claims the directory, as something is about to be written there. @throws CacheError FILE_FAILED */
  takeDirectory(): void {
    this.claim.take(this.node.settings.values['dir']);
  }

  /** Why the directory cannot be claimed; null where it is ours now. */
  private cannotClaim(directory: string): string | null {
    try {
      this.claim.take(directory);
      return null;
    } catch (error) {
      return error instanceof CacheError && error.cause === undefined ? error.message : reasonOf(error);
    }
  }

  private followSettings(): void {
    const { settings } = this.node;
    const { values } = settings;
    settings.guard('appendonly', (isOn) => (isOn ? this.cannotClaim(values['dir']) : null));
    settings.guard('save', (points) => (points.length > 0 ? this.cannotClaim(values['dir']) : null));
    settings.guard('dir', (directory) => {
      if (this.appendOnly.state !== 'off') return "can't be changed while appendonly is on";
      if (this.isSnapshotRunning) return "can't be changed while a save or rewrite is under way";
      const wasHeld = this.claim.isHeld;
      const reason = this.cannotClaim(directory);
      if (!wasHeld) this.claim.drop();
      return reason;
    });
    settings.onChange('dir', () => this.appendOnly.forgetDirectory());
    settings.onChange('appendonly', (isOn) => this.betweenCommands(() => this.switchAppendOnly(isOn)));
    settings.onChange('save', () => {
      this.updateGate();
      if (this.claim.isHeld) this.startTicking();
    });
    settings.onChange('stop-writes-on-bgsave-error', () => this.updateGate());
  }

  private switchAppendOnly(isOn: boolean): void {
    const { appendOnly, rewrites } = this;
    if (this.isStopped || this.isIncomplete || isOn !== this.node.settings.values['appendonly']) return;
    if (isOn === (appendOnly.state !== 'off')) return;
    // One that was begun under another state has another increment in mind, or none.
    rewrites.abandon();
    if (!isOn) {
      this.closeAppendOnly();
      return;
    }
    appendOnly.state = 'starting';
    this.startTicking();
    if (!this.isSnapshotRunning) rewrites.begin();
  }

  private closeAppendOnly(): void {
    try {
      this.appendOnly.close();
    } catch (error) {
      this.node.world.log('warning', `The append-only file could not be written to its end: ${reasonOf(error)}`);
    }
  }

  // ── what clients are told ────────────────────────────────────────────────────────────────────────────────────

  /** Refuses commands, or lets them pass again, by the state of things. */
  updateGate(): void {
    const { node } = this;
    node.states.misconfiguration = this.misconfiguration();
    node.statesChanged();
  }

  private misconfiguration(): string | null {
    const { values } = this.node.settings;
    if (values['stop-writes-on-bgsave-error'] && values['save'].length > 0 && this.saves.hasFailed) {
      return CANNOT_SAVE;
    }
    const reason = this.appendOnly.health.failure;
    return reason === null ? null : cannotAppend(reason);
  }
}
