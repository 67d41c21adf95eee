/**
 * Rewrite: writes the append-only file anew, as short as it can be: BGREWRITEAOF, growth beyond
 * `auto-aof-rewrite-percentage`, and the first file after `appendonly` was switched on.
 *
 * In one moment between two commands the snapshot begins and the former increment ends: what commands leave from then on goes to a
 * new one, so base and increment together are everything. All that the disk has to do for it other threads do, before and after
 * that moment (AofDirectory says what, AppendOnly what waits for it). The former files stay in force until the new base is whole
 * and durable and the manifest says so. What fails costs nothing but its time: the increments stay, and the next rewrite begins
 * with what they have become.
 */
import { CacheError } from '../../base';
import { SnapshotFile, type Deed, type RewritePaths } from '../../storage';
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

/** A rewrite on its way: it prepares, walks (at first while the former increment is being synced), and finishes. */
interface Attempt {
  readonly startsAnew: boolean;
  readonly isRdb: boolean;
  /** Monotonic. */
  readonly beganMs: number;
  syncFailuresBefore: number;
  /** The new increment; '' until the walk begins. */
  increment: string;
  /** The base is whole and durable. */
  isFinishing: boolean;
}

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

  private attempt: Attempt | null = null;
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
    return this.attempt !== null;
  }

  /** When it began (monotonic ms); null while none is under way. */
  get beganMs(): number | null {
    return this.attempt?.beganMs ?? null;
  }

  /** Begins as soon as the files for it are made, of which other threads take care. False where it is clear already that it cannot. */
  begin(): boolean {
    const { appendOnly, node } = this;
    this.isScheduled = false;
    this.count++;
    const attempt: Attempt = {
      // Where the files of now say nothing of the present, or can no longer be trusted, new ones take their place all at once.
      startsAnew: appendOnly.state !== 'on' || appendOnly.health.syncFailure !== null,
      isRdb: node.settings.values['aof-use-rdb-preamble'],
      beganMs: node.world.clock.monotonicMs(),
      syncFailuresBefore: appendOnly.health.syncFailures,
      increment: '',
      isFinishing: false,
    };
    try {
      this.claim();
      const { directory } = appendOnly;
      this.attempt = attempt;
      node.world.log('notice', 'Background append only file rewriting started');
      directory.beginRewrite(
        attempt.startsAnew,
        (paths) => this.turning(attempt, paths),
        (error) => this.turned(attempt, error),
      );
    } catch (error) {
      this.attempt = null;
      this.failed(error);
      return false;
    }
    return this.attempt === attempt;
  }

  /**
   * The deed at the turn from one increment to the next: between two commands the walk begins and the former increment ends; then
   * that one becomes durable.
   */
  private turning(attempt: Attempt, paths: RewritePaths): Deed {
    const { appendOnly, node } = this;
    return {
      now: () => {
        if (attempt.increment === '') throw abandoned();
        appendOnly.syncingHeld.now();
      },
      later: (done) => {
        const begin = (): void => {
          try {
            this.beginWalk(attempt, paths);
          } catch (error) {
            if (error instanceof CacheError) return done(error);
            throw error;
          }
          if (attempt.startsAnew) done(null);
          else appendOnly.syncingHeld.later(done);
        };
        appendOnly.prepareToHold(() => node.persistence.betweenCommands(begin));
      },
    };
  }

  private beginWalk(attempt: Attempt, { base, increment }: RewritePaths): void {
    const { node, appendOnly } = this;
    if (this.attempt !== attempt) throw abandoned();
    const beganMs = node.world.clock.monotonicMs();
    attempt.syncFailuresBefore = appendOnly.health.syncFailures;
    const options = rdbOptions(node, attempt.isRdb ? 'rdb' : 'commands', true);
    if (!attempt.startsAnew) appendOnly.hold(increment);
    attempt.increment = increment;
    this.running = new SnapshotRun(
      node,
      (done) => new SnapshotFile(node.keyspace, node.world.files, base, options, done),
      (error) => this.walked(attempt, error),
    );
    if (attempt.startsAnew && appendOnly.state !== 'off') appendOnly.appendTo(increment, appendOnly.state);
    node.persistence.noteBegun(beganMs);
  }

  /** The set of files has its new increment, or the rewrite has come to nothing. */
  private turned(attempt: Attempt, error: Error | null): void {
    const { appendOnly } = this;
    if (appendOnly.isHolding) {
      const isInSet = appendOnly.directory.endsWith(attempt.increment);
      if (error !== null && isInSet) appendOnly.health.syncFailed(error);
      appendOnly.letGo(isInSet ? attempt.increment : null);
    }
    if (error !== null && this.attempt === attempt) this.fail(attempt, error);
  }

  private walked(attempt: Attempt, error: Error | null): void {
    if (this.attempt !== attempt) return;
    this.lastPreImageBytes = this.running!.preImageBytes;
    this.running = null;
    if (error !== null) return this.fail(attempt, error);
    attempt.isFinishing = true;
    this.appendOnly.directory.finishRewrite(attempt.isRdb, (failure) => this.finished(attempt, failure));
  }

  private finished(attempt: Attempt, error: Error | null): void {
    if (this.attempt !== attempt) return;
    if (error !== null) return this.fail(attempt, error);
    this.attempt = null;
    this.noteEnd(attempt);
    this.hasFailed = false;
    this.consecutiveFailures = 0;
    this.appendOnly.rewritten(attempt.syncFailuresBefore);
    this.node.world.log('notice', 'Background AOF rewrite finished successfully');
    this.ended();
  }

  private fail(attempt: Attempt, error: Error): void {
    this.giveUp();
    this.noteEnd(attempt);
    this.failed(error);
    this.ended();
  }

  private noteEnd({ beganMs }: Attempt): void {
    this.lastSeconds = Math.floor((this.node.world.clock.monotonicMs() - beganMs) / 1000);
  }

  /** Gives up what is under way, unless it is as good as done. */
  abandon(): void {
    const { appendOnly } = this;
    if (this.attempt === null) return;
    const { directory } = appendOnly;
    if (appendOnly.isHolding) directory.hurry(() => !appendOnly.isHolding);
    if (this.attempt?.isFinishing === true) directory.hurry(() => !this.isBusy);
    if (!this.isBusy) return;
    this.giveUp();
    this.node.world.log('notice', 'Background AOF rewrite abandoned');
    this.ended();
  }

  private giveUp(): void {
    this.attempt = null;
    this.running?.abandon();
    this.running = null;
    this.appendOnly.directory.abandonRewrite();
  }

  /** The first file, at the start of a node that has none: what is in the keyspace, at once. @throws CacheError FILE_FAILED */
  found(): void {
    const { node, appendOnly } = this;
    const isRdb = node.settings.values['aof-use-rdb-preamble'];
    const options = rdbOptions(node, isRdb ? 'rdb' : 'commands', true);
    appendOnly.directory.found(isRdb, (base) => {
      new SnapshotFile(node.keyspace, node.world.files, base, options, () => undefined).runToEnd();
    });
    appendOnly.begin();
  }

  private failed(error: unknown): void {
    const { world } = this.node;
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
    if (appendOnly.state === 'off' || appendOnly.health.hasFailed) return;
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
    return this.appendOnly.state === 'starting' || this.appendOnly.health.syncFailure !== null;
  }

  private growthPercent(): number {
    const { baseBytes, currentBytes } = this.appendOnly;
    return Math.floor((currentBytes * 100) / Math.max(1, baseBytes)) - 100;
  }
}

/** What a rewrite fails with that is given up before its walk has begun. */
function abandoned(): CacheError {
  return new CacheError('FILE_FAILED', 'the rewrite was abandoned');
}
