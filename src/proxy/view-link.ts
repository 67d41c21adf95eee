/**
 * ViewLink: the standing connection to a config server over which views are pushed.
 *
 * It subscribes with the version that is known, so that only news come; each view is acknowledged once the proxy
 * routes by it. When the connection is lost, the next config server is tried, after a jittered pause that grows: the
 * proxy goes on with the view it has, since who serves and who decides must not fail together.
 */
import type { Address } from '../net';
import { addressText, Client } from '../net';
import type { PushReply } from '../resp';
import type { World } from '../base';
import { ClusterView } from '../slots';

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1000;

export interface ViewFollower {
  /** A view has come; returns the version that is routed by now. */
  view: (view: ClusterView) => number;
  /** The version to subscribe with; -1 where none is known. */
  version: () => number;
  /** For the config servers; empty for none. */
  password: () => string;
}

export class ViewLink {
  /** Where it is connected to; null while it is not. */
  connectedTo: string | null = null;
  private client: Client | null = null;
  private isStopped = false;
  private failures = 0;
  private next: number;
  private cancelRetry: (() => void) | null = null;

  constructor(
    private readonly world: World,
    private readonly servers: readonly Address[],
    private readonly follower: ViewFollower,
  ) {
    this.next = world.random.below(servers.length);
  }

  start(): void {
    void this.follow(this.servers[this.next]);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancelRetry?.();
    await this.client?.close();
  }

  private async follow(server: Address): Promise<void> {
    const { world } = this;
    try {
      const client = await Client.connect(server, world.timers, {
        push: (message) => this.pushed(message),
        closed: () => this.lost(),
      });
      this.client = client;
      if (this.isStopped) {
        await client.close();
        return;
      }
      const password = this.follower.password();
      await client.command('HELLO', 3, ...(password === '' ? [] : ['AUTH', 'default', password]));
      // Nothing waits for the answer, since views may come before it; an error ends this attempt.
      client.command('VIEW', 'SUBSCRIBE', this.follower.version()).catch((error: Error) => this.failed(server, error));
      this.connectedTo = addressText(server);
      this.failures = 0;
      world.log('notice', `Following config server ${this.connectedTo}`);
    } catch (error) {
      this.failed(server, error as Error);
    }
  }

  private failed(server: Address, error: Error): void {
    if (this.isStopped) return;
    const level = this.failures === 0 ? 'warning' : 'verbose';
    this.world.log(level, `Config server ${addressText(server)}: ${error.message}`);
    if (this.client === null) this.retryLater();
    else void this.client.close();
  }

  private lost(): void {
    this.client = null;
    this.connectedTo = null;
    this.retryLater();
  }

  private retryLater(): void {
    if (this.isStopped) return;
    this.failures++;
    this.next = (this.next + 1) % this.servers.length;
    const bound = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.failures, 10));
    const delayMs = RETRY_MIN_MS + this.world.random.fraction() * (bound - RETRY_MIN_MS);
    this.cancelRetry?.();
    this.cancelRetry = this.world.timers.after(delayMs, () => void this.follow(this.servers[this.next]));
  }

  private pushed({ values }: PushReply): void {
    if (values[0] !== 'view') return;
    try {
      const version = this.follower.view(ClusterView.parse(values[2]));
      this.client?.tell('VIEW', 'ACK', version);
    } catch (error) {
      this.world.log('warning', `A config server sent a view that cannot be: ${(error as Error).message}`);
    }
  }
}
