/**
 * Link: one attempt at a connection to a server, its greeting, and the connection that comes of it.
 *
 * An attempt cannot be taken back once it is made; so a backend that gives one up, or loses it, forgets its link, and what a
 * forgotten link still has to say is heard by nobody. A backend hears of the connection when its greeting is answered to the last
 * command without an error: before that no client's command is sent.
 */
import type { Address, Connection, ConnectionHandler } from '../net';
import { encodeCommand, NEED_MORE, REPLY, ReplyParser, replyTypes, type CommandArgument } from '../resp';
import type { Group } from '../slots';
import type { Backend } from './backend';
import type { ProxySettings } from './settings';

/** Opens a connection: `connect` of net, or what a simulation or a test puts in its place. */
export type Dial = (address: Address, handler: ConnectionHandler, opened: (connection: Connection) => void) => void;

/** Commands, each of which must be answered without an error. */
export type Greeting = readonly (readonly CommandArgument[])[];

/** One attempt at a connection, and the connection that comes of it. Without a backend, nobody cares any more. */
export class Link implements ConnectionHandler {
  connection: Connection | null = null;
  private readonly parser = new ReplyParser();
  private owed: number;

  constructor(
    public backend: Backend | null,
    private readonly greeting: Greeting,
  ) {
    this.owed = greeting.length;
  }

  opened(connection: Connection): void {
    if (this.backend === null) {
      connection.destroy();
      return;
    }
    this.connection = connection;
    for (const command of this.greeting) connection.write(encodeCommand(command));
    if (this.owed === 0) this.backend.opened();
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    if (this.backend === null) return;
    if (this.owed === 0) this.backend.received(buffer, start, end);
    else this.readGreeting(this.backend, buffer, start, end);
  }

  private readGreeting(backend: Backend, buffer: Uint8Array, start: number, end: number): void {
    const { parser } = this;
    parser.feed(buffer, start, end);
    let answer = parser.next();
    for (; answer === REPLY; answer = parser.next()) {
      if (parser.kind === replyTypes.PUSH) continue;
      if (parser.kind === replyTypes.ERROR) {
        const text = errorOf(parser);
        backend.giveUp(text.includes('DB index') ? "it has fewer databases than the setting 'databases' says" : text);
        return;
      }
      if (--this.owed === 0) {
        backend.opened();
        return;
      }
    }
    if (answer !== NEED_MORE) backend.giveUp(`it broke the protocol: ${parser.errorText}`);
  }

  /** Nothing of it is wanted any more. */
  forget(): void {
    this.backend = null;
    this.connection?.destroy();
  }

  closed(error: Error | null): void {
    const { backend } = this;
    this.backend = null;
    backend?.lost(error === null ? 'it closed the connection' : error.message);
  }
}

/** The commands that a fresh connection to the master of `group` begins with. */
export function greetingOf({ values }: ProxySettings, protocol: 2 | 3, group: Group): Greeting {
  const user = values['server-username'];
  const password = values['server-password'];
  const greeting: CommandArgument[][] = [];
  if (password !== '') greeting.push(user === '' ? ['AUTH', password] : ['AUTH', user, password]);
  if (protocol === 3) greeting.push(['HELLO', 3]);
  if (group.engine === 'slotcache') greeting.push(epochOf(group));
  const databases = values['databases'];
  if (databases > 1) greeting.push(['SELECT', databases - 1], ['SELECT', 0]);
  return greeting;
}

/** Tells one of our servers by which epoch commands are sent to it; answered with STALEEPOCH where it knows a higher one. */
export function epochOf({ id, epoch }: Group): CommandArgument[] {
  return ['SLOTCACHE', 'EPOCH', id, epoch];
}

/** The text of the error reply that `parser` has found. */
export function errorOf({ buffer, start, end }: ReplyParser): string {
  return Buffer.from(buffer.subarray(start + 1, end - 2)).toString();
}
