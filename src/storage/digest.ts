/**
 * Digests of values and of whole keyspaces, the same as Redis': whoever compares two servers, of whatever make, compares 20
 * bytes. (Redis: DEBUG DIGEST and DIGEST-VALUE of 7.0.)
 *
 * A digest grows by SHA-1s of what it takes in. Where order means something, among a list's elements and between a field and
 * its value, it *mixes*: the SHA-1 of the bytes is laid over the digest by exclusive or, and the SHA-1 of that is the new
 * digest. Where it means nothing, as in sets, it *adds*: the exclusive or alone, which is the same in any order.
 */
import { createHash } from 'node:crypto';
import { ascii, Bytes } from '../base';
import type { Address } from './arena';
import type { Database } from './database';
import { Hash } from './hash';
import type { Keyspace } from './keyspace';
import { List } from './list';
import { NO_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET, TYPE_STREAM } from './records';
import { preciseScoreText } from './score-text';
import { MemberSet } from './set';
import { SortedSet } from './sorted-set';
import { Stream } from './stream';
import { StreamId } from './stream-id';
import { forEachKey } from './walk';

const DIGEST_BYTES = 20;
/** What a key with an expiry adds. */
const EXPIRES = ascii('!!expire!!');
/** The number of streams among types: in Redis modules come before them. */
const TYPE_STREAM_SHOWN = 6;

class Digest {
  readonly bytes = new Uint8Array(DIGEST_BYTES);

  add(bytes: Uint8Array): void {
    const hash = createHash('sha1').update(bytes).digest();
    for (let i = 0; i < DIGEST_BYTES; i++) this.bytes[i] ^= hash[i];
  }

  mix(bytes: Uint8Array): void {
    this.add(bytes);
    this.bytes.set(createHash('sha1').update(this.bytes).digest());
  }

  /** Mixes in a number as four bytes, the highest first. */
  mixNumber(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    this.mix(bytes);
  }

  clear(): void {
    this.bytes.fill(0);
  }

  toString(): string {
    return Buffer.from(this.bytes).toString('hex');
  }
}

/** Digests of the values of a keyspace, as 40 hexadecimal digits. */
export class Digests {
  private readonly hash: Hash;
  private readonly list: List;
  private readonly set: MemberSet;
  private readonly sortedSet: SortedSet;
  private readonly stream: Stream;
  private readonly key = new Bytes();
  private readonly view = new Bytes();
  /** Of an element. */
  private readonly part = new Digest();

  constructor(private readonly keyspace: Keyspace) {
    this.hash = new Hash(keyspace);
    this.list = new List(keyspace);
    this.set = new MemberSet(keyspace);
    this.sortedSet = new SortedSet(keyspace);
    this.stream = new Stream(keyspace);
  }

  /** Of everything that is in the keyspace. O(N), in one go. */
  ofAll(): string {
    const { keyspace } = this;
    const all = new Digest();
    for (const database of keyspace.usedDatabases()) {
      if (database.size === 0) continue;
      all.mixNumber(database.index);
      forEachKey(database, (record) => {
        const digest = new Digest();
        digest.mix(borrowed(keyspace.records.key(record, this.key)));
        this.take(database, record, digest);
        all.add(digest.bytes);
      });
    }
    return all.toString();
  }

  /** Of the value of a record, 0 for a missing key. O(N), in one go. */
  ofValue(database: Database, record: Address): string {
    const digest = new Digest();
    if (record !== 0) this.take(database, record, digest);
    return digest.toString();
  }

  private take(database: Database, record: Address, digest: Digest): void {
    const { records } = this.keyspace;
    const type = records.type(record);
    const key = records.key(record, this.key);
    digest.mixNumber(type === TYPE_STREAM ? TYPE_STREAM_SHOWN : type);
    switch (type) {
      case TYPE_LIST:
        this.list.open(database, key, record);
        this.takeList(digest);
        break;
      case TYPE_SET:
        this.set.open(database, key, record);
        for (this.set.start(); this.set.next();) digest.add(borrowed(this.set.name(this.view)));
        break;
      case TYPE_SORTED_SET:
        this.sortedSet.open(database, key, record);
        this.takeSortedSet(digest);
        break;
      case TYPE_HASH:
        this.hash.open(database, key, record);
        this.takeHash(digest);
        break;
      case TYPE_STREAM:
        this.stream.open(database, key, record);
        this.takeStream(digest);
        break;
      default:
        digest.mix(borrowed(records.value(record, this.view)));
    }
    if (records.expiry(record) !== NO_EXPIRY) digest.add(EXPIRES);
  }

  private takeList(digest: Digest): void {
    const { list, view } = this;
    for (let isThere = list.first(); isThere; isThere = list.next()) digest.mix(borrowed(list.read(view)));
  }

  private takeSortedSet(digest: Digest): void {
    const { sortedSet, part, view } = this;
    for (sortedSet.start(); sortedSet.next();) {
      part.clear();
      part.mix(borrowed(sortedSet.name(view)));
      part.mix(ascii(preciseScoreText(sortedSet.score)));
      digest.add(part.bytes);
    }
  }

  private takeHash(digest: Digest): void {
    const { hash, part, view } = this;
    for (hash.start(); hash.next();) {
      part.clear();
      part.mix(borrowed(hash.name(view)));
      part.mix(borrowed(hash.value(view)));
      digest.add(part.bytes);
    }
  }

  private takeStream(digest: Digest): void {
    const { view } = this;
    const walk = this.stream.range(new StreamId(), StreamId.max(), false);
    while (walk.next()) {
      digest.mix(ascii(walk.id.toString().replace('-', '.')));
      for (let left = walk.fieldCount; left > 0; left--) {
        digest.mix(borrowed(walk.name(view)));
        digest.mix(borrowed(walk.value(view)));
      }
    }
  }
}

function borrowed({ buffer, start, end }: Bytes): Uint8Array {
  return buffer.subarray(start, end);
}
