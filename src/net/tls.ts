/**
 * TLS over node:tls: connections that go out, and a gate that makes connections of accepted sockets.
 *
 * A server of node:tls that listens to nothing does the handshakes of all sockets it is handed; new certificates mean
 * a new one of it, so that a handshake is under one set of rules from its beginning to its end, and tickets that were
 * given under the former rules resume nothing. What has not finished its handshake is nobody's connection yet: it is bounded in
 * time and number, and ends with the gate.
 */
import net from 'node:net';
import tls from 'node:tls';
import { asBuffer } from '../base';
import type { Address, Connection, ConnectionHandler, Listener } from './connection';
import {
  awaitOpening,
  hostAndPort,
  readBuffer,
  SocketConnection,
  startListening,
  tune,
  whereOf,
  type ListenOptions,
} from './sockets';
import type { ServerTls, TlsContext } from './tls-context';
import { reasonOf } from './tls-files';

/** A peer that has not finished its handshake by then never will. */
const HANDSHAKE_MS_MAX = 30_000;
/** Writes up to this long, a chunk of the pool, are copied rather than kept. */
const COPIED_BYTES_MAX = 16 * 1024;

class TlsConnection extends SocketConnection {
  private readonly written = (): void => {
    if (!this.socket.destroyed && this.socket.writableLength === 0) this.handler.drained?.();
  };

  constructor(socket: tls.TLSSocket) {
    super(socket, null);
  }

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    const { socket } = this;
    if (this.isClosed || socket.destroyed || socket.writableEnded) return true;
    // node:tls says only later that it has taken the bytes: each chunk of a reply would be lost to its pool.
    const isCopied = bytes.length <= COPIED_BYTES_MAX;
    socket.write(isCopied ? Buffer.from(asBuffer(bytes)) : bytes, this.written);
    return isCopied;
  }
}

export interface TlsGateEvents {
  accept(connection: Connection): ConnectionHandler;
  /** A handshake came to nothing, or a certificate was no good. */
  failed(peer: string, reason: string): void;
}

export class TlsGate {
  private server: tls.Server;
  /** By the addresses of both ends: a socket under TLS does not say which one it is over. */
  private readonly shakingHands = new Map<string, net.Socket>();

  /** @param handshakeMsMax after which a handshake is given up */
  constructor(
    context: ServerTls,
    private readonly events: TlsGateEvents,
    private readonly handshakeMsMax = HANDSHAKE_MS_MAX,
  ) {
    this.server = this.serverFor(context);
  }

  /** Handshakes that begin from now on are under this context. */
  renew(context: ServerTls): void {
    this.server = this.serverFor(context);
  }

  /** Takes a socket that was just accepted. */
  take(socket: net.Socket): void {
    const ends = endsOf(socket);
    this.shakingHands.set(ends, socket);
    socket.once('close', () => {
      if (this.shakingHands.get(ends) === socket) this.shakingHands.delete(ends);
    });
    this.server.emit('connection', socket);
  }

  /** Ends the handshakes that are under way. Connections that exist stay. */
  close(): void {
    for (const socket of this.shakingHands.values()) socket.destroy();
  }

  private serverFor({ options, clientCertificates }: ServerTls): tls.Server {
    const server = tls.createServer({ ...options, handshakeTimeout: this.handshakeMsMax });
    server.on('tlsClientError', (error, socket) => {
      this.events.failed(hostAndPort(socket.remoteAddress, socket.remotePort), reasonOf(error));
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      this.shakingHands.delete(endsOf(socket));
      const connection = new TlsConnection(socket);
      // With "yes" node:tls has refused it already.
      if (clientCertificates === 'optional' && !socket.authorized && hasCertificate(socket)) {
        this.events.failed(connection.remoteAddress, String(socket.authorizationError));
        socket.destroy();
        return;
      }
      connection.attach(this.events.accept(connection));
      socket.on('data', (chunk: Buffer) => connection.handler.received(chunk, 0, chunk.length));
    });
    return server;
  }
}

/** Listens for a gate. At most `socketsMax` sockets, those that shake hands included, exist at a time; others are closed. */
export async function listenForTls(
  address: Address,
  options: ListenOptions & { readonly socketsMax: number },
  gate: TlsGate,
): Promise<Listener> {
  const server = net.createServer((socket) => {
    tune(socket, options);
    server.maxConnections = options.socketsMax;
    gate.take(socket);
  });
  const bound = await startListening(server, address, options.backlog);
  return {
    kind: 'tls',
    address: bound,
    close: () => {
      // What `server.close` waits for is the end of all connections, which is not asked for.
      server.close();
      gate.close();
      return Promise.resolve();
    },
  };
}

/** {@link connect} under TLS. The peer's certificate is checked as TlsContext says. */
export function connectUnderTls(
  address: Address,
  handler: ConnectionHandler,
  opened: (connection: Connection) => void,
  context: TlsContext,
): void {
  // `onread` is in Node's documentation of tls.connect, but not in its types.
  const options: tls.ConnectionOptions & Pick<net.TcpSocketConnectOpts, 'onread'> = {
    ...whereOf(address),
    secureContext: context.secureContext,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
    onread: {
      buffer: readBuffer,
      callback: (count, buffer) => {
        handler.received(asBuffer(buffer), 0, count);
        return true;
      },
    },
  };
  const socket = tls.connect(options);
  const giveUp = (): void => void socket.destroy(new Error('the TLS handshake takes too long'));
  socket.setTimeout(HANDSHAKE_MS_MAX, giveUp);
  awaitOpening(socket, 'secureConnect', handler, () => {
    socket.setTimeout(0);
    socket.off('timeout', giveUp);
    socket.setNoDelay(true);
    const connection = new TlsConnection(socket);
    connection.attach(handler);
    opened(connection);
  });
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: net.Socket): string {
  return `${hostAndPort(remoteAddress, remotePort)} ${hostAndPort(localAddress, localPort)}`;
}

function hasCertificate(socket: tls.TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}
