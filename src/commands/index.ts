export { bitmap } from './bitmap';
export { CommandCall, type CallNode, type CallSession, type CommonHandler } from './call';
export { commands, families } from './catalogue';
export { clientLine, type ClientDescription } from './client-line';
export { commonClientHandlers } from './common-client';
export { commonConnectionHandlers, commonServerHandlers } from './common-connection';
export { connection } from './connection';
export {
  family,
  type ArgumentType,
  type Container,
  type Declaration,
  type Effect,
  type Family,
  type FamilyName,
  type Fanout,
  type Handlers,
  type Merge,
} from './declaration';
export {
  BAD_CLIENT_NAME,
  DB_OUT_OF_RANGE,
  INVALID_ARGUMENTS,
  NO_AUTH,
  NOT_AN_INTEGER,
  OUT_OF_INT32,
  SYNTAX_ERROR,
  unknownCommand,
  unknownSubcommand,
  unknownSubcommandOrArity,
  WRONG_PASS,
  wrongArity,
} from './errors';
export {
  CATEGORY_ADMIN,
  CATEGORY_BITMAP,
  CATEGORY_BLOCKING,
  CATEGORY_CONNECTION,
  CATEGORY_DANGEROUS,
  CATEGORY_FAST,
  CATEGORY_GEO,
  CATEGORY_HASH,
  CATEGORY_HYPERLOGLOG,
  CATEGORY_KEYSPACE,
  CATEGORY_LIST,
  CATEGORY_PUBSUB,
  CATEGORY_READ,
  CATEGORY_SCRIPTING,
  CATEGORY_SET,
  CATEGORY_SLOW,
  CATEGORY_SORTEDSET,
  CATEGORY_STREAM,
  CATEGORY_STRING,
  CATEGORY_TRANSACTION,
  CATEGORY_WRITE,
  categoryBit,
  categoryNames,
  FLAG_ADMIN,
  FLAG_ALLOW_BUSY,
  FLAG_ASKING,
  FLAG_BLOCKING,
  FLAG_DENYOOM,
  FLAG_FAST,
  FLAG_LOADING,
  FLAG_MAY_REPLICATE,
  FLAG_MOVABLEKEYS,
  FLAG_NO_ASYNC_LOADING,
  FLAG_NO_AUTH,
  FLAG_NO_MANDATORY_KEYS,
  FLAG_NO_MULTI,
  FLAG_NOSCRIPT,
  FLAG_PROTECTED,
  FLAG_PUBSUB,
  FLAG_READONLY,
  FLAG_SKIP_MONITOR,
  FLAG_SKIP_SLOWLOG,
  FLAG_STALE,
  FLAG_WRITE,
  flagNames,
} from './flags';
export { generic } from './generic';
export { geo } from './geo';
export { arityOf, parseUsage, widthMax, widthMin, type Argument } from './grammar';
export {
  areRight,
  HELLO_NEEDS_AUTH,
  isPrintable,
  parseAuth,
  parseHello,
  writeHello,
  type Credentials,
  type Greeter,
  type Hello,
} from './hello';
export { containerHelp } from './help';
export { hash } from './hash';
export { hyperloglog } from './hyperloglog';
export { introspectionHandlers } from './introspection';
export { list } from './list';
export { KEYS_INVALID, KeyPositions, type CommandArguments, type KeyLayout, type KeySpec } from './keys';
export { commandsMarkdown } from './markdown';
export { NAME_UNKNOWN, NameIndex } from './names';
export { commandDocs, commandInfo, keyFlags, replyName, tipsOf, type ReplyPair, type ReplyTree } from './replies';
export { writeReplyTree } from './reply-tree';
export { server } from './server';
export { set } from './set';
export { sortedSet } from './sorted-set';
export { stream } from './stream';
export { string } from './string';
export { ARGC_UNLIMITED, CommandSpec, CommandTable, compile, findKeys, resolve } from './table';
export { transactions } from './transactions';
