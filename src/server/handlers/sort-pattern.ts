/**
 * SortPattern: what BY and GET of SORT say: from an element to a value that another key holds.
 *
 *   weight_*            the string under the key that has the element in the star's place
 *   user_*->name        a field of the hash under that key
 *   #                   the element itself
 *
 * Without a star there is no value; BY such a pattern means: do not sort. Redis looks for these signs as in C's strings, so a
 * byte of 0 hides what follows it.
 */
import { Bytes, copyBytes, widen } from '../../base';
import { TYPE_HASH, TYPE_STRING } from '../../storage';
import type { Call } from '../call';

const NUL = 0;
const STAR = 42; // *
const MINUS = 45; // -
const GREATER = 62; // >

const KEY_BYTES_MIN = 256;

export class SortPattern {
  /** Whether it names keys. */
  readonly hasStar: boolean;
  private readonly isElement: boolean;
  private readonly prefix: Bytes;
  private readonly suffix: Bytes;
  /** Of the hash that the key holds; null where it holds a string. */
  private readonly field: Bytes | null;
  private readonly key = new Bytes(widen(new Uint8Array(KEY_BYTES_MIN)));

  /** @param pattern borrowed for as long as this is in use */
  constructor({ buffer, start, end }: Bytes) {
    const nulAt = buffer.subarray(start, end).indexOf(NUL);
    const visible = new Bytes(buffer, start, nulAt < 0 ? end : start + nulAt);
    const star = buffer.subarray(start, visible.end).indexOf(STAR);
    this.hasStar = star >= 0;
    this.isElement = visible.is('#');
    const starAt = start + star;
    const arrowAt = this.hasStar ? findArrow(visible, starAt + 1) : -1;
    this.prefix = new Bytes(buffer, start, starAt);
    this.suffix = new Bytes(buffer, starAt + 1, arrowAt < 0 ? end : arrowAt);
    this.field = arrowAt < 0 ? null : new Bytes(buffer, arrowAt + 2, end);
  }

  /** Points `into` at what the pattern says of an element, until the next lookup or write; false where that is nothing. */
  find(call: Call, element: Bytes, into: Bytes): boolean {
    if (this.isElement) {
      into.set(element.buffer, element.start, element.end);
      return true;
    }
    if (!this.hasStar) return false;
    const key = this.keyOf(element);
    const record = call.lookupKey(key);
    if (record === 0) return false;
    const { records } = call.keyspace;
    const type = records.type(record);
    if (this.field !== null) {
      if (type !== TYPE_HASH) return false;
      call.hash.open(call.database, key, record);
      return call.hash.get(this.field, into);
    }
    if (type !== TYPE_STRING) return false;
    records.value(record, into);
    return true;
  }

  private keyOf(element: Bytes): Bytes {
    const { key, prefix, suffix } = this;
    const length = prefix.length + element.length + suffix.length;
    if (length > key.buffer.length) key.buffer = widen(new Uint8Array(length * 2));
    let at = copyBytes(prefix.buffer, prefix.start, prefix.end, key.buffer, 0);
    at = copyBytes(element.buffer, element.start, element.end, key.buffer, at);
    at = copyBytes(suffix.buffer, suffix.start, suffix.end, key.buffer, at);
    return key.set(key.buffer, 0, at);
  }
}

/** Where the first "->" from `from` on is, if a field follows it; else -1. */
function findArrow({ buffer, end }: Bytes, from: number): number {
  for (let at = from; at + 1 < end; at++) {
    if (buffer[at] === MINUS && buffer[at + 1] === GREATER) return at + 2 < end ? at : -1;
  }
  return -1;
}
