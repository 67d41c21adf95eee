/**
 * Replay: the commands of a journal, run on a node as if nobody had sent them. A file that is loaded is replayed, and later what
 * a master sends.
 *
 * They take the same road through the dispatch as a client's commands, by a session of their own that has no peer: SELECT,
 * MULTI and EXEC mean what they mean to any client. But what a journal says has been decided: no gate is asked again (password,
 * memory), nothing waits, nothing is replied, and no key goes because its time has come: the journal says when. Nor do these
 * commands leave anything in the node's own journal.
 *
 * A reader of a whole journal also keeps keys from expiring between its commands, by the keyspace's `removesExpired`.
 */
import type { Connection } from '../net';
import type { ReceivedCommand } from '../resp';
import type { DataNode } from './data-node';
import { REPLY_OFF, Session } from './session';

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
  destroy() {},
};

/** One reader of one journal, which begins in database 0. What follows a MULTI is done when its EXEC is read. */
export class Replayer {
  private readonly session: Session;

  constructor(private readonly node: DataNode) {
    this.session = new Session(NO_CLIENT, node, NOWHERE);
    this.session.replyMode = REPLY_OFF;
    this.session.reply.out = node.nowhere;
  }

  /**
   * Runs the next command of the journal, whose bytes are borrowed until this returns. Returns null, or the error that a client
   * would have been told, as "ERR …": then the journal does not fit the keyspace, or is none of ours.
   */
  execute(command: ReceivedCommand): string | null {
    const { node, session } = this;
    const { dispatch, journal, keyspace } = node;
    const { isActive } = journal;
    const { removesExpired } = keyspace;
    journal.isActive = false;
    keyspace.removesExpired = false;
    // Not the number of errors: EXEC does not count those of what it runs as its own.
    session.reply.lastError = '';
    const spec = dispatch.resolve(session, command);
    if (spec !== null) dispatch.replay(session, spec, command);
    node.nowhere.clear();
    journal.isActive = isActive;
    keyspace.removesExpired = removesExpired;
    if (node.blocking.isAnyReady) node.blocking.serve();
    return session.reply.lastError === '' ? null : session.reply.lastError;
  }
}
