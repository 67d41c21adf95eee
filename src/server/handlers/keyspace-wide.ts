/**
 * Commands about whole databases: how many keys, remove them all, exchange two.
 *
 * Emptying is O(1) here, whatever the size: the tables are put aside and freed in the background. So a plain FLUSHDB
 * or FLUSHALL makes nobody wait, and only SYNC, which promises that the memory is free when it replies, frees it first.
 * They belong to the server family; server.ts spreads them into its handlers.
 */
import { DB_OUT_OF_RANGE, type Handlers, type server } from '../../commands';
import type { Database } from '../../storage';
import type { Call, Handler } from '../call';
import type { Session } from '../session';

const INVALID_FIRST_INDEX = 'ERR invalid first DB index';
const INVALID_SECOND_INDEX = 'ERR invalid second DB index';

export const databaseHandlers: Pick<Handlers<typeof server, Handler>, 'DBSIZE' | 'FLUSHALL' | 'FLUSHDB' | 'SWAPDB'> = {
  DBSIZE(call) {
    call.reply.integer(call.database.size);
  },

  FLUSHALL(call) {
    if (!isFlushMode(call)) return call.syntaxError();
    const { keyspace } = call;
    for (let i = 0; i < keyspace.databaseCount; i++) {
      if (keyspace.hasDatabase(i)) call.changed(keyspace.database(i).size);
    }
    keyspace.flushAll();
    forgetSaved(call);
    // Even where there was no key: who follows may have some.
    call.leaveAlways();
    call.reply.ok();
  },

  FLUSHDB(call) {
    if (!isFlushMode(call)) return call.syntaxError();
    const { keyspace, database } = call;
    call.changed(database.size);
    keyspace.flush(database.index);
    call.leaveAlways();
    if (call.argc === 2 && call.is(1, 'sync')) keyspace.reclaim(never);
    call.reply.ok();
  },

  SWAPDB(call) {
    const first = call.int32(1, INVALID_FIRST_INDEX, INVALID_FIRST_INDEX);
    if (Number.isNaN(first)) return;
    const second = call.int32(2, INVALID_SECOND_INDEX, INVALID_SECOND_INDEX);
    if (Number.isNaN(second)) return;
    const { keyspace, node } = call;
    if (!keyspace.isDatabaseIndex(first) || !keyspace.isDatabaseIndex(second)) return call.reply.error(DB_OUT_OF_RANGE);
    const [a, b] = [keyspace.database(first), keyspace.database(second)];
    keyspace.swap(first, second);
    // Clients stay at the number that they selected, and so does who replays a journal and is none of them.
    for (const session of node.sessions.values()) stay(session, a, b);
    if (!node.sessions.has(call.session.id)) stay(call.session, a, b);
    call.changed();
    call.reply.ok();
  },
};

/** Lets a session that is in one of two databases go to the other. */
function stay(session: Session, a: Database, b: Database): void {
  if (session.database === a) session.database = b;
  else if (session.database === b) session.database = a;
}

/** The data that are gone must not come back from the disk; a transaction is saved when all of it is done. */
function forgetSaved({ isReplay, mayBlock, node, session }: Call): void {
  // More is to come, of which what is on the disk may be the source.
  if (isReplay && !session.isOfMaster) return;
  const { persistence } = node;
  if (mayBlock) persistence.dataRemoved();
  else persistence.betweenCommands(() => persistence.dataRemoved());
}

function isFlushMode(call: Call): boolean {
  return call.argc === 1 || (call.argc === 2 && (call.is(1, 'sync') || call.is(1, 'async')));
}

function never(): boolean {
  return false;
}
