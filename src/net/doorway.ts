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
import { connect, listen, type ListenOptions } from './tcp';

export class Doorway {
  private readonly listeners: Listener[] = [];

  /** @param accept gives each connection its handler, whichever way it came */
  constructor(
    private readonly world: World,
    private readonly accept: (connection: Connection) => ConnectionHandler,
  ) {}

  /** Opens all that the settings name; rejects with LISTEN_FAILED, and none of them open, where one that must be cannot be. */
  async open(settings: DoorwaySettings): Promise<void> {
    const backlog = settings['tcp-backlog'];
    const options: ListenOptions = {
      backlog,
      // Read for each connection: CONFIG SET may change it.
      get keepAliveSeconds() {
        return settings['tcp-keepalive'];
      },
    };
    const opened: Listener[] = [];
    try {
      const { port } = settings;
      for (const bind of port === 0 ? [] : settings.bind) {
        const isOptional = bind.startsWith('-');
        try {
          opened.push(await listen({ host: hostOf(isOptional ? bind.slice(1) : bind), port }, options, this.accept));
        } catch (error) {
          if (!isOptional || isTaken(error)) throw error;
          this.world.log('verbose', (error as Error).message);
        }
      }
      if (settings.unixsocket !== '') {
        const mode = settings.unixsocketperm === 0 ? {} : { mode: settings.unixsocketperm };
        opened.push(await listenOnPath(settings.unixsocket, { backlog, ...mode }, this.accept));
      }
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close()));
      throw error;
    }
    this.listeners.push(...opened);
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
    return Object.fromEntries(this.addresses.map((address, i) => [`listener${i}`, listenerText(address)]));
  }

  /** Stops accepting. Connections that exist stay. */
  async close(): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.close()));
  }
}

function listenerText(address: Address): string {
  return 'path' in address
    ? `name=unix,bind=${address.path}`
    : `name=tcp,bind=${addressText(address).replace(/:\d+$/, '')},port=${address.port}`;
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
  const code = error instanceof CacheError ? (error.cause as NodeJS.ErrnoException).code : undefined;
  return code === 'EADDRINUSE' || code === 'EACCES';
}

function hostOf(bind: string): string {
  if (bind === '*') return '0.0.0.0';
  if (bind === '::*') return '::';
  if (bind === '') throw new CacheError('BAD_SETTING', 'bind has an empty address');
  return bind;
}
