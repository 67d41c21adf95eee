/**
 * LinkLine: a line of the dialogue between master and replica, however its bytes arrive.
 *
 * Lines end with LF, before which a CR is no part of them. An empty one means that the other side is alive. Nothing that is said
 * there is long: a line that does not end is garbage.
 */
import { asBuffer } from '../base';

const LF = 10;
const LINE_BYTES_MAX = 1024;

export class LinkLine {
  /** After `read` has found its end: the line, one character per byte. */
  text = '';
  /** No line is so long: nothing more can be read. */
  isTooLong = false;
  private begun = '';

  /** Reads on in `buffer[start, end)`; the position after the line, or -1 where it has not ended. */
  read(buffer: Uint8Array, start: number, end: number): number {
    const found = asBuffer(buffer).indexOf(LF, start);
    const at = found < 0 || found >= end ? end : found;
    if (this.begun.length + (at - start) > LINE_BYTES_MAX) {
      this.isTooLong = true;
      return -1;
    }
    this.begun += asBuffer(buffer).toString('latin1', start, at);
    if (at === end) return -1;
    this.text = this.begun.endsWith('\r') ? this.begun.slice(0, -1) : this.begun;
    this.begun = '';
    return at + 1;
  }
}
