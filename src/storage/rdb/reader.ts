/**
 * RdbReader: the parts of the RDB format on their way in (see format.ts), from bytes that nobody has checked: a payload in
 * memory, whole items that a feed holds (feed.ts), or a file that comes chunk by chunk (source.ts).
 *
 * Nothing is thrown: what is not there or makes no sense lets the reader fail. From then on it has nothing left, every
 * number is 0 and every string is empty; so whoever reads asks once per element, or at the end, whether it `isFailed`, and
 * whoever loops stops there. Nothing is believed before its bytes are seen: no memory is taken for a length that the bytes
 * which are left cannot have.
 *
 * A string is good until the second next one is read, so that a name and its value can be held.
 */
import { Bytes, EMPTY_BUFFER, widen, writeInteger } from '../../base';
import { Int64, readInt32 } from '../int64';
import {
  COMPRESSED,
  EXPANSION_MAX,
  INTEGER_16,
  INTEGER_32,
  INTEGER_8,
  LENGTH_14,
  LENGTH_32,
  LENGTH_32_LIMIT,
  LENGTH_6,
  LENGTH_64,
  LENGTH_6_LIMIT,
  LENGTH_KIND_SHIFT,
} from './format';
import { decompress } from './lzf';
import { CHUNK_BYTES, type RdbSource } from './source';

const LENGTH_MASK = (1 << LENGTH_KIND_SHIFT) - 1;
const EIGHT_BYTES = 8;
/** Room for decompressed strings and spelled integers that is kept. */
const ROOM_BYTES_KEPT = 64 * 1024;
/** The longest string, if nobody says otherwise: Redis' default of `proto-max-bulk-len`. */
const STRING_BYTES_MAX = 512 * 1024 * 1024;
/**
 * The longest string of a file that lies in a chunk in any case. Two of them and what is between fit into one chunk, so that
 * reading a string takes no more than one refill, and the string before it survives that.
 */
const CHUNK_STRING_MAX = CHUNK_BYTES / 4;

const ENDS_TOO_SOON = 'the data end too soon, or a length is wrong';

const number = new DataView(new ArrayBuffer(EIGHT_BYTES));

export class RdbReader {
  /** Whether something was wrong. */
  isFailed = false;
  /** What was wrong, for people, and at which byte it was noticed. */
  failure = '';
  failedAt = 0;
  /** The longest string that is given memory of its own. */
  stringBytesMax = STRING_BYTES_MAX;

  private u8: Uint8Array = EMPTY_BUFFER;
  private at = 0;
  private end = 0;
  /** The place of `u8[0]`. */
  private base = 0;
  /** Where more comes from. */
  private source: RdbSource | null = null;
  /** Where strings lie that are not in the bytes themselves: two, used in turn, so that two strings can be held. */
  private readonly rooms = [widen(new Uint8Array(ROOM_BYTES_KEPT)), widen(new Uint8Array(ROOM_BYTES_KEPT))];
  private room = 0;
  private readonly wide = new Int64();
  private readonly compressed = new Bytes();

  /** Begins with these bytes, the first of which has this position; returns itself. */
  over(bytes: Bytes, position = 0): this {
    this.begin(null, position - bytes.start);
    this.u8 = bytes.buffer;
    this.at = bytes.start;
    this.end = bytes.end;
    return this;
  }

  /** Begins with a source at its beginning; returns itself. */
  from(source: RdbSource): this {
    this.begin(source, source.position);
    this.u8 = source.chunk;
    this.at = this.end = 0;
    return this;
  }

  /** The place of the next byte: in the bytes, from the position that was given, or in the file. */
  get position(): number {
    return this.base + this.at;
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.end - this.at + (this.source === null ? 0 : this.source.left);
  }

  /** Says that what was read makes no sense, and why; the first reason counts. */
  fail(reason = 'the data are corrupt'): void {
    if (!this.isFailed) {
      this.isFailed = true;
      this.failure = reason;
      this.failedAt = this.position;
    }
    this.source = null;
    this.at = this.end;
  }

  /** Takes everything that was read from the source into its checksum. */
  sum(): void {
    this.source?.sum(this.at);
  }

  byte(): number {
    return this.take(1) ? this.u8[this.at - 1] : 0;
  }

  /** A length, or any number written as one: a safe integer; what is larger fails. */
  length(): number {
    if (this.at < this.end && this.u8[this.at] < LENGTH_6_LIMIT) return this.u8[this.at++];
    const { wide } = this;
    this.wideLength(wide);
    const value = (wide.high >>> 0) * LENGTH_32_LIMIT + (wide.low >>> 0);
    if (Number.isSafeInteger(value)) return value;
    this.fail();
    return 0;
  }

  /** The same for numbers of any 64 bits. */
  wideLength(into: Int64): void {
    const first = this.byte();
    into.high = 0;
    switch (first >>> LENGTH_KIND_SHIFT) {
      case LENGTH_6:
        into.low = first;
        break;
      case LENGTH_14:
        into.low = ((first & LENGTH_MASK) << 8) | this.byte();
        break;
      default:
        if (first === LENGTH_64) into.high = this.bigEndian();
        else if (first !== LENGTH_32) this.fail();
        into.low = this.bigEndian();
    }
    if (this.isFailed) into.set(0);
  }

  /** A string. It is good until the second next string is read. */
  string(into: Bytes): Bytes {
    if (this.at === this.end && !this.refill(1)) return this.nothing(into);
    const first = this.u8[this.at];
    if (first < LENGTH_6_LIMIT) {
      this.at++;
      return this.raw(first, into);
    }
    if (first >>> LENGTH_KIND_SHIFT === LENGTH_14 || first === LENGTH_32 || first === LENGTH_64) {
      return this.raw(this.length(), into);
    }
    this.at++;
    switch (first) {
      case INTEGER_8:
        return this.spelled(this.littleEndian(1), into);
      case INTEGER_16:
        return this.spelled(this.littleEndian(2), into);
      case INTEGER_32:
        return this.spelled(this.littleEndian(4), into);
      case COMPRESSED:
        return this.decompressed(into);
      default:
        this.fail('a string has an unknown form');
        return into.set(EMPTY_BUFFER, 0, 0);
    }
  }

  /** So many bytes as they are. */
  raw(count: number, into: Bytes): Bytes {
    if (count > this.end - this.at) {
      if (count > CHUNK_STRING_MAX && this.source !== null) return this.rawLarge(count, into);
      if (!this.refill(count)) return this.nothing(into);
    }
    this.at += count;
    return into.set(this.u8, this.at - count, this.at);
  }

  /** A double, in eight bytes. */
  double(): number {
    if (!this.take(EIGHT_BYTES)) return 0;
    for (let i = 0; i < EIGHT_BYTES; i++) number.setUint8(i, this.u8[this.at - EIGHT_BYTES + i]);
    return number.getFloat64(0, true);
  }

  /** 64 bits, in eight bytes. */
  int64(into: Int64): void {
    if (this.take(EIGHT_BYTES)) into.read(this.u8, this.at - EIGHT_BYTES);
    else into.set(0);
  }

  /** 32 bits, in four bytes. */
  int32(): number {
    return this.littleEndian(4);
  }

  private begin(source: RdbSource | null, base: number): void {
    this.source = source;
    this.base = base;
    this.isFailed = false;
    this.failure = '';
  }

  /** Steps over `count` bytes; false where there are not so many. */
  private take(count: number): boolean {
    if (count > this.end - this.at && !this.refill(count)) return false;
    this.at += count;
    return true;
  }

  /** Has the source make `count` bytes available, at most CHUNK_STRING_MAX; fails where there are not so many. */
  private refill(count: number): boolean {
    const { source } = this;
    if (source !== null && count <= this.left) {
      this.base += this.at;
      this.end = source.refill(this.at, this.end);
      this.u8 = source.chunk;
      this.at = 0;
      if (count <= this.end) return true;
    }
    this.fail(ENDS_TOO_SOON);
    return false;
  }

  /** Bytes of a file that are given memory of their own. */
  private rawLarge(count: number, into: Bytes): Bytes {
    const { source } = this;
    if (source === null || count > this.left) return this.nothing(into);
    if (count > this.stringBytesMax) {
      this.fail(`a string of ${count} bytes is too long`);
      return into.set(EMPTY_BUFFER, 0, 0);
    }
    const bytes = widen(new Uint8Array(count));
    if (!source.readLarge(bytes, this.at, this.end)) return this.nothing(into);
    this.at = this.end;
    this.base = source.position - this.at;
    return into.set(bytes, 0, count);
  }

  /** Fails for want of bytes. */
  private nothing(into: Bytes): Bytes {
    this.fail(ENDS_TOO_SOON);
    return into.set(EMPTY_BUFFER, 0, 0);
  }

  /** 32 bits, the highest first, as a signed number. */
  private bigEndian(): number {
    if (!this.take(4)) return 0;
    const { u8, at } = this;
    return (u8[at - 4] << 24) | (u8[at - 3] << 16) | (u8[at - 2] << 8) | u8[at - 1];
  }

  /** A signed integer of 1, 2 or 4 bytes, the lowest first. */
  private littleEndian(count: number): number {
    if (!this.take(count)) return 0;
    const { u8, at } = this;
    if (count === 1) return (u8[at - 1] << 24) >> 24;
    if (count === 2) return ((u8[at - 2] << 16) | (u8[at - 1] << 24)) >> 16;
    return readInt32(u8, at - 4);
  }

  private spelled(value: number, into: Bytes): Bytes {
    const room = this.nextRoom();
    return into.set(room, 0, writeInteger(room, 0, value));
  }

  private decompressed(into: Bytes): Bytes {
    const compressedLength = this.length();
    const length = this.length();
    const isPossible =
      compressedLength <= this.left && length <= compressedLength * EXPANSION_MAX && length <= this.stringBytesMax;
    if (!isPossible) this.fail('a compressed string has an impossible length');
    const { buffer, start, end } = this.raw(this.isFailed ? 0 : compressedLength, this.compressed);
    if (this.isFailed) return into.set(EMPTY_BUFFER, 0, 0);
    const room = length <= ROOM_BYTES_KEPT ? this.nextRoom() : widen(new Uint8Array(length));
    if (!decompress(buffer, start, end, room, 0, length)) {
      this.fail('a compressed string is corrupt');
      return into.set(EMPTY_BUFFER, 0, 0);
    }
    return into.set(room, 0, length);
  }

  private nextRoom(): Uint8Array {
    this.room = 1 - this.room;
    return this.rooms[this.room];
  }
}
