/**
 * CLIENT, where it is about the data node and not about clients in general: pauses, replies turned off, eviction. What
 * every node answers is in src/commands/common-client.ts.
 */
import { commonClientHandlers, unknownSubcommandOrArity, type connection, type Handlers } from '../../commands';
import type { Handler } from '../call';
import { UNBLOCKED } from '../error-replies';
import { REPLY_OFF, REPLY_SKIP_NEXT } from '../session';

const TIMEOUT_NOT_AN_INTEGER = 'ERR timeout is not an integer or out of range';
const TIMEOUT_NEGATIVE = 'ERR timeout is negative';
const BAD_UNBLOCK_REASON = 'ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR';
const BAD_PAUSE_MODE = 'ERR CLIENT PAUSE mode must be WRITE or ALL';

type ConnectionHandlers = Handlers<typeof connection, Handler>;

export const clientHandlers: Pick<ConnectionHandlers, Extract<keyof ConnectionHandlers, `CLIENT ${string}`>> = {
  ...commonClientHandlers,

  'CLIENT NO-EVICT'(call) {
    const on = call.onOrOff(2);
    if (on === null) return;
    call.session.noEvict = on;
    call.reply.ok();
  },

  'CLIENT NO-TOUCH'(call) {
    const on = call.onOrOff(2);
    if (on === null) return;
    call.session.noTouch = on;
    call.reply.ok();
  },

  'CLIENT PAUSE'(call) {
    if (call.argc > 4) return call.reply.error(unknownSubcommandOrArity(call.args, 'CLIENT'));
    const isAll = call.argc === 3 || call.is(3, 'all');
    if (!isAll && !call.is(3, 'write')) return call.reply.error(BAD_PAUSE_MODE);
    const durationMs = call.int64(2, TIMEOUT_NOT_AN_INTEGER);
    if (durationMs === null) return;
    if (durationMs < 0n) return call.reply.error(TIMEOUT_NEGATIVE);
    call.node.pause(isAll ? 'all' : 'writes', Number(durationMs));
    call.reply.ok();
  },

  'CLIENT REPLY'(call) {
    const { session } = call;
    if (call.is(2, 'on')) {
      session.turnRepliesOn();
      call.reply.ok();
    } else if (call.is(2, 'off')) {
      session.replyMode = REPLY_OFF;
    } else if (call.is(2, 'skip')) {
      if (session.replyMode !== REPLY_OFF) session.replyMode = REPLY_SKIP_NEXT;
    } else {
      call.syntaxError();
    }
  },

  'CLIENT UNBLOCK'(call) {
    if (call.argc > 4) return call.reply.error(unknownSubcommandOrArity(call.args, 'CLIENT'));
    const isError = call.argc === 4 && call.is(3, 'error');
    if (call.argc === 4 && !isError && !call.is(3, 'timeout')) return call.reply.error(BAD_UNBLOCK_REASON);
    const id = call.int64(2);
    if (id === null) return;
    const session = call.node.sessions.get(Number(id));
    call.reply.integer(session?.unblock(isError ? UNBLOCKED : null) === true ? 1 : 0);
  },

  'CLIENT UNPAUSE'(call) {
    call.node.unpause();
    call.reply.ok();
  },
};
