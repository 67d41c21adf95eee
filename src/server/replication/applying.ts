/**
 * Applying: a replica does what its master's stream says.
 *
 * The stream goes forward in *units*: a command, or all from MULTI to EXEC. A unit is done when all of it has come, and with it
 * `offset`, `database` and what replicas of ours are sent (`relay`, the master's own bytes) move on; so a link that is lost inside
 * of a unit has done nothing of it, and the stream is asked for from its beginning again. `offset` is set before the unit
 * runs: when the append-only file writes what a unit has left, the place beside it must be the one after that unit.
 *
 * A master sends arrays and nothing else; every byte of them counts. What is neither a command nor the beginning of one means that
 * we do not stand where we think we stand: then `received` says no, and nothing but a full sync can help. A command that fails
 * is another matter: as in Redis it is told in the log, and the stream goes on; unless it is a SELECT, as what follows would be done
 * to other keys than it is meant for.
 */
import { asBuffer, EMPTY_BUFFER } from '../../base';
import { COMMAND, CommandParser, NEED_MORE, type ProtocolLimits, type ReceivedCommand } from '../../resp';
import type { DataNode } from '../data-node';
import { Replayer } from '../replay';

/** The limits of clients are not the master's. */
const LIMITS: ProtocolLimits = {
  bulkBytesMax: 2 ** 32 - 1,
  argumentsMax: 2 ** 31 - 1,
  inlineBytesMax: 64 * 1024,
  queryBytesMax: Infinity,
};
/** As much of a command is shown in the log. */
const SHOWN_BYTES = 128;
const UPPER_TO_LOWER = 32;
/** The end of a run where there is none. */
const NO_RUN = -1;
const CR = 13;
const LF = 10;

/** Who is told of what the stream says beside changes. */
export interface StreamListener {
  /** Bytes of a whole unit, or of a part of it whose other parts follow at once; lent. */
  relay(buffer: Uint8Array, start: number, end: number): void;
  /** The master wants to know how far we are. */
  acknowledgementWanted(): void;
}

export class Applying {
  /** Bytes of the stream that have been done. */
  offset = 0;
  /** Bytes of the stream that have come. */
  readOffset = 0;

  private parser = new CommandParser(LIMITS);
  private readonly replayer: Replayer;
  /** Bytes up to the end of the last command that was looked at. */
  private seenOffset = 0;
  /** The unit that is not whole. */
  private unit: Uint8Array = EMPTY_BUFFER;
  private unitBytes = 0;
  /** Commands that have been done and are to be relayed; those of one batch lie in one buffer. */
  private runBuffer: Uint8Array = EMPTY_BUFFER;
  private runStart = 0;
  private runEnd = NO_RUN;

  constructor(
    private readonly node: DataNode,
    private readonly listener: StreamListener,
  ) {
    this.replayer = new Replayer(node, true);
  }

  /** The database that the stream has selected at `offset`. */
  get databaseIndex(): number {
    return this.replayer.database.index;
  }

  /** The databases have changed places: goes to the one that has this number now. */
  select(databaseIndex: number): void {
    this.replayer.database = this.node.keyspace.database(databaseIndex);
  }

  /** What comes next is the stream from this offset on. What came before and was not done is forgotten. */
  goOnAt(offset: number): void {
    this.offset = this.readOffset = this.seenOffset = offset;
    this.parser = new CommandParser(LIMITS);
    this.replayer.dropTransaction();
    this.dropUnit();
  }

  /** Does what has come whole, in the middle of no command; false where it is no stream of commands. */
  received(buffer: Uint8Array, start: number, end: number): boolean {
    const { node, parser } = this;
    this.readOffset += end - start;
    node.beginBatch();
    parser.feed(buffer, start, end);
    const isStream = this.runCommands(parser);
    node.endBatch();
    // What was skipped is in no command.
    return isStream && this.seenOffset + parser.bufferedBytes === this.readOffset;
  }

  private runCommands(parser: CommandParser): boolean {
    const { batch, keyspace } = this.node;
    const { lookahead } = keyspace;
    for (;;) {
      const count = parser.nextBatch(batch);
      if (count > 1) lookahead.fetch(this.replayer.database, batch, count);
      let areWhole = true;
      for (let i = 0; i < count && areWhole; i++) {
        areWhole = this.apply(batch[i]);
        lookahead.at = i + 1;
      }
      lookahead.clear();
      this.relayRun();
      if (!areWhole) return false;
      if (count > 0) continue;
      const answer = parser.next();
      if (answer !== COMMAND) return answer === NEED_MORE;
      if (parser.inline || !this.apply(parser)) return false;
      this.relayRun();
    }
  }

  /** Does a command, or keeps it for its EXEC; false where it is none, or cannot be done. */
  private apply(command: ReceivedCommand): boolean {
    const { replayer } = this;
    const { buffer, commandStart, commandEnd } = command;
    // The parser does not look. Where bytes have been lost something else stands here.
    if (buffer[commandEnd - 2] !== CR || buffer[commandEnd - 1] !== LF) return false;
    this.seenOffset += commandEnd - commandStart;
    const endsUnit = replayer.isInTransaction ? isNamed(command, 'exec') : !isNamed(command, 'multi');
    if (endsUnit) this.offset = this.seenOffset;
    if (!this.run(command)) return false;
    if (replayer.isInTransaction) {
      this.keep(buffer, commandStart, commandEnd);
      return true;
    }
    // Where a transaction was dropped, by whatever means.
    this.offset = this.seenOffset;
    this.node.journal.standAt(this.offset);
    if (this.unitBytes > 0) {
      this.relayRun();
      this.listener.relay(this.unit, 0, this.unitBytes);
      this.dropUnit();
    }
    if (this.runEnd !== commandStart) {
      this.relayRun();
      this.runStart = commandStart;
      this.runBuffer = buffer;
    }
    this.runEnd = commandEnd;
    return true;
  }

  /** Relays the commands that lie behind one another, before their memory is used for others. */
  private relayRun(): void {
    if (this.runEnd === NO_RUN) return;
    this.listener.relay(this.runBuffer, this.runStart, this.runEnd);
    this.runEnd = NO_RUN;
  }

  /** False where what follows would be done to other data than it is meant for. */
  private run(command: ReceivedCommand): boolean {
    // None of these is a change.
    if (isNamed(command, 'ping') || isNamed(command, 'publish') || isNamed(command, 'spublish')) return true;
    if (isNamed(command, 'replconf')) {
      this.listener.acknowledgementWanted();
      return true;
    }
    const error = this.replayer.execute(command);
    if (error === null) return true;
    this.tell(command, error);
    // The master has more databases than there are here.
    return !isNamed(command, 'select');
  }

  private tell({ buffer, commandStart, commandEnd }: ReceivedCommand, error: string): void {
    const shown = asBuffer(buffer).toString('latin1', commandStart, Math.min(commandEnd, commandStart + SHOWN_BYTES));
    this.node.world.log(
      'warning',
      `== CRITICAL == This replica is sending an error to its master: '${error}' after processing the command ${JSON.stringify(shown)}`,
    );
  }

  /** Keeps a copy of a part of a unit that is not whole. */
  private keep(buffer: Uint8Array, start: number, end: number): void {
    const wanted = this.unitBytes + end - start;
    if (wanted > this.unit.length) {
      const wider = new Uint8Array(2 * wanted);
      wider.set(this.unit.subarray(0, this.unitBytes));
      this.unit = wider;
    }
    this.unit.set(buffer.subarray(start, end), this.unitBytes);
    this.unitBytes = wanted;
  }

  private dropUnit(): void {
    this.unit = EMPTY_BUFFER;
    this.unitBytes = 0;
  }
}

/** Whether a command has this name, in lower case here and any there. */
function isNamed({ buffer, starts, ends }: ReceivedCommand, name: string): boolean {
  const start = starts[0];
  if (ends[0] - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = buffer[start + i];
    if ((byte | UPPER_TO_LOWER) !== name.charCodeAt(i)) return false;
  }
  return true;
}
