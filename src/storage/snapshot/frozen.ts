/**
 * Frozen: a large value as it was when a walk began, while clients go on changing it.
 *
 * A large value is never copied as a whole. From the first change after the beginning of the walk, or from the moment when the
 * walk comes to it, it is frozen: the keyspace tells of each element that is about to change, and those which the walk has
 * not passed yet are written aside, as they were; the rest are written from where they lie. So what is kept in memory grows
 * with the changes, not with the value. A value that is deleted meanwhile is freed only when the walk is through with it.
 *
 * Always: each element that was there at the beginning is written exactly once. It is counted, and a count that does not come
 * out right ends the snapshot: a file that would lie must not be finished.
 */
import { assert, Bytes, Output, widen } from '../../base';
import type { Address } from '../arena';
import type { Keyspace } from '../keyspace';
import type { LargeValue, SnapshotFormat } from './format';

export abstract class Frozen implements LargeValue {
  readonly key: Bytes;
  readonly type: number;
  readonly expiryAtMs: number;
  readonly access: number;
  /** Parts that must be written. */
  abstract readonly length: number;
  /** Parts that were written before their turn, because they were about to change. */
  protected readonly aside = new Output();
  /** Parts written so far, those aside included. */
  protected written = 0;

  constructor(
    protected readonly keyspace: Keyspace,
    protected readonly format: SnapshotFormat,
    readonly databaseIndex: number,
    record: Address,
    readonly root: Address,
  ) {
    const { records } = keyspace;
    const view = records.key(record, new Bytes());
    const copy = widen(view.buffer.slice(view.start, view.end));
    this.key = new Bytes(copy, 0, copy.length);
    this.type = records.type(record);
    this.expiryAtMs = records.expiry(record);
    this.access = records.access(record);
  }

  /** Members with this hash (of a hash, set or sorted set) are about to be added, changed or removed. */
  memberChanging(_hash: number): void {}

  /** A node (of a list or stream) is about to be changed or freed. */
  nodeChanging(_node: Address): void {}

  /** Memory of what was written aside, in bytes. */
  get asideBytes(): number {
    return this.aside.length;
  }

  /** Writes the parts that are left until `isTimeUp`; whether all are written. */
  step(out: Output, isTimeUp: () => boolean): boolean {
    if (this.aside.length > 0) out.append(this.aside);
    if (!this.writeRest(out, isTimeUp)) return false;
    assert(this.written === this.length, `a snapshot has ${this.written} parts of ${this.length} of a value`);
    return true;
  }

  protected abstract writeRest(out: Output, isTimeUp: () => boolean): boolean;
}
