/**
 * AofInspection: reads one append-only file before anything of it is executed, and says how much of it may be.
 *
 * What was written by us stands in batches (format.ts), and no byte of a batch is believed before its CRC was seen to be
 * right. What stands outside of batches was written by Redis, and is believed as Redis itself believes it. Reading twice costs
 * little beside executing, and buys that a file which is refused has changed nothing, that a batch or a transaction of any
 * size is all or nothing without being held in memory, and that what comes after a damaged place can be asked for its evidence.
 *
 * Where a file stops making sense, the question is whether it was damaged or never finished:
 *
 * - A batch of ours. Loss of power may turn anything that was not yet durable into anything, so that alone proves nothing.
 *   Proof of damage is looked for (damage.ts): a later batch that knew these bytes to be durable, or a batch that is exactly
 *   one bit away from right. Without proof it is a torn tail.
 * - Redis' commands. A file that ends early has a torn tail; anything else is damage, as for Redis.
 *
 * A torn tail is cut, where that is allowed, after the last whole batch or command that leaves no transaction open; damage is
 * refused always. So a batch in which a transaction begins whose EXEC never came goes too.
 */
import { Bytes, CacheError, type ReadableFile } from '../../base';
import type { ProtocolLimits } from '../../resp';
import { crc64 } from '../rdb/crc64';
import { findProofOfDamage } from './damage';
import { beginCrc, CrcLine, isCrcLine, isSyncLine, readPlaceLine, readSyncLine, readTimeLine } from './format';
import { AofReader, ANNOTATION, COMMAND, END, MALFORMED, TORN } from './reader';

/** Items between two looks at the clock. */
const ITEMS_PER_LOOK = 256;
const NONE = -1;

/** What a file may be, and where. */
export interface AofFileOptions {
  /** For messages. */
  readonly path: string;
  /** Offset of the first byte to read: behind an RDB preamble, where there is one; else 0. */
  readonly from: number;
  /** Whether a torn tail is cut off: only of the last file, and only with `aof-load-truncated yes`. */
  readonly mayBeCut: boolean;
  readonly limits: ProtocolLimits;
}

export class AofInspection {
  /** What was wrong at the end, where the file is to be cut; null where nothing was. */
  tear: string | null = null;
  /**
   * Afterwards: where the seal begins, an empty batch at the end of what is kept which says that all before it is durable; null where
   * there is none.
   */
  sealStart: number | null = null;

  private readonly reader: AofReader;
  /** After the last item before which the file may be cut. */
  private whole: number;
  /** Whether what was read last is a batch, or in one. */
  private isOurs = false;
  private batchStart = NONE;
  /** Where the batch begins that was read last, or is being read, if it is a seal so far; else null. */
  private seal: number | null = null;
  private inTransaction = false;
  private readonly remainder = new Uint32Array(2);
  private readonly crcLine = new CrcLine();
  private readonly word = new Bytes();

  constructor(
    private readonly file: ReadableFile,
    private readonly options: AofFileOptions,
  ) {
    this.whole = options.from;
    this.reader = new AofReader(file, options.from, file.size, options.limits);
  }

  /** Afterwards: whether all that is kept ends with a batch of ours, or is nothing: else Redis wrote to it last. */
  get endsWithBatch(): boolean {
    return this.isOurs || this.whole === this.options.from;
  }

  /** Afterwards: the offset up to which the file is to be executed. */
  get end(): number {
    return this.whole;
  }

  /** Reads until time is up; true when all is read. @throws CacheError BAD_AOF: the file is damaged, or torn and may not be. */
  step(isTimeUp: () => boolean): boolean {
    for (let items = 1; ; items++) {
      const answer = this.reader.next();
      if (answer === END && this.batchStart === NONE && !this.inTransaction) return true;
      const fault = this.faultOf(answer);
      if (fault !== null) {
        this.settle(fault, answer);
        return true;
      }
      if (this.batchStart === NONE && !this.inTransaction) {
        this.whole = this.reader.position;
        this.sealStart = this.seal;
      }
      if (items % ITEMS_PER_LOOK === 0 && isTimeUp()) return false;
    }
  }

  /** What is wrong with an item, or with there being none; null where it is right, and then it is accounted for. */
  private faultOf(answer: number): string | null {
    if (answer === COMMAND) return this.faultOfCommand();
    if (answer === ANNOTATION) return this.batchStart === NONE ? this.faultOutside() : this.faultInside();
    if (answer === MALFORMED) return 'this is neither a command nor a line of comment';
    if (answer === END && this.batchStart === NONE) return 'the file ends inside of a transaction';
    return this.isOurs ? 'the file ends inside of a batch' : 'the file ends inside of a command';
  }

  private faultOfCommand(): string | null {
    const { reader, word } = this;
    this.seal = null;
    if (this.batchStart === NONE) this.isOurs = false;
    else this.addToCrc();
    if (reader.argc !== 1) return null;
    word.set(reader.buffer, reader.starts[0], reader.ends[0]);
    if (word.is('multi')) {
      if (this.inTransaction) return 'there is a MULTI inside of a transaction';
      this.inTransaction = true;
    } else if (word.is('exec')) {
      if (!this.inTransaction) return 'there is an EXEC without MULTI';
      this.inTransaction = false;
    }
    return null;
  }

  /** Of a line outside of batches. */
  private faultOutside(): string | null {
    const { buffer, commandStart, commandEnd, start } = this.reader;
    if (isSyncLine(buffer, commandStart, commandEnd)) {
      this.isOurs = true;
      this.batchStart = start;
      beginCrc(this.remainder, start);
      const durable = readSyncLine(buffer, commandStart, commandEnd);
      if (!(durable <= start)) return 'the #SYNC line is malformed';
      // The first batch is none: it has nothing to speak for, and without it nobody would know whose file this is.
      this.seal = start > 0 && durable === start ? start : null;
      this.addToCrc();
      return null;
    }
    if (isCrcLine(buffer, commandStart, commandEnd)) return 'there is a #CRC line without a batch';
    // Redis passes over any comment and writes none but this one. Another may have been the head of a batch.
    if (readTimeLine(buffer, commandStart, commandEnd) >= 0) return null;
    return 'the line is no comment that Redis writes (#TS), nor one of ours';
  }

  /** Of a line inside of a batch. */
  private faultInside(): string | null {
    const { crcLine, remainder } = this;
    const { buffer, commandStart, commandEnd, start } = this.reader;
    if (
      readTimeLine(buffer, commandStart, commandEnd) >= 0 ||
      readPlaceLine(buffer, commandStart, commandEnd) !== null
    ) {
      this.addToCrc();
      return null;
    }
    if (!crcLine.read(buffer, commandStart, commandEnd)) return 'the line is malformed, or none that belongs here';
    if (crcLine.bytes !== start - this.batchStart) return 'the #CRC line counts other bytes';
    if (crcLine.crc[0] !== remainder[0] || crcLine.crc[1] !== remainder[1]) return 'the CRC is wrong';
    this.batchStart = NONE;
    return null;
  }

  private addToCrc(): void {
    const { buffer, commandStart, commandEnd } = this.reader;
    crc64(buffer, commandStart, commandEnd, this.remainder);
  }

  /** The file makes no sense at the present item: it is cut, or refused. */
  private settle(fault: string, answer: number): void {
    const { batchStart, file, isOurs, reader } = this;
    const { mayBeCut, path } = this.options;
    const offset = answer === MALFORMED ? reader.faultOffset : reader.start;
    let reason: string | null = null;
    if (isOurs) reason = findProofOfDamage(file, batchStart === NONE ? reader.start : batchStart, reader.start);
    else if (answer !== TORN && answer !== END) reason = 'no file that was merely cut short looks like this';
    if (reason === null && !mayBeCut) reason = 'it is not the last file, or aof-load-truncated is off';
    if (reason !== null) throw new CacheError('BAD_AOF', `${path}, byte ${offset}: ${fault}; ${reason}`);
    this.tear = `${fault} (byte ${offset})`;
  }
}
