/**
 * How streams are told: ids, entries, and lists of which the length is known only when they have been written.
 *
 * Such a list is written *aside*, into an output of its own, and goes behind its head when it is complete: a copy of what
 * is short, while long outputs change hands. Deleted entries lie between the others, so counting first would be to walk twice.
 */
import { Bytes, Output } from '../../base';
import type { ReplyWriter } from '../../resp';
import { StreamId, type Stream, type StreamWalk } from '../../storage';

/** For ranges without a beginning or end. Not to be changed. */
export const SMALLEST_ID = new StreamId();
export const LARGEST_ID = StreamId.max();

const text = new Bytes();
/** Outputs that nobody writes aside to. */
const idle: Output[] = [];

export function replyId(reply: ReplyWriter, id: StreamId): void {
  reply.bulk(id.text(text));
}

/** The entry where a walk stands: its id, its names and values. */
export function replyEntry(reply: ReplyWriter, walk: StreamWalk): void {
  reply.array(2);
  replyId(reply, walk.id);
  const count = walk.fieldCount;
  reply.array(count * 2);
  for (let i = 0; i < count; i++) {
    reply.bulk(walk.name(text));
    reply.bulk(walk.value(text));
  }
}

/** The entries from `first` to `last`, at most `limit` of them; 0 for all. */
export function replyRange(
  reply: ReplyWriter,
  stream: Stream,
  first: StreamId,
  last: StreamId,
  limit: number,
  isBackwards: boolean,
): void {
  const walk = stream.range(first, last, isBackwards);
  const out = beginAside(reply);
  let count = 0;
  while (walk.next()) {
    replyEntry(reply, walk);
    if (++count === limit) break;
  }
  const aside = endAside(reply, out);
  reply.array(count);
  appendAside(reply, aside);
}

/** The entry with this id, which must be there. */
export function replyEntryOf(reply: ReplyWriter, stream: Stream, id: StreamId): void {
  const walk = stream.range(id, id, false);
  walk.next();
  replyEntry(reply, walk);
}

/** Lets `reply` write aside; returns where it wrote, for `endAside`. */
export function beginAside(reply: ReplyWriter): Output {
  const { out } = reply;
  reply.out = idle.pop() ?? new Output();
  return out;
}

/** Lets `reply` write to `out` again; returns what was written aside, for `appendAside`. */
export function endAside(reply: ReplyWriter, out: Output): Output {
  const aside = reply.out;
  reply.out = out;
  return aside;
}

/** Writes what was written aside. */
export function appendAside(reply: ReplyWriter, aside: Output): void {
  reply.out.append(aside);
  idle.push(aside);
}
