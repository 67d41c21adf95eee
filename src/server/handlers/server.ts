/**
 * Server commands: the state of the node and its end. Those of CONFIG and DEBUG, and those about whole databases, have
 * files of their own; COMMAND and TIME are those of all nodes.
 */
import { VERSION } from '../../base';
import { commonServerHandlers, introspectionHandlers, type Handlers, type server } from '../../commands';
import { infoText } from '../../metrics';
import type { Call, Handler } from '../call';
import { SECTIONS } from '../info-sections';
import { configHandlers } from './config';
import { debugHandlers } from './debug';
import { databaseHandlers } from './keyspace-wide';

const NO_SHUTDOWN = 'ERR No shutdown in progress.';

const LABYRINTH_COLUMNS = 64;
const LABYRINTH_ROWS = 16;

export const serverHandlers: Handlers<typeof server, Handler> = {
  ...commonServerHandlers,
  ...introspectionHandlers,
  ...configHandlers,
  ...databaseHandlers,
  ...debugHandlers,

  INFO(call) {
    call.reply.verbatim(infoText(SECTIONS, call.node, call.textsFrom(1)));
  },

  LOLWUT(call) {
    if (call.argc >= 3 && call.is(1, 'version') && Number.isNaN(call.integer(2))) return;
    call.reply.verbatim(
      `${labyrinth(call)}\nslotcache ${VERSION}, Redis ver. ${call.node.settings.values['redis-version']}\n`,
    );
  },

  SHUTDOWN(call) {
    let saves = false;
    let savesNot = false;
    let aborts = false;
    let others = 0;
    for (let i = 1; i < call.argc; i++) {
      if (call.is(i, 'save')) saves = true;
      else if (call.is(i, 'nosave')) savesNot = true;
      else if (call.is(i, 'abort')) aborts = true;
      else if (call.is(i, 'now') || call.is(i, 'force')) others++;
      else return call.syntaxError();
    }
    if ((saves && savesNot) || (aborts && (saves || savesNot || others > 0))) return call.syntaxError();
    // A shutdown waits for nothing here, so there is never one to call off.
    if (aborts) return call.reply.error(NO_SHUTDOWN);
    call.session.closing = true;
    call.node.emit('shutdown');
  },
};

/** A labyrinth of slanted walls, another one each time, after a line of BASIC that fitted into 38 characters. */
function labyrinth({ node }: Call): string {
  const { random } = node.world;
  let text = '';
  for (let row = 0; row < LABYRINTH_ROWS; row++) {
    for (let column = 0; column < LABYRINTH_COLUMNS; column++) text += random.below(2) === 0 ? '╱' : '╲';
    text += '\n';
  }
  return text;
}
