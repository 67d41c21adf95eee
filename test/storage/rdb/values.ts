/**
 * Values of every type and encoding, for tests of the RDB format: made by the storage's own cursors, in a store whose limits
 * are small, so that few elements suffice.
 */
import { expect } from 'vitest';
import { Bytes } from '../../../src/base';
import {
  Hash,
  List,
  MemberSet,
  SortedSet,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  type Address,
} from '../../../src/storage';
import { Stream } from '../../../src/storage/stream';
import { StreamId } from '../../../src/storage/stream-id';
import { bytes, Store } from '../store';

const view = new Bytes();

const TEXTS = [
  '',
  '0',
  '-1',
  '127',
  '4095',
  '-32769',
  '8388608',
  '9223372036854775807',
  '007',
  '1.5',
  'text',
  'x'.repeat(40),
];

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export class Values {
  readonly store = new Store();
  private readonly hash = new Hash(this.store.keyspace);
  private readonly list = new List(this.store.keyspace);
  private readonly set = new MemberSet(this.store.keyspace);
  private readonly sortedSet = new SortedSet(this.store.keyspace);
  private readonly stream = new Stream(this.store.keyspace);

  constructor() {
    Object.assign(this.store.keyspace.limits, {
      'hash-max-listpack-entries': 12,
      'set-max-intset-entries': 12,
      'set-max-listpack-entries': 12,
      'zset-max-listpack-entries': 12,
      'list-max-listpack-size': 6,
      'stream-node-max-entries': 5,
    });
  }

  /** All keys: one for each type and encoding, and some for what is special in them. */
  makeAll(): string[] {
    TEXTS.forEach((text, i) => this.store.set(`string ${i}`, text));
    this.store.set('compressible', 'abcabcabcabd'.repeat(30));
    this.store.set('expiring', 'soon', this.store.keyspace.nowMs + 1000);
    this.makeHash('packed hash', 12);
    this.makeHash('hash', 40);
    this.makeList('packed list', 6);
    this.makeList('list', 40);
    this.makeSet(
      'integers',
      range(12).map((i) => String((i - 5) * 7919 ** (i % 4))),
    );
    this.makeSet('packed set', TEXTS);
    this.makeSet(
      'set',
      range(40).map((i) => `member ${i}`),
    );
    this.makeSortedSet('packed sorted set', 12);
    this.makeSortedSet('sorted set', 40);
    this.makeStream('short stream', 1, 0);
    this.makeStream('stream', 23, 3);
    return this.store.keys();
  }

  makeHash(key: string, count: number): void {
    const hash = this.open(this.hash, key);
    for (const i of range(count)) hash.set(bytes(nameOf(i)), bytes(TEXTS[(i * 5) % TEXTS.length]));
  }

  makeList(key: string, count: number): void {
    const list = this.open(this.list, key);
    list.expect(0, count);
    for (const i of range(count)) list.pushTail(bytes(i === 20 ? 'y'.repeat(300) : TEXTS[i % TEXTS.length]));
  }

  makeSet(key: string, members: readonly string[]): void {
    const set = this.open(this.set, key);
    set.expect(bytes(members[0]), 1);
    for (const member of members) set.add(bytes(member));
  }

  makeSortedSet(key: string, count: number): void {
    const sortedSet = this.open(this.sortedSet, key);
    for (const i of range(count)) sortedSet.add([i, -i / 3, Infinity, 1e300, 5][i % 5], bytes(nameOf(i)));
  }

  /** Entries, every seventh deleted, and so many groups with consumers and pending entries. */
  makeStream(key: string, count: number, groups: number): void {
    const stream = this.open(this.stream, key);
    const ids = range(count).map((i) => {
      const id = new StreamId();
      id.parse(bytes(`${1_700_000_000_000 + i * i}-${i % 3}`));
      stream.append(id, fieldsOf(['name', TEXTS[i % TEXTS.length], `other ${i >> 3}`, 'value']), 0, 2);
      return id;
    });
    ids.forEach((id, i) => i % 7 === 3 && stream.delete(id));
    for (const i of range(groups)) {
      const group = stream.createGroup(bytes(`group ${i}`), ids[i + 4], i - 1);
      for (const j of range(i + 1)) {
        const consumer = stream.groups.createConsumer(group, bytes(`consumer ${j}`), this.store.keyspace.nowMs);
        for (const k of range(j * 2)) stream.groups.addPending(group, consumer, ids[j * 4 + k], 1_700_000_000_000, k);
      }
    }
  }

  /** Reads, changes and empties a value by the deeds of its type: whatever is wrong in it shows. */
  use(key: string): void {
    switch (this.store.keyspace.records.type(this.record(key))) {
      case TYPE_HASH: {
        const hash = this.open(this.hash, key);
        const names = [];
        for (hash.start(); hash.next();) names.push(hash.name(view).copy());
        for (const name of names) {
          expect(hash.set(viewOf(name), bytes('another value'))).toBe(false);
          expect(hash.delete(viewOf(name))).toBe(true);
        }
        return;
      }
      case TYPE_SET: {
        const set = this.open(this.set, key);
        const names = [];
        for (set.start(); set.next();) names.push(set.name(view).copy());
        for (const name of names) {
          expect(set.add(viewOf(name))).toBe(false);
          expect(set.delete(viewOf(name))).toBe(true);
        }
        return;
      }
      case TYPE_SORTED_SET: {
        const sortedSet = this.open(this.sortedSet, key);
        const names = [];
        for (sortedSet.start(); sortedSet.next();) names.push(sortedSet.name(view).copy());
        names.forEach((name, rank) => expect(sortedSet.rankOf(viewOf(name))).toBe(rank));
        for (const name of names) sortedSet.add(5, viewOf(name));
        for (const name of names) expect(sortedSet.delete(viewOf(name))).toBe(true);
        return;
      }
      case TYPE_LIST: {
        const list = this.open(this.list, key);
        const { length } = list;
        list.pushHead(bytes('head'));
        list.pushTail(bytes('tail'));
        list.seek(length >> 1);
        list.replace(bytes('another element'));
        for (let left = length + 1; left >= 0; left--) {
          list.seek(left >> 1);
          expect(list.remove(true)).toBe(left > 0);
        }
        return;
      }
      case TYPE_STREAM:
        return this.useStream(key);
    }
  }

  private useStream(key: string): void {
    const stream = this.open(this.stream, key);
    const ids: StreamId[] = [];
    for (const walk = stream.range(new StreamId(), StreamId.max(), true); walk.next();) {
      ids.push(new StreamId().set(walk.id));
      for (let left = walk.fieldCount; left > 0; left--)
        expect(walk.name(view).length + walk.value(view).length).not.toBeNaN();
    }
    expect(ids.length).toBe(stream.length);
    const next = stream.lastId(new StreamId());
    if (next.increment()) stream.append(next, fieldsOf(['name', 'value']), 0, 1);
    for (const group of stream.allGroups()) {
      for (const consumer of stream.groups.consumersOf(group)) {
        const pending: StreamId[] = [];
        for (const walk = stream.groups.pendingOfConsumerFrom(consumer, new StreamId()); walk.next();) {
          pending.push(new StreamId().set(walk.id));
        }
        expect(pending.length).toBe(stream.groups.pendingOfConsumer(consumer));
        const first = pending[0];
        if (first !== undefined) stream.groups.removePending(group, stream.groups.findPending(group, first), first);
        stream.groups.deleteConsumer(group, consumer);
      }
      expect(stream.groups.pendingOfGroup(group)).toBe(0);
    }
    const third = ids[ids.length - 3];
    if (third !== undefined) expect(stream.delete(third)).toBe(true);
    stream.trim({ length: ids.length >> 1, firstId: new StreamId(), isAbout: false, limit: 0 });
    for (const id of ids) stream.delete(id);
  }

  record(key: string): Address {
    return this.store.record(key);
  }

  private open<T extends Hash | List | MemberSet | SortedSet | Stream>(collection: T, key: string): T {
    const name = bytes(key);
    collection.open(this.store.database(), name, this.store.database().peek(name));
    return collection;
  }
}

function nameOf(i: number): string {
  return i < TEXTS.length ? TEXTS[i] : `name ${i}`;
}

/** Texts as the arguments of a command lie in memory. */
function fieldsOf(texts: readonly string[]): { buffer: Uint8Array; starts: number[]; ends: number[] } {
  const ends: number[] = [];
  texts.reduce((at, text) => (ends.push(at + text.length), at + text.length), 0);
  const starts = ends.map((end, i) => end - texts[i].length);
  return { buffer: Buffer.from(texts.join(''), 'latin1'), starts, ends };
}

/** A view of whole memory. */
export function viewOf(buffer: Uint8Array): Bytes {
  return new Bytes(buffer, 0, buffer.length);
}
