/**
 * Blocking: the commands that found nothing and wait: BLPOP and its kin for keys, WAIT for replicas.
 *
 * A handler that finds nothing calls `call.block`. Its session is *parked*: it gets no reply and runs nothing more, while
 * what the client sends gathers in the parser, so that its leaving is noticed; the command's bytes are kept in memory
 * of their own. A change of a key with a line of waiters makes the line *ready*, which is all that is noted while the
 * change is being made. After the command that made it, and never inside an EXEC, `serve` takes the ready lines in the
 * order in which they became so, and in each the waiters in the order in which they came: if the key holds what one
 * waits for, the same handler runs again. One that finds something replies, and its session goes on at the end of the turn;
 * one that calls `call.block` again keeps its places and its time. Serving may make more lines ready (BLMOVE): it ends
 * when none is left. This is what Redis 7.2 does (blocked.c), but for the place: there, who is run in vain goes to the end.
 *
 * Lines are known by the number of a database, as watched keys are: SWAPDB exchanges contents, clients stay. While
 * nobody waits for a key nothing is observed; while somebody does, a write to another key costs one look into a table.
 */
import { Bytes } from '../base';
import type { CommandSpec } from '../commands';
import { BatchedCommand, type ReceivedCommand, type ReplyWriter } from '../resp';
import type { Database, Keyspace, KeyspaceObserver } from '../storage';
import type { Session } from './session';
import { WaitingLine, type Place } from './waiting-line';

/** What a missing key holds. */
const NO_TYPE = -1;

/** What a handler says when it must wait. */
export interface Wait {
  /** The keys are arguments `firstKey` to `firstKey + keyCount − 1`; the same key twice counts once. */
  readonly firstKey: number;
  readonly keyCount: number;
  /** How long, in ms; 0 for ever. Ignored when a command that is run again finds nothing again. */
  readonly timeoutMs: number;
  /** TYPE_…: the command runs again when one of the keys holds a value of this type and was changed. */
  readonly type: number;
  /** It also runs again when a key was removed or holds another type now, to say that what it waited for is gone (XREADGROUP). */
  readonly wakesOnLoss?: boolean;
  /** Words to run again with instead of those that came, by number of argument: what "$" meant then (XREAD). */
  readonly replaced?: ReadonlyMap<number, Uint8Array>;
  /** Writes the reply when time is up; a null array unless given. */
  readonly replyTimeout?: (reply: ReplyWriter) => void;
  /** Called when the wait is over, whatever for. */
  readonly left?: () => void;
}

/** The keys of a command that waits for none: its time ends it, or who let it wait. */
export const NO_KEYS = { firstKey: 0, keyCount: 0, type: NO_TYPE };

/** A command that waits, and where. */
export class Parked {
  readonly places: Place[] = [];
  readonly type: number;
  readonly wakesOnLoss: boolean;
  readonly replyTimeout: (reply: ReplyWriter) => void;
  readonly left: (() => void) | null;
  /** What is left to wait when the present timer has run; only one that is too long for a timer leaves some. */
  restMs: number;
  cancelTimer: (() => void) | null = null;

  constructor(
    readonly session: Session,
    readonly spec: CommandSpec,
    readonly args: BatchedCommand,
    wait: Wait,
  ) {
    this.type = wait.type;
    this.wakesOnLoss = wait.wakesOnLoss === true;
    this.replyTimeout = wait.replyTimeout ?? replyNullArray;
    this.left = wait.left ?? null;
    this.restMs = wait.timeoutMs;
  }
}

/** The longest that a timer of Node can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Kinds of keys as the filter for writes sees them; a power of two. */
const FINGERPRINTS = 1024;

export class Blocking implements KeyspaceObserver {
  /** Commands that wait. */
  count = 0;
  /** Those that will not for ever. */
  timedCount = 0;
  /** Keys that somebody waits for. */
  keyCount = 0;
  /** Keys of which somebody wants to know that they are gone. */
  lossKeyCount = 0;

  /** By number of database: lines by key. */
  private readonly linesOf: Map<string, WaitingLine>[];
  private readonly ready: WaitingLine[] = [];
  /** How many lines have a key with that fingerprint, in all databases. */
  private readonly linesLike = new Int32Array(FINGERPRINTS);
  private readonly key = new Bytes();

  constructor(
    private readonly keyspace: Keyspace,
    /** Runs `task` once after `delayMs` unless the returned function is called first. */
    private readonly after: (delayMs: number, task: () => void) => () => void,
  ) {
    this.linesOf = Array.from({ length: keyspace.databaseCount }, () => new Map<string, WaitingLine>());
  }

  /** Whether `serve` has something to do. */
  get isAnyReady(): boolean {
    return this.ready.length > 0;
  }

  /** Lets a command of `session` wait. */
  park(session: Session, spec: CommandSpec, command: ReceivedCommand, wait: Wait): Parked {
    const parked = new Parked(session, spec, BatchedCommand.copyOf(command, wait.replaced), wait);
    const { args, places } = parked;
    const lines = this.linesOf[session.database.index];
    for (let i = wait.firstKey; i < wait.firstKey + wait.keyCount; i++) {
      const name = this.key.set(args.buffer, args.starts[i], args.ends[i]).toLatin1();
      const line = lines.get(name) ?? this.openLine(session.database.index, name);
      // The same key again: nobody else can have come behind it.
      if (line.last?.parked === parked) continue;
      places.push(line.append(parked));
      if (parked.wakesOnLoss && line.wakingOnLoss === 1) this.lossKeyCount++;
    }
    this.count++;
    if (parked.restMs > 0) {
      this.timedCount++;
      this.startTimer(parked);
    }
    return parked;
  }

  /** Ends the wait of a command, whatever for: nothing of it is left here. */
  leave(parked: Parked): void {
    for (const place of parked.places) {
      const { line } = place;
      line.remove(place);
      if (parked.wakesOnLoss && line.wakingOnLoss === 0) this.lossKeyCount--;
      if (line.first === null) this.closeLine(line);
    }
    parked.places.length = 0;
    parked.left?.();
    this.count--;
    if (parked.cancelTimer !== null) {
      this.timedCount--;
      parked.cancelTimer();
      parked.cancelTimer = null;
    }
  }

  /** Runs again what waits for the keys that were changed, until nothing is ready any more. */
  serve(): void {
    const { ready } = this;
    for (let i = 0; i < ready.length; i++) {
      ready[i].isReady = false;
      this.serveLine(ready[i]);
    }
    ready.length = 0;
  }

  // ── what happens to keys ─────────────────────────────────────────────────────────────────────────────────────

  keyChanging(database: Database, key: Bytes): void {
    if (this.linesLike[fingerprint(key.buffer, key.start, key.end)] === 0) return;
    const line = this.linesOf[database.index].get(key.toLatin1());
    if (line !== undefined) this.makeReady(line);
  }

  emptying(database: Database): void {
    for (const line of this.linesOf[database.index].values()) if (line.wakingOnLoss > 0) this.makeReady(line);
  }

  swapping(a: Database, b: Database): void {
    for (const { index } of [a, b]) for (const line of this.linesOf[index].values()) this.makeReady(line);
  }

  private makeReady(line: WaitingLine): void {
    if (line.isReady) return;
    line.isReady = true;
    this.ready.push(line);
  }

  // ── serving ──────────────────────────────────────────────────────────────────────────────────────────────────

  private serveLine(line: WaitingLine): void {
    for (let place = line.first; place !== null; place = place.next) {
      const { parked } = place;
      const type = this.typeOf(line);
      // Who came first has taken all there was: the others, however many, need not be asked.
      if (type === NO_TYPE && line.wakingOnLoss === 0) return;
      if (type === parked.type || parked.wakesOnLoss) this.retry(parked);
    }
  }

  /** A command that finds nothing again has changed nothing for others, and must not wake itself for ever. */
  private retry(parked: Parked): void {
    const readyBefore = this.ready.length;
    if (parked.session.retry(parked)) return;
    for (const line of this.ready.splice(readyBefore)) {
      line.isReady = false;
      // It may have noticed that a key's time had come: nobody else will notice that again.
      if (line.wakingOnLoss > 0 && this.typeOf(line) === NO_TYPE) this.makeReady(line);
    }
  }

  /** The type of the value that a line waits for, or NO_TYPE. */
  private typeOf({ databaseIndex, key }: WaitingLine): number {
    const record = this.keyspace.database(databaseIndex).peek(this.key.set(key, 0, key.length));
    return record === 0 ? NO_TYPE : this.keyspace.records.type(record);
  }

  // ── lines and timers ─────────────────────────────────────────────────────────────────────────────────────────

  private openLine(databaseIndex: number, name: string): WaitingLine {
    const line = new WaitingLine(databaseIndex, name);
    this.linesOf[databaseIndex].set(name, line);
    this.linesLike[fingerprint(line.key, 0, line.key.length)]++;
    if (this.keyCount++ === 0) this.keyspace.observe(this);
    return line;
  }

  private closeLine({ databaseIndex, name, key }: WaitingLine): void {
    this.linesOf[databaseIndex].delete(name);
    this.linesLike[fingerprint(key, 0, key.length)]--;
    if (--this.keyCount === 0) this.keyspace.unobserve(this);
  }

  private startTimer(parked: Parked): void {
    const delayMs = Math.min(parked.restMs, TIMER_MS_MAX);
    parked.restMs -= delayMs;
    parked.cancelTimer = this.after(delayMs, () => {
      if (parked.restMs > 0) this.startTimer(parked);
      else parked.session.unblock(null);
    });
  }
}

/** A number below FINGERPRINTS that equal keys have in common; cheap rather than even. */
function fingerprint(buffer: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  const middle = buffer[(start + end) >>> 1];
  return ((end - start) * 7 + buffer[start] * 31 + middle * 131 + buffer[end - 1] * 517) & (FINGERPRINTS - 1);
}

function replyNullArray(reply: ReplyWriter): void {
  reply.nullArray();
}
