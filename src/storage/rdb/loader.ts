/**
 * RdbLoader: an RDB of any version, 1 to 12, into a keyspace, piece by piece: from a file, or while it arrives (feed.ts).
 *
 *   "REDIS" and four digits of version | opcodes and keys in turn | 0xFF | CRC-64 of all before (from version 5 on)
 *
 * It says no wherever a real Redis does: values that are corrupt, keys that are there twice, databases that the server does
 * not have, what modules have written. Keys whose time has come are left out, as are collections without elements. A value is
 * made under its key at once, strings without any detour, because nobody uses these databases yet: those of the keyspace, or
 * others beside them (`into`; shadow.ts). What was loaded before an error stays; whoever sees the error decides what becomes of
 * it. The CRC comes last: until `step` has answered true, nothing that was loaded is known to be what was saved.
 *
 * From a feed a key is read when all of it has arrived: what is in the keyspace between two steps are whole keys.
 *
 * Memory beside the keyspace: two chunks (source.ts), and the value at hand if it is larger; or the feed's window. Nothing is
 * allocated for lengths that the file cannot have. (Redis: rdb.c of 7.2 and 7.4.)
 */
import { Bytes, CacheError, copyBytes, quote, type ReadableFile } from '../../base';
import type { Address } from '../arena';
import type { Database } from '../database';
import { Int64 } from '../int64';
import type { Keyspace } from '../keyspace';
import { NO_EXPIRY } from '../records';
import { ValueDecoder } from './decode';
import { RdbFeed } from './feed';
import {
  OPCODE_AUX,
  OPCODE_DATABASE,
  OPCODE_END,
  OPCODE_EXPIRY_MS,
  OPCODE_EXPIRY_SECONDS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION,
  OPCODE_FUNCTION_EARLY,
  OPCODE_IDLE,
  OPCODE_MODULE_AUX,
  OPCODE_RESIZE,
  OPCODE_SLOT_INFO,
  RDB_HEADER_BYTES,
  RDB_MODULE,
  RDB_MODULE_EARLY,
  RDB_STRING,
  RDB_VERSION_CHECKSUM,
  RDB_VERSION_MAX,
} from './format';
import { ItemMeasure } from './measure';
import { moduleName } from './module-name';
import { RdbReader } from './reader';
import { RdbSource } from './source';
import { StringBatch } from './string-batch';

/** The clock is asked after so many keys, or so many bytes. */
const KEYS_PER_LOOK = 64;
const BYTES_PER_LOOK = 64 * 1024;
/** Longer names and texts are not kept. */
const AUX_BYTES_MAX = 4096;
/** Room for keys that is kept. */
const KEY_BYTES_KEPT = 4096;
/** As much of a key is shown in messages. */
const KEY_BYTES_SHOWN = 64;

const MAGIC = 'REDIS';
const HALF = 2 ** 32;
/** What was not said of a key. */
const UNSAID = -1;
/** The aux field that only the state at a place in a stream of changes has. */
const STREAM_ID = 'repl-id';

export interface RdbLoaderOptions {
  /** Where in the file the RDB begins; 0 unless said. A feed begins with it. */
  readonly from?: number;
  /** The database that keys of this number go to; the keyspace's own unless said. It answers the same one each time. */
  readonly into?: (index: number) => Database;
  /**
   * Whether keys whose time has come are loaded all the same: a replica does, and whoever goes on with an AOF. An RDB that is
   * the state at a place in a stream (aux `repl-id`) keeps them anyway: who goes on from there is told when they go.
   */
  readonly keepsExpired: boolean;
  /** Whether a key that the keyspace has already is replaced; unless said, the file is refused. */
  readonly replaces?: boolean;
  /** The longest string that a key, a value or an element may be, in bytes; 512 MiB unless said. */
  readonly stringBytesMax?: number;
}

export class RdbLoader {
  /** Keys that were left out because their time had come. */
  keysExpired = 0;
  /** What the file says about itself: "redis-ver", "aof-base" … */
  readonly aux = new Map<string, string>();
  /** The code of function libraries. */
  readonly functions: Uint8Array[] = [];
  /** Whether the last step ended because nothing more can be read before more is fed. */
  isStarved = false;

  /** Where the bytes come from: one of the two. */
  private readonly source: RdbSource | null;
  private readonly feed: RdbFeed | null;
  private readonly measure = new ItemMeasure();
  private readonly reader = new RdbReader();
  private readonly decoder: ValueDecoder;
  private readonly batch: StringBatch;
  private readonly keepsExpired: boolean;
  private readonly replaces: boolean;
  private readonly into: (index: number) => Database;
  private version = 0;
  private database: Database;
  private databaseIndex = 0;
  private isDone = false;
  /** Keys that are in the keyspace and did not come in a batch. */
  private valuesLoaded = 0;

  /** What opcodes have said of the next key. */
  private hasExpiry = false;
  private expiryAtMs = 0;
  private idleSeconds = UNSAID;
  private frequency = UNSAID;

  private readonly key = new Bytes();
  private readonly keyRoom = new Uint8Array(KEY_BYTES_KEPT);
  private readonly text = new Bytes();
  private readonly wide = new Int64();

  constructor(
    private readonly keyspace: Keyspace,
    bytes: ReadableFile | RdbFeed,
    options: RdbLoaderOptions,
  ) {
    this.feed = bytes instanceof RdbFeed ? bytes : null;
    this.source = bytes instanceof RdbFeed ? null : new RdbSource(bytes, options.from ?? 0);
    if (this.source !== null) this.reader.from(this.source);
    if (options.stringBytesMax !== undefined) this.reader.stringBytesMax = options.stringBytesMax;
    this.measure.stringBytesMax = this.reader.stringBytesMax;
    this.keepsExpired = options.keepsExpired;
    this.replaces = options.replaces === true;
    this.decoder = new ValueDecoder(keyspace);
    this.batch = new StringBatch(keyspace);
    this.into = options.into ?? ((index) => keyspace.database(index));
    this.database = this.into(0);
  }

  /** Keys that are in the keyspace now. */
  get keysLoaded(): number {
    return this.valuesLoaded + this.batch.entered;
  }

  /** The place in the file, or feed, of the byte after all that was read. After the end: where something else may begin. */
  get position(): number {
    return this.reader.position;
  }

  /**
   * Loads until `isTimeUp`, at least some keys, or until it `isStarved`; whether all is loaded. Large values are loaded in one go.
   *
   * @throws CacheError BAD_RDB: the file is damaged, cut off, or holds what this server does not know; the message says what
   * and at which byte. FILE_FAILED: it could not be read. OUT_OF_MEMORY.
   */
  step(isTimeUp: () => boolean): boolean {
    if (this.reader.isFailed) this.refuse('');
    this.isStarved = false;
    const { keyspace, feed } = this;
    if (feed !== null) {
      feed.neededBytes = 0;
      this.reader.over(feed.rest(this.text), feed.position);
    }
    // What is loaded is not used: a key that is there twice is there twice, though its time may come meanwhile.
    const { dueKeys } = keyspace;
    keyspace.dueKeys = 'stay';
    try {
      this.load(isTimeUp);
    } finally {
      keyspace.dueKeys = dueKeys;
      this.enterBatch();
      feed?.pass(this.position);
    }
    return this.isDone;
  }

  private load(isTimeUp: () => boolean): void {
    let keys = 0;
    let lookAt = this.position + BYTES_PER_LOOK;
    while (!this.isDone) {
      if (this.feed !== null && !this.hasWholeNext(this.feed)) return;
      if (this.version === 0) this.readHeader();
      else this.readNext();
      if (++keys < KEYS_PER_LOOK && this.position < lookAt) continue;
      if (isTimeUp()) return;
      keys = 0;
      lookAt = this.position + BYTES_PER_LOOK;
    }
  }

  /** Whether all of the next item has arrived, or all that ever will; if not, this is starved. */
  private hasWholeNext(feed: RdbFeed): boolean {
    feed.pass(this.reader.position);
    if (feed.isEnded || this.measure.isWhole(feed.window, feed.at, feed.filled)) return true;
    feed.neededBytes = this.measure.neededBytes;
    this.isStarved = true;
    return false;
  }

  private readHeader(): void {
    const { reader, text } = this;
    const header = reader.raw(RDB_HEADER_BYTES, text).toLatin1();
    if (reader.isFailed || !header.startsWith(MAGIC)) this.refuse('this is no RDB file');
    const version = Number(/^\d+$/.exec(header.slice(MAGIC.length))?.[0] ?? 0);
    if (version < 1 || version > RDB_VERSION_MAX) {
      this.refuse(
        `RDB version '${header.slice(MAGIC.length)}' is unknown: versions 1 to ${RDB_VERSION_MAX} can be read`,
      );
    }
    this.version = version;
    this.measure.expectChecksum(version >= RDB_VERSION_CHECKSUM);
  }

  /** Reads a key, or an opcode with what it says. */
  private readNext(): void {
    const { reader } = this;
    const type = reader.byte();
    if (type < OPCODE_SLOT_INFO) {
      if (type === RDB_STRING) this.readString();
      else this.readValue(type);
    } else {
      this.readOpcode(type);
    }
    if (reader.isFailed) this.refuse('');
  }

  // ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────

  private readString(): void {
    const { reader, batch, key, text } = this;
    reader.string(key);
    reader.string(text);
    if (reader.isFailed) return;
    if (this.isDue()) {
      this.keysExpired++;
    } else {
      if (this.replaces) this.database.delete(key);
      this.setUse(batch.add(key, text, this.expiry()));
      if (batch.isFull) this.enterBatch();
    }
    this.forgetSaid();
  }

  private readValue(type: number): void {
    const { reader, decoder, database } = this;
    const key = this.holdKey(reader.string(this.key));
    if (reader.isFailed) return;
    if (type === RDB_MODULE || type === RDB_MODULE_EARLY) {
      reader.wideLength(this.wide);
      this.refuse(
        `key ${shown(key)} is of a module's type, '${moduleName(this.wide)}', which this server does not have`,
      );
    }
    if (this.isDue()) {
      try {
        if (decoder.decode(type, reader)) this.keysExpired++;
      } finally {
        decoder.discard();
      }
    } else {
      if (this.replaces) database.delete(key);
      else if (database.peek(key) !== 0) this.refuseTwice(key);
      const record = decoder.decodeAt(database, key, this.expiry(), type, reader);
      if (record !== 0) {
        this.setUse(record);
        this.valuesLoaded++;
      }
    }
    if (reader.isFailed) {
      this.refuse(
        `the value of key ${shown(key)} in database ${this.databaseIndex}, of RDB type ${type}, cannot be read`,
      );
    }
    this.forgetSaid();
  }

  /** Enters the strings that were read last into their database. */
  private enterBatch(): void {
    if (!this.batch.enter(this.database, this.key)) this.refuseTwice(this.key);
  }

  private refuseTwice(key: Bytes): never {
    this.refuse(`key ${shown(key)} is there twice in database ${this.databaseIndex}`);
  }

  /** Copies the key to where it keeps still while its value is read. */
  private holdKey(key: Bytes): Bytes {
    const { buffer, start, end } = key;
    const room = end - start <= KEY_BYTES_KEPT ? this.keyRoom : new Uint8Array(end - start);
    return key.set(room, 0, copyBytes(buffer, start, end, room, 0));
  }

  private isDue(): boolean {
    if (!this.hasExpiry || this.keepsExpired || this.aux.has(STREAM_ID)) return false;
    return this.keyspace.nowMs > this.expiryAtMs;
  }

  /** The key's expiry; one before 1970 is as good as any other that is over. */
  private expiry(): number {
    return this.hasExpiry ? Math.max(1, this.expiryAtMs) : NO_EXPIRY;
  }

  private setUse(record: Address): void {
    if (this.idleSeconds === UNSAID && this.frequency === UNSAID) return;
    this.keyspace.eviction.setUse(record, this.idleSeconds, this.frequency);
  }

  /** What was said of a key does not hold for the next one. */
  private forgetSaid(): void {
    this.hasExpiry = false;
    this.idleSeconds = this.frequency = UNSAID;
  }

  // ── opcodes ─────────────────────────────────────────────────────────────────────────────────────────────────

  private readOpcode(opcode: number): void {
    const { reader, text, wide } = this;
    switch (opcode) {
      case OPCODE_EXPIRY_MS:
        reader.int64(wide);
        return this.setExpiry((wide.high | 0) * HALF + (wide.low >>> 0));
      case OPCODE_EXPIRY_SECONDS:
        return this.setExpiry(reader.int32() * 1000);
      case OPCODE_IDLE:
        this.idleSeconds = reader.length();
        return;
      case OPCODE_FREQUENCY:
        this.frequency = reader.byte();
        return;
      case OPCODE_DATABASE:
        return this.select(reader.length());
      case OPCODE_RESIZE:
        // Sizes of the database's two tables. Tables here grow at a steady pace.
        reader.length();
        reader.length();
        return;
      case OPCODE_SLOT_INFO:
        for (let i = 0; i < 3; i++) reader.length();
        return;
      case OPCODE_AUX:
        return this.readAux();
      case OPCODE_FUNCTION:
        this.functions.push(reader.string(text).copy());
        return;
      case OPCODE_FUNCTION_EARLY:
        return this.refuse('functions in the format of a release candidate of Redis 7 are not supported');
      case OPCODE_MODULE_AUX:
        reader.wideLength(wide);
        return this.refuse(`there are data of a module, '${moduleName(wide)}', which this server does not have`);
      case OPCODE_END:
        this.readEnd();
    }
  }

  private setExpiry(atMs: number): void {
    this.hasExpiry = true;
    this.expiryAtMs = atMs;
  }

  private select(index: number): void {
    const { keyspace } = this;
    if (!keyspace.isDatabaseIndex(index)) {
      this.refuse(`there is a database ${index}, and this server has but ${keyspace.databaseCount} ('databases')`);
    }
    this.enterBatch();
    this.database = this.into(index);
    this.databaseIndex = index;
  }

  private readAux(): void {
    const name = this.reader.string(this.key);
    const value = this.reader.string(this.text);
    if (name.length <= AUX_BYTES_MAX && value.length <= AUX_BYTES_MAX) this.aux.set(name.toString(), value.toString());
  }

  private readEnd(): void {
    const { reader, wide } = this;
    if (this.version >= RDB_VERSION_CHECKSUM) {
      const [low, high] = this.checksum();
      reader.int64(wide);
      // All zeros: it was saved without a checksum.
      const isChecked = (wide.low | wide.high) !== 0;
      if (isChecked && (wide.low >>> 0 !== low || wide.high >>> 0 !== high)) {
        this.refuse('the checksum is wrong: the file is damaged');
      }
    }
    this.isDone = !reader.isFailed;
  }

  /** The CRC-64 of all that was read. */
  private checksum(): Uint32Array {
    const { feed, source, reader } = this;
    if (source !== null) {
      reader.sum();
      return source.checksum;
    }
    feed!.pass(reader.position);
    return feed!.sum();
  }

  /** Throws; what the reader has found wrong, if anything, is said too. */
  private refuse(what: string): never {
    const { reader } = this;
    const because = [what, reader.failure].filter((part) => part !== '').join(': ');
    reader.fail(what);
    throw new CacheError('BAD_RDB', `${because} (byte ${reader.failedAt})`);
  }
}

function shown({ buffer, start, end }: Bytes): string {
  if (end - start <= KEY_BYTES_SHOWN) return quote(buffer.subarray(start, end));
  return `${quote(buffer.subarray(start, start + KEY_BYTES_SHOWN))}… (${end - start} bytes)`;
}
