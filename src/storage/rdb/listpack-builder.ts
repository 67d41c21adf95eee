/**
 * ListpackBuilder: a listpack in the making, outside of the arena, in memory that grows: for what comes in other forms and
 * will be a packed collection, or a node of one.
 */
import { Bytes, copyBytes, widen } from '../../base';
import { elementSize, Listpack, LISTPACK_EMPTY_BYTES, LISTPACK_HEADER_BYTES } from '../listpack';

export class ListpackBuilder {
  /** Elements so far. */
  count = 0;
  private readonly bytes: Bytes;
  private readonly listpack = new Listpack();
  private at = LISTPACK_HEADER_BYTES;

  /** With room for a listpack of so many bytes, for a start. */
  constructor(bytes: number) {
    this.bytes = new Bytes(widen(new Uint8Array(Math.max(bytes, LISTPACK_EMPTY_BYTES))));
    this.listpack.over(this.bytes);
  }

  append(text: Bytes): void {
    const needed = this.at + elementSize(text) + 1;
    if (needed > this.bytes.buffer.length) this.grow(Math.max(needed, this.bytes.buffer.length * 2));
    this.at = this.listpack.write(this.at, text);
    this.count++;
  }

  /** The listpack. */
  finish(): Bytes {
    this.listpack.writeFrame(this.at + 1, this.count);
    this.bytes.end = this.at + 1;
    return this.bytes;
  }

  private grow(length: number): void {
    const larger = widen(new Uint8Array(length));
    copyBytes(this.bytes.buffer, 0, this.at, larger, 0);
    this.bytes.set(larger, 0, length);
    this.listpack.over(this.bytes);
  }
}
