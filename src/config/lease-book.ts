/**
 * LeaseBook: who may act, as the leader grants it, and the fence that a change of master waits for.
 *
 * A renewal is answered after a read that a majority has confirmed, from the newest state; so no leader that was replaced can grant
 * anything that its successor does not count (lease-table.ts). From the moment at which this leader *proposes* a change of master,
 * long before it is decided, the master of that group is granted nothing more: what was granted before is all that the fence
 * has to wait for. Such a hold ends when the change was refused, or with the leadership.
 *
 * A server is known by its place in the state and by its run: a process that was restarted is a stranger until the state says that
 * it is accepted as it is. A proxy that has not yet the view in which a change of master began keeps a lease that it holds for a while,
 * since it serves the other groups as well; after that, or where it holds none, it is granted none until it has caught up. So one
 * that is alive but stuck cannot hold a group up for ever, and one that the fence did not wait for cannot act by the old view.
 *
 * Times are monotonic ms of this process; the wall clock may jump as it likes.
 */
import { isPlanted } from '../base';
import { CLOCK_RATE_MARGIN, LeaseTable } from '../failover';
import type { Group } from '../slots';
import type { ControlHost, Figures, LeaseAnswer, LeaseBookPart } from './control-host';
import { Places } from './places';

const NO_LEASE = 0;
/** In place of a group: changes of master that are part of a state which came as a whole. */
const UNSEEN = -1;

export class LeaseBook implements LeaseBookPart {
  /** A proxy has said that a newer view than before is in force there. */
  onCaughtUp: () => void = () => undefined;

  /** Of servers, by their places, whichever process is there. */
  private readonly servers = new LeaseTable();
  /** Of proxies, by their runs. */
  private readonly proxies = new LeaseTable();
  private readonly places = new Places();
  private readonly heldGroups = new Set<number>();
  /** The view in which the last change of master of a group began, and when it was seen here; {@link UNSEEN} for what was not. */
  private readonly begun = new Map<
    number,
    { readonly epoch: number; readonly version: number; readonly atMs: number }
  >();
  private seenVersion = -1;
  /** The longest lease that was ever set: a former leader may have granted it. */
  private longestLeaseMs = 0;

  constructor(private readonly host: ControlHost) {}

  start(): void {
    this.stateChanged();
  }

  stop(): void {
    this.heldGroups.clear();
    this.begun.clear();
    this.seenVersion = -1;
  }

  leadershipChanged(): void {
    this.heldGroups.clear();
    if (!this.host.isLeader) return;
    const sinceMs = isPlanted('wall-clock-lease') ? this.nowMs : this.host.leaderSinceMs;
    this.servers.begin(sinceMs, this.longestLeaseMs);
    this.proxies.begin(sinceMs, this.longestLeaseMs);
  }

  stateChanged(): void {
    const { view, failovers, settings, proxies } = this.host.state;
    if (view.version === this.seenVersion) return;
    this.longestLeaseMs = Math.max(this.longestLeaseMs, settings['lease-ms']);
    const atMs = this.nowMs;
    if (view.version > this.seenVersion + 1) this.begun.set(UNSEEN, { epoch: 0, version: view.version, atMs });
    this.seenVersion = view.version;
    for (const { group, epoch } of failovers.values()) {
      if (this.begun.get(group)?.epoch !== epoch) this.begun.set(group, { epoch, version: view.version, atMs });
    }
    const runs = new Set([...proxies.values()].map(({ runId }) => runId));
    this.proxies.forgetLapsed(this.nowMs, (holder) => runs.has(holder));
  }

  /** No more leases for the master of that group: a change of master is about to be proposed. */
  hold(group: number): void {
    this.heldGroups.add(group);
  }

  /** The change was refused, or has ended: leases as the state says. */
  release(group: number): void {
    this.heldGroups.delete(group);
  }

  renewServer(runId: string, version: number): LeaseAnswer {
    if (!this.host.isLeader) return { error: 'NOQUORUM this config server does not lead' };
    const { settings, partings, view } = this.host.state;
    const place = this.places.of(this.host.state, runId);
    if (place === null) return this.duty('stranger', null);
    const { group } = place;
    this.servers.acknowledge(place.id, version);
    if (group.state !== 'serving' || this.heldGroups.has(group.id)) return this.duty('wait', group);
    const { master, id } = group;
    if (master!.id === place.id) {
      this.servers.grant(place.id, settings['lease-ms'], this.nowMs);
      return this.duty('serve', group, settings['lease-ms']);
    }
    const parting = partings.get(id);
    const where = [master!.host, master!.port, parting?.stream ?? '', parting?.offset ?? -1];
    return { values: [NO_LEASE, view.version, 'follow', id, group.epoch, ...where] };
  }

  renewProxy(runId: string, version: number): LeaseAnswer {
    if (!this.host.isLeader) return { error: 'NOQUORUM this config server does not lead' };
    // The state may have changed in this very turn, and parts are told at its end.
    this.stateChanged();
    const { proxies, view, settings } = this.host.state;
    const isKnown = [...proxies.values()].some((proxy) => proxy.runId === runId);
    if (!isKnown) return { error: 'UNREGISTERED this proxy must register' };
    const isNews = version > this.proxies.versionOf(runId);
    this.proxies.acknowledge(runId, version);
    if (isNews) this.onCaughtUp();
    const leaseMs = settings['lease-ms'];
    const graceMs = this.nowMs < this.proxies.mayHoldUntilMs(runId) ? leaseMs * CLOCK_RATE_MARGIN : 0;
    const missed = [...this.begun.values()].find(
      (change) => change.version > version && this.nowMs - change.atMs >= graceMs,
    );
    if (missed !== undefined) {
      return { values: [NO_LEASE, view.version, `the view ${missed.version} is not in force at this proxy`] };
    }
    this.proxies.grant(runId, leaseMs, this.nowMs);
    return { values: [leaseMs, view.version] };
  }

  /** When the lease of whoever is at that place has certainly lapsed, monotonic ms. */
  serverFenceEndsMs(memberId: string): number {
    return this.servers.mayHoldUntilMs(memberId);
  }

  /**
   * How many proxies may still act by a view before `version`: they have not said that a newer one is in force, and their lease has not
   * certainly lapsed. Those that have gone from the state count as well, and those that only a former leader knew.
   */
  proxiesBehind(version: number): number {
    const runs = new Set([...this.host.state.proxies.values()].map(({ runId }) => runId));
    for (const holder of this.proxies.known) runs.add(holder);
    const behind = [...runs].filter(
      (run) => this.proxies.versionOf(run) < version && this.nowMs < this.proxies.mayHoldUntilMs(run),
    );
    return behind.length > 0 ? behind.length : this.nowMs < this.proxies.formerUntilMs ? 1 : 0;
  }

  /** The moment of the present, monotonic ms. */
  get nowMs(): number {
    const { clock } = this.host.world;
    return isPlanted('wall-clock-lease') ? clock.wallMs() : clock.monotonicMs();
  }

  describe(runId: string): Figures {
    const place = this.places.of(this.host.state, runId);
    const table = place === null ? this.proxies : this.servers;
    const holder = place?.id ?? runId;
    const grantedMs = table.grantedMs(holder);
    const leftMs = grantedMs === null ? 0 : table.mayHoldUntilMs(holder) - this.nowMs;
    return {
      'lease-left-ms': Math.max(0, Math.round(leftMs)),
      version: table.versionOf(holder),
      'renewed-ms-ago': grantedMs === null ? -1 : Math.round(this.nowMs - grantedMs),
    };
  }

  private duty(duty: 'serve' | 'wait' | 'stranger', group: Group | null, leaseMs = NO_LEASE): LeaseAnswer {
    const { version } = this.host.state.view;
    return { values: [leaseMs, version, duty, group?.id ?? -1, group?.epoch ?? 0, '', 0, '', -1] };
  }
}
