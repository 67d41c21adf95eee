/**
 * CacheError: what a user of the library meets when something fails.
 *
 * `code` is stable and meant to be switched on; `message` is for people and says what to do where that is known.
 * What a *client* of a server does wrong is never an exception: it is an error reply, written from a table.
 */
export class CacheError extends Error {
  override readonly name = 'CacheError';

  constructor(
    readonly code: CacheErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export type CacheErrorCode =
  | 'BAD_AOF' // an append-only file, or the manifest of them, is damaged or incomplete
  | 'BAD_LOG' // the Raft log is damaged or incomplete
  | 'BAD_MESSAGE' // a peer sent bytes that are no message, or state that is none
  | 'BAD_RDB' // an RDB file is damaged, or of a version that nobody knows
  | 'BAD_SETTING' // a setting has a value it cannot have, or does not exist
  | 'BAD_VIEW' // a cluster view contradicts itself
  | 'CLOSED' // the thing was closed before the answer came
  | 'CONNECT_FAILED' // nobody answers at that address
  | 'FILE_FAILED' // a file cannot be read, written, named or locked; `cause` is the system's error
  | 'LISTEN_FAILED' // the address cannot be listened on
  | 'NOT_LEADER' // only the leader can do that, and this node is not it
  | 'OUT_OF_MEMORY' // the keyspace has reached its address space or the machine's memory
  | 'PROTOCOL' // the peer sent what RESP does not allow
  | 'REPLY' // the peer answered with an error reply; `message` is that reply
  | 'TIMEOUT' // no answer in time
  | 'UNKNOWN_OUTCOME'; // it may have been done, or may still be

/** For what can never happen: stays on in production, because a wrong answer is worse than none. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
