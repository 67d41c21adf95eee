/**
 * StaleKeys: keys of which a receiver cannot know from the stream alone what they hold, and must be told.
 *
 * There are few and mostly none (see slot-tail.ts): what is asked for each command is only whether there is any.
 */
import { Bytes } from '../base';

export interface StaleKey {
  readonly databaseIndex: number;
  /** In memory of its own. */
  readonly key: Bytes;
}

export class StaleKeys {
  /** By database and name, in the order in which they became stale. */
  private readonly keys = new Map<string, StaleKey>();

  get count(): number {
    return this.keys.size;
  }

  add(databaseIndex: number, key: Bytes): void {
    const name = nameOf(databaseIndex, key);
    if (!this.keys.has(name)) this.keys.set(name, { databaseIndex, key: new Bytes(key.copy()) });
  }

  has(databaseIndex: number, key: Bytes): boolean {
    return this.keys.has(nameOf(databaseIndex, key));
  }

  /** Takes the first one out; null where there is none. */
  take(): StaleKey | null {
    for (const [name, stale] of this.keys) {
      this.keys.delete(name);
      return stale;
    }
    return null;
  }
}

function nameOf(databaseIndex: number, key: Bytes): string {
  return `${databaseIndex} ${key.toLatin1()}`;
}
