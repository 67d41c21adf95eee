/**
 * Connection: a stream of bytes to a peer, whatever carries it (TCP, TLS, a unix socket, memory).
 *
 * Its form is "many reads in, one call, many writes out": `received` lends a range of a buffer that all connections of
 * a process share and that is overwritten after the call; `write` says whether it took the bytes, so that buffers go
 * back to their pool. A native transport can be put under this without touching anything above it.
 */
import type { ByteSink } from '../base';

export interface Connection extends ByteSink {
  /** "127.0.0.1:6379", "/tmp/redis.sock:0" or "memory:0", as CLIENT LIST shows it. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Whether the peer is on this machine by way of the loopback interface, a unix socket, or memory. */
  readonly isLocal: boolean;
  /** Bytes that were written and that the peer's machine has not taken yet. */
  readonly unsentBytes: number;
  /** Sends bytes. True: taken, the memory may be reused; false: the transport keeps the memory until they are sent. */
  write(bytes: Uint8Array): boolean;
  /** No more `received` until `resumeReading`. */
  pauseReading(): void;
  resumeReading(): void;
  /** Closes after what was written has been sent. */
  end(): void;
  /**
   * Sends what was written and that nothing follows, and closes when the peer does: unlike after `end`, no byte is lost to a peer that
   * sends something meanwhile. One that never closes must be destroyed.
   */
  finish(): void;
  /** Closes now. `closed` follows. */
  destroy(): void;
}

/** Who owns a connection. */
export interface ConnectionHandler {
  /** `buffer[start, end)` has arrived; it is lent until this returns. */
  received(buffer: Uint8Array, start: number, end: number): void;
  /** All that could not be sent at once has been sent. */
  drained?(): void;
  /** The connection is gone; called once, after which nothing else is called. */
  closed(error: Error | null): void;
}

/** Where to listen or connect. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Listener {
  /** What carries its connections, in the words of INFO. */
  readonly kind: 'tcp' | 'unix' | 'tls';
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly address: Address;
  /** Stops accepting. Connections that exist stay. */
  close(): Promise<void>;
}

export function addressText(address: Address): string {
  if ('path' in address) return address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** "10.0.0.1:6379" or "[::1]:6379" in its parts: what {@link addressText} wrote. */
export function addressOf(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) };
}
