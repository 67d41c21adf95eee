/**
 * TCP and unix sockets over node:net.
 *
 * All sockets of a process read into one buffer of 64 KiB (`onread`): no allocation per read, no stream machinery, a
 * fifth less CPU per command than 'data' events (measured, Node 20). For accepted sockets node:net has no public way to
 * ask for that, so the server's `onconnection` is replaced by one that makes the socket with it; where that internal
 * is not as known, 'data' events do the same job.
 */
import net from 'node:net';
import { chmodSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { asBuffer } from '../base';
import type { Address, Connection, ConnectionHandler, Listener } from './connection';
import { DirectWriter } from './direct-write';
import {
  awaitOpening,
  readBuffer,
  SocketConnection,
  startListening,
  tune,
  whereOf,
  type ListenOptions,
} from './sockets';
import { connectUnderTls } from './tls';
import type { TlsContext } from './tls-context';

class TcpConnection extends SocketConnection {
  /** Null as long as writes take the ordinary way. */
  private direct: DirectWriter | null = null;

  override attach(handler: ConnectionHandler): void {
    super.attach(handler);
    this.socket.on('drain', () => handler.drained?.());
  }

  get unsentBytes(): number {
    return this.socket.writableLength + (this.direct === null ? 0 : this.direct.unsentBytes);
  }

  write(bytes: Uint8Array): boolean {
    const { socket } = this;
    if (this.isClosed || socket.destroyed || socket.writableEnded) return true;
    if (this.direct === null && socket.writableLength === 0) {
      this.direct = DirectWriter.of(socket, () => this.handler.drained?.());
    }
    if (this.direct === null) {
      socket.write(bytes);
      // Nothing is left waiting: the operating system has taken it all, synchronously.
      return socket.writableLength === 0;
    }
    const waiting = this.direct.write(bytes);
    if (waiting < 0) socket.destroy(new Error(`write failed: ${getSystemErrorName(waiting)}`));
    return waiting <= 0;
  }
}

/**
 * Listens, and calls `accept` for each connection; what that returns gets the connection's events.
 * @throws CacheError LISTEN_FAILED (rejects)
 */
export async function listen(
  address: Address,
  options: ListenOptions,
  accept: (connection: Connection) => ConnectionHandler,
): Promise<Listener> {
  const path = 'path' in address ? address.path : null;
  const welcome = (socket: net.Socket, onRead: { to: TcpConnection | null } | null): void => {
    if (path === null) tune(socket, options);
    const connection = new TcpConnection(socket, path);
    if (onRead !== null) onRead.to = connection;
    connection.attach(accept(connection));
    if (onRead === null) socket.on('data', (chunk: Buffer) => connection.handler.received(chunk, 0, chunk.length));
  };
  const server = net.createServer((socket) => welcome(socket, null));
  const bound = await startListening(server, address, options.backlog);
  if (path !== null && options.mode !== undefined) chmodSync(path, options.mode);
  acceptWithSharedBuffer(server, welcome);
  return {
    kind: path === null ? 'tcp' : 'unix',
    address: bound,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}

/**
 * Opens a connection; the handler's `closed` tells of a failure. `opened` is called once when it stands: with `tls`, when
 * the handshake is done and the peer's certificate is found good (see {@link TlsContext}).
 */
export function connect(
  address: Address,
  handler: ConnectionHandler,
  opened: (connection: Connection) => void,
  tls: TlsContext | null = null,
): void {
  if (tls !== null) {
    connectUnderTls(address, handler, opened, tls);
    return;
  }
  const socket = net.connect({
    ...whereOf(address),
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (count, buffer) => {
        handler.received(asBuffer(buffer), 0, count);
        return true;
      },
    },
  });
  awaitOpening(socket, 'connect', handler, () => {
    const connection = new TcpConnection(socket, 'path' in address ? address.path : null);
    connection.attach(handler);
    opened(connection);
  });
}

/** What of node:net's server is not in its types. */
interface ServerInternals {
  _handle?: { onconnection?: (this: unknown, status: number, handle: unknown) => void } | null;
}

/** Makes accepted sockets read into the shared buffer; leaves the server as it is where its internals are unknown. */
function acceptWithSharedBuffer(
  server: net.Server,
  welcome: (socket: net.Socket, onRead: { to: TcpConnection | null }) => void,
): void {
  const handle = (server as unknown as ServerInternals)._handle;
  const standard = handle?.onconnection;
  if (handle === null || handle === undefined || typeof standard !== 'function') return;
  handle.onconnection = function (status, client) {
    if (status !== 0 || client === undefined) {
      standard.call(this, status, client);
      return;
    }
    const onRead: { to: TcpConnection | null } = { to: null };
    const options = {
      handle: client,
      onread: {
        buffer: readBuffer,
        callback: (count: number): boolean => {
          onRead.to?.handler.received(readBuffer, 0, count);
          return true;
        },
      },
    };
    welcome(new net.Socket(options as unknown as net.SocketConstructorOpts), onRead);
  };
}
