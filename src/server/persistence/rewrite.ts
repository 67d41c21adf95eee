/**
 * Rewrite: writes the append-only file anew, as short as it can be: BGREWRITEAOF, growth beyond
 * `auto-aof-rewrite-percentage`, and the first file after `appendonly` was switched on.
 *
 * In one moment between two commands the snapshot begins and the journal turns to a new increment, so base and increment together
 * are everything. The former files stay in force until the new base is whole and durable and the manifest says so. What
 * fails costs nothing but its time: the increments stay, and the next rewrite begins with what they have become.
 */
import { SnapshotFile, type SnapshotOptions } from '../../storage';
import type { DataNode } from '../data-node';
import type { AppendOnly } from './append-only';
import { reasonOf } from './paths';
import { rdbOptions } from './snapshot-options';
import { SnapshotRun } from './snapshot-run';

/** From so many failures in a row on, rewrites by themselves wait: a minute, then twice as long each time, up to an hour. */
const FAILURES_FREE = 3;
const DELAY_MINUTES_MAX = 60;
/** How long to wait before one that must succeed, or has failed for the first time, is tried again. */
const RETRY_AFTER_MS = 5000;
/** Rewrites that failed, and Redis, leave increments: with more than these a rewrite makes one of them. */
const INCREMENTS_MAX = 16;

export class Rewrite {
  running: SnapshotRun | null = null;
  isScheduled = false;
  hasFailed = false;
  /** How long the last one took; −1 where there was none. */
  lastSeconds = -1;
  lastPreImageBytes = 0;
  /** Rewrites since the start that were begun. */
  count = 0;
  consecutiveFailures = 0;

  private isPreparing = false;
  private isRdb = false;
  private syncFailuresBefore = 0;
  private nextTryMs = 0;

  constructor(
    private readonly node: DataNode,
    private readonly appendOnly: AppendOnly,
    /** Takes the directory, or throws. */
    private readonly claim: () => void,
    private readonly ended: () => void,
  ) {}

  /** Whether one is under way, or about to be. */
  get isBusy(): boolean {
    return this.running !== null || this.isPreparing;
  }

  /**
   * Begins as soon as the increment of now is durable, of which other threads take care: only the last one may be torn by a loss
   * of power. False where it is clear already that it cannot.
   */
  begin(): boolean {
    this.isScheduled = false;
    this.count++;
    try {
      this.claim();
    } catch (error) {
      this.failed(error);
      return false;
    }
    this.node.world.log('notice', 'Background append only file rewriting started');
    this.isPreparing = true;
    // Not in the middle of a command, be it the one that asked for it.
    this.appendOnly.prepareToSettle(() => this.node.persistence.betweenCommands(() => this.beginWalk()));
    return true;
  }

  private beginWalk(): void {
    const { node, appendOnly } = this;
    const { directory, state } = appendOnly;
    if (!this.isPreparing) return;
    this.isPreparing = false;
    try {
      // Where the files of now say nothing of the present, or can no longer be trusted, new ones take their place all at once.
      const startsAnew = state !== 'on' || appendOnly.syncFailure !== null;
      if (!startsAnew) appendOnly.settle();
      const { base, increment } = directory.beginRewrite(startsAnew);
      try {
        if (state !== 'off') appendOnly.appendTo(increment, state);
        this.isRdb = node.settings.values['aof-use-rdb-preamble'];
        this.syncFailuresBefore = appendOnly.syncFailures;
        this.running = new SnapshotRun(node, base, this.options(), (error) => this.finish(error));
      } catch (error) {
        directory.abandonRewrite();
        throw error;
      }
    } catch (error) {
      this.failed(error);
      this.ended();
      return;
    }
    node.persistence.noteBegun(this.running);
  }

  private options(): SnapshotOptions {
    return rdbOptions(this.node, this.isRdb ? 'rdb' : 'commands', true);
  }

  /** The first file, at the start of a node that has none: what is in the keyspace, at once. @throws CacheError FILE_FAILED */
  found(): void {
    const { node, appendOnly } = this;
    const { directory } = appendOnly;
    const { base } = directory.beginRewrite(true);
    this.isRdb = node.settings.values['aof-use-rdb-preamble'];
    new SnapshotFile(node.keyspace, node.world.files, base, this.options(), () => undefined).runToEnd();
    directory.finishRewrite(this.isRdb);
    appendOnly.goOn(true);
  }

  private finish(error: Error | null): void {
    const { running, appendOnly } = this;
    const { world } = this.node;
    this.running = null;
    this.lastSeconds = Math.floor((world.clock.monotonicMs() - running!.beganMs) / 1000);
    this.lastPreImageBytes = running!.preImageBytes;
    try {
      if (error !== null) throw error;
      appendOnly.directory.finishRewrite(this.isRdb);
      this.hasFailed = false;
      this.consecutiveFailures = 0;
      appendOnly.rewritten(this.syncFailuresBefore);
      world.log('notice', 'Background AOF rewrite finished successfully');
    } catch (failure) {
      this.abandonFiles();
      this.failed(failure);
    }
    this.ended();
  }

  /** Gives up what is under way. */
  abandon(): void {
    const { running, isPreparing } = this;
    if (!this.isBusy) return;
    this.isPreparing = false;
    this.running = null;
    running?.abandon();
    if (!isPreparing) this.abandonFiles();
    this.node.world.log('notice', 'Background AOF rewrite abandoned');
    this.ended();
  }

  private abandonFiles(): void {
    try {
      this.appendOnly.directory.abandonRewrite();
    } catch (error) {
      this.node.world.log('warning', `The files of a rewrite could not be removed: ${reasonOf(error)}`);
    }
  }

  private failed(error: unknown): void {
    const { world } = this.node;
    this.isPreparing = false;
    this.hasFailed = true;
    this.consecutiveFailures++;
    const delayMinutes = Math.min(DELAY_MINUTES_MAX, 2 ** (this.consecutiveFailures - FAILURES_FREE));
    const isLimited = this.consecutiveFailures >= FAILURES_FREE && !this.isNeeded;
    this.nextTryMs = world.clock.monotonicMs() + (isLimited ? delayMinutes * 60_000 : RETRY_AFTER_MS);
    world.log('warning', `Background AOF rewrite terminated with error: ${reasonOf(error)}`);
  }

  /** Begins one where it is needed: nothing else can make the file whole again, or it has grown too much. */
  tick(): void {
    const { appendOnly, node } = this;
    if (appendOnly.state === 'off' || appendOnly.hasFailed) return;
    if (node.world.clock.monotonicMs() < this.nextTryMs) return;
    if (this.isNeeded) {
      this.begin();
      return;
    }
    const growth = this.growthPercent();
    const { values } = node.settings;
    const percentage = values['auto-aof-rewrite-percentage'];
    const isLarge = appendOnly.currentBytes > values['auto-aof-rewrite-min-size'];
    if (percentage > 0 && isLarge && growth >= percentage) {
      node.world.log('notice', `Starting automatic rewriting of AOF on ${growth}% growth`);
      this.begin();
    } else if (percentage > 0 && appendOnly.directory.parts.length > INCREMENTS_MAX) {
      node.world.log('notice', 'Starting automatic rewriting of AOF: it has many increments');
      this.begin();
    }
  }

  /** Whether without one the file is not whole, or cannot be trusted. */
  private get isNeeded(): boolean {
    return this.appendOnly.state === 'starting' || this.appendOnly.syncFailure !== null;
  }

  private growthPercent(): number {
    const { baseBytes, currentBytes } = this.appendOnly;
    return Math.floor((currentBytes * 100) / Math.max(1, baseBytes)) - 100;
  }
}
