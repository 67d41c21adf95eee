/**
 * ProxyNode: the gateway as an object: `new ProxyNode(world, settings)`, `await node.start()`.
 *
 * It owns the clients, the backend connections and the view, and knows nothing of processes: bin/cache-proxy gives it
 * settings and tells it when to stop; a test or an embedding program connects through `connectInMemory`. It keeps no
 * data: whatever is in it may be lost, and costs its clients their connections only.
 */
import { EventEmitter } from 'eventemitter3';
import { Output, ProcessGauge, type World } from '../base';
import { commands, type CommandSpec } from '../commands';
import { RATE_SAMPLE_EVERY_MS, TrafficStatistics } from '../metrics';
import {
  connect,
  Doorway,
  protocolLimitsOf,
  refusalOf,
  Turn,
  turnAway,
  type Address,
  type Connection,
  type ConnectionHandler,
  type MemoryEnd,
} from '../net';
import type { CommandParser, ProtocolLimits } from '../resp';
import { SlotRouter, type ClusterView } from '../slots';
import type { Connect } from '../views';
import { Allegiance } from './allegiance';
import type { Backend, BackendHost } from './backend';
import { Backends } from './backends';
import { SLOT_NOT_SERVED, VIEW_UNKNOWN } from './error-replies';
import { Holding } from './holding';
import type { Dial } from './link';
import { LocalCall, type LocalCommand } from './local-call';
import { localCommands } from './local-commands';
import { Route } from './route';
import { Session } from './session';
import { staticView, type ProxySettings } from './settings';

export interface ProxyNodeEvents {
  /** All listeners are open. */
  ready: (addresses: readonly Address[]) => void;
  /** New commands are routed by this view. */
  view: (view: ClusterView) => void;
  /** Everything is closed. */
  stopped: () => void;
}

const LOOK_AFTER_EVERY_MS = 250;
/** How long the doors stay closed at the start for want of a view. */
const VIEW_AWAITED_MS = 2000;

/** Which of the commands the proxy answers by itself; laid out once. */
const LOCAL_BY_ID: readonly (LocalCommand | null)[] = commands.all.map((spec) => localCommands[spec.name] ?? null);
const LOCAL_NAMES: ReadonlySet<string> = new Set(Object.keys(localCommands));

export class ProxyNode extends EventEmitter<ProxyNodeEvents> implements BackendHost {
  readonly statistics = new TrafficStatistics(commands.all.length);
  readonly processGauge = new ProcessGauge();
  readonly doorway: Doorway;
  readonly turn: Turn;
  readonly route = new Route(commands, LOCAL_NAMES);
  readonly router = new SlotRouter();
  readonly backends = new Backends(this);
  readonly holding = new Holding();
  readonly limits: ProtocolLimits;
  readonly sessions = new Map<number, Session>();
  /** For replies whose turn has not come when they are written. */
  readonly scratch = new Output();
  /** Forty hexadecimal digits that name this run of the process, as Redis' run_id. */
  readonly runId: string;
  readonly startedMs: number;
  /** Bytes of replies that may wait for one client. */
  outputBytesMax: number;
  /** What it may do by the word of the config servers; null where it follows none. */
  readonly allegiance: Allegiance | null;

  private nextSessionId = 1;
  private hasView = false;
  private turnStartMs = 0;
  private readonly localCall = new LocalCall(this);
  private readonly cancelBackground: (() => void)[] = [];
  private isStopping = false;
  private readonly endOfTurn = new EndOfTurn(this);

  /**
   * @param dial opens connections to servers; replaced by simulations and tests
   * @param dialConfig opens connections to config servers; null: as the settings say
   */
  constructor(
    readonly world: World,
    readonly settings: ProxySettings,
    readonly dial: Dial = connect,
    dialConfig: Connect | null = null,
  ) {
    super();
    this.startedMs = world.clock.monotonicMs();
    this.runId = world.random.identifier();
    this.doorway = new Doorway(world, (connection) => this.accept(connection));
    this.turn = new Turn(world.timers);
    this.limits = protocolLimitsOf(settings);
    this.allegiance = settings.values['config-servers'].length > 0 ? new Allegiance(this, dialConfig) : null;
    this.outputBytesMax = settings.values['client-output-limit'];
    settings.onChange('requirepass', (password) => {
      if (password === '') for (const session of this.sessions.values()) session.setAuthenticated(true);
    });
    settings.onChange('client-output-limit', (bytes) => (this.outputBytesMax = bytes));
  }

  /**
   * Takes up the static view or follows the config servers, and opens the listeners.
   * Waits for the first view, but not for long. @throws CacheError BAD_VIEW (rejects) where `group` lines contradict each other, LISTEN_FAILED
   */
  async start(): Promise<void> {
    const { values } = this.settings;
    const view = staticView(values['group'], values['zone']);
    if (view !== null) this.acceptView(view);
    if (this.allegiance !== null) {
      this.allegiance.start();
      await this.viewKnownWithin(VIEW_AWAITED_MS);
    }
    await this.doorway.open(this.settings);
    this.startBackground();
    this.emit('ready', this.addresses);
  }

  /** Listens at one more address; port 0 lets the system choose. Returns where it listens. */
  listen(address: Address): Promise<Address> {
    return this.doorway.add(address);
  }

  get addresses(): readonly Address[] {
    return this.doorway.addresses;
  }

  /** A connection without a network; the other end is this node's. */
  connectInMemory(): MemoryEnd {
    this.startBackground();
    return this.doorway.connectInMemory();
  }

  /** Stops accepting, sends what is written, closes everything, and takes leave of the config servers. */
  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    for (const cancel of this.cancelBackground) cancel();
    this.turn.flush();
    const closed = [this.doorway.close()];
    for (const session of this.sessions.values()) session.connection.destroy();
    this.backends.close();
    const { allegiance } = this;
    if (allegiance !== null) closed.push(new Promise((resolve) => allegiance.stop(resolve)));
    await Promise.all(closed);
    this.emit('stopped');
  }

  // ── the view ─────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Routes new commands by `view`, if it is newer than what is known. What is in flight finishes where it is, unless the view gives its
   * server up. False where the view is not newer.
   */
  acceptView(view: ClusterView): boolean {
    const isFirst = !this.hasView;
    this.hasView = true;
    if (!this.router.accept(view) && !isFirst) return false;
    this.beginTurn();
    this.backends.follow(this.router);
    this.goOn();
    this.emit('view', this.router.view);
    return true;
  }

  /** The version of the newest view; -1 where none has come. */
  get knownVersion(): number {
    return this.hasView ? this.router.view.version : -1;
  }

  /** Resolves when there is a view to route by: at once where there is one already. */
  viewKnown(): Promise<void> {
    if (this.hasView) return Promise.resolve();
    return new Promise((resolve) => this.once('view', () => resolve()));
  }

  /** The first client should find a view; but a proxy whose config servers are down must say so, not be silent. */
  private async viewKnownWithin(waitMs: number): Promise<void> {
    let cancel = (): void => undefined;
    const patience = new Promise<void>((resolve) => (cancel = this.world.timers.after(waitMs, resolve, true)));
    await Promise.race([this.viewKnown(), patience]);
    cancel();
    if (!this.hasView)
      this.world.log('warning', 'No config server has sent a view yet: clients get -CLUSTERDOWN until then');
  }

  /** What a client is told whose slot has no server. */
  get noOwner(): string {
    return this.hasView ? SLOT_NOT_SERVED : VIEW_UNKNOWN;
  }

  // ── the lease ────────────────────────────────────────────────────────────────────────────────────────────────

  get isFollower(): boolean {
    return this.allegiance !== null;
  }

  get mayServe(): boolean {
    return this.allegiance === null || this.allegiance.mayServe;
  }

  /** Whether commands may be sent has changed. */
  leaseWeighed(): void {
    this.backends.weigh(this.mayServe);
  }

  /** No reply of a server may pass any more, wherever it is on its way. */
  leaseLapsed(): void {
    this.world.log('warning', 'The lease of the config servers has lapsed: no command is sent and no reply passed on');
    for (const session of this.sessions.values()) session.withdraw();
    this.backends.sever();
  }

  goOn(): void {
    this.turn.join(this.holding);
  }

  backendClosed(backend: Backend): void {
    this.backends.forget(backend);
  }

  // ── clients ──────────────────────────────────────────────────────────────────────────────────────────────────

  private accept(connection: Connection): ConnectionHandler {
    this.statistics.connectionsReceived++;
    const refusal = refusalOf(connection, this.settings.values, 'cache-proxy', this.sessions.size);
    if (refusal !== null) {
      this.statistics.connectionsRejected++;
      return turnAway(connection, refusal);
    }
    const session = new Session(this.nextSessionId++, this, connection);
    this.sessions.set(session.id, session);
    return session;
  }

  sessionClosed(session: Session): void {
    this.sessions.delete(session.id);
  }

  requiresPassword(): boolean {
    return this.settings.values['requirepass'] !== '';
  }

  /** Answers a command of the proxy's own into `session.reply`. */
  answer(session: Session, spec: CommandSpec, args: CommandParser): void {
    this.localCall.begin(session, spec, args);
    LOCAL_BY_ID[spec.id]!(this.localCall);
  }

  private startBackground(): void {
    if (this.cancelBackground.length > 0) return;
    const { timers, clock } = this.world;
    this.cancelBackground.push(
      timers.every(LOOK_AFTER_EVERY_MS, () => this.lookAfter(clock.monotonicMs())),
      timers.every(RATE_SAMPLE_EVERY_MS, () => this.statistics.sampleRates(clock.monotonicMs())),
    );
  }

  private lookAfter(nowMs: number): void {
    const timeoutMs = this.settings.values['timeout'] * 1000;
    for (const session of this.sessions.values()) {
      session.checkOutput();
      if (timeoutMs > 0 && session.owed === 0 && session.held === null && nowMs - session.lastActiveMs > timeoutMs)
        session.kill();
    }
    this.backends.lookAfter(nowMs);
    this.allegiance?.look(nowMs);
  }

  // ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────

  beginTurn(): number {
    if (!this.endOfTurn.inTurn) {
      this.turnStartMs = this.world.clock.monotonicMs();
      this.turn.join(this.endOfTurn);
      this.allegiance?.look(this.turnStartMs);
    }
    return this.turnStartMs;
  }

  /** Everything has been read and nothing been sent: a turn that was stopped for long must not acknowledge what it has read. */
  beforeSending(): void {
    this.allegiance?.look(this.world.clock.monotonicMs());
  }

  endTurn(): void {
    const { allegiance, knownVersion } = this;
    if (allegiance !== null && allegiance.versionInForce < knownVersion)
      allegiance.viewInForce(knownVersion, this.backends.isSettled);
    this.statistics.sawTurn(this.world.clock.monotonicMs() - this.turnStartMs);
  }
}

/** Comes first in the sending of a turn, and once more last: it joins again when its turn comes, and so stands behind all writes. */
class EndOfTurn {
  inTurn = false;
  private isLast = false;

  constructor(private readonly node: ProxyNode) {}

  flush(): void {
    this.isLast = !this.isLast;
    if (this.isLast) {
      this.node.beforeSending();
      this.node.turn.join(this);
    } else {
      this.node.endTurn();
    }
  }
}
