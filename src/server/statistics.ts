/**
 * Statistics: what INFO and the metrics report of a data node, beside what every node counts, by command id.
 *
 * A clock read costs as much as a tenth of a SET, so commands are not timed one by one: a batch (what one read brought)
 * is timed as a whole and its time shared evenly among its O(1) commands. Commands whose cost depends on their input
 * are timed alone. So sums are exact, and a single slow command shows.
 */
import type { CommandSpec, CommandTable } from '../commands';
import { TrafficStatistics } from '../metrics';

/** Batches remember the commands they ran, to share out their time; longer ones share out what they have so far. */
const BATCH_MAX = 1024;

export class Statistics extends TrafficStatistics {
  readonly microseconds: Float64Array;
  readonly rejectedCalls: Float64Array;
  readonly failedCalls: Float64Array;

  keyspaceHits = 0;
  keyspaceMisses = 0;
  /** The keyspace's count of expired keys at the last reset. */
  expiredBefore = 0;
  /** The keyspace's count of evicted keys at the last reset. */
  evictedBefore = 0;
  /** Replicas that were given a snapshot, that could go on from where they were, and that asked for that and could not. */
  fullSyncs = 0;
  partialSyncs = 0;
  partialRefusals = 0;

  private readonly batch = new Uint16Array(BATCH_MAX);
  private batchLength = 0;
  private batchStartMs = 0;

  constructor(table: CommandTable) {
    const count = table.all.length;
    super(count);
    this.microseconds = new Float64Array(count);
    this.rejectedCalls = new Float64Array(count);
    this.failedCalls = new Float64Array(count);
  }

  beginBatch(nowMs: number): void {
    this.batchStartMs = nowMs;
  }

  /** Notes an O(1) command of the current batch; it counts from the batch's end on. */
  ranBriefly(spec: CommandSpec, nowMs: () => number): void {
    if (this.batchLength === BATCH_MAX) this.endBatch(nowMs());
    this.batch[this.batchLength++] = spec.id;
  }

  /**
   * When the command that comes, and is timed alone, has begun. Where one that was timed alone came before it, or nothing in
   * this read, that is the end of what came before: a look at the clock costs as much as a small command.
   */
  beginTimed(nowMs: () => number): number {
    if (this.batchLength > 0) this.endBatch(nowMs());
    return this.batchStartMs;
  }

  /** Counts that command. One that is not done, because it waits, counts when it is: only its time counts now. */
  ranTimed(spec: CommandSpec, startMs: number, endMs: number, isDone: boolean): void {
    if (isDone) this.ran(spec.id);
    this.microseconds[spec.id] += (endMs - startMs) * 1000;
    this.batchStartMs = endMs;
  }

  /** Counts the commands of the batch, and shares out the time since it began; what follows is the next. */
  endBatch(nowMs: number): void {
    const { batch, batchLength, calls, microseconds } = this;
    if (batchLength > 0) {
      const share = (Math.max(0, nowMs - this.batchStartMs) * 1000) / batchLength;
      for (let i = 0; i < batchLength; i++) {
        calls[batch[i]]++;
        microseconds[batch[i]] += share;
      }
      this.commands += batchLength;
      this.batchLength = 0;
    }
    this.batchStartMs = nowMs;
  }

  /** CONFIG RESETSTAT; `expiredKeys` is the keyspace's counter, which goes on. */
  override reset(expiredKeys = 0, evictedKeys = 0): void {
    super.reset();
    this.microseconds.fill(0);
    this.rejectedCalls.fill(0);
    this.failedCalls.fill(0);
    this.keyspaceHits = 0;
    this.keyspaceMisses = 0;
    this.expiredBefore = expiredKeys;
    this.evictedBefore = evictedKeys;
    this.fullSyncs = 0;
    this.partialSyncs = 0;
    this.partialRefusals = 0;
  }
}
