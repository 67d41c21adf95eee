/**
 * HELLO and AUTH: what their words mean, whether credentials are right, and what HELLO answers. Pure, over words, so that a
 * node that parses its commands another way (cache-config) greets its clients in the same manner.
 *
 * There is one user, `default`, whose password is the setting `requirepass`; without one every password fits, as in
 * Redis. Passwords are compared by their digests, so that the time it takes tells nothing about them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Bytes, parseInt64 } from '../base';
import type { ReplyWriter } from '../resp';
import { BAD_CLIENT_NAME, SYNTAX_ERROR } from './errors';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What a HELLO asks for; null where it does not mention it. */
export interface Hello {
  readonly protocol: 2 | 3 | null;
  readonly credentials: Credentials | null;
  readonly clientName: string | null;
}

/** What HELLO tells about who answers. */
export interface Greeter {
  readonly server: string;
  readonly version: string;
  /** Of the client's connection. */
  readonly id: number;
  readonly role: 'master' | 'replica';
}

const DEFAULT_USER = 'default';

const PROTOCOL_NOT_AN_INTEGER = 'ERR Protocol version is not an integer or out of range';
const PROTOCOL_UNKNOWN = 'NOPROTO unsupported protocol version';
const NO_PASSWORD_SET =
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?';

/** What a client hears whose HELLO leaves it unauthenticated. */
export const HELLO_NEEDS_AUTH =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option ' +
  'can be used to authenticate the client and select the RESP protocol version at the same time';

/** Reads what follows HELLO. Returns the error reply, as text, where that makes no sense. */
export function parseHello(words: readonly string[]): Hello | string {
  let protocol: 2 | 3 | null = null;
  let credentials: Credentials | null = null;
  let clientName: string | null = null;
  if (words.length > 0) {
    const version = parseInt64(Bytes.of(words[0]));
    if (version === null) return PROTOCOL_NOT_AN_INTEGER;
    if (version !== 2n && version !== 3n) return PROTOCOL_UNKNOWN;
    protocol = version === 2n ? 2 : 3;
  }
  for (let i = 1; i < words.length; i++) {
    const option = words[i].toLowerCase();
    const following = words.length - 1 - i;
    if (option === 'auth' && following >= 2) {
      credentials = { user: words[i + 1], password: words[i + 2] };
      i += 2;
    } else if (option === 'setname' && following >= 1) {
      clientName = words[++i];
      if (!isPrintable(clientName)) return BAD_CLIENT_NAME;
    } else {
      return `ERR Syntax error in HELLO option '${words[i]}'`;
    }
  }
  return { protocol, credentials, clientName };
}

/** Reads what follows AUTH, one word at least. Returns the error reply, as text, where that makes no sense. */
export function parseAuth(words: readonly string[], requiredPassword: string): Credentials | string {
  if (words.length > 2) return SYNTAX_ERROR;
  if (words.length === 2) return { user: words[0], password: words[1] };
  return requiredPassword === '' ? NO_PASSWORD_SET : { user: DEFAULT_USER, password: words[0] };
}

/** Whether the credentials are right; takes as long whatever they are. An empty `requiredPassword`: none is required. */
export function areRight({ user, password }: Credentials, requiredPassword: string): boolean {
  const fits = timingSafeEqual(digest(password), digest(requiredPassword)) || requiredPassword === '';
  return fits && user === DEFAULT_USER;
}

/** Writes the reply to HELLO, in the protocol that it chose. */
export function writeHello(reply: ReplyWriter, { server, version, id, role }: Greeter): void {
  reply.map(7);
  reply.text('server');
  reply.text(server);
  reply.text('version');
  reply.text(version);
  reply.text('proto');
  reply.integer(reply.protocol);
  reply.text('id');
  reply.integer(id);
  reply.text('mode');
  reply.text('standalone');
  reply.text('role');
  reply.text(role);
  reply.text('modules');
  reply.emptyArray();
}

/** Whether all characters are printable ASCII other than blanks: what fits into a line of CLIENT LIST. */
export function isPrintable(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

function digest(password: string): Buffer {
  return createHash('sha256').update(password).digest();
}
