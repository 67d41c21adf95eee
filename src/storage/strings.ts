/**
 * Strings: values that are bytes.
 *
 * OBJECT ENCODING tells "int" for what was stored whole and spells an int64, "embstr" for what was stored whole and
 * has at most 44 bytes, "raw" for the rest and for whatever was changed in place; just as Redis. The bytes lie the
 * same way under all three names.
 */
import { Bytes, copyBytes, integerLength, isInt64, writeInteger } from '../base';
import type { Address } from './arena';
import type { Database } from './database';
import type { Keyspace } from './keyspace';
import { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW, NO_EXPIRY, TYPE_STRING } from './records';

/** As expiry of a write: leave the key's as it is. */
export const KEEP_EXPIRY = -1;

/** Longest "embstr": what fits, with its header, into 64 bytes in Redis. */
const EMBSTR_LENGTH_MAX = 44;

export class Strings {
  private readonly value = new Bytes();

  constructor(private readonly keyspace: Keyspace) {}

  /** Stores a string whatever was under the key. `expiryAtMs` may be `NO_EXPIRY` or `KEEP_EXPIRY`. */
  set(database: Database, key: Bytes, value: Bytes, expiryAtMs: number): void {
    const old = database.peek(key);
    const encoding = encodingOf(value);
    const length = value.end - value.start;
    let record: Address;
    if (old === 0) {
      record = database.putMissing(key, TYPE_STRING, encoding, length, Math.max(expiryAtMs, NO_EXPIRY));
    } else {
      const expiry = expiryAtMs === KEEP_EXPIRY ? this.keyspace.records.expiry(old) : expiryAtMs;
      record = database.putFound(old, TYPE_STRING, encoding, length, expiry, false);
    }
    const to = this.keyspace.records.value(record, this.value);
    copyBytes(value.buffer, value.start, value.end, to.buffer, to.start);
  }

  /** A record of a string that is in no database yet (see `Database.insertMade`). `expiryAtMs` may be `NO_EXPIRY`. */
  make(key: Bytes, value: Bytes, expiryAtMs: number): Address {
    const { records } = this.keyspace;
    const length = value.end - value.start;
    const record = records.create(key, TYPE_STRING, encodingOf(value), length, expiryAtMs, this.keyspace.newStamp());
    const to = records.value(record, this.value);
    copyBytes(value.buffer, value.start, value.end, to.buffer, to.start);
    return record;
  }

  /**
   * Stores a safe integer, spelled in place, under a key that was just looked for with `record` as the answer (0 for
   * none). The key keeps its expiry.
   */
  setInteger(database: Database, key: Bytes, record: Address, value: number): void {
    const to = this.replace(database, key, record, ENCODING_INT, integerLength(value));
    writeInteger(to.buffer, to.start, value);
  }

  /** The same for bytes that are never "int", whatever they spell: what INCRBYFLOAT leaves. */
  setText(database: Database, key: Bytes, record: Address, text: Bytes): void {
    const encoding = text.length > EMBSTR_LENGTH_MAX ? ENCODING_RAW : ENCODING_EMBSTR;
    const to = this.replace(database, key, record, encoding, text.length);
    copyBytes(text.buffer, text.start, text.end, to.buffer, to.start);
  }

  /** The same for bytes that are "raw", however few: what was made by changing others. */
  setRaw(database: Database, key: Bytes, record: Address, bytes: Bytes): void {
    const to = this.replace(database, key, record, ENCODING_RAW, bytes.length);
    copyBytes(bytes.buffer, bytes.start, bytes.end, to.buffer, to.start);
  }

  private replace(database: Database, key: Bytes, record: Address, encoding: number, length: number): Bytes {
    const { records } = this.keyspace;
    const placed =
      record === 0
        ? database.putMissing(key, TYPE_STRING, encoding, length, NO_EXPIRY)
        : database.putFound(record, TYPE_STRING, encoding, length, records.expiry(record), false);
    return records.value(placed, this.value);
  }

  /** Appends to the string of a record that was just found; returns the new length in bytes. */
  append(database: Database, record: Address, tail: Bytes): number {
    const length = this.keyspace.records.value(record, this.value).length;
    this.writeRange(database, record, length, tail);
    return length + tail.length;
  }

  /**
   * Overwrites the string of a record that was just found from byte `offset` on, making it longer and filling a gap
   * with zeros where needed; returns the new length in bytes.
   */
  writeRange(database: Database, record: Address, offset: number, bytes: Bytes): number {
    const { records } = this.keyspace;
    const oldLength = records.value(record, this.value).length;
    const length = Math.max(oldLength, offset + bytes.length);
    const grown = database.putFound(record, TYPE_STRING, ENCODING_RAW, length, records.expiry(record), true);
    const value = records.value(grown, this.value);
    if (offset > oldLength) value.buffer.fill(0, value.start + oldLength, value.start + offset);
    copyBytes(bytes.buffer, bytes.start, bytes.end, value.buffer, value.start + offset);
    return length;
  }

  /** A string of `offset` zeros and these bytes, under a key that was just looked for in vain; returns its length. */
  putPadded(database: Database, key: Bytes, offset: number, bytes: Bytes): number {
    const value = this.replace(database, key, 0, ENCODING_RAW, offset + bytes.length);
    value.buffer.fill(0, value.start, value.start + offset);
    copyBytes(bytes.buffer, bytes.start, bytes.end, value.buffer, value.start + offset);
    return offset + bytes.length;
  }

  /**
   * Makes a string at least `length` bytes long, filling up with zeros, and returns its bytes, to be changed in place until
   * the next write: it is "raw" from now on. `record` is what the key was just found to be (0 for none); its expiry stays.
   * Where the string is long enough nothing is changed yet: who goes on to change it calls `database.changing` before.
   */
  stretch(database: Database, key: Bytes, record: Address, length: number): Bytes {
    const { records } = this.keyspace;
    if (record === 0) {
      const made = this.replace(database, key, 0, ENCODING_RAW, length);
      made.buffer.fill(0, made.start, made.end);
      return made;
    }
    const oldLength = records.value(record, this.value).length;
    if (length <= oldLength) {
      records.setEncoding(record, ENCODING_RAW);
      return this.value;
    }
    const grown = database.putFound(record, TYPE_STRING, ENCODING_RAW, length, records.expiry(record), true);
    const value = records.value(grown, this.value);
    value.buffer.fill(0, value.start + oldLength, value.end);
    return value;
  }
}

function encodingOf(value: Bytes): number {
  const length = value.end - value.start;
  if (length > EMBSTR_LENGTH_MAX) return ENCODING_RAW;
  const first = value.buffer[value.start];
  // Most values are no numbers: one look at the first byte settles it.
  if ((first === 45 || (first >= 48 && first <= 57)) && isInt64(value.buffer, value.start, value.end)) {
    return ENCODING_INT;
  }
  return ENCODING_EMBSTR;
}
