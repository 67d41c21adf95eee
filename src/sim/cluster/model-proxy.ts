/**
 * ModelProxy: a proxy, as far as fencing is concerned: it forwards writes to the masters of its view under the real lease, holds them back
 * while a change of master is under way, and lets no answer pass that came too late or over a connection of an earlier epoch.
 *
 * A view is in force, and the leader is told so, only when nothing is in flight any more to a master that the view gives up.
 */
import { isPlanted, type Random } from '../../base';
import type { ConfigState } from '../../config';
import { addressOf } from '../../net';
import type { LineEnd, LineHost, SimulatedLines } from '../simulated-lines';
import type { SimulatedMachine } from '../simulated-machine';
import type { ClusterChecks } from './cluster-checks';
import { ModelLink, type LinkFollower } from './model-link';
import type { ModelServer, ServerAnswer, ServerRequest } from './model-server';

/** How a write ended. */
export type WriteOutcome = 'acknowledged' | 'refused' | 'unknown';

interface Write {
  readonly group: number;
  readonly token: number;
  readonly done: (outcome: WriteOutcome) => void;
  readonly deadlineMs: number;
}

/** A connection to a server, for one epoch of a group. */
interface Backend {
  readonly group: number;
  readonly epoch: number;
  readonly memberId: string;
  readonly end: LineEnd;
  readonly inFlight: Map<number, Write>;
}

export interface ProxySurroundings {
  readonly lines: SimulatedLines;
  readonly configs: readonly LineHost[];
  readonly checks: ClusterChecks;
  server(host: string, port: number): ModelServer;
}

const HOLD_MS = 3000;
const DRAIN_MS = 500;

export class ModelProxy implements LineHost, LinkFollower {
  readonly kind = 'PROXY';
  readonly isPowered = true;
  readonly accept = null;
  runId = '';
  link!: ModelLink;
  state: ConfigState | null = null;
  private readonly backends = new Map<number, Backend>();
  /** Connections that finish what is in flight before the view is in force. */
  private draining: Backend[] = [];
  private held: Write[] = [];
  private number = 0;

  constructor(
    readonly machine: SimulatedMachine,
    private readonly around: ProxySurroundings,
    private readonly random: Random,
  ) {}

  boot(): void {
    if (!this.machine.isUp) this.machine.boot();
    this.runId = this.random.identifier();
    this.state = null;
    this.backends.clear();
    this.draining = [];
    this.held = [];
    this.link = new ModelLink(this, this.around.lines, this.around.configs, this, this.random);
    this.link.start();
    this.machine.timers.every(100, () => this.lookAtHeld());
  }

  die(): void {
    this.around.lines.died(this.machine);
    this.machine.die();
    this.runId = '';
  }

  write(group: number, token: number, done: (outcome: WriteOutcome) => void): void {
    this.forward({ group, token, done, deadlineMs: this.nowMs + HOLD_MS });
  }

  introduction(): readonly string[] {
    return ['PROXY', 'REGISTER', this.runId, `10.2.0.${this.machine.index}:6380`];
  }

  renewed(sentMs: number, values: readonly (string | number)[]): void {
    this.link.grant(sentMs, Number(values[0]));
    this.runHeld();
  }

  view(state: ConfigState): void {
    if (this.state !== null && state.view.version <= this.state.view.version) return;
    this.state = state;
    for (const [group, backend] of this.backends) {
      const now = state.view.group(group);
      if (now !== null && now.state === 'serving' && now.epoch === backend.epoch) continue;
      this.backends.delete(group);
      if (now?.state === 'switching' && backend.inFlight.size > 0) this.drain(backend);
      else this.giveUp(backend);
    }
    this.enforce();
    this.runHeld();
  }

  /** Whether it may still let an answer of that master pass. */
  trusts(group: number, memberId: string): boolean {
    if (!this.machine.isUp || !this.link.isHeld) return false;
    const backend = this.backends.get(group);
    return (
      backend?.memberId === memberId || this.draining.some((one) => one.group === group && one.memberId === memberId)
    );
  }

  private get nowMs(): number {
    return this.machine.clock.monotonicMs();
  }

  private forward(write: Write): void {
    const group = this.state?.view.group(write.group) ?? null;
    if (group === null || group.master === null || group.state !== 'serving' || !this.link.isHeld) {
      this.held.push(write);
      return;
    }
    const backend = this.backends.get(write.group) ?? this.open(write.group, group.epoch, group.master.id);
    const number = this.number++;
    backend.inFlight.set(number, write);
    backend.end.send({ number, words: ['WRITE', String(write.token)] } satisfies ServerRequest);
  }

  private open(group: number, epoch: number, memberId: string): Backend {
    const { host, port } = addressOf(memberId);
    const server = this.around.server(host, port);
    const end = this.around.lines.dial(this, server, {
      arrived: (payload) => this.answered(backend, payload as ServerAnswer),
      closed: () => this.broke(backend),
    });
    const backend: Backend = { group, epoch, memberId, end, inFlight: new Map() };
    this.backends.set(group, backend);
    return backend;
  }

  /** An answer has come, and passes at the end of the turn if it still may. */
  private answered(backend: Backend, { number, reply }: ServerAnswer): void {
    const write = backend.inFlight.get(number);
    if (write === undefined) return;
    this.machine.timers.endOfTurn(() => {
      if (!backend.inFlight.delete(number)) return;
      write.done(this.outcomeOf(backend, write, reply));
      this.enforce();
    });
  }

  private outcomeOf(backend: Backend, { group, token }: Write, reply: ServerAnswer['reply']): WriteOutcome {
    if (reply !== 'OK') return 'refused';
    const now = this.state!.view.group(group);
    const isOld = now?.epoch !== backend.epoch && !this.draining.includes(backend);
    if (isOld && !isPlanted('stale-epoch-reply-accepted')) return 'unknown';
    if (!this.link.isHeld && !isPlanted('proxy-ignores-lapsed-lease')) return 'unknown';
    this.around.checks.acknowledged(group, token, backend.memberId, backend.epoch, this);
    return 'acknowledged';
  }

  private broke(backend: Backend): void {
    if (this.backends.get(backend.group) === backend) this.backends.delete(backend.group);
    this.giveUp(backend);
    this.enforce();
  }

  private drain(backend: Backend): void {
    this.draining.push(backend);
    this.machine.timers.after(DRAIN_MS, () => {
      if (!this.draining.includes(backend)) return;
      this.giveUp(backend);
      this.enforce();
    });
  }

  private giveUp(backend: Backend): void {
    this.draining = this.draining.filter((one) => one !== backend);
    if (isPlanted('stale-epoch-reply-accepted')) return;
    backend.end.close();
    for (const { done } of backend.inFlight.values()) done('unknown');
    backend.inFlight.clear();
  }

  /** The view is in force when nothing is in flight that it gives up. */
  private enforce(): void {
    this.draining = this.draining.filter((backend) => {
      if (backend.inFlight.size === 0) backend.end.close();
      return backend.inFlight.size > 0;
    });
    const isDone = this.draining.length === 0 || isPlanted('view-acked-before-drained');
    if (this.state !== null && isDone) this.link.viewInForce(this.state.view.version);
  }

  private runHeld(): void {
    for (const write of this.held.splice(0)) this.forward(write);
  }

  private lookAtHeld(): void {
    const late = this.held.filter(({ deadlineMs }) => deadlineMs <= this.nowMs);
    this.held = this.held.filter((write) => !late.includes(write));
    for (const { done } of late) done('refused');
    this.runHeld();
  }
}
