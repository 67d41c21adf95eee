/**
 * ControlPlane: a whole config server, but for its sockets: Raft, the state, what is said among peers, and the parts that watch and act.
 *
 * Whatever it needs of the world comes in by its ports, and nothing in it waits by a promise: so the simulator runs the same class, many of
 * them, on virtual time. `ConfigNode` puts a real disk, real connections and clients around it.
 *
 * Requests (`request`) go to the leader. There each begins with a read that a quorum confirms (promise C1): what it is answered from, and
 * judged by, is at least as new as all that was acknowledged before. Changes are then proposed under a name, so that one whose outcome was
 * lost with a leader can be proposed again (promise C2).
 *
 * The parts count a node as leader only when it has applied all that its predecessors decided: before, its state may be old. But since
 * when it leads is counted from the election, as leases are.
 */
import { CacheError, type World } from '../base';
import {
  membersOf,
  membershipOf,
  NO_MEMBERS,
  NOBODY,
  RaftNode,
  votersOf,
  type LogStorage,
  type Message,
  type NodeId,
  type Transport,
} from '../raft';
import { Acquaintance, announcementOf, foundingState, type ControlIdentity } from './acquaintance';
import { perform, treatmentOf } from './commands';
import { ConfigMachine, encodeCommand, type Applied } from './config-machine';
import { printable } from './config-reply';
import type {
  ControlHost,
  ControlParts,
  PartsMaker,
  PassedRequest,
  PeerMessage,
  PeerNetwork,
  ServerDialer,
} from './control-host';
import { MembershipKeeper } from './membership-keeper';
import { answerOf, Operations } from './operations';
import { Passing, type ControlAnswer, type Verdict } from './passing';
import type { ConfigCommand } from './records';
import type { Follower, Scene } from './scene';
import { SeededLog } from './seeded-log';
import { ConfigState, type Acceptance, type Refusal } from './state';
import type { ConfigEvent } from './state-parts';

export interface ControlPorts {
  readonly storage: LogStorage;
  readonly peers: PeerNetwork;
  readonly dial: ServerDialer;
  readonly makeParts: PartsMaker;
}

export interface ControlOptions {
  /** Milliseconds; see RaftNodeOptions. */
  readonly electionTimeoutMs?: number;
  readonly heartbeatMs?: number;
  /** What a new cluster begins with; the same for all founders. */
  readonly initialState?: ConfigState;
}

const REQUEST_ID = /^[!-~]{1,64}$/;

export class ControlPlane implements ControlHost {
  /** The state has changed: the events that did, in order; none where all of it came anew. Called once a turn. */
  onChange: (events: readonly ConfigEvent[]) => void = () => undefined;
  /** It cannot go on: its disk failed, or its log is beyond its understanding. It has stopped, and its process must end. */
  onFailed: (error: Error) => void = () => undefined;
  /** Who follows the view on connections to this node, for STATUS. */
  followers: () => Iterable<Follower> = () => [];

  readonly raft: RaftNode;
  readonly parts: ControlParts;
  private readonly machine: ConfigMachine;
  private readonly storage: SeededLog;
  private readonly transport: Transport;
  private readonly passing: Passing;
  private readonly operations: Operations;
  private readonly keeper: MembershipKeeper;
  private readonly acquaintance: Acquaintance;
  private events: ConfigEvent[] = [];
  private isChangeDue = false;
  private isRunning = false;
  private isOver = false;
  private electedMs = NaN;
  private isSettled = false;
  private readonly scene: Scene;

  constructor(
    readonly world: World,
    readonly identity: ControlIdentity,
    private readonly ports: ControlPorts,
    private readonly options: ControlOptions = {},
  ) {
    const { id, initialConfigs, isJoining } = identity;
    const { electionTimeoutMs, heartbeatMs } = options;
    this.storage = new SeededLog(ports.storage);
    this.machine = new ConfigMachine(
      (event) => this.changed(event),
      (error) => this.fail(error),
    );
    this.transport = {
      send: (message: Message) => ports.peers.send(message.to, { kind: 'raft', message }),
      onMessage: () => undefined,
      onGone: () => undefined,
    };
    this.raft = new RaftNode(
      world,
      { storage: this.storage, transport: this.transport, machine: this.machine },
      {
        id,
        membership: isJoining ? NO_MEMBERS : membershipOf(initialConfigs.map((config) => config.id)),
        ...(electionTimeoutMs !== undefined && { electionTimeoutMs }),
        ...(heartbeatMs !== undefined && { heartbeatMs }),
      },
    );
    this.passing = new Passing(this);
    this.acquaintance = new Acquaintance(this, identity, this.passing);
    this.operations = new Operations(this);
    this.keeper = new MembershipKeeper(world, this.raft, () => this.state);
    this.parts = ports.makeParts(this);
    this.scene = this.makeScene();
  }

  /**
   * Takes up what the disk has, and takes part.
   * @param done with the error where a new log could not be begun
   * @throws CacheError BAD_LOG, FILE_FAILED, and BAD_VIEW, BAD_MESSAGE where a snapshot is damaged
   */
  start(done: (error: Error | null) => void = () => undefined): void {
    const { isJoining, initialConfigs } = this.identity;
    const { initialState = ConfigState.empty } = this.options;
    const membership = membershipOf(initialConfigs.map((config) => config.id));
    const seed = isJoining
      ? null
      : {
          membership,
          data: Buffer.from(JSON.stringify(foundingState(this.identity, initialState, this.world.random))),
        };
    this.storage.open(seed, (error) => {
      if (error === null) this.begin();
      done(error);
    });
  }

  /** Takes part no more, and lets go of the disk. Who waits is told that nobody knows. */
  stop(): void {
    if (!this.isRunning) {
      if (!this.isOver) this.storage.close();
      this.isOver = true;
      return;
    }
    this.isRunning = false;
    this.isOver = true;
    this.acquaintance.stop();
    this.keeper.stop();
    for (const part of this.parts.all) part.stop();
    this.raft.stop();
    this.passing.stop();
  }

  // ── what the parts see ───────────────────────────────────────────────────────────────────────────────────────

  get id(): NodeId {
    return this.identity.id;
  }

  get state(): ConfigState {
    return this.machine.state;
  }

  get isLeader(): boolean {
    return this.isSettled;
  }

  get leader(): NodeId {
    return this.raft.leader;
  }

  get leaderSinceMs(): number {
    return this.electedMs;
  }

  get voters(): readonly NodeId[] {
    return votersOf(this.raft.membership);
  }

  get peers(): PeerNetwork {
    return this.ports.peers;
  }

  get dial(): ServerDialer {
    return this.ports.dial;
  }

  propose(command: ConfigCommand, by: string, done: (outcome: Acceptance | Refusal | null) => void): void {
    const isAsked = command.does === 'begin-failover' && command.kind !== 'automatic';
    const requestId = isAsked ? this.operations.nameOf(command.group) : '';
    this.proposeNamed(command, by, requestId, (applied) => {
      if (applied === 'not-leader') done({ accepted: false, code: 'REFUSED', message: 'this node does not lead' });
      else done(applied === 'lost' ? null : applied.outcome);
    });
  }

  confirm(done: (isConfirmed: boolean) => void): void {
    this.raft.read((isCurrent) => done(isCurrent && this.isSettled));
  }

  tellPeers(message: PeerMessage): void {
    for (const node of membersOf(this.raft.membership)) if (node !== this.id) this.send(node, message);
  }

  // ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Has a request carried out by the leader; `done` is called once: within 3 s, or 60 s where an end is awaited.
   * @param words a command that is not about the connection (commands.ts), or `ONCE request-id command …`
   * @param by who asks, for the history
   * @param requestId names the request; what changes something and has no name gets one
   */
  request(words: readonly string[], by: string, done: (answer: ControlAnswer) => void, requestId = ''): void {
    if (words[0]?.toUpperCase() === 'ONCE' && words.length > 2) {
      const [, name, ...rest] = words;
      if (REQUEST_ID.test(name) && requestId === '') return this.request(rest, by, done, name);
      return done({ kind: 'error', text: 'ERR a request is named once, with at most 64 printable characters' });
    }
    const { place, isRead, patienceMs } = treatmentOf(words);
    if (place === 'here') {
      const reply = perform(this.state, words);
      const isAnswer = reply.kind === 'value' || reply.kind === 'error';
      return done(isAnswer ? reply : { kind: 'error', text: 'ERR that is about a connection' });
    }
    const name = isRead || requestId !== '' ? requestId : this.world.random.identifier();
    this.passing.ask({ words, by, requestId: name }, isRead, patienceMs, done);
  }

  /** Carries a request out if this node leads. */
  carryOut(request: PassedRequest, from: NodeId, answered: (verdict: Verdict) => void): void {
    if (!this.isRunning || !this.raft.isLeader) return answered({ kind: 'not-leader' });
    this.raft.read((isCurrent) => {
      if (isCurrent) this.decide(request, from, answered);
      else answered({ kind: 'not-leader' });
    });
  }

  proposeNamed(
    command: ConfigCommand,
    by: string,
    requestId: string,
    done: (applied: Applied | 'not-leader' | 'lost') => void,
  ): void {
    const data = encodeCommand({ command, by, requestId, atMs: this.world.clock.wallMs() });
    this.raft.propose(data, (outcome) => {
      if (outcome.kind === 'applied') done(outcome.result as Applied);
      else done(outcome.kind);
    });
  }

  send(to: NodeId, message: PeerMessage): void {
    this.ports.peers.send(to, message);
  }

  private decide({ words, by, requestId }: PassedRequest, from: NodeId, answered: (verdict: Verdict) => void): void {
    const announced = announcementOf(words, from);
    if (announced !== null) {
      return this.operations.propose({ does: 'add-config', member: announced }, by, requestId, answered);
    }
    const reply = perform(this.state, words, this.scene);
    const former = this.state.outcomeOf(requestId);
    switch (reply.kind) {
      case 'value':
      case 'error':
        return answered(reply);
      case 'propose':
        return this.operations.propose(reply.command, by, requestId, answered);
      case 'operate':
        if (former === null) this.operations.run(reply.operation, by, requestId, answered);
        else if (reply.operation.does !== 'change-master') answered(answerOf(former));
        else if (former.startsWith('-')) answered(answerOf(former));
        else this.operations.awaitChangeOfMaster(reply.operation, requestId, answered);
        return;
      default:
        answered({ kind: 'error', text: `ERR ${printable(words.join(' '))} is about a connection` });
    }
  }

  /** What is seen from here, at the moment at which it is looked at. */
  private makeScene(): Scene {
    const { raft, parts, id } = this;
    const followers = (): Iterable<Follower> => this.followers();
    return {
      id,
      get leader() {
        return raft.leader;
      },
      get term() {
        return raft.term;
      },
      get voters() {
        return votersOf(raft.membership);
      },
      get learners() {
        return raft.membership.learners;
      },
      get followers() {
        return followers();
      },
      health: (memberId) => parts.monitor.describe(memberId),
      lease: (runId) => parts.leases.describe(runId),
      phase: (group) => parts.driver.phase(group),
    };
  }

  // ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

  private begin(): void {
    const { peers } = this.ports;
    this.isRunning = true;
    this.raft.onLeader = () => this.leadershipChanged();
    this.raft.onFailed = (error) => this.fail(error);
    this.raft.start();
    peers.onMessage = (from, message) => this.received(from, message);
    peers.onGone = (node) => this.transport.onGone(node);
    this.acquaintance.start();
    this.passing.start();
    this.keeper.start();
    for (const part of this.parts.all) part.start();
  }

  private received(from: NodeId, message: PeerMessage): void {
    if (!this.isRunning) return;
    switch (message.kind) {
      case 'raft':
        return this.transport.onMessage(message.message);
      case 'opinions':
        return this.parts.monitor.opinionsCame(from, message.opinions);
      case 'request':
        return this.passing.requested(from, message.number, message.request);
      case 'answer':
        try {
          this.passing.answered(from, message.number, message.answer);
        } catch (error) {
          if (!(error instanceof CacheError)) throw error;
          this.world.log('warning', `Config server ${from} sent what is no answer: ${error.message}`);
        }
    }
  }

  /** Something was applied. Told at the end of the turn, as those who are told may propose, and views are sent once. */
  private changed(event: ConfigEvent | null): void {
    if (event !== null) this.events.push(event);
    if (this.isChangeDue) return;
    this.isChangeDue = true;
    this.world.timers.endOfTurn(() => {
      this.isChangeDue = false;
      if (!this.isRunning) return;
      const events = this.events;
      this.events = [];
      this.acquaintance.follow();
      this.onChange(events);
      for (const part of this.parts.all) part.stateChanged?.(this.state.view);
    });
  }

  private leadershipChanged(): void {
    const { raft } = this;
    if (raft.isLeader && Number.isNaN(this.electedMs)) {
      const { term } = raft;
      this.electedMs = this.world.clock.monotonicMs();
      this.world.log('notice', `This config server leads, in term ${term}`);
      raft.read((isCurrent) => {
        if (isCurrent && raft.isLeader && raft.term === term) this.settle(true);
      });
    } else if (!raft.isLeader && !Number.isNaN(this.electedMs)) {
      this.electedMs = NaN;
      this.world.log('notice', `This config server leads no more; ${leaderText(raft.leader)}`);
      if (this.isSettled) this.settle(false);
    }
    this.passing.leaderChanged();
    // Not now: this is told of in the middle of what Raft does.
    this.world.timers.endOfTurn(() => {
      if (this.isRunning) this.acquaintance.follow();
    });
  }

  private settle(isSettled: boolean): void {
    this.isSettled = isSettled;
    for (const part of this.parts.all) part.leadershipChanged?.();
    if (!isSettled || this.state.clusterId !== '') return;
    const command = { does: 'name-cluster', clusterId: this.world.random.identifier() } as const;
    this.propose(command, `config server ${this.id}`, () => undefined);
  }

  private fail(error: Error): void {
    this.world.log('warning', `This config server ends: ${error.message}`);
    this.stop();
    this.onFailed(error);
  }
}

function leaderText(leader: NodeId): string {
  return leader === NOBODY ? 'no leader is known' : `config server ${leader} does`;
}
