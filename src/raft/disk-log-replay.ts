/**
 * Replaying the segments of a disk log: from their bytes to what was promised, or to a refusal.
 *
 * All segments but the last were durable to the byte that the next one's header names, so anything wrong before it is damage. The
 * last may end in the middle of what was being written when the machine stopped. What is wrong there is a *torn tail*, to be cut, unless a
 * record that is whole stands behind it and says that this place had been synced: then somebody has relied on it. Two cases cannot
 * be told from a torn tail by any log: damage to the last batch when the power went before its seal was on the disk, and a
 * file cut short at its end.
 *
 * Removed segments may come back, or go in any order, when the power goes: what stands before a gap in the numbers had been
 * given up before, and the header after the gap says so. If it had not, entries are missing, and that is refused.
 */
import { assert, CacheError, isPlanted } from '../base';
import {
  badLog,
  decodeHeader,
  decodeSave,
  HEADER_BYTES,
  isVouchedFor,
  readRecord,
  type LogRecord,
  type RecordPlace,
  type SegmentHeader,
} from './disk-log-format';
import { HeldLog } from './held-log';

/** A segment as it was found. */
export interface SegmentFile {
  readonly number: number;
  readonly path: string;
  readonly bytes: Buffer;
}

/** A segment that counts. */
export interface Segment {
  readonly number: number;
  /** The greatest index that an entry in it has, whether that entry still counts or not; 0 if there is none. */
  lastIndexMax: number;
}

export interface Replay {
  readonly held: HeldLog;
  /** In order, the last one being that to go on with. */
  readonly segments: Segment[];
  /** Bytes of the last segment that count. */
  readonly end: number;
  /** Sum of its last record. */
  readonly sum: number;
}

interface Opened {
  readonly file: SegmentFile;
  readonly record: LogRecord;
  readonly header: SegmentHeader;
}

/** Replays segments, given in the order of their numbers. @throws CacheError BAD_LOG */
export function replaySegments(files: readonly SegmentFile[], incarnation: string): Replay {
  const opened = openAll(files, incarnation);
  const held = new HeldLog();
  const segments: Segment[] = [];
  let end = 0;
  let sum = 0;
  for (const [i, { file, record, header }] of opened.entries()) {
    if (i === 0) {
      held.base = header.base;
      held.beginAfter(header.lastIndex);
    } else {
      if (record.previousSum !== sum) throw badLog(file.path, 0, 'it does not follow on the segment before it');
      if (header.lastIndex > Math.max(held.lastIndex, header.base.index)) {
        throw badLog(file.path, 0, 'entries before it are missing');
      }
      held.restate(header.base, header.lastIndex);
    }
    held.hardState = header.hardState;
    const next = opened[i + 1]?.header ?? null;
    const segment = { number: file.number, lastIndexMax: 0 };
    const walk = new SegmentWalk(file, incarnation, segment, held);
    ({ end, sum } = walk.run(record, next === null ? null : next.formerBytes));
    segments.push(segment);
  }
  return { held, segments, end, sum };
}

/** Headers of the segments that count. */
function openAll(files: readonly SegmentFile[], incarnation: string): Opened[] {
  const unbroken = files.filter((_, i) => files.slice(i).every(({ number }, j) => number === files[i].number + j));
  const opened: Opened[] = [];
  for (const [i, file] of unbroken.entries()) {
    const record = readRecord(file.bytes, { incarnation: '', segment: file.number, offset: 0 });
    if (record?.kind === 'header') {
      const header = decoded(file, 0, () => decodeHeader(record.body));
      if (header.incarnation !== incarnation)
        throw badLog(file.path, 0, 'it belongs to another node, or to another life of it');
      opened.push({ file, record, header });
    } else if (i < unbroken.length - 1 || file.bytes.length > HEADER_BYTES) {
      throw badLog(file.path, 0, 'its header is not whole');
    }
    // Else it was being made when the machine stopped, and nothing was ever written to it.
  }
  return opened;
}

/** A walk over the records of one segment. */
class SegmentWalk {
  constructor(
    private readonly file: SegmentFile,
    private readonly incarnation: string,
    private readonly segment: Segment,
    private readonly held: HeldLog,
  ) {}

  /** From the header on to `limit`, or (null) to the end of what is whole. Where that is, and the sum of the last record. */
  run(header: LogRecord, limit: number | null): { end: number; sum: number } {
    const { bytes, path } = this.file;
    const stop = limit ?? bytes.length;
    let last = header;
    while (last.end < stop) {
      const record = this.recordAfter(last, limit === null);
      if (record === null) {
        if (limit !== null) throw badLog(path, last.end, 'a record is not whole, though the segment had been finished');
        if (isVouchedFor(bytes, this.placeAt(last.end), last.end)) {
          throw badLog(path, last.end, 'a record is not whole, though it had been synced');
        }
        break;
      }
      this.take(record, last.end);
      last = record;
    }
    if (limit !== null && last.end !== limit) throw badLog(path, last.end, 'it is shorter than it was');
    return last;
  }

  private recordAfter(last: LogRecord, isTail: boolean): LogRecord | null {
    const isTrusting = isTail && isPlanted('torn-tail-kept');
    const record = readRecord(this.file.bytes, this.placeAt(last.end), isTrusting);
    return record !== null && (record.previousSum === last.sum || isTrusting) ? record : null;
  }

  private placeAt(offset: number): RecordPlace {
    return { incarnation: this.incarnation, segment: this.file.number, offset };
  }

  private take(record: LogRecord, offset: number): void {
    if (record.kind === 'seal') return;
    if (record.kind !== 'save')
      throw badLog(this.file.path, offset, `a record of the kind '${record.kind}' is out of place`);
    const { hardState, entries } = decoded(this.file, offset, () => decodeSave(record.body));
    if (!this.held.fits(entries)) throw badLog(this.file.path, offset, 'its entries do not follow on the log');
    this.held.append(entries);
    if (hardState !== null) this.held.hardState = hardState;
    if (entries.length > 0)
      this.segment.lastIndexMax = Math.max(this.segment.lastIndexMax, entries[entries.length - 1].index);
  }
}

/** What is whole and yet cannot be read was never written by this version. */
function decoded<T>({ path }: SegmentFile, offset: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    assert(error instanceof CacheError, 'decoding fails in one way only');
    throw badLog(path, offset, error.message);
  }
}
