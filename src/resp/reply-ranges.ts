/**
 * Looking into replies without decoding them, for a proxy that merges the parts of a split command: take the head of
 * an array, walk its elements, copy the ranges on. Nothing here allocates or throws.
 */
import { defaultReplyLimits, NEED_MORE, REPLY } from './limits';
import { Line, NEGATIVE } from './line';
import { LENGTH_LINE_BYTES_MAX, ReplyScanner } from './reply-scanner';
import * as type from './types';

/** Answers of {@link replyEnd} that are no position: the reply is not whole, or not a reply. */
export const INCOMPLETE_REPLY = -1;
export const MALFORMED_REPLY = -2;

const scanner = new ReplyScanner(defaultReplyLimits());

/** The position after the reply that begins at `start`, or INCOMPLETE_REPLY or MALFORMED_REPLY. */
export function replyEnd(buffer: Uint8Array, start: number, end: number): number {
  scanner.begin(start);
  const answer = scanner.run(buffer, end);
  if (answer === REPLY) return scanner.position;
  return answer === NEED_MORE ? INCOMPLETE_REPLY : MALFORMED_REPLY;
}

/** The head of an array, set, push or map; one object serves for many, `read` points it at the next. */
export class AggregateHead {
  /** Values that follow: elements, or for a map keys and values together; -1 for a null array. */
  count = 0;
  /** Where the first of them begins. */
  position = 0;
  private readonly line = new Line();

  /** Reads the head at `start`; false where no whole head of an aggregate stands there. */
  read(buffer: Uint8Array, start: number, end: number): boolean {
    if (start >= end || !isAggregate(buffer[start])) return false;
    this.line.restart();
    const count = this.line.read(buffer, start, end, LENGTH_LINE_BYTES_MAX);
    if (count < 0 && count !== NEGATIVE) return false;
    this.count = count === NEGATIVE ? -1 : buffer[start] === type.MAP ? count * 2 : count;
    this.position = this.line.end;
    return true;
  }
}

function isAggregate(kind: number): boolean {
  return kind === type.ARRAY || kind === type.SET || kind === type.PUSH || kind === type.MAP;
}
