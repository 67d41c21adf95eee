/**
 * A data node that follows config servers of paper, on a virtual clock: it is told its duty by the test, and no time passes but by the
 * test's word.
 */
import type { World } from '../../src/base';
import { Client, type Connection } from '../../src/net';
import type { Reply } from '../../src/resp';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';
import { paperServers, VirtualTime, type PaperServer } from '../views/virtual';

export const LEASE_MS = 800;

/** What config servers say; what is not given stays as it was. */
export interface Orders {
  leaseMs: number;
  view: number;
  duty: string;
  group: number;
  epoch: number;
  host: string;
  port: number;
  stream: string;
  offset: number;
}

const NO_ORDERS: Orders = {
  leaseMs: 0,
  view: 1,
  duty: 'wait',
  group: 1,
  epoch: 1,
  host: '',
  port: 0,
  stream: '',
  offset: -1,
};

/** Answers of config servers that are all of one mind. */
export class Orderly {
  private orders = NO_ORDERS;

  constructor(readonly servers: readonly PaperServer[]) {
    this.say({});
  }

  say(orders: Partial<Orders>): void {
    this.orders = { ...this.orders, ...orders };
    const { leaseMs, view, duty, group, epoch, host, port, stream, offset } = this.orders;
    const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
    const whole = (value: number): string => `:${value}\r\n`;
    const parts = [whole(leaseMs), whole(view), bulk(duty), whole(group), whole(epoch), bulk(host), whole(port)];
    for (const server of this.servers) server.renewal = `*9\r\n${parts.join('')}${bulk(stream)}${whole(offset)}`;
  }

  serve(view = 1, epoch = 1): void {
    this.say({ duty: 'serve', leaseMs: LEASE_MS, view, epoch });
  }

  follow(port: number, view: number, epoch: number, stream = '', offset = -1): void {
    this.say({ duty: 'follow', leaseMs: 0, host: '127.0.0.1', port, view, epoch, stream, offset });
  }

  /** No config server answers any more. */
  fallSilent(): void {
    for (const server of this.servers) server.state = 'silent';
  }

  speakAgain(): void {
    for (const server of this.servers) server.state = 'up';
  }
}

/** What has become of a command. */
export interface Outcome {
  reply: Reply | Error | undefined;
}

/** Settings that make a node managed by the three servers of `paperServers`. */
export const MANAGED = { save: '', port: '0', 'config-servers': 'config1:6390 config2:6390 config3:6390' };

export class ManagedNode {
  readonly time = new VirtualTime();
  readonly world: World;
  readonly node: DataNode;
  readonly config: Orderly;

  private constructor(settings: Readonly<Record<string, string>>) {
    const table = serverSettings();
    table.assign({ ...MANAGED, ...settings });
    const { connect, servers } = paperServers(this.time);
    this.config = new Orderly(servers);
    this.world = this.time.world;
    this.node = new DataNode(this.world, table);
    this.node.allegiance!.connect = connect;
    // Whom it follows is of no interest here: nobody answers.
    this.node.replication.following.connect = () => undefined;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ManagedNode> {
    const managed = new ManagedNode(settings);
    const started = managed.node.start();
    for (let i = 0; i < 20; i++) {
      await settled();
      managed.time.pass(1);
    }
    await started;
    managed.time.pass(50);
    return managed;
  }

  /** One that was told to serve. */
  static async master(settings: Readonly<Record<string, string>> = {}): Promise<ManagedNode> {
    const managed = await ManagedNode.start(settings);
    managed.config.serve();
    managed.time.pass(200);
    return managed;
  }

  /** A new client: what it is told in one line it sends; the outcome fills in as time passes. */
  client(): (line: string) => Outcome {
    const end = this.node.connectInMemory();
    const client = Client.over(end.connection as Connection, this.time.timers);
    end.attach(client);
    return (line) => {
      const outcome: Outcome = { reply: undefined };
      client.command(...line.split(' ')).then(
        (reply) => (outcome.reply = reply),
        (error: Error) => (outcome.reply = error),
      );
      return outcome;
    };
  }

  /** Lets time pass, and promises be kept. */
  async pass(ms: number): Promise<void> {
    this.time.pass(ms);
    await settled();
  }

  /** The reply to one command of a client of its own, as text; what has not come is "nothing". */
  async ask(line: string, ms = 2): Promise<string> {
    const outcome = this.client()(line);
    await this.pass(ms);
    return textOf(outcome);
  }

  async field(name: string): Promise<string> {
    return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(await this.ask('INFO everything'))?.[1] ?? '';
  }

  async stop(): Promise<void> {
    const stopped = this.node.stop();
    for (let i = 0; i < 20; i++) await this.pass(200);
    await stopped;
  }
}

export function textOf({ reply }: Outcome): string {
  if (reply === undefined) return 'nothing';
  return reply instanceof Error ? reply.message : String(reply);
}

/** Promises that can be kept now are. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
