/**
 * Link: one attempt at a connection to a server, and the connection that comes of it.
 *
 * An attempt cannot be taken back once it is made; so a backend that gives one up, or loses it, forgets its link, and what a
 * forgotten link still has to say is heard by nobody.
 */
import type { Address, Connection, ConnectionHandler } from '../net';
import type { CommandArgument } from '../resp';
import type { Backend } from './backend';
import type { ProxySettings } from './settings';

/** Opens a connection: `connect` of net, or what a simulation or a test puts in its place. */
export type Dial = (address: Address, handler: ConnectionHandler, opened: (connection: Connection) => void) => void;

/** One attempt at a connection, and the connection that comes of it. Without a backend, nobody cares any more. */
export class Link implements ConnectionHandler {
  connection: Connection | null = null;

  constructor(public backend: Backend | null) {}

  received(buffer: Uint8Array, start: number, end: number): void {
    if (this.backend !== null) this.backend.received(buffer, start, end);
  }

  closed(error: Error | null): void {
    const { backend } = this;
    this.backend = null;
    backend?.lost(error === null ? 'it closed the connection' : error.message);
  }
}

/** The commands that a fresh connection begins with; each must be answered without an error. */
export function greetingOf({ values }: ProxySettings, protocol: 2 | 3): CommandArgument[][] {
  const user = values['server-username'];
  const password = values['server-password'];
  const greeting: CommandArgument[][] = [];
  if (password !== '') greeting.push(user === '' ? ['AUTH', password] : ['AUTH', user, password]);
  if (protocol === 3) greeting.push(['HELLO', 3]);
  const databases = values['databases'];
  if (databases > 1) greeting.push(['SELECT', databases - 1], ['SELECT', 0]);
  return greeting;
}
