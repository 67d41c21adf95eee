/**
 * A network of paper for tests of peers: virtual time, connections with random delays, machines that can be cut off or ended.
 *
 * What is written in one deed arrives in one piece after a delay, or byte by byte; what is on its way across a cut is lost with its
 * connection, and neither end is told: so half-open connections come about.
 */
import { Random, type Timers, type World } from '../../src/base';
import type { Address, Connection, ConnectionHandler, Listener } from '../../src/net';
import { addressText } from '../../src/net';
import type { PeerSockets } from '../../src/config/peers/sockets';

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

export class VirtualTime implements Timers {
  nowMs = 0;
  readonly clock = { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs };
  private readonly tasks: Task[] = [];

  every(intervalMs: number, task: () => void): () => void {
    let cancel = (): void => undefined;
    const next = (): void => {
      cancel = this.after(intervalMs, () => {
        next();
        task();
      });
    };
    next();
    return () => cancel();
  }

  after(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.nowMs + delayMs, run };
    const place = this.tasks.findIndex(({ atMs }) => atMs > task.atMs);
    this.tasks.splice(place < 0 ? this.tasks.length : place, 0, task);
    return () => {
      const at = this.tasks.indexOf(task);
      if (at >= 0) this.tasks.splice(at, 1);
    };
  }

  endOfTurn(task: () => void): void {
    this.after(0, task);
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    while (this.tasks.length > 0 && this.tasks[0].atMs <= untilMs) {
      const task = this.tasks.shift()!;
      this.nowMs = Math.max(this.nowMs, task.atMs);
      task.run();
    }
    this.nowMs = untilMs;
  }

  /** Nothing runs for so long: this process stands still. */
  stall(forMs: number): void {
    this.nowMs += forMs;
  }
}

export class VirtualNetwork {
  readonly random: Random;
  readonly time = new VirtualTime();
  readonly lines: string[] = [];
  readonly world: Pick<World, 'clock' | 'timers' | 'random' | 'log'>;
  /** Delivers one byte at a time. */
  isGrinding = false;
  isLocal = true;
  /** Pairs of hosts between which nothing passes, as `a>b`. */
  readonly cuts = new Set<string>();
  readonly open = new Set<VirtualConnection>();
  private readonly listeners = new Map<string, (connection: Connection) => ConnectionHandler>();

  constructor(seed: number) {
    this.random = new Random(seed);
    const { time, random, lines } = this;
    this.world = { clock: time.clock, timers: time, random, log: (_, line) => lines.push(line) };
  }

  /** The sockets of a machine. */
  socketsOf(host: string, areVouchedFor = false): PeerSockets {
    return {
      areVouchedFor,
      connect: (address, handler, opened) => this.connect(host, address, handler, opened),
      listen: (address, accept) => Promise.resolve(this.listen(address, accept)),
    };
  }

  listen(address: Address, accept: (connection: Connection) => ConnectionHandler): Listener {
    const name = addressText(address);
    this.listeners.set(name, accept);
    const close = (): Promise<void> => {
      this.listeners.delete(name);
      return Promise.resolve();
    };
    return { kind: 'tcp', address, close };
  }

  connect(from: string, address: Address, handler: ConnectionHandler, opened: (connection: Connection) => void): void {
    const host = 'host' in address ? address.host : address.path;
    this.pass(from, host, () => {
      const accept = this.listeners.get(addressText(address));
      if (accept === undefined) {
        this.pass(host, from, () => handler.closed(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })));
        return;
      }
      const near = new VirtualConnection(this, from, host);
      const far = new VirtualConnection(this, host, from);
      near.peer = far;
      far.peer = near;
      near.handler = handler;
      far.handler = accept(far);
      this.pass(host, from, () => opened(near));
    });
  }

  /** The machine's power is cut, or (`isProcess`) only its process ends, and the machine says so. */
  end(host: string, isProcess: boolean): void {
    for (const name of this.listeners.keys()) if (name.startsWith(`${host}:`)) this.listeners.delete(name);
    for (const connection of this.open) if (connection.from === host) connection.abandon(isProcess);
  }

  cut(a: string, b: string): void {
    this.cuts.add(`${a}>${b}`).add(`${b}>${a}`);
  }

  heal(): void {
    this.cuts.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from}>${to}`);
  }

  private pass(from: string, to: string, then: () => void): void {
    this.time.after(this.random.fraction() * 2, () => {
      if (!this.isCut(from, to)) then();
    });
  }
}

export class VirtualConnection implements Connection {
  readonly remoteAddress: string;
  readonly localAddress: string;
  handler: ConnectionHandler | null = null;
  peer!: VirtualConnection;
  unsentBytes = 0;
  private isPaused = false;
  private isClosed = false;
  private isDeaf = false;
  private readonly arrived: (Buffer | null)[] = [];
  private lastArrivalMs = 0;

  constructor(
    private readonly network: VirtualNetwork,
    readonly from: string,
    readonly to: string,
  ) {
    this.localAddress = `${from}:1`;
    this.remoteAddress = `${to}:1`;
    network.open.add(this);
  }

  get isLocal(): boolean {
    return this.network.isLocal;
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return true;
    this.unsentBytes += bytes.length;
    this.transmit(Buffer.from(bytes));
    return true;
  }

  pauseReading(): void {
    this.isPaused = true;
  }

  resumeReading(): void {
    this.isPaused = false;
    this.deliver();
  }

  end(): void {
    this.destroy();
  }

  finish(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.isClosed) return;
    this.transmit(null);
    this.close();
  }

  /** Its process is gone; `isTold`: its machine closes the connection in its place. */
  abandon(isTold: boolean): void {
    this.handler = null;
    if (isTold) this.destroy();
    else this.isDeaf = true;
  }

  private transmit(chunk: Buffer | null): void {
    const { network, peer } = this;
    const { nowMs } = network.time;
    peer.lastArrivalMs = Math.max(peer.lastArrivalMs, nowMs + network.random.fraction() * 2);
    network.time.after(peer.lastArrivalMs - nowMs, () => {
      if (peer.isDeaf || network.isCut(this.from, this.to)) {
        peer.isDeaf = true;
        return;
      }
      peer.arrived.push(chunk);
      peer.deliver();
    });
  }

  private deliver(): void {
    while (!this.isPaused && !this.isClosed && this.arrived.length > 0) {
      const chunk = this.arrived.shift()!;
      if (chunk === null) {
        this.close();
        return;
      }
      const step = this.network.isGrinding ? 1 : chunk.length;
      for (let at = 0; at < chunk.length; at += step) this.handler?.received(chunk, at, at + step);
      this.peer.unsentBytes -= chunk.length;
      if (this.peer.unsentBytes === 0) this.peer.handler?.drained?.();
    }
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.network.open.delete(this);
    this.network.time.endOfTurn(() => this.handler?.closed(null));
  }
}
