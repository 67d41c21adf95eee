/**
 * Delivery: what becomes of a reply, or of its never coming, at the ticket that waits for it.
 *
 * The usual case, a reply to the first ticket of a session, is not here but in the backend, where whole runs are copied.
 */
import type Denque from 'denque';
import { releaseTicket, type Ticket } from './ticket';

/** Hands a reply to whoever it is for; `ticket.owed` is what remains after it. */
export function deliver(ticket: Ticket, buffer: Uint8Array, start: number, end: number): void {
  const { split, session } = ticket;
  if (split === null) {
    session?.take(ticket, buffer, start, end);
    return;
  }
  const { parent } = split;
  parent.session?.holds(end - start);
  if (!split.answered(ticket.part, buffer, start, end)) return;
  parent.owed = 0;
  if (parent.session === null) releaseTicket(parent);
  else parent.session.completed(parent, split);
}

/** The ticket has left the backend's queue, and is owed nothing. */
export function settle(ticket: Ticket): void {
  if (ticket.session === null) releaseTicket(ticket);
  else ticket.session.settled(ticket);
}

/**
 * Answers all that waits with errors: the first `written` commands with `unknown`, those after them with `unsent`.
 * @param own stands for the proxy's own commands, one each, which nobody waits for
 */
export function failAll(inFlight: Denque<Ticket>, own: Ticket, written: number, unknown: string, unsent: string): void {
  const unknownLine = Buffer.from(`-${unknown}\r\n`);
  const unsentLine = Buffer.from(`-${unsent}\r\n`);
  for (let ticket = inFlight.shift(); ticket !== undefined; ticket = inFlight.shift()) {
    if (ticket === own) {
      written--;
      continue;
    }
    while (ticket.owed > 0) {
      const line = written-- > 0 ? unknownLine : unsentLine;
      ticket.owed--;
      deliver(ticket, line, 0, line.length);
    }
    settle(ticket);
  }
}
