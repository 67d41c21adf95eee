/**
 * Server commands: the state of the node. Those of CONFIG and DEBUG, those about whole databases and those about what is on
 * disk have files of their own; COMMAND and TIME are those of all nodes.
 */
import { VERSION } from '../../base';
import { commonServerHandlers, introspectionHandlers, type Handlers, type server } from '../../commands';
import { infoText } from '../../metrics';
import type { Call, Handler } from '../call';
import { SECTIONS } from '../info-sections';
import { configHandlers } from './config';
import { controlHandlers } from './control';
import { debugHandlers } from './debug';
import { databaseHandlers } from './keyspace-wide';
import { persistenceHandlers } from './persistence';
import { replicasHandlers } from './replicas';
import { rolesHandlers } from './roles';

const LABYRINTH_COLUMNS = 64;
const LABYRINTH_ROWS = 16;

export const serverHandlers: Handlers<typeof server, Handler> = {
  ...commonServerHandlers,
  ...introspectionHandlers,
  ...configHandlers,
  ...controlHandlers,
  ...databaseHandlers,
  ...debugHandlers,
  ...persistenceHandlers,
  ...replicasHandlers,
  ...rolesHandlers,

  INFO(call) {
    call.reply.verbatim(infoText(SECTIONS, call.node, call.textsFrom(1)));
  },

  LOLWUT(call) {
    if (call.argc >= 3 && call.is(1, 'version') && Number.isNaN(call.integer(2))) return;
    call.reply.verbatim(
      `${labyrinth(call)}\nslotcache ${VERSION}, Redis ver. ${call.node.settings.values['redis-version']}\n`,
    );
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
