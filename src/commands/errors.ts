/**
 * What a client is told when a command, a greeting or an argument is wrong: the texts that every node gives, in Redis' own
 * words, because clients and people search for them. Texts about data are the data node's, texts about routes the proxy's.
 */
import { asBuffer } from '../base';
import type { CommandArguments } from './keys';

export const SYNTAX_ERROR = 'ERR syntax error';
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
export const OUT_OF_INT32 = 'ERR value is out of range, value must between -2147483648 and 2147483647';
export const INVALID_ARGUMENTS = 'ERR Invalid arguments specified for command';
export const DB_OUT_OF_RANGE = 'ERR DB index is out of range';
export const BAD_CLIENT_NAME = 'ERR Client names cannot contain spaces, newlines or special characters.';
export const NO_AUTH = 'NOAUTH Authentication required.';
export const WRONG_PASS = 'WRONGPASS invalid username-password pair or user is disabled.';

/** How much of a client's words an error quotes, and how many of its arguments are looked at. */
const QUOTED_MAX = 128;
const WORDS_MAX = 128;

/** For a name that is no command, with the beginning of its arguments. */
export function unknownCommand(args: CommandArguments): string {
  let preview = '';
  for (let i = 1; i < Math.min(args.argc, WORDS_MAX) && preview.length < QUOTED_MAX; i++) {
    preview += `'${quotedWord(args, i).slice(0, QUOTED_MAX - preview.length)}' `;
  }
  return `ERR unknown command '${quotedWord(args, 0)}', with args beginning with: ${preview}`;
}

/** For a second word that is no subcommand of `container`. */
export function unknownSubcommand(args: CommandArguments, container: string): string {
  return `ERR unknown subcommand '${quotedWord(args, 1)}'. Try ${container} HELP.`;
}

/** The same where Redis looks at name and number of arguments in one go. */
export function unknownSubcommandOrArity(args: CommandArguments, container: string): string {
  return `ERR unknown subcommand or wrong number of arguments for '${quotedWord(args, 1)}'. Try ${container} HELP.`;
}

/** `name` as replies spell it: 'get', 'client|id'. */
export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

/** The beginning of an argument as text for an error reply; a NUL ends it, as it does in Redis. */
function quotedWord({ buffer, starts, ends }: CommandArguments, i: number): string {
  const bytes = buffer.subarray(starts[i], Math.min(ends[i], starts[i] + QUOTED_MAX));
  const nul = bytes.indexOf(0);
  return asBuffer(nul < 0 ? bytes : bytes.subarray(0, nul)).toString();
}
