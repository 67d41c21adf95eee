/**
 * Streams as RDB bytes:
 *
 *   nodes: number, then for each its id (a string of 16 bytes, the highest first) and its listpack (a string)
 *   entries | last id | first id | largest deleted id | entries ever added                       ids: two lengths each
 *   groups: number, then for each
 *     name | last id | entries read (2^64 − 1: unknown)
 *     pending: number, then for each its id (16 bytes), when it was delivered (int64, ms), how often (a length)
 *     consumers: number, then for each: name | when it was seen (int64, ms) | its pending: number, ids (16 bytes each)
 *
 * When a consumer was last active came with version 11 and is not written (see format.ts).
 */
import { Bytes } from '../../base';
import type { Address } from '../arena';
import { Int64 } from '../int64';
import type { Stream } from '../stream';
import type { StreamGroups } from '../stream-groups';
import { StreamId } from '../stream-id';
import type { RdbWriter } from './writer';

const INT64_LIMIT = 2 ** 63;

export class StreamEncoder {
  private readonly id = new StreamId();
  private readonly view = new Bytes();
  private readonly wide = new Int64();

  /** Writes the stream that the cursor is open on, without its type. */
  encode(stream: Stream, writer: RdbWriter): void {
    const { id } = this;
    writer.length(stream.nodeCount);
    stream.eachNode((nodeId, listpack) => {
      writer.string(nodeId.name());
      writer.string(listpack);
    });
    writer.length(stream.length);
    this.writeId(stream.lastId(id), writer);
    this.writeId(stream.firstId(id), writer);
    this.writeId(stream.maxDeletedId(id), writer);
    this.writeNumber(stream.entriesAdded, writer);
    const groups = stream.allGroups();
    writer.length(groups.length);
    for (const group of groups) this.writeGroup(stream.groups, group, writer);
  }

  private writeGroup(groups: StreamGroups, group: Address, writer: RdbWriter): void {
    const { pending } = groups;
    writer.string(groups.name(group, this.view));
    this.writeId(groups.lastId(group, this.id), writer);
    this.writeNumber(groups.entriesRead(group), writer);
    writer.length(groups.pendingOfGroup(group));
    for (const walk = groups.pendingFrom(group, SMALLEST); walk.next();) {
      writer.raw(walk.id.name());
      writer.int64(this.wideOf(pending.delivered(walk.entry)));
      this.writeNumber(pending.deliveries(walk.entry), writer);
    }
    const consumers = groups.consumersOf(group);
    writer.length(consumers.length);
    for (const consumer of consumers) {
      writer.string(groups.consumerName(consumer, this.view));
      writer.int64(this.wideOf(groups.seen(consumer)));
      writer.length(groups.pendingOfConsumer(consumer));
      for (const walk = groups.pendingOfConsumerFrom(consumer, SMALLEST); walk.next();) writer.raw(walk.id.name());
    }
  }

  private writeId(id: StreamId, writer: RdbWriter): void {
    writer.wideLength(id.msLow, id.msHigh);
    writer.wideLength(id.seqLow, id.seqHigh);
  }

  /** A whole number, as a length; −1 is 2^64 − 1. */
  private writeNumber(value: number, writer: RdbWriter): void {
    const { low, high } = this.wideOf(value);
    writer.wideLength(low, high);
  }

  /** A whole number, cut where it is above int64. */
  private wideOf(value: number): Int64 {
    const { wide } = this;
    wide.set(value);
    wide.high |= 0;
    if (value >= INT64_LIMIT) {
      wide.low = -1;
      wide.high = 0x7fff_ffff;
    }
    return wide;
  }
}

const SMALLEST = new StreamId();
