/**
 * A master that has nothing but a stream: it takes one replica, gives it an empty data set, and then as many writes as it is told
 * to, as fast as they are taken. So what a replica can do is measured, and not what a master can.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Template, writeDigits } from './loader';
import { BenchError } from './processes';

/** An RDB of version 10 without a key; the checksum is zero: it was saved without. */
const EMPTY_RDB = Buffer.concat([Buffer.from('REDIS0010'), Buffer.from([0xff]), Buffer.alloc(8)]);
const STREAM_ID = 'f'.repeat(40);
const GET_ACK = Buffer.from('*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n');
const PING = Buffer.from('*1\r\n$4\r\nPING\r\n');
const PING_EVERY_MS = 1_000;
const COMMANDS_PER_WRITE = 2_000;
const LINE = /^(?:\*\d+\r\n)?(?:\$\d+\r\n)?(\S+)/;

export class FakeMaster {
  private socket: Socket | null = null;
  private sentBytes = 0;
  private ackedBytes = -1;
  private isBusy = false;
  private wake: () => void = () => undefined;

  private constructor(private readonly server: Server) {}

  static listen(): Promise<FakeMaster> {
    return new Promise((resolve) => {
      const server = createServer((socket) => master.welcome(socket));
      const master = new FakeMaster(server);
      server.listen(0, '127.0.0.1', () => resolve(master));
    });
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new BenchError('the fake master does not listen');
    return address.port;
  }

  /** Resolves when the replica has said that it has the empty data set, and all that was sent since. */
  async untilAcknowledged(): Promise<void> {
    while (this.ackedBytes < this.sentBytes) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  /** Sends a template for so many numbers of a walk; resolves when the replica has done all of it. */
  async send(template: Template, count: number, range: number): Promise<void> {
    this.isBusy = true;
    for (let from = 0; from < count; from += COMMANDS_PER_WRITE) {
      const commands = Math.min(COMMANDS_PER_WRITE, count - from);
      const bytes = Buffer.concat(Array<Buffer>(commands).fill(template.bytes));
      for (let i = 0; i < commands; i++) {
        const number = ((from + i) * 6_180_339) % range;
        for (const place of template.places) writeDigits(bytes, i * template.bytes.length + place, number);
      }
      await this.write(bytes);
    }
    await this.write(GET_ACK);
    await this.untilAcknowledged();
    this.isBusy = false;
  }

  close(): Promise<void> {
    this.socket?.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private write(bytes: Buffer): Promise<void> {
    const { socket } = this;
    if (socket === null) throw new BenchError('the replica has left the fake master');
    this.sentBytes += bytes.length;
    return socket.write(bytes) ? Promise.resolve() : new Promise((resolve) => socket.once('drain', () => resolve()));
  }

  private welcome(socket: Socket): void {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => this.received(socket, data.toString('latin1')));
    socket.on('error', () => socket.destroy());
    const pings = setInterval(() => {
      if (!this.isBusy && this.ackedBytes >= 0) void this.write(PING);
    }, PING_EVERY_MS);
    socket.on('close', () => {
      clearInterval(pings);
      this.socket = null;
    });
  }

  /** Both kinds of replica send a command at a time until they have the data, and then nothing but acknowledgements. */
  private received(socket: Socket, text: string): void {
    const acks = [...text.matchAll(/ACK\r\n\$\d+\r\n(\d+)/gi)];
    if (acks.length > 0) {
      this.ackedBytes = Number(acks.at(-1)![1]);
      this.wake();
      return;
    }
    const word = LINE.exec(text)?.[1].toUpperCase();
    if (word === 'PING') socket.write('+PONG\r\n');
    else if (word === 'PSYNC') {
      socket.write(`+FULLRESYNC ${STREAM_ID} 0\r\n$${EMPTY_RDB.length}\r\n`);
      socket.write(EMPTY_RDB);
    } else if (word === 'REPLCONF') socket.write('+OK\r\n'.repeat(text.split(/REPLCONF/i).length - 1));
  }
}
