/**
 * WireWriter and WireReader: the few forms that numbers and bytes have in what Raft keeps and sends.
 *
 * Big-endian, of fixed width, so that the same words always give the same bytes and a length can be told from the words alone:
 * one byte, 32 bits, and whole numbers up to 2^53 − 1 in 64. Runs of bytes carry their length in front, lists their count.
 *
 * The reader believes nothing: each length is held against what is left before anything is made of it, so that no input costs
 * more memory than it has bytes, and what has more than one spelling elsewhere (a flag of 2, a number past 2^53) is refused.
 * Every failure is a CacheError BAD_MESSAGE that names the byte.
 */
import { asBuffer, CacheError } from '../base';

const INITIAL_BYTES = 256;
const TWO_TO_32 = 2 ** 32;
/** The upper half of the greatest safe integer. */
const UPPER_HALF_MAX = 2 ** 21 - 1;

export class WireWriter {
  private bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  private length = 0;

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  flag(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  uint32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32BE(value, this.length);
  }

  /** A whole number from 0 to 2^53 − 1. */
  integer(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeUInt32BE(Math.floor(value / TWO_TO_32), this.length);
    this.length = this.bytes.writeUInt32BE(value % TWO_TO_32, this.length);
  }

  /** Bytes with their number in front. */
  data(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    this.raw(bytes);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What was written. The memory is the caller's from now on: this writer is done. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const wider = Buffer.allocUnsafe(Math.max(needed, 2 * this.bytes.length));
    this.bytes.copy(wider, 0, 0, this.length);
    this.bytes = wider;
  }
}

export class WireReader {
  private readonly bytes: Buffer;
  private at = 0;

  /** Reads these bytes from the first on; they are not changed, nor kept by what is read. */
  constructor(bytes: Uint8Array) {
    this.bytes = asBuffer(bytes);
  }

  byte(): number {
    return this.bytes[this.take(1)];
  }

  flag(): boolean {
    const value = this.byte();
    if (value > 1) this.refuse('a flag is 0 or 1');
    return value === 1;
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.take(4));
  }

  integer(): number {
    const at = this.take(8);
    const upper = this.bytes.readUInt32BE(at);
    if (upper > UPPER_HALF_MAX) this.refuse('a number is too great');
    return upper * TWO_TO_32 + this.bytes.readUInt32BE(at + 4);
  }

  /** Bytes with their number in front, in memory of their own. */
  data(): Uint8Array {
    return this.raw(this.uint32());
  }

  /** So many bytes, in memory of their own. */
  raw(count: number): Uint8Array {
    const at = this.take(count);
    return new Uint8Array(this.bytes.subarray(at, at + count));
  }

  /** How many items follow, each of at least `itemBytesMin` bytes. */
  count(itemBytesMin: number): number {
    const count = this.uint32();
    if (count * itemBytesMin > this.bytes.length - this.at) this.refuse('a list is longer than its message');
    return count;
  }

  /** One of a list of words, by its place. */
  word<Word extends string>(words: readonly Word[]): Word {
    const place = this.byte();
    if (place >= words.length) this.refuse(`nothing has the number ${place} here`);
    return words[place];
  }

  /** To be called after the last field. */
  finish(): void {
    if (this.at !== this.bytes.length) this.refuse('there is more than there should be');
  }

  /** @throws CacheError BAD_MESSAGE */
  refuse(reason: string): never {
    throw new CacheError('BAD_MESSAGE', `not in the form of Raft's words: ${reason} (byte ${this.at})`);
  }

  private take(count: number): number {
    const { at } = this;
    if (count > this.bytes.length - at) this.refuse('it ends too early');
    this.at += count;
    return at;
  }
}
