/**
 * Streams as RDB bytes:
 *
 *   nodes: number, then for each its id (a string of 16 bytes, the highest first) and its listpack (a string)
 *   entries | last id | first id | largest deleted id | entries ever added                       ids: two lengths each
 *   groups: number, then for each
 *     name | last id | entries read (2^64 − 1: unknown)
 *     pending: number, then for each its id (16 bytes), when it was delivered (int64, ms), how often (a length)
 *     consumers: number, then for each
 *       name | when it was seen (int64, ms) | when it was active (the same; −1: never) | its pending: number, ids (16 bytes each)
 *
 * When a consumer was last active came with version 11 and is not written in versions before that.
 */
import { Bytes } from '../../base';
import type { Address } from '../arena';
import { Int64 } from '../int64';
import type { Stream } from '../stream';
import type { StreamGroups } from '../stream-groups';
import { StreamId } from '../stream-id';
import { RDB_VERSION_PACKED_SETS } from './format';
import type { RdbWriter } from './writer';

export class StreamEncoder {
  private readonly id = new StreamId();
  private readonly view = new Bytes();
  private readonly wide = new Int64();

  /** Writes the stream that the cursor is open on, without its type. */
  encode(stream: Stream, writer: RdbWriter): void {
    writer.length(stream.nodeCount);
    stream.eachNode((nodeId, listpack) => {
      this.writeNode(nodeId, listpack, writer);
    });
    this.writeRest(stream, writer);
  }

  writeNode(id: StreamId, listpack: Bytes, writer: RdbWriter): void {
    writer.string(id.name());
    writer.string(listpack);
  }

  /** Writes all that comes behind the nodes. */
  writeRest(stream: Stream, writer: RdbWriter): void {
    const { id } = this;
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
      writer.int64(this.wide.setCut(pending.delivered(walk.entry)));
      this.writeNumber(pending.deliveries(walk.entry), writer);
    }
    const consumers = groups.consumersOf(group);
    writer.length(consumers.length);
    for (const consumer of consumers) {
      writer.string(groups.consumerName(consumer, this.view));
      writer.int64(this.wide.setCut(groups.seen(consumer)));
      if (writer.version >= RDB_VERSION_PACKED_SETS) writer.int64(this.wide.setCut(groups.active(consumer)));
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
    const { low, high } = this.wide.setCut(value);
    writer.wideLength(low, high);
  }
}

const SMALLEST = new StreamId();
