/**
 * A snapshot on its way to who listens: what arrives is an RDB of the moment at which it began, whatever changes meanwhile and
 * however slow the listener is.
 */
import { describe, expect, test } from 'vitest';
import { Bytes, Random } from '../../../src/base';
import {
  Digests,
  Keyspace,
  NO_EXPIRY,
  RdbFeed,
  RdbLoader,
  SnapshotStream,
  Strings,
  type SnapshotSink,
} from '../../../src/storage';

const OPTIONS = { compresses: true, checksum: true, version: 10, aux: [], functions: [], isWithoutKeys: false };
const ALWAYS = (): boolean => true;
const NEVER = (): boolean => false;

class Listener implements SnapshotSink {
  isBehind = false;
  readonly chunks: Buffer[] = [];

  write(bytes: Uint8Array): boolean {
    this.chunks.push(Buffer.from(bytes));
    return true;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

function keyspaceOf(count: number): { keyspace: Keyspace; set: (i: number, text: string) => void } {
  const keyspace = new Keyspace({ random: new Random(1) });
  keyspace.setTime(1000);
  const strings = new Strings(keyspace);
  const set = (i: number, text: string): void => {
    strings.set(keyspace.database(0), Bytes.of(`key:${i}`), Bytes.of(text), NO_EXPIRY);
  };
  for (let i = 0; i < count; i++) set(i, `value ${i}`);
  return { keyspace, set };
}

function begin(keyspace: Keyspace, options = OPTIONS) {
  const listener = new Listener();
  const outcome: { error: Error | null | undefined } = { error: undefined };
  const stream = new SnapshotStream(keyspace, options, listener, (error) => (outcome.error = error));
  return { stream, listener, outcome };
}

/** The digest of what an RDB says, whose checksum is right. */
function digestOf(rdb: Uint8Array): string {
  const keyspace = new Keyspace({ random: new Random(2) });
  keyspace.setTime(1000);
  const feed = new RdbFeed();
  feed.feed(rdb, 0, rdb.length);
  feed.end();
  const loader = new RdbLoader(keyspace, feed, { keepsExpired: true });
  while (!loader.step(NEVER)) expect(loader.isStarved).toBe(false);
  return new Digests(keyspace).ofAll();
}

describe('a snapshot stream', () => {
  test('is what there was at its beginning', () => {
    const { keyspace, set } = keyspaceOf(3000);
    const before = new Digests(keyspace).ofAll();
    const { listener, outcome, stream } = begin(keyspace);
    for (let i = 0; outcome.error === undefined; i++) {
      set((i * 37) % 4000, `changed in slice ${i}`);
      stream.run(ALWAYS);
    }
    expect(outcome.error).toBeNull();
    expect([stream.isWalking, stream.keysDone, stream.keysTotal]).toEqual([false, 3000, 3000]);
    expect(stream.preImageBytes).toBeGreaterThan(0);
    expect(digestOf(listener.bytes)).toBe(before);
  });

  test('waits for a listener who is behind, except with what is about to change', () => {
    const { keyspace, set } = keyspaceOf(3000);
    const before = new Digests(keyspace).ofAll();
    const { listener, outcome, stream } = begin(keyspace);
    listener.isBehind = true;
    stream.run(NEVER);
    expect(stream.keysDone).toBe(0);
    set(2999, 'changed');
    set(2998, 'changed');
    stream.run(NEVER);
    expect(stream.keysDone).toBe(2);
    listener.isBehind = false;
    stream.run(NEVER);
    expect(outcome.error).toBeNull();
    expect(digestOf(listener.bytes)).toBe(before);
  });

  test('may have no keys, and zeros for a checksum', () => {
    const { keyspace } = keyspaceOf(100);
    const { listener, outcome, stream } = begin(keyspace, { ...OPTIONS, isWithoutKeys: true, checksum: false });
    stream.run(ALWAYS);
    expect(outcome.error).toBeNull();
    expect(listener.bytes.subarray(-9)).toEqual(Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(digestOf(listener.bytes)).toBe(new Digests(keyspaceOf(0).keyspace).ofAll());
  });

  test('ends half-way where it is given up, or where its listener fails', () => {
    const { keyspace, set } = keyspaceOf(3000);
    const abandoned = begin(keyspace);
    abandoned.stream.run(ALWAYS);
    abandoned.stream.abandon();
    abandoned.stream.run(NEVER);
    expect(abandoned.outcome.error).toBeUndefined();
    const failed = begin(keyspace);
    failed.listener.write = () => {
      throw new Error('nobody listens');
    };
    failed.stream.run(NEVER);
    expect(failed.outcome.error).toEqual(new Error('nobody listens'));
    // Nobody observes the keyspace any more.
    set(1, 'changed');
    expect(keyspace.database(0).size).toBe(3000);
  });
});
