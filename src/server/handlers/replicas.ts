/**
 * Commands that replicas send to their master, and ROLE. They belong to the server family; server.ts spreads them into its
 * handlers.
 *
 * A client is a replica from PSYNC or SYNC on: what it is sent then is the stream, and no reply stands in it. REPLCONF ACK is
 * never answered, and neither is what a connection says that is a replica already. Conditions, their order and texts are Redis'.
 */
import { parseInt64, parseInteger } from '../../base';
import { isPrintable, type Handlers, type server } from '../../commands';
import type { Call, Handler } from '../call';
import {
  cannotFilterBy,
  FAILOVER_OF_MASTER,
  FAILOVER_OF_OTHER_STREAM,
  FILTER_NEEDS_END_MARK,
  NO_MASTER_LINK,
  NO_SYNC_IN_FAILOVER,
  SYNC_WITH_PENDING_OUTPUT,
  tooLongAddress,
  unknownReplicaOption,
} from '../error-replies';
import { replyRole } from '../replication/info';

/** A host's name that is longer than this is none. */
const ADDRESS_BYTES_MAX = 255;
const PORT_MAX = 65535;
const ID_LENGTH = 40;
/** What a replica says of itself stands in INFO and in the log, and is connected to: it must be what it seems. */
const BAD_PORT = 'ERR REPLCONF listening-port provided by replica instance is no port';
const BAD_ADDRESS = 'ERR REPLCONF ip-address provided by replica instance is no address';

type ServerHandlers = Handlers<typeof server, Handler>;

export const replicasHandlers: Pick<ServerHandlers, 'PSYNC' | 'REPLCONF' | 'ROLE' | 'SYNC'> = {
  PSYNC(call) {
    const { node, session } = call;
    const { replication } = node;
    if (session.isReplica) return;
    const id = idOf(call.text(1));
    if (call.argc > 3 && call.is(3, 'failover')) {
      node.world.log('notice', `Failover request received for replid ${id}.`);
      if (!replication.isReplica) return call.reply.error(FAILOVER_OF_MASTER);
      if (id !== replication.history.id) return call.reply.error(FAILOVER_OF_OTHER_STREAM);
      replication.promote();
      node.world.log('notice', `MASTER MODE enabled (failover request from '${session.describe()}')`);
    }
    if (!mayBecomeReplica(call)) return;
    const nextByte = call.int64(2);
    if (nextByte === null) return;
    replication.syncs.admit(session, session.introduce(), id, Number(nextByte) - 1);
  },

  REPLCONF(call) {
    if (call.argc % 2 === 0) return call.syntaxError();
    if (call.argc > 1 && call.is(1, 'ack')) return acknowledge(call);
    if (call.argc > 1 && call.is(1, 'getack')) return;
    for (let i = 1; i < call.argc; i += 2) if (!introduce(call, i)) return;
    call.reply.ok();
  },

  ROLE(call) {
    replyRole(call.node, call.reply);
  },

  SYNC(call) {
    const { node, session } = call;
    if (session.isReplica || !mayBecomeReplica(call)) return;
    const feed = session.introduce();
    feed.isOld = true;
    node.replication.syncs.admitAnew(session, feed);
  },
};

/** The id of a stream as it may stand in the log: no stream has one that is longer, or of other characters. */
function idOf(text: string): string {
  return text
    .slice(0, ID_LENGTH)
    .replace(/[^\x21-\x7e]/g, '.')
    .toLowerCase();
}

/** Whether a client may become a replica now; false after the error reply. */
function mayBecomeReplica({ node, reply, session }: Call): boolean {
  const { replication } = node;
  const feed = session.introduce();
  let error: string | null = null;
  if (replication.handover.isUnderWay) error = NO_SYNC_IN_FAILOVER;
  // They come again: a master that lost its data must not be copied before it is known to be one.
  else if (node.allegiance?.isPending === true) error = NO_MASTER_LINK;
  else if (replication.isReplica && !replication.following.isConnected) error = NO_MASTER_LINK;
  // What it was told before must not mingle with the stream.
  else if (session.unsentBytes > 0) error = SYNC_WITH_PENDING_OUTPUT;
  else if (feed.wantsFiltered && !feed.knowsEndMark) error = FILTER_NEEDS_END_MARK;
  if (error === null) {
    node.world.log('notice', `Replica ${feed.name} asks for synchronization`);
    return true;
  }
  reply.error(error);
  return false;
}

/** REPLCONF ACK offset [FACK offset]. */
function acknowledge(call: Call): void {
  const { node, session } = call;
  if (session.feed === null || !session.feed.isAttached) return;
  const diskOffset = call.argc > 4 && call.is(3, 'fack') ? parseInteger(call.arg(4)) : NaN;
  node.replication.feeds.acknowledge(session.feed, parseInteger(call.arg(2)), diskOffset);
}

/** Notes what argument i says about a replica, by the argument after it; false after the error reply. */
function introduce(call: Call, i: number): boolean {
  const feed = call.session.introduce();
  const value = i + 1;
  if (call.is(i, 'listening-port')) {
    const port = call.int64(value);
    if (port === null) return false;
    if (port < 0n || port > PORT_MAX) return refuse(call, BAD_PORT);
    feed.listeningPort = Number(port);
  } else if (call.is(i, 'ip-address')) {
    const { length } = call.arg(value);
    if (length > ADDRESS_BYTES_MAX) return refuse(call, tooLongAddress(length));
    const address = call.text(value);
    if (!isPrintable(address)) return refuse(call, BAD_ADDRESS);
    feed.announcedAddress = address;
  } else if (call.is(i, 'capa')) {
    // What a later Redis can do beside is of no use here.
    if (call.is(value, 'eof')) feed.knowsEndMark = true;
    else if (call.is(value, 'psync2')) feed.knowsPsync2 = true;
  } else if (call.is(i, 'version')) {
    feed.version = call.text(value);
  } else if (call.is(i, 'rdb-only')) {
    const flag = parseInt64(call.arg(value));
    if (flag !== 0n && flag !== 1n) return refuse(call, 'ERR value is out of range, must between 0 and 1');
    feed.wantsOnlySnapshot = flag === 1n;
  } else if (call.is(i, 'rdb-filter-only')) {
    const filters = call.text(value).split(' ').filter(Boolean);
    const unknown = filters.find((filter) => filter.toLowerCase() !== 'functions');
    if (unknown !== undefined) return refuse(call, cannotFilterBy(unknown));
    feed.wantsKeys = false;
    feed.wantsFunctions = filters.length > 0;
  } else {
    return refuse(call, unknownReplicaOption(call.text(i)));
  }
  return true;
}

function refuse(call: Call, error: string): false {
  call.reply.error(error);
  return false;
}
