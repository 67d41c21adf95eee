/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH. The queue is in ../transaction.ts, who watches what in ../watch.ts; queueing
 * itself is the dispatch's.
 */
import type { Handlers, transactions } from '../../commands';
import type { Handler } from '../call';
import {
  DISCARD_WITHOUT_MULTI,
  EXEC_ABORTED,
  EXEC_WITHOUT_MULTI,
  NESTED_MULTI,
  WATCH_INSIDE_MULTI,
} from '../error-replies';
import { Transaction } from '../transaction';
import { Watcher } from '../watch';

export const transactionHandlers: Handlers<typeof transactions, Handler> = {
  DISCARD({ session, reply }) {
    if (session.transaction === null) return reply.error(DISCARD_WITHOUT_MULTI);
    session.endTransaction();
    reply.ok();
  },

  EXEC({ node, session, reply }) {
    const { transaction, watcher } = session;
    if (transaction === null) return reply.error(EXEC_WITHOUT_MULTI);
    const isTouched = watcher !== null && node.watches.settle(watcher);
    if (transaction.isFailed) {
      reply.error(EXEC_ABORTED);
    } else if (isTouched) {
      reply.nullArray();
    } else {
      // Before: what the client changes itself must not cost a look at its own watches.
      session.unwatch();
      session.runTransaction(transaction);
    }
    session.endTransaction();
  },

  MULTI({ session, reply }) {
    if (session.transaction !== null) return reply.error(NESTED_MULTI);
    session.transaction = new Transaction();
    reply.ok();
  },

  UNWATCH({ session, reply }) {
    session.unwatch();
    reply.ok();
  },

  WATCH(call) {
    const { node, session, database } = call;
    if (session.transaction !== null) return call.reply.error(WATCH_INSIDE_MULTI);
    session.watcher ??= new Watcher();
    for (let i = 1; i < call.argc; i++) node.watches.watch(session.watcher, database, call.arg(i));
    call.reply.ok();
  },
};
