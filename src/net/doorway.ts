/**
 * Doorway: every place where a node listens, opened from its settings and closed together.
 *
 * `bind` has Redis' meaning: a list of addresses, `*` for all of IPv4, `::*` for all of IPv6; one that begins with "-"
 * may be missing on this machine.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { CacheError, type Log } from '../base';
import type { Address, Connection, ConnectionHandler, Listener } from './connection';
import { connect, listen, type ListenOptions } from './tcp';

/** The settings that all nodes have in common, by their names in a configuration file. */
export interface DoorwaySettings {
  /** 0: no TCP. */
  readonly port: number;
  readonly bind: readonly string[];
  /** A path; empty: none. */
  readonly unixsocket: string;
  /** Permissions of the unix socket; 0: as the process's umask has it. */
  readonly unixsocketperm: number;
  readonly 'tcp-backlog': number;
  /** Seconds; 0: off. */
  readonly 'tcp-keepalive': number;
}

export class Doorway {
  private constructor(private readonly open: readonly Listener[]) {}

  /** Opens all; rejects with LISTEN_FAILED, and nothing open, where one that must be cannot be. */
  static async open(
    settings: DoorwaySettings,
    log: Log,
    accept: (connection: Connection) => ConnectionHandler,
  ): Promise<Doorway> {
    const options = { backlog: settings['tcp-backlog'], keepAliveSeconds: settings['tcp-keepalive'] };
    const open: Listener[] = [];
    try {
      const { port } = settings;
      for (const bind of port === 0 ? [] : settings.bind) {
        const isOptional = bind.startsWith('-');
        try {
          open.push(await listen({ host: hostOf(isOptional ? bind.slice(1) : bind), port }, options, accept));
        } catch (error) {
          if (!isOptional || isTaken(error)) throw error;
          log('verbose', (error as Error).message);
        }
      }
      if (settings.unixsocket !== '') {
        const mode = settings.unixsocketperm === 0 ? {} : { mode: settings.unixsocketperm };
        open.push(await listenOnPath(settings.unixsocket, { ...options, ...mode }, accept));
      }
    } catch (error) {
      await Promise.all(open.map((listener) => listener.close()));
      throw error;
    }
    return new Doorway(open);
  }

  get addresses(): readonly Address[] {
    return this.open.map((listener) => listener.address);
  }

  /** Stops accepting. Connections that exist stay. */
  async close(): Promise<void> {
    await Promise.all(this.open.map((listener) => listener.close()));
  }
}

/** Sends one last error line to a connection that is not let in. `error` has no "-". */
export function turnAway(connection: Connection, error: string): ConnectionHandler {
  connection.write(Buffer.from(`-${error}\r\n`));
  connection.end();
  return { received: () => undefined, closed: () => undefined };
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
