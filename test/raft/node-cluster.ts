/** Raft nodes on one virtual clock, each with a simulated disk that takes its time, and a list of words as state machine. */
import { Random, silentLog } from '../../src/base';
import { DiskLog } from '../../src/raft/disk-log';
import { RaftNode, type RaftNodeOptions } from '../../src/raft/node';
import type { Outcome } from '../../src/raft/node-waiting';
import type { StateMachine } from '../../src/raft/ports';
import type { Entry, Message, NodeId } from '../../src/raft/types';
import { SimulatedDisk } from '../../src/sim';
import { MemoryNetwork } from './memory-network';
import { VirtualTime } from './virtual-time';

/** Remembers every word; answers with how many there are. */
export class WordList implements StateMachine {
  words: string[] = [];

  constructor(private readonly heard: (entry: Entry) => void) {}

  apply(entry: Entry): number {
    this.heard(entry);
    return this.words.push(Buffer.from(entry.data).toString());
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.words));
  }

  restore(data: Uint8Array): void {
    this.words = JSON.parse(Buffer.from(data).toString()) as string[];
  }
}

/** One node with its disk, through all its lives. */
export class Member {
  machine!: WordList;
  node!: RaftNode;
  disk: SimulatedDisk;
  readonly failures: Error[] = [];
  /** What `onLeader` was called with. */
  readonly leaders: string[] = [];
  /** Virtual milliseconds that each deed on the disk takes. */
  diskMs = 1;

  constructor(
    private readonly cluster: NodeCluster,
    readonly id: NodeId,
    private readonly options: Partial<RaftNodeOptions>,
  ) {
    this.disk = new SimulatedDisk(new Random(id), { isHarsh: true });
    this.start();
  }

  start(): void {
    const { time, random, network } = this.cluster;
    this.machine = new WordList((entry) => this.cluster.applied(entry));
    const storage = new DiskLog(this.disk, '/raft', { id: this.id, random, segmentBytesMax: 4000 });
    const world = { clock: time.clock, timers: time.timers, random, log: silentLog };
    const options = { membership: this.cluster.membership, compactAfterEntries: 20, ...this.options, id: this.id };
    this.node = new RaftNode(world, { storage, transport: network.of(this.id), machine: this.machine }, options);
    this.node.onFailed = (error) => this.failures.push(error);
    this.node.onLeader = (leader, term) => this.leaders.push(`${leader} in ${term}`);
    this.node.start();
    this.keepDiskGoing(this.node, this.disk);
  }

  /** The machine stops; a start finds what the disk has then. */
  crash(end: 'process' | 'power'): void {
    const left = this.disk.crash(this.cluster.random, end);
    this.node.stop();
    this.disk = left;
  }

  propose(word: string): { outcome: Outcome | null } {
    const answer: { outcome: Outcome | null } = { outcome: null };
    this.node.propose(Buffer.from(word), (outcome) => (answer.outcome = outcome));
    return answer;
  }

  read(): { isCurrent: boolean | null; words: string[] } {
    const answer: { isCurrent: boolean | null; words: string[] } = { isCurrent: null, words: [] };
    this.node.read((isCurrent) => {
      answer.isCurrent = isCurrent;
      answer.words = [...this.machine.words];
    });
    return answer;
  }

  private keepDiskGoing(node: RaftNode, disk: SimulatedDisk): void {
    this.cluster.time.timers.after(this.diskMs, () => {
      if (node !== this.node || disk !== this.disk) return;
      disk.runPending(1);
      this.keepDiskGoing(node, disk);
    });
  }
}

export class NodeCluster {
  /** Called with each entry that any node carries out. */
  applied: (entry: Entry) => void = () => {};
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork(this.time.timers);
  readonly random: Random;
  readonly members: Member[];
  readonly membership;

  constructor(count: number, seed = 1, options: Partial<RaftNodeOptions> = {}) {
    this.random = new Random(seed);
    const voters = Array.from({ length: count }, (_, i) => i + 1);
    this.membership = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
    this.members = voters.map((id) => new Member(this, id, options));
  }

  /** The one that leads, once there is one that all others follow. */
  get leader(): Member {
    const find = (): Member | undefined => {
      const leaders = this.members.filter(({ node }) => node.isLeader);
      const [leader] = leaders;
      return leaders.length === 1 && this.members.every(({ node }) => node.leader === leader.id) ? leader : undefined;
    };
    this.time.until(() => find() !== undefined);
    return find()!;
  }

  get followers(): Member[] {
    const { leader } = this;
    return this.members.filter((member) => member !== leader);
  }

  /** Cuts a node off from all others, in both directions. */
  cut(...ids: readonly NodeId[]): void {
    this.network.lets = ({ from, to }: Message) => ids.includes(from) === ids.includes(to);
  }

  heal(): void {
    this.network.lets = () => true;
  }
}
