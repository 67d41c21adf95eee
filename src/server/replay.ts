/**
 * Replay: the commands of a journal, run on a node as if nobody had sent them. A file that is loaded is replayed, and later what
 * a master sends.
 *
 * They take the same road through the dispatch as a client's commands, by a session of their own that has no peer: SELECT,
 * MULTI and EXEC mean what they mean to any client. But what a journal says has been decided: no gate is asked again (password,
 * memory), nothing waits, nothing is replied, and no key goes because its time has come: the journal says when. What is read from a
 * file leaves nothing in the node's own journal; what a master sends does, for the append-only file.
 *
 * A reader of a whole journal also keeps keys from expiring between its commands, by the keyspace's `dueKeys`.
 */
import type { Connection } from '../net';
import type { ReceivedCommand } from '../resp';
import type { Database } from '../storage';
import type { DataNode } from './data-node';
import { REPLY_OFF, Session } from './session';

/** As many bytes of replies that nobody wants are kept before they are dropped. */
const UNREAD_BYTES_MAX = 8 * 1024;
/** The number of no client. */
const NO_CLIENT = 0;

/** A connection to nobody: nothing arrives, and what is written is lost. */
export const NOWHERE: Connection = {
  remoteAddress: '',
  localAddress: '',
  isLocal: false,
  unsentBytes: 0,
  write: () => true,
  pauseReading() {},
  resumeReading() {},
  end() {},
  finish() {},
  destroy() {},
};

/** One reader of one journal, which begins in database 0. What follows a MULTI is done when its EXEC is read. */
export class Replayer {
  private readonly session: Session;

  /** @param isOfMaster it is the stream of this node's master that is read, not a file */
  constructor(
    private readonly node: DataNode,
    private readonly isOfMaster = false,
  ) {
    this.session = new Session(NO_CLIENT, node, NOWHERE);
    this.session.replyMode = REPLY_OFF;
    this.session.reply.out = node.nowhere;
    this.session.isOfMaster = isOfMaster;
  }

  /** The database that the journal has selected. */
  get database(): Database {
    return this.session.database;
  }

  set database(database: Database) {
    this.session.database = database;
  }

  /** Whether commands are being queued, since a MULTI. */
  get isInTransaction(): boolean {
    return this.session.transaction !== null;
  }

  /** Forgets what was queued: its EXEC will not come. */
  dropTransaction(): void {
    this.session.endTransaction();
  }

  /**
   * Runs the next command of the journal, whose bytes are borrowed until this returns. Returns null, or the error that a client
   * would have been told, as "ERR …": then the journal does not fit the keyspace, or is none of ours.
   */
  execute(command: ReceivedCommand): string | null {
    const { node, session } = this;
    const { dispatch, journal, keyspace } = node;
    const { isActive } = journal;
    const { dueKeys } = keyspace;
    if (!this.isOfMaster) journal.isActive = false;
    keyspace.dueKeys = 'stay';
    // Not the number of errors: EXEC does not count those of what it runs as its own.
    session.reply.lastError = '';
    const spec = dispatch.resolve(session, command);
    if (spec !== null) dispatch.replay(session, spec, command);
    if (node.nowhere.length > UNREAD_BYTES_MAX) node.nowhere.clear();
    journal.isActive = isActive;
    keyspace.dueKeys = dueKeys;
    if (node.blocking.isAnyReady) node.blocking.serve();
    return session.reply.lastError === '' ? null : session.reply.lastError;
  }
}
