/**
 * Commands about what is on disk: saving, rewriting, and the end of the server. They belong to the server family; server.ts
 * spreads them into its handlers.
 *
 * One snapshot at a time: where another is under way the reply says so, or says that this one comes after it. In a
 * transaction they are scheduled, because a snapshot must not show half of one. Replies are Redis'.
 */
import type { Handlers, server } from '../../commands';
import { NO_KEYS } from '../blocking';
import type { Call, Handler } from '../call';
import { CANNOT_SHUT_DOWN, UNBLOCKED } from '../error-replies';
import type { ShutdownOptions } from '../persistence/shutdown';

const SAVING_ALREADY = 'ERR Background save already in progress';
const OTHER_SNAPSHOT =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE " +
  'whenever possible.';
const REWRITING_ALREADY = 'ERR Background append only file rewriting already in progress';
const CANNOT_REWRITE =
  "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.";
const NO_SHUTDOWN = 'ERR No shutdown in progress.';
/** What Redis says where it has no words: the log has. */
const FAILED = 'ERR';

type ServerHandlers = Handlers<typeof server, Handler>;
type Names = 'BGREWRITEAOF' | 'BGSAVE' | 'LASTSAVE' | 'SAVE' | 'SHUTDOWN';

export const persistenceHandlers: Pick<ServerHandlers, Names> = {
  BGREWRITEAOF(call) {
    const { persistence } = call.node;
    const { rewrites } = persistence;
    if (rewrites.isBusy) return call.reply.error(REWRITING_ALREADY);
    if (persistence.isSnapshotRunning || isInTransaction(call)) {
      persistence.schedule(rewrites);
      call.reply.simple('Background append only file rewriting scheduled');
    } else if (rewrites.begin()) {
      call.reply.simple('Background append only file rewriting started');
    } else {
      call.reply.error(CANNOT_REWRITE);
    }
  },

  BGSAVE(call) {
    const schedules = call.argc === 2 && call.is(1, 'schedule');
    if (call.argc > 1 && !schedules) return call.syntaxError();
    const { persistence } = call.node;
    const { saves } = persistence;
    if (saves.running !== null) return call.reply.error(SAVING_ALREADY);
    if (persistence.isSnapshotRunning || isInTransaction(call)) {
      if (!schedules && !isInTransaction(call)) return call.reply.error(OTHER_SNAPSHOT);
      persistence.schedule(saves);
      call.reply.simple('Background saving scheduled');
    } else if (saves.begin()) {
      call.reply.simple('Background saving started');
    } else {
      call.reply.error(FAILED);
    }
  },

  LASTSAVE(call) {
    call.reply.integer(call.node.persistence.saves.lastSavedAt);
  },

  SAVE(call) {
    const { saves } = call.node.persistence;
    if (saves.running !== null) return call.reply.error(SAVING_ALREADY);
    if (saves.save() === null) call.reply.ok();
    else call.reply.error(FAILED);
  },

  SHUTDOWN(call) {
    let saves = false;
    let savesNot = false;
    let aborts = false;
    let isForced = false;
    let isHurried = false;
    for (let i = 1; i < call.argc; i++) {
      if (call.is(i, 'save')) saves = true;
      else if (call.is(i, 'nosave')) savesNot = true;
      else if (call.is(i, 'abort')) aborts = true;
      else if (call.is(i, 'force')) isForced = true;
      else if (call.is(i, 'now')) isHurried = true;
      else return call.syntaxError();
    }
    const hasOthers = saves || savesNot || isForced || isHurried;
    if ((saves && savesNot) || (aborts && hasOthers)) return call.syntaxError();
    const { leaving } = call.node;
    if (aborts) {
      if (leaving.abort()) call.reply.ok();
      else call.reply.error(NO_SHUTDOWN);
      return;
    }
    const options: ShutdownOptions = {
      isForced,
      isHurried,
      ...(saves ? { saves } : savesNot ? { saves: false } : {}),
    };
    switch (leaving.begin(options)) {
      case 'ready':
        call.session.closing = true;
        break;
      case 'waiting':
        waitForEnd(call);
        break;
      case 'failed':
        call.reply.error(CANNOT_SHUT_DOWN);
        break;
    }
  },
};

/** Lets the client wait for the end of the node, which is its only good reply. */
function waitForEnd(call: Call): void {
  const { session } = call;
  const { sessions } = call.node.leaving;
  call.block({
    ...NO_KEYS,
    timeoutMs: 0,
    replyTimeout: (reply) => reply.error(UNBLOCKED),
    left: () => sessions.delete(session),
  });
  sessions.add(session);
}

/** Whether the command is one of those that EXEC runs. */
function isInTransaction({ mayBlock }: Call): boolean {
  return !mayBlock;
}
