/**
 * A format that writes nothing and remembers everything: what a walk says of strings, hashes and sorted sets.
 */
import { Bytes } from '../../../src/base';
import { TYPE_STRING, type Database, type Keyspace } from '../../../src/storage';
import type { LargeValue, SnapshotFormat } from '../../../src/storage/snapshot/format';

export class Recorder implements SnapshotFormat {
  readonly strings = new Map<string, string>();
  readonly fields = new Map<string, Map<string, string>>();
  readonly scores = new Map<string, Map<string, number>>();

  constructor(private readonly keyspace: Keyspace) {}

  whole(_out: unknown, _database: Database, record: number): void {
    const { records } = this.keyspace;
    const key = records.key(record, new Bytes()).toLatin1();
    if (records.type(record) !== TYPE_STRING) throw new Error(`${key} is no string`);
    noteOnce(this.strings, key, records.value(record, new Bytes()).toLatin1());
  }

  field(_out: unknown, value: LargeValue, name: Bytes, text: Bytes): void {
    noteOnce(partsOf(this.fields, value), name.toLatin1(), text.toLatin1());
  }

  scored(_out: unknown, value: LargeValue, name: Bytes, score: number): void {
    noteOnce(partsOf(this.scores, value), name.toLatin1(), score);
  }

  begin(): void {}
  database(): void {}
  open(): void {}
  member(): void {}
  listNode(): void {}
  streamNode(): void {}
  streamRest(): void {}
  close(): void {}
  end(): void {}
}

function partsOf<T>(all: Map<string, Map<string, T>>, { key }: LargeValue): Map<string, T> {
  const name = key.toLatin1();
  let parts = all.get(name);
  if (parts === undefined) all.set(name, (parts = new Map()));
  return parts;
}

function noteOnce<T>(parts: Map<string, T>, name: string, value: T): void {
  if (parts.has(name)) throw new Error(`${name} is written twice`);
  parts.set(name, value);
}
