/**
 * Walks: the snapshot walks that are under way, as the rest of the keyspace sees them.
 *
 * The keyspace's observer hears of keys. What this hears of besides are the elements of large values, and the death of
 * whatever a walk still needs: deleted values and flushed tables are kept here until no walk needs them any more, and freed
 * in pieces then. While no walk is under way all of it costs one look at `isAny`.
 */
import type { Bytes } from '../../base';
import type { Address } from '../arena';
import type { Database } from '../database';
import type { Reclaimer, ReclaimJob } from '../reclaimer';
import type { Frozen } from './frozen';

/** What a walk tells of itself here. */
export interface Walk {
  /** A key is about to be changed. */
  keyChanging(database: Database, key: Bytes): void;
  /** The frozen value with this root, where the walk has one that it is not through with. */
  frozenOf(root: Address): Frozen | undefined;
  /** It could not keep what it needs, and ends: the change that it is told of goes on. */
  failed(error: Error): void;
}

export class Walks {
  isAny = false;
  private walks: readonly Walk[] = [];
  /** Of deleted values that are frozen, by root: how to free them. */
  private readonly retained = new Map<Address, ReclaimJob>();
  /** What was flushed since the oldest walk began. */
  private readonly postponed: ReclaimJob[] = [];

  constructor(private readonly reclaimer: Reclaimer) {}

  add(walk: Walk): void {
    this.walks = [...this.walks, walk];
    this.isAny = true;
  }

  /** Ends a walk, which must be through with its frozen values, or have released them. */
  remove(walk: Walk): void {
    this.walks = this.walks.filter((each) => each !== walk);
    this.isAny = this.walks.length > 0;
    if (this.isAny) return;
    for (const job of this.postponed.splice(0)) this.reclaimer.add(job);
  }

  /** A key is about to be changed in a way of which observers of the keyspace do not hear: the groups of a stream are. */
  keyChanging(database: Database, key: Bytes): void {
    for (const walk of this.walks) walk.keyChanging(database, key);
  }

  /** Members of the hash, set or sorted set with this root that have this hash are about to be added, changed or removed. */
  memberChanging(root: Address, hash: number): void {
    this.tell(root, (frozen) => frozen.memberChanging(hash));
  }

  /** A node of the list or stream with this root is about to be changed or freed. */
  nodeChanging(root: Address, node: Address): void {
    this.tell(root, (frozen) => frozen.nodeChanging(node));
  }

  /** Keeps a deleted value that a walk needs, to be freed by `job` afterwards; false where none needs it. */
  retain(root: Address, job: ReclaimJob): boolean {
    if (!this.isFrozen(root)) return false;
    this.retained.set(root, job);
    return true;
  }

  /** A walk is through with a frozen value: it has forgotten it. */
  released(root: Address): void {
    const job = this.retained.get(root);
    if (job === undefined || this.isFrozen(root)) return;
    this.retained.delete(root);
    this.reclaimer.add(job);
  }

  /** Keeps flushed tables until all walks of now have ended, to be freed by `job`. */
  postpone(job: ReclaimJob): void {
    this.postponed.push(job);
  }

  private tell(root: Address, deed: (frozen: Frozen) => void): void {
    for (const walk of this.walks) {
      const frozen = walk.frozenOf(root);
      if (frozen === undefined) continue;
      try {
        deed(frozen);
      } catch (error) {
        walk.failed(error as Error);
      }
    }
  }

  private isFrozen(root: Address): boolean {
    return this.walks.some((walk) => walk.frozenOf(root) !== undefined);
  }
}
