/**
 * Several observers of one keyspace as one.
 *
 * The keyspace tells one observer, so that a write which nobody observes pays for one comparison with null. Where two want
 * to know, a pair stands in that place, where three do, a pair with a pair in it. Pairs never change: who leaves while it
 * is being told something takes nobody else out of the row.
 */
import type { Bytes } from '../base';
import type { Database } from './database';
import type { KeyspaceObserver } from './keyspace';

class ObserverPair implements KeyspaceObserver {
  constructor(
    readonly first: KeyspaceObserver,
    readonly second: KeyspaceObserver,
  ) {}

  keyChanging(database: Database, key: Bytes): void {
    this.first.keyChanging(database, key);
    this.second.keyChanging(database, key);
  }

  emptying(database: Database): void {
    this.first.emptying(database);
    this.second.emptying(database);
  }

  swapping(a: Database, b: Database): void {
    this.first.swapping(a, b);
    this.second.swapping(a, b);
  }
}

/** Those who observe already and one more. */
export function withObserver(those: KeyspaceObserver | null, more: KeyspaceObserver): KeyspaceObserver {
  return those === null ? more : new ObserverPair(those, more);
}

/** Those who observe but for one; null where nobody is left. */
export function withoutObserver(those: KeyspaceObserver | null, leaving: KeyspaceObserver): KeyspaceObserver | null {
  if (those === leaving) return null;
  if (!(those instanceof ObserverPair)) return those;
  const first = withoutObserver(those.first, leaving);
  const second = withoutObserver(those.second, leaving);
  if (first === those.first && second === those.second) return those;
  return second === null ? first : withObserver(first, second);
}
