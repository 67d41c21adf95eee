/**
 * RdbWriter: the parts of the RDB format on their way out: lengths, strings, numbers (see format.ts). It appends to an Output,
 * be that a file's, a replica's or a payload's, and knows nothing of values.
 *
 * A string that spells an integer of 32 bits is written as that, one of more than 20 bytes is compressed if that saves four
 * bytes; as Redis does, so that equal values have equal bytes.
 */
import { Output, parseIntegerAt, type Bytes } from '../../base';
import type { Int64 } from '../int64';
import { writeInt32 } from '../int64';
import { compress } from './lzf';
import { compressQuickly } from './lzf-quick';
import {
  COMPRESSED,
  COMPRESSED_FROM_BYTES,
  COMPRESSION_GAIN_BYTES,
  INTEGER_16,
  INTEGER_32,
  INTEGER_8,
  LENGTH_14,
  LENGTH_14_LIMIT,
  LENGTH_32,
  LENGTH_32_LIMIT,
  LENGTH_64,
  LENGTH_6_LIMIT,
  LENGTH_KIND_SHIFT,
  RDB_VERSION,
} from './format';

/** The longest spelling of an integer of 32 bits. */
const INTEGER_TEXT_MAX = 11;
/** The longest string that is compressed quickly: more would take longer than a slice of a snapshot may. */
const QUICK_BYTES_MAX = 64 * 1024;
/** Room for compressed strings that is kept. */
const ROOM_BYTES_KEPT = 64 * 1024;

const EIGHT_BYTES = 8;
const number = new DataView(new ArrayBuffer(EIGHT_BYTES));
const numberBytes = new Uint8Array(number.buffer);

export class RdbWriter {
  /** Whether strings may be compressed: `rdbcompression`. */
  compresses = true;
  /** Whether strings are compressed as Redis does it, byte for byte, however long they are; else quickly, and long ones not. */
  isExact = true;
  /** The version of the format that is written: RDB_VERSION to RDB_VERSION_PACKED_SETS. */
  version = RDB_VERSION;
  private room: Uint8Array | null = null;

  constructor(public out: Output) {}

  byte(value: number): void {
    this.out.byte(value);
  }

  /** Bytes as they are. */
  raw(bytes: Bytes): void {
    this.out.bytes(bytes.buffer, bytes.start, bytes.end);
  }

  /** A length: a safe integer from 0 on. */
  length(value: number): void {
    const { out } = this;
    out.reserve(1 + EIGHT_BYTES);
    if (value < LENGTH_6_LIMIT) {
      out.buffer[out.position++] = value;
    } else if (value < LENGTH_14_LIMIT) {
      out.buffer[out.position++] = (LENGTH_14 << LENGTH_KIND_SHIFT) | (value >>> 8);
      out.buffer[out.position++] = value;
    } else if (value < LENGTH_32_LIMIT) {
      out.buffer[out.position++] = LENGTH_32;
      this.bigEndian(value);
    } else {
      out.buffer[out.position++] = LENGTH_64;
      this.bigEndian(Math.floor(value / LENGTH_32_LIMIT));
      this.bigEndian(value >>> 0);
    }
  }

  /** The same for any 64 bits, taken as unsigned. */
  wideLength(low: number, high: number): void {
    if (high === 0) return this.length(low >>> 0);
    const { out } = this;
    out.reserve(1 + EIGHT_BYTES);
    out.buffer[out.position++] = LENGTH_64;
    this.bigEndian(high);
    this.bigEndian(low);
  }

  string(text: Bytes): void {
    this.stringAt(text.buffer, text.start, text.end);
  }

  /** `buffer[start, end)` as a string. */
  stringAt(buffer: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= INTEGER_TEXT_MAX && this.integer(parseIntegerAt(buffer, start, end))) return;
    const isCompressible = length >= COMPRESSED_FROM_BYTES && (this.isExact || length <= QUICK_BYTES_MAX);
    if (isCompressible && this.compresses && this.compressed(buffer, start, end)) return;
    this.length(length);
    this.out.bytes(buffer, start, end);
  }

  /** A double, in its eight bytes. */
  double(value: number): void {
    number.setFloat64(0, value, true);
    this.out.bytes(numberBytes, 0, EIGHT_BYTES);
  }

  /** 64 bits, in eight bytes. */
  int64(value: Int64): void {
    value.write(numberBytes, 0);
    this.out.bytes(numberBytes, 0, EIGHT_BYTES);
  }

  /** Writes an integer of 32 bits; false, and nothing written, for any other number. */
  private integer(value: number): boolean {
    if (value !== (value | 0)) return false;
    const { out } = this;
    out.reserve(1 + 4);
    const { buffer } = out;
    if (value === (value << 24) >> 24) {
      buffer[out.position++] = INTEGER_8;
      buffer[out.position++] = value;
    } else if (value === (value << 16) >> 16) {
      buffer[out.position++] = INTEGER_16;
      buffer[out.position++] = value;
      buffer[out.position++] = value >>> 8;
    } else {
      buffer[out.position++] = INTEGER_32;
      writeInt32(buffer, out.position, value);
      out.position += 4;
    }
    return true;
  }

  /** Writes a string compressed; false, and nothing written, where that does not save enough. */
  private compressed(buffer: Uint8Array, start: number, end: number): boolean {
    const limit = end - start - COMPRESSION_GAIN_BYTES;
    const room = limit <= ROOM_BYTES_KEPT ? (this.room ??= new Uint8Array(ROOM_BYTES_KEPT)) : new Uint8Array(limit);
    const length = (this.isExact ? compress : compressQuickly)(buffer, start, end, room, 0, limit);
    if (length === 0) return false;
    this.byte(COMPRESSED);
    this.length(length);
    this.length(end - start);
    this.out.bytes(room, 0, length);
    return true;
  }

  /** 32 bits, the highest first, where room was reserved. */
  private bigEndian(value: number): void {
    const { out } = this;
    out.buffer[out.position++] = value >>> 24;
    out.buffer[out.position++] = value >>> 16;
    out.buffer[out.position++] = value >>> 8;
    out.buffer[out.position++] = value;
  }
}
