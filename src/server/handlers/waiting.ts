/**
 * Commands that wait for replicas and disks: WAIT, WAITAOF. They belong to the generic family; generic.ts spreads them into its
 * handlers. What they wait for, and when they are answered, is in replication/waits.ts.
 *
 * The offset that counts is that of the client's last write. A client that has written nothing waits for replicas that have
 * acknowledged anything at all, as in Redis 7.2.
 */
import type { generic, Handlers } from '../../commands';
import type { Handler } from '../call';
import { NOT_POSITIVE, WAIT_ON_REPLICA, WAITAOF_ON_REPLICA, WAITAOF_WITHOUT_FILE } from '../error-replies';

const NOT_A_LOCAL_COUNT = 'ERR value is out of range, value must between 0 and 1';

export const waitingHandlers: Pick<Handlers<typeof generic, Handler>, 'WAIT' | 'WAITAOF'> = {
  WAIT(call) {
    const { replication } = call.node;
    if (replication.isReplica) return call.reply.error(WAIT_ON_REPLICA);
    const replicas = call.int64(1);
    if (replicas === null) return;
    const timeoutMs = call.timeoutMs(2);
    if (Number.isNaN(timeoutMs)) return;
    replication.waits.wait(
      call,
      { offset: call.session.writtenTo, replicas: Number(replicas), local: null },
      timeoutMs,
    );
  },

  WAITAOF(call) {
    const { replication, settings } = call.node;
    const local = call.int64(1);
    if (local === null) return;
    if (local !== 0n && local !== 1n) return call.reply.error(NOT_A_LOCAL_COUNT);
    const replicas = call.int64(2);
    if (replicas === null) return;
    if (replicas < 0n) return call.reply.error(NOT_POSITIVE);
    const timeoutMs = call.timeoutMs(3);
    if (Number.isNaN(timeoutMs)) return;
    if (replication.isReplica) return call.reply.error(WAITAOF_ON_REPLICA);
    if (local === 1n && !settings.values['appendonly']) return call.reply.error(WAITAOF_WITHOUT_FILE);
    replication.waits.wait(
      call,
      { offset: call.session.writtenTo, replicas: Number(replicas), local: Number(local) },
      timeoutMs,
    );
  },
};
