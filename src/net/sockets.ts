/**
 * What all connections over sockets have in common, plain or under TLS: addresses, reading, ending, and how one begins to
 * listen or waits for a connection to stand. They differ in how bytes are written: see tcp.ts and tls.ts.
 *
 * The buffer that sockets read into is one for the whole process: what is in it is lent to a handler until that returns.
 */
import type net from 'node:net';
import { CacheError, widen } from '../base';
import { addressText, type Address, type Connection, type ConnectionHandler } from './connection';

const READ_BUFFER_BYTES = 64 * 1024;
export const readBuffer = widen(Buffer.allocUnsafeSlow(READ_BUFFER_BYTES));

/** Connections that may wait to be accepted where nobody says otherwise: Redis' default. */
const BACKLOG = 511;

export interface ListenOptions {
  /** Length of the queue of connections not yet accepted. */
  backlog?: number;
  /** Permissions of a unix socket, e.g. 0o700. */
  mode?: number;
  /** Seconds of silence after which the operating system probes a peer; 0 for never. */
  keepAliveSeconds?: number;
}

export abstract class SocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly isLocal: boolean;
  handler!: ConnectionHandler;
  protected isClosed = false;

  /** @param path of a unix socket; null for TCP */
  constructor(
    protected readonly socket: net.Socket,
    path: string | null,
  ) {
    this.remoteAddress = path === null ? hostAndPort(socket.remoteAddress, socket.remotePort) : `${path}:0`;
    this.localAddress = path === null ? hostAndPort(socket.localAddress, socket.localPort) : `${path}:0`;
    this.isLocal = path !== null || isLoopback(socket.remoteAddress ?? '');
  }

  abstract get unsentBytes(): number;
  abstract write(bytes: Uint8Array): boolean;

  /** Hands the socket's events to the handler. */
  attach(handler: ConnectionHandler): void {
    this.handler = handler;
    const { socket } = this;
    let failure: Error | null = null;
    socket.on('error', (error) => (failure = error));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.isClosed = true;
      handler.closed(failure);
    });
  }

  pauseReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  end(): void {
    if (this.isClosed || this.socket.writableEnded) return;
    // The peer may never close its side: what was written has been sent when 'finish' comes, then that is that.
    this.socket.end(() => this.socket.destroy());
  }

  finish(): void {
    if (!this.isClosed) this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Lets a server listen. Resolves with the address, where the system may have chosen the port; rejects with LISTEN_FAILED. */
export function startListening(server: net.Server, address: Address, backlog = BACKLOG): Promise<Address> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new CacheError('LISTEN_FAILED', `cannot listen on ${addressText(address)}: ${cause.message}`, { cause }));
    server.once('error', fail);
    // "::" must not take the IPv4 port too: that one has an address of its own in `bind`.
    server.listen({ ...whereOf(address), ipv6Only: true, backlog }, () => {
      server.off('error', fail);
      server.on('error', () => undefined); // a failed accept (EMFILE) must not end the process
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? { host: bound.address, port: bound.port } : address);
    });
  });
}

/** Calls `stands` at the event by which a socket says that it is connected; a failure before that is the handler's `closed`. */
export function awaitOpening(
  socket: net.Socket,
  event: 'connect' | 'secureConnect',
  handler: ConnectionHandler,
  stands: () => void,
): void {
  let failure: Error | null = null;
  const failed = (error: Error): void => {
    failure = error;
  };
  const gone = (): void => handler.closed(failure);
  socket.once('error', failed);
  socket.once('close', gone);
  socket.once(event, () => {
    socket.off('error', failed);
    socket.off('close', gone);
    stands();
  });
}

/** Settings of an accepted TCP socket. */
export function tune(socket: net.Socket, { keepAliveSeconds = 0 }: ListenOptions): void {
  socket.setNoDelay(true);
  if (keepAliveSeconds > 0) socket.setKeepAlive(true, keepAliveSeconds * 1000);
}

/** An address as node:net takes it. */
export function whereOf(address: Address): { path: string } | { host: string; port: number } {
  return 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
}

/** "127.0.0.1:6379", "[::1]:6379"; "?:0" where the socket is gone already. */
export function hostAndPort(host: string | undefined, port: number | undefined): string {
  return host === undefined || port === undefined ? '?:0' : addressText({ host, port });
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.');
}
