/**
 * RaftMember: one machine of a simulated Raft cluster: the real RaftNode, with a disk, a network and a state machine that are simulated.
 *
 * A process that dies takes its memory with it; the disk (member-disk.ts) stays, less what a loss of power takes. What the node says on the
 * wire goes past the checks, as what it does to its disk does.
 */
import { Random } from '../../base';
import { membershipOf, RaftNode, type Membership, type Message, type NodeId, type Transport } from '../../raft';
import { MemberDisk } from '../member-disk';
import type { SimulatedMachine } from '../simulated-machine';
import type { SimulatedNetwork } from '../simulated-network';
import type { CheckedNode, RaftChecks } from './raft-checks';
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
  readonly disk: MemberDisk;
  /** When something last came from each other node, virtual ms. */
  readonly heardAtMs = new Map<NodeId, number>();
  /** Since when it leads without a pause, virtual ms; NaN while it does not. */
  leadsSinceMs = NaN;
  ledMembership: Membership | null = null;
  private readonly transport: Transport;

  constructor(
    readonly id: NodeId,
    readonly machine: SimulatedMachine,
    private readonly around: RaftSurroundings,
    private readonly random: Random,
  ) {
    const { swarm, checks } = around;
    this.transport = { send: (message) => this.send(message), onMessage: () => {}, onGone: () => {} };
    this.disk = new MemberDisk(this, swarm, checks, random);
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
    const storage = this.disk.open();
    const { compactAfterEntries, entriesKeptMax, readsByLease, entryBytesPerMessageMax, snapshotChunkBytes } = swarm;
    const limits = { compactAfterEntries, entriesKeptMax, readsByLease, entryBytesPerMessageMax, snapshotChunkBytes };
    const membership = membershipOf(voters);
    const node = new RaftNode(world, { storage, transport, machine: registers }, { id, membership, ...limits });
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
    this.disk.crash(kill);
    this.die();
  }

  checked(): CheckedNode {
    return this.node!;
  }

  saves(): void {
    this.around.moment(this, 'syncs');
  }

  /** The process of another node is gone. */
  noticeGone(node: NodeId): void {
    this.machine.run(() => this.transport.onGone(node));
  }

  private die(): void {
    this.machine.die();
    this.node = null;
    this.leadsSinceMs = NaN;
    this.transport.onMessage = () => {};
    this.transport.onGone = () => {};
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
