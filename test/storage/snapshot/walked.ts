/**
 * A node whose clients change what a snapshot walk is about to write, and what comes out of the walk.
 *
 * The walk goes on in slices of as many looks at the clock as the test says. What it has written is loaded into another keyspace
 * and compared value by value with what there was when it began.
 */
import { expect } from 'vitest';
import { Bytes, Output, Random, type ReadableFile } from '../../../src/base';
import { Keyspace, RdbLoader } from '../../../src/storage';
import { ValueEncoder } from '../../../src/storage/rdb/encode';
import { RDB_VERSION_PACKED_SETS } from '../../../src/storage/rdb/format';
import { RdbWriter } from '../../../src/storage/rdb/writer';
import { CommandFormat } from '../../../src/storage/snapshot/command-format';
import type { SnapshotFormat } from '../../../src/storage/snapshot/format';
import { RdbFormat } from '../../../src/storage/snapshot/rdb-format';
import { SnapshotWalk } from '../../../src/storage/snapshot/walk';
import { forEachKey } from '../../../src/storage/walk';
import { JournaledNode, type DirectClient } from '../../server/journaled';
import { BORN_MS } from '../store';

/** What is large in tests. */
const LIMITS = { elements: 4, nodes: 2 };
/** Nodes of three elements: few commands make many of them. */
const SETTINGS = { 'list-max-listpack-size': '3', 'stream-node-max-entries': '3' };

const CRC_BYTES = 8;

export class Walked {
  readonly subject = new JournaledNode(1, SETTINGS);
  readonly keyspace = this.subject.node.keyspace;
  private readonly client: DirectClient = this.subject.client();
  walk: SnapshotWalk | null = null;
  private readonly chunks: Buffer[] = [];

  /** Runs commands, of words divided by blanks. */
  say(...lines: readonly string[]): void {
    for (const line of lines) this.client.say(...line.split(' '));
  }

  speak(words: readonly string[]): string {
    return this.client.say(...words);
  }

  beginRdb(): SnapshotWalk {
    const options = { compresses: true, version: RDB_VERSION_PACKED_SETS, aux: [], functions: [] };
    return this.begin(new RdbFormat(this.keyspace, options));
  }

  beginCommands(functions: readonly Uint8Array[] = []): SnapshotWalk {
    return this.begin(new CommandFormat(this.keyspace, functions));
  }

  /** Lets the walk go on until it has looked at the clock so often; whether it is at its end. */
  slice(looks: number): boolean {
    if (this.walk === null) return true;
    let left = looks;
    const isOver = this.walk.run(() => --left <= 0);
    this.chunks.push(this.walk.out.take());
    if (isOver) this.walk = null;
    return isOver;
  }

  /** Goes on to the end; all that the walk has written. */
  finish(): Buffer {
    this.slice(Infinity);
    return Buffer.concat(this.chunks);
  }

  /** Ends the walk and deletes all keys. */
  clear(): void {
    this.walk?.abandon();
    this.walk = null;
    for (const database of this.keyspace.usedDatabases()) {
      const keys: Bytes[] = [];
      forEachKey(database, (record) => keys.push(new Bytes(this.keyspace.records.key(record, new Bytes()).copy())));
      for (const key of keys) database.delete(key);
    }
    this.keyspace.reclaim(() => false);
  }

  /** That nothing is left of the walk, nor of anything else, once all keys are deleted. */
  expectNothingLeft(): void {
    this.clear();
    expect(this.keyspace.arena.usedBytes).toBe(0);
  }

  private begin(format: SnapshotFormat): SnapshotWalk {
    this.chunks.length = 0;
    this.walk = new SnapshotWalk(this.keyspace, format, LIMITS);
    return this.walk;
  }
}

/** By database and key: expiry, and the value as RDB bytes. */
export function valuesOf(keyspace: Keyspace): Record<string, string> {
  const encoder = new ValueEncoder(keyspace);
  const writer = new RdbWriter(new Output());
  writer.version = RDB_VERSION_PACKED_SETS;
  const values: Record<string, string> = {};
  for (const database of keyspace.usedDatabases()) {
    forEachKey(database, (record) => {
      const { records } = keyspace;
      encoder.encode(database, record, writer);
      const value = [encoder.typeOf(record, writer.version), records.expiry(record), writer.out.take().toString('hex')];
      values[`${database.index} ${records.key(record, new Bytes()).toLatin1()}`] = value.join(' ');
    });
  }
  return values;
}

/** The keyspace that an RDB file without its CRC holds. */
export function load(rdb: Buffer): Keyspace {
  const bytes = Buffer.concat([rdb, Buffer.alloc(CRC_BYTES)]);
  const file: ReadableFile = {
    size: bytes.length,
    read: (into, start, end, position) => bytes.copy(into, start, position, position + end - start),
    close() {},
  };
  const keyspace = new Keyspace({ random: new Random(7) });
  keyspace.setTime(BORN_MS);
  keyspace.limits['list-max-listpack-size'] = Number(SETTINGS['list-max-listpack-size']);
  new RdbLoader(keyspace, file, { keepsExpired: true }).step(() => false);
  return keyspace;
}
