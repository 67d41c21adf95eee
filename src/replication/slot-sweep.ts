/**
 * SlotSweep: removes all keys of some slots, in slices: at the source when the slots have another owner, and at a receiver before a
 * copy of them begins.
 *
 * Each key leaves a DEL in the journal, as if somebody had sent it: our own replicas and the append-only file lose it
 * too, and so does who watches it, or walks. Whoever sweeps sees to it that nobody writes to these slots meanwhile.
 */
import type { Address, Database, Keyspace } from '../storage';

/** Keys between two looks at the clock. */
const KEYS_AT_ONCE = 64;
/** Hashes are below this. */
const HASH_LIMIT = 2 ** 32;

export class SlotSweep {
  /** Keys that were removed. */
  keysDone = 0;
  private readonly slots: readonly number[];
  private readonly records: Address[] = [];
  /** The table that is being emptied, and up to which hash it is empty. */
  private keys: Database['keys'] | null = null;
  private slot = 0;
  private from = 0;

  /** @param slots numbers of slots, 0 … 1023 */
  constructor(
    private readonly keyspace: Keyspace,
    slots: Iterable<number>,
  ) {
    this.slots = [...slots];
  }

  /** Goes on until `isTimeUp`; whether all is removed. Not while a command runs. */
  run(isTimeUp: () => boolean): boolean {
    for (const database of this.keyspace.usedDatabases()) {
      for (const slot of this.slots) {
        while (database.keys.count(slot) > 0) {
          this.removeSome(database, slot);
          if (isTimeUp()) return false;
        }
      }
    }
    return true;
  }

  private removeSome(database: Database, slot: number): void {
    if (this.keys !== database.keys || this.slot !== slot) this.from = 0;
    this.keys = database.keys;
    this.slot = slot;
    const { keyspace, records } = this;
    const { dueKeys } = keyspace;
    // What is due goes like all others, and is found for that.
    keyspace.dueKeys = 'stay';
    const next = database.keys.collect(slot, this.from, KEYS_AT_ONCE, records);
    this.from = next < HASH_LIMIT ? next : 0;
    for (const record of records) if (database.evict(record)) this.keysDone++;
    keyspace.dueKeys = dueKeys;
  }
}
