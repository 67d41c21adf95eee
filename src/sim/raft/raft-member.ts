/**
 * RaftMember: one machine of a simulated Raft cluster: the real RaftNode, with a disk, a network and a state machine that are simulated.
 *
 * A process that dies takes its memory with it; the disk stays, less what a loss of power takes. What the node does to its disk and says
 * on the wire goes past the checks.
 */
import { Random } from '../../base';
import {
  DiskLog,
  membershipOf,
  RaftNode,
  type LogStorage,
  type Membership,
  type Message,
  type NodeId,
  type Transport,
} from '../../raft';
import { CrashingLog } from '../crashing-log';
import { SimulatedDisk } from '../disk';
import type { SimulatedMachine } from '../simulated-machine';
import type { SimulatedNetwork } from '../simulated-network';
import type { RaftChecks } from './raft-checks';
import type { RaftSwarm } from './raft-swarm';
import { RegisterMachine } from './register-machine';

/** What a member needs of the simulation around it. */
export interface RaftSurroundings {
  readonly swarm: RaftSwarm;
  readonly network: SimulatedNetwork;
  readonly checks: RaftChecks;
  member(id: NodeId): RaftMember;
  /** This member has begun to lead, or waits for its disk: a moment at which much can go wrong. */
  moment(member: RaftMember, kind: 'leads' | 'syncs'): void;
  /** The disk failed, and the process has ended. */
  failed(member: RaftMember): void;
}

export class RaftMember {
  node: RaftNode | null = null;
  registers: RegisterMachine;
  syncMeanMs: number;
  /** When something last came from each other node, virtual ms. */
  readonly heardAtMs = new Map<NodeId, number>();
  /** Since when it leads without a pause, virtual ms; NaN while it does not. */
  leadsSinceMs = NaN;
  ledMembership: Membership | null = null;
  private readonly transport: Transport;
  private readonly crashingLog: CrashingLog;
  private disk: SimulatedDisk;
  private isDiskBusy = false;

  constructor(
    readonly id: NodeId,
    readonly machine: SimulatedMachine,
    private readonly around: RaftSurroundings,
    private readonly random: Random,
  ) {
    const { swarm, checks } = around;
    this.syncMeanMs = swarm.syncMeanMs;
    this.transport = { send: (message) => this.send(message), onMessage: () => {}, onGone: () => {} };
    this.crashingLog = new CrashingLog(random, (done) => this.sync(done));
    this.disk = new SimulatedDisk(new Random(random.uint32()), { directories: ['/data'], isHarsh: swarm.isHarshDisk });
    this.registers = new RegisterMachine(
      (entry, digest) => checks.applied(this.node!, entry, digest),
      (index, digest) => checks.restored(this.id, index, digest),
    );
  }

  /** The node, where the process runs. */
  get isUp(): boolean {
    return this.node !== null;
  }

  /** Starts the process. */
  boot(): void {
    const { swarm, checks } = this.around;
    const { machine } = this;
    if (!machine.isUp) machine.boot();
    this.registers = new RegisterMachine(
      (entry, digest) => checks.applied(this.node!, entry, digest),
      (index, digest) => checks.restored(this.id, index, digest),
    );
    const voters = Array.from({ length: swarm.nodes }, (_, i) => i + 1);
    const { id, random, transport, registers } = this;
    const world = { clock: machine.clock, timers: machine.timers, random: new Random(random.uint32()), log: () => {} };
    const storage = this.watch(this.openStorage());
    const node = new RaftNode(
      world,
      { storage, transport, machine: registers },
      {
        id,
        membership: membershipOf(voters),
        compactAfterEntries: swarm.compactAfterEntries,
        readsByLease: swarm.readsByLease,
        entryBytesPerMessageMax: swarm.entryBytesPerMessageMax,
        snapshotChunkBytes: swarm.snapshotChunkBytes,
      },
    );
    this.node = node;
    this.leadsSinceMs = NaN;
    node.onLeader = (leader) => this.leaderChanged(node, leader);
    node.onFailed = () => {
      this.die();
      this.around.failed(this);
    };
    node.start();
  }

  /** Kills the process, or pulls the plug; the others may notice. */
  crash(kill: 'process' | 'power'): void {
    this.disk = this.disk.crash(new Random(this.random.uint32()), kill);
    this.die();
  }

  /** The next fsync fails. */
  failDisk(): void {
    this.disk.failNext('sync', 'EIO');
  }

  /** The process of another node is gone. */
  noticeGone(node: NodeId): void {
    this.machine.run(() => this.transport.onGone(node));
  }

  private die(): void {
    this.machine.die();
    this.node = null;
    this.leadsSinceMs = NaN;
    this.isDiskBusy = false;
    this.transport.onMessage = () => {};
    this.transport.onGone = () => {};
  }

  private openStorage(): LogStorage {
    if (this.around.swarm.storage === 'crashing-log') return this.crashingLog.open();
    // A process that failed left its lock and its files open: the next one finds the disk as a death leaves it.
    this.disk = this.disk.crash(new Random(this.random.uint32()), 'process');
    return new DiskLog(this.disk, '/data/raft', {
      id: this.id,
      random: new Random(this.random.uint32()),
      segmentBytesMax: 2000,
    });
  }

  private watch(storage: LogStorage): LogStorage {
    const { checks } = this.around;
    return {
      load: () => {
        const saved = storage.load();
        checks.loaded(this.id, saved);
        return saved;
      },
      append: (hardState, entries, done) => {
        checks.saving(this.node!, entries);
        storage.append(hardState, entries, (error) => {
          if (error === null && entries.length > 0) checks.saved(this.id, entries[entries.length - 1].index);
          done(error);
        });
        this.diskBegan();
      },
      saveSnapshot: (snapshot, hardState, done) => {
        checks.savingSnapshot(this.id, snapshot);
        storage.saveSnapshot(snapshot, hardState, (error) => {
          if (error === null) checks.savedSnapshot(this.id);
          done(error);
        });
        this.diskBegan();
      },
      close: () => storage.close(),
    };
  }

  private diskBegan(): void {
    this.around.moment(this, 'syncs');
    this.workDisk();
  }

  /** Lets the threads of the disk do one deed after the other, each in its time. */
  private workDisk(): void {
    if (this.isDiskBusy || this.disk.pendingDeeds === 0) return;
    this.isDiskBusy = true;
    this.sync(() => {
      this.isDiskBusy = false;
      this.disk.runPending(1);
      this.workDisk();
    });
  }

  private sync(done: () => void): void {
    const { machine } = this;
    const { life } = machine;
    const delayMs = -this.syncMeanMs * Math.log(1 - this.random.fraction());
    machine.time.after(delayMs, () => {
      if (life === machine.life) machine.run(done);
    });
  }

  private send(message: Message): void {
    const { checks, network } = this.around;
    checks.sent(this.node!, message);
    const target = this.around.member(message.to);
    network.send(this.machine, target.machine, () => target.receive(message));
  }

  private receive(message: Message): void {
    this.machine.time.note(message.from * 31 + message.term);
    this.heardAtMs.set(message.from, this.machine.time.nowMs);
    this.around.checks.received(this.node!, message);
    this.transport.onMessage(message);
  }

  private leaderChanged(node: RaftNode, leader: NodeId): void {
    if (leader !== this.id || !node.isLeader) {
      this.leadsSinceMs = NaN;
      return;
    }
    this.leadsSinceMs = this.machine.time.nowMs;
    this.around.checks.becameLeader(node);
    this.around.moment(this, 'leads');
  }
}
