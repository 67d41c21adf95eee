/**
 * SLOTCACHE: what the control plane and its proxies say to a data node that it manages. They belong to the server family; server.ts
 * spreads them into its handlers.
 *
 * A proxy says on each connection which epoch of the group it routes by, so that neither a proxy nor a master that missed a change of
 * master goes on unnoticed. A node that follows no config servers has no epoch and believes everybody.
 */
import { containerHelp, type Handlers, type server } from '../../commands';
import type { Allegiance } from '../control/allegiance';
import type { Call, Handler } from '../call';

const NOT_MANAGED = 'ERR This server follows no config servers.';
const NOT_A_MASTER = 'ERR This server is no master.';
const HOLD_MS_MAX = 600_000;

type ServerHandlers = Handlers<typeof server, Handler>;
type Names = 'SLOTCACHE EPOCH' | 'SLOTCACHE HELP' | 'SLOTCACHE HOLD' | 'SLOTCACHE RELEASE';

export const controlHandlers: Pick<ServerHandlers, Names> = {
  'SLOTCACHE EPOCH'(call) {
    const group = call.integer(2);
    if (Number.isNaN(group)) return;
    const epoch = call.integer(3);
    if (Number.isNaN(epoch)) return;
    const { allegiance } = call.node;
    if (allegiance !== null && isStale(call, allegiance, group, epoch)) return;
    call.reply.ok();
  },

  'SLOTCACHE HELP': containerHelp,

  'SLOTCACHE HOLD'(call) {
    const epoch = call.integer(2);
    if (Number.isNaN(epoch)) return;
    const durationMs = call.integer(3);
    if (Number.isNaN(durationMs)) return;
    if (durationMs < 1 || durationMs > HOLD_MS_MAX) {
      return call.reply.error(`ERR the time must be 1 to ${HOLD_MS_MAX} milliseconds`);
    }
    const { allegiance, replication } = call.node;
    if (allegiance === null) return call.reply.error(NOT_MANAGED);
    if (isStale(call, allegiance, allegiance.group, epoch)) return;
    if (replication.isReplica) return call.reply.error(NOT_A_MASTER);
    allegiance.standstill.begin(call, durationMs);
  },

  'SLOTCACHE RELEASE'(call) {
    const { allegiance } = call.node;
    if (allegiance === null) return call.reply.error(NOT_MANAGED);
    allegiance.standstill.end();
    call.reply.ok();
  },
};

/** Whether a client knows less than this node: it is told so, and its connection is closed. */
function isStale({ reply, session }: Call, allegiance: Allegiance, group: number, epoch: number): boolean {
  const reason = allegiance.heard(group, epoch);
  if (reason === null) return false;
  reply.error(`STALEEPOCH ${reason}`);
  session.closing = true;
  return true;
}
