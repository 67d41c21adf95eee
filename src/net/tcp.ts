/**
 * TCP and unix sockets over node:net.
 *
 * All sockets of a process read into one buffer of 64 KiB (`onread`): no allocation per read, no stream machinery, a
 * fifth less CPU per command than 'data' events (measured, Node 20). For accepted sockets node:net has no public way to
 * ask for that, so the server's `onconnection` is replaced by one that makes the socket with it; where that internal
 * is not as known, 'data' events do the same job (`acceptPlainly`).
 */
import net from 'node:net';
import { chmodSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { asBuffer, CacheError, widen } from '../base';
import { addressText, type Address, type Connection, type ConnectionHandler, type Listener } from './connection';
import { DirectWriter } from './direct-write';

const READ_BUFFER_BYTES = 64 * 1024;
const readBuffer = widen(Buffer.allocUnsafeSlow(READ_BUFFER_BYTES));

export interface ListenOptions {
  /** Length of the queue of connections not yet accepted. */
  backlog?: number;
  /** Permissions of a unix socket, e.g. 0o700. */
  mode?: number;
  /** Seconds of silence after which the operating system probes a peer; 0 for never. */
  keepAliveSeconds?: number;
}

class TcpConnection implements Connection {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly isLocal: boolean;
  handler!: ConnectionHandler;
  private isClosed = false;
  /** Null as long as writes take the ordinary way. */
  private direct: DirectWriter | null = null;

  constructor(
    private readonly socket: net.Socket,
    path: string | null,
  ) {
    this.remoteAddress = path === null ? hostAndPort(socket.remoteAddress, socket.remotePort) : `${path}:0`;
    this.localAddress = path === null ? hostAndPort(socket.localAddress, socket.localPort) : `${path}:0`;
    this.isLocal = path !== null || isLoopback(socket.remoteAddress ?? '');
  }

  /** Hands the socket's events to the handler. */
  attach(handler: ConnectionHandler): void {
    this.handler = handler;
    const { socket } = this;
    let failure: Error | null = null;
    socket.on('error', (error) => (failure = error));
    socket.on('end', () => socket.destroy());
    socket.on('drain', () => handler.drained?.());
    socket.on('close', () => {
      this.isClosed = true;
      handler.closed(failure);
    });
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

  pauseReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  end(): void {
    if (this.isClosed) return;
    // The peer may never close its side: what was written has been sent when 'finish' comes, then that is that.
    this.socket.end(() => this.socket.destroy());
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/**
 * Listens, and calls `accept` for each connection; what that returns gets the connection's events.
 * @throws CacheError LISTEN_FAILED (rejects)
 */
export function listen(
  address: Address,
  options: ListenOptions,
  accept: (connection: Connection) => ConnectionHandler,
): Promise<Listener> {
  const path = 'path' in address ? address.path : null;
  const welcome = (socket: net.Socket, onRead: { to: TcpConnection | null } | null): void => {
    if (path === null) {
      socket.setNoDelay(true);
      const seconds = options.keepAliveSeconds ?? 0;
      if (seconds > 0) socket.setKeepAlive(true, seconds * 1000);
    }
    const connection = new TcpConnection(socket, path);
    if (onRead !== null) onRead.to = connection;
    connection.attach(accept(connection));
    if (onRead === null) socket.on('data', (chunk: Buffer) => connection.handler.received(chunk, 0, chunk.length));
  };
  const server = net.createServer((socket) => welcome(socket, null));
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new CacheError('LISTEN_FAILED', `cannot listen on ${addressText(address)}: ${cause.message}`, { cause }));
    server.once('error', fail);
    const where = 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
    // "::" must not take the IPv4 port too: that one has an address of its own in `bind`.
    server.listen({ ...where, ipv6Only: true, backlog: options.backlog ?? 511 }, () => {
      server.off('error', fail);
      server.on('error', () => undefined); // a failed accept (EMFILE) must not end the process
      if (path !== null && options.mode !== undefined) chmodSync(path, options.mode);
      acceptWithSharedBuffer(server, welcome);
      const bound = server.address();
      resolve({
        address: bound !== null && typeof bound === 'object' ? { host: bound.address, port: bound.port } : address,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}

/** Opens a connection; the handler's `closed` tells of a failure. `opened` is called once when it stands. */
export function connect(address: Address, handler: ConnectionHandler, opened: (connection: Connection) => void): void {
  let connection: TcpConnection | null = null;
  const where = 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
  const socket = net.connect({
    ...where,
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (count, buffer) => {
        handler.received(asBuffer(buffer), 0, count);
        return true;
      },
    },
  });
  let failure: Error | null = null;
  const failed = (error: Error): void => {
    failure = error;
  };
  const gone = (): void => handler.closed(failure);
  socket.once('error', failed);
  socket.once('close', gone);
  socket.once('connect', () => {
    socket.off('error', failed);
    socket.off('close', gone);
    connection = new TcpConnection(socket, 'path' in address ? address.path : null);
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

function hostAndPort(host: string | undefined, port: number | undefined): string {
  return host === undefined ? '?:0' : host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.');
}
