/**
 * RDB files for tests: made of parts, or saved from a store key by key; and read from memory, a few bytes at a time if need be.
 */
import { Bytes, Output, Random, type ReadableFile } from '../../../src/base';
import { forEachKey, Keyspace, NO_EXPIRY, RdbFeed, RdbLoader, type RdbLoaderOptions } from '../../../src/storage';
import { crc64 } from '../../../src/storage/rdb/crc64';
import { ValueEncoder } from '../../../src/storage/rdb/encode';
import { RdbWriter } from '../../../src/storage/rdb/writer';
import { BORN_MS } from '../store';

export const CRC_BYTES = 8;

/** A file in memory; no `read` gives more than `mostBytes`. */
export function fileOf(bytes: Uint8Array, mostBytes = Infinity): ReadableFile {
  return {
    size: bytes.length,
    read(into, start, end, position) {
      const part = bytes.subarray(position, position + Math.min(end - start, mostBytes));
      into.set(part, start);
      return part.length;
    },
    close() {},
  };
}

/** Header, parts and end of a file of a version, with the CRC that it should have. */
export function rdbFile(version: number, ...parts: (Buffer | number[])[]): Buffer {
  const header = Buffer.from(`REDIS${String(version).padStart(4, '0')}`);
  return mended(Buffer.concat([header, ...parts.map((part) => Buffer.from(part)), Buffer.alloc(1 + CRC_BYTES, 0xff)]));
}

/** The file with a CRC that is right. */
export function mended(file: Buffer): Buffer {
  const remainder = new Uint32Array(2);
  const crcAt = Math.max(0, file.length - CRC_BYTES);
  crc64(file, 0, crcAt, remainder);
  return Buffer.concat([file.subarray(0, crcAt), Buffer.from(remainder.buffer)]);
}

/** All keys of a keyspace as a file. */
export function save(keyspace: Keyspace, version: 10 | 11, compresses = true): Buffer {
  const writer = new RdbWriter(new Output());
  const encoder = new ValueEncoder(keyspace);
  writer.version = version;
  writer.compresses = compresses;
  const key = new Bytes();
  for (const database of keyspace.usedDatabases()) {
    writer.byte(0xfe);
    writer.length(database.index);
    forEachKey(database, (record) => {
      const expiry = keyspace.records.expiry(record);
      if (expiry !== NO_EXPIRY) writer.raw(new Bytes(expiryAt(expiry)));
      writer.byte(encoder.typeOf(record, version));
      writer.string(keyspace.records.key(record, key));
      encoder.encode(database, record, writer);
    });
  }
  return rdbFile(version, Buffer.from(writer.out.take()));
}

/** The opcode of an expiry in milliseconds. */
export function expiryAt(ms: number): Buffer {
  const opcode = Buffer.alloc(9, 0xfc);
  opcode.writeBigInt64LE(BigInt(ms), 1);
  return opcode;
}

/** A keyspace for files to be loaded into. */
export function emptyKeyspace(nowMs = BORN_MS): Keyspace {
  const keyspace = new Keyspace({ random: new Random(7) });
  keyspace.setTime(nowMs);
  return keyspace;
}

/** Loads a file in one go. */
export function load(
  keyspace: Keyspace,
  file: Uint8Array,
  options: Partial<RdbLoaderOptions> = {},
  mostBytes = Infinity,
): RdbLoader {
  const loader = new RdbLoader(keyspace, fileOf(file, mostBytes), { keepsExpired: false, ...options });
  while (!loader.step(() => false));
  return loader;
}

/** Loads a file that arrives in pieces of these lengths, the last one as long as is left; stops at its end, wherever that is. */
export function loadFed(
  keyspace: Keyspace,
  file: Uint8Array,
  lengths: readonly number[],
  options: Partial<RdbLoaderOptions> = {},
  afterStep: (loader: RdbLoader, feed: RdbFeed, fedBytes: number) => void = () => {},
): RdbLoader {
  const feed = new RdbFeed();
  const loader = new RdbLoader(keyspace, feed, { keepsExpired: false, ...options });
  let at = 0;
  for (let i = 0, isDone = false; !isDone; i++) {
    const end = i < lengths.length ? Math.min(file.length, at + lengths[i]) : file.length;
    feed.feed(file, at, end);
    if (end === file.length) feed.end();
    at = end;
    do isDone = loader.step(() => i % 2 === 0);
    while (!isDone && !loader.isStarved);
    afterStep(loader, feed, at);
  }
  return loader;
}
