/**
 * A small cluster in one process for the tests of the proxy: data nodes as servers, and between them and the proxy a network
 * that can be slow, cut replies anywhere, stop, or break.
 */
import { Random, realTimers, realWorld, type World } from '../../src/base';
import { Client, type Address, type Connection, type ConnectionHandler } from '../../src/net';
import { ProxyNode, proxySettings, type Dial } from '../../src/proxy';
import type { Reply } from '../../src/resp';
import { DataNode, serverSettings } from '../../src/server';
import { ClusterView, slotOf, spread } from '../../src/slots';

/** Ports of the servers; nothing listens there, the numbers only name them. */
export const PORTS = [7001, 7002, 7003] as const;

/** The direction from a server to the proxy: chunks wait here as long as the test likes. */
class Link implements ConnectionHandler {
  private waiting: Buffer[] = [];
  private isClosed = false;

  constructor(
    private readonly server: TestServer,
    readonly connection: Connection,
    private readonly proxy: ConnectionHandler,
  ) {}

  received(buffer: Uint8Array, start: number, end: number): void {
    this.waiting.push(Buffer.from(buffer.subarray(start, end)));
    this.deliverLater();
  }

  closed(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.proxy.closed(error);
  }

  /** The connection breaks: what was under way is lost. */
  break(): void {
    this.waiting = [];
    this.connection.destroy();
    this.closed(new Error('connection reset'));
  }

  deliverLater(): void {
    if (!this.server.isHeld) setImmediate(() => this.deliver());
  }

  private deliver(): void {
    const { random } = this.server;
    if (this.isClosed || this.server.isHeld || this.waiting.length === 0) return;
    if (random !== null && random.below(3) > 0) {
      this.deliverLater();
      return;
    }
    const chunk = this.waiting[0];
    const count = random === null ? chunk.length : 1 + random.below(chunk.length);
    if (count === chunk.length) this.waiting.shift();
    else this.waiting[0] = chunk.subarray(count);
    // Lent for the call only: what is kept of it must have been copied.
    const lent = Buffer.from(chunk.subarray(0, count));
    this.proxy.received(lent, 0, lent.length);
    lent.fill(0x58);
    if (this.waiting.length > 0) this.deliverLater();
  }
}

export class TestServer {
  readonly node: DataNode;
  /** Whether it can be connected to. */
  isUp = true;
  /** Replies stay under way. */
  isHeld = false;
  /** Connections that were made so far. */
  connections = 0;
  readonly links = new Set<Link>();

  /** @param random delays and cuts replies; null: they come at once and whole */
  constructor(readonly random: Random | null) {
    const settings = serverSettings();
    settings.assign({ port: 0 });
    this.node = new DataNode(realWorld(), settings);
  }

  release(): void {
    this.isHeld = false;
    for (const link of this.links) link.deliverLater();
  }

  /** All connections break. */
  breakLinks(): void {
    for (const link of this.links) link.break();
    this.links.clear();
  }
}

export class TestCluster {
  readonly servers: TestServer[];
  readonly proxy: ProxyNode;
  readonly world: World;
  private readonly clients: Client[] = [];

  constructor(
    options: {
      seed?: number;
      settings?: Parameters<ReturnType<typeof proxySettings>['assign']>[0];
      view?: boolean;
    } = {},
  ) {
    const { seed } = options;
    this.world = realWorld({ random: new Random(seed ?? 1) });
    this.servers = PORTS.map((port) => new TestServer(seed === undefined ? null : new Random(seed + port)));
    const settings = proxySettings();
    settings.assign({ port: 0, ...options.settings });
    this.proxy = new ProxyNode(this.world, settings, this.dial);
    if (options.view !== false) this.proxy.acceptView(viewOf([1, 2, 3]));
  }

  private readonly dial: Dial = (address: Address, handler, opened) => {
    const server = this.serverAt(address);
    setImmediate(() => {
      if (!server.isUp) {
        handler.closed(new Error('connection refused'));
        return;
      }
      const end = server.node.connectInMemory();
      const link = new Link(server, end.connection, handler);
      end.attach(link);
      server.links.add(link);
      server.connections++;
      opened(end.connection);
    });
  };

  private serverAt(address: Address): TestServer {
    return this.servers[PORTS.findIndex((port) => 'port' in address && address.port === port)];
  }

  /** The server that owns the key in the view of three groups. */
  ownerOf(key: string): TestServer {
    const group = viewOf([1, 2, 3]).ownerOf(slotOf(key))!;
    return this.servers[group.id - 1];
  }

  async client(protocol: 2 | 3 = 2): Promise<Client> {
    const end = this.proxy.connectInMemory();
    const client = Client.over(end.connection, realTimers);
    end.attach(client);
    this.clients.push(client);
    if (protocol === 3) await client.command('HELLO', 3);
    return client;
  }

  /** A client that sends bytes and gathers what comes back. */
  raw(): RawClient {
    return new RawClient(this.proxy);
  }

  async stop(): Promise<void> {
    for (const client of this.clients) await client.close();
    await this.proxy.stop();
    for (const server of this.servers) {
      server.breakLinks();
      await server.node.stop();
    }
  }
}

export class RawClient implements ConnectionHandler {
  text = '';
  isClosed = false;
  private readonly end;

  constructor(proxy: ProxyNode) {
    this.end = proxy.connectInMemory();
    this.end.attach(this);
  }

  send(text: string): void {
    this.end.connection.write(Buffer.from(text, 'latin1'));
  }

  hangUp(): void {
    this.end.connection.destroy();
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    this.text += Buffer.from(buffer.subarray(start, end)).toString('latin1');
  }

  closed(): void {
    this.isClosed = true;
  }
}

/** A single data node to compare with. */
export class Model {
  private readonly node: DataNode;

  constructor() {
    const settings = serverSettings();
    settings.assign({ port: 0 });
    this.node = new DataNode(realWorld(), settings);
  }

  client(): Client {
    const end = this.node.connectInMemory();
    const client = Client.over(end.connection, realTimers);
    end.attach(client);
    return client;
  }

  stop(): Promise<void> {
    return this.node.stop();
  }
}

/** A view in which the slots are spread over those of the three groups that are named. */
export function viewOf(owners: readonly number[], version = 1): ClusterView {
  return new ClusterView({
    version,
    groups: owners.map((id) => ({
      id,
      epoch: 1,
      members: [{ host: 'test', port: PORTS[id - 1], zone: '', role: 'master' as const }],
    })),
    slots: spread(owners),
  });
}

/** The reply, or the text of the error reply with a mark before it. */
export async function outcome(reply: Promise<Reply>): Promise<Reply> {
  return reply.catch((error: Error) => `-${error.message}`);
}

/** Waits until `isSo`; fails by the test's own timeout. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Lets everything that is under way in memory arrive. */
export async function settle(turns = 12): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Keys that belong to group 1, 2 and 3 in the view of three groups. */
export function keysByGroup(): [string, string, string] {
  const view = viewOf([1, 2, 3]);
  const keyOf = (group: number): string => {
    for (let i = 0; ; i++) if (view.ownerOf(slotOf(`key${i}`))?.id === group) return `key${i}`;
  };
  return [keyOf(1), keyOf(2), keyOf(3)];
}
