/**
 * Draft: a collection in the making. What SINTERSTORE and its kin put in the place of whatever their destination holds is
 * complete before they touch the destination, which may be one of their sources.
 *
 * It is the only key of a database that no client sees and nobody observes; so everything that a collection can do with a key
 * it can do with a draft, and a draft that is done changes hands: `moveTo` gives its root, not its contents, to a key.
 * Whoever begins one ends it by `discard`, also where an error comes between (`finally`): flushing all databases takes the
 * memory of a draft away, but not the draft.
 */
import { Bytes } from '../base';
import type { Collection } from './collection';
import { Database, UNSEEN } from './database';
import type { Keyspace } from './keyspace';
import { NO_EXPIRY } from './records';

const KEY = new Bytes();

export class Draft<T extends Collection> {
  private readonly database: Database;

  constructor(
    keyspace: Keyspace,
    /** The cursor that drafts are made with. */
    private readonly collection: T,
  ) {
    this.database = new Database(keyspace, UNSEEN);
  }

  /** An empty collection. */
  begin(): T {
    this.collection.open(this.database, KEY, this.database.peek(KEY));
    return this.collection;
  }

  /** Gives what was made, which must have an element, to `key` of a database; whatever is there is gone. */
  moveTo(database: Database, key: Bytes, expiryAtMs = NO_EXPIRY): void {
    if (expiryAtMs !== NO_EXPIRY) this.database.setExpiry(this.database.peek(KEY), expiryAtMs);
    database.putMoved(key, this.database, KEY, this.database.peek(KEY));
  }

  /** Forgets what was made and not moved. */
  discard(): void {
    this.database.delete(KEY);
  }
}
