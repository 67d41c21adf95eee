/**
 * Server commands: the state of the node, its clock and its end. Those of CONFIG, COMMAND and DEBUG, and those about
 * whole databases, have files of their own.
 */
import { VERSION } from '../../base';
import type { Handlers, server } from '../../commands';
import type { Call, Handler } from '../call';
import { infoText } from '../info';
import { commandHandlers } from './command';
import { configHandlers } from './config';
import { debugHandlers } from './debug';
import { databaseHandlers } from './keyspace-wide';

const NO_SHUTDOWN = 'ERR No shutdown in progress.';

const LABYRINTH_COLUMNS = 64;
const LABYRINTH_ROWS = 16;

export const serverHandlers: Handlers<typeof server, Handler> = {
  ...commandHandlers,
  ...configHandlers,
  ...databaseHandlers,
  ...debugHandlers,

  INFO(call) {
    const words: string[] = [];
    for (let i = 1; i < call.argc; i++) words.push(call.text(i));
    call.reply.verbatim(infoText(call.node, words));
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

  TIME({ reply, node }) {
    const nowMicroseconds = Math.floor(node.world.clock.wallMs() * 1000);
    reply.array(2);
    reply.bulkInteger(Math.floor(nowMicroseconds / 1_000_000));
    reply.bulkInteger(nowMicroseconds % 1_000_000);
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
