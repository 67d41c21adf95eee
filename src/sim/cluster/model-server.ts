/**
 * ModelServer: a data node, as the control plane sees it and as clients do: it answers PING, INFO and what changes its role, takes writes of
 * tokens, and replicates them. Of engine slotcache it follows its duty under the real lease, and waits in pending duty after a start;
 * of engine redis it does what it is told and acknowledges whatever it is given while it believes to be a master.
 *
 * A write is acknowledged at the end of the turn, as in the real server, so whoever is frozen in between must look at the lease again.
 */
import { isPlanted, type Random } from '../../base';
import type { ConfigState } from '../../config';
import { addressOf } from '../../net';
import type { Engine } from '../../slots';
import type { LineEnd, LineEvents, LineHost, SimulatedLines } from '../simulated-lines';
import type { SimulatedMachine } from '../simulated-machine';
import type { ClusterChecks } from './cluster-checks';
import { ModelData } from './model-data';
import { ModelLink, type LinkFollower } from './model-link';
import { ModelReplication } from './model-replication';

export interface ServerPlan {
  readonly group: number;
  readonly engine: Engine;
  readonly host: string;
  readonly port: number;
  readonly replicasToAck: number;
}

export interface ServerSurroundings {
  readonly lines: SimulatedLines;
  readonly configs: readonly LineHost[];
  readonly checks: ClusterChecks;
  server(host: string, port: number): ModelServer;
}

/** A command, and its answer: text, an array, or an error text that begins with '-'. */
export interface ServerRequest {
  readonly number: number;
  readonly words: readonly string[];
}
export interface ServerAnswer {
  readonly number: number;
  readonly reply: string | readonly string[];
}

interface HeldWrite {
  readonly end: LineEnd;
  readonly token: number;
  readonly answer: (reply: string) => void;
}

const LOADING_MS_MAX = 60;
/** How often a replica says where it is. */
const REPORT_MS = 1000;

export class ModelServer implements LineHost, LinkFollower {
  readonly kind = 'SERVER';
  isPowered = true;
  runId = '';
  data: ModelData;
  link: ModelLink | null = null;
  replication: ModelReplication;
  duty = 'pending';
  epoch = 0;
  viewVersion = -1;
  /** Until when writes are held back, monotonic ms. */
  private heldUntilMs = -Infinity;
  private readonly held: HeldWrite[] = [];
  private notBeforeMs = -Infinity;
  private waitsForRole = true;
  private isLoading = false;
  private readonly clients = new Set<LineEnd>();
  /** Where the stock server's settings file says that it is a replica of. */
  private savedMaster: string;

  constructor(
    readonly plan: ServerPlan,
    readonly machine: SimulatedMachine,
    private readonly around: ServerSurroundings,
    private readonly random: Random,
    firstMaster: string,
  ) {
    this.savedMaster = firstMaster;
    this.data = new ModelData(random.identifier(), []);
    this.replication = this.newReplication();
  }

  get id(): string {
    return `${this.plan.host}:${this.plan.port}`;
  }

  get accept(): ((end: LineEnd) => LineEvents) | null {
    return this.machine.isUp && this.runId !== '' ? (end) => this.welcome(end) : null;
  }

  get isMaster(): boolean {
    return this.replication.master === null;
  }

  get isManaged(): boolean {
    return this.plan.engine === 'slotcache';
  }

  /** Nobody has said yet that its data are those of the group. */
  get isPending(): boolean {
    return this.isManaged && this.waitsForRole && !isPlanted('pending-serves');
  }

  /** It stands still because somebody told it so. */
  get isHeld(): boolean {
    return this.nowMs < this.heldUntilMs;
  }

  /** Whether it would acknowledge a write at this moment. */
  get mayAcknowledge(): boolean {
    if (!this.isMaster || this.isLoading) return false;
    if (!this.isManaged) return true;
    return this.link?.isHeld === true || (isPlanted('pending-serves') && this.waitsForRole);
  }

  /** Starts the process with what its disk has. `runId`: the first start of a cluster has names that the state knows. */
  boot(runId = this.random.identifier()): void {
    const { machine, around, random, data } = this;
    const isFirst = machine.isUp;
    if (!machine.isUp) machine.boot();
    this.isPowered = true;
    this.runId = runId;
    this.duty = 'pending';
    this.epoch = 0;
    this.viewVersion = -1;
    this.waitsForRole = true;
    this.heldUntilMs = -Infinity;
    this.notBeforeMs = -Infinity;
    this.held.length = 0;
    this.clients.clear();
    if (!isFirst) data.part(this.newStream());
    this.replication = this.newReplication();
    this.isLoading = !isFirst;
    machine.timers.after(random.fraction() * LOADING_MS_MAX, () => (this.isLoading = false));
    machine.timers.every(REPORT_MS, () => this.replication.report());
    if (this.isManaged) {
      this.link = new ModelLink(this, around.lines, around.configs, this, random);
      this.link.start();
    } else if (this.savedMaster !== '') this.followAddress(this.savedMaster);
  }

  /** Ends the process. What of the data is on the disk then: all tokens, the first so many, or none. */
  die(tokensKept: number, isPowerLost: boolean): void {
    this.isPowered = !isPowerLost;
    this.around.lines.died(this.machine);
    this.machine.die();
    this.runId = '';
    this.link = null;
    this.data.tokens = this.data.tokens.slice(0, tokensKept);
    if (tokensKept === 0) this.data = new ModelData(this.random.identifier(), []);
  }

  // ── as a follower of the control plane ───────────────────────────────────────────────────────────────────────

  introduction(): null {
    return null;
  }

  view({ view }: ConfigState): void {
    this.viewVersion = Math.max(this.viewVersion, view.version);
    this.link!.viewInForce(view.version);
  }

  renewed(sentMs: number, values: readonly (string | number)[]): void {
    const [leaseMs, version, duty, , epoch, host, port] = values;
    if (Number(version) < this.viewVersion || sentMs < this.notBeforeMs || this.isLoading) return;
    this.viewVersion = Number(version);
    this.epoch = Number(epoch);
    this.duty = String(duty);
    if (duty === 'serve') {
      if (!this.isMaster) this.promote();
      this.waitsForRole = false;
      this.link!.grant(sentMs, Number(leaseMs));
      this.runHeld();
    } else if (duty === 'follow') {
      this.link!.lease.lapse(this.nowMs);
      this.followAddress(`${host}:${port}`);
    } else if (duty === 'stranger') this.link!.lease.lapse(this.nowMs);
  }

  // ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

  private get nowMs(): number {
    return this.machine.clock.monotonicMs();
  }

  private welcome(end: LineEnd): LineEvents {
    this.clients.add(end);
    return {
      arrived: (payload) => this.serve(end, payload as ServerRequest),
      closed: () => {
        this.clients.delete(end);
        this.replication.lost(end);
      },
    };
  }

  private serve(end: LineEnd, { number, words }: ServerRequest): void {
    const answer = (reply: string | readonly string[]): void => end.send({ number, reply } satisfies ServerAnswer);
    const [name, ...args] = words;
    switch (name) {
      case 'PING':
        return answer(this.isLoading ? '-LOADING' : 'PONG');
      case 'INFO':
        return answer(this.info());
      case 'WRITE':
        return this.write(end, Number(args[0]), answer);
      case 'REPLICAOF':
        answer('OK');
        if (args[0] === 'NO') this.promoted();
        else this.followAddress(`${args[0]}:${args[1]}`);
        return;
      case 'PSYNC':
        if (this.isPending || this.isLoading || (!this.isMaster && !this.replication.isSynced)) {
          return answer('-NOMASTERLINK not yet');
        }
        return this.replication.replicaCame(end, args[0], Number(args[1]));
      case 'ACK':
        return this.replication.acknowledged(end, Number(args[0]));
      case 'CLIENT':
        if (args[0] === 'KILL') this.killClients(end);
        else this.hold(args[0] === 'PAUSE' ? Number(args[1]) : 0);
        return answer('OK');
      case 'SLOTCACHE':
        if (args[0] === 'HOLD') {
          this.hold(Number(args[2]));
          return answer([this.data.stream, String(this.data.offset)]);
        }
        if (args[0] === 'RELEASE') this.hold(0);
        return answer('OK');
      default:
        return answer('OK');
    }
  }

  private write(end: LineEnd, token: number, answer: (reply: string) => void): void {
    if (!this.isMaster) return answer('-READONLY');
    if (this.isHeld) {
      this.held.push({ end, token, answer });
      this.machine.timers.after(this.heldUntilMs - this.nowMs, () => this.runHeld());
      return;
    }
    if (!this.mayAcknowledge) return answer('-CLUSTERDOWN no lease');
    this.data.tokens.push(token);
    this.replication.wrote(token);
    this.replication.whenReplicated(this.plan.replicasToAck, () => {
      this.machine.timers.endOfTurn(() => {
        // The lease is looked at again: much time may have passed since the write was done.
        if (this.mayAcknowledge || isPlanted('reply-flush-without-lease-check')) {
          this.around.checks.executed(this, token);
          answer('OK');
        } else end.close();
      });
    });
  }

  private hold(ms: number): void {
    this.heldUntilMs = ms > 0 ? this.nowMs + ms : -Infinity;
    if (ms === 0) this.runHeld();
  }

  private runHeld(): void {
    if (this.isHeld) return;
    for (const { end, token, answer } of this.held.splice(0)) this.write(end, token, answer);
  }

  private killClients(caller: LineEnd): void {
    for (const end of this.clients) if (end !== caller && !this.replication.isReplica(end)) end.close();
  }

  private info(): string {
    const { master, isSynced, lostAtMs } = this.replication;
    const isReplica = master !== null;
    const { host, port } = isReplica ? addressOf(master) : { host: '', port: '' };
    const lines = [
      `run_id:${this.runId}`,
      `loading:${this.isLoading ? 1 : 0}`,
      `role:${isReplica ? 'slave' : 'master'}`,
      ...(isReplica
        ? [
            `master_host:${host}`,
            `master_port:${port}`,
            `master_link_status:${isSynced ? 'up' : 'down'}`,
            `master_link_down_since_seconds:${Number.isNaN(lostAtMs) ? -1 : Math.floor((this.nowMs - lostAtMs) / 1000)}`,
            'master_sync_in_progress:0',
            'slave_priority:100',
          ]
        : []),
      ...this.data.describe(isReplica),
      `slotcache_duty:${this.isManaged ? this.duty : ''}`,
      ...(this.data.tokens.length > 0 ? [`db0:keys=${this.data.tokens.length},expires=0,avg_ttl=0`] : []),
    ];
    return lines.join('\r\n');
  }

  // ── roles ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Somebody said REPLICAOF NO ONE. */
  private promoted(): void {
    this.notBeforeMs = this.nowMs;
    this.waitsForRole = false;
    if (this.isMaster) return;
    this.around.checks.promoted(this);
    this.promote();
  }

  /** The name of a stream that nobody has written yet. */
  newStream(): string {
    return this.random.identifier();
  }

  private promote(): void {
    this.replication.unfollow();
    this.data.part(this.newStream());
  }

  private followAddress(address: string): void {
    if (this.replication.master === address) return;
    if (this.isMaster) this.notBeforeMs = Math.max(this.notBeforeMs, this.nowMs);
    this.waitsForRole = false;
    this.heldUntilMs = -Infinity;
    for (const { answer } of this.held.splice(0)) answer('-READONLY');
    this.savedMaster = address;
    this.replication.follow(address);
  }

  private newReplication(): ModelReplication {
    return new ModelReplication(
      this,
      (address) => {
        const { host, port } = addressOf(address);
        return this.around.server(host, port);
      },
      this.around,
    );
  }
}
