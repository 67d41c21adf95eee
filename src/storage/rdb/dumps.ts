/**
 * Dumps: what DUMP, RESTORE and DEBUG OBJECT need of the RDB format: values as payloads, and payloads as values.
 *
 *   if (!dumps.open(payload)) …             version or CRC are wrong
 *   try {
 *     if (!dumps.restore()) …               what is inside is wrong; nothing has changed
 *     dumps.moveTo(database, key);
 *   } finally {
 *     dumps.discard();
 *   }
 */
import { Bytes, Output } from '../../base';
import type { Address } from '../arena';
import type { Database } from '../database';
import type { Keyspace } from '../keyspace';
import { ValueDecoder } from './decode';
import { ValueEncoder } from './encode';
import { openPayload, sealPayload } from './payload';
import { RdbReader } from './reader';
import { RdbWriter } from './writer';

export class Dumps {
  private readonly out = new Output();
  private readonly writer = new RdbWriter(this.out);
  private readonly reader = new RdbReader();
  private readonly encoder: ValueEncoder;
  private readonly decoder: ValueDecoder;
  private readonly body = new Bytes();

  constructor(keyspace: Keyspace) {
    this.encoder = new ValueEncoder(keyspace);
    this.decoder = new ValueDecoder(keyspace);
  }

  /** The payload of a record of `database`, in memory of its own. O(N). */
  dump(database: Database, record: Address, compresses: boolean): Uint8Array {
    this.writer.compresses = compresses;
    this.writer.byte(this.encoder.typeOf(record, this.writer.version));
    this.encoder.encode(database, record, this.writer);
    return sealPayload(this.out);
  }

  /** Bytes of a record's value in a payload or RDB file, without its type. O(N). */
  valueBytes(database: Database, record: Address, compresses: boolean): number {
    this.writer.compresses = compresses;
    this.encoder.encode(database, record, this.writer);
    const { length } = this.out;
    this.out.clear();
    return length;
  }

  /** Takes a payload, which must live until `restore`; false where its version is too new, or its CRC wrong. */
  open(payload: Bytes): boolean {
    return openPayload(payload, this.body);
  }

  /** Makes a draft of the payload's value; false where it is not in order, or has strings above `stringBytesMax`. */
  restore(stringBytesMax: number): boolean {
    const { reader, decoder } = this;
    reader.stringBytesMax = stringBytesMax;
    const type = reader.over(this.body).byte();
    return decoder.decode(type, reader) && reader.left === 0;
  }

  /** Gives the draft to `key` of a database; whatever is there is gone. Returns the key's record. */
  moveTo(database: Database, key: Bytes, expiryAtMs: number): Address {
    return this.decoder.moveTo(database, key, expiryAtMs);
  }

  /** Forgets a draft that was not moved, if there is one. */
  discard(): void {
    this.decoder.discard();
  }
}
