/**
 * Commands that change roles: REPLICAOF, FAILOVER. They belong to the server family; server.ts spreads them into its handlers.
 *
 * REPLICAOF is also how the setting `replicaof` changes, which CONFIG SET must not touch and CONFIG REWRITE writes.
 */
import { NOT_AN_INTEGER, type Handlers, type server } from '../../commands';
import type { Call, Handler } from '../call';
import { isAt, type HandoverRequest } from '../replication/handover';
import type { MasterAddress } from '../replication/replication';

const INVALID_PORT = 'ERR Invalid master port';
const NOT_FOR_REPLICAS = 'ERR Command is not valid when client is a replica.';
const NOT_DURING_FAILOVER = 'ERR REPLICAOF not allowed while failing over.';
const ALREADY_CONNECTED = 'OK Already connected to specified master';
const PORT_MAX = 65535;

const TIMEOUT_NOT_POSITIVE = 'ERR FAILOVER timeout must be greater than 0';
const NO_FAILOVER = 'ERR No failover in progress.';
const IN_PROGRESS = 'ERR FAILOVER already in progress.';
const OF_REPLICA = 'ERR FAILOVER is not valid when server is a replica.';
const WITHOUT_REPLICAS = 'ERR FAILOVER requires connected replicas.';
const FORCE_NEEDS_MORE =
  'ERR FAILOVER with force option requires both a timeout and target HOST and IP to be specified.';
const NO_SUCH_REPLICA = 'ERR FAILOVER target HOST and PORT is not a replica.';
const REPLICA_NOT_ONLINE = 'ERR FAILOVER target replica is not online.';

type ServerHandlers = Handlers<typeof server, Handler>;

export const rolesHandlers: Pick<ServerHandlers, 'FAILOVER' | 'REPLICAOF' | 'SLAVEOF'> = {
  FAILOVER(call) {
    const { handover } = call.node.replication;
    if (call.argc === 2 && call.is(1, 'abort')) {
      if (!handover.isUnderWay) return call.reply.error(NO_FAILOVER);
      changeRole(call, () => handover.abort('Failover manually aborted'));
      return call.reply.ok();
    }
    const request = requestOf(call);
    if (request === null) return;
    const refusal = reasonAgainst(call, request);
    if (refusal !== null) return call.reply.error(refusal);
    handover.begin(request);
    call.reply.ok();
  },
  REPLICAOF: changeMaster,
  SLAVEOF: changeMaster,
};

function changeMaster(call: Call): void {
  const { node, reply, session } = call;
  const { replication } = node;
  if (replication.handover.isUnderWay) return reply.error(NOT_DURING_FAILOVER);
  if (call.is(1, 'no') && call.is(2, 'one')) {
    if (replication.isReplica) {
      changeRole(call, () => replication.promote());
      node.world.log('notice', `MASTER MODE enabled (user request from '${session.describe()}')`);
    }
    return reply.ok();
  }
  if (session.isReplica) return reply.error(NOT_FOR_REPLICAS);
  const port = call.clampedInteger(2, INVALID_PORT);
  if (Number.isNaN(port)) return;
  if (port < 0 || port > PORT_MAX) return reply.error(INVALID_PORT);
  const host = call.text(1);
  const { master } = replication;
  if (master !== null && master.host.toLowerCase() === host.toLowerCase() && master.port === port) {
    node.world.log(
      'notice',
      'REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.',
    );
    return reply.simple(ALREADY_CONNECTED);
  }
  changeRole(call, () => replication.follow({ host, port }));
  node.world.log('notice', `REPLICAOF ${host}:${port} enabled (user request from '${session.describe()}')`);
  reply.ok();
}

/** Changes the role now, or after the transaction that the command is part of. */
function changeRole({ mayBlock, node }: Call, change: () => void): void {
  if (mayBlock) change();
  else node.persistence.betweenCommands(change);
}

/** The options of FAILOVER; null after the error reply. */
function requestOf(call: Call): HandoverRequest | null {
  let target: MasterAddress | null = null;
  let timeoutMs: number | null = null;
  let isForced = false;
  for (let i = 1; i < call.argc; i++) {
    if (call.is(i, 'timeout') && i + 1 < call.argc && timeoutMs === null) {
      timeoutMs = call.clampedInteger(++i, NOT_AN_INTEGER);
      if (Number.isNaN(timeoutMs)) return null;
      if (timeoutMs <= 0) {
        call.reply.error(TIMEOUT_NOT_POSITIVE);
        return null;
      }
    } else if (call.is(i, 'to') && i + 2 < call.argc && target === null) {
      const port = call.clampedInteger(i + 2, NOT_AN_INTEGER);
      if (Number.isNaN(port)) return null;
      target = { host: call.text(i + 1), port };
      i += 2;
    } else if (call.is(i, 'force') && !isForced) {
      isForced = true;
    } else {
      call.syntaxError();
      return null;
    }
  }
  return { target, timeoutMs, isForced };
}

/** Why this node cannot do that now; null where it can. */
function reasonAgainst({ node }: Call, { target, timeoutMs, isForced }: HandoverRequest): string | null {
  const { feeds, handover, isReplica } = node.replication;
  if (handover.isUnderWay) return IN_PROGRESS;
  if (isReplica) return OF_REPLICA;
  if (feeds.all.length === 0) return WITHOUT_REPLICAS;
  if (isForced && (timeoutMs === null || target === null)) return FORCE_NEEDS_MORE;
  if (target === null) return null;
  const replica = feeds.all.find((feed) => isAt(feed, target));
  if (replica === undefined) return NO_SUCH_REPLICA;
  return replica.state === 'online' ? null : REPLICA_NOT_ONLINE;
}
