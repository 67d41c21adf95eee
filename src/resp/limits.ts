/**
 * Limits: how much a peer may make us hold. Everything that arrives from a socket is measured against one of these.
 *
 * The objects are shared and may change while connections are open (CONFIG SET); parsers read them when they need
 * them and keep no copies. Defaults are those of Redis 7.2, except `argumentsMax`: Redis has let that grow to 2^31 − 1
 * since 7.0, which no client needs and every attacker likes, so here the older and documented million holds.
 */

/** What a client may send. */
export interface ProtocolLimits {
  /** Bytes of one argument; `proto-max-bulk-len`. */
  bulkBytesMax: number;
  /** Arguments of one command, its name included. */
  argumentsMax: number;
  /** Bytes of a line without its end: an inline command, or the digits of a length. */
  inlineBytesMax: number;
  /** Bytes of a command that is not yet whole; `client-query-buffer-limit`. */
  queryBytesMax: number;
}

/** What a server may answer. */
export interface ReplyLimits {
  /** Bytes of one string, simple or bulk. */
  bulkBytesMax: number;
  /** Values that a reply may owe at any moment, over all levels; at most 2^30. */
  elementsMax: number;
  /** Bytes of a reply that is not yet whole. */
  replyBytesMax: number;
}

/** Redis' defaults, as an object of one's own to change. */
export function defaultProtocolLimits(): ProtocolLimits {
  return {
    bulkBytesMax: 512 * 1024 * 1024,
    argumentsMax: 1024 * 1024,
    inlineBytesMax: 64 * 1024,
    queryBytesMax: 1024 * 1024 * 1024,
  };
}

export function defaultReplyLimits(): ReplyLimits {
  return {
    bulkBytesMax: 512 * 1024 * 1024,
    elementsMax: 2 ** 30,
    replyBytesMax: 1024 * 1024 * 1024,
  };
}

/** What holds, in place of the above, for a client that must still authenticate. */
export const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
export const UNAUTHENTICATED_BULK_BYTES_MAX = 16_384;

/** Answers of `next()`: all that arrived is read, feed more. */
export const NEED_MORE = 0;
/** A command is whole and can be looked at. */
export const COMMAND = 1;
/** A reply is whole and can be looked at. */
export const REPLY = 1;
/** The peer does not speak RESP, or wants too much; every later answer is the same. */
export const PROTOCOL_ERROR = 2;
