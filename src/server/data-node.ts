/**
 * DataNode: a Redis-compatible data node as an object: `new DataNode(world, settings)`, `await node.start()`.
 *
 * It owns the keyspace, the sessions and the clock's ticks, and knows nothing of processes: bin/cache-server gives it
 * settings and tells it when to stop; a test or an embedding program connects through `connectInMemory` and needs no port.
 */
import { EventEmitter } from 'eventemitter3';
import { Output, ProcessGauge, type World } from '../base';
import { commands, FLAG_WRITE, type CommandSpec } from '../commands';
import {
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
import { makeBatch, type CommandBatch, type ProtocolLimits } from '../resp';
import { ExpiryCycle, Journal, Keyspace, LOOKAHEAD_MAX, Strings } from '../storage';
import { BackgroundWork } from './background-work';
import { Blocking } from './blocking';
import { Allegiance } from './control/allegiance';
import { Dispatch } from './dispatch';
import { Gate } from './gate';
import { MemoryGauge } from './memory-gauge';
import { Persistence } from './persistence/persistence';
import { optionsOfWords, Shutdown, type ShutdownAnswer, type ShutdownOptions } from './persistence/shutdown';
import type { Quorum } from './replication/quorum';
import { Replication } from './replication/replication';
import { ReplyGate } from './reply-gate';
import { Session } from './session';
import type { ServerSettings } from './settings';
import { bindPacking } from './settings-packing';
import { Statistics } from './statistics';
import { Watches } from './watch';

export interface DataNodeEvents {
  /** All listeners are open. */
  ready: (addresses: readonly Address[]) => void;
  /** A shutdown is prepared, data are saved where they should be. Whoever runs the process ends it. */
  shutdown: () => void;
  /** What was acknowledged may be lost from here on (`appendfsync always`, and the disk has failed): the process must end. */
  failed: (error: Error) => void;
  /** Everything is closed. */
  stopped: () => void;
}

/** Which commands CLIENT PAUSE holds back. */
export type PauseMode = 'none' | 'writes' | 'all';

/** How long a write may spend on making room; what is over the limit then is evicted by the next ones. */
const EVICTION_MS_MAX = 0.5;
/** The longest that a timer of Node can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class DataNode extends EventEmitter<DataNodeEvents> {
  readonly keyspace: Keyspace;
  readonly strings: Strings;
  /** What changes the keyspace, as bytes, for whoever wants to follow. */
  readonly journal = new Journal();
  readonly watches: Watches;
  readonly blocking: Blocking;
  readonly statistics = new Statistics(commands);
  readonly turn: Turn;
  /** Holds back the replies to writes until what they changed is kept. */
  readonly replyGate: ReplyGate;
  readonly dispatch: Dispatch;
  readonly limits: ProtocolLimits;
  readonly memory: MemoryGauge;
  /** What is kept on disk. */
  readonly persistence: Persistence;
  /** Whose replica this is, and who are its own. */
  readonly replication: Replication;
  /** Holds the replies to writes until replicas have acknowledged them, where `write-quorum` asks for that; else null. */
  quorum: Quorum | null = null;
  /** Whose orders it takes, where it follows config servers; else null. */
  readonly allegiance: Allegiance | null;
  /** How it gets ready to end. */
  readonly leaving: Shutdown;
  /** For what state of the node commands are refused. Who changes it says so by `statesChanged`. */
  readonly states = new Gate();
  /** The same where there is something to refuse; else null. */
  gate: Gate | null = null;
  readonly processGauge = new ProcessGauge();
  readonly doorway: Doorway;
  readonly sessions = new Map<number, Session>();
  /** Sessions that hold back a command until `unpause`. */
  readonly paused = new Set<Session>();
  /** The commands that a session runs at the moment. */
  readonly batch: CommandBatch = makeBatch(LOOKAHEAD_MAX);
  /** Where replies go that nobody wants. */
  readonly nowhere = new Output();
  /** Forty hexadecimal digits that name this run of the process, as Redis' run_id. */
  readonly runId: string;
  readonly startedMs: number;
  /** Changes to the keyspace since the start. */
  changes = 0;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  activeExpiry = true;

  private readonly background: BackgroundWork;
  private nextSessionId = 1;
  /** What is held back: by CLIENT PAUSE, while another takes our place, and before the end. */
  private pauseMode: PauseMode = 'none';
  private clientPause: PauseMode = 'none';
  /** Who holds writes back. */
  private readonly holders = new Set<object>();
  private pauseEndMs = 0;
  private cancelPause: (() => void) | null = null;
  private turnStartMs = 0;
  /** `maxmemory`, which every write asks for: a field is read faster than a setting. */
  private memoryBytesMax: number;
  private evictionEndMs = 0;
  private readonly isEvictionOver = (): boolean => this.world.clock.monotonicMs() >= this.evictionEndMs;
  private isStopping = false;
  /** Sessions that go on at the end of the turn. */
  private resuming: Session[] = [];
  private readonly resumption = { inTurn: false, flush: (): void => this.resumeSessions() };
  private readonly endOfTurn = { inTurn: false, flush: (): void => this.closeTurn() };

  constructor(
    readonly world: World,
    readonly settings: ServerSettings,
    /** The absolute path of the file that the settings came from: what CONFIG REWRITE writes. */
    readonly configFile: string | null = null,
  ) {
    super();
    const { values } = settings;
    this.startedMs = world.clock.monotonicMs();
    this.runId = world.random.identifier();
    this.doorway = new Doorway(world, (connection) => this.accept(connection));
    this.keyspace = new Keyspace({ databases: values['databases'], random: world.random });
    this.keyspace.setTime(world.clock.wallMs());
    this.keyspace.removals = this.journal;
    bindPacking(settings, this.keyspace);
    this.strings = new Strings(this.keyspace);
    this.watches = new Watches(this.keyspace);
    this.blocking = new Blocking(this.keyspace, (delayMs, task) => world.timers.after(delayMs, task));
    this.turn = new Turn(world.timers, () => this.commit());
    this.replyGate = new ReplyGate(this.turn);
    this.memory = new MemoryGauge(this.keyspace);
    this.limits = protocolLimitsOf(settings);
    this.memoryBytesMax = values['maxmemory'];
    const { eviction } = this.keyspace;
    eviction.choose(values['maxmemory-policy']);
    eviction.samples = values['maxmemory-samples'];
    eviction.lfuLogFactor = values['lfu-log-factor'];
    eviction.lfuDecayMinutes = values['lfu-decay-time'];
    settings.onChange('maxmemory-policy', (policy) => eviction.choose(policy));
    settings.onChange('maxmemory-samples', (samples) => (eviction.samples = samples));
    settings.onChange('lfu-log-factor', (factor) => (eviction.lfuLogFactor = factor));
    settings.onChange('lfu-decay-time', (minutes) => (eviction.lfuDecayMinutes = minutes));
    settings.onChange('maxmemory', (bytes) => (this.memoryBytesMax = bytes));
    settings.onChange('requirepass', (password) => {
      if (password === '') for (const session of this.sessions.values()) session.setAuthenticated(true);
    });
    this.persistence = new Persistence(this);
    this.replication = new Replication(this);
    this.allegiance = values['config-servers'].length > 0 ? new Allegiance(this) : null;
    this.leaving = new Shutdown(this);
    this.dispatch = new Dispatch(this);
    this.background = new BackgroundWork(this, new ExpiryCycle(this.keyspace));
  }

  /**
   * Opens the listeners that the settings name, and loads what is on disk; until that is done clients are told that it is not.
   * @throws CacheError LISTEN_FAILED: one that must be open cannot be. FILE_FAILED: the directory belongs to another process,
   * or cannot be written. BAD_RDB, BAD_AOF: what is there is damaged (rejects; then everything is closed)
   */
  async start(): Promise<void> {
    try {
      this.persistence.claimDirectory();
      this.persistence.beginLoading();
      await this.doorway.open(this.settings);
      await this.persistence.start();
      this.allegiance?.start();
      this.replication.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.background.start();
    this.emit('ready', this.addresses);
  }

  get isReplica(): boolean {
    return this.replication.isReplica;
  }

  /** M for a master, S for a replica, as in Redis' log. */
  get roleMark(): 'M' | 'S' {
    return this.replication.isReplica ? 'S' : 'M';
  }

  get addresses(): readonly Address[] {
    return this.doorway.addresses;
  }

  /** Listens at one more address; port 0 lets the system choose. Returns where it listens. */
  listen(address: Address): Promise<Address> {
    return this.doorway.add(address);
  }

  /** A connection without a network; the other end is this node's. */
  connectInMemory(): MemoryEnd {
    if (!this.persistence.isLoading) this.background.start();
    return this.doorway.connectInMemory();
  }

  /**
   * Prepares the end as SHUTDOWN does: waits for replicas that lag (`shutdown-timeout`), and saves where there are save points. When
   * that is done, now or later, it emits `shutdown`; where it fails it says so in the log and the node goes on.
   */
  shutdown(options: ShutdownOptions = {}): ShutdownAnswer {
    return this.leaving.begin(options);
  }

  /** The same for a process that was sent a signal; what is done is said by `shutdown-on-…`. */
  prepareToStop(signal: 'SIGTERM' | 'SIGINT'): void {
    const { values } = this.settings;
    const words = values[signal === 'SIGTERM' ? 'shutdown-on-sigterm' : 'shutdown-on-sigint'];
    // What was not loaded must not be saved over what is there.
    if (this.persistence.hasStarted) this.leaving.begin(optionsOfWords(words));
    else this.emit('shutdown');
  }

  /** Whether a shutdown waits for replicas. */
  get isShuttingDown(): boolean {
    return this.leaving.isWaiting;
  }

  /**
   * Stops accepting, sends what is written, closes everything. Replicas are given a second to take all there is. The append-only
   * file, where there is one, is written and synced to its end; nothing is saved: see `shutdown`.
   */
  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    this.allegiance?.stop();
    this.background.stop();
    this.unpause();
    this.turn.flush();
    const haveReplicasLeft = this.replication.stop();
    this.persistence.stop();
    const closed = this.doorway.close();
    for (const session of this.sessions.values()) if (!session.isReplica) session.connection.destroy();
    await haveReplicasLeft;
    await closed;
    this.emit('stopped');
  }

  // ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────

  private accept(connection: Connection): ConnectionHandler {
    this.statistics.connectionsReceived++;
    const refusal = refusalOf(connection, this.settings.values, 'cache-server', this.sessions.size);
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

  /** Closes a session whose client does not take its replies, by the limits of client-output-buffer-limit. */
  checkOutputLimit(session: Session): void {
    const { values } = this.settings;
    const { normal, replica } = values['client-output-buffer-limit'];
    const { softBytes, softSeconds, ...limit } = session.isReplica ? replica : normal;
    const isWithinBacklog = session.isReplica && limit.hardBytes !== 0;
    // What is kept for all replicas anyway costs nothing.
    const hardBytes = isWithinBacklog ? Math.max(limit.hardBytes, values['repl-backlog-size']) : limit.hardBytes;
    const unsent = session.unsentBytes;
    const nowMs = this.world.clock.monotonicMs();
    if (softBytes === 0 || unsent < softBytes) session.overSoftLimitSinceMs = 0;
    else if (session.overSoftLimitSinceMs === 0) session.overSoftLimitSinceMs = nowMs;
    const isTooLong = session.overSoftLimitSinceMs !== 0 && nowMs - session.overSoftLimitSinceMs >= softSeconds * 1000;
    if (!isTooLong && (hardBytes === 0 || unsent < hardBytes)) return;
    this.statistics.outputLimitDisconnects++;
    this.world.log('warning', `Client ${session.describe()} closed for overcoming of output buffer limits.`);
    session.kill();
  }

  /** `states` has been changed. */
  statesChanged(): void {
    this.gate = this.states.isOpen ? null : this.states;
  }

  // ── pausing ──────────────────────────────────────────────────────────────────────────────────────────────────

  isPausedFor({ transaction, isReplica }: Session, spec: CommandSpec): boolean {
    // What replicas acknowledge may be what a pause waits for.
    if (this.pauseMode === 'none' || isReplica) return false;
    // CLIENT UNPAUSE itself must get through.
    if (this.pauseMode === 'all') return !spec.name.startsWith('CLIENT ');
    // EXEC writes where what was queued does.
    const flags = transaction !== null && spec.name === 'EXEC' ? transaction.flags : spec.flags;
    return (flags & FLAG_WRITE) !== 0;
  }

  /** Holds commands back for `durationMs`; what is sent meanwhile waits. A pause never shortens or eases another. */
  pause(mode: 'writes' | 'all', durationMs: number): void {
    if (this.clientPause !== 'all') this.clientPause = mode;
    this.updatePause();
    this.pauseEndMs = Math.max(this.pauseEndMs, this.world.clock.monotonicMs() + durationMs);
    this.waitForPauseEnd();
  }

  private waitForPauseEnd(): void {
    this.cancelPause?.();
    const restMs = this.pauseEndMs - this.world.clock.monotonicMs();
    if (restMs <= 0) this.unpause();
    else this.cancelPause = this.world.timers.after(Math.min(restMs, TIMER_MS_MAX), () => this.waitForPauseEnd());
  }

  unpause(): void {
    this.cancelPause?.();
    this.cancelPause = null;
    this.clientPause = 'none';
    this.pauseEndMs = 0;
    this.updatePause();
    this.resumePaused();
  }

  /** Holds writes back on behalf of `holder` for as long as that takes, whatever clients say of pauses; or no longer. */
  holdWrites(holder: object, holds: boolean): void {
    if (this.holders.has(holder) === holds) return;
    if (holds) this.holders.add(holder);
    else this.holders.delete(holder);
    this.updatePause();
    if (!holds) this.resumePaused();
  }

  private updatePause(): void {
    this.pauseMode = this.clientPause === 'none' && this.holders.size > 0 ? 'writes' : this.clientPause;
    this.replication.updateStates();
  }

  /** Whether somebody holds writes back, be it beside clients: nothing of our own goes into the stream then. */
  get areWritesHeld(): boolean {
    return this.holders.size > 0;
  }

  /** Whether the data are to stay as they are, for who compares offsets, or has no lease: no key goes by itself either. */
  get standsStill(): boolean {
    return this.pauseMode !== 'none' || this.states.leaseRefusal !== null;
  }

  /** Those that are still held back will be so again. */
  private resumePaused(): void {
    for (const session of this.paused) this.resumeLater(session);
    this.paused.clear();
  }

  /** Lets a session that has waited go on at the end of the turn: the command that runs now may be the one that says so. */
  resumeLater(session: Session): void {
    this.resuming.push(session);
    this.turn.join(this.resumption);
  }

  private resumeSessions(): void {
    const sessions = this.resuming;
    this.resuming = [];
    for (const session of sessions) session.resume();
  }

  // ── time and memory ──────────────────────────────────────────────────────────────────────────────────────────

  /** A read's commands are about to run; returns the monotonic time. */
  beginBatch(): number {
    const nowMs = this.world.clock.monotonicMs();
    this.keyspace.setTime(this.world.clock.wallMs());
    this.statistics.beginBatch(nowMs);
    if (this.allegiance !== null) this.allegiance.guard.look(nowMs);
    if (!this.endOfTurn.inTurn) {
      this.turnStartMs = nowMs;
      this.turn.join(this.endOfTurn);
    }
    return nowMs;
  }

  endBatch(): void {
    this.statistics.endBatch(this.world.clock.monotonicMs());
  }

  /** Before replies leave: what was changed goes to the disk first, then to replicas. */
  private commit(): void {
    this.persistence.commit();
    this.replication.commit();
  }

  private closeTurn(): void {
    this.statistics.sawTurn(this.world.clock.monotonicMs() - this.turnStartMs);
  }

  /** Evicts keys, if the policy lets any go, until memory is within its limit or time is up; false where none may go. */
  makeRoom(isTimeUp: () => boolean): boolean {
    if (this.standsStill || this.replication.leavesEvictionToMaster) return true;
    return this.memoryBytesMax === 0 || this.keyspace.eviction.makeRoom(this.memoryBytesMax, isTimeUp);
  }

  /** Whether writes that need memory must be refused: there is none, and no key that may go. */
  isOutOfMemory(): boolean {
    if (this.memoryBytesMax === 0 || this.memory.usedBytes() <= this.memoryBytesMax) return false;
    this.evictionEndMs = this.world.clock.monotonicMs() + EVICTION_MS_MAX;
    return !this.makeRoom(this.isEvictionOver);
  }
}
