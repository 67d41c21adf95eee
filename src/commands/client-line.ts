/**
 * The line of CLIENT LIST and CLIENT INFO: every field of Redis 7.2 in Redis' order, from a plain description, so that
 * tools read the clients of a data node and of a proxy alike. What no node of ours has yet (subscriptions,
 * tracking) is told as a fresh Redis tells it.
 */
import { replyName } from './replies';
import type { CommandSpec } from './table';

/** A client as its node knows it. */
export interface ClientDescription {
  readonly id: number;
  readonly connection: { readonly remoteAddress: string; readonly localAddress: string; readonly unsentBytes: number };
  readonly name: string;
  /** Monotonic ms. */
  readonly nowMs: number;
  readonly createdMs: number;
  readonly lastActiveMs: number;
  /** Letters as in Redis; none is told as "N". */
  readonly flags: string;
  readonly database: number;
  /** What it sent and nobody has read. */
  readonly parser: { readonly bufferedBytes: number; readonly memoryBytes: number };
  /** Bytes of replies that leave at the end of the turn. */
  readonly replyBytes: number;
  /** Replies, or runs of them, that wait behind these. */
  readonly waitingCount: number;
  /** Bytes of replies that wait elsewhere. */
  readonly waitingBytes: number;
  /** What it queued since MULTI; null outside of one. */
  readonly transaction: { readonly count: number; readonly memoryBytes: number } | null;
  readonly lastSpec: CommandSpec | null;
  readonly protocol: 2 | 3;
  readonly libraryName: string;
  readonly libraryVersion: string;
}

export function clientLine(client: ClientDescription): string {
  const { connection, parser } = client;
  const queuedBytes = client.transaction === null ? 0 : client.transaction.memoryBytes;
  const seconds = (sinceMs: number): number => Math.floor((client.nowMs - sinceMs) / 1000);
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', client.id],
    ['addr', connection.remoteAddress],
    ['laddr', connection.localAddress],
    ['fd', client.id],
    ['name', client.name],
    ['age', seconds(client.createdMs)],
    ['idle', seconds(client.lastActiveMs)],
    ['flags', client.flags === '' ? 'N' : client.flags],
    ['db', client.database],
    ['sub', 0],
    ['psub', 0],
    ['ssub', 0],
    ['multi', client.transaction === null ? -1 : client.transaction.count],
    ['qbuf', parser.bufferedBytes],
    ['qbuf-free', Math.max(0, parser.memoryBytes - parser.bufferedBytes)],
    ['argv-mem', 0],
    ['multi-mem', queuedBytes],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', client.replyBytes],
    ['oll', client.waitingCount],
    ['omem', client.waitingBytes],
    ['tot-mem', parser.memoryBytes + queuedBytes + client.replyBytes + client.waitingBytes],
    ['events', connection.unsentBytes > 0 ? 'rw' : 'r'],
    ['cmd', client.lastSpec === null ? 'NULL' : replyName(client.lastSpec)],
    ['user', 'default'],
    ['redir', -1],
    ['resp', client.protocol],
    ['lib-name', client.libraryName],
    ['lib-ver', client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}
