/**
 * The true story of a keyspace: what it was after each unit of commands, and from which unit on a restart may find it.
 *
 * A unit is a command, or EXEC with all it runs. Of each is kept which keys it changed to what, so a state is the sum of the
 * units before it: a keyspace that was loaded is compared with all states at the price of one walk along the units. Where
 * two states are equal the later one counts. Keys whose time has come since are left out on both sides.
 *
 * What must be found is written down when it is promised: units acknowledged, with time and policy; snapshots told to be
 * done; a sync that has failed, after which nothing but a rewrite makes up for what it lost.
 */
import { createHash } from 'node:crypto';
import { Bytes } from '../../src/base';
import type { DataNode } from '../../src/server';
import { Digests, forEachKey, NO_EXPIRY, TYPE_STREAM, type Database, type KeyspaceObserver } from '../../src/storage';
import { DirectClient } from '../server/journaled';

/** What became of one key. */
interface Change {
  readonly key: string;
  /** All that can be known of it; null where it is gone. */
  readonly facts: Facts | null;
}

export interface Facts {
  readonly text: string;
  readonly expiryMs: number;
  /** A hash of key and text, in two numbers. */
  readonly high: number;
  readonly low: number;
}

export type State = ReadonlyMap<string, Facts>;

const INSPECTOR_ID = 1_000_000;
/** Facts of a stream that say how it lies in memory, or when somebody looked. */
const UNIMPORTANT = /\$\d+\r\n(radix-tree-keys|radix-tree-nodes|seen-time|active-time)\r\n:-?\d+\r\n/g;

/** The units since the beginning. */
export class History {
  private units: (readonly Change[])[] = [];

  /** The number of the last unit; 0 is the beginning, when nothing was there. */
  get last(): number {
    return this.units.length;
  }

  add(changes: readonly Change[]): void {
    this.units.push(changes);
  }

  changesOf(unit: number): readonly Change[] {
    return this.units[unit - 1] ?? [];
  }

  /** The last unit after which the state was this one, at `nowMs`; −1 where there was none. */
  find(state: State, nowMs: number): number {
    let wantedHigh = 0;
    let wantedLow = 0;
    for (const facts of state.values()) {
      if (isDue(facts, nowMs)) continue;
      wantedHigh ^= facts.high;
      wantedLow ^= facts.low;
    }
    let found = wantedHigh === 0 && wantedLow === 0 ? 0 : -1;
    const present = new Map<string, Facts>();
    let high = 0;
    let low = 0;
    for (const [i, changes] of this.units.entries()) {
      for (const { key, facts } of changes) {
        for (const each of [present.get(key), facts]) {
          if (each === undefined || each === null || isDue(each, nowMs)) continue;
          high ^= each.high;
          low ^= each.low;
        }
        if (facts === null) present.delete(key);
        else present.set(key, facts);
      }
      if (high === wantedHigh && low === wantedLow) found = i + 1;
    }
    return found;
  }

  /** What was there after a unit. */
  stateAfter(unit: number): State {
    const state = new Map<string, Facts>();
    for (const changes of this.units.slice(0, unit)) {
      for (const { key, facts } of changes) {
        if (facts === null) state.delete(key);
        else state.set(key, facts);
      }
    }
    return state;
  }

  /** Forgets what came after a unit: it is as if it had never been. */
  cut(unit: number): void {
    this.units.length = Math.min(this.units.length, unit);
  }

  /** Begins with a state of which nobody knows how it came to be. */
  restart(state: State): void {
    this.units = [[...state].map(([key, facts]) => ({ key, facts }))];
  }
}

function isDue({ expiryMs }: Facts, nowMs: number): boolean {
  return expiryMs !== NO_EXPIRY && expiryMs < nowMs;
}

/** Watches the keyspace of a node, and says after each unit which keys are not what they were. */
export class Recorder implements KeyspaceObserver {
  private readonly present = new Map<string, Facts>();
  private readonly touched = new Set<string>();
  private readonly digests: Digests;
  private readonly inspector: DirectClient;
  private readonly key = new Bytes();

  constructor(private readonly node: DataNode) {
    this.digests = new Digests(node.keyspace);
    this.inspector = new DirectClient(node, INSPECTOR_ID);
    node.keyspace.observe(this);
    for (const database of node.keyspace.usedDatabases()) this.touchAll(database);
    this.take();
  }

  get state(): State {
    return this.present;
  }

  keyChanging(database: Database, key: Bytes): void {
    this.touched.add(nameOf(database.index, key));
  }

  emptying(database: Database): void {
    this.touchAll(database);
  }

  swapping(a: Database, b: Database): void {
    for (const [index, database] of [
      [b.index, a],
      [a.index, b],
    ] as const) {
      this.touchAll(database);
      forEachUndisturbed(this.node, database, (record) => {
        this.touched.add(nameOf(index, this.node.keyspace.records.key(record, this.key)));
      });
    }
  }

  /** Streams may change in ways that only snapshots hear of. */
  touchStreams(): void {
    for (const [name, { text }] of this.present) if (text.startsWith(`${TYPE_STREAM} `)) this.touched.add(name);
  }

  /** What has changed since it was asked last. */
  take(): Change[] {
    const changes: Change[] = [];
    for (const key of this.touched) {
      const facts = this.factsOf(key);
      if (facts?.text === this.present.get(key)?.text) continue;
      if (facts === null) this.present.delete(key);
      else this.present.set(key, facts);
      changes.push({ key, facts });
    }
    this.touched.clear();
    return changes;
  }

  private touchAll(database: Database): void {
    const { records } = this.node.keyspace;
    forEachUndisturbed(this.node, database, (record) => {
      this.touched.add(nameOf(database.index, records.key(record, this.key)));
    });
  }

  private factsOf(name: string): Facts | null {
    const { keyspace } = this.node;
    const space = name.indexOf(' ');
    const index = Number(name.slice(0, space));
    const database = keyspace.database(index);
    const bytes = Buffer.from(name.slice(space + 1), 'latin1');
    return undisturbed(this.node, () => {
      const record = database.peek(new Bytes(bytes));
      if (record === 0) return null;
      const expiryMs = keyspace.records.expiry(record);
      const type = keyspace.records.type(record);
      const stream = type === TYPE_STREAM ? this.streamFacts(index, name.slice(space + 1)) : '';
      const text = `${type} ${expiryMs} ${this.digests.ofValue(database, record)}${stream}`;
      const hash = createHash('sha1').update(name).update('\0').update(text).digest();
      return { text, expiryMs, high: hash.readInt32LE(0), low: hash.readInt32LE(4) };
    });
  }

  private streamFacts(index: number, key: string): string {
    this.inspector.say('SELECT', String(index));
    return this.inspector.say('XINFO', 'STREAM', key, 'FULL', 'COUNT', '0').replace(UNIMPORTANT, '');
  }
}

function nameOf(databaseIndex: number, key: Bytes): string {
  return `${databaseIndex} ${key.toLatin1()}`;
}

function forEachUndisturbed(node: DataNode, database: Database, visit: (record: number) => void): void {
  undisturbed(node, () => forEachKey(database, visit));
}

/** Nothing expires by being looked at. */
function undisturbed<T>({ keyspace }: DataNode, look: () => T): T {
  const { dueKeys } = keyspace;
  keyspace.dueKeys = 'stay';
  try {
    return look();
  } finally {
    keyspace.dueKeys = dueKeys;
  }
}
