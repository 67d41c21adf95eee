/**
 * ModelLink: how a model of a proxy or of a data node follows the control plane: the conversation of `ViewLink`, without its bytes.
 *
 * A standing line to one of the config servers; views that are pushed; a renewal of the lease every 100 ms and whenever the view in force
 * changes; another server when this one is lost, silent or without a leader. The lease itself is the real one of `src/views`.
 */
import type { Random } from '../../base';
import type { ConfigState } from '../../config';
import { Lease } from '../../views';
import type { LineEnd, LineHost, SimulatedLines } from '../simulated-lines';
import type { FollowerMessage, FollowerRequest } from './config-member';

export interface LinkFollower {
  readonly kind: 'PROXY' | 'SERVER';
  readonly runId: string;
  /** What makes it known where it is not. */
  introduction(): readonly string[] | null;
  view(state: ConfigState): void;
  /** A renewal that was sent at that moment (monotonic ms) was answered. */
  renewed(sentMs: number, values: readonly (string | number)[]): void;
}

const TICK_MS = 50;
const TICKS_PER_RENEWAL = 2;
const SILENT_TICKS_MAX = 3;
const PAUSE_MS_MAX = 50;

export class ModelLink {
  readonly lease = new Lease();
  /** When the renewal that gave the lease was sent, in the time of the simulation; and for how long it was given. */
  grantedSentMs = -Infinity;
  grantedForMs = 0;
  private end: LineEnd | null = null;
  private isOpen = false;
  private inForce = -1;
  private number = 0;
  private ticks = 0;
  private silentTicks = 0;
  private readonly waiting = new Map<number, { readonly sentMs: number; readonly atMs: number } | null>();

  constructor(
    private readonly host: LineHost,
    private readonly lines: SimulatedLines,
    private readonly configs: readonly LineHost[],
    private readonly follower: LinkFollower,
    private readonly random: Random,
  ) {}

  start(): void {
    this.host.machine.timers.every(TICK_MS, () => this.tick());
    this.dial();
  }

  /** Whether it may act now. */
  get isHeld(): boolean {
    return this.lease.isHeld(this.nowMs);
  }

  /** A lease was granted by the answer to a renewal of that moment. */
  grant(sentMs: number, leaseMs: number): void {
    this.lease.renewed(sentMs, leaseMs, this.nowMs);
    const { clock, time, rate } = this.host.machine;
    const sentAtMs = time.nowMs - (clock.monotonicMs() - sentMs) / rate;
    if (sentAtMs + leaseMs / rate <= this.grantedSentMs + this.grantedForMs) return;
    this.grantedSentMs = sentAtMs;
    this.grantedForMs = leaseMs / rate;
  }

  viewInForce(version: number): void {
    if (version <= this.inForce) return;
    this.inForce = version;
    this.renew();
  }

  get versionInForce(): number {
    return this.inForce;
  }

  /** Renews at once. */
  renew(): void {
    if (!this.isOpen) return;
    const number = this.number++;
    this.waiting.set(number, { sentMs: this.nowMs, atMs: this.host.machine.time.nowMs });
    const { kind, runId } = this.follower;
    this.say(number, ['LEASE', 'RENEW', kind, runId, String(this.inForce)]);
  }

  private get nowMs(): number {
    return this.host.machine.clock.monotonicMs();
  }

  private dial(): void {
    const target = this.configs[this.random.below(this.configs.length)];
    this.silentTicks = 0;
    this.waiting.clear();
    const end = this.lines.dial(this.host, target, {
      opened: () => {
        if (this.end === end) this.opened();
      },
      arrived: (payload) => {
        if (this.end === end) this.arrived(payload as FollowerMessage);
      },
      closed: () => {
        if (this.end === end) this.leave();
      },
    });
    this.end = end;
  }

  private opened(): void {
    this.isOpen = true;
    this.renew();
  }

  private leave(): void {
    this.end?.close();
    this.end = null;
    this.isOpen = false;
    this.host.machine.timers.after(this.random.fraction() * PAUSE_MS_MAX, () => this.dial());
  }

  private tick(): void {
    if (this.end === null) return;
    this.ticks++;
    this.silentTicks++;
    if (this.silentTicks > SILENT_TICKS_MAX) this.leave();
    else if (this.ticks % TICKS_PER_RENEWAL === 0) this.renew();
  }

  private say(number: number, words: readonly string[]): void {
    this.end!.send({ number, words } satisfies FollowerRequest);
  }

  private arrived(message: FollowerMessage): void {
    if (message.kind === 'view') return this.follower.view(message.state);
    const sent = this.waiting.get(message.number);
    this.waiting.delete(message.number);
    if (sent === undefined || sent === null) return;
    this.silentTicks = 0;
    if (message.error.startsWith('NOQUORUM')) return this.leave();
    if (message.error.startsWith('UNREGISTERED')) return this.introduce();
    if (message.error === '') this.follower.renewed(sent.sentMs, message.values);
  }

  private introduce(): void {
    const words = this.follower.introduction();
    if (words === null) return;
    const number = this.number++;
    this.waiting.set(number, null);
    this.say(number, words);
  }
}
