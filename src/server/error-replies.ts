/**
 * What the data node says when a command cannot be done with the data: constants, in Redis' own words, because clients and
 * people search for them. Texts about commands and greetings are those of all nodes (src/commands/errors.ts).
 */
export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const NOT_A_FLOAT = 'ERR value is not a valid float';
export const WOULD_OVERFLOW = 'ERR increment or decrement would overflow';
export const DECREMENT_WOULD_OVERFLOW = 'ERR decrement would overflow';
export const NOT_FINITE = 'ERR increment would produce NaN or Infinity';
export const OFFSET_OUT_OF_RANGE = 'ERR offset is out of range';
export const BIT_OFFSET_OUT_OF_RANGE = 'ERR bit offset is not an integer or out of range';
export const BIT_OUT_OF_RANGE = 'ERR bit is not an integer or out of range';
export const BIT_IS_NOT_0_OR_1 = 'ERR The bit argument must be 1 or 0.';
export const BITOP_NOT_TAKES_ONE = 'ERR BITOP NOT must be called with a single source key.';
export const BITFIELD_RO_ONLY_GETS = 'ERR BITFIELD_RO only supports the GET subcommand';
export const BAD_OVERFLOW_TYPE = 'ERR Invalid OVERFLOW type specified';
export const BAD_BITFIELD_TYPE =
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';
export const LCS_NEEDS_STRINGS = 'ERR The specified keys must contain string values';
export const LCS_LEN_AND_IDX = 'ERR If you want both the length and indexes, please just use IDX.';
export const LCS_TOO_LARGE = 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len';
export const STRING_TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
export const NO_SUCH_KEY = 'ERR no such key';
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const SAME_OBJECT = 'ERR source and destination objects are the same';
export const INVALID_CURSOR = 'ERR invalid cursor';
export const NOT_IN_TRANSACTION = 'ERR Command not allowed inside a transaction';
export const NESTED_MULTI = 'ERR MULTI calls can not be nested';
export const WATCH_INSIDE_MULTI = 'ERR WATCH inside MULTI is not allowed';
export const EXEC_WITHOUT_MULTI = 'ERR EXEC without MULTI';
export const DISCARD_WITHOUT_MULTI = 'ERR DISCARD without MULTI';
export const EXEC_ABORTED = 'EXECABORT Transaction discarded because of previous errors.';
export const NOT_A_HYPERLOGLOG = 'WRONGTYPE Key is not a valid HyperLogLog string value.';
export const CORRUPT_HYPERLOGLOG = 'INVALIDOBJ Corrupted HLL object detected';
export const NOT_SPARSE = 'ERR HLL encoding is not sparse';
export const KEY_DOES_NOT_EXIST = 'ERR The specified key does not exist';
export const DEBUG_NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
  'connection, otherwise you need to set this option in the configuration file, and then restart the server.';

/** For an EXEC that itself was refused for `error`. */
export function execAborted(error: string): string {
  return `EXECABORT Transaction discarded because of: ${error.replace(/^ERR /, '')}`;
}

export function invalidExpireTime(name: string): string {
  return `ERR invalid expire time in '${name}' command`;
}
