/**
 * Statistics: what INFO and the metrics report of the proxy, as plain numbers.
 *
 * Nothing is timed per command: a clock read would cost as much as a tenth of passing one on. Turns are timed, which
 * shows what a client feels beside the server's own time: how long the proxy was busy with others.
 */
import type { CommandSpec, CommandTable } from '../commands';

/** Distinct codes of error replies that are counted by name; an attacker must not make this grow. */
const ERROR_CODES_MAX = 128;

export class Statistics {
  /** Commands by id that were passed on or answered. */
  readonly calls: Float64Array;
  /** Error replies that the proxy gave by itself, by code. */
  readonly errors = new Map<string, number>();
  commands = 0;
  errorReplies = 0;
  connectionsReceived = 0;
  connectionsRejected = 0;
  inputBytes = 0;
  outputBytes = 0;
  outputLimitDisconnects = 0;
  /** The longest time, in ms, for which the event loop did one turn's work. */
  longestTurnMs = 0;

  constructor(private readonly table: CommandTable) {
    this.calls = new Float64Array(table.all.length);
  }

  ran(spec: CommandSpec): void {
    this.commands++;
    this.calls[spec.id]++;
  }

  /** Counts an error reply by its code. */
  erred(text: string): void {
    this.errorReplies++;
    const blank = text.indexOf(' ');
    const code = blank < 0 ? text : text.slice(0, blank);
    const count = this.errors.get(code);
    if (count !== undefined || this.errors.size < ERROR_CODES_MAX) this.errors.set(code, (count ?? 0) + 1);
  }

  /** Tells how long the event loop was busy with one turn. */
  sawTurn(durationMs: number): void {
    if (durationMs > this.longestTurnMs) this.longestTurnMs = durationMs;
  }

  /** Commands with their calls, those that were called at all. */
  *byCommand(): Iterable<readonly [spec: CommandSpec, calls: number]> {
    for (const spec of this.table.all) if (this.calls[spec.id] > 0) yield [spec, this.calls[spec.id]];
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    this.calls.fill(0);
    this.errors.clear();
    this.commands = 0;
    this.errorReplies = 0;
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.outputLimitDisconnects = 0;
    this.longestTurnMs = 0;
  }
}
