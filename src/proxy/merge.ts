/**
 * Merge: one reply from the replies to the parts of a divided command.
 *
 * Parts are looked into, never decoded: elements of arrays are copied as the ranges of bytes that they are. An error
 * of any part becomes the reply, whole: a client must never take a shorter array or a smaller sum for the truth. What
 * does not have the shape that the command promises is an error too.
 */
import { parseIntegerAt } from '../base';
import type { Merge } from '../commands';
import { AggregateHead, replyEnd, replyTypes, type ReplyWriter } from '../resp';
import { BAD_PART } from './error-replies';

/** Replies to the parts, by number of part; each one whole reply. */
export type PartReplies = readonly Uint8Array[];

/** @param owners for 'in order': which part each element of the result comes from */
export function mergeReplies(merge: Merge, parts: PartReplies, owners: Int16Array, reply: ReplyWriter): void {
  for (const part of parts) {
    if (part[0] !== replyTypes.ERROR && part[0] !== replyTypes.BULK_ERROR) continue;
    reply.raw(part);
    return;
  }
  const isMerged =
    merge === 'in order'
      ? mergeInOrder(parts, owners, reply)
      : merge === 'sum'
        ? mergeSum(parts, reply)
        : merge === 'all ok'
          ? mergeAllOk(parts, reply)
          : concatenate(parts, reply);
  if (!isMerged) reply.error(BAD_PART);
}

function mergeSum(parts: PartReplies, reply: ReplyWriter): boolean {
  let sum = 0;
  for (const part of parts) {
    const value = part[0] === replyTypes.INTEGER ? parseIntegerAt(part, 1, part.length - 2) : NaN;
    if (Number.isNaN(value)) return false;
    sum += value;
  }
  reply.integer(sum);
  return true;
}

function mergeAllOk(parts: PartReplies, reply: ReplyWriter): boolean {
  for (const part of parts) if (part[0] !== replyTypes.SIMPLE) return false;
  reply.raw(parts[0]);
  return true;
}

function concatenate(parts: PartReplies, reply: ReplyWriter): boolean {
  const heads = headsOf(parts);
  if (heads === null) return false;
  let count = 0;
  for (const head of heads) count += head.count;
  reply.array(count);
  parts.forEach((part, i) => reply.out.bytes(part, heads[i].position, part.length));
  return true;
}

function mergeInOrder(parts: PartReplies, owners: Int16Array, reply: ReplyWriter): boolean {
  const heads = headsOf(parts);
  if (heads === null) return false;
  const lacking = heads.map((head) => head.count);
  for (let i = 0; i < owners.length; i++) lacking[owners[i]]--;
  if (lacking.some((count) => count !== 0)) return false;
  reply.array(owners.length);
  for (let i = 0; i < owners.length;) {
    const owner = owners[i];
    const head = heads[owner];
    const start = head.position;
    let end = start;
    // Neighbours that come from one part lie side by side in its reply: one copy for all of them.
    for (; i < owners.length && owners[i] === owner; i++) end = replyEnd(parts[owner], end, parts[owner].length);
    reply.out.bytes(parts[owner], start, end);
    head.position = end;
  }
  return true;
}

/** The heads of arrays; null where a part is none. */
function headsOf(parts: PartReplies): AggregateHead[] | null {
  const heads: AggregateHead[] = [];
  for (const part of parts) {
    const head = new AggregateHead();
    if (part[0] !== replyTypes.ARRAY || !head.read(part, 0, part.length) || head.count < 0) return null;
    heads.push(head);
  }
  return heads;
}
