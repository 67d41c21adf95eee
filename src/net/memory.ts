/**
 * Connections in memory: two ends in one process, for embedding a server without a port, and for tests.
 *
 * Bytes are copied and arrive at the end of the turn, as from a network; never inside the `write` that sent them.
 */
import { asBuffer, type Timers } from '../base';
import type { Connection, ConnectionHandler } from './connection';

class MemoryConnection implements Connection {
  readonly remoteAddress = 'memory:0';
  readonly localAddress = 'memory:0';
  readonly isLocal = true;
  handler: ConnectionHandler | null = null;
  peer!: MemoryConnection;

  private arrived: Buffer[] = [];
  private paused = false;
  private delivering = false;
  private endReceived = false;
  private isClosed = false;

  constructor(private readonly timers: Timers) {}

  get unsentBytes(): number {
    return this.peer.arrived.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  write(bytes: Uint8Array): boolean {
    if (!this.isClosed) this.peer.arrive(Buffer.from(asBuffer(bytes)));
    return true;
  }

  pauseReading(): void {
    this.paused = true;
  }

  resumeReading(): void {
    this.paused = false;
    this.deliverLater();
  }

  end(): void {
    this.peer.endReceived = true;
    this.peer.deliverLater();
    this.close();
  }

  finish(): void {
    this.end();
  }

  destroy(): void {
    this.end();
  }

  private arrive(chunk: Buffer): void {
    if (this.isClosed) return;
    this.arrived.push(chunk);
    this.deliverLater();
  }

  private deliverLater(): void {
    if (this.delivering) return;
    this.delivering = true;
    this.timers.endOfTurn(() => this.deliver());
  }

  private deliver(): void {
    this.delivering = false;
    while (!this.paused && !this.isClosed && this.arrived.length > 0) {
      const chunk = this.arrived.shift()!;
      this.handler?.received(chunk, 0, chunk.length);
      if (this.arrived.length === 0) this.peer.handler?.drained?.();
    }
    if (this.endReceived && this.arrived.length === 0) this.close();
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.timers.endOfTurn(() => this.handler?.closed(null));
  }
}

/** Two connected ends; `attach` gives an end its handler. */
export interface MemoryEnd {
  readonly connection: Connection;
  attach(handler: ConnectionHandler): void;
}

export function memoryPair(timers: Timers): [MemoryEnd, MemoryEnd] {
  const a = new MemoryConnection(timers);
  const b = new MemoryConnection(timers);
  a.peer = b;
  b.peer = a;
  const endOf = (connection: MemoryConnection): MemoryEnd => ({
    connection,
    attach: (handler) => (connection.handler = handler),
  });
  return [endOf(a), endOf(b)];
}
