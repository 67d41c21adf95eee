/**
 * Transfer: cuts the snapshot that a master sends out of the bytes of the connection.
 *
 *   $<bytes>\r\n<snapshot>                   of a master that has it in a file; the stream follows at once
 *   $EOF:<mark>\r\n<snapshot><mark>          of one that makes it while it sends; the mark is forty bytes drawn for this once
 *
 * A mark may be cut anywhere, and what looks like its beginning may be the snapshot's own: so bytes that may turn out to be the
 * mark's are kept back until it is clear what they are, 39 at most.
 */
import { asBuffer, EMPTY_BUFFER } from '../base';

const MARK_BYTES = 40;
/** A mark that is not whole has at most so many. */
const HELD_BYTES_MAX = MARK_BYTES - 1;
const BY_LENGTH = /^\$(\d{1,15})$/;
const BY_MARK = /^\$EOF:([\x21-\x7e]{40})$/;

/** Takes a piece of the snapshot, which is lent until it returns. */
export type TakePiece = (buffer: Uint8Array, start: number, end: number) => void;

export class Transfer {
  /** Bytes of the snapshot so far. */
  receivedBytes = 0;
  /** Whether all of it was received. */
  isWhole = false;
  /** Bytes that are kept back. */
  private held: Uint8Array = EMPTY_BUFFER;

  private constructor(
    /** Bytes of the snapshot; null where nobody knows yet. */
    readonly totalBytes: number | null,
    private readonly mark: Buffer | null,
  ) {}

  /** By the line that announces a snapshot; null where that is none. */
  static of(line: string): Transfer | null {
    const byLength = BY_LENGTH.exec(line);
    if (byLength !== null) return new Transfer(Number(byLength[1]), null);
    const byMark = BY_MARK.exec(line);
    return byMark === null ? null : new Transfer(null, Buffer.from(byMark[1], 'latin1'));
  }

  /** Hands what of `buffer[start, end)` is the snapshot's to `take`; the position after it (and its mark, where it is whole). */
  receive(buffer: Uint8Array, start: number, end: number, take: TakePiece): number {
    const pass: TakePiece = (from, first, last) => {
      if (first === last) return;
      this.receivedBytes += last - first;
      take(from, first, last);
    };
    return this.mark === null
      ? this.receiveCounted(this.totalBytes!, buffer, start, end, pass)
      : this.receiveMarked(this.mark, buffer, start, end, pass);
  }

  private receiveCounted(total: number, buffer: Uint8Array, start: number, end: number, pass: TakePiece): number {
    const to = Math.min(end, start + total - this.receivedBytes);
    pass(buffer, start, to);
    this.isWhole = this.receivedBytes === total;
    return to;
  }

  private receiveMarked(mark: Buffer, buffer: Uint8Array, start: number, end: number, pass: TakePiece): number {
    const { held } = this;
    if (held.length > 0) {
      // A mark that began in what was kept back ends here.
      const seam = Buffer.concat([held, buffer.subarray(start, Math.min(end, start + HELD_BYTES_MAX))]);
      const found = seam.indexOf(mark);
      if (found >= 0) {
        pass(seam, 0, found);
        return this.endAt(start + found + MARK_BYTES - held.length);
      }
      if (end - start < HELD_BYTES_MAX) {
        this.keepEnd(seam, 0, seam.length, pass);
        return end;
      }
      pass(held, 0, held.length);
    }
    const found = asBuffer(buffer).subarray(start, end).indexOf(mark);
    if (found >= 0) {
      pass(buffer, start, start + found);
      return this.endAt(start + found + MARK_BYTES);
    }
    this.keepEnd(buffer, start, end, pass);
    return end;
  }

  /** Passes all but the last bytes on, with which a mark may begin. */
  private keepEnd(buffer: Uint8Array, start: number, end: number, pass: TakePiece): void {
    const from = Math.max(start, end - HELD_BYTES_MAX);
    pass(buffer, start, from);
    this.held = Uint8Array.from(buffer.subarray(from, end));
  }

  private endAt(position: number): number {
    this.held = EMPTY_BUFFER;
    this.isWhole = true;
    return position;
  }
}
