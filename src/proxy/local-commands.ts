/**
 * What the proxy answers by itself: all that concerns the client's own connection or the proxy, and not the data.
 *
 * HELLO, AUTH, SELECT, RESET and QUIT change only the session: no server hears of them, since the connections to servers
 * are shared. CLIENT is about the proxy's own clients: what servers show as theirs are the proxy's connections, which are
 * nobody's in particular. Most of it is what every node answers, and stands in src/commands.
 */
import {
  commonClientHandlers,
  commonConnectionHandlers,
  commonServerHandlers,
  containerHelp,
  DB_OUT_OF_RANGE,
  introspectionHandlers,
} from '../commands';
import { infoText } from '../metrics';
import { SECTIONS } from './info';
import type { LocalCall, LocalCommand } from './local-call';

/** By name; what is not here and has no key is refused. */
export const localCommands: Readonly<Record<string, LocalCommand>> = {
  ...commonClientHandlers,
  ...commonConnectionHandlers,
  ...commonServerHandlers,
  ...introspectionHandlers,

  // Proxies evict no clients and touch no keys: these two are understood and change nothing.
  'CLIENT NO-EVICT': acceptOnOrOff,
  'CLIENT NO-TOUCH': acceptOnOrOff,

  'CONFIG RESETSTAT'(call) {
    call.node.statistics.reset();
    call.reply.ok();
  },

  'CONFIG SET'(call) {
    const error = call.node.settings.change(call.textsFrom(2), false);
    if (error === null) call.reply.ok();
    else call.reply.error(error);
  },

  INFO(call) {
    call.reply.verbatim(infoText(SECTIONS, call.node, call.textsFrom(1)));
  },

  'OBJECT HELP': containerHelp,

  SELECT(call) {
    const index = call.int32(1);
    if (Number.isNaN(index)) return;
    if (index < 0 || index >= call.node.settings.values['databases']) return call.reply.error(DB_OUT_OF_RANGE);
    call.session.database = index;
    call.reply.ok();
  },
};

function acceptOnOrOff(call: LocalCall): void {
  if (call.onOrOff(2) !== null) call.reply.ok();
}
