/**
 * What CLIENT LIST and the log say of a session: one line, in the words of Redis.
 */
import { clientLine } from '../commands';
import type { Session } from './session';

/** The line of `session` at `nowMs` of the monotonic clock. */
export function lineOf(session: Session, nowMs: number): string {
  const { connection, isReplica, out, unsentBytes } = session;
  return clientLine({
    id: session.id,
    connection,
    name: session.name,
    nowMs,
    createdMs: session.createdMs,
    lastActiveMs: session.lastActiveMs,
    flags: flagsOf(session),
    database: session.database.index,
    parser: session.parser,
    replyBytes: out.length,
    waitingCount: 0,
    waitingBytes: isReplica ? unsentBytes : connection.unsentBytes,
    transaction: session.transaction,
    lastSpec: session.lastSpec,
    protocol: session.reply.protocol,
    libraryName: session.libraryName,
    libraryVersion: session.libraryVersion,
  });
}

function flagsOf(session: Session): string {
  let flags = session.isReplica ? 'S' : '';
  if (session.transaction !== null) flags += 'x';
  if (session.isWaiting) flags += 'b';
  if (session.watcher?.isTouched === true) flags += 'd';
  if (session.closing) flags += 'c';
  if (session.connection.localAddress.startsWith('/')) flags += 'U';
  if (session.noEvict) flags += 'e';
  if (session.noTouch) flags += 'T';
  return flags;
}
