/**
 * LinkProxy: what is between a replica and its master, and may fail: a port that hands bytes on, until it is told to cut the link,
 * to cut it in the middle of whatever comes, to hold everything up, or to say to one side that the other has no more to say.
 *
 * Where it leads may be changed: then a replica follows another master without knowing.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../bin/daemon';

const HOST = '127.0.0.1';

interface Link {
  /** The side that has connected: the replica. */
  readonly replica: Socket;
  readonly master: Socket;
}

export class LinkProxy {
  /** Whether replicas that connect are turned away. */
  isDown = false;
  private readonly links = new Set<Link>();
  private isHeld = false;
  /** Bytes to replicas after which links are cut. */
  private bytesLeft = Infinity;

  private constructor(
    readonly port: number,
    public masterPort: number,
    private readonly server: Server,
  ) {
    server.on('connection', (replica) => this.join(replica));
  }

  static async open(masterPort: number): Promise<LinkProxy> {
    const port = await freePort();
    const server = createServer({ allowHalfOpen: true });
    const proxy = new LinkProxy(port, masterPort, server);
    await new Promise<void>((resolve) => server.listen(port, HOST, resolve));
    server.unref();
    return proxy;
  }

  cut(): void {
    for (const { replica, master } of this.links) {
      replica.destroy();
      master.destroy();
    }
    this.links.clear();
    this.bytesLeft = Infinity;
  }

  /** Cuts after so many more bytes to replicas, be it in the middle of a command. */
  cutWithin(bytes: number): void {
    this.bytesLeft = bytes;
  }

  /** Nothing goes through until `release`, and nobody is told. */
  hold(): void {
    this.isHeld = true;
    for (const { replica, master } of this.links) {
      replica.pause();
      master.pause();
    }
  }

  release(): void {
    this.isHeld = false;
    for (const { replica, master } of this.links) {
      replica.resume();
      master.resume();
    }
  }

  /** Ends one direction: this side hears that no more will come, and may go on speaking. */
  endTowards(side: keyof Link): void {
    for (const link of this.links) link[side].end();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private join(replica: Socket): void {
    replica.on('error', () => undefined);
    if (this.isDown) {
      replica.destroy();
      return;
    }
    const master = connect({ host: HOST, port: this.masterPort, allowHalfOpen: true });
    master.on('error', () => undefined);
    const link: Link = { replica, master };
    this.links.add(link);
    replica.setNoDelay(true);
    master.setNoDelay(true);
    replica.on('data', (bytes) => master.write(bytes));
    master.on('data', (bytes) => this.handOn(bytes, replica));
    for (const [from, to] of [
      [replica, master],
      [master, replica],
    ]) {
      from.on('end', () => to.end());
      from.on('close', () => {
        to.destroy();
        this.links.delete(link);
      });
    }
    if (this.isHeld) this.hold();
  }

  private handOn(bytes: Buffer, replica: Socket): void {
    if (bytes.length <= this.bytesLeft) {
      this.bytesLeft -= bytes.length;
      replica.write(bytes);
      return;
    }
    const last = bytes.subarray(0, this.bytesLeft);
    this.bytesLeft = Infinity;
    // The rest is lost, and the replica has what came before.
    replica.write(last, () => this.cut());
  }
}
