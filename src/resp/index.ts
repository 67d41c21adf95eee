/**
 * resp: RESP2 and RESP3 without sockets. `CommandParser` and `ReplyWriter` for who serves, `encodeCommand`,
 * `ReplyParser` and `decodeReply` for who asks, `replyEnd` and `AggregateHead` for who stands between.
 */
import * as replyTypes from './types';

export { BatchedCommand, makeBatch, type CommandBatch, type ReceivedCommand } from './command-batch';
export { CommandParser } from './command-parser';
export { DECODE_DEPTH_MAX, decodeReply, PushReply, ReplyError, type DecodeOptions, type Reply } from './decode';
export { doubleText } from './double';
export { encodeCommand, HEAD_BYTES_MAX, writeBulk, writeCommand, writeHead, type CommandArgument } from './encode';
export {
  COMMAND,
  defaultProtocolLimits,
  defaultReplyLimits,
  NEED_MORE,
  PROTOCOL_ERROR,
  REPLY,
  type ProtocolLimits,
  type ReplyLimits,
} from './limits';
export { ReplyParser } from './reply-parser';
export { AggregateHead, INCOMPLETE_REPLY, MALFORMED_REPLY, replyEnd } from './reply-ranges';
export { ReplyWriter } from './writer';
/** The type bytes, by name: `replyTypes.PUSH`. */
export { replyTypes };
