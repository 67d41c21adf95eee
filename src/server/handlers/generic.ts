/**
 * Generic commands: what can be done with a key whatever its value is. Times to live are in expire.ts, walks over all
 * keys in scan.ts, OBJECT in object.ts.
 *
 * A key's name lies in one block with its value, so a key that gets another name or database is a copy and a deletion:
 * RENAME and MOVE cost as many bytes as a string or a packed collection has. Large collections have another owner then.
 */
import { DB_OUT_OF_RANGE, type generic, type Handlers } from '../../commands';
import { TYPE_NAMES, type Database } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { NO_SUCH_KEY, SAME_OBJECT } from '../error-replies';
import { dumpHandlers } from './dump';
import { expireHandlers } from './expire';
import { objectHandlers } from './object';
import { scanHandlers } from './scan';
import { sortHandlers } from './sort';
import { waitingHandlers } from './waiting';

export const genericHandlers: Handlers<typeof generic, Handler> = {
  ...dumpHandlers,
  ...expireHandlers,
  ...objectHandlers,
  ...scanHandlers,
  ...sortHandlers,
  ...waitingHandlers,

  COPY(call) {
    let target = call.database;
    let mayReplace = false;
    for (let i = 3; i < call.argc; i++) {
      if (call.is(i, 'replace')) {
        mayReplace = true;
      } else if (call.is(i, 'db') && i + 1 < call.argc) {
        const database = databaseOf(call, ++i);
        if (database === null) return;
        target = database;
      } else {
        return call.syntaxError();
      }
    }
    if (target === call.database && call.arg(1).equals(call.arg(2))) return call.reply.error(SAME_OBJECT);
    const record = call.lookup(1);
    if (record === 0) return call.reply.integer(0);
    if (!mayReplace && target.peek(call.arg(2)) !== 0) return call.reply.integer(0);
    target.putCopy(call.arg(2), record);
    call.changed();
    call.reply.integer(1);
  },

  DEL: remove,

  EXISTS(call) {
    let count = 0;
    for (let i = 1; i < call.argc; i++) if (call.peek(i) !== 0) count++;
    call.reply.integer(count);
  },

  MOVE(call) {
    const target = databaseOf(call, 2);
    if (target === null) return;
    const { database } = call;
    if (target === database) return call.reply.error(SAME_OBJECT);
    const key = call.arg(1);
    const record = database.find(key);
    if (record === 0 || target.peek(key) !== 0) return call.reply.integer(0);
    target.putMoved(key, database, key, record);
    call.changed();
    call.reply.integer(1);
  },

  RENAME(call) {
    if (rename(call, true) !== WRONG) call.reply.ok();
  },

  RENAMENX(call) {
    const renamed = rename(call, false);
    if (renamed !== WRONG) call.reply.integer(renamed);
  },

  TOUCH(call) {
    let count = 0;
    for (let i = 1; i < call.argc; i++) if (call.touch(i) !== 0) count++;
    call.reply.integer(count);
  },

  TYPE(call) {
    const record = call.peek(1);
    call.reply.simple(record === 0 ? 'none' : TYPE_NAMES[call.keyspace.records.type(record)]);
  },

  // DEL too frees what is large in pieces.
  UNLINK: remove,
};

function remove(call: Call): void {
  let count = 0;
  for (let i = 1; i < call.argc; i++) if (call.database.delete(call.arg(i))) count++;
  call.changed(count);
  call.reply.integer(count);
}

/** Whether the key in argument 1 got the name in argument 2: 1 or 0, or WRONG after the error reply. */
function rename(call: Call, mayReplace: boolean): number {
  const { database } = call;
  const from = call.arg(1);
  const to = call.arg(2);
  const record = database.find(from);
  if (record === 0) {
    call.reply.error(NO_SUCH_KEY);
    return WRONG;
  }
  if (from.equals(to) || (!mayReplace && database.peek(to) !== 0)) return 0;
  database.putMoved(to, database, from, record);
  call.changed();
  return 1;
}

/** The database whose number is argument i; null after the error reply. */
function databaseOf(call: Call, i: number): Database | null {
  const index = call.int32(i);
  if (Number.isNaN(index)) return null;
  if (call.keyspace.isDatabaseIndex(index)) return call.keyspace.database(index);
  call.reply.error(DB_OUT_OF_RANGE);
  return null;
}
