/**
 * StringBatch: new string keys on their way into a database, a few at a time.
 *
 * To find out that a key is not there yet, and to enter it, memory has to be read that no cache holds: the page where the key
 * belongs. One by one that is most of what loading costs. So records are made as they come, and entered when there are as many
 * as a processor can fetch pages for at once: a fifth less time for a file of short strings (measured).
 */
import { type Bytes } from '../../base';
import { slotOfBytes } from '../../slots';
import type { Address } from '../arena';
import type { Database } from '../database';
import { FETCH_MAX } from '../key-index';
import type { Keyspace } from '../keyspace';
import { Strings } from '../strings';

export class StringBatch {
  /** Keys that were entered, ever. */
  entered = 0;
  private readonly strings: Strings;
  private readonly made: Address[] = [];
  private readonly slots = new Int32Array(FETCH_MAX);
  private readonly hashes = new Uint32Array(FETCH_MAX);
  private count = 0;

  constructor(private readonly keyspace: Keyspace) {
    this.strings = new Strings(keyspace);
  }

  get isFull(): boolean {
    return this.count === FETCH_MAX;
  }

  /** Takes a string, which is in no database until `enter`; returns its record. The batch must not be full. */
  add(key: Bytes, value: Bytes, expiryAtMs: number): Address {
    const record = this.strings.make(key, value, expiryAtMs);
    this.slots[this.count] = slotOfBytes(key.buffer, key.start, key.end);
    this.hashes[this.count] = this.keyspace.hash.of(key.buffer, key.start, key.end);
    this.made[this.count++] = record;
    return record;
  }

  /**
   * Enters what was taken into a database. False where a key is there already: `twice` is that key then, and the batch forgets
   * it and those after it.
   */
  enter(database: Database, twice: Bytes): boolean {
    const { count, made } = this;
    this.count = 0;
    const entered = database.insertMade(made, this.slots, this.hashes, count);
    this.entered += entered;
    if (entered === count) return true;
    const { records } = this.keyspace;
    const key = records.key(made[entered], twice).copy();
    for (let i = entered; i < count; i++) records.free(made[i]);
    twice.set(key, 0, key.length);
    return false;
  }
}
