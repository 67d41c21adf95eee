/**
 * LeaseGuard: a managed node runs writes, and acknowledges them, only while it holds its lease.
 *
 *   held       writes run
 *   lapsed     or not come yet: writes of clients are held back, and so are replies to writes that had been run: a change of the config servers' leader
 *              takes longer than a lease, and nobody should notice it
 *   refusing   after some time of that, and before there ever was a lease: writes are refused with -CLUSTERDOWN, which says that
 *              they were not run; and sessions whose writes were run and not acknowledged are closed, as nobody knows what will become of
 *              those
 *
 * The lease is looked at with the clock, never by a timer alone, because a process that was paused (SIGSTOP, a virtual machine moved)
 * does not know it: when a read's commands are about to run (`look`), and again when a session's replies are about to leave
 * (`mayAcknowledge`), which is where a pause in between would otherwise acknowledge what another master knows nothing of.
 * (Promises F1 and F2.) What replies wait for besides (replicas, a sync) ends in the same place, so it is checked after that.
 *
 * A node that hears of a newer epoch than its own is *in doubt*: as if lapsed, until a renewal that is sent from then on is answered.
 */
import { isPlanted } from '../../base';
import { Lease } from '../../views';
import type { DataNode } from '../data-node';
import { LEASE_LAPSED } from '../error-replies';
import type { Session } from '../session';

/** For so long writes are held back before they are refused: longer than the config servers need to agree on a new leader. */
const HELD_BACK_MS_MAX = 1500;
/** Between looks when no client comes. */
const LOOK_EVERY_MS = 50;

export class LeaseGuard {
  readonly lease = new Lease();
  private state: 'held' | 'lapsed' | 'refusing' = 'refusing';
  private refusesFromMs = 0;
  /** Since when it is in doubt; Infinity: it is not. */
  private inDoubtSinceMs = Infinity;
  /** Sessions whose replies wait for a fresh lease. */
  private readonly waiting = new Set<Session>();
  private cancelLooking: (() => void) | null = null;

  constructor(private readonly node: DataNode) {
    this.setRefusal(LEASE_LAPSED);
  }

  start(): void {
    const { clock, timers } = this.node.world;
    this.cancelLooking = timers.every(LOOK_EVERY_MS, () => this.look(clock.monotonicMs()));
  }

  stop(): void {
    this.cancelLooking?.();
    this.turnAway();
  }

  /** Whether writes may be run and acknowledged at this moment (monotonic ms). */
  isHeld(nowMs: number): boolean {
    return nowMs < this.lease.untilMs && this.inDoubtSinceMs === Infinity;
  }

  /** Notices what time has done; before commands are run, and now and then. Quick where nothing has changed. */
  look(nowMs: number): void {
    const isHeld = this.isHeld(nowMs);
    if (this.state === 'held') {
      if (!isHeld) this.enterLapsed(nowMs);
    } else if (isHeld) {
      this.enterHeld();
    } else if (this.state === 'lapsed' && nowMs >= this.refusesFromMs) {
      this.node.world.log('warning', 'There is no new lease: writes are refused from now on');
      this.enterRefusing();
    }
  }

  /**
   * Whether the replies of a session that has written may leave now. Where they may not, it will be flushed again under a fresh lease, or is
   * closed.
   */
  mayAcknowledge(session: Session): boolean {
    const nowMs = this.node.world.clock.monotonicMs();
    if (this.isHeld(nowMs) || isPlanted('reply-flush-without-lease-check')) return true;
    this.look(nowMs);
    if (this.state === 'refusing') {
      session.kill();
    } else {
      this.waiting.add(session);
      this.node.checkOutputLimit(session);
    }
    return false;
  }

  // ── what is said of the lease ────────────────────────────────────────────────────────────────────────────────

  /** A renewal was answered, whatever it granted: who was in doubt before it was sent is not any more. */
  answered(sentMs: number): void {
    if (sentMs >= this.inDoubtSinceMs) this.inDoubtSinceMs = Infinity;
  }

  /** A renewal was granted: see Lease. */
  renewed(sentMs: number, leaseMs: number, arrivedMs: number): void {
    this.lease.renewed(sentMs, leaseMs, arrivedMs);
    this.look(arrivedMs);
  }

  /** Somebody knows a newer epoch: nothing is run or acknowledged until a renewal that is sent from now on is answered. */
  doubt(): void {
    const nowMs = this.node.world.clock.monotonicMs();
    this.inDoubtSinceMs = Math.min(this.inDoubtSinceMs, nowMs);
    this.look(nowMs);
  }

  /** This node has been made a master, and its first lease is on its way: what comes meanwhile waits for it. */
  expect(): void {
    if (this.state === 'refusing') this.enterLapsed(this.node.world.clock.monotonicMs());
  }

  /** Gives the lease up; what is held back waits for another one. */
  lapse(): void {
    const nowMs = this.node.world.clock.monotonicMs();
    this.lease.lapse(nowMs);
    this.look(nowMs);
  }

  /** Gives the lease up, and with it all that waited for another one: this node is not the master any more. */
  resign(): void {
    this.lease.lapse(this.node.world.clock.monotonicMs());
    this.inDoubtSinceMs = Infinity;
    if (this.state !== 'refusing') this.enterRefusing();
  }

  /** Closes the sessions whose writes were run and not acknowledged: another epoch has begun since, and nobody knows of them. */
  turnAway(): void {
    const sessions = [...this.waiting];
    this.waiting.clear();
    for (const session of sessions) session.kill();
  }

  // ── states ───────────────────────────────────────────────────────────────────────────────────────────────────

  private enterHeld(): void {
    const { node } = this;
    this.state = 'held';
    this.setRefusal(null);
    node.holdWrites(this, false);
    for (const session of this.waiting) node.turn.join(session);
    this.waiting.clear();
  }

  private enterLapsed(nowMs: number): void {
    const { node } = this;
    const wasHeld = this.state === 'held';
    this.state = 'lapsed';
    this.refusesFromMs = nowMs + HELD_BACK_MS_MAX;
    this.setRefusal(null);
    node.holdWrites(this, true);
    if (!wasHeld) {
      node.world.log('notice', 'A master now: writes are held back until its lease has come');
    } else if (this.inDoubtSinceMs === Infinity) {
      node.world.log('warning', 'The lease of this master has ended: writes are held back until it has another');
    } else {
      node.world.log(
        'notice',
        'A newer epoch is known to others: writes are held back until the config servers answer',
      );
    }
  }

  private enterRefusing(): void {
    this.state = 'refusing';
    this.setRefusal(LEASE_LAPSED);
    this.turnAway();
    this.node.holdWrites(this, false);
  }

  private setRefusal(refusal: string | null): void {
    this.node.states.leaseRefusal = refusal;
    this.node.replication.updateStates();
  }
}
