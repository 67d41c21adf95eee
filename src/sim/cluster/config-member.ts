/**
 * ConfigMember: a machine with a real ControlPlane on it: Raft, the state, monitor, leases, failover and all; its disk, its peers and its
 * clients are simulated.
 */
import { Random, silentLog, type World } from '../../base';
import {
  controlParts,
  ControlPlane,
  type ConfigMember as ConfigRecord,
  type ConfigState,
  type PeerMessage,
  type PeerNetwork,
  type ServerDialer,
} from '../../config';
import type { LogStorage, NodeId } from '../../raft';
import { CrashingLog } from '../crashing-log';
import { SimulatedDisk } from '../disk';
import { RaftChecks } from '../raft/raft-checks';
import type { LineEnd, LineEvents, LineHost } from '../simulated-lines';
import type { SimulatedMachine } from '../simulated-machine';
import type { SimulatedNetwork } from '../simulated-network';

/** What a follower says on its line, and hears. */
export interface FollowerRequest {
  readonly number: number;
  readonly words: readonly string[];
}
export type FollowerMessage =
  | {
      readonly kind: 'answer';
      readonly number: number;
      readonly values: readonly (string | number)[];
      readonly error: string;
    }
  | { readonly kind: 'view'; readonly state: ConfigState };

export interface ConfigSurroundings {
  readonly network: SimulatedNetwork;
  readonly raftChecks: RaftChecks;
  readonly founders: readonly ConfigRecord[];
  readonly initialState: ConfigState;
  readonly syncMeanMs: number;
  config(id: NodeId): ConfigMember;
  dialer(member: ConfigMember): ServerDialer;
  /** The state of a config server has changed. */
  stateChanged(member: ConfigMember): void;
  elected(member: ConfigMember): void;
  failed(member: ConfigMember): void;
}

export class ConfigMember implements LineHost {
  plane: ControlPlane | null = null;
  readonly isPowered = true;
  private readonly log: CrashingLog;
  private readonly peers: PeerNetwork;
  private readonly followers = new Set<LineEnd>();
  private followed = new Set<NodeId>();
  private wasLeader = false;

  constructor(
    readonly id: NodeId,
    readonly machine: SimulatedMachine,
    private readonly around: ConfigSurroundings,
    private readonly random: Random,
  ) {
    this.log = new CrashingLog(random, (done) => this.sync(done));
    this.peers = {
      send: (to, message) => this.send(to, message),
      onMessage: () => undefined,
      onGone: () => undefined,
      follow: (peers) => (this.followed = new Set(peers.map((peer) => peer.id))),
    };
  }

  get accept(): ((end: LineEnd) => LineEvents) | null {
    return this.plane === null ? null : (end) => this.welcome(end);
  }

  boot(): void {
    const { machine, random, around, id } = this;
    const { founders, initialState } = around;
    if (!machine.isUp) machine.boot();
    const { clock, timers } = machine;
    const files = new SimulatedDisk(new Random(0));
    const world: World = { clock, timers, random: new Random(random.uint32()), files, log: silentLog };
    const plane = new ControlPlane(
      world,
      {
        id,
        zone: '',
        address: `10.1.0.${id}:6390`,
        peerAddress: `10.1.0.${id}:16390`,
        incarnation: `disk-${id}`,
        initialConfigs: founders,
        isJoining: false,
      },
      { storage: this.watch(this.log.open()), peers: this.peers, dial: around.dialer(this), makeParts: controlParts },
      { initialState },
    );
    this.plane = plane;
    this.wasLeader = false;
    plane.onChange = () => this.changed();
    plane.onFailed = () => {
      this.die();
      around.failed(this);
    };
    plane.start();
  }

  /** Kills the process; others may notice. */
  die(): void {
    this.machine.die();
    this.plane = null;
    this.followers.clear();
    this.peers.onMessage = () => undefined;
    this.peers.onGone = () => undefined;
  }

  noticeGone(id: NodeId): void {
    this.machine.run(() => this.peers.onGone(id));
  }

  private changed(): void {
    const { state } = this.plane!;
    this.around.stateChanged(this);
    for (const end of this.followers) {
      if (end.isClosed) this.followers.delete(end);
      else end.send({ kind: 'view', state } satisfies FollowerMessage);
    }
    if (this.plane!.isLeader && !this.wasLeader) this.around.elected(this);
    this.wasLeader = this.plane!.isLeader;
  }

  private welcome(end: LineEnd): LineEvents {
    this.followers.add(end);
    end.send({ kind: 'view', state: this.plane!.state } satisfies FollowerMessage);
    return {
      arrived: (payload) => this.serve(end, payload as FollowerRequest),
      closed: () => this.followers.delete(end),
    };
  }

  private serve(end: LineEnd, { number, words }: FollowerRequest): void {
    this.plane!.request(words, 'a follower', (answer) => {
      const values =
        answer.kind === 'value' && Array.isArray(answer.value) ? (answer.value as (string | number)[]) : [];
      const error = answer.kind === 'error' ? answer.text : '';
      end.send({ kind: 'answer', number, values, error } satisfies FollowerMessage);
    });
  }

  private send(to: NodeId, message: PeerMessage): void {
    const { network, raftChecks } = this.around;
    if (message.kind === 'raft') raftChecks.sent(this.plane!.raft, message.message);
    const target = this.around.config(to);
    network.send(this.machine, target.machine, () => target.receive(this.id, message));
  }

  private receive(from: NodeId, message: PeerMessage): void {
    if (this.plane === null || !this.followed.has(from)) return;
    if (message.kind === 'raft') this.around.raftChecks.received(this.plane.raft, message.message);
    this.peers.onMessage(from, message);
  }

  private watch(storage: LogStorage): LogStorage {
    const { raftChecks } = this.around;
    return {
      load: () => {
        const saved = storage.load();
        raftChecks.loaded(this.id, saved);
        return saved;
      },
      append: (hardState, entries, done) => {
        raftChecks.saving(this.plane!.raft, entries);
        storage.append(hardState, entries, (error) => {
          if (error === null && entries.length > 0) raftChecks.saved(this.id, entries[entries.length - 1].index);
          done(error);
        });
      },
      saveSnapshot: (snapshot, hardState, done) => {
        raftChecks.savingSnapshot(this.id, snapshot);
        storage.saveSnapshot(snapshot, hardState, (error) => {
          if (error === null) raftChecks.savedSnapshot(this.id);
          done(error);
        });
      },
      close: () => storage.close(),
    };
  }

  private sync(done: () => void): void {
    const { machine, random } = this;
    const { life } = machine;
    machine.time.after(-this.around.syncMeanMs * Math.log(1 - random.fraction()), () => {
      if (life === machine.life) machine.run(done);
    });
  }
}
