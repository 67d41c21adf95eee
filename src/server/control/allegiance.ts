/**
 * Allegiance: a data node that follows config servers (`config-servers`) is *managed*: they decide what it is.
 *
 * It starts *pending*: what is on disk is loaded, and then it neither takes writes nor replicas until it is told its duty. So one that
 * lost its data and starts empty cannot wipe its replicas, and one that was replaced while it was away cannot go on as if it had not been.
 * A duty comes with each renewal of the lease (see duty.ts), ten times a second.
 *
 * Answers may be late. What was said by an older view than one that is known here, or asked before the role changed, is not obeyed:
 * a replica that has just been promoted must not follow its former master because of what was true before.
 *
 * Always: writes of clients are run and acknowledged under a lease only, see LeaseGuard; what a demotion discards was kept before, see
 * lost-tail.ts.
 */
import { CacheError, isPlanted } from '../../base';
import { addressOf } from '../../net';
import type { Reply } from '../../resp';
import type { ClusterView } from '../../slots';
import { connectAsSet, ViewLink, type Connect, type ViewFollower } from '../../views';
import type { DataNode } from '../data-node';
import { reasonOf } from '../persistence/paths';
import { readTold, type Duty, type Told } from './duty';
import { LeaseGuard } from './lease-guard';
import { keepLostTail, type Demotion } from './lost-tail';
import { Standstill } from './standstill';

/** A lease that the planted bug gives itself. */
const PLANTED_LEASE_MS = 3_600_000;

export class Allegiance implements ViewFollower {
  readonly kind = 'SERVER';
  readonly guard: LeaseGuard;
  readonly standstill: Standstill;
  /** What it was told last. */
  duty: Duty | 'pending' = 'pending';
  /** The group that it is in; −1 for none, or not known. */
  group = -1;
  /** The group's epoch, as it knows it. */
  epoch = 0;
  /** The newest view that it has heard of; −1 for none. */
  viewVersion = -1;
  /** What went with the last demotion since the start; null before any. */
  lastDemotion: Demotion | null = null;
  /** How config servers are connected to; a simulation has its own. */
  connect: Connect;

  /** It was not told since the start to be master or replica. */
  private waitsForRole = true;
  /** Answers to renewals that were sent before are not obeyed. */
  private notBeforeMs = -Infinity;
  private complaint = '';
  private link: ViewLink | null = null;

  constructor(private readonly node: DataNode) {
    this.guard = new LeaseGuard(node);
    this.standstill = new Standstill(node, this.guard);
    this.connect = connectAsSet(node.settings.values);
  }

  /** What is on disk has been loaded: asks what to be. */
  start(): void {
    const { settings, world } = this.node;
    const servers = settings.values['config-servers'].map(addressOf);
    if (settings.values['replicaof'].length > 0) {
      world.log('notice', "'replicaof' is passed over: the config servers say whose replica this is");
      settings.set('replicaof', ['no', 'one'], 'client');
    }
    world.log('notice', 'Waiting for the config servers to say what this node is to be');
    if (isPlanted('pending-serves')) this.guard.renewed(world.clock.monotonicMs(), PLANTED_LEASE_MS, 0);
    this.guard.start();
    this.link = new ViewLink(world, servers, this, this.connect);
    this.link.start();
  }

  stop(): void {
    this.guard.stop();
    this.standstill.end();
    this.link?.stop(null, () => undefined);
  }

  /** Whether it may not serve replicas yet, as nobody has said that its data are those of a group. */
  get isPending(): boolean {
    return this.waitsForRole && !isPlanted('pending-serves');
  }

  /** The config server that it follows; null while there is none. */
  get configServer(): string | null {
    return this.link?.connectedTo ?? null;
  }

  // ── as a follower of the control plane ───────────────────────────────────────────────────────────────────────

  get runId(): string {
    return this.node.runId;
  }

  knownVersion(): number {
    return this.viewVersion;
  }

  password(): string {
    return this.node.settings.values['config-password'];
  }

  introduction(): null {
    return null;
  }

  /**
   * What a view means for this node it is told by the answer to its next renewal. That is sent at once, but for a change of master of its
   * own group that has begun: there is nothing to do before it ends, and the leader is to hear the proxies first, whom it waits for.
   */
  view(view: ClusterView): void {
    const { version } = view;
    const state = view.group(this.group)?.state ?? 'serving';
    this.viewVersion = Math.max(this.viewVersion, version);
    this.link?.viewInForce(version, state === 'serving');
  }

  renewed(sentMs: number, arrivedMs: number, answer: readonly Reply[]): void {
    const told = readTold(answer);
    if (told === null) {
      this.complain('A config server answers a renewal with what is no duty');
      return;
    }
    this.guard.answered(sentMs);
    if (told.viewVersion >= this.viewVersion && sentMs >= this.notBeforeMs) this.obey(told, sentMs, arrivedMs);
    else this.guard.look(arrivedMs);
  }

  private obey(told: Told, sentMs: number, arrivedMs: number): void {
    this.viewVersion = told.viewVersion;
    if (told.epoch !== this.epoch || told.group !== this.group) {
      this.guard.turnAway();
      this.group = told.group;
      this.epoch = told.epoch;
    }
    this.note(told.duty);
    if (told.duty === 'serve') {
      this.serve();
      this.guard.renewed(sentMs, told.leaseMs, arrivedMs);
    } else if (told.duty === 'follow') {
      this.follow(told);
    } else if (told.duty === 'stranger') {
      this.guard.resign();
    }
    this.guard.look(arrivedMs);
  }

  private note(duty: Duty): void {
    if (duty === this.duty) return;
    this.duty = duty;
    const what =
      duty === 'stranger' ? 'no group has this node' : `${duty}, in group ${this.group}, epoch ${this.epoch}`;
    this.node.world.log('notice', `The config servers say: ${what}`);
  }

  private complain(complaint: string): void {
    if (complaint !== this.complaint) this.node.world.log('warning', complaint);
    this.complaint = complaint;
  }

  // ── roles ────────────────────────────────────────────────────────────────────────────────────────────────────

  private serve(): void {
    const { replication } = this.node;
    if (replication.isReplica) replication.promote();
    else if (this.waitsForRole) replication.takeUp();
    this.waitsForRole = false;
  }

  private follow(told: Told): void {
    const { host, port } = told;
    const { replication } = this.node;
    const { master } = replication;
    if (master !== null && master.host === host && master.port === port) return;
    if (master !== null) {
      replication.follow({ host, port });
      return;
    }
    this.guard.resign();
    // The next answer, in a moment, says the same: nothing is replaced before it is kept.
    if (this.keepsTail(told)) replication.follow({ host, port }, false, this.lastDemotion?.place ?? null);
  }

  /** Keeps what goes when this node becomes a replica; whether that could be done. */
  private keepsTail({ epoch, partingOffset, partingStream }: Told): boolean {
    // Who comes to a group for the first time has never been its master.
    if (partingStream === '' && this.waitsForRole) return true;
    try {
      this.lastDemotion = keepLostTail(this.node, partingStream, partingOffset, epoch);
      return true;
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.complain(`What this node would discard as a replica cannot be kept: ${reasonOf(error)}`);
      return false;
    }
  }

  /** This node was made a replica or a master, by whomever. */
  roleChanged(): void {
    this.notBeforeMs = this.node.world.clock.monotonicMs();
    this.waitsForRole = false;
    if (!this.node.replication.isReplica) {
      this.guard.expect();
      return;
    }
    this.guard.resign();
    this.standstill.end();
  }

  /** A client says that the group has this epoch. Returns why it is not to be served; null where it is. */
  heard(group: number, epoch: number): string | null {
    if (this.group >= 0 && group !== this.group) return `this server is in group ${this.group}, not ${group}`;
    if (epoch < this.epoch) return `the epoch of group ${this.group} is ${this.epoch}, not ${epoch}`;
    if (epoch > this.epoch) {
      this.guard.doubt();
      this.link?.renewNow();
    }
    return null;
  }
}
