/**
 * ShadowDatabases: a second set of databases in the same keyspace, filled while clients go on using the first, and put in its
 * place as a whole, or given up. So a replica that is sent everything anew serves what it has until that is complete. (Redis:
 * `repl-diskless-load swapdb`.)
 *
 * Shadows are databases that no client sees and nobody observes (as drafts are, draft.ts): no number leads to them, so SCAN,
 * DBSIZE, the expiry cycle and eviction do not know them; but their keys lie in the same arena and count as its memory.
 *
 *   const shadows = new ShadowDatabases(keyspace);
 *   const loader = new RdbLoader(keyspace, feed, { keepsExpired: true, into: shadows.database });
 *   …                                      // until loader.step(isTimeUp) is true: shadows.adopt(); if it throws: shadows.discard()
 *
 * Neither end takes longer for many keys: what goes is freed in slices, by `Keyspace.reclaim`. Whoever makes shadows ends them by
 * `adopt` or `discard`, once: while there are any, FLUSHALL frees memory in slices as well.
 */
import { assert } from '../base';
import { Database, UNSEEN } from './database';
import type { Keyspace } from './keyspace';

export class ShadowDatabases {
  private readonly databases: (Database | undefined)[] = [];
  private isEnded = false;

  constructor(private readonly keyspace: Keyspace) {
    keyspace.shadows++;
  }

  /** The shadow of the database with this number; made on first use. */
  readonly database = (index: number): Database => (this.databases[index] ??= new Database(this.keyspace, UNSEEN));

  /**
   * Lets clients see these databases from now on, and nothing of what they saw until now; databases that have no shadow are
   * empty then. Observers hear `swapping` of each. A snapshot walk that is under way goes on with what it began with. O(databases).
   */
  adopt(): void {
    const { keyspace } = this;
    this.end();
    for (let index = 0; index < keyspace.databaseCount; index++) {
      if (this.databases[index] === undefined && !keyspace.hasDatabase(index)) continue;
      const shadow = this.database(index);
      keyspace.exchange(index, shadow);
      keyspace.empty(shadow);
    }
  }

  /** Forgets these databases. O(databases). */
  discard(): void {
    this.end();
    for (const database of this.databases) if (database !== undefined) this.keyspace.empty(database);
  }

  private end(): void {
    assert(!this.isEnded, 'shadows end once');
    this.isEnded = true;
    this.keyspace.shadows--;
  }
}
