/**
 * RaftNode: the shell around the core: it saves, sends, applies, and keeps the time.
 *
 * Everything that happens is told to the core at once, and what follows from it is done at the end of the turn, so that what came together
 * (proposals, reads, a follower's acknowledgements) costs one save and one round. Then the barrier: messages of a Ready leave,
 * and its entries are applied, when its save has returned, and nothing of a later Ready is looked at before. What promises nothing
 * (heartbeats) leaves meanwhile by `takeUrgent`, so a slow disk costs no leader its place.
 *
 * When the storage fails the node does nothing more, ever: nobody knows what is on the disk (promise C6).
 */
import { assert, isPlanted, type World } from '../base';
import { RaftCore, type Role } from './core';
import { votersOf } from './membership';
import { Waiting, type Outcome } from './node-waiting';
import type { LogStorage, StateMachine, Transport } from './ports';
import type { Ready } from './ready';
import {
  NOBODY,
  type Entry,
  type HardState,
  type Membership,
  type MembershipStep,
  type Message,
  type NodeId,
} from './types';
import { ENTRY_OVERHEAD_BYTES } from './wire';

export interface RaftNodeOptions {
  readonly id: NodeId;
  /** Of a first start; later ones go by what the log says. */
  readonly membership: Membership;
  /** Least time without a leader after which one is elected, in milliseconds; each wait is up to twice that. Default 150. */
  readonly electionTimeoutMs?: number;
  /** Default 50. */
  readonly heartbeatMs?: number;
  /** A snapshot is taken when so many entries were applied since the last; default 10,000. */
  readonly compactAfterEntries?: number;
  /** The same in bytes of entries; default 8 MiB. */
  readonly compactAfterBytes?: number;
  /** Reads trust clocks whose rates differ by less than 5 %, instead of asking a quorum each time; default no. */
  readonly readsByLease?: boolean;
  /** See RaftOptions. */
  readonly entriesKeptMax?: number;
  readonly entryBytesPerMessageMax?: number;
  readonly snapshotChunkBytes?: number;
}

/** What the node is put between. */
export interface RaftPorts {
  readonly storage: LogStorage;
  readonly transport: Transport;
  readonly machine: StateMachine;
}

const DEFAULTS = {
  electionTimeoutMs: 150,
  heartbeatMs: 50,
  compactAfterEntries: 10_000,
  compactAfterBytes: 8 * 1024 * 1024,
  readsByLease: false,
  entriesKeptMax: 500,
  entryBytesPerMessageMax: 256 * 1024,
  snapshotChunkBytes: 256 * 1024,
};

/** A former leader waits so many election timeouts for a successor to settle what was proposed to it. */
const SETTLING_TIMEOUTS = 2;
/** Between two rounds of heartbeats for reads, where others are to be asked. */
const READ_GAP_MS = 1;

export class RaftNode {
  /** Called whenever role, leader or term have changed. `leader` may be nobody (0). */
  onLeader: (leader: NodeId, term: number) => void = () => {};
  /** The storage has failed, with this error: the node has stopped, and its process must end. */
  onFailed: (error: Error) => void = () => {};

  private readonly options: Required<RaftNodeOptions>;
  private readonly waiting = new Waiting();
  private started: RaftCore | null = null;
  private isRunning = false;
  /** A save, or a snapshot, is under way; the Ready that it is of. */
  private isSaving = false;
  private saving: Ready | null = null;
  private isActing = false;
  private isWoken = false;
  private appliedIndex = 0;
  private compactedIndex = 0;
  private bytesSinceCompaction = 0;
  private readsAskedMs = -Infinity;
  private cancelGathering: (() => void) | null = null;
  private timerAtMs = Infinity;
  private cancelTimer: () => void = () => {};
  private announced = { role: '', leader: NOBODY, term: -1 };
  private transfer: { readonly to: NodeId; readonly finish: (isDone: boolean) => void } | null = null;

  constructor(
    private readonly world: Pick<World, 'clock' | 'timers' | 'random' | 'log'>,
    private readonly ports: RaftPorts,
    options: RaftNodeOptions,
  ) {
    this.options = { ...DEFAULTS, ...options };
  }

  get id(): NodeId {
    return this.options.id;
  }

  get role(): Role {
    return this.core.role;
  }

  get isLeader(): boolean {
    return this.started !== null && this.started.role === 'leader';
  }

  /** Who leads as far as this node knows; nobody (0) where it does not. */
  get leader(): NodeId {
    return this.started === null ? NOBODY : this.started.leader;
  }

  get term(): number {
    return this.core.term;
  }

  get commit(): number {
    return this.core.commit;
  }

  /** The last entry that the state machine has. */
  get applied(): number {
    return this.appliedIndex;
  }

  get membership(): Membership {
    return this.core.membership;
  }

  /** Loads what is on the disk and takes part. @throws CacheError BAD_LOG, FILE_FAILED; whatever the machine's `restore` throws */
  start(): void {
    assert(this.started === null, 'a node is started once');
    const { membership } = this.options;
    const saved = this.ports.storage.load();
    if (saved.snapshot !== null) this.restore(saved.snapshot.index, saved.snapshot.data);
    const { random } = this.world;
    this.started = new RaftCore({ ...this.options, random }, saved, membership, this.now());
    this.isRunning = true;
    this.ports.transport.onMessage = (message) => this.receive(message);
    this.ports.transport.onGone = (node) => this.suspect(node);
    this.wake();
  }

  /** Takes part no more. Those who wait are told that their proposals are lost. */
  stop(): void {
    if (!this.isRunning) return;
    this.isRunning = false;
    this.cancelTimer();
    this.cancelGathering?.();
    this.ports.transport.onMessage = () => {};
    this.ports.transport.onGone = () => {};
    this.ports.storage.close();
    this.waiting.loseAll();
    this.waiting.answer();
    this.transfer?.finish(false);
  }

  /** Has a command carried out by all. `done` may be called before this returns. The bytes are the log's from now on. */
  propose(data: Uint8Array, done: (outcome: Outcome) => void): void {
    this.proposeBy((core) => core.propose(data, this.now()), done);
  }

  /** Changes who votes and who listens, in one or (joint consensus) two entries; applied when the first of them is. */
  changeMembership(steps: readonly MembershipStep[], done: (outcome: Outcome) => void): void {
    this.proposeBy((core) => core.proposeMembership(steps, this.now()), done);
  }

  /**
   * Waits for a moment at which the state machine is as new as any command acknowledged anywhere before this call (ReadIndex,
   * dissertation §6.4). `isCurrent` false: this node does not lead, or could not confirm that it does.
   */
  read(done: (isCurrent: boolean) => void): void {
    if (!this.isRunning) return done(false);
    this.waiting.read(done);
    this.wake();
  }

  /** Gives the leader's place to another (dissertation §3.10); `isDone` false: it could not, or somebody else has it. */
  transferTo(node: NodeId, done: (isDone: boolean) => void = () => {}): void {
    if (!this.isRunning || this.transfer !== null || !this.core.transferTo(node, this.now())) return done(false);
    const cancel = this.world.timers.after(SETTLING_TIMEOUTS * this.options.electionTimeoutMs, () => finish(false));
    const finish = (isDone: boolean): void => {
      cancel();
      this.transfer = null;
      done(isDone);
    };
    this.transfer = { to: node, finish };
    this.wake();
  }

  /** A hint that this node's process has gone: if it led, another is elected without waiting for the timeout. */
  suspect(node: NodeId): void {
    if (!this.isRunning || this.core.leader !== node) return;
    this.core.suspectLeader(this.now());
    this.wake();
  }

  private get core(): RaftCore {
    assert(this.started !== null, 'a node is started before it is asked');
    return this.started;
  }

  private now(): number {
    return this.world.clock.monotonicMs();
  }

  private proposeBy(propose: (core: RaftCore) => number | null, done: (outcome: Outcome) => void): void {
    const index = this.isRunning ? propose(this.core) : null;
    if (index === null) return done({ kind: 'not-leader', leader: this.leader });
    this.waiting.proposed(index, this.core.term, done);
    this.wake();
  }

  private receive(message: Message): void {
    if (isPlanted('duplicate-append-acked')) this.acknowledgeDuplicate(message);
    this.core.step(message, this.now());
    this.wake();
  }

  /** Acts at the end of this turn. */
  private wake(): void {
    if (this.isWoken) return;
    this.isWoken = true;
    this.world.timers.endOfTurn(() => {
      this.isWoken = false;
      this.act();
    });
  }

  /** Does all that can be done now. */
  private act(): void {
    if (this.isActing || !this.isRunning) return;
    this.isActing = true;
    this.askForReads();
    do {
      this.send(this.core.takeUrgent());
      this.announce();
      this.waiting.answer();
    } while (this.isRunning && !this.isSaving && this.begin());
    this.isActing = false;
    if (this.isRunning) this.setTimer();
  }

  /**
   * Asks for all reads that wait, and so for one round of heartbeats; those that come right after that wait for company: hundreds of
   * followers renew their leases ten times a second, and a round for each of them would cost more than all else.
   */
  private askForReads(): void {
    if (!this.waiting.hasNewReads || this.cancelGathering !== null) return;
    const nowMs = this.now();
    const isFree = this.options.readsByLease || votersOf(this.core.membership).length === 1;
    const waitMs = isFree ? 0 : this.readsAskedMs + READ_GAP_MS - nowMs;
    if (waitMs <= 0) {
      this.readsAskedMs = nowMs;
      this.waiting.ask(() => this.core.requestRead(nowMs));
      return;
    }
    this.cancelGathering = this.world.timers.after(waitMs, () => {
      this.cancelGathering = null;
      this.act();
    });
  }

  /** Begins the next thing that needs the disk, or turns out not to; false if there is none. */
  private begin(): boolean {
    if (this.compact()) return true;
    const ready = this.core.ready();
    if (ready === null) return false;
    if (isPlanted('send-before-save')) this.send(ready.messages);
    this.saving = ready;
    this.save(ready, () => this.finish(ready));
    return true;
  }

  private save({ hardState, entries, snapshot }: Ready, done: () => void): void {
    const { storage } = this.ports;
    const append = (state: HardState | null): void => {
      if (state === null && entries.length === 0) done();
      else this.whenSaved((saved) => storage.append(state, entries, saved), done);
    };
    if (snapshot === null) return append(hardState);
    const appendRest = (): void => append(null);
    this.whenSaved((saved) => storage.saveSnapshot(snapshot, hardState, saved), appendRest);
  }

  /** Lets the storage do something, and goes on when it is done. A failure ends the node. */
  private whenSaved(begin: (saved: (error: Error | null) => void) => void, next: () => void): void {
    this.isSaving = true;
    begin((error) => {
      if (!this.isRunning) return;
      if (error !== null) return this.fail(error);
      this.isSaving = false;
      next();
      this.act();
    });
  }

  private fail(error: Error): void {
    this.stop();
    this.onFailed(error);
  }

  /** The Ready is durable: what it promises may be said, and what it decides be done. */
  private finish(ready: Ready): void {
    this.saving = null;
    const { snapshot } = ready;
    if (!isPlanted('send-before-save')) this.send(ready.messages);
    for (const { number, index } of ready.reads) this.waiting.confirmed(number, index);
    if (isPlanted('read-before-applied')) {
      this.waiting.readable(Infinity);
      this.waiting.answer();
    }
    if (snapshot !== null) {
      this.restore(snapshot.index, snapshot.data);
      this.waiting.restored(snapshot.index);
    }
    this.apply(ready.committed);
    this.waiting.readable(this.appliedIndex);
    this.core.advance();
  }

  private restore(index: number, data: Uint8Array): void {
    this.ports.machine.restore(data);
    this.appliedIndex = index;
    this.compactedIndex = index;
    this.bytesSinceCompaction = 0;
  }

  private apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.appliedIndex + 1, 'entries are applied in order, each once');
      const result = entry.kind === 'command' ? this.ports.machine.apply(entry) : undefined;
      this.appliedIndex = entry.index;
      this.bytesSinceCompaction += entry.data.length + ENTRY_OVERHEAD_BYTES;
      this.waiting.applied(entry, result);
    }
  }

  /** Takes a snapshot if the log has become long; whether it did. */
  private compact(): boolean {
    const { compactAfterEntries, compactAfterBytes } = this.options;
    const isLong =
      this.appliedIndex - this.compactedIndex >= compactAfterEntries || this.bytesSinceCompaction >= compactAfterBytes;
    if (!isLong || this.appliedIndex === this.compactedIndex) return false;
    const snapshot = this.core.compact(this.appliedIndex, this.ports.machine.snapshot());
    // Else one that was received is about to take the place of all this.
    if (snapshot.index !== this.appliedIndex) return false;
    this.compactedIndex = this.appliedIndex;
    this.bytesSinceCompaction = 0;
    this.world.log('verbose', `Raft: snapshot of ${snapshot.data.length} bytes after entry ${snapshot.index}`);
    const goOn = (): void => {};
    this.whenSaved((saved) => this.ports.storage.saveSnapshot(snapshot, null, saved), goOn);
    return true;
  }

  private send(messages: readonly Message[]): void {
    for (const message of messages) this.ports.transport.send(message);
  }

  private announce(): void {
    const { role, leader, term } = this.core;
    const before = this.announced;
    if (role === before.role && leader === before.leader && term === before.term) return;
    this.announced = { role, leader, term };
    if (before.role === 'leader' && role !== 'leader' && this.waiting.hasProposals) this.awaitSettling(before.term);
    if (leader !== NOBODY && leader !== this.id) this.transfer?.finish(leader === this.transfer.to);
    this.onLeader(leader, term);
  }

  /** What was proposed here in a term that is over is settled by its successor, or nobody knows. */
  private awaitSettling(term: number): void {
    this.world.timers.after(SETTLING_TIMEOUTS * this.options.electionTimeoutMs, () => {
      this.waiting.loseBefore(term + 1);
      this.act();
    });
  }

  /** One timer follows the core. One that is too early is let run, as setting another for every message would cost more. */
  private setTimer(): void {
    const { wakeAtMs } = this.core;
    if (wakeAtMs >= this.timerAtMs) return;
    this.cancelTimer();
    this.timerAtMs = wakeAtMs;
    this.cancelTimer = this.world.timers.after(Math.max(0, wakeAtMs - this.now()), () => {
      this.timerAtMs = Infinity;
      this.core.tick(this.now());
      this.act();
    });
  }

  /** A bug that tests plant: says that entries are saved whose save is under way. */
  private acknowledgeDuplicate(message: Message): void {
    if (message.type !== 'append' || this.saving === null) return;
    const { entries, from } = message;
    const last = entries[entries.length - 1];
    if (!this.saving.entries.some(({ index, term }) => index === last?.index && term === last.term)) return;
    const { term } = this.core;
    this.ports.transport.send({
      type: 'append-reply',
      from: this.id,
      to: from,
      term,
      index: last.index,
      isRejected: false,
      hintIndex: 0,
      hintTerm: 0,
    });
  }
}
