/**
 * What consumers leave in the journal: which entries are whose, since when and how often handed out.
 *
 * XREADGROUP and XAUTOCLAIM find their entries themselves, and all of them note the time: so each entry leaves an XCLAIM that
 * says it all (FORCE: whether or not it is pending; JUSTID: without counting), as in Redis. A group's own place in the stream
 * leaves XGROUP SETID. A consumer who got nothing leaves its name: Redis does that only after NOACK.
 */
import { Bytes } from '../../base';
import { fixedWord, StreamId, type Address, type Stream } from '../../storage';
import type { Call } from '../call';

const XCLAIM = fixedWord('XCLAIM');
const XGROUP = fixedWord('XGROUP');
const SETID = fixedWord('SETID');
const CREATECONSUMER = fixedWord('CREATECONSUMER');
const ENTRIESREAD = fixedWord('ENTRIESREAD');
const TIME = fixedWord('TIME');
const RETRYCOUNT = fixedWord('RETRYCOUNT');
const FORCE = fixedWord('FORCE');
const JUSTID = fixedWord('JUSTID');
const LASTID = fixedWord('LASTID');

const text = new Bytes();
const last = new StreamId();

/** Who does something: the positions of the arguments that name a key, a group and a consumer. */
export class Actor {
  keyAt = 1;
  groupAt = 2;
  consumerAt = 3;

  set(keyAt: number, groupAt: number, consumerAt: number): this {
    this.keyAt = keyAt;
    this.groupAt = groupAt;
    this.consumerAt = consumerAt;
    return this;
  }

  /** What is pending of the entry `id` now; or that it is not pending any more, where it is not in the stream. */
  leaveClaim(call: Call, { groups }: Stream, group: Address, entry: Address, id: StreamId): void {
    if (!call.journals) return;
    const { pending } = groups;
    call
      .leave(14)
      .fixed(XCLAIM)
      .word(call.arg(this.keyAt))
      .word(call.arg(this.groupAt))
      .word(call.arg(this.consumerAt))
      .integer(0)
      .word(id.text(text))
      .fixed(TIME)
      .integer(pending.delivered(entry))
      .fixed(RETRYCOUNT)
      .integer(pending.deliveries(entry))
      .fixed(FORCE)
      .fixed(JUSTID)
      .fixed(LASTID)
      .word(groups.lastId(group, last).text(text));
  }

  /** Up to where the group has read, and how many entries that were. */
  leavePlace(call: Call, { groups }: Stream, group: Address): void {
    if (!call.journals) return;
    call
      .leave(7)
      .fixed(XGROUP)
      .fixed(SETID)
      .word(call.arg(this.keyAt))
      .word(call.arg(this.groupAt))
      .word(groups.lastId(group, last).text(text))
      .fixed(ENTRIESREAD)
      .integer(groups.entriesRead(group));
  }

  /** That there is such a consumer. */
  leaveConsumer(call: Call): void {
    if (!call.journals) return;
    call
      .leave(5)
      .fixed(XGROUP)
      .fixed(CREATECONSUMER)
      .word(call.arg(this.keyAt))
      .word(call.arg(this.groupAt))
      .word(call.arg(this.consumerAt));
  }
}
