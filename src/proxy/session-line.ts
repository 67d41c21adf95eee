/**
 * What CLIENT LIST and the log say of a session: one line in the words of Redis, and the replies that the client waits for.
 */
import { clientLine } from '../commands';
import type { Session } from './session';

/** The line of `session` at `nowMs` of the monotonic clock. */
export function lineOf(session: Session, nowMs: number): string {
  const { connection } = session;
  const line = clientLine({
    id: session.id,
    connection,
    name: session.name,
    nowMs,
    createdMs: session.createdMs,
    lastActiveMs: session.lastActiveMs,
    flags: flagsOf(session),
    database: session.database,
    parser: session.parser,
    replyBytes: session.out.length,
    waitingCount: session.tickets.length,
    waitingBytes: session.keptBytes + connection.unsentBytes,
    transaction: null,
    lastSpec: session.lastSpec,
    protocol: session.reply.protocol,
    libraryName: session.libraryName,
    libraryVersion: session.libraryVersion,
  });
  return `${line} owed=${session.owed}`;
}

function flagsOf({ held, closing, connection }: Session): string {
  return (held !== null ? 'b' : '') + (closing ? 'c' : '') + (connection.localAddress.startsWith('/') ? 'U' : '');
}
