/**
 * Watches: which clients want to know that a key was changed before their EXEC.
 *
 * A watched key is known by the number of its database and its name: SWAPDB exchanges contents, but a client goes on
 * watching the number that it selected. The maps hold watched keys only, so what clients watch bounds them. While there is
 * at least one, this observes the keyspace; while there is none, it does not, and writes cost nothing more.
 *
 * Redis remembers of each watched key whether it was already past its expiry. Here WATCH looks the key up, and a lookup
 * removes what is past its expiry; so a watched key was alive or missing, and an expiry since then is a removal like any
 * other. `settle`, before EXEC, looks again, so that an expiry counts that nobody has noticed yet.
 */
import { Bytes } from '../base';
import type { Database, Keyspace, KeyspaceObserver } from '../storage';

interface WatchedKey {
  readonly databaseIndex: number;
  /** One character per byte. */
  readonly name: string;
}

/** What one client watches, since its last EXEC, DISCARD or UNWATCH. */
export class Watcher {
  /** One of the keys was changed: EXEC must not run. Nothing is watched any more then. */
  isTouched = false;
  keys: WatchedKey[] = [];
}

export class Watches implements KeyspaceObserver {
  /** By number of database: who watches a key, by its name. */
  private readonly watchersOf: Map<string, Set<Watcher>>[];
  /** Pairs of a key and a client. */
  private count = 0;
  private readonly key = new Bytes();

  constructor(private readonly keyspace: Keyspace) {
    this.watchersOf = Array.from({ length: keyspace.databaseCount }, () => new Map<string, Set<Watcher>>());
  }

  /** Lets `watcher` know of changes to a key; nothing is to be known once a key of its was changed. */
  watch(watcher: Watcher, database: Database, key: Bytes): void {
    if (watcher.isTouched) return;
    database.peek(key);
    const names = this.watchersOf[database.index];
    const name = key.toLatin1();
    let watchers = names.get(name);
    if (watchers === undefined) names.set(name, (watchers = new Set()));
    if (watchers.has(watcher)) return;
    watchers.add(watcher);
    watcher.keys.push({ databaseIndex: database.index, name });
    if (this.count++ === 0) this.keyspace.observe(this);
  }

  /** Ends what `watcher` watches. */
  forget(watcher: Watcher): void {
    const { keys } = watcher;
    watcher.keys = [];
    for (const { databaseIndex, name } of keys) {
      const names = this.watchersOf[databaseIndex];
      const watchers = names.get(name)!;
      watchers.delete(watcher);
      if (watchers.size === 0) names.delete(name);
    }
    this.count -= keys.length;
    if (this.count === 0) this.keyspace.unobserve(this);
  }

  /** Notices watched keys whose time has come; whether a watched key was changed in any way. */
  settle(watcher: Watcher): boolean {
    for (const { databaseIndex, name } of watcher.keys) this.exists(this.keyspace.database(databaseIndex), name);
    return watcher.isTouched;
  }

  keyChanging(database: Database, key: Bytes): void {
    const names = this.watchersOf[database.index];
    if (names.size > 0) this.touch(names.get(key.toLatin1()));
  }

  emptying(database: Database): void {
    for (const [name, watchers] of this.watchersOf[database.index])
      if (this.exists(database, name)) this.touch(watchers);
  }

  /** A watched key counts as changed where one of the two databases has it. */
  swapping(a: Database, b: Database): void {
    for (const { index } of [a, b]) {
      for (const [name, watchers] of this.watchersOf[index]) {
        if (this.exists(a, name) || this.exists(b, name)) this.touch(watchers);
      }
    }
  }

  private exists(database: Database, name: string): boolean {
    const bytes = Buffer.from(name, 'latin1');
    return database.peek(this.key.set(bytes, 0, bytes.length)) !== 0;
  }

  private touch(watchers: ReadonlySet<Watcher> | undefined): void {
    if (watchers === undefined) return;
    for (const watcher of watchers) {
      watcher.isTouched = true;
      this.forget(watcher);
    }
  }
}
