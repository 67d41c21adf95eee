/**
 * The line of CLIENT LIST and CLIENT INFO: Redis' fields where they mean something for a proxy, and `owed`, the replies
 * that the client waits for.
 */
import { replyName } from '../commands';
import type { Session } from './session';

/** @param ticketCount runs of commands that wait; @param keptBytes bytes of replies that came before their turn */
export function clientLine(session: Session, nowMs: number, ticketCount: number, keptBytes: number): string {
  const seconds = (sinceMs: number): number => Math.floor((nowMs - sinceMs) / 1000);
  const { connection, parser, lastSpec } = session;
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', session.id],
    ['addr', connection.remoteAddress],
    ['laddr', connection.localAddress],
    ['name', session.name],
    ['age', seconds(session.createdMs)],
    ['idle', seconds(session.lastActiveMs)],
    ['flags', session.closing ? 'c' : 'N'],
    ['db', session.database],
    ['qbuf', parser.bufferedBytes],
    ['obl', session.out.length],
    ['oll', ticketCount],
    ['omem', keptBytes + connection.unsentBytes],
    ['tot-mem', parser.memoryBytes + session.unsentBytes],
    ['owed', session.owed],
    ['cmd', lastSpec === null ? 'NULL' : replyName(lastSpec)],
    ['user', 'default'],
    ['resp', session.reply.protocol],
    ['lib-name', session.libraryName],
    ['lib-ver', session.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}
