/**
 * Ticket: the place in a client's order of replies that commands on their way to a server hold.
 *
 * A session has a queue of tickets in the order in which their replies must leave; a backend connection has a queue in
 * the order in which replies will come. A ticket stands in both: the replies of the ticket at the head of its
 * session's queue pass through untouched, those of others are kept in it until it is their turn. So a reply never
 * reaches another client, or the right one out of order.
 *
 * One ticket stands for a *run*: commands of one session that follow each other at the same backend connection, as a
 * pipeline's commands mostly do. A run grows as long as its ticket is the last of both queues, and its bytes are copied
 * as one piece in each direction: that halves the proxy's work per command at a pipeline of 64.
 *
 * What always holds: a ticket that is owed replies is in exactly one backend's queue, or is the parent of a split;
 * `session` is null as soon as the client has gone, and then what comes is dropped. Tickets are pooled.
 */
import { copyBytes, EMPTY_BUFFER } from '../base';
import type { Session } from './session';
import type { Split } from './split';

/** Tickets kept for reuse. */
const POOL_TICKETS_MAX = 64 * 1024;
/** Memory for replies that a pooled ticket may keep. */
const KEPT_BYTES_POOLED = 512;
const KEPT_BYTES_MIN = 64;

export class Ticket {
  /** Whose replies these are; null for parts of a split, for the proxy's own commands, and after the client has gone. */
  session: Session | null = null;
  /** Of a part of a split command, else null. */
  split: Split | null = null;
  /** Which part. */
  part = 0;
  /** Replies that are still to come. */
  owed = 0;
  /** Replies that came before it was their turn: the first `keptLength` bytes. */
  kept: Uint8Array = EMPTY_BUFFER;
  keptLength = 0;

  /** Keeps a reply, or several, until it is their turn. */
  keep(buffer: Uint8Array, start: number, end: number): void {
    const length = this.keptLength + end - start;
    if (length > this.kept.length) {
      const grown = Buffer.allocUnsafe(this.keptLength === 0 ? roomFor(length) : roomFor(length * 2));
      copyBytes(this.kept, 0, this.keptLength, grown, 0);
      this.kept = grown;
    }
    copyBytes(buffer, start, end, this.kept, this.keptLength);
    this.keptLength = length;
  }
}

const pool: Ticket[] = [];

/** A ticket that is owed nothing yet. */
export function takeTicket(session: Session | null): Ticket {
  const ticket = pool.pop() ?? new Ticket();
  ticket.session = session;
  return ticket;
}

/** Gives back a ticket that is in no queue any more. */
export function releaseTicket(ticket: Ticket): void {
  ticket.session = null;
  ticket.split = null;
  ticket.owed = 0;
  ticket.keptLength = 0;
  if (ticket.kept.length > KEPT_BYTES_POOLED) ticket.kept = EMPTY_BUFFER;
  if (pool.length < POOL_TICKETS_MAX) pool.push(ticket);
}

function roomFor(length: number): number {
  return length < KEPT_BYTES_MIN ? KEPT_BYTES_MIN : length;
}
