/**
 * Statistics: what INFO and the metrics report, as plain numbers in arrays by command id.
 *
 * A clock read costs as much as a tenth of a SET, so commands are not timed one by one: a batch (what one read brought)
 * is timed as a whole and its time shared evenly among its O(1) commands. Commands whose cost depends on their input
 * are timed alone. So sums are exact, and a single slow command shows.
 */
import { type CommandSpec, type CommandTable } from '../commands';

/** How many samples of rates are kept: of 100 ms each, as Redis does. */
const RATE_SAMPLES = 16;

/** A counter's rate per second over the last 1.6 s. */
class Rate {
  private readonly samples = new Float64Array(RATE_SAMPLES);
  private at = 0;
  private lastCount = 0;
  private lastMs = 0;

  sample(count: number, nowMs: number): void {
    if (nowMs > this.lastMs) this.samples[this.at] = ((count - this.lastCount) * 1000) / (nowMs - this.lastMs);
    this.at = (this.at + 1) % RATE_SAMPLES;
    this.lastCount = count;
    this.lastMs = nowMs;
  }

  get perSecond(): number {
    return this.samples.reduce((sum, each) => sum + each, 0) / RATE_SAMPLES;
  }

  reset(): void {
    this.samples.fill(0);
    this.lastCount = 0;
  }
}

/** Batches remember the commands they ran, to share out their time; longer ones share out what they have so far. */
const BATCH_MAX = 1024;

/** Distinct codes of error replies that are counted by name; an attacker must not make this grow. */
const ERROR_CODES_MAX = 128;

export class Statistics {
  readonly calls: Float64Array;
  readonly microseconds: Float64Array;
  readonly rejectedCalls: Float64Array;
  readonly failedCalls: Float64Array;
  /** Error replies by code: 'ERR', 'WRONGTYPE' … */
  readonly errors = new Map<string, number>();

  commands = 0;
  errorReplies = 0;
  connectionsReceived = 0;
  connectionsRejected = 0;
  inputBytes = 0;
  outputBytes = 0;
  /** Reads from and writes to connections. */
  reads = 0;
  writes = 0;
  keyspaceHits = 0;
  keyspaceMisses = 0;
  /** The keyspace's count of expired keys at the last reset. */
  expiredBefore = 0;
  outputLimitDisconnects = 0;
  queryLimitDisconnects = 0;
  /** Wrong passwords. */
  deniedAuthentications = 0;
  /** Turns of the event loop that did something, and the time in ms that they took. */
  turns = 0;
  busyMs = 0;
  /** The longest time, in ms, for which the event loop did one turn's work. */
  longestTurnMs = 0;

  readonly commandRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();
  readonly turnRate = new Rate();
  readonly busyRate = new Rate();

  private readonly batch = new Uint16Array(BATCH_MAX);
  private batchLength = 0;
  private batchStartMs = 0;
  /** Time of this batch that went to commands that were timed alone. */
  private timedMs = 0;

  constructor(table: CommandTable) {
    const count = table.all.length;
    this.calls = new Float64Array(count);
    this.microseconds = new Float64Array(count);
    this.rejectedCalls = new Float64Array(count);
    this.failedCalls = new Float64Array(count);
  }

  beginBatch(nowMs: number): void {
    this.batchStartMs = nowMs;
    this.timedMs = 0;
  }

  /** Counts an O(1) command of the current batch. */
  ranBriefly(spec: CommandSpec, nowMs: () => number): void {
    this.commands++;
    this.calls[spec.id]++;
    if (this.batchLength === BATCH_MAX) {
      const now = nowMs();
      this.endBatch(now);
      this.beginBatch(now);
    }
    this.batch[this.batchLength++] = spec.id;
  }

  /** Counts a command that was timed alone. */
  ranTimed(spec: CommandSpec, startMs: number, endMs: number): void {
    this.commands++;
    this.calls[spec.id]++;
    this.microseconds[spec.id] += (endMs - startMs) * 1000;
    this.timedMs += endMs - startMs;
  }

  endBatch(nowMs: number): void {
    const { batch, batchLength } = this;
    if (batchLength === 0) return;
    const share = (Math.max(0, nowMs - this.batchStartMs - this.timedMs) * 1000) / batchLength;
    for (let i = 0; i < batchLength; i++) this.microseconds[batch[i]] += share;
    this.batchLength = 0;
  }

  /** Tells how long the event loop was busy with one turn. */
  sawTurn(durationMs: number): void {
    this.turns++;
    this.busyMs += durationMs;
    if (durationMs > this.longestTurnMs) this.longestTurnMs = durationMs;
  }

  /** Counts an error reply by its code. */
  erred(text: string): void {
    this.errorReplies++;
    const blank = text.indexOf(' ');
    const code = blank < 0 ? text : text.slice(0, blank);
    const count = this.errors.get(code);
    if (count !== undefined || this.errors.size < ERROR_CODES_MAX) this.errors.set(code, (count ?? 0) + 1);
  }

  /** To be called every 100 ms. */
  sampleRates(nowMs: number): void {
    this.commandRate.sample(this.commands, nowMs);
    this.inputRate.sample(this.inputBytes, nowMs);
    this.outputRate.sample(this.outputBytes, nowMs);
    this.turnRate.sample(this.turns, nowMs);
    this.busyRate.sample(this.busyMs, nowMs);
  }

  /** CONFIG RESETSTAT; `expiredKeys` is the keyspace's counter, which goes on. */
  reset(expiredKeys: number): void {
    this.calls.fill(0);
    this.microseconds.fill(0);
    this.rejectedCalls.fill(0);
    this.failedCalls.fill(0);
    this.errors.clear();
    this.commands = 0;
    this.errorReplies = 0;
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.reads = 0;
    this.writes = 0;
    this.keyspaceHits = 0;
    this.keyspaceMisses = 0;
    this.expiredBefore = expiredKeys;
    this.outputLimitDisconnects = 0;
    this.queryLimitDisconnects = 0;
    this.deniedAuthentications = 0;
    this.turns = 0;
    this.busyMs = 0;
    this.longestTurnMs = 0;
    this.commandRate.reset();
    this.inputRate.reset();
    this.outputRate.reset();
    this.turnRate.reset();
    this.busyRate.reset();
  }
}
