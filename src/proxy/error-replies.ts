/**
 * What the proxy says when a command cannot be carried out: where Redis has words for it, Redis' own, because clients
 * and people search for them.
 *
 * The first word tells a client what to do. CLUSTERDOWN: nothing was carried out, try again soon. UNKNOWNOUTCOME: nobody
 * can know whether it was; given exactly once per command, and never for one that was not sent. CROSSSLOT and ERR: trying
 * again will not help.
 */
export const VIEW_UNKNOWN = 'CLUSTERDOWN The cluster view is not known yet';
export const SLOT_NOT_SERVED = 'CLUSTERDOWN Hash slot not served';
export const CROSS_SLOT = "CROSSSLOT Keys in request don't hash to the same slot";
export const INVALID_KEYS = 'ERR Invalid arguments specified for command';
export const SYNTAX_ERROR = 'ERR syntax error';
export const NO_AUTH = 'NOAUTH Authentication required.';
export const NO_AUTH_FOR_HELLO =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can ' +
  'be used to authenticate the client and select the RESP protocol version at the same time';
export const NO_PASSWORD_SET =
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is ' +
  'correct?';
export const WRONG_PASS = 'WRONGPASS invalid username-password pair or user is disabled.';
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
export const DB_OUT_OF_RANGE = 'ERR DB index is out of range';
export const NO_PROTOCOL = 'NOPROTO unsupported protocol version';
export const INVALID_NAME = 'ERR Client names cannot contain spaces, newlines or special characters.';
export const TOO_MANY_CLIENTS = 'ERR max number of clients reached';
export const BAD_PART = 'ERR a server gave a malformed answer to its part of the command';

export const PROTECTED_MODE =
  'DENIED cache-proxy is running in protected mode because no password is set for its clients. In this mode connections ' +
  'are only accepted from the loopback interface. To connect from other machines: set a password (requirepass), or ' +
  "disable protected mode with 'CONFIG SET protected-mode no' from the same machine (do that only where nobody from " +
  'outside can reach the port).';

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
  return `ERR unknown subcommand '${name.slice(0, QUOTED_MAX)}'. Try ${container} HELP.`;
}

/** `name` as replies spell it: 'get', 'client|id'. */
export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

/** `name` in capitals. */
export function notSupported(name: string, reason: string): string {
  return `ERR ${name} is not supported by cache-proxy: ${reason}`;
}

/** The command was not sent. */
export function unreachable(server: string): string {
  return `CLUSTERDOWN server ${server} is unreachable`;
}

/** The command was sent, and its answer will never come. */
export function outcomeUnknown(server: string): string {
  return `UNKNOWNOUTCOME the connection to server ${server} was lost; whether the command was carried out is unknown`;
}

/** The command was not sent: too many others wait. */
export function serverBusy(server: string, waiting: number): string {
  return `ERR server ${server} is busy: ${waiting} commands wait for its answers; this one was not sent`;
}
