/**
 * Streams from RDB bytes that nobody has checked: what encode-stream.ts writes; the form of Redis 5 and 6, which lacks first
 * id, largest deleted id, entries added and entries read; and that of 7.2, in which a consumer says when it was last active.
 *
 * What older forms do not say is guessed as Redis does. What contradicts itself is refused: nodes that are none (see
 * stream-check.ts), counts that do not agree, an entry that is pending for two consumers or for none.
 */
import { Bytes } from '../../base';
import type { Address } from '../arena';
import { Int64 } from '../int64';
import type { Stream } from '../stream';
import { UNKNOWN } from '../stream-groups';
import { STREAM_ID_BYTES, StreamId } from '../stream-id';
import { RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_3 } from './format';
import type { RdbReader } from './reader';
import { StreamCheck } from './stream-check';

const HALF = 2 ** 32;

export class StreamDecoder {
  private readonly check = new StreamCheck();
  private readonly id = new StreamId();
  private readonly wide = new Int64();
  private readonly text = new Bytes();
  private readonly bytes = new Bytes();

  /** Reads a stream of an RDB type into the cursor, which is open on a missing key. The reader fails where it is wrong. */
  decode(stream: Stream, type: number, reader: RdbReader): void {
    stream.create();
    this.readNodes(stream, reader);
    if (reader.length() !== this.check.entries) return reader.fail();
    if (this.readId(reader).compare(this.check.lastId) < 0) return reader.fail();
    stream.setLastId(this.id);
    if (type === RDB_STREAM_LISTPACKS) {
      stream.entriesAdded = stream.length;
    } else {
      // The first id is what the nodes say.
      this.readId(reader);
      stream.setMaxDeletedId(this.readId(reader));
      stream.entriesAdded = this.readNumber(reader);
    }
    for (let left = reader.length(); left > 0 && !reader.isFailed; left--) this.readGroup(stream, type, reader);
  }

  private readNodes(stream: Stream, reader: RdbReader): void {
    const { check, id } = this;
    check.start();
    for (let left = reader.length(); left > 0; left--) {
      const name = reader.string(this.text);
      const bytes = reader.string(this.bytes);
      if (reader.isFailed || name.length !== STREAM_ID_BYTES) return reader.fail();
      id.readName(name.buffer, name.start);
      const { entries } = check;
      if (!check.takes(id, bytes)) return reader.fail();
      stream.appendNode(id, bytes, check.entries - entries);
    }
  }

  private readGroup(stream: Stream, type: number, reader: RdbReader): void {
    const { groups } = stream;
    const name = reader.string(this.text);
    this.readId(reader);
    const isTold = type !== RDB_STREAM_LISTPACKS;
    const entriesRead = isTold ? this.readNumber(reader) : stream.countUpTo(this.id);
    if (reader.isFailed || stream.findGroup(name) !== 0) return reader.fail();
    const group = stream.createGroup(name, this.id, entriesRead);
    const pending = reader.length();
    for (let left = pending; left > 0; left--) {
      this.readRawId(reader);
      const deliveredMs = this.readTime(reader);
      const deliveries = this.readNumber(reader);
      if (reader.isFailed || !groups.addUnassigned(group, this.id, deliveredMs, deliveries)) return reader.fail();
    }
    let assigned = 0;
    for (let left = reader.length(); left > 0 && !reader.isFailed; left--) {
      assigned += this.readConsumer(stream, group, type, reader);
    }
    if (assigned !== pending) reader.fail();
  }

  /** Reads a consumer; returns how many entries are pending for it. */
  private readConsumer(stream: Stream, group: Address, type: number, reader: RdbReader): number {
    const { groups } = stream;
    const name = reader.string(this.text);
    const seenMs = this.readTime(reader);
    const activeMs = type === RDB_STREAM_LISTPACKS_3 ? this.readTime(reader) : seenMs;
    if (reader.isFailed || groups.findConsumer(group, name) !== 0) {
      reader.fail();
      return 0;
    }
    const consumer = groups.createConsumer(group, name, seenMs);
    groups.setActive(consumer, activeMs);
    const pending = reader.length();
    for (let left = pending; left > 0; left--) {
      this.readRawId(reader);
      if (reader.isFailed || !groups.assignPending(group, consumer, this.id)) {
        reader.fail();
        return 0;
      }
    }
    return pending;
  }

  /** Reads an id of two lengths into `id`. */
  private readId(reader: RdbReader): StreamId {
    const { id, wide } = this;
    reader.wideLength(wide);
    id.msHigh = wide.high | 0;
    id.msLow = wide.low;
    reader.wideLength(wide);
    id.seqHigh = wide.high | 0;
    id.seqLow = wide.low;
    return id;
  }

  /** Reads an id of 16 bytes into `id`. */
  private readRawId(reader: RdbReader): void {
    const { buffer, start, end } = reader.raw(STREAM_ID_BYTES, this.text);
    if (end - start === STREAM_ID_BYTES) this.id.readName(buffer, start);
  }

  /** A number written as a length; 2^64 − 1 is UNKNOWN. Beyond 2^53 − 1 it is that, as commands have it. */
  private readNumber(reader: RdbReader): number {
    const { wide } = this;
    reader.wideLength(wide);
    if ((wide.high & wide.low) === -1) return UNKNOWN;
    return Math.min(Number.MAX_SAFE_INTEGER, (wide.high >>> 0) * HALF + (wide.low >>> 0));
  }

  /** Milliseconds of 64 bits, of which 53 are kept. */
  private readTime(reader: RdbReader): number {
    const { wide } = this;
    reader.int64(wide);
    const timeMs = wide.high * HALF + (wide.low >>> 0);
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, timeMs));
  }
}
