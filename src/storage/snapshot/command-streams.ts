/**
 * Streams as commands: XADD for each entry, then XSETID, and for each group XGROUP CREATE, XCLAIM for each entry that is pending
 * and XGROUP CREATECONSUMER for consumers who wait for none; just as Redis rewrites its journal.
 *
 * A stream without entries is made by an XADD that keeps none. What commands cannot say is lost, as with Redis: when consumers
 * were seen, and what is pending of entries that the stream has no more. (An RDB file says all of it, and is what rewriting
 * writes unless `aof-use-rdb-preamble` says otherwise.)
 */
import { Bytes, type Output } from '../../base';
import type { Address, Arena } from '../arena';
import { fixedWord } from '../journal';
import type { Stream } from '../stream';
import type { StreamGroups } from '../stream-groups';
import { StreamId } from '../stream-id';
import { StreamNode } from '../stream-node';
import { beginCommand, writeText, writeWhole } from './command-words';

const XADD = fixedWord('XADD');
const XSETID = fixedWord('XSETID');
const XGROUP = fixedWord('XGROUP');
const XCLAIM = fixedWord('XCLAIM');
const CREATE = fixedWord('CREATE');
const CREATECONSUMER = fixedWord('CREATECONSUMER');
const ENTRIESADDED = fixedWord('ENTRIESADDED');
const ENTRIESREAD = fixedWord('ENTRIESREAD');
const MAXDELETEDID = fixedWord('MAXDELETEDID');
const TIME = fixedWord('TIME');
const RETRYCOUNT = fixedWord('RETRYCOUNT');
const JUSTID = fixedWord('JUSTID');
const FORCE = fixedWord('FORCE');
/** No idle time is too short. */
const NO_IDLE = fixedWord('0');
/** An entry that is added and not kept. */
const ENTRY_FOR_NOTHING = ['MAXLEN', '0', '0-1', 'x', 'y'].map(fixedWord);

const SMALLEST = new StreamId();

export class StreamCommands {
  private readonly node: StreamNode;
  private readonly id = new StreamId();
  private readonly group = new Bytes();
  private readonly consumer = new Bytes();
  private readonly text = new Bytes();

  constructor(arena: Arena) {
    this.node = new StreamNode(arena);
  }

  /** The stream that the cursor is open on. */
  whole(out: Output, key: Bytes, stream: Stream): void {
    stream.eachNode((id, listpack) => this.entries(out, key, id, listpack));
    if (stream.length === 0) {
      beginCommand(out, 2 + ENTRY_FOR_NOTHING.length, XADD);
      writeText(out, key);
      for (const word of ENTRY_FOR_NOTHING) out.constant(word);
    }
    this.rest(out, key, stream);
  }

  /** The entries of a node. */
  entries(out: Output, key: Bytes, id: StreamId, listpack: Bytes): void {
    const { node, text } = this;
    node.openBytes(id, listpack);
    while (node.next()) {
      if (node.isDeleted) continue;
      const { fieldCount } = node;
      beginCommand(out, 3 + 2 * fieldCount, XADD);
      writeText(out, key);
      this.writeId(out, node.id);
      for (let i = 0; i < fieldCount; i++) {
        writeText(out, node.name(text));
        writeText(out, node.value(text));
      }
    }
  }

  /** All that is not said by the entries. */
  rest(out: Output, key: Bytes, stream: Stream): void {
    const { id } = this;
    beginCommand(out, 7, XSETID);
    writeText(out, key);
    this.writeId(out, stream.lastId(id));
    out.constant(ENTRIESADDED);
    writeWhole(out, stream.entriesAdded);
    out.constant(MAXDELETEDID);
    this.writeId(out, stream.maxDeletedId(id));
    for (const group of stream.allGroups()) this.writeGroup(out, key, stream.groups, group);
  }

  private writeGroup(out: Output, key: Bytes, groups: StreamGroups, group: Address): void {
    groups.name(group, this.group);
    beginCommand(out, 7, XGROUP);
    out.constant(CREATE);
    writeText(out, key);
    writeText(out, this.group);
    this.writeId(out, groups.lastId(group, this.id));
    out.constant(ENTRIESREAD);
    writeWhole(out, groups.entriesRead(group));
    for (const consumer of groups.consumersOf(group)) this.writeConsumer(out, key, groups, consumer);
  }

  /** A consumer of the group whose name is at hand. */
  private writeConsumer(out: Output, key: Bytes, groups: StreamGroups, consumer: Address): void {
    const { pending } = groups;
    groups.consumerName(consumer, this.consumer);
    if (groups.pendingOfConsumer(consumer) === 0) {
      beginCommand(out, 5, XGROUP);
      out.constant(CREATECONSUMER);
      this.writeNames(out, key);
      return;
    }
    for (const walk = groups.pendingOfConsumerFrom(consumer, SMALLEST); walk.next();) {
      beginCommand(out, 12, XCLAIM);
      this.writeNames(out, key);
      out.constant(NO_IDLE);
      this.writeId(out, walk.id);
      out.constant(TIME);
      writeWhole(out, pending.delivered(walk.entry));
      out.constant(RETRYCOUNT);
      writeWhole(out, pending.deliveries(walk.entry));
      out.constant(JUSTID);
      out.constant(FORCE);
    }
  }

  private writeNames(out: Output, key: Bytes): void {
    writeText(out, key);
    writeText(out, this.group);
    writeText(out, this.consumer);
  }

  private writeId(out: Output, id: StreamId): void {
    writeText(out, id.text(this.text));
  }
}
