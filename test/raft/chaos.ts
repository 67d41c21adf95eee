/**
 * Chaos: cores under random delays, losses, repetitions, cuts, slow saves, crashes, changes of membership, snapshots, transfers
 * and reads, with what must never happen checked after each event. The whole stack has a simulator of its own (src/sim); this one
 * has nothing but cores and finds what is wrong with those sooner.
 */
import { Random } from '../../src/base';
import {
  membershipOf,
  MemoryLog,
  RaftCore,
  type Entry,
  type Message,
  type MembershipStep,
  type NodeId,
  type RaftOptions,
  type Ready,
} from '../../src/raft';

const ELECTION_TIMEOUT_MS = 100;
const HEARTBEAT_MS = 20;

interface Member {
  core: RaftCore;
  readonly storage: MemoryLog;
  pending: Ready | null;
  savedAtMs: number;
  /** The commit known to anybody when a read was asked for, by its number. */
  reads: Map<number, number>;
  /** Sum over what was applied, in its order. */
  digest: number;
  appliedIndex: number;
  isUp: boolean;
}

interface Flight {
  readonly message: Message;
  readonly arriveAtMs: number;
}

/** What must never happen has happened. */
export class Violation extends Error {}

export class Chaos {
  nowMs = 0;
  events = 0;
  /** How often rare things happened: a run in which they did not proves little. */
  readonly seen = { leaders: 0, commits: 0, reads: 0, snapshots: 0, membershipChanges: 0, crashes: 0, truncations: 0 };
  private readonly random: Random;
  private readonly members = new Map<NodeId, Member>();
  private inFlight: Flight[] = [];
  private readonly leaderOf = new Map<number, NodeId>();
  /** Term and digest of each entry that was applied anywhere. */
  private readonly history: { term: number; digest: number }[] = [{ term: 0, digest: 0 }];
  private commit = 0;
  private cut = new Set<NodeId>();
  private healAtMs = 0;
  private readonly ids: readonly NodeId[];
  private readonly lossMax: number;
  private readonly slowness: number;

  constructor(
    readonly seed: number,
    private readonly options: Partial<RaftOptions> = {},
  ) {
    this.random = new Random(seed);
    const voters = this.random.below(3) === 0 ? 5 : 3;
    this.ids = Array.from({ length: voters + 2 }, (_, i) => i + 1);
    this.lossMax = this.random.fraction() * 0.2;
    this.slowness = this.random.below(3) === 0 ? 60 : 3;
    for (const id of this.ids) {
      const storage = new MemoryLog();
      const member = { storage, pending: null, savedAtMs: 0, reads: new Map(), digest: 0, appliedIndex: 0, isUp: true };
      this.members.set(id, { core: this.boot(id, storage, voters), ...member });
    }
  }

  /** Lets so many things happen. @throws Violation */
  run(events: number): void {
    for (const end = this.events + events; this.events < end; this.events++) this.happen();
  }

  /** Ends all faults; whether somebody leads soon, and what it is given gets through. */
  heals(): boolean {
    this.healAtMs = Infinity;
    this.cut = new Set();
    for (const [id, member] of this.members) if (!member.isUp) this.restart(id, member);
    const endMs = this.nowMs + 40 * ELECTION_TIMEOUT_MS;
    while (this.nowMs < endMs) this.stepSafely();
    const leader = [...this.members.values()].find(({ core }) => core.role === 'leader')?.core;
    const index = leader?.propose(Buffer.from('last'), this.nowMs) ?? null;
    while (this.nowMs < endMs + 10 * ELECTION_TIMEOUT_MS) this.stepSafely();
    return index !== null && this.commit >= index;
  }

  private stepSafely(): void {
    this.step(0, 0);
    this.check();
  }

  private boot(id: NodeId, storage: MemoryLog, voters: number): RaftCore {
    const membership = membershipOf(id > voters ? [] : this.ids.slice(0, voters));
    const limits = { entryBytesPerMessageMax: 40, appendsInFlightMax: 4, snapshotChunkBytes: 4, entriesKeptMax: 3 };
    const times = { electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS };
    const random = new Random(this.random.uint32());
    return new RaftCore({ id, ...times, ...limits, random, ...this.options }, storage.load(), membership, this.nowMs);
  }

  private happen(): void {
    const dice = this.random.below(1000);
    if (dice < 60) this.onLeader((core) => void core.propose(Buffer.from(`entry ${this.events}`), this.nowMs));
    else if (dice < 80) this.read();
    else if (dice < 84) this.onLeader((core) => void core.proposeMembership(this.someSteps(), this.nowMs));
    else if (dice < 87) this.onLeader((core) => void core.transferTo(this.someId(), this.nowMs));
    else if (dice < 93) this.compact(this.someId());
    else if (dice < 96) this.crash(this.someId());
    else if (dice < 99) this.isolate();
    else if (dice < 101 && this.options.readsByLease !== true)
      this.member(this.someId()).core.suspectLeader(this.nowMs);
    else this.step(this.lossMax, 0.03);
    this.check();
  }

  /** Time goes to the next thing that is due: a message, a save, a timer. */
  private step(loss: number, repetition: number): void {
    let dueAtMs = Infinity;
    let flight = -1;
    for (let i = 0; i < this.inFlight.length; i++) {
      if (this.inFlight[i].arriveAtMs < dueAtMs) [flight, dueAtMs] = [i, this.inFlight[i].arriveAtMs];
    }
    let member: Member | null = null;
    for (const each of this.members.values()) {
      if (!each.isUp) continue;
      const atMs = Math.min(each.core.wakeAtMs, each.pending === null ? Infinity : each.savedAtMs);
      if (atMs < dueAtMs) [member, dueAtMs] = [each, atMs];
    }
    this.nowMs = Math.max(this.nowMs, Math.min(dueAtMs, this.nowMs + HEARTBEAT_MS));
    if (this.nowMs >= this.healAtMs) this.cut = new Set();
    if (dueAtMs > this.nowMs) return;
    if (member === null) this.arrive(flight, loss, repetition);
    else if (member.pending !== null && member.savedAtMs <= this.nowMs) this.save(member, member.pending);
    else member.core.tick(this.nowMs);
    for (const each of this.members.values()) if (each.isUp) this.collect(each);
  }

  private arrive(flight: number, loss: number, repetition: number): void {
    const { message } = this.inFlight[flight];
    if (this.random.fraction() >= repetition) this.inFlight.splice(flight, 1);
    const { core, isUp } = this.member(message.to);
    const isCut = this.cut.has(message.from) !== this.cut.has(message.to);
    if (isUp && !isCut && this.random.fraction() >= loss) core.step(message, this.nowMs);
  }

  private collect(member: Member): void {
    this.post(member.core.takeUrgent());
    if (member.pending !== null) return;
    member.pending = member.core.ready();
    member.savedAtMs = this.nowMs + this.random.fraction() * this.slowness;
  }

  private post(messages: readonly Message[]): void {
    for (const message of messages) {
      const delayMs = this.random.below(20) === 0 ? 60 : 4;
      this.inFlight.push({ message, arriveAtMs: this.nowMs + this.random.fraction() * delayMs });
    }
  }

  private save(member: Member, { hardState, snapshot, entries, messages, committed, reads }: Ready): void {
    member.pending = null;
    if (snapshot !== null) {
      member.storage.saveSnapshot(snapshot, null, () => {});
      member.appliedIndex = snapshot.index;
      member.digest = Buffer.from(snapshot.data).readDoubleBE(0);
      if (this.history[snapshot.index]?.digest !== member.digest) throw new Violation('a snapshot of another history');
      this.seen.snapshots++;
    }
    const { entries: before } = member.storage.load();
    if (entries.length > 0 && before.length > 0 && entries[0].index <= before[before.length - 1].index)
      this.seen.truncations++;
    if (hardState !== null || entries.length > 0) member.storage.append(hardState, entries, () => {});
    this.post(messages);
    for (const entry of committed) this.apply(member, entry);
    for (const { number, index } of reads) {
      const least = member.reads.get(number) ?? 0;
      if (index >= 0 && index < least) throw new Violation(`a read at ${index} after ${least} was committed (R8)`);
      if (index >= 0) this.seen.reads++;
    }
    member.core.advance();
  }

  private apply(member: Member, { index, term, kind, data }: Entry): void {
    if (index !== member.appliedIndex + 1) throw new Violation('entries are applied in their order');
    member.appliedIndex = index;
    member.digest = (member.digest * 31 + term * 7 + index + data.length * 3 + (data[data.length - 1] ?? 0)) % 1e9;
    if (kind === 'membership') this.seen.membershipChanges++;
    const known = this.history[index];
    if (known === undefined) this.history[index] = { term, digest: member.digest };
    else if (known.term !== term || known.digest !== member.digest)
      throw new Violation(`two histories at ${index} (R5)`);
  }

  private check(): void {
    for (const [id, { core, isUp }] of this.members) {
      if (!isUp) continue;
      this.commit = Math.max(this.commit, core.commit);
      if (core.role !== 'leader') continue;
      const leader = this.leaderOf.get(core.term);
      if (leader === undefined) this.seen.leaders++;
      else if (leader !== id) throw new Violation(`two leaders in term ${core.term} (R1)`);
      this.leaderOf.set(core.term, id);
    }
    this.seen.commits = this.commit;
  }

  private read(): void {
    for (const { core, reads, isUp } of this.members.values()) {
      const number = isUp ? core.requestRead(this.nowMs) : null;
      if (number !== null) reads.set(number, this.commit);
    }
  }

  private compact(id: NodeId): void {
    const { core, storage, digest, appliedIndex, pending, isUp } = this.member(id);
    if (!isUp || pending !== null || appliedIndex === 0) return;
    const data = Buffer.alloc(8 + this.random.below(8));
    data.writeDoubleBE(digest);
    const snapshot = core.compact(appliedIndex, data);
    if (snapshot.data === data) storage.saveSnapshot(snapshot, null, () => {});
  }

  private crash(id: NodeId): void {
    const member = this.member(id);
    if (!member.isUp) this.restart(id, member);
    else if (this.nowMs < this.healAtMs || [...this.members.values()].filter(({ isUp }) => !isUp).length === 0) {
      member.isUp = false;
      this.seen.crashes++;
    }
  }

  private restart(id: NodeId, member: Member): void {
    const { snapshot } = member.storage.load();
    member.core = this.boot(id, member.storage, this.ids.length - 2);
    member.pending = null;
    member.reads = new Map();
    member.isUp = true;
    member.appliedIndex = snapshot?.index ?? 0;
    member.digest = snapshot === null ? 0 : Buffer.from(snapshot.data).readDoubleBE(0);
  }

  private isolate(): void {
    const leader = [...this.members].find(([, { core }]) => core.role === 'leader');
    this.cut = new Set([this.someId()]);
    if (leader !== undefined && this.random.below(2) === 0) this.cut.add(leader[0]);
    this.healAtMs = this.nowMs + this.random.fraction() * 8 * ELECTION_TIMEOUT_MS;
  }

  private onLeader(deed: (core: RaftCore) => void): void {
    for (const { core, isUp } of this.members.values()) if (isUp && core.role === 'leader') deed(core);
  }

  private someSteps(): MembershipStep[] {
    const deeds = ['add-voter', 'add-voter', 'add-learner', 'remove'] as const;
    const count = this.random.below(2) * 2 + 1;
    return Array.from({ length: count }, () => ({ does: deeds[this.random.below(4)], node: this.someId() }));
  }

  private someId(): NodeId {
    return this.ids[this.random.below(this.ids.length)];
  }

  private member(id: NodeId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`there is no node ${id}`);
    return member;
  }
}
