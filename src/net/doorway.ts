/**
 * Doorway: every way into a node: the listeners that its settings name, those that a program adds, and connections in
 * memory; closed together.
 *
 * `bind` has Redis' meaning: a list of addresses, `*` for all of IPv4, `::*` for all of IPv6; one that begins with "-"
 * may be missing on this machine.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { CacheError, type World } from '../base';
import { addressText, type Address, type Connection, type ConnectionHandler, type Listener } from './connection';
import type { DoorwaySettings } from './doorway-settings';
import { memoryPair, type MemoryEnd } from './memory';
import type { ListenOptions } from './sockets';
import { connect, listen } from './tcp';
import { listenForTls, TlsGate } from './tls';
import { followTls, serverTls, type ServerTls } from './tls-context';

/** Sockets of a TLS port beyond `maxclients`: who is refused is told so in the end of a handshake, too. */
const REFUSED_SOCKETS_MAX = 128;

export class Doorway {
  private readonly listeners: Listener[] = [];

  /** @param accept gives each connection its handler, whichever way it came */
  constructor(
    private readonly world: World,
    private readonly accept: (connection: Connection) => ConnectionHandler,
  ) {}

  /**
   * Opens all that the settings name, and follows those of TLS from then on. Rejects, and opens nothing, with LISTEN_FAILED where
   * one that must be open cannot be, and with BAD_SETTING where TLS is asked for and a file is no good.
   */
  async open(settings: DoorwaySettings): Promise<void> {
    const { values } = settings;
    const { bind, port, unixsocket } = values;
    const backlog = values['tcp-backlog'];
    // Some are read for each connection: CONFIG SET may change them.
    const options = {
      backlog,
      get keepAliveSeconds() {
        return values['tcp-keepalive'];
      },
      get socketsMax() {
        return values.maxclients + REFUSED_SOCKETS_MAX;
      },
    };
    const opened: Listener[] = [];
    try {
      if (port !== 0) await this.openEach(bind, opened, (host) => listen({ host, port }, options, this.accept));
      if (unixsocket !== '') {
        const mode = values.unixsocketperm === 0 ? {} : { mode: values.unixsocketperm };
        opened.push(await listenOnPath(unixsocket, { backlog, ...mode }, this.accept));
      }
      const tlsPort = values['tls-port'];
      if (tlsPort !== 0) {
        const gate = this.makeTlsGate(serverTls(values));
        await this.openEach(bind, opened, (host) => listenForTls({ host, port: tlsPort }, options, gate));
        followTls(settings, (context) => {
          gate.renew(context);
          this.world.log('notice', 'TLS certificates and settings were read; new connections are under them');
        });
      }
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close()));
      throw error;
    }
    this.listeners.push(...opened);
  }

  /** Opens something at each address of `bind`. */
  private async openEach(
    bind: readonly string[],
    opened: Listener[],
    openAt: (host: string) => Promise<Listener>,
  ): Promise<void> {
    for (const each of bind) {
      const isOptional = each.startsWith('-');
      try {
        opened.push(await openAt(hostOf(isOptional ? each.slice(1) : each)));
      } catch (error) {
        if (!isOptional || isTaken(error)) throw error;
        this.world.log('verbose', (error as Error).message);
      }
    }
  }

  private makeTlsGate(context: ServerTls): TlsGate {
    const failed = (peer: string, reason: string): void =>
      this.world.log('verbose', `Error accepting a client connection: ${reason} (addr=${peer})`);
    return new TlsGate(context, { accept: this.accept, failed });
  }

  /** Listens at one more address; port 0 lets the system choose. Returns where it listens. Rejects with LISTEN_FAILED. */
  async add(address: Address): Promise<Address> {
    const listener = await listen(address, {}, this.accept);
    this.listeners.push(listener);
    return listener.address;
  }

  /** A connection without a network; the other end is this node's. */
  connectInMemory(): MemoryEnd {
    const [client, server] = memoryPair(this.world.timers);
    server.attach(this.accept(server.connection));
    return client;
  }

  get addresses(): readonly Address[] {
    return this.listeners.map((listener) => listener.address);
  }

  /** What the section "server" of INFO says of the listeners. */
  get infoFields(): Record<string, string> {
    return Object.fromEntries(this.listeners.map((listener, i) => [`listener${i}`, listenerText(listener)]));
  }

  /** Stops accepting. Connections that exist stay. */
  async close(): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.close()));
  }
}

function listenerText({ kind, address }: Listener): string {
  return 'path' in address
    ? `name=${kind},bind=${address.path}`
    : `name=${kind},bind=${addressText(address).replace(/:\d+$/, '')},port=${address.port}`;
}

/** Listens on a unix socket. The file that a server left which was killed is removed; that of a living one is not. */
async function listenOnPath(
  path: string,
  options: ListenOptions,
  accept: (connection: Connection) => ConnectionHandler,
): Promise<Listener> {
  try {
    return await listen({ path }, options, accept);
  } catch (error) {
    if (!isTaken(error) || !lstatSync(path, { throwIfNoEntry: false })?.isSocket() || !(await isDeserted(path)))
      throw error;
    unlinkSync(path);
    return listen({ path }, options, accept);
  }
}

function isDeserted(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const closed = (error: NodeJS.ErrnoException | null): void => resolve(error?.code === 'ECONNREFUSED');
    connect({ path }, { received: () => undefined, closed }, (connection) => {
      resolve(false);
      connection.destroy();
    });
  });
}

/** Whether an address exists but somebody else has it, or we may not: never to be passed over. */
function isTaken(error: unknown): boolean {
  const code = error instanceof CacheError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
  return code === 'EADDRINUSE' || code === 'EACCES';
}

function hostOf(bind: string): string {
  if (bind === '*') return '0.0.0.0';
  if (bind === '::*') return '::';
  if (bind === '') throw new CacheError('BAD_SETTING', 'bind has an empty address');
  return bind;
}
