/**
 * What the data node says when a client did something wrong: constants, in Redis' own words, because clients and
 * people search for them.
 */
export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const SYNTAX_ERROR = 'ERR syntax error';
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
export const NOT_A_FLOAT = 'ERR value is not a valid float';
export const OUT_OF_RANGE = 'ERR value is out of range';
export const OUT_OF_INT32 = 'ERR value is out of range, value must between -2147483648 and 2147483647';
export const OUT_OF_RANGE_POSITIVE = 'ERR value is out of range, must be positive';
export const WOULD_OVERFLOW = 'ERR increment or decrement would overflow';
export const DECREMENT_WOULD_OVERFLOW = 'ERR decrement would overflow';
export const NOT_FINITE = 'ERR increment would produce NaN or Infinity';
export const OFFSET_OUT_OF_RANGE = 'ERR offset is out of range';
export const LCS_NEEDS_STRINGS = 'ERR The specified keys must contain string values';
export const LCS_LEN_AND_IDX = 'ERR If you want both the length and indexes, please just use IDX.';
export const LCS_TOO_LARGE = 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len';
export const STRING_TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
export const NO_SUCH_KEY = 'ERR no such key';
export const NO_AUTH = 'NOAUTH Authentication required.';
export const WRONG_PASS = 'WRONGPASS invalid username-password pair or user is disabled.';
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const DB_OUT_OF_RANGE = 'ERR DB index is out of range';
export const INVALID_DB_INDEX = 'ERR invalid DB index';
export const SAME_OBJECT = 'ERR source and destination objects are the same';
export const INVALID_CURSOR = 'ERR invalid cursor';
export const BAD_CLIENT_NAME = 'ERR Client names cannot contain spaces, newlines or special characters.';
export const DEBUG_NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
  'connection, otherwise you need to set this option in the configuration file, and then restart the server.';
export const TOO_MANY_CLIENTS = 'ERR max number of clients reached';

export const PROTECTED_MODE =
  'DENIED cache-server is running in protected mode because protected mode is enabled and no password is set for the ' +
  'default user. In this mode connections are only accepted from the loopback interface. To connect from other ' +
  "machines: set a password (requirepass), or disable protected mode with 'CONFIG SET protected-mode no' from the " +
  'same machine (do that only where nobody from outside can reach the port), or list the addresses to listen on (bind).';

/** How much of a client's words an error quotes. */
const QUOTED_MAX = 128;

/** For a name that is no command, with the beginning of its arguments. */
export function unknownCommand(name: string, args: readonly string[]): string {
  let preview = '';
  for (const arg of args) {
    if (preview.length >= QUOTED_MAX) break;
    preview += `'${arg.slice(0, QUOTED_MAX - preview.length)}' `;
  }
  return `ERR unknown command '${name.slice(0, QUOTED_MAX)}', with args beginning with: ${preview}`;
}

export function unknownSubcommand(name: string, container: string): string {
  return `ERR unknown subcommand '${name.slice(0, QUOTED_MAX)}'. Try ${container.toUpperCase()} HELP.`;
}

/** The same where Redis looks at name and number of arguments in one go. */
export function unknownSubcommandOrArity(name: string, container: string): string {
  return (
    `ERR unknown subcommand or wrong number of arguments for '${name.slice(0, QUOTED_MAX)}'. ` +
    `Try ${container.toUpperCase()} HELP.`
  );
}

/** `name` as replies spell it: 'get', 'client|id'. */
export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

export function invalidExpireTime(name: string): string {
  return `ERR invalid expire time in '${name}' command`;
}
