/**
 * ServerLink over TCP or TLS: how a config server talks with data nodes, stock or ours.
 *
 * The parts that watch and act know the port (control-host.ts); this is the real end of it, over the library's own client. Whoever
 * answers is alive, so a server that refuses the password counts as one that can be talked with: its error replies are signs of life,
 * and the log tells what is wrong.
 */
import { CacheError, type World } from '../base';
import { addressText, Client, type Address, type TlsContext } from '../net';
import { PushReply, type Reply } from '../resp';
import type { LinkReply, ServerDialer, ServerLink, ServerLinkEvents } from './control-host';

/** How data nodes let this config server in. */
export interface ServerAccess {
  /** '' for the default user. */
  readonly username: string;
  /** '' for none. */
  readonly password: string;
  /** Null for plain TCP. */
  readonly tls: TlsContext | null;
}

/** The dialer for real data nodes. */
export function serverDialer(world: World, access: ServerAccess): ServerDialer {
  return (address, events) => new TcpServerLink(world, access, address, events);
}

class TcpServerLink implements ServerLink {
  private client: Client | null = null;
  private isClosed = false;

  constructor(
    private readonly world: World,
    private readonly access: ServerAccess,
    address: Address,
    private readonly events: ServerLinkEvents,
  ) {
    const closed = (error: Error | null): void => this.lost(error);
    Client.connect(address, world.timers, { closed }, {}, access.tls).then(
      (client) => this.connected(client, address),
      (error: Error) => this.lost(error),
    );
  }

  command(words: readonly string[], done: (reply: LinkReply | Error) => void): void {
    if (this.client === null) {
      done(new CacheError('CLOSED', 'the conversation does not stand'));
      return;
    }
    this.client.command(...words).then((reply) => done(plain(reply)), done);
  }

  close(): void {
    this.isClosed = true;
    void this.client?.close();
  }

  private connected(client: Client, address: Address): void {
    if (this.isClosed) {
      void client.close();
      return;
    }
    this.client = client;
    const { username, password } = this.access;
    if (password !== '') {
      const user = username === '' ? [] : [username];
      client.command('AUTH', ...user, password).catch((error: Error) => {
        if (error instanceof CacheError && error.code === 'REPLY') {
          this.world.log('warning', `Server ${addressText(address)} does not let us in: ${error.message}`);
        }
      });
    }
    this.events.opened();
  }

  private lost(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.client = null;
    const cause = error?.cause as NodeJS.ErrnoException | undefined;
    this.events.closed(cause?.code === 'ECONNREFUSED', error?.message ?? 'closed');
  }
}

/** A reply as plain data; what RESP3 has beyond that does not come in a conversation in RESP2. */
function plain(reply: Reply): LinkReply | Error {
  if (reply === null || typeof reply === 'string' || reply instanceof Error) return reply;
  if (Array.isArray(reply)) return reply.map((item) => textOf(plain(item)));
  if (reply instanceof Map || reply instanceof Set || reply instanceof PushReply) {
    return new CacheError('PROTOCOL', 'a reply of RESP3 in a conversation in RESP2');
  }
  return String(reply);
}

function textOf(reply: LinkReply | Error): LinkReply {
  return reply instanceof Error ? reply.message : reply;
}
