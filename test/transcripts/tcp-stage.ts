/**
 * TcpStage: any server that listens on TCP; and the base of stages that start one first.
 *
 * Sessions speak the stage's protocol from their first command on, by HELLO 3 where that is RESP3.
 */
import { connect, type Socket } from 'node:net';
import { command, WireSession, type Stage, type StageSession } from './session';

export class TcpStage implements Stage {
  readonly skipped: string | null = null;

  constructor(
    readonly name: string,
    protected readonly host: string,
    protected port: number,
    readonly protocol: 2 | 3,
  ) {}

  async open(): Promise<StageSession> {
    const session = await openTcp(this.host, this.port);
    if (this.protocol === 3) await session.send(command('HELLO', '3'));
    return session;
  }

  async close(): Promise<void> {}
}

/** A RESP2 session over a new TCP connection. */
export function openTcp(host: string, port: number): Promise<StageSession> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new TcpSession(socket));
    });
  });
}

class TcpSession extends WireSession {
  private readonly closed: Promise<void>;

  constructor(private readonly socket: Socket) {
    super();
    socket.on('data', (bytes) => this.receive(Buffer.from(bytes)));
    socket.on('error', () => {}); // a reset connection is an ended one, and 'close' says so
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.ended();
        resolve();
      });
    });
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  close(): Promise<void> {
    this.socket.end();
    return this.closed;
  }
}
