/**
 * AofLoader: hands the commands of one append-only file to whoever executes them, a slice of time at a time.
 *
 * First the whole file is inspected (inspection.ts), which settles up to where it is good; then it is read again and
 * executed up to there. So a file that is refused is refused before its first command, and whoever executes gets whole
 * transactions only, MULTI and EXEC included. The caller cuts the file back to `cutAt` before anything is appended to it.
 */
import { CacheError, type ReadableFile } from '../../base';
import type { ReceivedCommand } from '../../resp';
import { AofInspection, type AofFileOptions } from './inspection';
import type { StreamPlace } from '../journal';
import { readPlaceLine } from './format';
import { ANNOTATION, AofReader, COMMAND, END } from './reader';

/** Commands between two looks at the clock. */
const COMMANDS_PER_LOOK = 16;

export class AofLoader {
  /**
   * Where in a stream of replication the data are: what `placeBefore` said, unless commands came since; then what stands behind them.
   */
  place: StreamPlace | null;
  private readonly inspection: AofInspection;
  /** Null until the file has been inspected. */
  private reader: AofReader | null = null;

  /** The file stays the caller's to close. `execute` may use the command until it returns. */
  constructor(
    private readonly file: ReadableFile,
    private readonly options: AofFileOptions,
    private readonly execute: (command: ReceivedCommand) => void,
    placeBefore: StreamPlace | null = null,
  ) {
    this.place = placeBefore;
    this.inspection = new AofInspection(file, options);
  }

  /** The offset up to which commands have been executed. */
  get position(): number {
    return this.reader?.position ?? this.options.from;
  }

  /** After the end: the size to which the file must be cut back; null where it is good as it is. */
  get cutAt(): number | null {
    return this.inspection.tear === null ? null : this.inspection.end;
  }

  /** After the end: what was found where the file must be cut, for the log; null where it is good as it is. */
  get tear(): string | null {
    return this.inspection.tear;
  }

  /**
   * After the end: whether what is kept of the file ends with a batch of ours, or is nothing. Else Redis wrote to it last,
   * and a new increment is better than going on there: after a loss of power such a place could not be told from damage.
   */
  get endsWithBatch(): boolean {
    return this.inspection.endsWithBatch;
  }

  /** After the end: the offset of the seal that what is kept of the file ends with (renewal.ts); null where there is none. */
  get sealStart(): number | null {
    return this.inspection.sealStart;
  }

  /**
   * Goes on until time is up; true when all is executed.
   * @throws CacheError BAD_AOF: the file is damaged, or torn and may not be cut; nothing of it has been executed.
   */
  step(isTimeUp: () => boolean): boolean {
    if (this.reader === null) {
      if (!this.inspection.step(isTimeUp)) return false;
      const { file, inspection, options } = this;
      this.reader = new AofReader(file, options.from, inspection.end, options.limits);
    }
    return this.executeSome(this.reader, isTimeUp);
  }

  private executeSome(reader: AofReader, isTimeUp: () => boolean): boolean {
    for (let items = 1; ; items++) {
      const answer = reader.next();
      if (answer === END) return true;
      if (answer === COMMAND) {
        this.execute(reader);
        this.place = null;
      } else if (answer === ANNOTATION) {
        this.place = readPlaceLine(reader.buffer, reader.commandStart, reader.commandEnd) ?? this.place;
      } else {
        throw this.changedError(reader.start);
      }
      if (items % COMMANDS_PER_LOOK === 0 && isTimeUp()) return false;
    }
  }

  private changedError(offset: number): CacheError {
    return new CacheError('BAD_AOF', `${this.options.path}, byte ${offset}: the file has changed while it was loaded`);
  }
}
