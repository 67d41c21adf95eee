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
import type { Backend, BackendHost } from './backend';
import { Backends } from './backends';
import { SLOT_NOT_SERVED, VIEW_UNKNOWN } from './error-replies';
import type { Dial } from './link';
import { LocalCall, type LocalCommand } from './local-call';
import { localCommands } from './local-commands';
import { Route } from './route';
import { Session } from './session';
import { hostAndPort, staticView, type ProxySettings } from './settings';
import { ViewLink } from './view-link';

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
  readonly limits: ProtocolLimits;
  readonly sessions = new Map<number, Session>();
  /** For replies whose turn has not come when they are written. */
  readonly scratch = new Output();
  /** Forty hexadecimal digits that name this run of the process, as Redis' run_id. */
  readonly runId: string;
  readonly startedMs: number;
  /** Bytes of replies that may wait for one client. */
  outputBytesMax: number;
  viewLink: ViewLink | null = null;

  private nextSessionId = 1;
  private hasView = false;
  private turnStartMs = 0;
  private readonly localCall = new LocalCall(this);
  private readonly cancelBackground: (() => void)[] = [];
  private isStopping = false;
  private readonly endOfTurn = new EndOfTurn(this);

  /** @param dial opens connections to servers; replaced by simulations and tests */
  constructor(
    readonly world: World,
    readonly settings: ProxySettings,
    readonly dial: Dial = connect,
  ) {
    super();
    this.startedMs = world.clock.monotonicMs();
    this.runId = world.random.identifier();
    this.doorway = new Doorway(world, (connection) => this.accept(connection));
    this.turn = new Turn(world.timers);
    this.limits = protocolLimitsOf(settings);
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
    if (values['config-servers'].length > 0) {
      this.viewLink = new ViewLink(this.world, values['config-servers'].map(hostAndPort), {
        version: () => (this.hasView ? this.router.view.version : -1),
        view: (pushed) => {
          this.acceptView(pushed);
          return this.router.view.version;
        },
        password: () => values['config-password'],
      });
      this.viewLink.start();
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

  /** Stops accepting, sends what is written, closes everything. */
  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    for (const cancel of this.cancelBackground) cancel();
    this.turn.flush();
    const closed = [this.doorway.close()];
    if (this.viewLink !== null) closed.push(this.viewLink.stop());
    for (const session of this.sessions.values()) session.connection.destroy();
    this.backends.close();
    await Promise.all(closed);
    this.emit('stopped');
  }

  // ── the view ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Routes new commands by `view`, if it is newer than what is known; what is in flight finishes where it is. */
  acceptView(view: ClusterView): boolean {
    const isFirst = !this.hasView;
    this.hasView = true;
    if (!this.router.accept(view) && !isFirst) return false;
    this.backends.follow(this.router);
    this.emit('view', this.router.view);
    return true;
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
  noOwner(): string {
    return this.hasView ? SLOT_NOT_SERVED : VIEW_UNKNOWN;
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
      if (timeoutMs > 0 && session.owed === 0 && nowMs - session.lastActiveMs > timeoutMs) session.kill();
    }
    this.backends.lookAfter(nowMs);
  }

  // ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────

  beginTurn(): number {
    if (!this.endOfTurn.inTurn) {
      this.turnStartMs = this.world.clock.monotonicMs();
      this.turn.join(this.endOfTurn);
    }
    return this.turnStartMs;
  }

  endTurn(): void {
    this.statistics.sawTurn(this.world.clock.monotonicMs() - this.turnStartMs);
  }
}

/** Comes last in a turn: it joins once more when its turn comes, and so stands behind all writes. */
class EndOfTurn {
  inTurn = false;
  private isLast = false;

  constructor(private readonly node: ProxyNode) {}

  flush(): void {
    this.isLast = !this.isLast;
    if (this.isLast) this.node.turn.join(this);
    else this.node.endTurn();
  }
}
