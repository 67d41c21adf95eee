/**
 * SimulatedLines: connections, as TCP makes them out of a bad network.
 *
 * What is sent on a line arrives in order and once, or the line breaks. A cut does not break it: what was sent waits, is sent again, and
 * comes when the cut is mended, so for a while the line is half-open and neither end knows. A process that dies leaves its kernel, which ends
 * its lines and refuses new ones, unless the machine is off or the link is cut: then the other end finds out when it says something,
 * or never. A paused process accepts nothing and reads nothing, and its lines stay open.
 */
import type { SimulatedMachine } from './simulated-machine';
import type { SimulatedNetwork } from './simulated-network';

/** What one end is told, in turns of its process. */
export interface LineEvents {
  /** It stands. Only who dialled is told. */
  opened?(): void;
  arrived(payload: unknown): void;
  /** The other end has closed it, or is gone. `isRefused`: nobody listened there. Not after `close`. */
  closed(isRefused: boolean): void;
}

/** A machine that can be dialled. */
export interface LineHost {
  readonly machine: SimulatedMachine;
  /** False where the machine is off: it does not even refuse. */
  readonly isPowered: boolean;
  /** Takes a line; null where no process listens. */
  readonly accept: ((end: LineEnd) => LineEvents) | null;
}

const RESEND_MS = 100;
const KNOCK_MS = 1000;

/** One end of a line. */
export class LineEnd {
  peer: LineEnd | null = null;
  events: LineEvents | null = null;
  isClosed = false;
  private readonly life: number;
  /** What is under way to the other end arrives in this order. */
  private lastAtMs = 0;
  /** What was said before the line stood. */
  private early: unknown[] = [];

  constructor(
    private readonly network: SimulatedNetwork,
    readonly host: Pick<LineHost, 'machine' | 'isPowered'>,
    private readonly remote: Pick<LineHost, 'machine' | 'isPowered'>,
  ) {
    this.life = host.machine.life;
  }

  /** Whether the process that had this end is still there. */
  get isAlive(): boolean {
    return this.host.machine.isUp && this.host.machine.life === this.life;
  }

  send(payload: unknown): void {
    if (this.isClosed) return;
    if (this.peer === null) this.early.push(payload);
    else this.carry(() => this.peer!.take(payload, this));
  }

  /** The line stands. */
  opened(): void {
    for (const payload of this.early.splice(0)) this.send(payload);
    this.events!.opened?.();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.peer !== null) this.carry(() => this.peer!.end(false));
  }

  /** The process has died, and its kernel ends the line, if there is still one. */
  abandon(): void {
    if (!this.isClosed && this.host.isPowered) this.close();
    this.isClosed = true;
  }

  /** Does something at the other machine when what is sent now arrives there. */
  carry(arrive: () => void): void {
    const { time } = this.network;
    const [from, to] = [this.host.machine.index, this.remote.machine.index];
    this.lastAtMs = Math.max(this.lastAtMs, time.nowMs + this.network.delayMs(from, to));
    const attempt = (): void => {
      if (this.network.isCut(from, to) || !this.remote.isPowered) {
        this.network.messagesCut++;
        // A machine that is off forgets what it had; who waits for it stops when the line is closed here.
        if (!this.isClosed || this.remote.isPowered) this.lastAtMs = Math.max(this.lastAtMs, time.nowMs + RESEND_MS);
        if (!this.isClosed) time.after(RESEND_MS, attempt);
        return;
      }
      arrive();
    };
    time.at(this.lastAtMs, attempt);
  }

  /** The other end closed it, or was not there. */
  end(isRefused: boolean): void {
    if (this.isClosed) return;
    this.host.machine.run(() => {
      if (this.isClosed || !this.isAlive) return;
      this.isClosed = true;
      this.events?.closed(isRefused);
    });
  }

  private take(payload: unknown, sender: LineEnd): void {
    if (this.isClosed || !this.isAlive) {
      // Its kernel knows no such line, and says so.
      this.carry(() => sender.end(false));
      return;
    }
    this.host.machine.run(() => {
      if (!this.isClosed && this.isAlive) this.events!.arrived(payload);
    });
  }
}

export class SimulatedLines {
  /** By machine, lines of processes that live. */
  private readonly ends = new Map<SimulatedMachine, Set<LineEnd>>();

  constructor(private readonly network: SimulatedNetwork) {}

  /** Dials; the events come later. */
  dial(from: Pick<LineHost, 'machine' | 'isPowered'>, to: LineHost, events: LineEvents): LineEnd {
    const near = new LineEnd(this.network, from, to);
    near.events = events;
    this.note(near);
    near.carry(() => {
      if (to.accept === null || !to.machine.isUp) {
        const far = new LineEnd(this.network, to, from);
        return far.carry(() => near.end(true));
      }
      to.machine.run(() => this.accept(near, to));
      this.knock(near, to, to.machine.life);
    });
    return near;
  }

  /** A process has died. */
  died(machine: SimulatedMachine): void {
    for (const end of this.ends.get(machine) ?? []) end.abandon();
    this.ends.delete(machine);
  }

  /** Who has no answer knocks again, until whoever was there accepts or has died: then nobody knows of it any more, and it is refused. */
  private knock(near: LineEnd, to: LineHost, life: number): void {
    this.network.time.after(KNOCK_MS, () => {
      if (near.peer !== null || near.isClosed || !near.isAlive) return;
      if (life === to.machine.life) return this.knock(near, to, life);
      near.carry(() => new LineEnd(this.network, to, near.host).carry(() => near.end(true)));
    });
  }

  private accept(near: LineEnd, to: LineHost): void {
    if (to.accept === null || near.isClosed) return;
    const far = new LineEnd(this.network, to, near.host);
    far.peer = near;
    this.note(far);
    far.events = to.accept(far);
    far.carry(() =>
      near.host.machine.run(() => {
        near.peer = far;
        if (!near.isClosed && near.isAlive) near.opened();
        else near.carry(() => far.end(false));
      }),
    );
  }

  private note(end: LineEnd): void {
    const { machine } = end.host;
    const ends = this.ends.get(machine) ?? new Set();
    this.ends.set(machine, ends);
    ends.add(end);
    // Lines that are over are forgotten when there are many.
    if (ends.size % 64 === 0) for (const one of ends) if (one.isClosed) ends.delete(one);
  }
}
