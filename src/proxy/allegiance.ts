/**
 * Allegiance: what a proxy may do by the word of the config servers, and by which view.
 *
 * A proxy that follows config servers acts only while it holds a *lease*, renewed ten times a second. Somewhat before the lease ends,
 * commands are held back, so that what is in flight can still be answered; when it has ended, no reply of a server passes any more,
 * since another server may be the master by then. Both are seen by a look at the clock at the beginning of a turn and again before
 * anything of it is sent: a process that was stopped in between acknowledges nothing. (Promises F1 and F2 of docs/CONTROL.md.)
 *
 * A view is *in force*, and is told to be, when nothing is in flight any more to a server that it holds back or gives up, and the replies
 * that had come have been sent. For servers without leases of their own (stock Redis) a change of master waits for that.
 */
import { isPlanted, type World } from '../base';
import { addressOf, addressText, type Address } from '../net';
import type { Reply } from '../resp';
import type { ClusterView } from '../slots';
import { connectAsSet, Lease, ViewLink, type Connect, type ViewFollower, type Words } from '../views';
import type { ProxySettings } from './settings';

/** The part of a lease at its end in which commands are not sent any more: 50 of 800 ms. */
const RESERVED_PART = 1 / 16;

/** What it needs of the proxy. */
export interface AllegianceHost {
  readonly world: World;
  readonly settings: ProxySettings;
  readonly runId: string;
  /** Where it listens. */
  readonly addresses: readonly Address[];
  /** −1 for none. */
  readonly knownVersion: number;
  acceptView(view: ClusterView): boolean;
  /** `mayServe` has changed. */
  leaseWeighed(): void;
  leaseLapsed(): void;
}

export class Allegiance implements ViewFollower {
  readonly kind = 'PROXY';
  readonly runId: string;
  readonly lease = new Lease();
  /** Whether commands may be sent to servers. */
  mayServe = false;

  private readonly link: ViewLink;
  private isLapsed = true;
  /** When commands are not sent any more unless the lease is renewed, monotonic ms. */
  private sendUntilMs = -Infinity;
  /** How the config servers know it, once it has told them. */
  private address = '';
  private whyNone = '';

  /** @param connect opens connections to config servers; null: as the settings say */
  constructor(
    private readonly host: AllegianceHost,
    connect: Connect | null,
  ) {
    const { world, settings, runId } = host;
    this.runId = runId;
    const servers = settings.values['config-servers'].map(addressOf);
    this.link = new ViewLink(world, servers, this, connect ?? connectAsSet(settings.values));
  }

  /** The config server that it is connected to, `host:port`; null while it is to none. */
  get connectedTo(): string | null {
    return this.link.connectedTo;
  }

  /** The view that is in force; −1 for none. */
  get versionInForce(): number {
    return this.link.versionInForce;
  }

  start(): void {
    this.link.start();
  }

  /** Signs off, if anybody hears it, and then calls `done`. */
  stop(done: () => void): void {
    this.link.stop(this.address === '' ? null : ['PROXY', 'DEREGISTER', this.address], done);
  }

  // ── the lease ────────────────────────────────────────────────────────────────────────────────────────────────

  /** To be told the time at the beginning of each turn, before anything of it is sent, and now and then. */
  look(nowMs: number): void {
    if (nowMs < this.sendUntilMs || this.isLapsed || isPlanted('proxy-ignores-lapsed-lease')) return;
    this.isLapsed = !this.lease.isHeld(nowMs);
    if (this.mayServe) {
      this.mayServe = false;
      this.host.leaseWeighed();
    }
    if (this.isLapsed) this.host.leaseLapsed();
  }

  renewed(sentMs: number, arrivedMs: number, answer: readonly Reply[]): void {
    const leaseMs = Number(answer[0]);
    if (leaseMs > 0) this.granted(sentMs, arrivedMs, leaseMs);
    const why = leaseMs > 0 ? '' : String(answer[2]);
    if (why !== '' && why !== this.whyNone) this.host.world.log('warning', `The config servers give no lease: ${why}`);
    this.whyNone = why;
  }

  private granted(sentMs: number, arrivedMs: number, leaseMs: number): void {
    const { lease } = this;
    // What was lost meanwhile must be seen before it is regained.
    this.look(arrivedMs);
    lease.renewed(sentMs, leaseMs, arrivedMs);
    this.sendUntilMs = lease.untilMs - leaseMs * RESERVED_PART;
    if (arrivedMs >= this.sendUntilMs || this.mayServe) return;
    this.mayServe = true;
    this.isLapsed = false;
    this.host.leaseWeighed();
  }

  // ── the view ─────────────────────────────────────────────────────────────────────────────────────────────────

  knownVersion(): number {
    return this.host.knownVersion;
  }

  view(view: ClusterView): void {
    this.host.acceptView(view);
  }

  /** @param isSettled whether nothing is in flight any more that `version` does away with */
  viewInForce(version: number, isSettled: boolean): void {
    if (isSettled || isPlanted('view-acked-before-drained')) this.link.viewInForce(version);
  }

  // ── who it is ────────────────────────────────────────────────────────────────────────────────────────────────

  password(): string {
    return this.host.settings.values['config-password'];
  }

  introduction(localAddress: string): Words | null {
    const { values } = this.host.settings;
    this.address = values['announce'] || this.ownAddress(localAddress);
    if (this.address === '') return null;
    const zone = values['zone'];
    return ['PROXY', 'REGISTER', this.runId, this.address, ...(zone === '' ? [] : ['ZONE', zone])];
  }

  /** Its side of the connection, with the port on which it listens, or will; '' where it has none. */
  private ownAddress(localAddress: string): string {
    const { values } = this.host.settings;
    const listening = this.host.addresses.find((address) => 'port' in address);
    const port = listening?.port ?? (values['port'] || values['tls-port']);
    return port === 0 ? '' : addressText({ host: addressOf(localAddress).host, port });
  }
}
