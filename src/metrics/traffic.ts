/**
 * TrafficStatistics: what every node counts of its clients, their commands and its own turns, as plain numbers that the hot road
 * adds to without a call. Nodes extend it by what is theirs.
 *
 * Turns of the event loop are timed, because the longest of them is what a client feels when others are served.
 */
import { ErrorCounts } from './error-counts';
import { Rate } from './rate';

export class TrafficStatistics {
  /** Calls by command id. */
  readonly calls: Float64Array;
  /** Error replies that this node gave by itself. */
  readonly errors = new ErrorCounts();

  commands = 0;
  connectionsReceived = 0;
  connectionsRejected = 0;
  inputBytes = 0;
  outputBytes = 0;
  /** Reads from and writes to connections of clients. */
  reads = 0;
  writes = 0;
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

  constructor(commandCount: number) {
    this.calls = new Float64Array(commandCount);
  }

  /** Counts a command of a client. */
  ran(commandId: number): void {
    this.commands++;
    this.calls[commandId]++;
  }

  /** Tells how long the event loop was busy with one turn. */
  sawTurn(durationMs: number): void {
    this.turns++;
    this.busyMs += durationMs;
    if (durationMs > this.longestTurnMs) this.longestTurnMs = durationMs;
  }

  /** To be called every RATE_SAMPLE_EVERY_MS; `nowMs` is monotonic. */
  sampleRates(nowMs: number): void {
    this.commandRate.sample(this.commands, nowMs);
    this.inputRate.sample(this.inputBytes, nowMs);
    this.outputRate.sample(this.outputBytes, nowMs);
    this.turnRate.sample(this.turns, nowMs);
    this.busyRate.sample(this.busyMs, nowMs);
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    this.calls.fill(0);
    this.errors.reset();
    this.commands = 0;
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.reads = 0;
    this.writes = 0;
    this.outputLimitDisconnects = 0;
    this.queryLimitDisconnects = 0;
    this.deniedAuthentications = 0;
    this.turns = 0;
    this.busyMs = 0;
    this.longestTurnMs = 0;
    for (const rate of [this.commandRate, this.inputRate, this.outputRate, this.turnRate, this.busyRate]) rate.reset();
  }
}
