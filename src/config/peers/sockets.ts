/**
 * PeerSockets: what carries the connections between config servers: TCP, or TLS over it; tests have memory in its place.
 *
 * Under TLS each side shows the certificate of its settings and asks for the other's, if `tls-auth-clients` is yes: then
 * only who has one of the authority gets as far as the handshake, and a secret is not needed to keep strangers out.
 */
import type { World } from '../../base';
import {
  clientTls,
  connect,
  listen,
  listenForTls,
  serverTls,
  TlsGate,
  type Address,
  type Connection,
  type ConnectionHandler,
  type Listener,
  type TlsSettings,
} from '../../net';

export interface PeerSockets {
  /** Whether only those get through whom an authority vouches for. */
  readonly areVouchedFor: boolean;
  /** As `connect` of net: the handler's `closed` tells of a failure. */
  connect(address: Address, handler: ConnectionHandler, opened: (connection: Connection) => void): void;
  /** Rejects with LISTEN_FAILED. */
  listen(address: Address, accept: (connection: Connection) => ConnectionHandler): Promise<Listener>;
}

/** Sockets of a TLS port at a time: those of all peers, and of some who shake hands. */
const TLS_SOCKETS_MAX = 512;

/**
 * Sockets of the operating system. @param tls null for plain TCP; files are read at once. @throws CacheError BAD_SETTING: a file is not good
 */
export function peerSockets(world: Pick<World, 'log'>, tls: TlsSettings | null): PeerSockets {
  if (tls === null) {
    return { areVouchedFor: false, connect, listen: (address, accept) => listen(address, {}, accept) };
  }
  const ours = serverTls(tls);
  const theirs = clientTls(tls);
  return {
    areVouchedFor: ours.clientCertificates === 'yes',
    connect: (address, handler, opened) => connect(address, handler, opened, theirs),
    listen(address, accept) {
      const failed = (peer: string, reason: string): void =>
        world.log('verbose', `Error accepting a connection of a config server: ${reason} (addr=${peer})`);
      return listenForTls(address, { socketsMax: TLS_SOCKETS_MAX }, new TlsGate(ours, { accept, failed }));
    },
  };
}
